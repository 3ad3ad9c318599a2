"""The catalog a process serves, and how it hears of another one.

One `Live` per process. Its release is a pointer: a request takes it once and keeps it to its end.
A thread listens to the database and looks every few seconds in case it missed a word. What fails to
load leaves the release that serves where it is.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Container
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from app.database.forking import free_lock_in_children
from app.database.live_swap import CHANNEL
from app.database.pools import CONNECT_SECONDS, Pools
from app.database.release import Release, make_release, read_numbers
from app.database.versions import files_of
from app.definitions.load import Loaded, load_files
from app.errors import ConfigurationError, Text, TrellisError, Unavailable
from app.expressions.builtin import BUILTIN
from app.expressions.functions import Functions
from app.fields.base import FieldTypes
from app.texts import say

__all__ = ["STALE_CATALOG", "Live", "Release"]

_log = logging.getLogger(__name__)

#: What a statement of an old catalog meets after a swap: no such column, no such table, a prepared
#: plan of another shape, a value of another type. Nothing of the request was committed: `reload`,
#: then run it once more.
STALE_CATALOG = frozenset({"42703", "42P01", "0A000", "42804", "42883"})

#: How often the database is asked although nobody called.
LOOK_SECONDS = 3.0


class _Stop:
    """Ends a thread, also one that waits for the database.

    What waits for a socket cannot wait for an event as well, hence a pair of sockets.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._reading, self._writing = socket.socketpair()
        self._process = os.getpid()

    def set(self) -> None:
        self._event.set()
        # A child has the sockets, but not the thread.
        if self._process == os.getpid():
            self._writing.send(b".")

    def is_set(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> None:
        self._event.wait(seconds)

    def wait_for(self, connection: psycopg.Connection[Any], seconds: float) -> None:
        """Wait until the server says something, the time is over, or it is time to end."""
        waiting = select.poll()
        for each in (connection.fileno(), self._reading.fileno()):
            waiting.register(each, select.POLLIN)
        waiting.poll(max(0.0, 1000 * seconds))

    def __del__(self) -> None:
        self._reading.close()
        self._writing.close()


class Live:
    """The release of this process."""

    def __init__(
        self,
        pools: Pools,
        types: FieldTypes,
        functions: Functions = BUILTIN,
        actions: Container[str] = (),
    ) -> None:
        self.pools = pools
        self.types = types
        self.functions = functions
        #: names of actions that plugins bring
        self.actions = actions
        self._release: Release | None = None
        #: what was loaded last, so that the next load takes over what did not change
        self._loaded: Loaded | None = None
        self._lock = threading.RLock()
        free_lock_in_children(self)
        self._callbacks: list[Callable[[Release], None]] = []
        #: by channel: who else wants to hear what is said there
        self._notices: dict[str, list[Callable[[str], None]]] = {}
        self._thread: threading.Thread | None = None
        self._process = 0
        self._stopping: _Stop | None = None
        #: why the newest version does not serve here, if it does not
        self.problem: Text | None = None

    @property
    def release(self) -> Release:
        """The release that serves; loaded when first asked for, kept fresh from then on.

        Raises:
            Unavailable: nothing was ever applied, or the database is away before the first load.
        """
        release = self._release
        if release is None or self._process != os.getpid():
            release = self._begin()
        return release

    def on_change(self, callback: Callable[[Release], None]) -> None:
        """Have *callback* called with each new release, in the thread that loaded it."""
        self._callbacks.append(callback)

    def on_notice(self, channel: str, callback: Callable[[str], None]) -> None:
        """Have *callback* called with what is said on another channel of the database.

        For what a process keeps beside the catalog; to be said before the first `release`.
        """
        self._notices.setdefault(channel, []).append(callback)

    def reload(self) -> bool:
        """Load the newest version if it is another one; return whether it was.

        For a request that met `STALE_CATALOG`, and for whoever has just applied.
        """
        with self._lock:
            found = self._newest_number()
            if found is None:
                return False
            if self._release is not None and self._release.version_number == found:
                return False
            release = self._read(found)
            self._release = release
            self.problem = None
            self.pools.catalog_changed(release.version_number)
        for callback in self._callbacks:
            callback(release)
        return True

    def stop(self) -> None:
        """End the listening thread; the release stays."""
        if self._stopping is not None:
            self._stopping.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=2)
        self._thread = None

    # -- loading -----------------------------------------------------------------------------------

    def _begin(self) -> Release:
        with self._lock:
            if self._release is None:
                self.reload()
            if self._release is None:
                raise Unavailable(
                    say(
                        "No configuration has been applied to this database yet. "
                        "Run `trellis apply`, or `trellis run`, which does it.",
                        "这个数据库还没有应用过任何配置。"
                        "请运行 `trellis apply`，或运行会自动应用的 `trellis run`。",
                    )
                )
            if self._process != os.getpid():
                # The thread of a parent process does not live on in its child.
                self._process = os.getpid()
                self._stopping = _Stop()
                self._thread = threading.Thread(
                    target=self._listen, args=(self._stopping,), name="trellis-live", daemon=True
                )
                self._thread.start()
            return self._release

    def _newest_number(self) -> int | None:
        with self.pools.read.connection() as connection:
            try:
                row = connection.execute(
                    "SELECT max(number) FROM trellis.config_version WHERE state = 'live'"
                ).fetchone()
            except psycopg.errors.UndefinedTable:
                # An empty database: nothing was ever applied.
                return None
        return row[0] if row else None

    def _read(self, number: int) -> Release:
        started = time.monotonic()
        with self.pools.engine.connect() as connection:
            files = files_of(connection, number)
            numbers = read_numbers(connection)
        loaded = load_files(files, self.types, self.functions, self._loaded, actions=self.actions)
        if loaded.catalog is None:
            raise ConfigurationError(loaded.problems)
        self._loaded = loaded
        release = make_release(loaded.catalog, number, numbers, self._release)
        _log.info("version %s serves, loaded in %.2f s", number, time.monotonic() - started)
        return release

    # -- listening ---------------------------------------------------------------------------------

    def _listen(self, stopping: _Stop) -> None:
        while not stopping.is_set():
            try:
                self._hear(stopping)
            except (psycopg.Error, sa.exc.SQLAlchemyError, Unavailable) as error:
                _log.warning("not listening for new versions at the moment: %s", error)
                stopping.wait(1.0)
            except Exception as error:  # noqa: BLE001 - see below.
                # A version this Trellis cannot read must not end the thread that would hear of the
                # next one; the setup screen shows the problem.
                _log.exception("the newest version cannot be loaded")
                self.problem = error.message if isinstance(error, TrellisError) else str(error)
                stopping.wait(LOOK_SECONDS)

    def _hear(self, stopping: _Stop) -> None:
        with psycopg.connect(
            self.pools.url, autocommit=True, connect_timeout=CONNECT_SECONDS
        ) as connection:
            for channel in (CHANNEL, *self._notices):
                connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            # Whatever happened before we listened.
            self.reload()
            looked_at = time.monotonic()
            while not stopping.is_set():
                for said in connection.notifies(timeout=0):
                    if said.channel == CHANNEL:
                        looked_at = -LOOK_SECONDS
                    for callback in self._notices.get(said.channel, ()):
                        callback(said.payload)
                if not stopping.is_set() and time.monotonic() - looked_at >= LOOK_SECONDS:
                    self.reload()
                    looked_at = time.monotonic()
                stopping.wait_for(connection, looked_at + LOOK_SECONDS - time.monotonic())
