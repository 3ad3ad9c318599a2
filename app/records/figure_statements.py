"""The statements of figures: everything that is counted over one kind of records, in one pass.

Figures over the same records, split in the same way, share a statement: what tells them apart
(their condition, their period) stands in the aggregates. Row rule and veils are part of every
statement; the expressions were checked as the asker's own before they come here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.access.sources import TableSource
from app.database.statements import Statement
from app.definitions.scope import record_scope
from app.expressions.checking import check
from app.expressions.sql_values import AGGREGATES
from app.expressions.syntax import parse
from app.expressions.tree import Ask, Checked
from app.records.context import ReadContext
from app.records.filters import RightsModel

#: More groups than these are read by nobody; those with the most are taken.
MOST_GROUPS = 1_000


@dataclass(frozen=True, slots=True)
class Measure:
    """One question of one figure for one period."""

    #: which figure, `value` or `also`, and which of its questions
    part: tuple[int, str, int]
    #: the field of the period; empty: it asks for none
    date: str
    #: which of the periods that are bound
    slot: int


@dataclass(frozen=True, slots=True)
class Group:
    """What a statement is split by."""

    #: empty | time | user | department | field | stage
    kind: str = ""
    #: time: the unit; field and stage: the path
    path: str = ""
    #: time: the field
    date: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one statement answers."""

    over: tuple[str, ...]
    #: the field of the person, where the statement asks for it
    of: str
    #: only the records of the people that are bound
    narrowed: bool
    group: Group
    measures: tuple[Measure, ...]


def build_batch(
    context: ReadContext, batch: Batch, asks: Mapping[tuple[int, str, int], Ask]
) -> Statement:
    """Return the statement of a batch: the keys of each group, then its measures in order.

    Bound when it runs, beside the asker's values: ``people``, and ``day{n}_from``, ``day{n}_to``
    or ``moment{n}_from``, ``moment{n}_to`` for each period, the end left out.
    """
    return Statement(_Building(context, batch, asks).statement())


