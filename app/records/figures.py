"""Dashboards, looked at: each figure worked out for whoever asks, in as few statements as can be.

A figure is counted over exactly the rows the asker may see; one that asks for something the asker
may not read says so and asks nothing. What a group of rows becomes is in `figure_rows`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from app.access.policy import Policy
from app.access.principal import Principal
from app.access.sources import calendar_of, targets_of
from app.clock import Clock
from app.database.statements import Statement
from app.definitions.catalog import Catalog
from app.definitions.dashboards import TIMES, Dashboard, Figure, asks_of
from app.definitions.scope import USER, CatalogScope, my_type
from app.errors import NotFound, RequestError
from app.expressions.checking import check
from app.expressions.problems import ExpressionProblem
from app.expressions.syntax import parse
from app.expressions.tree import Ask, Checked
from app.expressions.types import Kind, Type
from app.records.figure_looks import Look
from app.records.figure_picks import read_people, read_span
from app.records.figure_results import Looked
from app.records.figure_statements import Batch, is_of_lines, read_path
from app.records.filters import RightsModel
from app.records.lookups import Lookups
from app.records.planning import Desk, Question
from app.records.reading import Reader
from app.records.targets import Reach, TargetBook
from app.texts import say

Result = TypeVar("Result")
Part = tuple[int, str, int]


@dataclass(slots=True)
class Own:
    """A dashboard as one role set may see it: its trees, and what is closed to it."""

    asks: dict[Part, Ask] = field(default_factory=dict)
    values: dict[tuple[int, str], Checked] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    #: by figure: what its groups are
    kinds: dict[int, tuple[str, str]] = field(default_factory=dict)
    statements: dict[Batch, Statement] = field(default_factory=dict)


def dashboards_for(catalog: Catalog, policy: Policy) -> list[Dashboard]:
    """Return the dashboards that are for a set of roles, in the order of the files."""
    roles = set(policy.roles)
    return [
        one
        for one in catalog.dashboards.values()
        if not one.for_ or policy.is_admin or roles & set(one.for_)
    ]


class Figures:
    """Answers dashboards for whoever asks."""

    def __init__(
        self,
        reader: Reader,
        lookups: Lookups,
        pools: Any,
        organisation: Any,
        clock: Clock,
        asked: Callable[[Callable[[], Result]], Result],
    ) -> None:
        """Take what reads, who works here, the clock, and what asks again when tables changed."""
        self.book = TargetBook(pools)
        self.reader = reader
        self.lookups = lookups
        self.organisation = organisation
        self._clock = clock
        self._asked: Callable[..., Any] = asked
        # They live as long as their desk, which ends with its release.
        self._own: WeakKeyDictionary[Desk, dict[str, Own]] = WeakKeyDictionary()

    def dashboards(self, principal: Principal) -> list[Dashboard]:
        """Return the dashboards that are for the asker's roles, in the order of the files."""
        desk = self.reader.desk(principal)
        return dashboards_for(desk.release.catalog, desk.policy)

    def find(self, principal: Principal, name: str) -> Dashboard:
        """Return a dashboard by its name.

        Raises:
            NotFound: there is none, or it is not for the asker's roles.
        """
        for one in self.dashboards(principal):
            if one.name == name:
                return one
        raise NotFound(
            say(
                "There is no dashboard `{name}`, or it is not for you.",
                "没有名为“{name}”的仪表盘，或您无权查看。",
                name=name[:60],
            )
        )

    def reach(self, principal: Principal, name: str) -> Reach:
        """Return whose targets of that name the asker may see and type in.

        Raises:
            NotFound: there is no such target.
        """
        desk = self.reader.desk(principal)
        target = desk.release.catalog.targets.get(name)
        if target is None:
            raise NotFound(
                say("There is no target `{name}`.", "没有名为“{name}”的目标。", name=name[:60])
            )
        return Reach(target, desk.policy, principal, self.organisation.snapshot())

    def look(
        self,
        principal: Principal,
        name: str,
        *,
        period: str | None = None,
        people: str | None = None,
        only: Iterable[int] | None = None,
    ) -> Looked:
        """Return a dashboard's figures.

        Args:
            period: words or signs (``this month``, ``2026-Q3``); without it the dashboard's own.
            people: ``mine``, ``subordinates``, ``department``, ``all``, ``user:12`` or
                ``department:3``; without it the dashboard's own.
            only: the numbers of the figures that are asked for; without it all.

        Raises:
            NotFound: there is no such dashboard for the asker.
            Malformed: the period or the people are none.
        """
        found: Looked = self._asked(
            lambda: self._look(principal, name, period, people, None if only is None else {*only})
        )
        return found

    def _look(
        self,
        principal: Principal,
        name: str,
        period: str | None,
        people: str | None,
        only: set[int] | None,
    ) -> Looked:
        dashboard = self.find(principal, name)
        now = self._clock.now()
        desk = self.reader.desk(principal)
        today = calendar_of(desk.release.catalog).day(now)
        span = read_span(period or dashboard.period, today)
        chosen = read_people(people or dashboard.people)
        look = Look(self, desk, principal, dashboard, span, chosen, now, today)
        numbers = [
            number
            for number in range(len(dashboard.figures))
            if only is None or number in only
        ]  # fmt: skip
        return Looked(dashboard, span, chosen, now, look.answers(numbers))

    def own(self, desk: Desk, dashboard: Dashboard) -> Own:
        """Return a dashboard as the asker's own, checked once for each role set."""
        kept = self._own.setdefault(desk, {})
        found = kept.get(dashboard.name)
        if found is None:
            found = kept[dashboard.name] = _own(desk, dashboard)
        return found


