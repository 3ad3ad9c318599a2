"""What does not change from one new record to the next, worked out once for an entity.

Columns that are the same in all records stand in the statement, those that differ are copied; the
same split holds for their history.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import insert

from app.definitions.catalog import Field
from app.fields.base import FieldType
from app.records.derived import initial_columns
from app.records.many.checks import checks_of
from app.records.many.copying import Copy
from app.records.many.fitting import asked
from app.records.rows import EntityRows
from app.records.statements import Statement
from app.records.work import Work

#: What differs where the owners differ.
_OF_OWNER = frozenset({"owner", "owner_department", "owner_since"})
Part = tuple[str, Callable[[Mapping[str, Any]], Any] | None, Callable[[Any], Any] | None]


@dataclass(frozen=True, slots=True)
class Staging:
    """The table in which rows wait for the statement that makes records of them."""

    create: str
    empty: str
    copy: Copy
    insert: Statement


class Recipe:
    """New records of one entity that differ in some fields, on one release."""

    def __init__(self, work: Work, rows: EntityRows, names: frozenset[str]) -> None:
        self.rows = rows
        entity, lists = rows.entity, rows.lists
        #: what a row holds of which nobody said anything
        self.empty = _empty_row(work, rows)
        self.checks = checks_of(rows, work.rows.closures)
        formulas = {one.name for one in rows.formulas.all}
        #: whether something is asked of what only the database works out
        self.is_asked_late = any(
            formulas & {name.removeprefix("record.").partition(".")[0] for name in each.names}
            for each in asked(rows)
        )
        fields = names | (_OF_OWNER if "owner" in names else frozenset())
        self._writers = tuple(
            (name, entity.fields[name].type.writer(entity.fields[name]))
            for name in sorted(names)
            if type(entity.fields[name].type).to_columns is not FieldType.to_columns
        )
        history = lists.in_history
        #: fields that all records have alike
        self.alike = tuple(one for one in history if one.name not in fields | formulas)
        self._history = _parts(one for one in history if one.name in fields - formulas)
        #: those that the database works out
        self.formulas = _parts(one for one in history if one.name in formulas)
        #: the columns that differ
        self.varying = _varying(rows, fields)
        self._stagings: dict[frozenset[str], Staging] = {}

    def put(self, changes: Mapping[str, Any], row: dict[str, Any]) -> None:
        """Put values by field into the columns of *row*."""
        row.update(changes)
        for name, write in self._writers:
            if name in changes:
                row.update(write(changes[name]))

    def histories(
        self, rows: Sequence[Mapping[str, Any]], alike: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """Return what history keeps of each of some new rows, as JSON has it.

        Args:
            alike: what it keeps of all of them.
        """
        parts = (*self._history, *self.formulas)
        names = [name for name, _, _ in parts]
        if not parts:
            return [dict(alike) for _ in rows]
        return [
            {**alike, **{n: one for n, one in zip(names, cells, strict=True) if one is not None}}
            for cells in zip(*(_cells(part, rows) for part in parts), strict=True)
        ]

    def staging(self, constants: frozenset[str]) -> Staging:
        """Return where rows wait, and the statement that gives them all the same *constants*."""
        found = self._stagings.get(constants)
        if found is None:
            found = self._stagings[constants] = self._staging(constants)
        return found

    def _staging(self, constants: frozenset[str]) -> Staging:
        columns = self.rows.table.c
        digest = hashlib.blake2b(" ".join(self.varying).encode(), digest_size=8).hexdigest()
        staged = sa.Table(
            f"new_{self.rows.entity.number}_{digest}",
            sa.MetaData(),
            *(sa.Column(name, columns[name].type) for name in self.varying),
            prefixes=["TEMPORARY"],
            postgresql_on_commit="DROP",
        )
        dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
        create = sa.schema.CreateTable(staged, if_not_exists=True).compile(dialect=dialect)
        empty = sa.delete(staged).compile(dialect=dialect)
        copy = Copy(staged, self.varying)
        return Staging(str(create), str(empty), copy, self._insert(staged, constants))

    def _insert(self, staged: sa.Table, constants: frozenset[str]) -> Statement:
        table, formulas = self.rows.table, self.rows.formulas
        given: dict[str, Any] = {name: staged.c[name] for name in self.varying}
        for name in sorted(constants):
            kind = table.c[name].type
            given[name] = sa.cast(sa.bindparam(f"c_{name}", type_=kind), kind)
        row: Any = sa.select(
            *(
                (given[c.key] if c.key in given else sa.cast(sa.null(), c.type)).label(c.key)
                for c in table.c
            )
        ).subquery("new_row")
        worked_out = formulas.values(formulas.of_the_row, row)
        names = [name for name in given if name not in worked_out]
        chosen = sa.select(*(row.c[name] for name in names), *worked_out.values())
        new = insert(table).from_select([*names, *worked_out], chosen.select_from(row))
        # Whoever has the same unique value already is left out, and so is known by it.
        new = new.on_conflict_do_nothing()
        return Statement(new.returning(table.c.id, *(table.c[name] for name in worked_out)))


def recipe_of(work: Work, rows: EntityRows, names: frozenset[str]) -> Recipe:
    """Return the recipe for records that differ in *names*, made on first use."""
    return work.rows.cached(("many", rows.entity.name, names), lambda: Recipe(work, rows, names))


def _empty_row(work: Work, rows: EntityRows) -> dict[str, Any]:
    """Return what the database gives a row of which nothing is said, and what nobody writes."""
    row: dict[str, Any] = dict.fromkeys(rows.table.c.keys())
    defaults = [
        sa.cast(column.server_default.arg, column.type).label(column.key)
        for column in rows.table.c
        if isinstance(column.server_default, sa.DefaultClause)
    ]
    if defaults:
        row |= Statement(sa.select(*defaults)).rows(work.connection)[0]
    return row | initial_columns(rows)


def _varying(rows: EntityRows, fields: frozenset[str]) -> tuple[str, ...]:
    """Return the columns of the fields that differ, and the amounts that follow from them."""
    bases = {base: field.name in fields or source in fields
             for field, base, source in rows.lists.amounts}  # fmt: skip
    return tuple(
        name
        for name in rows.table.c.keys()  # noqa: SIM118 - columns, no mapping.
        if name == "id" or bases.get(name, name.partition("__")[0] in fields)
    )


def _parts(fields: Any) -> tuple[Part, ...]:
    """Return how each field is read from a row and written as JSON; None: as it is."""
    return tuple((one.name, _reader(one), one.type.json_writer(one)) for one in fields)


def _cells(part: Part, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return what history keeps of one field of each row; moments and amounts are written once."""
    name, read, write = part
    values = list(map(itemgetter(name) if read is None else read, rows))
    if write is None:
        return values
    known: dict[Any, Any] = {}
    for place, value in enumerate(values):
        kind = value.__class__
        if value is None:
            continue
        if kind is not Decimal and kind is not datetime:
            values[place] = write(value)
            continue
        # Amounts may be equal and yet have other decimals.
        key = str(value) if kind is Decimal else value
        if key not in known:
            known[key] = write(value)
        values[place] = known[key]
    return values


def _reader(field: Field) -> Callable[[Mapping[str, Any]], Any] | None:
    is_plain = type(field.type).from_columns is FieldType.from_columns
    return None if is_plain else field.type.reader(field)
