"""What a statement gives of a record: values as the API writes them, titles of what they link to.

Only what the asker may read is selected at all; masked values are masked in the statement. Which
rows, in which order, is the business of ``listing``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON

from app.access.sources import TableSource, is_any_link, targets_of
from app.database import system
from app.definitions.catalog import Field
from app.expressions.tree import Path
from app.records.context import ReadContext

Column = sa.ColumnElement[Any]

#: The alias of a row that is taken as a whole: no field can have a name with capitals.
WHOLE = "Record"
NO_ROWS = sa.cast(sa.literal("[]", sa.Text), JSON)

#: Types whose value is the number of a row of ``trellis.file``.
FILE_TYPES = frozenset({"file", "files", "image", "images", "signature"})


@dataclass(frozen=True, slots=True)
class Expansion:
    """What to give of linked records, by link: ``customer.parent`` is a branch in a branch."""

    branches: tuple[tuple[str, Expansion], ...] = ()

    @classmethod
    def of(cls, paths: Iterable[str]) -> Expansion:
        """Build the tree of dotted paths."""
        tree: dict[str, list[str]] = {}
        for path in paths:
            first, _, rest = path.partition(".")
            tree.setdefault(first, []).extend([rest] if rest else [])
        return cls(tuple((name, cls.of(rest)) for name, rest in tree.items()))

    def get(self, name: str) -> Expansion | None:
        """Return what to give behind *name*; None when it was not asked for."""
        return next((branch for first, branch in self.branches if first == name), None)

    def names(self) -> tuple[str, ...]:
        """Return the first words."""
        return tuple(name for name, _ in self.branches)


NOTHING = Expansion()


@dataclass(frozen=True, slots=True)
class Selector:
    """Builds the columns of one row for one asker."""

    context: ReadContext
    source: TableSource
    _entity: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_entity", self.source.entity.name)

    def json(self, name: str, expansion: Expansion | None = None) -> Column:
        """Return a field, or a part of it, as the API writes it; *expansion* opens a link."""
        first, _, part = name.partition(".")
        one = self.source.entity.fields[first]
        right = self.context.policy.field_right(self._entity, first)
        if right == "hidden":
            return sa.null()
        if one.type.name == "through":
            return self._through(one)
        if right == "masked":
            return one.type.mask(one, self.source.columns(one)[first])
        if part:
            return as_json(self.source.value(name))
        if one.type.name == "lines":
            return self._lines(one, expansion or NOTHING)
        if expansion is not None and is_link(one):
            return self.linked(one, expansion)
        return one.type.json_column(one, self.source.columns(one))

    def linked(self, one: Field, expansion: Expansion = NOTHING) -> Column:
        """Return a link as ``{"id", "title"}``, many of them as a list; NULL where it is empty."""
        value = self.source.value(one.name)
        if one.type.name in FILE_TYPES:
            value = self.source.table.c[one.name]
            return self._many(value, _file_object) if one.type.many else _one_file(value)
        if is_any_link(one):
            kind = self.source.table.c[f"{one.name}__entity"]
            numbers = self.context.release.numbers
            cases = [
                (kind == numbers[target], self.target(target, value, expansion, named=True))
                for target in targets_of(one)
                if target in numbers
            ]
            return sa.case(*cases, else_=sa.null()) if cases else sa.null()
        target = targets_of(one)[0]
        if not one.type.many:
            return self.target(target, value, expansion)
        return self._many(value, lambda number: self.target(target, number, expansion))

    def target(
        self, target: str, number: Column, expansion: Expansion, *, named: bool = False
    ) -> Column:
        """Return one linked record as an object, as a subquery by its id."""
        table = self.context.table(target)
        known: list[Any] = ["entity", target] if named else []
        shut = sa.func.json_build_object(*known, "id", table.c.id, "title", sa.null())
        pairs: list[Any] = [*known, "id", table.c.id, "title", self.context.title(target, table)]
        inner = Selector(self.context, self.context.source(target, table))
        for name, branch in expansion.branches:
            pairs += [name, inner.json(name, branch)]
        opened: Column = sa.func.json_build_object(*pairs, type_=JSON)
        if "deleted_at" in table.c:
            gone = sa.func.json_build_object(*pairs, "deleted", sa.true(), type_=JSON)
            opened = sa.case((table.c.deleted_at.is_not(None), gone), else_=opened)
        may = self.context.rows(target, table)
        if not isinstance(may, sa.sql.elements.True_):
            opened = sa.case((may, opened), else_=shut)
        one = sa.select(opened).select_from(table).where(table.c.id == number)
        return one.correlate_except(table).scalar_subquery()

    @staticmethod
    def _many(numbers: Column, one: Any) -> Column:
        """Return a list of objects in the order of the array."""
        each = (
            sa.func.unnest(numbers)
            .table_valued(sa.column("id", sa.BigInteger), with_ordinality="place")
            .render_derived()
        )
        listed = sa.func.json_agg(
            sa.dialects.postgresql.aggregate_order_by(one(each.c.id), each.c.place), type_=JSON
        )
        several = sa.select(sa.func.coalesce(listed, NO_ROWS, type_=JSON)).select_from(each)
        return several.correlate_except(each).scalar_subquery()

    def _lines(self, one: Field, expansion: Expansion) -> Column:
        """Return the rows of a lines field, each as an object."""
        entity = f"{self._entity}.{one.name}"
        table = self.context.table(entity)
        inner = Selector(self.context, self.context.source(entity, table))
        columns = inner.record(self.context.policy.readable(entity), expansion)
        veil = self.context.veils(self._entity, self.source.table).get(one.name)
        rows = (
            sa.select(*columns)
            .where(table.c.parent == self.source.table.c.id)
            .where(*([] if veil is None else [sa.not_(veil)]))
            .order_by(table.c.position, table.c.id)
            .correlate_except(table)
            .subquery(WHOLE)
        )
        listed = sa.func.json_agg(sa.func.row_to_json(rows.table_valued()), type_=JSON)
        return sa.select(sa.func.coalesce(listed, NO_ROWS, type_=JSON)).scalar_subquery()

    def _through(self, one: Field) -> Column:
        """Return a field of a linked record; NULL where the asker may not read it there."""
        path = one.expression.root if one.expression is not None else None
        if not isinstance(path, Path):
            return sa.null()
        source = self.source
        joined: list[tuple[sa.FromClause, sa.ColumnElement[bool]]] = []
        for hop in path.hops:
            if self.context.policy.field_right(source.entity.name, hop.name) == "hidden":
                return sa.null()
            source, table, condition = source.follow(hop.name)
            joined.append((table, condition))
        value = Selector(self.context, source).json(path.name)
        query = sa.select(value)
        for table, condition in joined:
            query = query.select_from(table).where(condition)
        return query.correlate_except(*(table for table, _ in joined)).scalar_subquery()

    def record(self, names: Iterable[str], expansion: Expansion = NOTHING) -> list[Column]:
        """Return the labelled columns of a record, its id first."""
        columns: dict[str, Column] = {"id": self.source.table.c.id.label("id")}
        for name in names:
            if name not in columns:
                columns[name] = self.json(name, expansion.get(name)).label(name)
        return list(columns.values())

    def values(self, names: Iterable[str]) -> list[Column]:
        """Return what Python needs of a record: every column of the fields, titles of links.

        Columns are labelled by their own name, links also as ``field:link``.
        """
        table = self.source.table
        columns: dict[str, Column] = {"id": table.c.id.label("id")}
        if "version" in table.c:
            columns["version"] = table.c.version.label("version")
        for name in names:
            first, _, part = name.partition(".")
            one = self.source.entity.fields[first]
            right = self.context.policy.field_right(self._entity, first)
            if right == "hidden" or one.type.name == "lines":
                continue
            if one.type.name == "through":
                columns[first] = self._through(one).label(first)
            elif right == "masked":
                columns[first] = one.type.mask(one, self.source.columns(one)[first]).label(first)
            elif part:
                columns[name] = self.source.value(name).label(name)
            else:
                columns.update(
                    (key, column.label(key)) for key, column in self.source.columns(one).items()
                )
                if is_link(one):
                    columns[f"{first}:link"] = self.linked(one).label(f"{first}:link")
        return list(columns.values())


def is_link(one: Field) -> bool:
    """Whether a value names records, users, departments or files."""
    return one.type.name in FILE_TYPES or bool(targets_of(one))


def as_json(column: Column) -> Column:
    """Return a part of a field as the API writes it: exact numbers as text."""
    if isinstance(column.type, sa.Numeric):
        return sa.cast(column, sa.Text)
    return column


def _file_object(number: Column) -> Column:
    return _one_file(number)


def _one_file(number: Column) -> Column:
    file = system.file.alias()
    described = sa.func.json_build_object(
        "id", file.c.id, "name", file.c.name, "type", file.c.type, "size", file.c.size, type_=JSON
    )
    one = sa.select(described).select_from(file).where(file.c.id == number)
    return one.correlate_except(file).scalar_subquery()


def link_columns(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return, of the columns that `Selector.values` gave, those with titles: (field, column)."""
    return [(name.removesuffix(":link"), name) for name in names if name.endswith(":link")]
