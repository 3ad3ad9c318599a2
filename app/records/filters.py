"""What a list is narrowed by: expressions from a URL or a view, and ``field=value`` shortcuts.

An expression is read as the asker's own: a field that may not be read is no field. The values of
shortcuts are bound when the statement runs, so ``level=a`` and ``level=b`` share one statement.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa

from app.access.policy import Policy
from app.access.sources import TableSource, calendar_of
from app.definitions.catalog import Catalog
from app.definitions.scope import CatalogModel, record_scope
from app.errors import Malformed
from app.expressions.calendar import Calendar
from app.expressions.checking import check
from app.expressions.problems import ExpressionProblem
from app.expressions.sources import sql_type
from app.expressions.syntax import parse
from app.expressions.tree import Checked
from app.expressions.types import BOOLEAN, Kind, Type
from app.records.context import ReadContext
from app.records.refusals import field_of
from app.texts import Label, say

#: A URL that asks more than this at once is a mistake or an attack.
MOST_SHORTCUTS = 40
MOST_VALUES = 200

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class RightsModel(CatalogModel):
    """The catalog as one role set knows it: fields it may not read are not there."""

    def __init__(self, catalog: Catalog, policy: Policy) -> None:
        super().__init__(catalog)
        self._policy = policy
        self._readable: dict[str, Mapping[str, Type]] = {}

    def types(self, entity: str) -> Mapping[str, Type]:
        """Return the types of the fields that may be read, filtered and sorted by."""
        known = self._readable.get(entity)
        if known is None:
            known = self._readable[entity] = {
                name: type_
                for name, type_ in super().types(entity).items()
                if name == "parent" or self._policy.is_readable(entity, name)
            }
        return known

    def is_entity(self, name: str) -> bool:
        """Whether there is such an entity; lines whose field may not be read are none."""
        if not super().is_entity(name):
            return False
        lines_of = self.catalog.entities[name].lines_of
        return lines_of is None or self._policy.is_readable(*lines_of)

    def views(self, entity: str) -> Iterable[str]:
        """Return the views that are for these roles."""
        views = self.catalog.entities[entity].screens.views.values()
        return tuple(view.name for view in views if self._is_for_us(view.for_))

    def view(self, entity: str, name: str) -> Checked | None:
        """Return the condition of a view as the asker's own; None where it may not be asked."""
        view = self.catalog.entities[entity].screens.views.get(name)
        if view is None or view.where is None or not self._is_for_us(view.for_):
            return None
        scope = record_scope(self, entity, roles=self.catalog.roles)
        try:
            return check(parse(view.where.text), scope, want=BOOLEAN)
        except ExpressionProblem:
            # It asks for something these roles may not read.
            return None

    def _is_for_us(self, roles: Sequence[str]) -> bool:
        return not roles or self._policy.is_admin or bool(set(roles) & set(self._policy.roles))


def read_expression(
    context: ReadContext, entity: str, text: str, *, record: str | None = None
) -> Checked:
    """Read a condition as the asker's own.

    Raises:
        Malformed: with the sentence and the column where reading stopped.
    """
    model = RightsModel(context.catalog, context.policy)
    scope = record_scope(model, entity, roles=context.catalog.roles, record=record)
    try:
        checked = check(parse(text), scope, want=BOOLEAN)
    except ExpressionProblem as problem:
        raise Malformed(_sentence(problem)) from problem
    others = [
        over
        for over in checked.asked
        # The record's own lines are a part of it.
        if f"{entity}.{over.partition('.')[0]}" not in context.catalog.entities
    ]
    if others:
        raise Malformed(
            say(
                "A filter cannot ask other records (`{name}`): use a field that adds them up.",
                "筛选条件不能查询其他记录（{name}）：请使用汇总字段。",
                name=others[0],
            )
        )
    return checked


def _sentence(problem: ExpressionProblem) -> Label:
    return say(
        "The filter cannot be read at column {column}: {message}",
        "筛选条件第 {column} 列有误：{message}",
        column=problem.column,
        message=problem.message,
    )


@dataclass(frozen=True, slots=True)
class ShortcutKey:
    """The shape of one ``field=value``: which statement it needs, not which value."""

    path: str
    #: one | many | empty | day
    kind: str


