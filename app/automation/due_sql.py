"""When a timed rule is due, as SQL over a record's row.

The same expression serves one write and a million records. Days begin at the company's midnight,
29 February comes on the 28th, and `at` never makes anything early or late: `after` waits for the
next such time, `before` takes the last.
"""

from __future__ import annotations

from dataclasses import fields as parts_of
from dataclasses import is_dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.access.sources import TableSource, environment
from app.automation.timed import Timed, is_day
from app.database.release import Release
from app.definitions.automation import At
from app.expressions import SQLEnvironment, to_sql
from app.expressions import sql_functions as functions
from app.expressions.problems import ExpressionProblem
from app.expressions.tree import Node, Path

Column = sa.ColumnElement[Any]

#: What stands for the date in a year's turn; no field can have this name.
TURN = "@turn"
#: So many anniversaries are looked at: the last one, this year's, and those to come.
_TURNS = 4


def base_and_due(
    release: Release, rule: Timed, table: sa.FromClause, kept: sa.FromClause | None = None
) -> tuple[Column, Column]:
    """Return what the rule follows and when it is due for a row of *table*, as moments.

    *kept* is the row of ``reminder`` there may be: a yearly rule whose turn was not claimed yet
    stays at that turn. The parameters ``now`` and ``minute`` are the moment.
    """
    source = TableSource(release, rule.entity, table)
    known = environment(release.catalog)
    base = _as_moment(known, to_sql(rule.base, source, known), rule)
    if rule.yearly:
        return _next_turn(release, rule, table, kept)
    due = to_sql(rule.due, source, known)
    return base, at_its_time(known, due, rule.at, before=rule.before, day=is_day(rule.due))


def is_in_sql(release: Release, rule: Timed) -> bool:
    """Return whether a statement can know when a rule is due.

    What cannot are functions of plugins that have no SQL, and sums of different working times.
    """
    try:
        base_and_due(release, rule, release.tables[rule.entity].alias())
    except ExpressionProblem:
        return False
    return True


def _as_moment(known: SQLEnvironment, column: Column, rule: Timed) -> Column:
    return functions.midnight(known, column) if is_day(rule.base) else column


def at_its_time(
    known: SQLEnvironment, due: Column, at: At | None, *, before: bool, day: bool
) -> Column:
    """Return the moment a rule is due, moved to its time of day.

    Args:
        due: a day or a moment.
        before: take the last such time instead of the next.
        day: *due* is a day, on which the time of day is free.
    """
    if at is None:
        return functions.midnight(known, due) if day else due
    if day:
        return on_clock(known, _working_day(known, due, at, before=before), at.minute)
    own = functions.day_of(known, due)
    same = on_clock(known, own, at.minute)
    if before:
        last = sa.case((same > due, _moved(own, -1)), else_=own)
        return on_clock(known, _working_day(known, last, at, before=True), at.minute)
    first = sa.case((same < due, _moved(own, 1)), else_=own)
    return on_clock(known, _working_day(known, first, at, before=False), at.minute)


def on_clock(known: SQLEnvironment, day: Column, minute: int) -> Column:
    """Return the moment of a day at which the company's clocks show so many minutes."""
    wall = sa.cast(day, pg.TIMESTAMP()).op("+", return_type=pg.TIMESTAMP())(
        sa.func.make_interval(0, 0, 0, 0, 0, _digits(minute), type_=pg.INTERVAL)
    )
    return sa.func.timezone(known.calendar.time_zone, wall, type_=functions.MOMENT)


def _working_day(known: SQLEnvironment, day: Column, at: At, *, before: bool) -> Column:
    """Return the first working day from *day* on, or the last one up to it."""
    if not at.working_days:
        return day
    table = functions.working_day_table(known)
    if before:
        found = functions.scalar(sa.func.max(table.c.day), table, table.c.day <= day)
    else:
        found = functions.scalar(sa.func.min(table.c.day), table, table.c.day >= day)
    # Far away there is no table of working days; better on a day off than never.
    return sa.func.coalesce(found, day, type_=sa.Date)


def _moved(day: Column, days: int) -> Column:
    return day.op("+", return_type=sa.Date())(_digits(days))


def _digits(number: int) -> Column:
    return sa.literal_column(str(int(number)), sa.Integer())


def _next_turn(
    release: Release, rule: Timed, table: sa.FromClause, kept: sa.FromClause | None
) -> tuple[Column, Column]:
    """Return the next anniversary that is not over, and when it is due."""
    known = environment(release.catalog)
    first = to_sql(rule.base, TableSource(release, rule.entity, table), known)
    minute = sa.bindparam("minute", type_=functions.MOMENT)
    years = sa.cast(
        sa.extract("year", functions.day_of(known, minute))
        - sa.extract("year", functions.day_of(known, first)),
        sa.Integer,
    )
    # Before the date itself there is no turn.
    begin = sa.func.greatest(years - 1, 0, type_=sa.Integer)
    numbers = (
        sa.func.generate_series(begin, begin + _digits(_TURNS - 1))
        .table_valued(sa.column("years", sa.Integer), name="turn")
        .render_derived()
    )
    length = sa.func.make_interval(numbers.c.years, type_=pg.INTERVAL)
    if is_day(rule.base):
        moved: Column = sa.cast(first.op("+", return_type=pg.TIMESTAMP())(length), sa.Date)
        base = functions.midnight(known, moved)
    else:
        zone = known.calendar.time_zone
        moved = sa.func.date_add(first, length, zone, type_=functions.MOMENT)
        base = moved
    turn = _TurnSource(release, rule.entity, table, moved)
    same = Path(type=rule.base.root.type, name=TURN)
    root = exchanged(rule.due.root, rule.base.root, same)
    due = at_its_time(
        known, to_sql(root, turn, known), rule.at, before=rule.before, day=is_day(rule.due)
    )
    awaited = due >= minute
    if kept is not None:
        awaited = sa.or_(awaited, sa.and_(kept.c.due_at.is_not(None), kept.c.base == base))

    def of_turn(column: Column) -> Column:
        found = sa.select(column).select_from(numbers).where(awaited).order_by(numbers.c.years)
        return found.limit(1).correlate_except(numbers).scalar_subquery()

    return of_turn(base), of_turn(due)


class _TurnSource(TableSource):
    """A row whose date stands in another year."""

    def __init__(self, release: Release, entity: str, table: sa.FromClause, turn: Column) -> None:
        super().__init__(release, entity, table)
        self._turn = turn

    def value(self, name: str) -> Column:
        return self._turn if name == TURN else super().value(name)


def exchanged(node: Any, wanted: Node, other: Node) -> Any:
    """Return a tree in which *other* stands wherever *wanted* did."""
    if isinstance(node, Node):
        if _same(node, wanted):
            return other
        changed = {
            part.name: exchanged(getattr(node, part.name), wanted, other)
            for part in parts_of(node)
            if isinstance(getattr(node, part.name), (Node, tuple))
        }
        return replace(node, **changed)
    if isinstance(node, tuple):
        return tuple(exchanged(each, wanted, other) for each in node)
    return node


def _same(one: Any, other: Any) -> bool:
    """Return whether two parts of expressions say the same, wherever they stand."""
    if type(one) is not type(other):
        return False
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, Node) and is_dataclass(one):
        names = [part.name for part in parts_of(one) if part.name not in ("start", "end")]
        return all(_same(getattr(one, name), getattr(other, name)) for name in names)
    return bool(one == other)
