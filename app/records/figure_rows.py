"""What the groups of a figure become: rows in their order, with what stands beside each.

Works on what the statements gave; asks nothing but the titles of records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from app.access.sources import calendar_of
from app.definitions.catalog import Option
from app.definitions.dashboards import asks_of
from app.definitions.periods import Span, parts_of
from app.expressions.calendar import Calendar
from app.expressions.python import to_python
from app.expressions.tree import Ask
from app.records.figure_links import drill_of, of_group, of_lines_group
from app.records.figure_results import Answer, Number, Row
from app.records.figure_statements import is_of_lines

if TYPE_CHECKING:
    from app.records.figure_looks import Look
    from app.records.figure_targets import Expected

#: Groups that have an order of their own.
_ORDERED = ("stage", "choice", "boolean")
_ADDED = ("count", "sum")


@dataclass(slots=True)
class Facts:
    """What the statements gave for one figure: by value, question and period, each group's."""

    found: dict[tuple[str, int, Span | None], dict[Any, Number]] = field(default_factory=dict)

    def note(self, name: str, place: int, span: Span | None, key: Any, value: Number) -> None:
        """Keep the answer to one question for one group."""
        self.found.setdefault((name, place, span), {})[key] = value

    def keys(self) -> list[Any]:
        """Return every group, each once, in the order they came."""
        return list(dict.fromkeys(key for groups in self.found.values() for key in groups))


class _Context:
    """What a figure's expression may ask while it is worked out from its answers."""

    def __init__(self, look: Look, answer: Callable[[Ask], Any]) -> None:
        self.now: datetime = look.now
        self.today: date = look.today
        self.calendar: Calendar = calendar_of(look.catalog)
        self._look = look
        self.ask = answer

    def value(self, path: str) -> Any:
        """Return a shared value, or one of the asker's own record."""
        root, _, name = path.partition(".")
        if root == "app":
            return self._look.catalog.app.values.get(name)
        return self._look.principal.my.get(name) if name else self._look.principal.user_id

    def changed(self, name: str) -> bool:
        """Nothing is written here."""
        del name
        return False

    def split(self, total: Decimal, share: Decimal) -> Decimal:
        """There is no series here: a part is a part."""
        return total * share / 100


class Work:
    """One figure's facts, ready to be worked out for any of its groups."""

    def __init__(self, look: Look, number: int, answer: Answer, facts: Facts) -> None:
        self.look = look
        self.number = number
        self.answer = answer
        self.facts = facts
        self._evaluate = {
            name: to_python(checked)
            for (one, name), checked in look.own.values.items()
            if one == number
        }
        self._places = {
            (name, id(ask)): place
            for (one, name), checked in look.own.values.items()
            if one == number
            for place, ask in enumerate(asks_of(checked.root))
        }

    @property
    def is_added(self) -> bool:
        """Whether groups may be taken together: what is counted or summed adds up."""
        figure = self.answer.figure
        return all(ask.function in _ADDED for ask in figure.asks)

    def value(self, name: str, span: Span | None, keys: Sequence[Any]) -> Number:
        """Return a value over some groups taken together; None where it is empty or not asked."""
        evaluate = self._evaluate.get(name)
        if evaluate is None or (span is None and self.answer.figure.date):
            return None
        slot = None if span is None or span.first is None else span

        def answer(ask: Ask) -> Number:
            groups = self.facts.found.get((name, self._places[name, id(ask)], slot), {})
            return _together(ask, [groups.get(key) for key in keys])

        found: Number = evaluate(_Context(self.look, answer))
        return found

    def row(self, key: Any, keys: Sequence[Any] | None = None) -> Row:
        """Return one group, or several as one."""
        answer, groups = self.answer, [key] if keys is None else keys
        return Row(
            key,
            value=self.value("value", answer.span, groups),
            also=self.value("also", answer.span, groups),
            before=self.value("value", answer.before_span, groups),
        )

    def of_group(self, key: Any) -> str:
        """Return the condition of a group, as a filter says it."""
        figure, kind = self.answer.figure, self.answer.row_kind
        path = figure.by
        if kind in ("user", "department"):
            return of_group(figure, kind, path, key)
        over = figure.asks[0].over
        condition = of_group(figure, kind, path, key)
        if not is_of_lines(self.look.desk.context, over, path):
            return condition
        ask, value = figure.asks[0], figure.value
        written = value.source(ask.condition) if value and ask.condition is not None else ""
        return of_lines_group(over[1], condition, written)

    def drilled(self, row: Row, *conditions: str, span: Span | None = None) -> Row:
        """Return a row with the way to its records."""
        answer, look = self.answer, self.look
        people = look.conditions(answer.figure)
        row.drill = drill_of(answer.figure, span or answer.span, people, *conditions)
        return row