@dataclass(frozen=True, slots=True)
class Shortcut:
    """One ``field=value``, compiled: its condition, and how a value becomes its parameters."""

    condition: sa.ColumnElement[bool]
    parameters: Callable[[Any], dict[str, Any]]


def shortcut_keys(where: Mapping[str, Any]) -> tuple[ShortcutKey, ...]:
    """Return the shapes of shortcuts, in a fixed order.

    Raises:
        Malformed: there are too many.
    """
    if len(where) > MOST_SHORTCUTS:
        raise Malformed(
            say(
                "At most {most} fields can be filtered by at once.",
                "一次最多按 {most} 个字段筛选。",
                most=MOST_SHORTCUTS,
            )
        )
    return tuple(ShortcutKey(path, _kind(path, where[path])) for path in sorted(where))


def _kind(path: str, value: Any) -> str:
    if value is None or value == "":
        return "empty"
    if isinstance(value, list | tuple | set | frozenset):
        if len(value) > MOST_VALUES:
            raise Malformed(
                say(
                    "`{name}` can be one of at most {most} values.",
                    "“{name}”最多可匹配 {most} 个值。",
                    name=path,
                    most=MOST_VALUES,
                )
            )
        return "many"
    if isinstance(value, str) and _DAY.fullmatch(value):
        return "day"
    return "one"


def compile_shortcut(
    context: ReadContext, source: TableSource, key: ShortcutKey, number: int
) -> Shortcut:
    """Return the condition of a shortcut.

    Raises:
        Malformed: there is no such field, or it cannot be compared.
        Forbidden: it is masked.
    """
    entity = source.entity.name
    if key.path in ("parent", "position") and source.entity.lines_of is not None:
        type_: Type = Type(Kind.record, entities=(source.entity.lines_of[0],))
    else:
        checked = _path(context, entity, key.path)
        type_ = checked.type
    item = type_.item if type_.kind is Kind.many and type_.item else type_
    if any(context.entity(entity).lines_of for entity in item.entities):
        raise _incomparable(key.path)
    column = source.worked_out(checked) if "." in key.path else source.value(key.path)
    name = f"where_{number}_is"
    if key.kind == "empty":
        return Shortcut(_is_empty(column, type_), lambda _: {})
    if type_.kind is Kind.datetime and key.kind == "day":
        return _on_day(column, name, calendar_of(context.catalog))
    if type_.is_any_link:
        return _named_record(context, source, key.path, name)
    read = _reader(item, key.path)
    bound_type = sql_type(item)
    if key.kind == "many":
        bound = sa.bindparam(name, type_=sa.ARRAY(bound_type))
        condition = (
            column.op("&&", is_comparison=True)(bound)
            if type_.kind is Kind.many
            else column == sa.func.any(bound)
        )
        return Shortcut(condition, lambda values: {name: [read(value) for value in values]})
    bound = sa.bindparam(name, type_=bound_type)
    condition = (
        column.op("@>", is_comparison=True)(
            sa.cast(sa.dialects.postgresql.array([bound]), sa.ARRAY(bound_type))
        )
        if type_.kind is Kind.many
        else column == bound
    )
    return Shortcut(condition, lambda value: {name: read(value)})


def _path(context: ReadContext, entity: str, path: str) -> Checked:
    field_of(context, entity, path.partition(".")[0])
    model = RightsModel(context.catalog, context.policy)
    try:
        return check(parse(path), record_scope(model, entity, roles=context.catalog.roles))
    except ExpressionProblem as problem:
        raise Malformed(_sentence(problem)) from problem


def _is_empty(column: sa.ColumnElement[Any], type_: Type) -> sa.ColumnElement[bool]:
    if type_.kind is Kind.many:
        return sa.or_(column.is_(None), sa.func.cardinality(column) == 0)
    return column.is_(None)


def _on_day(column: sa.ColumnElement[Any], name: str, calendar: Calendar) -> Shortcut:
    """A day picked for a moment means that day of the company's calendar, all of it."""
    moment = sa.DateTime(timezone=True)
    condition = sa.and_(
        column >= sa.bindparam(f"{name}_from", type_=moment),
        column < sa.bindparam(f"{name}_to", type_=moment),
    )

    def parameters(value: Any) -> dict[str, Any]:
        day = _read_date(value, "")
        after = day + timedelta(days=1)
        return {f"{name}_from": calendar.midnight(day), f"{name}_to": calendar.midnight(after)}

    return Shortcut(condition, parameters)


