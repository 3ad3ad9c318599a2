"""Figures over a list: grouped, counted, summed, of exactly the rows the asker may see."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB

from app.access.sources import TableSource, is_any_link, targets_of
from app.errors import Malformed
from app.records.context import ReadContext
from app.records.listing import LIMIT, Narrowed
from app.records.prepared import PreparedStatement
from app.records.refusals import field_of
from app.records.select import NOTHING, WHOLE, Selector, as_json
from app.texts import say

MOST_GROUPS = 3
MOST_MEASURES = 10

_PERIODS = {
    "year": "YYYY",
    "quarter": 'YYYY-"Q"Q',
    "month": "YYYY-MM",
    "week": 'IYYY-"W"IW',
    "day": "YYYY-MM-DD",
}
_CALL = re.compile(r"([a-z]+)\(([a-z0-9_.]+)\)")
_FIGURES: dict[str, Callable[[sa.ColumnElement[Any]], sa.ColumnElement[Any]]] = {
    "count": sa.func.count,
    "sum": lambda column: sa.func.coalesce(sa.func.sum(column), 0, type_=sa.Numeric),
    "avg": lambda column: sa.func.trim_scale(
        sa.func.round(sa.func.avg(column), 6), type_=sa.Numeric
    ),
    "min": lambda column: sa.func.min(column, type_=column.type),
    "max": lambda column: sa.func.max(column, type_=column.type),
}


def split_names(text: str | Sequence[str] | None) -> tuple[str, ...]:
    """Read ``stage,month(created_at)``; a list is taken as it is."""
    if text is None:
        return ()
    names = text.split(",") if isinstance(text, str) else text
    return tuple(name.strip() for name in names if name.strip())


def build_aggregate(
    narrowed: Narrowed, groups: Sequence[str], measures: Sequence[str]
) -> PreparedStatement:
    """Return the statement: one row of JSON for each group, keyed as the groups and measures.

    Raises:
        Malformed: a name is no field, or cannot be grouped or added up.
        Forbidden: the asker may not read the field.
    """
    if len(groups) > MOST_GROUPS or not 0 < len(measures) <= MOST_MEASURES:
        raise Malformed(
            say(
                "An aggregate has up to {groups} groups and 1 to {measures} measures.",
                "统计最多 {groups} 个分组、1 至 {measures} 个指标。",
                groups=MOST_GROUPS,
                measures=MOST_MEASURES,
            )
        )
    context, source = narrowed.context, narrowed.source
    keys = [_group(context, source, name) for name in groups]
    values = [_value(context, source, name) for name in measures]
    labels = [f"g{number}" for number in range(len(keys))]
    # Worked out once, inside, so that grouping is by a column and not by an expression's text.
    rows = (
        sa.select(
            *(key.label(label) for key, label in zip(keys, labels, strict=True)),
            *(value.label(f"v{number}") for number, value in enumerate(values)),
        )
        .select_from(narrowed.table)
        .where(*narrowed.filters(), narrowed.rule())
        .subquery("v")
    )
    figures = [
        _FIGURES[name.partition("(")[0]](rows.c[f"v{number}"]).label(f"m{number}")
        for number, name in enumerate(measures)
    ]
    grouped = sa.select(*(rows.c[label] for label in labels), *figures)
    inner = grouped.group_by(*(rows.c[label] for label in labels)).subquery("a")
    shown = [
        _shown(context, source, name, inner.c[label]).label(name)
        for name, label in zip(groups, labels, strict=True)
    ]
    shown += [as_json(inner.c[f"m{n}"]).label(name) for n, name in enumerate(measures)]
    order = [inner.c[label].asc().nulls_last() for label in labels]
    listed = sa.select(*shown).order_by(*order).limit(LIMIT).subquery(WHOLE)
    text = sa.cast(sa.func.row_to_json(listed.table_valued()), sa.Text)
    return PreparedStatement(sa.select(text).select_from(listed))


def _group(context: ReadContext, source: TableSource, name: str) -> sa.ColumnElement[Any]:
    call = _CALL.fullmatch(name)
    path = call[2] if call else name
    one = field_of(context, source.entity.name, path)
    if one.type.name == "lines":
        raise _refused(name)
    column = source.value(path)
    if call is not None:
        return _period(context, name, call[1], column)
    is_plain = not isinstance(column.type, ARRAY | JSON | JSONB)
    if one.type.name == "through" or is_any_link(one) or not is_plain:
        raise _refused(name)
    return column


def _period(
    context: ReadContext, name: str, period: str, column: sa.ColumnElement[Any]
) -> sa.ColumnElement[Any]:
    """Return the period a day or moment lies in, on the company's calendar."""
    if period not in _PERIODS or not isinstance(column.type, sa.Date | sa.DateTime):
        raise _refused(name)
    if isinstance(column.type, sa.DateTime):
        column = sa.func.timezone(context.catalog.app.time_zone, column)
    return sa.func.to_char(sa.cast(column, sa.DateTime()), _PERIODS[period], type_=sa.Text)


def _value(context: ReadContext, source: TableSource, name: str) -> sa.ColumnElement[Any]:
    """Return what a measure is worked out from, row by row."""
    if name == "count":
        return source.table.c.id
    call = _CALL.fullmatch(name)
    if call is None or call[1] not in _FIGURES:
        raise _refused(name)
    function, path = call[1], call[2]
    one = field_of(context, source.entity.name, path)
    if one.type.name in ("lines", "through") or is_any_link(one):
        raise _refused(name)
    column = source.value(path)
    base = f"{path}__base"
    if base in source.table.c:
        # Amounts of several currencies are added up in the base currency.
        column = source.table.c[base]
    if function in ("sum", "avg"):
        if not isinstance(column.type, sa.Numeric | sa.Integer):
            raise _refused(name)
    elif isinstance(column.type, ARRAY | JSON | JSONB | sa.Boolean):
        raise _refused(name)
    return column


def _shown(
    context: ReadContext, source: TableSource, name: str, column: sa.ColumnElement[Any]
) -> sa.ColumnElement[Any]:
    """Return a group as the API writes it: a link with its title."""
    one = source.entity.fields.get(name)
    if one is None or not targets_of(one):
        return as_json(column)
    return Selector(context, source).target(targets_of(one)[0], column, NOTHING)


def _refused(name: str) -> Malformed:
    return Malformed(
        say(
            "`{name}` cannot be asked here. Groups are fields of one value or `month(field)` and "
            "the like; measures are `count`, `sum(field)`, `avg`, `min`, `max`.",
            "不支持“{name}”。分组为单值字段或 month(字段) 等；"
            "指标为 count、sum(字段)、avg、min、max。",
            name=name[:60],
        )
    )
