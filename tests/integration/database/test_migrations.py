"""Trellis' own tables: the migrations give what the metadata says, once, whoever starts first."""

from __future__ import annotations

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.database import (  # noqa: F401 - one metadata.
    agreement_tables,
    automation_tables,
    backup_tables,
    change_tables,
    duplicate_tables,
    exchange_tables,
    migrate,
    personal_tables,
    security_tables,
    system,
    target_tables,
    transfer_tables,
    view_tables,
)
from app.errors import ConfigurationError


def test_the_newest_migration_is_the_one_in_the_code():
    config = Config()
    config.set_main_option("script_location", str(migrate._folder))
    assert ScriptDirectory.from_config(config).get_current_head() == migrate.newest()


def test_migrations_give_the_tables_of_the_metadata(empty):
    engine = empty.maintenance("test")
    assert migrate.migrate(engine)
    assert not migrate.migrate(engine)
    options = {
        "include_schemas": True,
        "include_name": lambda name, kind, _parents: kind != "schema" or name == "trellis",
        "include_object": lambda _thing, name, kind, *_: (kind, name) != ("table", "migration"),
        "compare_type": True,
    }
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, system.metadata) == []
    engine.dispose()


def test_several_processes_starting_at_once_migrate_once(empty):
    done: list[bool] = []
    errors: list[Exception] = []

    def start() -> None:
        engine = empty.maintenance("test")
        try:
            done.append(migrate.migrate(engine))
        except Exception as error:  # noqa: BLE001 - counted below.
            errors.append(error)
        finally:
            engine.dispose()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(done) == [False, False, False, True]


def test_a_database_of_a_newer_trellis_is_left_alone(pools, installation):
    engine = pools.maintenance("test")
    migrate.migrate(engine)
    installation.sql("UPDATE trellis.migration SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match="made by a newer Trellis"):
        migrate.migrate(engine)
    engine.dispose()
