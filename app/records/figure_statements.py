"""The statements of figures: everything that is counted over one kind of records, in one pass.

Figures over the same records, split in the same way, share a statement: what tells them apart
(their condition, their period) stands in the aggregates. Row rule and veils are part of every
statement; the expressions were checked as the asker's own before they come here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, array

from app.access.sources import TableSource
from app.database.statements import Statement
from app.definitions.meaning import meaning_of
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
    """What figures are split by."""

    #: empty | time | user | department | field | stage
    kind: str = ""
    #: time: the unit; field and stage: the path
    path: str = ""
    #: time: the field
    date: str = ""
    #: user and department: the field of the person
    of: str = ""


@dataclass(frozen=True, slots=True)
class Split:
    """Measures that are split in the same way."""

    group: Group
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one statement answers: splits over the very same rows, which are read once."""

    over: tuple[str, ...]
    #: the field of the person where only the records of the people bound count; else empty
    of: str
    splits: tuple[Split, ...]

    @property
    def times(self) -> frozenset[tuple[str, int]] | None:
        """The fields and periods its rows belong to; None where it asks for all rows."""
        asked = frozenset((one.date, one.slot) for split in self.splits for one in split.measures)
        return None if any(not date for date, _ in asked) else asked


def build_batch(
    context: ReadContext, batch: Batch, asks: Mapping[tuple[int, str, int], Ask]
) -> Statement:
    """Return the statement of a batch: which split, its keys as JSON, its measures in order.

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
        #: what is worked out row by row, by what it means: figures often count the same
        self._columns: dict[str, sa.ColumnElement[Any]] = {}
        self._joined: dict[str, sa.FromClause] = {}
        if len(batch.over) > 1:
            self._join_lines(".".join(batch.over))

    def statement(self) -> sa.Select[Any] | sa.CompoundSelect[Any]:
        batch = self.batch
        keys = [self._keys(split.group) for split in batch.splits]
        values = [[self._value(one) for one in split.measures] for split in batch.splits]
        if batch.of:
            people = sa.bindparam("people", type_=sa.ARRAY(sa.BigInteger))
            self.conditions.append(self.outer.value(batch.of) == sa.func.any(people))
        times = batch.times
        if times is not None:
            self.conditions.append(sa.or_(*(self._within(*one) for one in sorted(times))))
        # Worked out inside, so that grouping is by a column and not by an expression's text.
        rows = (
            sa.select(*(column.label(name) for name, column in self._named().items()))
            .select_from(self.tables)
            .where(*self.conditions)
        )
        if len(batch.splits) == 1:
            return self._split(0, rows.subquery("v"), keys[0], values[0])
        # Read once, however many ways they are split.
        whole = rows.cte("v").prefix_with("MATERIALIZED")
        parts = [
            self._split(number, whole, keys[number], values[number]).subquery(f"s{number}").select()
            for number in range(len(batch.splits))
        ]
        return sa.union_all(*parts)

    def _named(self) -> dict[str, sa.ColumnElement[Any]]:
        return {f"c{number}": one for number, one in enumerate(self._columns.values())}

    def _column(self, meaning: str, make: Callable[[], sa.ColumnElement[Any]]) -> str:
        """Return the name of a column worked out row by row; the same meaning once only."""
        if meaning not in self._columns:
            self._columns[meaning] = make()
        return f"c{list(self._columns).index(meaning)}"

    def _split(
        self, number: int, rows: sa.FromClause, keys: Sequence[str], values: Sequence[str]
    ) -> sa.Select[Any]:
        measures = self.batch.splits[number].measures
        figures = [
            sa.cast(_aggregate(self.asks[measure.part], rows.c[name]), sa.Numeric)
            for measure, name in zip(measures, values, strict=True)
        ]
        columns = [rows.c[name] for name in keys]
        found = sa.select(
            sa.literal_column(str(number), sa.Integer).label("split"),
            sa.func.jsonb_build_array(*columns, type_=JSONB).label("keys"),
            array(figures).label("measures"),
        ).select_from(rows)
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

    def _value(self, measure: Measure) -> str:
        """Return the name of the column a measure adds up."""
        ask = self.asks[measure.part]
        meant = [meaning_of(one) if one is not None else None for one in (ask.value, ask.condition)]
        meaning = repr(("value", meant, measure.date, measure.slot))
        return self._column(meaning, lambda: self._counted(ask, measure))

    def _counted(self, ask: Ask, measure: Measure) -> sa.ColumnElement[Any]:
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

    # -- by what -----------------------------------------------------------------------------------

    def _keys(self, group: Group) -> list[str]:
        """Return the names of the columns of a group's keys."""
        if not group.kind:
            return []
        named = repr(("key", group))
        if group.kind == "time":
            return [self._column(named, lambda: self._bucket(group.path, group.date))]
        if group.kind == "user":
            return [self._column(named, lambda: self.outer.value(group.of))]
        if group.kind == "department":
            return [self._column(named, lambda: self._department(group.of))]
        keys = [self._column(repr(("field", group.path)), lambda: self._field(group.path))]
        if group.kind == "stage":
            before = f"{group.path}.previous"
            keys.append(self._column(repr(("field", before)), lambda: self._field(before)))
        return keys

    def _department(self, of: str) -> sa.ColumnElement[Any]:
        """Return the department of the person whose a record is, as it is now."""
        users = self._joined.get(of)
        if users is None:
            users = self._joined[of] = self.context.release.tables["user"].alias(f"u_{of}")
            self.tables = self.tables.outerjoin(users, users.c.id == self.outer.value(of))
        return users.c.department

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
