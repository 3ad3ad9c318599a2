"""How much room files take, and the largest of them: for administrators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response
from markupsafe import Markup

from app.records.storage import Storage, look_at_files
from app.screens.list_view import Tab
from app.screens.marks import Mark, mark_of
from app.screens.moments import time_tag
from app.screens.navigation import plural
from app.screens.system import size_words, system_tabs
from app.screens.visit import Visit
from app.security.manager import require_admin
from app.texts import say


@dataclass(frozen=True, slots=True)
class FileRow:
    """One of the largest files."""

    name: str
    href: str
    size: str
    where: str
    where_href: str
    who: Mark | None
    when: str | Markup


@dataclass(frozen=True, slots=True)
class FilesView:
    """Everything `files.html` shows."""

    tabs: Sequence[Tab]
    heading: str
    figures: Sequence[tuple[str, str]]
    entities: Sequence[tuple[str, str, str]]
    rows: Sequence[FileRow]
    words: dict[str, str]


def files_page(visit: Visit) -> Response:
    """Return how much room files take, and the largest."""
    require_admin(visit.principal)
    with visit.core.pools.read.connection() as connection:
        storage = look_at_files(connection)
    names = visit.core.live.release.names
    entities = visit.catalog.entities
    view = FilesView(
        system_tabs(visit, "files"),
        visit.words(say("Files", "文件")),
        _figures(visit, storage),
        [
            (plural(entities[names[number]], visit.language), f"{count:,}", size_words(size))
            for number, count, size in storage.by_entity
            if names.get(number) in entities
        ],
        [_file_row(visit, one) for one in storage.largest],
        {
            key: visit.words(text)
            for key, text in (
                ("largest", say("The largest", "最大的文件")), ("file", say("File", "文件")),
                ("size", say("Size", "大小")), ("record", say("Record", "记录")),
                ("who", say("Uploaded by", "上传者")), ("when", say("When", "时间")),
                ("none", say("No file yet.", "还没有文件。")),
                ("entity", say("Records", "记录")), ("count", say("Files", "文件")),
            )
        },
    )  # fmt: skip
    return visit.render("files.html", page=visit.page(view.heading, "system"), view=view)


def _figures(visit: Visit, storage: Storage) -> list[tuple[str, str]]:
    quota = visit.core.files.quota
    used = size_words(storage.bytes)
    if quota is not None:
        used = f"{used} / {size_words(quota)}"
    figures = (
        (say("Files", "文件数"), f"{storage.files:,}"),
        (say("Their size", "总大小"), used),
        (say("On disk, equal ones once", "磁盘占用（去重）"), size_words(storage.on_disk)),
        (say("On no record yet", "尚未关联记录"), f"{storage.waiting:,}"),
        (say("Removed, swept within a day", "已移除，一天内清理"), f"{storage.removed:,}"),
    )
    return [(visit.words(label), value) for label, value in figures]


def _file_row(visit: Visit, one: Any) -> FileRow:
    look, entity = visit.look, visit.core.live.release.names.get(one.entity or 0)
    person = visit.core.organisation.snapshot().people.get(one.uploaded_by or 0)
    where = visit.catalog.entities.get(entity or "")
    return FileRow(
        one.name,
        f"/files/{one.id}",
        size_words(one.size),
        f"{visit.words(where.label)} #{one.record_id}" if where and one.record_id else "",
        f"/crm/{entity}/{one.record_id}" if where and one.record_id else "",
        mark_of(person.name) if person else None,
        time_tag(one.uploaded_at, look.now, visit.wording, look.zone),
    )