def _named_record(context: ReadContext, source: TableSource, path: str, name: str) -> Shortcut:
    """Build the shortcut of an any_link, whose value says the entity as well: ``customer:12``."""
    numbers = context.release.numbers
    condition = sa.and_(
        source.table.c[path] == sa.bindparam(name, type_=sa.BigInteger),
        source.table.c[f"{path}__entity"] == sa.bindparam(f"{name}_entity", type_=sa.SmallInteger),
    )

    def parameters(value: Any) -> dict[str, Any]:
        if isinstance(value, Mapping):
            entity, number = value.get("entity"), value.get("id")
        elif isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2:
            entity, number = value
        else:
            entity, _, number = str(value).partition(":")
        if entity not in numbers:
            raise _bad(
                path, value, say("a record such as `customer:12`", "形如 customer:12 的记录")
            )
        return {name: _read_number(number, path), f"{name}_entity": numbers[str(entity)]}

    return Shortcut(condition, parameters)


# -- values ------------------------------------------------------------------------------------


def _reader(type_: Type, path: str) -> Callable[[Any], Any]:
    """Return what reads one value of a type; whatever it cannot read is `Malformed`."""
    readers: Mapping[Kind, Callable[[Any, str], Any]] = {
        Kind.number: _read_decimal,
        Kind.money: _read_decimal,
        Kind.percent: _read_decimal,
        Kind.boolean: _read_boolean,
        Kind.date: _read_date,
        Kind.datetime: _read_moment,
        Kind.time: _read_time,
        Kind.record: _read_number,
        Kind.text: _read_text,
    }
    if type_.kind is Kind.choice:
        return lambda value: _read_option(value, path, type_.options)
    if type_.kind not in readers:
        raise _incomparable(path)
    read = readers[type_.kind]
    return lambda value: read(value, path)


def _incomparable(path: str) -> Malformed:
    return Malformed(
        say(
            "`{name}` cannot be compared with one value; write a `filter`.",
            "“{name}”不能与单个值比较，请使用 filter。",
            name=path,
        )
    )


def _bad(path: str, value: Any, wanted: Label) -> Malformed:
    return Malformed(
        say(
            "`{value}` is not a value of `{name}`: write {wanted}.",
            "“{value}”不是“{name}”的值：请填写{wanted}。",
            value=str(value)[:60],
            name=path,
            wanted=wanted,
        )
    )


def _read_text(value: Any, path: str) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise _bad(path, value, say("a text", "文本"))
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _bad(path, "…", say("a text", "文本")) from error
    return value


def _read_decimal(value: Any, path: str) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(value, bool) or not number.is_finite() or abs(number.adjusted()) > 1000:
        raise _bad(path, value, say("a number", "数字"))
    return number


def _read_number(value: Any, path: str) -> int:
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,18}", text):
        raise _bad(path, value, say("the number of a record", "记录编号"))
    return int(text)


def _read_boolean(value: Any, path: str) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if str(value).lower() not in words:
        raise _bad(path, value, say("`true` or `false`", "true 或 false"))
    return words[str(value).lower()]


def _read_date(value: Any, path: str) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise _bad(
            path, value, say("a day such as `2026-01-31`", "形如 2026-01-31 的日期")
        ) from error


def _read_moment(value: Any, path: str) -> datetime:
    wanted = say("a moment such as `2026-01-31T09:00:00Z`", "形如 2026-01-31T09:00:00Z 的时间")
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise _bad(path, value, wanted) from error
    if moment.tzinfo is None:
        raise _bad(path, value, wanted)
    return moment


def _read_time(value: Any, path: str) -> time:
    try:
        return value if isinstance(value, time) else time.fromisoformat(str(value))
    except ValueError as error:
        raise _bad(path, value, say("a time such as `09:30`", "形如 09:30 的时刻")) from error


def _read_option(value: Any, path: str, options: Sequence[str]) -> str:
    if value in options:
        return str(value)
    near = difflib.get_close_matches(str(value), options, n=1, cutoff=0.6)
    listed = ", ".join(near or options[:8])
    raise _bad(path, value, say("an option: {options}", "选项之一：{options}", options=listed))
