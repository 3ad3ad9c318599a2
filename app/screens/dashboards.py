"""Dashboards: pages of figures, with the period and the people they are for.

The frame comes at once, its figures a moment later; both are asked of the door, as the API does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from flask import Response, redirect, request

from app.access.sources import calendar_of
from app.definitions.dashboards import Dashboard
from app.definitions.periods import Span, moved, span_of
from app.records.figure_picks import read_people, read_span
from app.records.figure_results import Looked, People
from app.screens.card_shapes import Card
from app.screens.figure_cards import card_of
from app.screens.figure_files import dashboard_workbook
from app.screens.figure_words import period_words
from app.screens.frame import Choice
from app.screens.visit import Visit

#: Periods of the switch, and the others offered beside it.
_SWITCH = ("week", "month", "quarter", "year")
_OTHERS = ("today", "yesterday", "last 30 days", "last 90 days", "last 12 months", "all")


@dataclass(frozen=True, slots=True)
class DashboardView:
    """Everything `dashboard.html` shows."""

    name: str
    title: str
    tabs: Sequence[Choice]
    periods: Sequence[Choice]
    others: Sequence[Choice]
    period: str
    earlier_href: str
    later_href: str
    first: str
    last: str
    people: str
    picks: Sequence[Choice]
    departments: Sequence[Choice]
    colleagues: Sequence[Choice]
    part_href: str
    href: str
    people_written: str
    tiles: Sequence[Card] = ()
    cards: Sequence[Card] = ()
    #: how many tiles and panels stand there until the figures are worked out
    waiting_tiles: int = 0
    waiting: Sequence[int] = ()
    at: str = ""
    targets_href: str = ""


def dashboards_page(visit: Visit) -> Response:
    """Lead to the first dashboard, or say that there is none."""
    offered = visit.records.figures.dashboards(visit.principal)
    if offered:
        return redirect(f"/dashboards/{offered[0].name}", 302)  # type: ignore[return-value]
    page = visit.page(visit.wording.say("Dashboards"), "dashboards")
    return visit.render("dashboard.html", page=page, view=None)


def dashboard_page(visit: Visit, name: str, active: str = "dashboards") -> Response:
    """Return the frame of a dashboard; its figures follow."""
    view = _view(visit, name, None)
    page = visit.page(view.title, active)
    return visit.render("dashboard.html", page=page, view=view)


def dashboard_part(visit: Visit, name: str) -> Response:
    """Return the figures with the tools above them."""
    looked = visit.records.figures.look(
        visit.principal, name, period=_asked("period"), people=_asked("people")
    )
    view = _view(visit, name, looked)
    response = visit.render(
        "dashboard_part.html", page=visit.page(view.title, "dashboards"), view=view
    )
    if request.headers.get("HX-Request") and not request.args.get("first"):
        response.headers["HX-Push-Url"] = view.href
    return response


def dashboard_file(visit: Visit, name: str) -> Response:
    """Return the figures as a workbook, for the period and the people of the address."""
    looked = visit.records.figures.look(
        visit.principal, name, period=_asked("period"), people=_asked("people")
    )
    return dashboard_workbook(visit, looked)


def _asked(name: str) -> str | None:
    """Return what an address says; a period may come as two days of a form."""
    if name == "period" and request.args.get("from") and request.args.get("to"):
        return f"{request.args['from']}..{request.args['to']}"
    return request.args.get(name) or None


def _view(visit: Visit, name: str, looked: Looked | None) -> DashboardView:
    figures = visit.records.figures
    dashboard = looked.dashboard if looked else figures.find(visit.principal, name)
    today = calendar_of(visit.catalog).day(visit.look.now)
    span = looked.span if looked else read_span(_asked("period") or dashboard.period, today)
    people = looked.people if looked else read_people(_asked("people") or dashboard.people)
    picking = _Picking(visit, dashboard, span, people)
    cards = [card_of(visit, number, one) for number, one in looked.answers.items()] \
        if looked else []  # fmt: skip
    kinds = [one.chart in ("number", "progress") and not one.view for one in dashboard.figures]
    return DashboardView(
        name=name,
        title=visit.words(dashboard.label),
        tabs=picking.tabs(),
        periods=picking.periods(_seen_from(span, today)),
        others=picking.others(),
        period=period_words(span, visit.wording),
        earlier_href=picking.stepped(-1),
        later_href=picking.stepped(1),
        first=span.first.isoformat() if span.first else "",
        last=span.last.isoformat() if span.last else "",
        people=picking.people_words(),
        people_written=people.written,
        picks=picking.picks(),
        departments=picking.departments(),
        colleagues=picking.colleagues(),
        part_href=f"/dashboards/{name}/part",
        href=picking.href(span, people),
        tiles=[one for one in cards if one.is_tile],
        cards=[one for one in cards if not one.is_tile],
        waiting_tiles=sum(kinds),
        waiting=[one.width or 6 for one, is_tile in zip(dashboard.figures, kinds, strict=True)
                 if not is_tile],
        at=f"{looked.at.astimezone(visit.look.zone):%H:%M}" if looked else "",
        targets_href="/targets" if visit.catalog.targets else "",
    )  # fmt: skip


def _seen_from(span: Span, today: date) -> Span:
    """Return the day by which another unit is chosen: the end of the period, at most today."""
    last = today if span.last is None or span.holds(today) else span.last
    return Span("day", last, last)


class _Picking:
    """What can be picked above a dashboard, each with its address."""

    def __init__(self, visit: Visit, dashboard: Dashboard, span: Span, people: People) -> None:
        self.visit = visit
        self.dashboard = dashboard
        self.span = span
        self.people = people

    def href(self, span: Span | str, people: People | str) -> str:
        period = span if isinstance(span, str) else span.signs
        written = people if isinstance(people, str) else people.written
        said = {"period": period, "people": written}
        return f"/dashboards/{self.dashboard.name}?{urlencode(said)}"

    def tabs(self) -> list[Choice]:
        """Return the dashboards one may see; what was picked goes along where it was picked."""
        offered = self.visit.records.figures.dashboards(self.visit.principal)
        return [
            Choice(
                one.name,
                self.visit.words(one.label),
                one.name == self.dashboard.name,
                href=f"/dashboards/{one.name}",
            )
            for one in offered
        ]

    def periods(self, day: Span) -> list[Choice]:
        assert day.first is not None
        return [
            Choice(
                unit,
                self._unit(unit),
                self.span.unit == unit,
                href=self.href(span_of(unit, day.first), self.people),
            )
            for unit in _SWITCH
        ]

    def _unit(self, unit: str) -> str:
        say = self.visit.wording.say
        return {
            "week": say("Week"), "month": say("Month"), "quarter": say("Quarter"),
            "year": say("Year"),
        }[unit]  # fmt: skip

    def others(self) -> list[Choice]:
        say = self.visit.wording.say
        labels = {
            "today": say("Today"), "yesterday": say("Yesterday"),
            "last 30 days": say("Last 30 days"), "last 90 days": say("Last 90 days"),
            "last 12 months": say("Last 12 months"), "all": say("All time"),
        }  # fmt: skip
        today = calendar_of(self.visit.catalog).day(self.visit.look.now)
        return [
            Choice(
                one,
                labels[one],
                read_span(one, today) == self.span,
                href=self.href(one, self.people),
            )
            for one in _OTHERS
        ]

    def stepped(self, steps: int) -> str:
        """Return the address of the period before or after; empty where there is none."""
        if self.span.first is None:
            return ""
        try:
            span = moved(self.span, steps)
        except ValueError:
            return ""
        today = calendar_of(self.visit.catalog).day(self.visit.look.now)
        if steps > 0 and span.first is not None and span.first > today:
            return ""
        return self.href(span, self.people)

    # People.

    def people_words(self) -> str:
        people, snapshot = self.people, self.visit.core.organisation.snapshot()
        kind = {"user": "user", "department_of": "department"}.get(people.mode)
        if kind and not self.visit.policy.is_readable(kind, "name"):
            return f"#{people.number}"
        if people.mode == "user":
            person = snapshot.people.get(people.number)
            return person.name if person else self.visit.wording.say("Nobody")
        if people.mode == "department_of":
            return str(snapshot.department_names.get(people.number) or "?")
        return self._mode(people.mode)

    def _mode(self, mode: str) -> str:
        say = self.visit.wording.say
        return {
            "mine": say("Mine"), "subordinates": say("My people and I"),
            "department": say("My department"), "all": say("Everybody I see"),
        }[mode]  # fmt: skip

    def picks(self) -> list[Choice]:
        principal = self.visit.principal
        modes = ["mine"]
        if len(principal.subordinates) > 1:
            modes.append("subordinates")
        if principal.departments:
            modes.append("department")
        modes.append("all")
        return [
            Choice(mode, self._mode(mode), self.people.mode == mode,
                   href=self.href(self.span, mode))
            for mode in modes
        ]  # fmt: skip

    def _sees_everybody(self) -> bool:
        """Whether the visitor sees others' records at all, beyond their own people's."""
        policy = self.visit.policy
        entities = {ask.over[0] for one in self.dashboard.figures for ask in one.asks}
        return any(policy.rule("read", entity).is_all for entity in entities)

    def departments(self) -> list[Choice]:
        snapshot = self.visit.core.organisation.snapshot()
        own = snapshot.department_tree(self.visit.principal.departments)
        offered = snapshot.departments if self._sees_everybody() else own
        if not self._sees_everybody() and len(self.visit.principal.subordinates) < 2:
            return []
        if not self.visit.policy.is_readable("department", "name"):
            return []
        return [
            Choice(
                str(number),
                snapshot.department_names.get(number) or "?",
                self.people == People("department_of", number),
                href=self.href(self.span, f"department:{number}"),
            )
            for number in sorted(offered, key=lambda n: snapshot.department_names.get(n) or "")
        ]

    def colleagues(self) -> list[Choice]:
        principal = self.visit.principal
        snapshot = self.visit.core.organisation.snapshot()
        everybody = self._sees_everybody()
        people = [
            person
            for person in snapshot.people.values()
            if person.active and (everybody or person.id in principal.subordinates)
        ]
        if len(people) < 2 or not self.visit.policy.is_readable("user", "name"):
            return []
        return [
            Choice(
                str(person.id),
                person.name,
                self.people == People("user", person.id),
                href=self.href(self.span, f"user:{person.id}"),
            )
            for person in sorted(people, key=lambda one: one.name)
        ][:200]
