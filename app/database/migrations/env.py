"""How Alembic runs here: on the connection it is handed, one transaction for all migrations."""

from __future__ import annotations

from alembic import context

from app.database import (  # noqa: F401 - one metadata.
    agreement_tables,
    automation_tables,
    backup_tables,
    change_tables,
    duplicate_tables,
    exchange_tables,
    mail_tables,
    security_tables,
    system,
    target_tables,
    transfer_tables,
    view_tables,
)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=system.metadata,
    version_table="migration",
    version_table_schema="trellis",
    include_schemas=True,
    include_name=lambda name, kind, _parents: kind != "schema" or name == "trellis",
    compare_type=True,
)

with context.begin_transaction():
    context.run_migrations()
