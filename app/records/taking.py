"""Everything a list holds, read in one go: for exports.

One statement over one moment of the database, its rows fetched in blocks by a cursor the server
holds, so that the memory does not grow with them. Columns are fields, parts of them, and fields of
records that links lead to; behind a link only what the asker may take along there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa

from app.access.principal import Principal
from app.access.sources import TableSource, is_any_link, targets_of
from app.database.statements import Statement
from app.definitions.catalog import Entity, Field
from app.errors import Forbidden, Malformed
from app.records import finding
from app.records.listing import Narrowed
from app.records.paging import order_of
from app.records.planning import DEEPEST, Compiled, Desk, Plan, Question
from app.records.reading import Reader
from app.records.refusals import unknown_field
from app.records.running import in_words, not_a_text
from app.records.select import FILE_TYPES, Selector, is_link
from app.records.sorting import sort_columns
from app.texts import Label, say

#: Rows of a block.
BLOCK = 2_000
#: The parameter with the records that the rows of `within` belong to.
_THEIRS = sa.bindparam("theirs", type_=sa.ARRAY(sa.BigInteger))
#: What belongs to nobody's business and is shown wherever a record names it.
_ORGANISATION = frozenset({"user", "department"})

# A sort of everything takes longer than a page may, and is read to its end.
_patience = Statement(
    sa.select(
        sa.func.set_config("statement_timeout", "600s", True),
        sa.func.set_config("cursor_tuple_fraction", "1.0", True),
        sa.func.set_config("work_mem", "32MB", True),
    )
)


@dataclass(frozen=True, slots=True)
class Taken:
    """One column of what is taken along, and where its values stand in a row."""

    path: str
    #: the links on the way to it and the field itself
    fields: tuple[Field, ...]
    part: str
    #: ``plain``: a value as the database has it; ``title``, ``titles``: of what a link leads to;
    #: ``mask``: a text; ``value``: several columns that the field's type reads
    kind: str
    #: by the name the type knows it by: its place in the row
    places: Mapping[str, int]

    @property
    def field(self) -> Field:
        """The field at the end of the path."""
        return self.fields[-1]

    @property
    def place(self) -> int:
        """Where its only, or main, value stands."""
        return next(iter(self.places.values()))


class Everything:
    """All rows of a list, open to be read."""

    def __init__(
        self, cursor: psycopg.ServerCursor[Any], columns: Sequence[Taken], first: list[Any]
    ) -> None:
        self._cursor = cursor
        self._first = first
        self.columns = tuple(columns)

    def blocks(self) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows in blocks: the record's id, what it is within, then the columns' values.

        Raises:
            Unavailable: the database was lost on the way.
        """
        block = self._first
        while block:
            yield block
            try:
                block = self._cursor.fetchmany(BLOCK)
            except psycopg.Error as error:
                raise in_words(error) from error


class Takings:
    """Compiles and opens them."""

    def __init__(self, reader: Reader, pools: Any) -> None:
        self._reader, self._pools = reader, pools

    @contextmanager
    def open(
        self,
        principal: Principal,
        question: Question,
        paths: Sequence[str] | None,
        *,
        where: Mapping[str, Any],
        words: finding.Wanted | None,
        within: str | None = None,
        theirs: Sequence[int] = (),
    ) -> Iterator[Everything]:
        """Yield all rows of a list.

        Args:
            paths: ``name``, ``address.city``, ``customer.owner.name``; None for every field.
            within: a link, or ``parent`` of lines; only the rows of *theirs* count, by their order.

        Raises:
            Forbidden: the asker has not the right the question asks for.
            Malformed: a path leads to nothing, as far as the asker may know.
        """
        desk = self._reader.desk(principal)
        plan = self._reader.plan(desk, principal, question)
        compiled, columns = compile_taking(desk, plan, paths, within)
        values = self._reader.bound(desk, principal, compiled, plan.narrowing, where)
        if words is not None:
            values.update(words.parameters)
        if within is not None:
            values["theirs"] = list(theirs)
        with ExitStack() as stack:
            try:
                connection = stack.enter_context(self._pools.read.connection())
                stack.enter_context(connection.transaction())
                _patience.run(connection)
                cursor = stack.enter_context(connection.cursor(name="taking"))
                cursor.execute(compiled.statement.text, values)
                first = cursor.fetchmany(BLOCK)
            except psycopg.Error as error:
                raise in_words(error) from error
            except UnicodeEncodeError as error:
                raise not_a_text() from error
            yield Everything(cursor, columns, first)


