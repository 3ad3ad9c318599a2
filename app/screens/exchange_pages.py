"""Exchanges with other systems, for administrators: how each stands, its runs, and "run now"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, redirect
from markupsafe import Markup

from app.definitions.connections import SyncIn
from app.definitions.names import label_from_name
from app.exchange.standing import Run, Standing
from app.jobs.beginning import begin_exchange
from app.screens.list_view import Tab
from app.screens.moments import time_tag
from app.screens.navigation import plural
from app.screens.system import system_tabs
from app.screens.visit import Visit, leave_toast
from app.security.manager import require_admin
from app.texts import Label, say

#: What became of rows, in the order of how much one wants to know it.
_COUNTED: Mapping[str, Label] = {
    "created": say("{n} new", "新建 {n}"),
    "updated": say("{n} changed", "更新 {n}"),
    "unchanged": say("{n} as they were", "未变 {n}"),
    "skipped": say("{n} passed over", "跳过 {n}"),
    "faulty": say("{n} left out", "未导入 {n}"),
}
_CALLS: Mapping[str, Label] = {
    "sent": say("{n} arrived", "已送达 {n}"),
    "waiting": say("{n} wait", "等待 {n}"),
    "late": say("{n} are late", "延迟 {n}"),
    "dead": say("{n} failed", "失败 {n}"),
    "dropped": say("{n} given up", "放弃 {n}"),
}
_STATES: Mapping[str, tuple[str, Label]] = {
    "fetching": ("blue", say("Is fetched", "正在获取")),
    "importing": ("blue", say("Is imported", "正在导入")),
    "done": ("green", say("Done", "完成")),
    "failed": ("red", say("Failed", "失败")),
}
_SHOWN = 30


@dataclass(frozen=True, slots=True)
class ExchangeRow:
    """One exchange."""

    name: str
    label: str
    about: str
    color: str
    state: str
    counts: str
    last: Markup | str
    next: Markup | str
    may_run: bool


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run."""

    name: str
    when: Markup
    color: str
    state: str
    rows: str
    counts: str
    why: str
    #: the page of the import
    href: str


@dataclass(frozen=True, slots=True)
class ExchangesView:
    """Everything `exchanges.html` shows."""

    tabs: Sequence[Tab]
    heading: str
    rows: Sequence[ExchangeRow]
    runs: Sequence[RunRow]
    words: Mapping[str, str]


def exchanges_page(visit: Visit) -> Response:
    """Return the page."""
    require_admin(visit.principal)
    found = visit.core.exchange.listed()
    runs = sorted((run for one in found for run in one.runs), key=lambda one: one.id, reverse=True)
    view = ExchangesView(
        system_tabs(visit, "exchanges"),
        visit.words(say("Integrations", "集成")),
        [_row(visit, one) for one in found],
        [_run(visit, one) for one in runs[:_SHOWN]],
        {key: visit.words(text) for key, text in _WORDS.items()},
    )
    return visit.render("exchanges.html", page=visit.page(view.heading, "system"), view=view)


_WORDS: Mapping[str, Label] = {
    "exchange": say("Exchange", "同步"),
    "state": say("State", "状态"),
    "rows": say("Rows", "行数"),
    "last": say("Last", "上次"),
    "next": say("Next", "下次"),
    "run": say("Run now", "立即执行"),
    "runs": say("Latest runs", "最近执行"),
    "when": say("When", "时间"),
    "came": say("Fetched", "获取"),
    "became": say("What became of it", "结果"),
    "none": say("No exchange yet.", "还没有同步。"),
    "none_why": say(
        "Files in integrations/ say what goes out to other systems and what comes in.",
        "在 integrations/ 中的文件里说明与其他系统的数据交换。",
    ),
}


def _row(visit: Visit, one: Standing) -> ExchangeRow:
    sync = one.sync
    entity = sync.mapping.entity if isinstance(sync, SyncIn) else sync.entity
    way = say("in from {name}", "来自 {name}") if isinstance(sync, SyncIn) else say(
        "out to {name}", "发往 {name}")  # fmt: skip
    kind = plural(visit.catalog.entities[entity], visit.language)
    about = visit.words(way).format(name=visit.words(one.connection.label))
    is_named = sync.label != label_from_name(entity)
    color, state, counts, last = _stands(visit, one)
    soonest = min(filter(None, (one.next_at, one.retry_at)), default=None)
    following: Markup | str = _time(visit, soonest) if soonest is not None else ""
    if sync.off:
        color, state, following = "gray", visit.words(say("Off", "已停用")), ""
    elif one.is_asked:
        following = visit.words(say("now", "即刻"))
    return ExchangeRow(
        sync.name,
        visit.words(sync.label) if is_named else kind,
        f"{kind} · {about}" if is_named else about,
        color,
        state,
        counts,
        last,
        following,
        isinstance(sync, SyncIn) and not sync.off,
    )


def _stands(visit: Visit, one: Standing) -> tuple[str, str, str, Markup | str]:
    """Return colour, state, counts and last moment of an exchange."""
    if one.calls is not None:
        bad = one.calls.get("dead", 0)
        waits = one.calls.get("late", 0) + one.calls.get("waiting", 0)
        color = "red" if bad else "orange" if waits else "green" if one.calls else "gray"
        words = {
            "red": say("Calls failed", "有调用失败"),
            "orange": say("Calls wait", "有调用等待"),
            "green": say("Arrives", "正常"),
            "gray": say("Nothing yet", "暂无"),
        }
        last = _time(visit, one.sent_at) if one.sent_at is not None else ""
        return color, visit.words(words[color]), _counted(visit, one.calls, _CALLS), last
    if not one.runs:
        return "gray", visit.words(say("Nothing yet", "暂无")), "", ""
    run = one.runs[0]
    color, label = _STATES[run.state]
    if run.problem is not None:
        color, label = "red" if run.state == "failed" else "orange", run.problem
    counts = _counted(visit, run.counts, _COUNTED)
    return color, visit.words(label), counts, _time(visit, run.began_at)


def _run(visit: Visit, run: Run) -> RunRow:
    color, label = _STATES[run.state]
    missed = say("{n} moments before it were missed", "此前错过 {n} 次", n=run.missed)
    why = [visit.words(one) for one in (run.problem, missed if run.missed else None) if one]
    return RunRow(
        run.name,
        _time(visit, run.began_at),
        "orange" if run.problem and run.state == "done" else color,
        visit.words(label),
        f"{run.rows:,}",
        _counted(visit, run.counts, _COUNTED),
        "; ".join(why),
        f"/imports/{run.import_run}" if run.import_run is not None else "",
    )


def _counted(visit: Visit, counts: Mapping[str, Any], words: Mapping[str, Label]) -> str:
    found = [visit.words(text).format(n=f"{counts[one]:,}") for one, text in words.items()
             if counts.get(one)]  # fmt: skip
    return " · ".join(found)


def _time(visit: Visit, moment: datetime) -> Markup:
    return time_tag(moment, visit.look.now, visit.wording, visit.look.zone)


def run_now(visit: Visit, name: str) -> Response:
    """Have an exchange fetched as soon as a worker looks."""
    visit.core.exchange.ask(visit.principal, name)
    begin_exchange(visit.core.settings.redis_url)
    leave_toast(visit.words(say("It is fetched now", "已开始获取")))
    return redirect("/system/integrations", 303)  # type: ignore[return-value]