# -- what the asker may know -----------------------------------------------------------------------


def _own(desk: Desk, dashboard: Dashboard) -> Own:
    own = Own()
    for number, figure in enumerate(dashboard.figures):
        try:
            _take(own, desk, number, figure)
        except (ExpressionProblem, RequestError):
            # It was right when the configuration was read: these roles may not read all of it.
            own.refused.add(number)
    return own


def _take(own: Own, desk: Desk, number: int, figure: Figure) -> None:
    """Check one figure as the asker's own."""
    policy, context = desk.policy, desk.context
    if figure.view is not None:
        desk.plan(Question(figure.view[0], "values", ("id",), view=figure.view[1]))
        return
    model = RightsModel(context.catalog, policy)
    roots = {"me": USER, "my": my_type(context.catalog.roles)}
    roots["app"] = Type(Kind.parts, parts=model.app_values)
    scope = CatalogScope(model, None, roots)
    for key, written in (("value", figure.value), ("also", figure.also)):
        if written is None:
            continue
        checked = check(parse(written.text), scope)
        own.values[number, key] = checked
        for place, ask in enumerate(asks_of(checked.root)):
            own.asks[number, key, place] = ask
            entity = ask.over[0]
            named = [name for name in (figure.date, figure.of) if name]
            readable = all(policy.is_readable(entity, name.partition(".")[0]) for name in named)
            if not policy.may("read", entity) or not readable:
                raise ExpressionProblem("unknown-name", entity)
    own.kinds[number] = _kind(own, desk, number, figure)


def _kind(own: Own, desk: Desk, number: int, figure: Figure) -> tuple[str, str]:
    """Return what the groups of a figure are, and of a record its entity."""
    by = figure.by
    if by in (*TIMES, "time", ""):
        return ("time" if by else "", "")
    if by == "department" and not desk.policy.is_readable("user", "department"):
        raise ExpressionProblem("unknown-name", by)
    if by in ("user", "department"):
        return by, by
    found = ("", "")
    for part, ask in own.asks.items():
        if part[0] != number:
            continue
        over = ".".join(ask.over) if is_of_lines(desk.context, ask.over, by) else ask.over[0]
        source = desk.context.source(over, desk.context.table(over, "c"))
        type_ = read_path(desk.context, source, by).type
        field_ = source.entity.fields.get(by)
        if field_ is not None and field_.type.name == "stage":
            found = ("stage", over)
        elif type_.kind is Kind.record:
            named = type_.entities[0] if type_.entities else targets_of(source.entity.fields[by])[0]
            found = ("record", named)
        else:
            found = (str(type_.kind), over)
    return found
