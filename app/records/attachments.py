"""Files that a save names: whether they may be taken, and whose they are from then on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.definitions.catalog import Entity, Field
from app.records.drafts import Draft, Problems
from app.records.files import find_files, give_files
from app.records.work import Work
from app.texts import Label, say


def check_files(work: Work, draft: Draft, problems: Problems, prefix: str = "") -> None:
    """Refuse files that are not there, that are another's, or that the field does not take."""
    for name in work.rows[draft.entity.name].lists.files & draft.changes.keys():
        if not draft.changed(name):
            continue
        field = draft.entity.fields[name]
        ids = _ids(draft.changes[name])
        found = find_files(work.connection, ids)
        for file_id in ids:
            sentence = _refusal(work, draft, field, file_id, found.get(file_id))
            if sentence is not None:
                problems.add(prefix + name, sentence)


def take_files(work: Work, draft: Draft, record_id: int, prefix: str = "") -> None:
    """Make the files a draft names its record's own."""
    for name in work.rows[draft.entity.name].lists.files & draft.changes.keys():
        if ids := _ids(draft.changes[name]):
            owner = draft.entity.lines_of[0] if draft.entity.lines_of else draft.entity.name
            number = work.number(owner)
            give_files(work.connection, ids, number, record_id, prefix or name)


def keep_files(work: Work, entity: Entity, record_id: int) -> None:
    """Make the files that a record's fields name its own, wherever they were before."""
    own = work.rows[entity.name]
    names = own.lists.files
    rows = own.read(work.connection, [record_id]) if names else {}
    values = own.values(rows[record_id]) if rows else {}
    for name in names:
        if ids := _ids(values.get(name)):
            give_files(work.connection, ids, work.number(entity.name), record_id, name)


def _ids(value: Any) -> list[int]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _refusal(
    work: Work, draft: Draft, field: Field, file_id: int, row: Mapping[str, Any] | None
) -> Label | None:
    if row is None or not _is_mine(work, draft, field, file_id, row):
        return say(
            "There is no file {id}; upload it first.",
            "没有编号为 {id} 的文件，请先上传。",
            id=file_id,
        )
    types = field.settings.get("types") or getattr(field.type, "usual", ())
    ending = row["name"].rpartition(".")[2].lower()
    if types and ending not in types:
        return say(
            "{label} takes no .{ending} files. It takes {types}.",
            "“{label}”不接受 .{ending} 文件。可接受：{types}。",
            label=field.label,
            ending=ending,
            types=", ".join(types),
        )
    most = field.settings.get("max_size") or getattr(field.type, "usual_size", None)
    if most is not None and row["size"] > most:
        return say(
            "{label} takes files of at most {most} MB.",
            "“{label}”的文件不能超过 {most} MB。",
            label=field.label,
            most=round(most / 1024 / 1024, 1),
        )
    return None


def _is_mine(work: Work, draft: Draft, field: Field, file_id: int, row: Mapping[str, Any]) -> bool:
    """Return whether the file is a fresh one of whoever writes, or the record's already."""
    if file_id in _ids(draft.old.get(field.name)):
        return True
    if row["record_id"] is None:
        return work.principal.is_system or row["uploaded_by"] == work.principal.user_id
    is_here = row["entity"] == work.number(draft.entity.name) and row["record_id"] == draft.id
    return draft.entity.lines_of is None and is_here
