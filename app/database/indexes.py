"""Indexes, unique rules, foreign keys and checks that follow from the configuration.

Nobody names an index in YAML: a list's sort, its filters, who may see which rows, links, roll-ups
and ``unique`` say which ones are needed. The reasons stand at each kind below; each was measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.database import ddl
from app.database.facts import Facts
from app.database.naming import constraint_name
from app.database.physical import PhysicalColumn, is_stored
from app.definitions.catalog import Entity
from app.fields.normal import normal_sql

#: What most rows are, and nearly every statement asks for.
LIVING = "deleted_at IS NULL"
#: A filter field of fewer values is no use as the first column of an index.
FEW_VALUES = 10
#: A text that may be longer than this does not fit into an index entry.
LONGEST_KEY = 600
_LONG_TEXTS = frozenset({"longtext", "markdown"})


@dataclass(frozen=True, slots=True)
class Index:
    """One index; two with the same name are the same."""

    table: str
    name: str
    #: the columns it begins with, for people and for renames
    columns: tuple[str, ...]
    #: the fields it is about
    fields: tuple[str, ...]
    #: what stands behind the table's name in CREATE INDEX
    definition: str
    unique: bool = False
    include: tuple[str, ...] = ()
    where: str | None = None
    #: True where it is ordered by the columns themselves, not by something made of them
    is_plain: bool = False


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A link that must point to a record."""

    table: str
    name: str
    column: str
    field: str
    target: str
    on_delete: str = "NO ACTION"


@dataclass(frozen=True, slots=True)
class CheckConstraint:
    """A limit of one column that holds whatever the configuration says."""

    table: str
    name: str
    column: str
    field: str
    condition: str


def foreign_keys_of(
    entity: Entity, columns: Mapping[str, PhysicalColumn], facts: Facts
) -> Iterator[ForeignKey]:
    """Yield the foreign keys of the entity's table."""
    for column in columns.values():
        target = facts.tables.get(column.references or "")
        if target is None:
            continue
        name = constraint_name(
            entity.table, [column.name], "fkey", f'"{column.name}"->{target} {column.on_delete}'
        )
        yield ForeignKey(entity.table, name, column.name, column.field, target, column.on_delete)


def checks_of(
    entity: Entity, columns: Mapping[str, PhysicalColumn], facts: Facts
) -> Iterator[CheckConstraint]:
    """Yield the checks of single columns that their types ask for."""
    for column in columns.values():
        condition = _check_text(column, facts)
        if condition is not None:
            name = constraint_name(entity.table, [column.name], "check", condition)
            yield CheckConstraint(entity.table, name, column.name, column.field, condition)


def _check_text(column: PhysicalColumn, facts: Facts) -> str | None:
    """Return the SQL of a column's check; thousands of columns share a few of them."""
    if column.check is None:
        return None
    key = (column.check, column.type_text)
    text = facts.check_texts.get(key)
    if text is None:
        text = ddl.text_of(column.check(ddl.column("value", column.type)))
        facts.check_texts[key] = text
    return ddl.renamed(text, {"value": column.name})


def indexes_of(
    entity: Entity, columns: Mapping[str, PhysicalColumn], facts: Facts
) -> tuple[Index, ...]:
    """Return the indexes of the entity's table, each once."""
    maker = _Maker(entity, columns, facts)
    found = [
        *maker.unique_rules(),
        *maker.rows_of_lines(),
        *maker.lists(),
        *maker.children(),
        *maker.links(),
    ]
    return _without_shorter({index.name: index for index in found})


def _without_shorter(found: Mapping[str, Index]) -> tuple[Index, ...]:
    """Leave out an index that another one serves as well, since it begins with the same columns."""
    return tuple(
        index
        for index in found.values()
        if not any(_serves_as_well(other, index) for other in found.values())
    )


def _serves_as_well(other: Index, index: Index) -> bool:
    length = len(index.columns)
    return (
        other.name != index.name
        and index.is_plain
        and other.is_plain
        and other.where == index.where
        and other.columns[:length] == index.columns
        and (len(other.columns) > length or len(other.include) > len(index.include))
        and set(index.include) <= {*other.columns, *other.include}
    )


