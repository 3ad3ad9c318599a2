"""The servers of an installation that brings none of its own.

A laptop needs no database administrator: PostgreSQL and Valkey start inside the data folder, for a
`trellis run` or for one short command. `DATABASE_URL` and `REDIS_URL` replace them. How a server is
launched stands in `servers`; connections for the application are the engine's business.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from app.data_folder import Addresses, DataFolder, Running
from app.database.servers import POSTGRESQL_SETTINGS, PostgreSQLServer, Server, ValkeyServer
from app.settings import Settings


class EmbeddedServers:
    """The servers an installation starts for itself; none where the settings name others."""

    def __init__(
        self,
        settings: Settings,
        folder: DataFolder,
        *,
        tuning: Mapping[str, str] = POSTGRESQL_SETTINGS,
    ) -> None:
        """Find out what has to be started. The caller owns *folder*."""
        self.postgresql: PostgreSQLServer | None = None
        self.valkey: ValkeyServer | None = None
        #: Short, because a socket's path may have 107 characters only.
        self.sockets = Path(tempfile.mkdtemp(prefix="trellis-"))
        if not settings.database_url:
            self.postgresql = PostgreSQLServer(
                folder.postgresql,
                folder.logs / "postgresql.log",
                self.sockets,
                programs=settings.postgresql,
                settings=tuning,
            )
        if not settings.redis_url:
            self.valkey = ValkeyServer(folder.valkey, folder.logs / "valkey.log", self.sockets)
        self.addresses = Addresses(
            settings.database_url or (self.postgresql.url() if self.postgresql else ""),
            settings.redis_url or (self.valkey.url if self.valkey else ""),
        )

    @property
    def servers(self) -> list[Server]:
        """The servers to start, in the order they start in."""
        return [server for server in (self.postgresql, self.valkey) if server is not None]

    def start(self) -> None:
        """Start all; when one fails, none is left running."""
        try:
            for server in self.servers:
                server.start()
        except BaseException:
            self.stop()
            raise

    def restart_dead(self) -> list[str]:
        """Start again what has ended; return the names."""
        return [server.name for server in self.servers if server.restart_if_dead()]

    def stop(self) -> None:
        """Stop all, the last one first."""
        for server in reversed(self.servers):
            server.stop()
        shutil.rmtree(self.sockets, ignore_errors=True)


@contextmanager
def open_servers(settings: Settings, purpose: str) -> Iterator[Addresses]:
    """Yield where the database and Redis answer, for as long as the block lasts.

    Those of the settings; else those of the `trellis run` that owns the data folder; else embedded
    ones that are started for this block, which *purpose* (the command) then owns the folder for.
    """
    if settings.database_url and settings.redis_url:
        yield Addresses(settings.database_url, settings.redis_url)
        return
    folder = DataFolder(settings.data)
    running = folder.running()
    if running is not None:
        yield running.addresses
        return
    with folder.locked(purpose), embedded_servers(settings, folder) as servers:
        yield servers.addresses


@contextmanager
def embedded_servers(settings: Settings, folder: DataFolder) -> Iterator[EmbeddedServers]:
    """Start what the settings do not name, announce it in the data folder, and stop it again.

    The caller owns *folder*.
    """
    before = folder.announced()
    if before is not None and before.sockets:
        # Left by an owner that was killed; its socket folder is of no use to anybody.
        with suppress(OSError):
            if Path(before.sockets).owner() == folder.path.owner():
                shutil.rmtree(before.sockets)
    servers = EmbeddedServers(settings, folder)
    servers.start()
    try:
        folder.announce(Running(os.getpid(), servers.addresses, str(servers.sockets), None))
        yield servers
    finally:
        servers.stop()


def is_embedded(folder: DataFolder, database_url: str) -> bool:
    """Return whether *database_url* is the database this data folder's owner started itself."""
    running = folder.announced()
    if running is None or running.sockets is None:
        return False
    return running.addresses.database_url == database_url and running.sockets in unquote(
        database_url
    )


def empty_database(database_url: str) -> None:
    """Drop the embedded database and create it anew, empty."""
    import psycopg
    from psycopg import sql

    parts = urlsplit(database_url)
    name = sql.Identifier(parts.path.strip("/"))
    with psycopg.connect(parts._replace(path="/postgres").geturl(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
