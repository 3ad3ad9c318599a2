"""The PostgreSQL and Valkey that tests run against: real ones, started once for the whole run.

With `pytest -n` the controller starts them and tells the workers; without, the first test that asks
does. Either way they end with their parent, killed or not. `DATABASE_URL` and `REDIS_URL` replace
them; the role of that address must be allowed to create databases, and the Redis is emptied.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from app.data_folder import DataFolder
from app.database.embedded import EmbeddedServers
from app.database.servers import POSTGRESQL_SETTINGS, UNSAFE_BUT_FAST
from app.settings import read_settings

#: Builds what a template database holds; it gets the address and closes what it opens.
Build = Callable[[str], object]

#: bytes a run may need
ROOM = 6 * 2**30
TUNING = {
    **POSTGRESQL_SETTINGS,
    **UNSAFE_BUT_FAST,
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
}


@dataclass(frozen=True)
class TestServers:
    """Where the servers of this run answer, in a form that xdist can carry to its workers."""

    __test__ = False

    database_url: str
    redis_url: str
    #: Tells the databases of this run from those of another on the same server.
    run: str


def in_memory() -> Path | None:
    """Return a folder in memory with room for the databases of a run; None where there is none.

    A test's copy of a database is three hundred small files, made and removed again: on a disk that
    takes longer than most tests do.
    """
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < ROOM:
        return None
    return memory


@contextmanager
def running_servers(environment: dict[str, str]) -> Iterator[TestServers]:
    """Start what *environment* does not name; take everything away again at the end."""
    data = Path(tempfile.mkdtemp(prefix="trellis-test-", dir=in_memory()))
    given = {name: environment.get(name, "") for name in ("DATABASE_URL", "REDIS_URL")}
    settings = read_settings({**given, "TRELLIS_DATA": str(data)})
    folder = DataFolder(data)
    try:
        with folder.locked("pytest"):
            servers = EmbeddedServers(settings, folder, tuning=TUNING)
            servers.start()
            told = TestServers(
                servers.addresses.database_url, servers.addresses.redis_url, uuid.uuid4().hex[:8]
            )
            try:
                yield told
            finally:
                if servers.postgresql is None:
                    Databases(told).drop_all()
                servers.stop()
    finally:
        shutil.rmtree(data, ignore_errors=True)


class Databases:
    """Creates and drops databases of one test run."""

    def __init__(self, servers: TestServers) -> None:
        self._servers = servers
        self._prefix = f"test_{servers.run}_"

    def url(self, name: str) -> str:
        parts = urlsplit(self._servers.database_url)
        return urlunsplit(parts._replace(path=f"/{name}", netloc=parts.netloc or "postgres@"))

    @contextmanager
    def _server(self) -> Iterator[psycopg.Connection]:
        with psycopg.connect(self._servers.database_url, autocommit=True) as connection:
            yield connection

    def create(self, template: str = "template0") -> str:
        """Create a database as a copy of *template* and return its name."""
        name = self._prefix + uuid.uuid4().hex[:12]
        with self._server() as connection:
            connection.execute(
                # Copied as files: a third of the work of writing every page into the log.
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        return name

    def drop(self, name: str) -> None:
        with self._server() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def drop_all(self) -> None:
        with self._server() as connection:
            found = connection.execute(
                "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [self._prefix]
            ).fetchall()
        for (name,) in found:
            self.drop(name)

    def template(self, name: str, build: Build) -> str:
        """Return the template *name*, building it first when no worker of this run has yet."""
        if not re.fullmatch(r"[a-z0-9_]{1,40}", name):
            raise ValueError(f"`{name}` is not a name for a template: write a-z, 0-9 and _.")
        template = f"{self._prefix}template_{name}"
        with self._server() as connection:
            # Held by the connection, so a worker that dies while building blocks nobody.
            connection.execute("SELECT pg_advisory_lock(hashtext(%s))", [template])
            known = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [template]
            ).fetchone()
            if known is None:
                draft = self.create()
                build(self.url(draft))
                # Renamed when it is whole; this also fails if build left a connection open.
                connection.execute(
                    sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                        sql.Identifier(draft), sql.Identifier(template)
                    )
                )
        return template