def compile_taking(
    desk: Desk, plan: Plan, paths: Sequence[str] | None, within: str | None
) -> tuple[Compiled[Statement], list[Taken]]:
    """Return the statement of a whole list and its columns."""
    narrowed = Narrowed(desk.context, plan.narrowing)
    table, right = narrowed.table, plan.narrowing.right
    entity = narrowed.source.entity
    columns = _Columns(desk, narrowed.source, right)
    wanted = list(paths) if paths is not None else every_path(desk, entity)
    taken = [columns.take(path) for path in dict.fromkeys(wanted)]
    order = order_of(sort_columns(desk.context, narrowed.source, plan.shape.sort))
    conditions = [*narrowed.filters(), narrowed.rule()]
    owner: sa.ColumnElement[Any] = sa.null()
    if within is not None:
        owner = table.c[within]
        many = isinstance(owner.type, sa.ARRAY)
        if many:
            raise Malformed(_several(within))
        conditions.append(owner == sa.func.any(_THEIRS))
        by_place = sa.func.array_position(_THEIRS, owner)
        order = (by_place, *((table.c.position,) if within == "parent" else ()), *order)
    source: sa.FromClause = table
    for joined, condition in columns.joins:
        source = source.outerjoin(joined, condition)
    chosen = [
        table.c.id.label("id"),
        owner.label("within"),
        *(column.label(f"v{number}") for number, column in enumerate(columns.chosen)),
    ]
    rows = sa.select(*chosen).select_from(source).where(*conditions).order_by(*order)
    return Compiled(Statement(rows), narrowed.readers()), taken


def every_path(desk: Desk, entity: Entity) -> list[str]:
    """Return the fields of an entity that are taken along where nobody names any."""
    return [
        name for name in desk.policy.readable(entity.name)
        if entity.fields[name].type.name != "lines"
    ]  # fmt: skip


