"""Flask-AppBuilder's own tables, and the roles of roles.yaml in them: added, renamed.

FAB would do both in every web process at its start (with hundreds of statements, racing each
other), so it is told not to; here it happens once, before the first process starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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

_user_role = sa.table("ab_user_role", sa.column("user_id"), sa.column("role_id"), schema="public")
_group_role = sa.table(
    "ab_group_role", sa.column("group_id"), sa.column("role_id"), schema="public"
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


def rename_roles(connection: sa.Connection, names: Mapping[str, str]) -> None:
    """Give roles other names, old to new; whoever has one keeps it, by group as well.

    Part of the transaction of *connection*, so that names and rights change in the same moment.
    """
    for old, new in names.items():
        known = dict(
            connection.execute(
                sa.select(_role.c.name, _role.c.id).where(_role.c.name.in_([old, new]))
            ).all()
        )
        if old not in known:
            continue
        if new in known:
            # The new name was a role's before, which left roles.yaml and kept its row.
            _move(connection, _user_role, _user_role.c.user_id, known[old], known[new])
            _move(connection, _group_role, _group_role.c.group_id, known[old], known[new])
        else:
            renamed = sa.update(_role).where(_role.c.id == known[old]).values(name=new)
            connection.execute(renamed)
    if names:
        touch_people(connection)


def _move(
    connection: sa.Connection,
    table: sa.TableClause,
    holder: sa.ColumnClause[Any],
    old: int,
    new: int,
) -> None:
    """Let whoever holds the role *old* hold *new*, once."""
    has_new = sa.select(holder).where(table.c.role_id == new)
    of_old = table.c.role_id == old
    connection.execute(sa.delete(table).where(of_old, holder.in_(has_new)))
    connection.execute(sa.update(table).where(of_old).values(role_id=new))
