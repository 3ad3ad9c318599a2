"""What is done before the new catalog is live: new tables and columns, conversions beside the old.

The old catalog goes on working the whole time: everything here only adds, or takes away limits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.database import ddl
from app.database.diff_types import shadow_name
from app.database.facts import Facts
from app.database.indexes import checks_of, foreign_keys_of, indexes_of
from app.database.operations import (
    AddField,
    AddForeignKey,
    ChangeType,
    CreateEntity,
    DropConstraint,
    DropLeftover,
    MakeOptional,
    Operation,
)
from app.database.physical import columns_of
from app.database.steps import Session, add_foreign_key, in_batches
from app.database.system import entity as entity_table
from app.definitions.catalog import Catalog, Entity

#: Within one table: room first, then limits off, then what is new.
_ORDER = (DropLeftover, DropConstraint, MakeOptional, AddField, AddForeignKey)


def create_entities(
    connection: sa.Connection,
    catalog: Catalog,
    facts: Facts,
    created: Sequence[CreateEntity],
    tables_now: Mapping[str, str],
) -> None:
    """Create tables with their indexes and limits, and links among them and to existing tables.

    *tables_now* are tables that get another name in this apply: the new name to the present one.
    """
    entities = [catalog.entities[operation.subject] for operation in created]
    for entity in entities:
        columns = columns_of(entity)
        ddl.run(connection, ddl.create_table(entity.table, list(columns.values())))
        for index in indexes_of(entity, columns, facts):
            ddl.run(connection, ddl.create_index(index, concurrently=False))
        for check in checks_of(entity, columns, facts):
            text = check.condition
            ddl.run(connection, ddl.add_check(check.table, check.name, text, validated=True))
    for entity in entities:
        _create_keys(connection, entity, facts, tables_now)


def _create_keys(
    connection: sa.Connection, entity: Entity, facts: Facts, tables_now: Mapping[str, str]
) -> None:
    from dataclasses import replace

    for key in foreign_keys_of(entity, columns_of(entity), facts):
        now = replace(key, target=tables_now.get(key.target, key.target))
        ddl.run(connection, ddl.add_foreign_key(now, validated=True))


def number_entities(connection: sa.Connection, catalog: Catalog) -> None:
    """Give every entity that has none a number of its own."""
    known = set(connection.execute(sa.select(entity_table.c.name)).scalars())
    missing = [{"name": name} for name in catalog.entities if name not in known]
    if missing:
        connection.execute(insert(entity_table).on_conflict_do_nothing(), missing)


def extend_table(
    connection: sa.Connection, catalog: Catalog, operations: Sequence[Operation]
) -> None:
    """Do what is to be added to one table, in one short transaction."""
    for kind in _ORDER:
        for operation in operations:
            if isinstance(operation, kind):
                _extend(connection, catalog, operation)


def _extend(connection: sa.Connection, catalog: Catalog, operation: Operation) -> None:
    if isinstance(operation, DropLeftover):
        if operation.trigger is not None:
            ddl.run(connection, ddl.drop_copying_trigger(operation.trigger))
        for column in operation.columns:
            ddl.run(connection, ddl.drop_column(operation.table, column))
    elif isinstance(operation, DropConstraint):
        ddl.run(connection, ddl.drop_constraint(operation.table, operation.name))
    elif isinstance(operation, MakeOptional):
        statement = ddl.set_not_null(operation.table, operation.column, wanted=False)
        ddl.run(connection, statement)
    elif isinstance(operation, AddField):
        entity = catalog.entities[operation.subject.rpartition(".")[0]]
        columns = columns_of(entity)
        for name in operation.columns:
            default = operation.fill.get(name)
            ddl.run(connection, ddl.add_column(operation.table, columns[name], default=default))
    elif isinstance(operation, AddForeignKey):
        add_foreign_key(connection, operation)


def trigger_name(table: str) -> str:
    """Return the name of the trigger that keeps the shadows of *table*."""
    return f"copy_{table}"[:63]


def begin_shadows(
    session: Session, operations: Sequence[ChangeType], live: Mapping[str, str]
) -> None:
    """Put the new columns beside the old ones and have every write fill both.

    *live* are the columns of the table as they are: name to type.
    """
    table = operations[0].table

    def begin(connection: sa.Connection) -> None:
        values = []
        for operation in operations:
            for name, type_text, value in operation.new_columns:
                shadow = shadow_name(name)
                if live.get(shadow) not in (None, type_text):
                    ddl.run(connection, ddl.drop_column(table, shadow))
                if live.get(shadow) != type_text:
                    ddl.run(connection, ddl.add_plain_column(table, shadow, type_text))
                if value is not None:
                    old = {column: column for column in operation.old_columns}
                    values.append((shadow, ddl.renamed(value, old, prefix="NEW.")))
        if values:
            for statement in ddl.create_copying_trigger(table, trigger_name(table), values):
                ddl.run(connection, statement)

    session.briefly(begin)


def fill_shadows(
    session: Session,
    operation: ChangeType,
    *,
    after: int = 0,
    mark: Callable[[sa.Connection, int], None] | None = None,
    pause: Callable[[], None] = lambda: None,
) -> None:
    """Convert the values that were there before the trigger was."""
    sets = [
        (shadow_name(name), value) for name, _, value in operation.new_columns if value is not None
    ]
    if sets:
        changed = " OR ".join(
            f"{ddl.quoted(name)} IS DISTINCT FROM ({value})" for name, value in sets
        )
        in_batches(session, operation.table, sets, changed, after=after, mark=mark, pause=pause)


def swap_shadows(connection: sa.Connection, operations: Sequence[ChangeType]) -> None:
    """Let the new columns take the place of the old ones."""
    for table in dict.fromkeys(operation.table for operation in operations):
        ddl.run(connection, ddl.drop_copying_trigger(trigger_name(table)))
    for operation in operations:
        for column in operation.old_columns:
            ddl.run(connection, ddl.drop_column(operation.table, column))
        for name, _, _ in operation.new_columns:
            ddl.run(connection, ddl.rename_column(operation.table, shadow_name(name), name))


def group_by_table(operations: Sequence[Any]) -> dict[str, list[Any]]:
    """Return operations by the table they are about, in their order."""
    found: dict[str, list[Any]] = {}
    for operation in operations:
        found.setdefault(operation.table, []).append(operation)
    return found