class _Maker:
    def __init__(self, entity: Entity, columns: Mapping[str, PhysicalColumn], facts: Facts) -> None:
        self.entity = entity
        self.columns = columns
        self.facts = facts
        self.living = LIVING if "deleted_at" in columns else None
        self.seen_by = [n for n in ("owner", "owner_department") if n in columns]

    def index(
        self,
        keys: Sequence[str],
        *,
        fields: Sequence[str] = (),
        expressions: Sequence[str] | None = None,
        include: Sequence[str] = (),
        where: str | None = None,
        using: str = "btree",
        unique: bool = False,
    ) -> Index:
        included = [name for name in dict.fromkeys(include) if name not in keys]
        definition = ddl.index_definition(
            expressions or [ddl.quoted(key) for key in keys],
            [ddl.quoted(name) for name in included],
            where,
            using,
        )
        kind = "unique" if unique else "index"
        name = constraint_name(self.entity.table, keys, kind, definition)
        about = tuple(fields) or tuple(self.columns[key].field for key in keys)
        return Index(
            table=self.entity.table,
            name=name,
            columns=tuple(keys),
            fields=about,
            definition=definition,
            unique=unique,
            include=tuple(included),
            where=where,
            is_plain=expressions is None and using == "btree" and not unique,
        )

    def column(self, path: str) -> PhysicalColumn | None:
        """Return the column of a field or part as a list names it, if it is one of this table's."""
        return self.columns.get(path.replace(".", "__"))

    # -- what may not be there twice ---------------------------------------------------------------

    def unique_rules(self) -> Iterator[Index]:
        rules = [(f.name,) for f in self.entity.fields.values() if f.unique and not f.removed]
        for rule in dict.fromkeys([*rules, *self.entity.unique]):
            parts = [self.column(path) for path in rule]
            if any(part is None or self._is_removed(part) for part in parts):
                continue
            found = [part for part in parts if part is not None]
            keys = [part.name for part in found]
            expressions = [self.compared(part) for part in found]
            if self.entity.lines_of is not None and "parent" not in keys:
                # A unique field of lines is unique among the lines of one record.
                keys, expressions = ["parent", *keys], ['"parent"', *expressions]
            yield self.index(
                keys,
                fields=[part.field for part in found],
                expressions=expressions,
                where=self.living,
                unique=True,
            )

    def compared(self, column: PhysicalColumn) -> str:
        """Return the key two values share when a person would call them the same."""
        if not isinstance(column.type, sa.Text | sa.String):
            return ddl.quoted(column.name)
        normal = normal_sql(ddl.column(column.name, sa.Text()))
        if self._may_be_long(column):
            normal = sa.func.md5(normal)
        return f"({ddl.text_of(normal)})"

    # -- lists -------------------------------------------------------------------------------------

    def lists(self) -> Iterator[Index]:
        if self.living is None:
            return
        screens = self.entity.screens
        default = self.sort_keys(screens.sort)
        sorts = dict.fromkeys([default, *(self.sort_keys(v.sort) for v in screens.views.values())])
        for sort in sorts:
            if sort:
                # Whoever sees many rows walks the list in its order and looks at the owner.
                yield self.living_index([*sort, "id"], include=self.seen_by)
        if "owner" in self.columns:
            # Whoever sees few rows starts from the owner.
            yield self.living_index(["owner", *default, "id"])
            if self._is_scoped_by_department():
                yield self.living_index(["owner_department", *default, "id"])
        if self.entity.name in self.facts.pools and "pool" in self.columns:
            # Whoever may look into a pool walks it in the list's order.
            where = f"{self.living} AND pool IS NOT NULL"
            yield self.index(["pool", *default, "id"], where=where)
        by = self.column(str((screens.board or {}).get("by", "")))
        if by is not None and not self._is_removed(by) and self.is_scalar(by):
            # A board takes the first few of each option in the list's order, however many there
            # are that are over and done with.
            yield self.living_index([by.name, *default, "id"], include=self.seen_by)
        for path in screens.filters:
            yield from self.filter_index(path, default)
        for field in self.entity.fields.values():
            column = self.columns.get(field.name)
            is_filter = field.name in screens.filters and column is not None
            if column is None or not field.index or field.removed:
                continue
            if not is_filter or self._has_few_values(column):
                yield from self.value_index(column)
        yield from self.duplicate_indexes(self.facts.duplicates.get(self.entity.name, ()))
        yield self.index(["deleted_at", "id"], where="deleted_at IS NOT NULL")

    def living_index(self, keys: Sequence[str], include: Sequence[str] = ()) -> Index:
        return self.index(list(dict.fromkeys(keys)), include=include, where=self.living)

    def sort_keys(self, sort: Sequence[tuple[str, bool]]) -> tuple[str, ...]:
        """Return the columns of a sort that an index can give; none if it cannot."""
        columns = [self.column(path) for path, _ in sort]
        if not columns or columns[0] is None or not self.is_ordered(columns[0]):
            return ()
        one_way = len({descending for _, descending in sort}) == 1
        keys = []
        for column in columns if one_way else columns[:1]:
            if column is None or not self.is_ordered(column):
                break
            keys.append(column.name)
        return tuple(key for key in keys if key != "id")

    def is_ordered(self, column: PhysicalColumn) -> bool:
        """Return whether lists sort by the column itself: a link sorts by its target's title."""
        if column.references is not None or self._type_name(column) in {"user", "department"}:
            return False
        return self.is_scalar(column)

    def is_scalar(self, column: PhysicalColumn) -> bool:
        return not isinstance(column.type, ARRAY | JSONB) and not self._may_be_long(column)

    def filter_index(self, path: str, sort: Sequence[str]) -> Iterator[Index]:
        column = self.column(path)
        if column is None or self._is_removed(column):
            return
        if not self.is_scalar(column):
            yield from self.value_index(column)
        elif column.name not in self.seen_by and not self._has_few_values(column):
            yield self.living_index([column.name, *sort, "id"], include=self.seen_by)

    def value_index(self, column: PhysicalColumn) -> Iterator[Index]:
        if isinstance(column.type, ARRAY):
            yield self.index([column.name], where=self.living, using="gin")
        elif isinstance(column.type, JSONB):
            expression = f"{ddl.quoted(column.name)} jsonb_path_ops"
            yield self.index(
                [column.name], expressions=[expression], where=self.living, using="gin"
            )
        elif not self._may_be_long(column):
            yield self.living_index([column.name, "id"], include=self.seen_by)

    def duplicate_indexes(self, paths: Sequence[str]) -> Iterator[Index]:
        for path in paths:
            column = self.column(path)
            if column is None or self._is_removed(column) or column.references is not None:
                continue
            if isinstance(column.type, sa.Text | sa.String):
                yield self.index(
                    [column.name], expressions=[self.compared(column)], where=self.living
                )
            else:
                yield from self.value_index(column)

    # -- children and links ------------------------------------------------------------------------

    def rows_of_lines(self) -> Iterator[Index]:
        if self.entity.lines_of is not None:
            yield self.index(["parent", "position"])

    def children(self) -> Iterator[Index]:
        """Yield what roll-ups read: the newest child in one step, sums without the rows."""
        by_link: dict[str, dict[str | None, list[str]]] = {}
        for link, ordered, summed in self.facts.roll_ups.get(self.entity.name, ()):
            by = self.column(ordered) if ordered else None
            key = by.name if by is not None and self.is_scalar(by) else None
            total = self.column(summed) if summed else None
            sums = by_link.setdefault(link, {}).setdefault(key, [])
            if total is not None and self.is_scalar(total) and total.name not in sums:
                sums.append(total.name)
        for link, wanted in by_link.items():
            keys = self.link_keys(link)
            # Sums need no order, so they go along with an index that has one.
            sums = wanted.pop(None, [])
            for ordered in wanted or {None: []}:
                rest = [ordered] if ordered is not None else []
                if keys and not isinstance(self.columns[link].type, ARRAY):
                    yield self.index(
                        list(dict.fromkeys([*keys, *rest])), include=sums, where=self.living
                    )
                sums = []

    def link_keys(self, name: str) -> tuple[str, ...]:
        """Return the columns that say where a link points; an any_link also says into which."""
        if name not in self.columns:
            return ()
        kind = f"{name}__entity"
        return (kind, name) if kind in self.columns else (name,)

    def links(self) -> Iterator[Index]:
        """Yield what finds the records that point to one, for related lists and foreign keys.

        Not restricted to living rows: a foreign key also looks at those in the bin.
        """
        for field in self.entity.fields.values():
            column = self.columns.get(field.name)
            if column is None or (field.name in {"owner", "parent"} and field.built_in):
                continue
            if isinstance(column.type, ARRAY):
                if field.type.name == "links":
                    yield self.index([column.name], using="gin")
                continue
            keys = self.link_keys(field.name)
            is_link = column.references is not None or len(keys) > 1
            if is_link and is_stored(field):
                where = f"{ddl.quoted(column.name)} IS NOT NULL"
                yield self.index(list(keys), where=where)

    # -- small questions ---------------------------------------------------------------------------

    def _type_name(self, column: PhysicalColumn) -> str:
        field = self.entity.fields.get(column.field)
        return field.type.name if field is not None else ""

    def _is_removed(self, column: PhysicalColumn) -> bool:
        field = self.entity.fields.get(column.field)
        return field is not None and field.removed

    def _may_be_long(self, column: PhysicalColumn) -> bool:
        field = self.entity.fields.get(column.field)
        if field is None or not isinstance(column.type, sa.Text | sa.String):
            return False
        longest = field.settings.get("max")
        return field.type.name in _LONG_TEXTS or (
            isinstance(longest, int) and longest > LONGEST_KEY
        )

    def _has_few_values(self, column: PhysicalColumn) -> bool:
        if isinstance(column.type, sa.Boolean):
            return True
        field = self.entity.fields.get(column.field)
        return field is not None and 0 < len(field.options) <= FEW_VALUES

    def _is_scoped_by_department(self) -> bool:
        return any(
            rule.scopes & {"department", "department_tree"}
            for access in self.entity.access.values()
            for rule in (access.scope, *access.rights.values())
        )


def as_before_rename(index: Index, table: str, columns: Mapping[str, str]) -> Index:
    """Return what *index* was called while its table and columns had their old names."""
    definition = ddl.renamed(index.definition, columns)
    keys = tuple(columns.get(key, key) for key in index.columns)
    kind = "unique" if index.unique else "index"
    name = constraint_name(table, keys, kind, definition)
    return replace(index, table=table, name=name, columns=keys, definition=definition)
