"""How the installation stands, in words: for administrators."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa
from flask import Response

from app.database.statements import Statement
from app.jobs import inspection
from app.jobs.overview import Overview, look
from app.notifications.sendings import channels_waited_for
from app.personal.keeping import KINDS
from app.screens.list_view import Tab
from app.screens.visit import Visit
from app.security.manager import require_admin
from app.texts import Label, say

_GB = 1024**3
#: Less of the disk free than this is said, or is trouble.
_LITTLE, _TOO_LITTLE = 0.15, 0.05
_database = Statement(
    sa.select(
        sa.func.current_setting("server_version").label("version"),
        sa.func.pg_database_size(sa.func.current_database()).label("bytes"),
        sa.select(sa.func.count())
        .select_from(sa.table("pg_stat_activity", schema="pg_catalog"))
        .scalar_subquery()
        .label("open"),
        sa.cast(sa.func.current_setting("max_connections"), sa.Integer).label("most"),
        sa.func.clock_timestamp(type_=sa.DateTime(timezone=True)).label("now"),
    )
)


#: So much that goes in one night is worth a look.
_MANY_GO = 1_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of the installation."""

    #: ok | warn | bad | info
    state: str
    name: str
    sentence: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class HealthView:
    """Everything `system.html` shows."""

    tabs: Sequence[Tab]
    heading: str
    summary: str
    state: str
    findings: Sequence[Finding]
    look: str


def system_tabs(visit: Visit, on: str) -> list[Tab]:
    """Return the parts of the pages of the system, the one of *on* marked."""
    tabs = (
        ("health", say("Health", "运行状态"), "/system"),
        ("jobs", say("Jobs", "后台任务"), "/jobs"),
        ("deliveries", say("Deliveries", "外发消息"), "/deliveries"),
        ("exchanges", say("Integrations", "集成"), "/system/integrations"),
        ("files", say("Files", "文件"), "/system/files"),
        ("backups", say("Backups", "备份"), "/system/backups"),
    )
    return [Tab(visit.words(label), href, name == on) for name, label, href in tabs]


def health_page(visit: Visit) -> Response:
    """Return how everything stands."""
    require_admin(visit.principal)
    findings = _findings(visit)
    states = [one.state for one in findings]
    state = next((one for one in ("bad", "warn") if one in states), "ok")
    summaries = {
        "ok": say("Everything works.", "一切正常。"),
        "warn": say("It works; something should be looked at.", "系统可用，但有需要关注的事项。"),
        "bad": say("Something does not work.", "有部分功能无法正常工作。"),
    }
    view = HealthView(
        system_tabs(visit, "health"),
        visit.words(say("Health", "运行状态")),
        visit.words(summaries[state]),
        state,
        findings,
        visit.words(say("Look", "查看")),
    )
    return visit.render("system.html", page=visit.page(view.heading, "system"), view=view)


def _findings(visit: Visit) -> list[Finding]:
    with visit.core.pools.read.connection() as connection:
        overview = look(connection, visit.look.now)
        database = _of_database(visit, connection)
        waited_for = channels_waited_for(connection)
    url = visit.core.settings.redis_url
    is_away = url is None or inspection.read_queues(url) is None
    return [
        database,
        _of_configuration(visit),
        _of_scheduler(visit, overview, is_away=is_away),
        _of_workers(visit, overview),
        _of_mail(visit, overview, has_waiting="email" in waited_for),
        _of_disk(visit),
        _of_logo(visit),
        _of_factors(visit),
        _of_backups(visit),
        _of_keeping(visit),
    ]


def _found(visit: Visit, state: str, name: Label, sentence: Label, href: str = "") -> Finding:
    return Finding(state, visit.words(name), visit.words(sentence), href)


def _of_database(visit: Visit, connection: psycopg.Connection[Any]) -> Finding:
    (row,) = _database.rows(connection)
    off = abs((row["now"] - visit.core.clock.now()).total_seconds())
    name = say("Database", "数据库")
    if row["open"] > 0.9 * row["most"]:
        return _found(visit, "warn", name, say(
            "{open} of {most} connections are open; more processes find none.",
            "{most} 个连接中已使用 {open} 个，新进程可能无法连接。",
            open=row["open"], most=row["most"],
        ))  # fmt: skip
    if off > 5:
        return _found(visit, "warn", name, say(
            "Its clock is {seconds} s away from the one of this machine. Set both by the network.",
            "数据库时钟与本机相差 {seconds} 秒，请通过网络校时。", seconds=round(off),
        ))  # fmt: skip
    return _found(visit, "ok", name, say(
        "PostgreSQL {version}, {size}, {open} of {most} connections open.",
        "PostgreSQL {version}，{size}，已使用 {open}/{most} 个连接。",
        version=str(row["version"]).split()[0], size=size_words(row["bytes"]),
        open=row["open"], most=row["most"],
    ))  # fmt: skip


