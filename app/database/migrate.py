"""Bring Trellis' own tables (schema ``trellis``) to the shape this version of Trellis expects.

Several processes may start at once: one migrates, the others wait for it. The entities' tables are
no concern of this module; see ``apply``.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from app.errors import ConfigurationError
from app.texts import say

#: Numbers of PostgreSQL's advisory locks, the product's own among all of a database.
MIGRATE_LOCK = 7_415_001
APPLY_LOCK = 7_415_002

_folder = Path(__file__).parent / "migrations"


def newest() -> str:
    """Return the newest migration there is; their files are called ``m<number>_<words>.py``."""
    # Looked up by file name, since Alembic takes longer to import than most starts have to do.
    return max(path.name[1:5] for path in (_folder / "versions").glob("m*_*.py"))


def current(connection: sa.Connection) -> str | None:
    """Return the newest migration that was run here; None for an empty database."""
    known = connection.execute(sa.text("SELECT to_regclass('trellis.migration')")).scalar()
    if known is None:
        return None
    return connection.execute(sa.text("SELECT version_num FROM trellis.migration")).scalar()


def migrate(engine: sa.Engine) -> bool:
    """Run what is missing; return whether there was anything.

    Raises:
        ConfigurationError: the database belongs to a newer Trellis.
    """
    head = newest()
    with engine.connect() as connection:
        if current(connection) == head:
            return False
    with engine.begin() as connection:
        # Held until the transaction ends, so a process that dies frees it.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATE_LOCK)))
        found = current(connection)
        if found == head:
            return False
        _upgrade(connection, found)
    return True


def migrate_to(engine: sa.Engine, revision: str) -> None:
    """Make the tables of an older Trellis in an empty database, for rows it wrote."""
    with engine.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATE_LOCK)))
        _upgrade(connection, current(connection), revision)


def _upgrade(connection: sa.Connection, found: str | None, to: str = "head") -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_folder))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise ConfigurationError(
            message=say(
                "This database was made by a newer Trellis (migration {found}; the newest one "
                "known here is {known}). Install that version, or restore a backup of this one.",
                "这个数据库由更新版本的 Trellis 创建（迁移 {found}；本版本所知的最新迁移是 "
                "{known}）。请安装那个版本，或恢复本版本的备份。",
                found=found,
                known=newest(),
            )
        )
    connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS trellis"))
    connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS crm"))
    connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
    command.upgrade(config, to)
