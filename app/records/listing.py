"""The statement of a list: first the ids of one page in order, then their rows.

The inner query reads nothing but ids and sort values, which an index alone can answer; the rows are
fetched by key afterwards. Without a filter the rows are merged owner by owner, which costs the same
whether the asker sees ten rows or a million. Measured reasons stand in docs/decisions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.access.sources import TableSource
from app.access.visibility import Keys, one_of
from app.database.system import search
from app.records import finding
from app.records.context import ReadContext
from app.records.filters import Shortcut, ShortcutKey, compile_shortcut, read_expression
from app.records.paging import Branch, SortColumn, branches, order_of
from app.records.prepared import PreparedStatement
from app.records.select import WHOLE, Expansion, Selector
from app.records.sorting import Sort, is_walked, own_sort, sort_columns

LIMIT = sa.bindparam("limit", type_=sa.Integer)


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What narrows a list: everything but the values bound when it runs."""

    entity: str
    where: tuple[ShortcutKey, ...] = ()
    #: conditions in the expression language: of the URL, of a view
    filters: tuple[str, ...] = ()
    words: finding.Kinds = ()
    #: the rows of the bin instead of the living ones
    in_bin: bool = False
    right: str = "read"

    @property
    def is_filtered(self) -> bool:
        return bool(self.where or self.filters or self.words)


@dataclass(frozen=True, slots=True)
class Shape:
    """Everything that makes one list statement differ from another."""

    narrowing: Narrowing
    #: ``json`` for rows as the API writes them, ``values`` for rows as Python takes them
    form: str
    fields: tuple[str, ...]
    expand: Expansion
    sort: Sort
    #: which of the cursor's values are empty; None on the first page
    empties: tuple[bool, ...] | None = None
    backward: bool = False
    #: all filters first, then sort: for filters that find few rows where no index is of help
    narrow_first: bool = False


class Narrowed:
    """The rows of an entity that the asker may see and the filters let through."""

    def __init__(self, context: ReadContext, narrowing: Narrowing) -> None:
        self.context = context
        self.narrowing = narrowing
        self.table = context.table(narrowing.entity, "c")
        self.source = context.source(narrowing.entity, self.table)
        self.shortcuts: tuple[Shortcut, ...] = tuple(
            compile_shortcut(context, self.source, key, number)
            for number, key in enumerate(narrowing.where)
        )

    def readers(self) -> list[Callable[[Any], dict[str, Any]]]:
        """Return what reads the values of the shortcuts, in their order."""
        return [shortcut.parameters for shortcut in self.shortcuts]

    def filters(self) -> list[sa.ColumnElement[bool]]:
        """Return every condition but who may see the row."""
        narrowing, table = self.narrowing, self.table
        found = self.context.living(table)
        if narrowing.in_bin:
            # Lines have no bin of their own: they come and go with their record.
            has_bin = "deleted_at" in table.c
            found = [table.c.deleted_at.is_not(None) if has_bin else sa.false()]
        found += [shortcut.condition for shortcut in self.shortcuts]
        for text in narrowing.filters:
            found.append(self.source.holds(read_expression(self.context, narrowing.entity, text)))
        if narrowing.words:
            found += self._words()
        return found

    def rule(self) -> sa.ColumnElement[bool]:
        """Return the row rule as one condition."""
        return self.context.visibility.rows(
            self.narrowing.entity,
            self.table,
            self.narrowing.right,
            has_shares=self.context.has_shares,
        )

    def keys(self) -> Keys | None:
        """Return the row rule as keys to walk one by one, where that is the way."""
        if self.narrowing.is_filtered or self.narrowing.in_bin:
            return None
        return self.context.visibility.keys(
            self.narrowing.entity, self.narrowing.right, has_shares=self.context.has_shares
        )

    def _words(self) -> list[sa.ColumnElement[bool]]:
        entity = self.narrowing.entity
        hits = sa.select(search.c.record_id).where(
            search.c.entity == self.context.release.numbers[entity],
            finding.found(self.narrowing.words),
        )
        conditions: list[sa.ColumnElement[bool]] = [self.table.c.id.in_(hits)]
        if finding.shows_hidden_fields(self.context, entity):
            conditions.append(finding.proven(self.context, self.source, self.narrowing.words))
        return conditions


