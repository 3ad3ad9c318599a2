"""Who is away and who stands in: one's own absences, and those of one's people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask import Response, redirect, request

from app.automation.absences import absences_ahead, add_absence, drop_absence
from app.errors import InvalidInput
from app.records.work import Work
from app.screens.controls import Chosen, Control
from app.screens.list_view import Tab
from app.screens.marks import Mark, mark_of
from app.screens.moments import day
from app.screens.my_settings import my_tabs
from app.screens.visit import Visit, leave_toast
from app.texts import say

_DIGITS = 18
#: People below that are offered; of more an administrator sees the list.
_MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class AbsenceRow:
    """One absence."""

    person: Mark
    since: str
    until: str
    deputy: str
    href: str
    is_now: bool


@dataclass(frozen=True, slots=True)
class AbsencesView:
    """Everything `absences.html` shows."""

    tabs: Sequence[Tab]
    title: str
    sentence: str
    head: Sequence[str]
    rows: Sequence[AbsenceRow]
    none: str
    new: str
    #: who is away; None: oneself
    person: Control | None
    deputy: Control
    labels: Sequence[str]
    take_back: str
    now: str
    #: the people below, whose things may be handed over
    team_label: str
    team: Sequence[tuple[str, str]]
    refused: str = ""


_SENTENCE = say(
    "Whoever is away is passed over when something is given out, and messages and approvals go to "
    "the deputy. Without a deputy nobody is asked instead.",
    "缺勤期间不参与分配，消息和审批由代理人处理；没有代理人时则跳过。",
)


def absences_page(visit: Visit, refused: str = "") -> Response:
    """Return the absences somebody may see, and a form for another one."""
    principal, words = visit.principal, visit.words
    people = visit.core.organisation.snapshot().people
    found = visit.records.writer.transact(principal, absences_ahead)
    mine = principal.subordinates
    rows = [
        _row(visit, one)
        for one in found
        if (principal.is_admin or one["user_id"] in mine) and one["user_id"] in people
    ]
    title = words(say("Absences", "缺勤与代理"))
    leads = principal.is_admin or len(mine) > 1
    view = AbsencesView(
        tabs=my_tabs(visit, "absences"),
        title=title,
        sentence=words(_SENTENCE),
        head=[
            words(one)
            for one in (
                say("Person", "人员"),
                say("From", "开始"),
                say("Up to and with", "结束（含）"),
                say("Deputy", "代理人"),
            )
        ],
        rows=rows,
        none=words(say("Nobody is away.", "目前没有缺勤。")),
        new=words(say("Note an absence", "登记缺勤")),
        person=_person(visit, "user", words(say("Who is away", "缺勤人员"))) if leads else None,
        deputy=_person(visit, "deputy", words(say("Deputy", "代理人"))),
        labels=[words(say("From", "开始")), words(say("Up to and with", "结束（含）"))],
        take_back=words(say("Take back", "取消")),
        now=words(say("away now", "当前缺勤")),
        team_label=words(say("Hand over everything of somebody", "交接某人的全部数据")),
        team=_team(visit),
        refused=refused,
    )
    response = visit.render("absences.html", page=visit.page(title, "me"), view=view)
    if refused:
        response.status_code = 422
    return response


def _team(visit: Visit) -> list[tuple[str, str]]:
    """Return the people below, each with where what is theirs is handed over."""
    people = visit.core.organisation.snapshot().people
    below = [people[one] for one in visit.principal.subordinates if one in people]
    return [
        (one.name or f"#{one.id}", f"/people/{one.id}/hand-over")
        for one in sorted(below, key=lambda one: one.name.casefold())
        if one.id != visit.principal.user_id
    ][:_MOST_SHOWN]


def _person(visit: Visit, name: str, label: str) -> Control:
    chosen = Chosen("")
    if name == "user":
        chosen = Chosen(str(visit.principal.user_id), visit.principal.name)
    return Control(
        "link", name, label, id=f"pick-{name}", input_name=name, span=6,
        search="/crm/user/pick/manager", chosen=[chosen],
    )  # fmt: skip


def _row(visit: Visit, one: dict[str, object]) -> AbsenceRow:
    people = visit.core.organisation.snapshot().people
    deputy = people.get(one["deputy"])  # type: ignore[call-overload]
    now, since, until = visit.core.clock.now(), one["since"], one["until"]
    assert isinstance(since, datetime)
    last = until - timedelta(microseconds=1) if isinstance(until, datetime) else None
    return AbsenceRow(
        mark_of(people[one["user_id"]].name),  # type: ignore[index]
        _shown(visit, since),
        _shown(visit, last) if last is not None else visit.words(say("open", "未定")),
        deputy.name if deputy is not None else "–",
        f"/absences/{one['id']}/drop",
        since <= now,
    )


def _shown(visit: Visit, moment: datetime) -> str:
    calendar = visit.catalog.app.business_calendar
    return day(calendar.day(moment), calendar.day(visit.core.clock.now()), visit.wording)


def add(visit: Visit) -> Response:
    """Note an absence."""
    form = request.form
    user = _number(form.get("user", "")) or visit.principal.user_id
    try:
        since, until = _first(visit, form.get("since", "")), _last(visit, form.get("until", ""))

        def step(work: Work) -> None:
            assert user is not None
            add_absence(work, user, since, until, _number(form.get("deputy", "")))

        visit.records.writer.transact(visit.principal, step)
    except InvalidInput as problem:
        told = [visit.words(one) for many in problem.fields.values() for one in many]  # type: ignore[arg-type]
        return absences_page(visit, refused=" ".join(told))
    leave_toast(visit.words(say("The absence is noted", "缺勤已登记")))
    return redirect("/absences", 303)  # type: ignore[return-value]


def drop(visit: Visit, number: int) -> Response:
    """Take an absence back."""
    visit.records.writer.transact(visit.principal, lambda work: drop_absence(work, number))
    leave_toast(visit.words(say("The absence is taken back", "缺勤已取消")))
    return redirect("/absences", 303)  # type: ignore[return-value]


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else None


def _day(text: str, field: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        sentence = say("Write a day such as 2026-01-31.", "请填写形如 2026-01-31 的日期。")
        raise InvalidInput({field: [sentence]}) from error


def _first(visit: Visit, text: str) -> datetime | None:
    found = _day(text, "since")
    return visit.catalog.app.business_calendar.midnight(found) if found is not None else None


def _last(visit: Visit, text: str) -> datetime | None:
    found = _day(text, "until")
    if found is None:
        return None
    return visit.catalog.app.business_calendar.midnight(found + timedelta(days=1))