def _of_configuration(visit: Visit) -> Finding:
    name, outstanding = say("Configuration", "配置"), visit.screens.configuration.outstanding()
    number = visit.core.live.release.version_number
    if outstanding.problems:
        return _found(visit, "bad", name, say(
            "The files have problems; version {number} goes on serving.",
            "配置文件有问题，版本 {number} 继续生效。", number=number,
        ), "/setup")  # fmt: skip
    if outstanding.changes:
        return _found(visit, "warn", name, say(
            "Version {number} serves; a change waits to be applied.",
            "版本 {number} 生效中，有更改等待应用。", number=number,
        ), "/setup")  # fmt: skip
    return _found(visit, "ok", name, say(
        "Version {number} serves.", "版本 {number} 生效中。", number=number), "/setup")  # fmt: skip


def _of_scheduler(visit: Visit, overview: Overview, *, is_away: bool) -> Finding:
    name = say("Scheduler", "调度器")
    if overview.leader is None:
        return _found(visit, "bad", name, say(
            "None is running: nothing that is due is sent. Start one: trellis scheduler.",
            "没有运行中的调度器，到期事项不会发送。请执行 trellis scheduler。",
        ), "/jobs")  # fmt: skip
    if is_away or "redis-away" in overview.troubles:
        return _found(visit, "bad", name, say(
            "Redis does not answer. What is due waits in the database and follows by itself.",
            "Redis 无响应。到期事项保留在数据库中，恢复后自动继续。"), "/jobs")  # fmt: skip
    if "late" in overview.troubles:
        return _found(visit, "warn", name, say(
            "Something has been due for more than two minutes.", "有事项已逾期超过两分钟。",
        ), "/jobs")  # fmt: skip
    return _found(visit, "ok", name, say(
        "It leads; {count} are due.", "运行中，{count} 项到期。",
        count=overview.reminders_due + overview.tasks_due), "/jobs")  # fmt: skip


def _of_workers(visit: Visit, overview: Overview) -> Finding:
    name, count = say("Workers", "工作进程"), len(overview.alive("worker"))
    missing = [one for one in overview.troubles if one.startswith("no-worker-for")]
    if missing:
        return _found(visit, "bad", name, say(
            "{count} run, none for {queues}. Start one: trellis worker.",
            "{count} 个运行中，但缺少 {queues} 的工作进程。请执行 trellis worker。",
            count=count, queues=", ".join(one.rpartition("-")[2] for one in missing),
        ), "/jobs")  # fmt: skip
    if overview.put_aside:
        return _found(visit, "warn", name, say(
            "{count} run; {aside} steps of rules were put aside because they failed.",
            "{count} 个运行中；{aside} 个规则步骤因失败被搁置。",
            count=count, aside=overview.put_aside), "/jobs")  # fmt: skip
    return _found(
        visit, "ok", name, say("{count} run.", "{count} 个运行中。", count=count), "/jobs"
    )


def _of_mail(visit: Visit, overview: Overview, *, has_waiting: bool) -> Finding:
    name, settings = say("E-mail", "邮件"), visit.core.settings
    unset = [
        setting
        for setting, value in (
            ("TRELLIS_SMTP_HOST", settings.smtp_host), ("TRELLIS_ADDRESS", settings.address),
        )
        if not value
    ]  # fmt: skip
    if unset:
        waits = (
            say("E-mails wait.", "有邮件在等待。") if has_waiting else Label({"en": "", "zh": ""})
        )
        return _found(visit, "warn", name, say(
            "Not set: {names}. No invitations, resets or messages by e-mail. {waits}",
            "未设置 {names}：无法通过邮件发送邀请、重置密码和消息。{waits}",
            names=", ".join(unset), waits=waits,
        ), "/deliveries")  # fmt: skip
    if overview.deliveries_dead:
        return _found(visit, "warn", name, say(
            "{count} messages could not be sent in the end.", "{count} 条消息最终发送失败。",
            count=overview.deliveries_dead), "/deliveries?state=dead")  # fmt: skip
    return _found(visit, "ok", name, say(
        "By {host}; {late} are late.", "通过 {host} 发送；{late} 条延迟。",
        host=settings.smtp_host, late=overview.deliveries_late), "/deliveries")  # fmt: skip