class _Building:
    """One batch on its way to a statement."""

    def __init__(
        self, context: ReadContext, batch: Batch, asks: Mapping[tuple[int, str, int], Ask]
    ) -> None:
        self.context = context
        self.batch = batch
        self.asks = asks
        self.entity = batch.over[0]
        self.table = context.table(self.entity, "c")
        self.outer = context.source(self.entity, self.table)
        self.inner = self.outer
        self.tables: sa.FromClause = self.table
        self.conditions = [
            *context.living(self.table),
            context.visibility.rows(self.entity, self.table, has_shares=context.has_shares),
        ]
        if len(batch.over) > 1:
            self._join_lines(".".join(batch.over))

    def statement(self) -> sa.Select[Any]:
        batch = self.batch
        keys = self._keys()
        values = [
            self._value(measure).label(f"v{number}")
            for number, measure in enumerate(batch.measures)
        ]
        if batch.narrowed:
            people = sa.bindparam("people", type_=sa.ARRAY(sa.BigInteger))
            self.conditions.append(self.outer.value(batch.of) == sa.func.any(people))
        times = self._times()
        if times is not None:
            self.conditions.append(times)
        # Worked out inside, so that grouping is by a column and not by an expression's text.
        rows = (
            sa.select(*(key.label(f"k{number}") for number, key in enumerate(keys)), *values)
            .select_from(self.tables)
            .where(*self.conditions)
            .subquery("v")
        )
        figures = [
            _aggregate(self.asks[measure.part], rows.c[f"v{number}"]).label(f"m{number}")
            for number, measure in enumerate(batch.measures)
        ]
        columns = [rows.c[f"k{number}"] for number in range(len(keys))]
        found = sa.select(*columns, *figures)
        if not columns:
            return found
        return found.group_by(*columns).order_by(figures[0].desc().nulls_last()).limit(MOST_GROUPS)

    def _join_lines(self, name: str) -> None:
        lines = self.context.table(name, "l")
        self.inner = self.context.source(name, lines)
        self.tables = self.table.join(lines, lines.c.parent == self.table.c.id)
        veil = self.context.veils(self.entity, self.table).get(self.batch.over[1])
        if veil is not None:
            self.conditions.append(sa.not_(veil))

    # -- what is counted ---------------------------------------------------------------------------

    def _value(self, measure: Measure) -> sa.ColumnElement[Any]:
        ask = self.asks[measure.part]
        value: sa.ColumnElement[Any] = sa.literal_column("1", sa.Integer)
        if ask.value is not None:
            value = self.inner.worked_out(Checked("", ask.value))
        conditions = []
        if ask.condition is not None:
            conditions.append(self.inner.holds(Checked("", ask.condition)))
        if measure.date:
            conditions.append(self._within(measure.date, measure.slot))
        return sa.case((sa.and_(*conditions), value)) if conditions else value

    def _within(self, date: str, slot: int) -> sa.ColumnElement[bool]:
        column = self.outer.value(date)
        is_moment = isinstance(column.type, sa.DateTime)
        kind = sa.DateTime(timezone=True) if is_moment else sa.Date()
        name = f"{'moment' if is_moment else 'day'}{slot}"
        return sa.and_(
            column >= sa.bindparam(f"{name}_from", type_=kind),
            column < sa.bindparam(f"{name}_to", type_=kind),
        )

    def _times(self) -> sa.ColumnElement[bool] | None:
        """Return that a row belongs to any period asked for; None where one asks for all."""
        asked = dict.fromkeys((one.date, one.slot) for one in self.batch.measures)
        if any(not date for date, _ in asked):
            return None
        return sa.or_(*(self._within(date, slot) for date, slot in asked))

    # -- by what -----------------------------------------------------------------------------------

    def _keys(self) -> list[sa.ColumnElement[Any]]:
        group = self.batch.group
        if not group.kind:
            return []
        if group.kind == "time":
            return [self._bucket(group.path, group.date)]
        if group.kind == "user":
            return [self.outer.value(self.batch.of)]
        if group.kind == "department":
            users = self.context.release.tables["user"].alias("u")
            joined = users.c.id == self.outer.value(self.batch.of)
            self.tables = self.tables.outerjoin(users, joined)
            return [users.c.department]
        keys = [self._field(group.path)]
        if group.kind == "stage":
            keys.append(self._field(f"{group.path}.previous"))
        return keys

    def _bucket(self, unit: str, date: str) -> sa.ColumnElement[Any]:
        """Return the first day of the period a row lies in, on the company's calendar."""
        column = self.outer.value(date)
        if isinstance(column.type, sa.DateTime):
            column = sa.func.timezone(self.context.catalog.app.time_zone, column)
        bucket = sa.func.date_trunc(unit, sa.cast(column, sa.DateTime()))
        return sa.cast(bucket, sa.Date())

    def _field(self, path: str) -> sa.ColumnElement[Any]:
        source = self.inner if is_of_lines(self.context, self.batch.over, path) else self.outer
        return source.worked_out(read_path(self.context, source, path))


def is_of_lines(context: ReadContext, over: Sequence[str], path: str) -> bool:
    """Whether a group is a field of the lines that are counted, not of the record around them."""
    if len(over) < 2:
        return False
    return path.partition(".")[0] in context.entity(".".join(over)).fields


def read_path(context: ReadContext, source: TableSource, path: str) -> Checked:
    """Return a path as the asker's own.

    Raises:
        ExpressionProblem: the asker may not read something on its way.
    """
    model = RightsModel(context.catalog, context.policy)
    scope = record_scope(model, source.entity.name, roles=context.catalog.roles)
    return check(parse(path), scope)


def _aggregate(ask: Ask, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    if ask.function == "count":
        return sa.func.count(column)
    return AGGREGATES[ask.function](column)
