"""The moment a catalog becomes live: one short transaction, before which the old one serves whole.

Renames happen here and nowhere else, so that no process ever sees half of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.database import ddl
from app.database.before_live import swap_shadows
from app.database.operations import (
    ChangeType,
    DropUnique,
    Operation,
    RenameConstraints,
    RenameEntity,
    RenameField,
    RenameIndexes,
    RenameOptions,
)
from app.database.steps import option_change
from app.database.system import config_version
from app.database.system import entity as entity_table

#: The channel on which every process hears that there is a new version.
CHANNEL = "trellis_catalog"
#: Up to so many rows get their options' new names in the same moment; others follow in batches.
AT_ONCE = 20_000


def swap(connection: sa.Connection, operations: Sequence[Operation]) -> None:
    """Give everything its new name; new columns take the place of old ones."""
    swap_shadows(connection, [each for each in operations if isinstance(each, ChangeType)])
    for operation in operations:
        if isinstance(operation, RenameField):
            for old, new in operation.columns:
                ddl.run(connection, ddl.rename_column(operation.table, old, new))
        elif isinstance(operation, RenameConstraints):
            for old, new in operation.names:
                ddl.run(connection, ddl.rename_constraint(operation.table, old, new))
        elif isinstance(operation, DropUnique):
            ddl.run(connection, ddl.drop_index(operation.name, concurrently=False))
        elif isinstance(operation, RenameIndexes):
            for old, new in operation.names:
                ddl.run(connection, ddl.rename_index(old, new))
    for operation in operations:
        if isinstance(operation, RenameEntity):
            _rename_entity(connection, operation)
    for operation in operations:
        if isinstance(operation, RenameOptions) and (operation.rows or 0) <= AT_ONCE:
            _rename_options(connection, operation)


def _rename_entity(connection: sa.Connection, operation: RenameEntity) -> None:
    if operation.table != operation.new_table:
        ddl.run(connection, ddl.rename_table(operation.table, operation.new_table))
    connection.execute(
        sa.update(entity_table)
        .where(entity_table.c.name == operation.old)
        .values(name=operation.subject)
    )


def _rename_options(connection: sa.Connection, operation: RenameOptions) -> None:
    for column in operation.columns:
        (name, value), condition = option_change(operation, column)
        table: Any = sa.table(
            operation.table, sa.column(sa.quoted_name(name, quote=True)), schema=ddl.SCHEMA
        )
        connection.execute(
            sa.update(table)
            .where(sa.literal_column(f"({condition})"))
            .values({name: sa.literal_column(f"({value})")})
        )


def make_live(connection: sa.Connection, number: int) -> None:
    """Point every process to the version, from the commit of this transaction on."""
    connection.execute(
        sa.update(config_version)
        .where(config_version.c.number == number)
        .values(state="live", applied_at=sa.func.clock_timestamp())
    )
    connection.execute(sa.select(sa.func.pg_notify(CHANNEL, str(number))))