def _together(ask: Ask, values: Iterable[Number]) -> Number:
    """Return one answer for several groups."""
    filled = [value for value in values if value is not None]
    if ask.function in _ADDED:
        return sum(filled, Decimal(0)) if ask.function == "sum" else sum(int(v) for v in filled)
    if not filled:
        return None
    if len(filled) == 1:
        return filled[0]
    if ask.function == "lowest":
        return min(filled)
    # An average of averages is nobody's average.
    return max(filled) if ask.function == "highest" else None


def fill(look: Look, number: int, answer: Answer, facts: Facts, expected: Expected) -> None:
    """Work one figure out from what the statements gave."""
    work = Work(look, number, answer, facts)
    keys = facts.keys()
    answer.value = work.value("value", answer.span, keys)
    answer.also = work.value("also", answer.span, keys)
    answer.before = work.value("value", answer.before_span, keys)
    kind, chart = answer.row_kind, answer.figure.chart
    if kind == "time":
        answer.rows = _times(work)
    elif answer.figure.target and kind:
        expected.rows(work)
    elif kind == "stage" and chart == "funnel" and work.is_added:
        answer.rows = _funnel(work)
    elif kind:
        _groups(work)
    if answer.figure.target:
        expected.beside(answer)
    _name(look, number, answer)


# -- time ------------------------------------------------------------------------------------------


def _times(work: Work) -> list[Row]:
    answer, look = work.answer, work.look
    span = answer.span
    assert span is not None
    parts = parts_of(span, answer.unit, look.today)
    before: Sequence[Span | None] = [None] * len(parts)
    if answer.before_span is not None:
        before = parts_of(answer.before_span, answer.unit, look.today)
    rows = []
    for place, part in enumerate(parts):
        row = Row(part.signs)
        row.value = work.value("value", span, [part.first])
        row.also = work.value("also", span, [part.first])
        if not row.value and part.first is not None and part.first > look.today:
            # Nothing yet is not nothing.
            row.value = row.also = None
        beside = before[place] if place < len(before) else None
        if beside is not None:
            row.before = work.value("value", answer.before_span, [beside.first])
        rows.append(work.drilled(row, span=_cut(part, span)))
    return rows


def _cut(part: Span, span: Span) -> Span:
    """Return of a part what lies in the whole: the first week of a month may begin before it."""
    if part.first is None or part.last is None:
        return part
    first = part.first if span.first is None else max(part.first, span.first)
    last = part.last if span.last is None else min(part.last, span.last)
    return Span(part.unit, first, last)


# -- funnels ---------------------------------------------------------------------------------------


def _funnel(work: Work) -> list[Row]:
    """Return the stages on the way to the goal, each with everything that came so far.

    The goal is the first of the final stages. What ended elsewhere came as far as the stage it was
    in before.
    """
    figure, entity = work.answer.figure, work.look.own.kinds[work.number][1]
    options = [
        one for one in work.look.catalog.entities[entity].fields[figure.by].options
        if not one.removed
    ]  # fmt: skip
    way, ended = way_of(options)
    place = {name: number for number, name in enumerate(way)}
    reached = {
        key: place.get(key[0], place.get(key[1], 0))
        for key in work.facts.keys()  # noqa: SIM118 - a method of ours.
    }
    rows: list[Row] = []
    for number, name in enumerate(way):
        row = work.row(name, [key for key, at in reached.items() if at >= number])
        if rows and rows[-1].value and row.value is not None:
            row.share = Decimal(row.value) / Decimal(rows[-1].value)
        conditions = [_reached_at_least(figure.by, way[number:], ended)] if number else []
        rows.append(work.drilled(row, *conditions))
    work.answer.value = rows[0].value if rows else None
    return rows


