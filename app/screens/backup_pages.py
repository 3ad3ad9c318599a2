"""Backups, for administrators: which there are, one more now, one tried now, one taken along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, redirect, request, send_file
from markupsafe import Markup

from app.backups.book import Entry
from app.backups.faults import BackupFault
from app.database import audit
from app.errors import NotFound
from app.jobs.beginning import begin_backup, begin_rehearsal
from app.screens.list_view import Tab
from app.screens.moments import time_tag
from app.screens.system import size_words, system_tabs
from app.screens.visit import Visit, leave_toast
from app.security.manager import require_admin
from app.texts import Label, say


@dataclass(frozen=True, slots=True)
class BackupRow:
    """One line of the list."""

    when: str | Markup
    name: str
    #: where it is fetched; empty where it is not there any more
    href: str
    size: str
    rows: str
    took: str
    #: dot and word: ok | bad | info
    state: str
    sentence: str
    tried: str | Markup


@dataclass(frozen=True, slots=True)
class BackupsView:
    """Everything `backups.html` shows."""

    tabs: Sequence[Tab]
    heading: str
    state: str
    summary: str
    rows: Sequence[BackupRow]


def backups_page(visit: Visit) -> Response:
    """Return the backups there are and how they stand."""
    require_admin(visit.principal)
    backups = visit.core.backups
    trouble = backups.trouble()
    try:
        entries = backups.entries()
    except BackupFault as away:
        entries, trouble = backups.entries(look=False), away.message
    sealed = visit.core.settings.backup_key is not None
    facts = {
        "days": backups.kept_days,
        "folder": backups.place.called,
        "hour": f"{visit.core.settings.backup_hour}:00",
    }
    summary = say(
        "One is made each day from {hour} on, tried each week, and kept for {days} days in "
        "{folder}. {sealed}",
        "每天 {hour} 后自动备份，每周演练恢复一次，在 {folder} 中保留 {days} 天。{sealed}",
        **facts,
        sealed=_sealed() if sealed else _open(),
    )
    view = BackupsView(
        system_tabs(visit, "backups"),
        visit.words(say("Backups", "备份")),
        "bad" if trouble else "info",
        visit.words(trouble or summary),
        [_row(visit, one) for one in entries],
    )
    return visit.render("backups.html", page=visit.page(view.heading, "system"), view=view)


def _sealed() -> Label:
    return say("They are sealed.", "备份已加密。")


def _open() -> Label:
    return say(
        "They are not sealed: set TRELLIS_BACKUP_KEY.", "备份未加密：请设置 TRELLIS_BACKUP_KEY。"
    )


def _row(visit: Visit, one: Entry) -> BackupRow:
    look = visit.look
    state, sentence = _standing(one)
    tried: str | Markup = ""
    if one.tried_at is not None:
        tried = time_tag(one.tried_at, look.now, visit.wording, look.zone)
    return BackupRow(
        time_tag(one.made_at, look.now, visit.wording, look.zone),
        one.name or "",
        f"/system/backups/{one.name}" if one.is_there else "",
        size_words(one.size) if one.size is not None else "",
        f"{one.rows:,}" if one.rows is not None else "",
        f"{one.seconds:.1f} s" if one.name else "",
        state,
        visit.words(sentence),
        tried,
    )


def _standing(one: Entry) -> tuple[str, Label]:
    if one.problem is not None:
        return "bad", Label(one.problem)
    if one.tried_problem is not None:
        return "bad", Label(one.tried_problem)
    if one.removed_at is not None:
        return "info", say("Removed, being old enough", "已到期删除")
    if not one.is_there:
        return "warn", say("Its file is elsewhere", "文件不在备份文件夹中")
    if one.tried_at is not None:
        return "ok", say("Comes back: tried", "演练恢复成功")
    return "ok", say("Made and whole", "备份完整")


def make_backup(visit: Visit) -> Response:
    """Have a worker make a backup."""
    require_admin(visit.principal)
    begin_backup(visit.core.settings.redis_url, visit.principal.user_id)
    leave_toast(visit.words(say("A backup is being made", "正在备份")))
    return redirect("/system/backups", 303)  # type: ignore[return-value]


def try_backup(visit: Visit) -> Response:
    """Have a worker restore the newest backup beside the database."""
    require_admin(visit.principal)
    begin_rehearsal(visit.core.settings.redis_url)
    leave_toast(visit.words(say("The newest backup is being tried", "正在演练恢复最新的备份")))
    return redirect("/system/backups", 303)  # type: ignore[return-value]


def fetch_backup(visit: Visit, name: str) -> Response:
    """Return the file of a backup; who took it along is noted."""
    require_admin(visit.principal)
    path = visit.core.backups.place.named(name)
    if path is None:
        raise NotFound
    with visit.core.pools.write.connection() as connection:
        audit.note(
            connection,
            "data.backup.fetched",
            user_id=visit.principal.user_id,
            address=request.remote_addr,
            details={"file": name},
        )
    with visit.core.backups.place.opened(path) as fetched:
        # Open, it may be read to its end whatever becomes of its name.
        file = fetched.open("rb")
    answer = send_file(
        file, mimetype="application/octet-stream", as_attachment=True, download_name=name
    )
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