class Ahead:
    """The first part of a list by itself, asked where it has been filling whole pages.

    The parts after it, those of the empty values above all, are a third of what PostgreSQL takes to
    plan a list, and most lists never reach them.
    """

    __slots__ = ("_hope", "statement")
    _MOST = 3

    def __init__(self, statement: PreparedStatement) -> None:
        self.statement = statement
        self._hope = 0

    @property
    def is_likely(self) -> bool:
        """Whether it is worth asking first."""
        return self._hope > 0

    def note(self, *, filled: bool) -> None:
        """Remember whether a page was filled; what fails every other time is not tried."""
        self._hope = min(self._hope + 1, self._MOST) if filled else max(self._hope - 2, 0)


class Listing:
    """One list statement, compiled."""

    def __init__(self, context: ReadContext, shape: Shape) -> None:
        self.shape = shape
        self.narrowed = Narrowed(context, shape.narrowing)
        #: where the list has several parts that are asked in turn
        self.ahead: Ahead | None = None
        self._context = context
        columns = sort_columns(context, self.narrowed.source, shape.sort)
        self.size = len(columns) - 1
        #: the ids of a page and their sort values
        self.ids = self._page(columns)
        self.statement = PreparedStatement(self._rows(self.ids.subquery("t"), columns))

    # -- which ids ---------------------------------------------------------------------------------

    def _page(self, columns: list[SortColumn]) -> sa.Select[Any]:
        """Return the ids of the page and their sort values, one more than asked for."""
        if self.shape.narrow_first:
            return self._narrow_first(columns)
        keys = self.narrowed.keys()
        entity = self.shape.narrowing.entity
        if keys is not None and is_walked(self._context, entity, self.shape.sort, columns):
            parts = self._key_by_key(columns, keys)
        else:
            parts = self._branches(columns, [*self.narrowed.filters(), self.narrowed.rule()])
            if len(parts) > 1:
                first = self._rows(parts[0].subquery("t"), columns)
                self.ahead = Ahead(PreparedStatement(first))
                parts = self._in_turn(parts)
        return self._merged(parts, columns)

    def _in_turn(self, parts: Sequence[sa.Select[Any]]) -> list[sa.Select[Any]]:
        """Have each part be asked only if those before it did not fill the page.

        A part that finds nothing, of the empty values, say, may have to look at every row to know.
        """
        found: list[sa.Select[Any]] = []
        before: list[sa.ColumnElement[int]] = []
        for number, part in enumerate(parts):
            wanted = part.where(sum(before[1:], before[0]) < LIMIT) if before else part
            name = f"{self.shape.narrowing.entity}_{number}"
            kept = wanted.cte(name).prefix_with("MATERIALIZED")
            before.append(sa.select(sa.func.count()).select_from(kept).scalar_subquery())
            found.append(sa.select(*kept.c))
        return found

    def _branches(
        self, columns: Sequence[SortColumn], conditions: Sequence[sa.ColumnElement[bool]]
    ) -> list[sa.Select[Any]]:
        """Return one ordered and limited query for each branch of the list."""
        found = branches(columns, self.shape.empties, backward=self.shape.backward)
        return [self._branch(branch, columns, conditions) for branch in found]

    def _branch(
        self,
        branch: Branch,
        columns: Sequence[SortColumn],
        conditions: Sequence[sa.ColumnElement[bool]],
    ) -> sa.Select[Any]:
        return (
            sa.select(*_labelled(columns))
            .select_from(self.narrowed.table)
            .where(*conditions, *branch.conditions)
            .order_by(*branch.order)
            .limit(LIMIT)
        )

    def _key_by_key(self, columns: Sequence[SortColumn], keys: Keys) -> list[sa.Select[Any]]:
        """Return the first rows of each owner or department, whatever each of them owns."""
        table = self.narrowed.table
        parts: list[sa.Select[Any]] = []
        seen: list[sa.ColumnElement[bool]] = []
        filters = self.narrowed.filters()
        for name, parameter in keys.columns:
            column = table.c[name]
            if parameter == "me":
                parts += self._branches(columns, [*filters, *seen, one_of(column, parameter)])
            else:
                parts.append(self._each_key(columns, [*filters, *seen], column, parameter))
            # Rows that an earlier key gave are left out: each row comes once.
            seen.append(sa.not_(sa.func.coalesce(one_of(column, parameter), sa.false())))
        if keys.shared:
            shared = self._context.visibility.shared_ids(self.shape.narrowing.entity)
            parts += self._branches(columns, [*filters, *seen, table.c.id == sa.func.any(shared)])
            seen.append(sa.not_(table.c.id == sa.func.any(shared)))
        if keys.pools:
            unowned = [*filters, *seen, table.c.owner.is_(None)]
            parts.append(self._each_key(columns, unowned, table.c.pool, "pools"))
        return parts

    def _each_key(
        self,
        columns: Sequence[SortColumn],
        conditions: Sequence[sa.ColumnElement[bool]],
        column: sa.ColumnElement[Any],
        parameter: str,
    ) -> sa.Select[Any]:
        kind = column.type
        bound = sa.bindparam(parameter, type_=sa.ARRAY(kind))
        key = sa.func.unnest(bound).table_valued(sa.column("id", kind), name="o")
        key = key.render_derived()
        parts = self._branches(columns, [*conditions, column == key.c.id])
        inner = self._merged([part.correlate(key) for part in parts], columns)
        each = inner.lateral("k")
        return sa.select(*each.c).select_from(key.join(each, sa.true()))

    def _merged(
        self, parts: Sequence[sa.Select[Any]], columns: Sequence[SortColumn]
    ) -> sa.Select[Any]:
        if len(parts) == 1 and not _is_unlimited(parts[0]):
            return parts[0]
        whole = (
            sa.union_all(*(part.subquery().select() for part in parts)).subquery()
            if len(parts) > 1
            else parts[0].subquery()
        )
        order = order_of(_outside(whole, columns), backward=self.shape.backward)
        return sa.select(*whole.c).order_by(*order).limit(LIMIT)

    def _narrow_first(self, columns: Sequence[SortColumn]) -> sa.Select[Any]:
        conditions = [*self.narrowed.filters(), self.narrowed.rule()]
        chosen = (
            sa.select(*_labelled(columns))
            .select_from(self.narrowed.table)
            .where(*conditions)
            .cte("m")
            .prefix_with("MATERIALIZED")
        )
        outside = _outside(chosen, columns)
        found = branches(outside, self.shape.empties, backward=self.shape.backward)
        parts = [
            sa.select(*chosen.c).where(*branch.conditions).order_by(*branch.order).limit(LIMIT)
            for branch in found
        ]
        return self._merged(parts, columns)

    # -- their rows --------------------------------------------------------------------------------

    def _rows(self, page: sa.Subquery, columns: Sequence[SortColumn]) -> sa.Select[Any]:
        """Return the page's rows in order, each with its sort values as text."""
        shape, context = self.shape, self._context
        table = context.table(shape.narrowing.entity, "r")
        source: TableSource = context.source(shape.narrowing.entity, table)
        selector = Selector(context, source)
        outside = _outside(page, columns)
        order = order_of(outside, backward=shape.backward)
        ends = [
            sa.cast(column.expression, sa.Text).label(f"sort:{number}")
            for number, column in enumerate(outside[:-1])
        ]
        ends.append(page.c.id.label("sort:id"))
        if shape.form == "values":
            chosen = selector.values(shape.fields)
            joined = page.join(table, table.c.id == page.c.id)
            return sa.select(*chosen, *ends).select_from(joined).order_by(*order)
        record = (
            sa.select(*selector.record(shape.fields, shape.expand))
            .select_from(table)
            .where(table.c.id == page.c.id)
            .lateral(WHOLE)
        )
        text = sa.cast(sa.func.row_to_json(record.table_valued()), sa.Text).label("row")
        row: list[sa.ColumnElement[Any]] = [text, *ends]
        return sa.select(*row).select_from(page.join(record, sa.true())).order_by(*order)


def _labelled(columns: Sequence[SortColumn]) -> list[sa.ColumnElement[Any]]:
    """Return the id and the sort values under the names they have outside."""
    *values, last = columns
    return [
        last.expression.label("id"),
        *(column.expression.label(f"s{number}") for number, column in enumerate(values)),
    ]


def _outside(inner: sa.FromClause, columns: Sequence[SortColumn]) -> list[SortColumn]:
    """Return the same sort over the columns an inner query gave."""
    found = [
        SortColumn(inner.c[f"s{number}"], column.descending, nullable=column.nullable)
        for number, column in enumerate(columns[:-1])
    ]
    return [*found, SortColumn(inner.c.id, columns[-1].descending, nullable=False)]


def _is_unlimited(part: sa.Select[Any]) -> bool:
    return part._limit_clause is None


def first_ids(context: ReadContext, entity: str) -> sa.Select[Any]:
    """Return the ids of the first rows of an entity's own list; ``limit`` says how many."""
    sort = own_sort(context, entity)
    return Listing(context, Shape(Narrowing(entity), "values", (), Expansion(), sort)).ids
