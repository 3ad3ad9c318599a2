"""Making a database into an installation: tables, the configuration, roles, the administrator.

Everything here may be called again and again and in several processes at once; what is there
already stays.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.access.organisation import touch_people
from app.database.migrate import migrate
from app.definitions.catalog import Catalog
from app.security.people import add_user
from app.services import Services

#: The login of the first user.
ADMINISTRATOR = "admin"
#: Two processes must not make FAB's tables at the same time.
_LOCK = 7_310_502


def prepare_database(engine: sa.Engine) -> None:
    """Make the system tables and Flask-AppBuilder's, as far as they are missing."""
    from flask_appbuilder import Model
    from flask_appbuilder.security.sqla import models  # noqa: F401 - it fills the metadata.

    migrate(engine)
    with engine.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        Model.metadata.create_all(connection)


def sync_roles(engine: sa.Engine, catalog: Catalog) -> None:
    """Give every role of roles.yaml a row, so that users can have it; renamed ones keep theirs."""
    from flask_appbuilder.security.sqla.models import Role

    roles = Role.__table__
    with engine.begin() as connection:
        present = set(connection.scalars(sa.select(roles.c.name)))
        for name, role in catalog.roles.items():
            old = next((each for each in role.was if each in present), None)
            if name in present:
                continue
            if old is not None:
                connection.execute(sa.update(roles).where(roles.c.name == old).values(name=name))
            else:
                added = insert(roles).values(name=name).on_conflict_do_nothing()
                connection.execute(added)
            touch_people(connection)


def ensure_administrator(services: Services) -> bool:
    """Add the administrator if there is no user yet; return whether that was done."""
    from flask_appbuilder.security.sqla.models import User

    with services.pools.engine.connect() as connection:
        if connection.execute(sa.select(User.__table__.c.id).limit(1)).first():
            return False
    catalog = services.live.release.catalog
    admins = [name for name, role in catalog.roles.items() if role.admin]
    add_user(
        services.records,
        login=ADMINISTRATOR,
        password=services.secrets.admin_password,
        roles=admins,
        values={"name": "Administrator"},
    )
    services.organisation.expire()
    return True
