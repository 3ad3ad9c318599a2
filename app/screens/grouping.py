"""A list in groups, with how many rows each has and what they add up to; and the sums of a list.

All groups are one statement, whatever their number; the rows of a group are asked when it is
opened. Sums are of exactly the rows the visitor may see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import orjson

from app.definitions.catalog import Entity, Field
from app.errors import Malformed
from app.fields.money import Money, with_sign
from app.fields.worked_out import result_of
from app.records.results import Page
from app.screens.cells import Look, shown_type
from app.screens.columns import Column, Columns
from app.screens.conditions import quote
from app.screens.list_view import Group
from app.screens.opened_lists import OpenedList, read_page, view_asked
from app.screens.visit import Visit
from app.texts import say

#: Types whose values add up, and those that have an average at best.
_SUMMED = frozenset({"money", "decimal", "integer"})
_AVERAGED = frozenset({"percent", "rating"})
#: Groups shown; more of them are no overview.
MOST_GROUPS = 200

RowsOf = Callable[[Visit, OpenedList, Columns, Page], str]


def measures_of(entity: Entity, columns: Columns, masked: frozenset[str]) -> dict[str, str]:
    """Return what is worked out for each column that adds up, by its path."""
    found = {}
    for column in columns.columns:
        field = entity.fields.get(column.path)
        if field is None or column.path in masked or field.type.name == "through":
            continue
        kind = shown_type(field).name
        if kind in _SUMMED:
            found[column.path] = f"sum({column.path})"
        elif kind in _AVERAGED:
            found[column.path] = f"avg({column.path})"
    return dict(list(found.items())[:9])


def ask(
    visit: Visit, opened: OpenedList, measures: Sequence[str], group: str | None = None
) -> list[dict[str, Any]]:
    """Return figures over a list, one row for each group."""
    asked = opened.asked
    text = visit.records.aggregate(
        visit.principal,
        asked.entity,
        group_by=(group,) if group else None,
        measures=("count", *measures),
        filter=asked.filter or None,
        view=view_asked(opened),
        search=asked.search or None,
    )
    rows: list[dict[str, Any]] = orjson.loads(text)
    return rows


def groups_of(visit: Visit, opened: OpenedList, columns: Columns, rows_of: RowsOf) -> list[Group]:
    """Return the groups of a list, the first of them with its rows."""
    key = opened.arrangement.group
    field = _field(opened.entity, key)
    measures = measures_of(opened.entity, columns, visit.policy.masked(opened.entity.name))
    found = ask(visit, opened, tuple(measures.values()), key)
    found = sorted(found, key=lambda row: _place(field, key, row.get(key)))[:MOST_GROUPS]
    groups = []
    for number, row in enumerate(found):
        value = row.get(key)
        asked = replace(opened.asked, filter=_within(opened.asked.filter, key, value), group="-")
        href = asked.href(part="rows")
        group = Group(
            _label(visit, field, key, value),
            f"{row['count']:,}",
            [
                (
                    shown_figure(visit, opened.entity, column, measures, row),
                    "n m2" if "m2" in column.css.split() else "n",
                )
                for column in columns.columns[1:]
            ],
            href,
        )
        if number == 0:
            group = _opened(visit, opened, columns, rows_of, group, asked.filter)
        groups.append(group)
    return groups


def _opened(
    visit: Visit,
    opened: OpenedList,
    columns: Columns,
    rows_of: RowsOf,
    group: Group,
    filter_text: str,
) -> Group:
    """Return a group with its rows."""
    within = replace(opened, asked=replace(opened.asked, filter=filter_text, group="-"))
    page = read_page(visit, within, columns.fields)
    return replace(group, open=True, rows=rows_of(visit, within, columns, page))


def _field(entity: Entity, key: str) -> Field:
    path = key.partition("(")[2].rstrip(")") or key
    field = entity.fields.get(path)
    if field is None or field.removed:
        raise Malformed(
            say(
                "There is no field `{name}` to group by.",
                "没有可分组的字段“{name}”。",
                name=key[:60],
            )
        )
    return field


def _place(field: Field, key: str, value: Any) -> tuple[Any, ...]:
    """Return where a group stands: options in their own order, months the latest first."""
    if value is None:
        return (1, 0, "")
    if "(" in key:
        return (0, 0, _turned(str(value)))
    if field.options:
        names = [option.name for option in field.options]
        return (0, names.index(value) if value in names else len(names), "")
    if isinstance(value, Mapping):
        return (0, 0, str(value.get("title") or "").lower())
    if isinstance(value, bool):
        return (0, int(not value), "")
    return (0, value, "") if isinstance(value, int) else (0, 0, str(value))


def _turned(text: str) -> str:
    """Return a text that sorts the other way round."""
    return "".join(chr(0x10FFFF - ord(one)) for one in text)


def _label(visit: Visit, field: Field, key: str, value: Any) -> str:
    wording = visit.wording
    if value is None:
        return wording.say("empty")
    if "(" in key:
        return str(value)
    if isinstance(value, bool):
        return wording.say("yes") if value else wording.say("no")
    if isinstance(value, Mapping):
        return str(value.get("title") or f"#{value.get('id')}")
    for option in field.options:
        if option.name == value:
            return option.label.in_language(visit.language)
    return str(value)


def _within(text: str, key: str, value: Any) -> str:
    """Return the filter of a list together with what makes a group."""
    condition = _condition(key, value)
    return f"({text}) and {condition}" if text else condition


def _condition(key: str, value: Any) -> str:
    path = key.partition("(")[2].rstrip(")") or key
    if value is None:
        return f"{path} is empty"
    if "(" in key:
        year, month = (int(part) for part in str(value).split("-"))
        following = date(year + month // 12, month % 12 + 1, 1)
        return f"{path} >= '{value}-01' and {path} < '{following.isoformat()}'"
    if isinstance(value, bool):
        return path if value else f"not {path}"
    if isinstance(value, Mapping):
        return f"{path} == {int(value['id'])}"
    if isinstance(value, int):
        return f"{path} == {value}"
    return f"{path} == {quote(str(value))}"


def shown_figure(
    visit: Visit,
    entity: Entity,
    column: Column,
    measures: Mapping[str, str],
    row: Mapping[str, Any],
) -> str:
    """Return a figure as the column shows its values."""
    measure = measures.get(column.path)
    value = row.get(measure) if measure else None
    if measure is None or value is None:
        return ""
    field = entity.fields[column.path]
    return _figure(field, Decimal(str(value)), visit.look, average=measure.startswith("avg"))


def _figure(field: Field, value: Decimal, look: Look, *, average: bool) -> str:
    is_worked_out = field.type.name in ("formula", "rollup")
    kind, seen = result_of(field) if is_worked_out else (field.type, field)
    if isinstance(kind, Money):
        # Amounts of several currencies are added up in the base currency.
        return with_sign(kind.rounded(seen, value), look.currency)
    text = f"{value:,.1f}" if average else f"{value:,f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if average:
        unit = "%" if kind.name == "percent" else ""
        return look.wording.say("avg %(figure)s", figure=f"{text}{unit}")
    return text
