"""Who signed in, and who changed what around the data: two logs for administrators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from urllib.parse import urlencode

from flask import Response, request
from markupsafe import Markup

from app.screens.audit_words import device_of, words_of
from app.screens.controls import Chosen, Control
from app.screens.list_view import Tab
from app.screens.marks import Mark, mark_of
from app.screens.moments import time_tag
from app.screens.people import people_tabs
from app.screens.visit import Visit
from app.security.audit_log import GROUPS, KINDS, Asked, Entry, find_entries
from app.security.manager import require_admin
from app.texts import Label, say

_PAGE = 50
_COLORS = {
    "account.session.begin": "ok",
    "account.session.refused": "bad",
    "account.session.throttled": "bad",
    "request.access.refused": "warn",
}
_GROUP_NAMES: dict[str, Label] = {
    "accounts": say("Accounts", "账号"),
    "rights": say("Rights", "权限"),
    "configuration": say("Configuration", "配置"),
    "data": say("Imports and exports", "导入导出"),
    "persons": say("Personal data", "个人信息"),
    "refusals": say("Refusals", "拒绝访问"),
}
_OUTCOMES: dict[str, tuple[Label, tuple[str, ...]]] = {
    "in": (say("Signed in", "登录成功"), ("account.session.begin",)),
    "refused": (
        say("Refused", "登录失败"),
        ("account.session.refused", "account.session.throttled"),
    ),
}


@dataclass(frozen=True, slots=True)
class LogRow:
    """One line."""

    when: str | Markup
    who: Mark | None
    who_href: str
    what: str
    color: str
    address: str
    device: str


@dataclass(slots=True)
class LogView:
    """Everything `audit.html` shows."""

    tabs: Sequence[Tab]
    heading: str
    head: Sequence[str]
    #: what is shown of it: a few words to choose from
    parts: Sequence[Tab]
    person: Control
    days: Sequence[Control]
    action: str
    #: what else stands in the address and stays when the filter changes
    part: str
    rows: Sequence[LogRow]
    empty: str
    show: str
    more: str
    more_href: str = ""
    reset_href: str = ""
    new_href: str = ""
    new_label: str = ""
    new_icon: str = ""


def sign_ins_page(visit: Visit) -> Response:
    """Return who signed in, and who tried to."""
    parts = {name: kinds for name, (_, kinds) in _OUTCOMES.items()}
    labels = {name: label for name, (label, _) in _OUTCOMES.items()}
    title = say("Sign-ins", "登录日志")
    return _page(visit, "sign-ins", title, parts, labels, GROUPS["sign_ins"])


def audit_page(visit: Visit) -> Response:
    """Return who changed what around the data."""
    parts = {name: GROUPS[name] for name in _GROUP_NAMES}
    return _page(visit, "audit", say("Audit", "审计日志"), parts, _GROUP_NAMES, KINDS)


def _page(
    visit: Visit,
    name: str,
    title: Label,
    parts: dict[str, tuple[str, ...]],
    labels: dict[str, Label],
    everything: Sequence[str],
) -> Response:
    require_admin(visit.principal)
    words, action = visit.words, f"/people/{name}"
    part = request.args.get("part", "")
    part = part if part in parts else ""
    asked = _asked(visit, parts.get(part, tuple(everything)))
    entries, following = find_entries(visit.core.pools, asked)
    kept = {key: request.args[key] for key in ("user", "from", "to") if request.args.get(key)}
    if "user.title" in request.args and "user" in kept:
        kept["user.title"] = request.args["user.title"]
    tabs = [Tab(words(say("All", "全部")), _address(action, kept), not part)]
    tabs += [
        Tab(words(labels[one]), _address(action, {**kept, "part": one}), part == one)
        for one in parts
    ]
    here = {**kept, "part": part} if part else kept
    view = LogView(
        tabs=people_tabs(visit, name),
        heading=words(title),
        head=[
            words(one)
            for one in (
                say("When", "时间"), say("Who", "人员"), say("What", "内容"),
                say("Address", "地址"), say("Device", "设备"),
            )
        ],
        parts=tabs,
        person=_person(visit, asked.user_id),
        days=_days(visit),
        action=action,
        part=part,
        rows=[_row(visit, one) for one in entries],
        empty=words(say("Nothing here: widen the days, or choose all.",
                        "没有记录，请扩大日期范围或选择全部。")),
        show=words(say("Show", "查看")),
        more=words(say("Load more", "加载更多")),
        more_href=_address(action, {**here, "before": str(following)}) if following else "",
        reset_href=_address(action, {"part": part} if part else {}) if kept else "",
    )  # fmt: skip
    return visit.render("audit.html", page=visit.page(words(title), "people"), view=view)


def _address(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _asked(visit: Visit, kinds: Sequence[str]) -> Asked:
    user, before = request.args.get("user", ""), request.args.get("before", "")
    until = _day("to", visit.look.zone)
    return Asked(
        kinds,
        user_id=_number(user),
        since=_day("from", visit.look.zone),
        # Up to and with the day.
        until=until + timedelta(days=1) if until else None,
        before=_number(before),
        limit=_PAGE,
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _day(name: str, zone: tzinfo) -> datetime | None:
    try:
        found = date.fromisoformat(request.args.get(name, ""))
        return datetime.combine(found, time(), zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _person(visit: Visit, user_id: int | None) -> Control:
    person = visit.core.organisation.snapshot().people.get(user_id or 0)
    chosen = Chosen(str(person.id), person.name) if person else Chosen("", "")
    return Control(
        "link",
        "user",
        visit.words(say("Person", "人员")),
        search="/crm/user/pick/manager",
        chosen=[chosen],
    )


def _days(visit: Visit) -> list[Control]:
    labels = {"from": say("From", "从"), "to": say("Up to and with", "至（含）")}
    return [
        Control("text", name, visit.words(label), input_type="date",
                value=request.args.get(name, "")[:10])
        for name, label in labels.items()
    ]  # fmt: skip


def _row(visit: Visit, one: Entry) -> LogRow:
    people, look = visit.core.organisation.snapshot().people, visit.look
    name = str(one.details.get("name") or "")
    person = people.get(one.user_id) if one.user_id is not None else None
    who: Mark | None
    if person is not None:
        who, href = mark_of(person.name or f"#{person.id}"), f"/people/{person.id}"
    elif one.user_id is None and not name and not one.address:
        who, href = mark_of(visit.words(say("Trellis itself", "系统"))), ""
    else:
        # A name that was tried, whether there is such an account or not.
        who, href = (mark_of(name) if name else None), ""
    return LogRow(
        time_tag(one.happened_at, look.now, visit.wording, look.zone),
        who,
        href,
        visit.words(words_of(one, people, visit.catalog)),
        _COLORS.get(one.kind, ""),
        one.address or "",
        device_of(str(one.details.get("agent") or "")),
    )