class _Columns:
    """Collects the columns of a statement and the joins they need."""

    def __init__(self, desk: Desk, source: TableSource, right: str) -> None:
        self._desk, self._source, self._right = desk, source, right
        self.chosen: list[sa.ColumnElement[Any]] = []
        self.joins: list[tuple[sa.FromClause, sa.ColumnElement[bool]]] = []
        self._followed: dict[tuple[str, ...], TableSource] = {}

    def take(self, path: str) -> Taken:
        """Add what one path needs."""
        source, fields, field, part = self._resolved(path)
        entity = source.entity.name
        context = self._desk.context
        selector = Selector(context, source)
        if self._desk.policy.field_right(entity, field.name) == "masked":
            value = field.type.mask(field, source.columns(field)[field.name])
            return self._taken(path, fields, part, "mask", {field.name: value})
        if part:
            return self._taken(
                path, fields, part, "plain", {path: source.value(f"{field.name}.{part}")}
            )
        if field.type.name == "through":
            return self._taken(path, fields, part, "value", {field.name: selector.json(field.name)})
        if is_link(field):
            single = (
                not field.type.many and not is_any_link(field) and field.type.name not in FILE_TYPES
            )
            titles = self._title(source, field) if single else selector.linked(field)
            return self._taken(path, fields, part, "title" if single else "titles", {path: titles})
        found = source.columns(field)
        return self._taken(path, fields, part, "plain" if len(found) == 1 else "value", found)

    def _taken(
        self,
        path: str,
        fields: tuple[Field, ...],
        part: str,
        kind: str,
        columns: Mapping[str, sa.ColumnElement[Any]],
    ) -> Taken:
        places = {}
        for name, column in columns.items():
            # The id and what it is within stand before them.
            places[name] = len(self.chosen) + 2
            self.chosen.append(column)
        return Taken(path, fields, part, kind, places)

    def _title(self, source: TableSource, field: Field) -> sa.ColumnElement[Any]:
        """Return the title of what a link leads to, if it may be read, in the bin or not."""
        context, target = self._desk.context, targets_of(field)[0]
        table = context.table(target)
        value = source.value(field.name)
        title = context.title(target, table)
        may = context.rows(target, table)
        shown = sa.select(title).select_from(table).where(table.c.id == value, may)
        return shown.correlate_except(table).scalar_subquery()

    def _resolved(self, path: str) -> tuple[TableSource, tuple[Field, ...], Field, str]:
        """Return the row a path ends in, the fields along it, the last, and a part of that."""
        source, names = self._source, path.split(".")
        fields: list[Field] = []
        for number, name in enumerate(names):
            field = self._field(source, name)
            fields.append(field)
            rest = names[number + 1 :]
            if not rest:
                return source, tuple(fields), field, ""
            if len(rest) == 1 and rest[0] in {one.name for one in field.type.parts(field)}:
                return source, tuple(fields), field, rest[0]
            if number >= DEEPEST:
                break
            source = self._through(source, field, tuple(names[: number + 1]))
        raise Malformed(_too_deep(path))

    def _field(self, source: TableSource, name: str) -> Field:
        entity = source.entity
        if name not in self._desk.policy.readable(entity.name):
            raise unknown_field(self._desk.context, entity.name, name)
        field = entity.fields[name]
        if field.type.name == "lines":
            raise Malformed(_lines(field.label))
        return field

    def _through(self, source: TableSource, field: Field, way: tuple[str, ...]) -> TableSource:
        """Return the row a link leads to, joined once; empty where it may not be taken along."""
        if way in self._followed:
            return self._followed[way]
        targets = targets_of(field)
        is_plain = len(targets) == 1 and not field.type.many and field.type.name not in FILE_TYPES
        masked = self._desk.policy.field_right(source.entity.name, field.name) == "masked"
        if not is_plain or masked:
            raise Malformed(_no_way(".".join(way)))
        target = targets[0]
        right = "read" if target in _ORGANISATION else self._right
        policy = self._desk.policy
        if not policy.may(right, target):
            raise Forbidden(policy.why(right, target))
        found, table, condition = source.follow(field.name)
        context = self._desk.context
        allowed = context.visibility.rows(target, table, right, has_shares=context.has_shares)
        self.joins.append((table, sa.and_(condition, allowed)))
        self._followed[way] = found
        return found


def _lines(label: Label) -> Label:
    return say(
        "“{label}” has rows of its own: it is no column. Take it along as a sheet with `related`.",
        "“{label}”包含多行明细，不能作为列。请用 related 将其导出为单独的工作表。",
        label=label,
    )


def _no_way(path: str) -> Label:
    return say(
        "`{path}` does not lead to one record: nothing can be taken from behind it.",
        "“{path}”不指向唯一的一条记录，无法导出其后的字段。",
        path=path,
    )


def _too_deep(path: str) -> Label:
    return say(
        "`{path}` leads through more than {most} links.",
        "“{path}”经过的关联超过 {most} 层。",
        path=path[:100],
        most=DEEPEST,
    )


def _several(name: str) -> Label:
    return say(
        "`{name}` leads to several records: its rows belong to no single one.",
        "“{name}”指向多条记录，其明细不属于任何一条。",
        name=name,
    )
