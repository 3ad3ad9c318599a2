"""What a list is sorted by: names in, columns of the statement out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB

from app.access.sources import TableSource, is_any_link, targets_of
from app.definitions.catalog import Field
from app.errors import Malformed
from app.records.context import ReadContext
from app.records.paging import SortColumn
from app.records.refusals import field_of
from app.texts import say

#: (field or part, descending)
Sort = tuple[tuple[str, bool], ...]

#: More keys than these help nobody and only make statements longer.
MOST_KEYS = 4


def parse_sort(text: str) -> Sort:
    """Read ``-amount,name``.

    Raises:
        Malformed: there are too many names, or one is missing.
    """
    names = [name.strip() for name in text.split(",")]
    if not all(name.strip("-+") for name in names) or len(names) > MOST_KEYS:
        raise Malformed(
            say(
                "`sort` names one to {most} fields, separated by commas, with `-` before those "
                "that go down: `-amount,name`.",
                "sort 为一至{most}个字段名，用逗号分隔，降序加“-”：-amount,name。",
                most=MOST_KEYS,
            )
        )
    return tuple((name.lstrip("-+"), name.startswith("-")) for name in names)


def sort_columns(context: ReadContext, source: TableSource, sort: Sort) -> list[SortColumn]:
    """Return the columns of a sort over one row, the id as the last.

    Raises:
        Malformed: a name is no field, or is one nobody can sort by.
        Forbidden: the asker may not read the field.
    """
    columns: list[SortColumn] = []
    descending = False
    for name, descending in sort:
        if name == "id":
            break
        columns.append(_column(context, source, name, descending))
    columns.append(SortColumn(source.table.c.id, descending, nullable=False))
    return columns


def own_sort(context: ReadContext, entity: str, view_sort: Sort = ()) -> Sort:
    """Return the order of a list that nobody asked to sort."""
    for sort in (view_sort, context.entity(entity).screens.sort):
        # A sort that nobody asked for never gives away a field that may not be read.
        if sort and all(
            name == "id" or context.policy.is_readable(entity, name.partition(".")[0])
            for name, _ in sort
        ):
            return sort
    return (("id", True),)


def is_walked(context: ReadContext, entity: str, sort: Sort, columns: Sequence[SortColumn]) -> bool:
    """Whether there is an index by owner in the order of the sort, in one direction or the other.

    There is one for the list's own sort, if columns hold its values, else for the id.
    """
    own = context.entity(entity).screens.sort or (("id", True),)
    turned = tuple((name, not descending) for name, descending in own)
    is_stored = all(isinstance(column.expression, sa.Column) for column in columns)
    return is_stored and sort in (own, turned)


def _column(context: ReadContext, source: TableSource, name: str, descending: bool) -> SortColumn:
    one = field_of(context, source.entity.name, name)
    if one.type.name in ("lines", "through") or one.type.many or is_any_link(one):
        raise _unsortable(name)
    targets = targets_of(one)
    if targets and "." not in name:
        return SortColumn(_title_behind(context, source, one, targets[0]), descending)
    if one.type.name == "money" and name == one.name and f"{name}__base" in source.table.c:
        # Amounts of several currencies are compared in the base currency.
        return SortColumn(source.table.c[f"{name}__base"], descending)
    value = source.value(name)
    if isinstance(value.type, ARRAY | JSON | JSONB):
        raise _unsortable(name)
    order = [option.name for option in one.options]
    if order and name in (one.name, f"{one.name}.state") and order != sorted(order):
        # Options have an order of their own, the one they are written in.
        value = sa.func.array_position(sa.literal(order, ARRAY(sa.Text)), value, type_=sa.Integer)
        return SortColumn(value, descending)
    nullable = bool(getattr(value, "nullable", True))
    return SortColumn(value, descending, nullable=nullable)


def _title_behind(
    context: ReadContext, source: TableSource, one: Field, target: str
) -> sa.ColumnElement[Any]:
    _, table, joined = source.follow(one.name)
    return (
        sa.select(context.title(target, table))
        .where(joined)
        .select_from(table)
        .correlate_except(table)
        .scalar_subquery()
    )


def _unsortable(name: str) -> Malformed:
    return Malformed(
        say(
            "A list cannot be sorted by `{name}`: it holds several values.",
            "列表不能按“{name}”排序：它包含多个值。",
            name=name,
        )
    )


def written(sort: Sequence[tuple[str, bool]]) -> str:
    """Return a sort as a URL writes it."""
    return ",".join(f"-{name}" if descending else name for name, descending in sort)
