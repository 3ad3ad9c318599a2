"""Flask-AppBuilder's own tables, and the roles of roles.yaml in them.

FAB would do both in every web process at its start (with hundreds of statements, racing each
other), so it is told not to; here it happens once, before the first process starts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.access.organisation import touch_people
from app.database.migrate import MIGRATE_LOCK
from app.database.statements import Statement

_role = sa.table("ab_role", sa.column("id"), sa.column("name"), schema="public")
_missing = Statement(
    sa.select(sa.column("name", sa.Text))
    .select_from(sa.func.unnest(sa.bindparam("names", type_=sa.ARRAY(sa.Text))).alias("name"))
    .where(sa.column("name").not_in(sa.select(_role.c.name)))
)
_add = Statement(
    insert(_role)
    .values(id=sa.func.nextval("public.ab_role_id_seq"), name=sa.bindparam("name"))
    .on_conflict_do_nothing()
)


def create_account_tables(engine: sa.Engine) -> None:
    """Create the tables of accounts that are missing; several may try at once."""
    # Read for its side effect: the models register themselves in the metadata.
    from flask_appbuilder import Model
    from flask_appbuilder.security.sqla import models

    assert models.User.metadata is Model.metadata
    with engine.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATE_LOCK)))
        Model.metadata.create_all(connection)


def add_roles(connection: psycopg.Connection[Any], names: Iterable[str]) -> list[str]:
    """Add the roles that are not there yet; return their names.

    A role that left roles.yaml keeps its row and its people; without rights in the catalog it
    allows nothing.
    """
    missing = [row[0] for row in _missing.run(connection, {"names": sorted(names)}).fetchall()]
    for name in missing:
        _add.run(connection, {"name": name})
    if missing:
        touch_people(connection)
    return missing