def way_of(options: Sequence[Option]) -> tuple[list[str], list[str]]:
    """Return the stages that lead to the goal, it last, and the other ends."""
    final = [one.name for one in options if one.final]
    way = [one.name for one in options if not one.final]
    return way + final[:1], final[1:]


def _reached_at_least(path: str, stages: Sequence[str], ended: Sequence[str]) -> str:
    listed = ", ".join(f"'{name}'" for name in stages)
    here = f"{path} in ({listed},)"
    if not ended:
        return here
    ends = ", ".join(f"'{name}'" for name in ended)
    return f"{here} or ({path} in ({ends},) and {path}.previous in ({listed},))"


# -- groups ----------------------------------------------------------------------------------------


def _groups(work: Work) -> None:
    """Put the groups into the answer: in their own order, or the greatest first."""
    answer, figure = work.answer, work.answer.figure
    rows = [work.row(key) for key in work.facts.keys()]  # noqa: SIM118 - a method of ours.
    rows = [row for row in rows if row.value or row.also or row.before]
    ranked = sorted(rows, key=lambda row: _size(row.value), reverse=True)
    _note_places(ranked)
    if answer.row_kind in _ORDERED and figure.chart not in ("ranking", "pie"):
        order = _order(work)
        ranked = sorted(rows, key=lambda row: order.get(row.key, len(order)))
    else:
        ranked = [row for row in ranked if row.value]
    shown, rest = ranked[: figure.top], ranked[figure.top :]
    answer.rows = [work.drilled(row, work.of_group(row.key)) for row in shown]
    answer.more = len(rest)
    if rest and figure.chart == "pie":
        together = work.row(None, [row.key for row in rest])
        together.kind = "rest"
        answer.rows.append(together)


def _order(work: Work) -> dict[Any, int]:
    if work.answer.row_kind == "boolean":
        return {True: 0, False: 1}
    entity = work.look.own.kinds[work.number][1]
    field_ = work.look.catalog.entities[entity].fields.get(work.answer.figure.by)
    options = field_.options if field_ is not None else ()
    return {option.name: number for number, option in enumerate(options)}


def _note_places(ranked: Sequence[Row]) -> None:
    """Note how many places each row went up since the period before."""
    before = sorted(
        (row for row in ranked if row.before), key=lambda row: _size(row.before), reverse=True
    )
    places = {id(row): number for number, row in enumerate(before)}
    for number, row in enumerate(ranked):
        if id(row) in places:
            row.moved = places[id(row)] - number


def _size(value: Number) -> Decimal:
    return Decimal("-Infinity") if value is None else Decimal(value)


# -- names -----------------------------------------------------------------------------------------


def _name(look: Look, number: int, answer: Answer) -> None:
    """Put what people read beside keys that are records."""
    kind = answer.row_kind
    snapshot, policy = look.snapshot, look.desk.policy
    if kind in ("user", "department"):
        if not policy.is_readable(kind, "name"):
            return
        for row in answer.rows:
            if row.key is None or row.kind == "company":
                continue
            is_user = (row.kind or kind) == "user"
            person = snapshot.people.get(row.key) if is_user else None
            row.title = person.name if person else snapshot.department_names.get(row.key)
    elif kind == "record":
        entity = look.own.kinds[number][1]
        ids = [row.key for row in answer.rows if row.key is not None]
        if ids and policy.may("read", entity):
            titles = look.figures.lookups.titles(look.principal, entity, ids)
            for row in answer.rows:
                row.title = titles.get(row.key)