def _of_disk(visit: Visit) -> Finding:
    usage = shutil.disk_usage(visit.core.settings.data)
    part = usage.free / usage.total if usage.total else 0
    state = "bad" if part < _TOO_LITTLE else "warn" if part < _LITTLE else "ok"
    return _found(visit, state, say("Disk", "磁盘"), say(
        "{free} of {all} are free where the data is kept ({percent} %).",
        "数据所在磁盘剩余 {free}，共 {all}（{percent}%）。",
        free=size_words(usage.free), all=size_words(usage.total), percent=round(part * 100),
    ), "/system/files")  # fmt: skip


def _of_logo(visit: Visit) -> Finding:
    name, file = say("Logo", "徽标"), visit.catalog.app.look.get("logo")
    if not file:
        return _found(visit, "info", name, say(
            "None is named: look.logo of app.yaml.", "未设置：app.yaml 的 look.logo。",
        ))  # fmt: skip
    if visit.screens.logos.find(file) is None:
        return _found(visit, "warn", name, say(
            "{file} cannot be shown: it must lie beside app.yaml, be an SVG or PNG, and have at "
            "most 256 kB.",
            "无法显示 {file}：应与 app.yaml 在同一文件夹，为 SVG 或 PNG，且不超过 256 kB。",
            file=str(file)))  # fmt: skip
    return _found(visit, "ok", name, say("{file} is shown.", "正在使用 {file}。", file=str(file)))


def _of_factors(visit: Visit) -> Finding:
    name, snapshot = say("Second factors", "双重验证"), visit.core.organisation.snapshot()
    roles = visit.catalog.roles
    admins = [
        one
        for one in snapshot.people.values()
        if one.active and any(roles[role].admin for role in one.roles if role in roles)
    ]
    asking = visit.core.settings.second_factor - {"everybody", *roles}
    if asking:
        return _found(visit, "warn", name, say(
            "TRELLIS_SECOND_FACTOR names {names}: there is no such role.",
            "TRELLIS_SECOND_FACTOR 中的 {names} 不是角色。",
            names=", ".join(sorted(asking))))  # fmt: skip
    without = [one for one in admins if not visit.core.second_factors.is_on(one.id)]
    if without:
        return _found(visit, "warn", name, say(
            "Administrators who sign in with a password alone: {count} of {all}.",
            "{all} 名管理员中有 {count} 名仅凭密码登录。",
            count=len(without), all=len(admins)), "/me/security")  # fmt: skip
    return _found(visit, "ok", name, say(
        "Every administrator has one.", "所有管理员均已启用。"))  # fmt: skip


def _of_backups(visit: Visit) -> Finding:
    name, backups = say("Backups", "备份"), visit.core.backups
    trouble = backups.trouble()
    if trouble is not None:
        return _found(visit, "bad", name, trouble, "/system/backups")
    made = next((one for one in backups.entries(20) if one.name is not None), None)
    if made is None:
        return _found(visit, "info", name, say(
            "The first is made tonight; trellis backup makes one now.",
            "第一次备份将在今晚进行；trellis backup 可立即备份。"), "/system/backups")  # fmt: skip
    return _found(visit, "ok", name, say(
        "The newest is of {day}, {size}.", "最新备份：{day}，{size}。",
        day=f"{made.made_at.astimezone(visit.look.zone):%Y-%m-%d %H:%M}",
        size=size_words(made.size or 0)), "/system/backups")  # fmt: skip


def _of_keeping(visit: Visit) -> Finding:
    name = say("Kept data", "数据保留")
    if not visit.catalog.app.keep:
        return _found(visit, "info", name, say(
            "`keep` of app.yaml says nothing: everything is kept.",
            "app.yaml 未设置 keep：所有数据都会保留。"))  # fmt: skip
    overdue = visit.core.keeping.overdue()
    if not overdue:
        return _found(visit, "ok", name, say("Nothing is too old.", "没有到期数据。"))
    parts = [
        say("{count} {what}", "{count} 条{what}", count=f"{count:,}", what=KINDS[kind])
        for kind, count in overdue.items()
    ]
    listed = Label({
        "en": ", ".join(one.in_language("en") for one in parts),
        "zh": "、".join(one.in_language("zh") for one in parts),
    })  # fmt: skip
    state = "warn" if max(overdue.values()) >= _MANY_GO else "info"
    return _found(visit, state, name, say(
        "Old enough to go for good in the next night: {listed}.",
        "已到期，将在下一个夜间永久删除：{listed}。",
        listed=listed))  # fmt: skip


def size_words(count: int) -> str:
    """Return a number of bytes as people read it."""
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} GB"
