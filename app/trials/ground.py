"""The throw-away database of the tests: made for one run, emptied between tests, dropped after it.

It lies on the server of the installation and holds nothing but the configuration. No test sees
what another left, since every table that was empty at the beginning is emptied again.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import sqlalchemy as sa
from psycopg import sql

from app.automation.cron import next_moment
from app.automation.registry import RuleNumbers, cron_rules, register
from app.clock import FrozenClock
from app.database.apply import ApplyOptions, apply_catalog
from app.database.automation_tables import reminder
from app.database.live import Live
from app.database.pools import Pools
from app.definitions.automation import RuleDefinition
from app.definitions.catalog import Catalog
from app.errors import Unavailable
from app.expressions.functions import Functions
from app.fields.base import FieldTypes
from app.records.recompute import recompute
from app.security.first_start import add_roles, create_account_tables
from app.texts import say

#: Names of throw-away databases begin so; one that was left behind by a kill is dropped later.
PREFIX = "trellis_test_"
#: One that is older was left behind.
_LEFT_BEHIND_SECONDS = 3600
_TABLES = """
    SELECT schemaname, tablename FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2
"""


class Ground:
    """A database with the configuration in it and no records."""

    def __init__(
        self,
        url: str,
        catalog: Catalog,
        types: FieldTypes,
        functions: Functions,
        actions: Container[str] = (),
    ) -> None:
        """Apply the configuration; whoever made the database drops it."""
        self.pools = Pools(url, max_size=4)
        self.clock = FrozenClock(datetime.now(UTC))
        create_account_tables(self.pools.engine)
        options = ApplyOptions(
            recompute=(recompute,),
            on_live=lambda connection, *_: register(connection, catalog, self.clock.now()),
        )
        apply_catalog(self.pools, catalog, "trellis test", options=options)
        with self.pools.write.connection() as connection:
            add_roles(connection, catalog.roles)
        self.live = Live(self.pools, types, functions, actions)
        self.numbers = RuleNumbers(self.pools)
        self._ticks = cron_rules(catalog)
        with self.pools.write.connection() as connection:
            tables: list[Table] = connection.execute(_TABLES).fetchall()
            filled = _filled(connection, tables)
        self._empty = [one for one in tables if one not in filled]

    def begin(self, now: datetime) -> None:
        """Empty what the test before filled, and set the clock."""
        self.clock.moment = now
        with self.pools.write.connection() as connection:
            there = _filled(connection, self._empty)
            if there:
                connection.execute(_emptying(there))
        with self.pools.engine.begin() as connection:
            # The clock's own rules count from the beginning of the test.
            connection.execute(sa.delete(reminder))
            if self._ticks:
                connection.execute(sa.insert(reminder), [self._tick(one) for one in self._ticks])

    def _tick(self, rule: RuleDefinition) -> dict[str, Any]:
        """Return the row of a rule that comes by the clock alone."""
        calendar = self.live.release.catalog.app.business_calendar
        assert rule.when.every is not None
        due = next_moment(rule.when.every, rule.when.at, calendar, self.clock.moment)
        number = self.numbers.number(rule.name)
        return {"rule": number, "entity": 0, "record_id": 0, "base": due, "due_at": due}

    def close(self) -> None:
        """Let go of every connection."""
        self.live.stop()
        self.pools.close()


Table = tuple[str, str]


def _filled(connection: psycopg.Connection[Any], tables: Sequence[Table]) -> set[Table]:
    """Return those of the tables that hold any row."""
    asked = [
        sql.SQL("SELECT {} WHERE EXISTS (SELECT 1 FROM {})").format(
            sql.Literal(number), sql.Identifier(*table)
        )
        for number, table in enumerate(tables)
    ]
    rows = connection.execute(sql.SQL(" UNION ALL ").join(asked)).fetchall()
    return {tables[row[0]] for row in rows}


def _emptying(tables: set[Table]) -> sql.Composed:
    """Return one statement that empties tables that refer to each other.

    What one deletes the others see as gone by the end of it, which is when references are checked.
    A truncation would make every table and index anew, which costs more than few rows do.
    """
    deletions = [
        sql.SQL("{} AS (DELETE FROM {})").format(
            sql.Identifier(f"t{number}"), sql.Identifier(*table)
        )
        for number, table in enumerate(sorted(tables))
    ]
    return sql.SQL("WITH {} SELECT").format(sql.SQL(", ").join(deletions))


@contextmanager
def throw_away_database(url: str) -> Iterator[str]:
    """Yield the address of an empty database on the server of *url*, dropped afterwards.

    Raises:
        Unavailable: the role of the address may not create databases.
    """
    name = f"{PREFIX}{int(datetime.now(UTC).timestamp())}_{secrets.token_hex(4)}"
    parts = urlsplit(url)
    try:
        with psycopg.connect(url, autocommit=True) as server:
            _drop_left_behind(server)
            _create(server, name)
    except psycopg.errors.InsufficientPrivilege as error:
        raise Unavailable(
            say(
                "Tests of the configuration need a database of their own, and the role of "
                "DATABASE_URL may not create one. Run `ALTER ROLE … CREATEDB`, or run the tests "
                "where no DATABASE_URL is set.",
                "配置测试需要单独的数据库，而 DATABASE_URL 的角色无权创建数据库。请执行 "
                "ALTER ROLE … CREATEDB，或在未设置 DATABASE_URL 的环境中运行测试。",
            )
        ) from error
    try:
        yield parts._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(url, autocommit=True) as server:
            _drop(server, name)


def _create(server: psycopg.Connection[Any], name: str) -> None:
    server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    # What is thrown away need not survive a power cut.
    server.execute(
        sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name))
    )


def _drop(server: psycopg.Connection[Any], name: str) -> None:
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _drop_left_behind(server: psycopg.Connection[Any]) -> None:
    """Drop databases whose run was killed."""
    oldest = int(datetime.now(UTC).timestamp()) - _LEFT_BEHIND_SECONDS
    rows = server.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX]
    ).fetchall()
    for (name,) in rows:
        made = str(name).removeprefix(PREFIX).partition("_")[0]
        if made.isdigit() and int(made) < oldest:
            _drop(server, str(name))


@contextmanager
def files_folder() -> Iterator[Path]:
    """Yield a folder for files that records of tests hold."""
    with tempfile.TemporaryDirectory(prefix="trellis-test-") as name:
        yield Path(name)
