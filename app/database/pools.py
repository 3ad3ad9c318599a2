"""Connections of one process: a reading pool, a writing pool, and an engine for the slow paths.

Both pools are psycopg's own and open with their first use, so that a process that forks gets its
own. A database that does not answer, or has no connection to spare, is `Unavailable` within
seconds; one that comes back is used again without anybody's doing. Nothing here knows a table.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import psycopg
import sqlalchemy as sa
from psycopg import sql
from psycopg.pq.abc import PGresult
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool, PoolTimeout

from app.database.absence import as_unavailable, is_connection_loss, no_connection, no_database
from app.database.forking import free_lock_in_children
from app.database.hanging import Watch
from app.database.together import Command, ask_what_is_held

__all__ = ["CONNECT_SECONDS", "Pool", "PooledConnection", "Pools", "as_unavailable"]

#: How long somebody waits for a connection before being told to come back.
WAIT_SECONDS = 4.0
#: How long before a database that is known to be down is reported as such.
NOTICE_SECONDS = 0.3
CONNECT_SECONDS = 2

_READING = {
    "TimeZone": "UTC",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "plan_cache_mode": "force_custom_plan",
    "statement_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
}
#: A filtered list that no index serves is stopped here and asked in another form.
_FENCED = _READING | {"statement_timeout": "150ms"}
_WRITING = {
    "TimeZone": "UTC",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "statement_timeout": "30s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "60s",
}
#: For serial numbers: each is a transaction of its own that waits for no flush. The commit of its
#: record, which comes later in the log, flushes the number as well.
_COUNTING = _WRITING | {"synchronous_commit": "off"}
#: Connections of the engine outside `apply`: pages of FAB, organisation, setup.
_SLOW_PATH = {"TimeZone": "UTC", "jit": "off", "statement_timeout": "30s", "lock_timeout": "5s"}


class PooledConnection(psycopg.Connection[Any]):
    """A connection that knows for which version of the catalog its statements were prepared."""

    catalog_version: int = 0
    #: what goes with the next statement; None outside a transaction of `app.records.statements`
    held: list[Command] | None = None
    #: what is asked with the COMMIT, and who takes the answer
    parting: tuple[Command, Callable[[PGresult], None]] | None = None

    def cursor(self, *args: Any, **named: Any) -> Any:
        """Return a cursor; what is held goes before it."""
        ask_what_is_held(self)
        return super().cursor(*args, **named)

    @contextmanager
    def transaction(self, *args: Any, **named: Any) -> Iterator[psycopg.Transaction]:
        """Open a transaction or savepoint; what is held before it and in it stays on its side."""
        ask_what_is_held(self)
        with super().transaction(*args, **named) as inner:
            try:
                yield inner
                ask_what_is_held(self)
            except BaseException:
                if self.held is not None:
                    self.held.clear()
                raise

    def looks_broken(self) -> bool:
        """Return whether the server has hung up, without asking it.

        An idle connection has nothing to read; if there is something, it is nearly always the
        server's farewell. This costs a microsecond, a question to the server costs fifty.
        """
        if self.closed:
            return True
        waiting = select.poll()
        waiting.register(self.pgconn.socket, select.POLLIN | select.POLLHUP | select.POLLERR)
        if not waiting.poll(0):
            return False
        try:
            autocommit = self.autocommit
            self.execute("SELECT 1")
            if not autocommit:
                self.rollback()
        except psycopg.Error:
            self.close()
            return True
        return False


class Pool(ConnectionPool[PooledConnection]):
    """A psycopg pool that says `Unavailable`, heals, and drops statements of an old catalog."""

    def __init__(
        self,
        conninfo: str,
        parameters: dict[str, str],
        *,
        name: str,
        autocommit: bool,
        max_size: int,
        watch: Watch,
    ) -> None:
        self._parameters = parameters
        self._watch = watch
        self._version = 0
        self._failed_at = 0.0
        super().__init__(
            conninfo,
            connection_class=PooledConnection,
            kwargs={
                "autocommit": autocommit,
                "prepare_threshold": 5,
                "connect_timeout": CONNECT_SECONDS,
            },
            min_size=1,
            max_size=max_size,
            name=name,
            open=False,
            timeout=WAIT_SECONDS,
            configure=self._prepare,
            # A connection that cannot be made is given up quickly; the next request tries again,
            # so a database that comes back is found by the first to ask.
            reconnect_timeout=0.5,
            num_workers=2,
        )

    def _prepare(self, connection: PooledConnection) -> None:
        self._watch.add(connection)
        connection.prepared_max = 300
        set_json_loads(orjson.loads, connection)
        settings = sql.SQL(", ").join(
            sql.SQL("set_config({}, {}, false)").format(name, value)
            for name, value in self._parameters.items()
        )
        connection.execute(sql.SQL("SELECT {}").format(settings))
        if not connection.autocommit:
            connection.commit()
        connection.catalog_version = self._version

    def _connect(self, timeout: float | None = None) -> PooledConnection:
        try:
            connection = super()._connect(timeout)
        except Exception:
            self._failed_at = time.monotonic()
            raise
        self._failed_at = 0.0
        return connection

    def catalog_changed(self, version: int) -> None:
        """Have every connection drop its prepared statements before it is used again."""
        self._version = version

    def getconn(self, timeout: float | None = None) -> PooledConnection:
        """Return a connection that works and knows the catalog of today.

        Raises:
            Unavailable: the database is down, or every connection is in use.
        """
        deadline = time.monotonic() + (WAIT_SECONDS if timeout is None else timeout)
        while not self._watch.is_hanging:
            connection = self._next(deadline)
            if connection.looks_broken():
                self.putconn(connection)
                continue
            if connection.catalog_version == self._version:
                return connection
            try:
                # psycopg forgets its own list when it sees this statement pass, but it looks only
                # at statements it has not seen before: hence the number.
                connection.execute(b"DEALLOCATE ALL -- version %d" % self._version)
                if not connection.autocommit:
                    connection.commit()
                connection.catalog_version = self._version
            except psycopg.Error:
                connection.close()
                self.putconn(connection)
                continue
            return connection
        raise no_database()

    def _next(self, deadline: float) -> PooledConnection:
        asked_at = time.monotonic()
        slices = (min(NOTICE_SECONDS, deadline - asked_at), deadline - asked_at - NOTICE_SECONDS)
        for seconds in slices:
            try:
                return super().getconn(max(seconds, 0.001))
            except PoolTimeout:
                # Tried since somebody asked, or a moment before, and refused: it is down.
                if self._failed_at > asked_at - 1:
                    raise no_database() from None
        raise no_connection()

    @contextmanager
    def connection(self, timeout: float | None = None) -> Iterator[PooledConnection]:
        """Lend a connection; commit on success, roll back on an error.

        Raises:
            Unavailable: there is none, or it was lost before the work was done.
        """
        try:
            with super().connection(timeout) as connection:
                yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            if is_connection_loss(error):
                raise no_database() from error
            raise


class Pools:
    """All ways of one process to the database at *url*."""

    def __init__(self, url: str, *, max_size: int = 8) -> None:
        self.url = url
        self._max_size = max_size
        self._lock = threading.RLock()
        free_lock_in_children(self)
        self._process = 0
        self._watch = Watch(url)
        self._version = 0
        self._read: Pool | None = None
        self._fenced: Pool | None = None
        self._write: Pool | None = None
        self._numbers: Pool | None = None
        self._engine: sa.Engine | None = None

    @property
    def read(self) -> Pool:
        """The reading pool: autocommit, every plan made for its own values."""
        pool = self._read
        if pool is not None and self._process == os.getpid():
            return pool
        return self._opened("_read", _READING, "read", autocommit=True)

    @property
    def fenced(self) -> Pool:
        """The reading pool for statements that may turn out slow: they are stopped after 150 ms."""
        pool = self._fenced
        if pool is not None and self._process == os.getpid():
            return pool
        return self._opened("_fenced", _FENCED, "fenced", autocommit=True)

    @property
    def write(self) -> Pool:
        """The writing pool: one transaction per use."""
        pool = self._write
        if pool is not None and self._process == os.getpid():
            return pool
        return self._opened("_write", _WRITING, "write", autocommit=False)

    @property
    def numbers(self) -> Pool:
        """The pool that counters of serial fields are asked through, each by itself."""
        pool = self._numbers
        if pool is not None and self._process == os.getpid():
            return pool
        return self._opened("_numbers", _COUNTING, "numbers", autocommit=True)

    @property
    def engine(self) -> sa.Engine:
        """SQLAlchemy's engine, for the slow paths and FAB.

        Raises:
            Unavailable: the server stands still.
        """
        with self._lock:
            self._forget_parent()
            if self._watch.is_hanging:
                raise no_database()
            if self._engine is None:
                self._engine = self._new_engine(_SLOW_PATH, pool_size=2, max_overflow=6)
            return self._engine

    def watched(self, connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
        """Look after a connection made elsewhere: a server that stands still ends its waits."""
        with self._lock:
            self._forget_parent()
            self._watch.add(connection)
        return connection

    def maintenance(self, who: str) -> sa.Engine:
        """Return an engine for `apply`: connections of its own, no limit on time.

        *who* is shown to a second apply that has to wait.
        """
        parameters = {"TimeZone": "UTC", "jit": "off", "statement_timeout": "0"}
        parameters["application_name"] = f"trellis apply by {who}"
        # Have the server notice within a second that an apply was killed while it waits or builds;
        # else it would hold the lock to the end of its statement.
        parameters["client_connection_check_interval"] = "1s"
        return self._new_engine(parameters, poolclass=sa.NullPool)

    def catalog_changed(self, version: int) -> None:
        """Tell the connections that another version of the catalog serves from now on."""
        with self._lock:
            self._version = version
            for pool in (self._read, self._fenced, self._write, self._numbers):
                if pool is not None:
                    pool.catalog_changed(version)

    def close(self) -> None:
        """Close every connection of this process."""
        with self._lock:
            self._forget_parent()
            self._watch.end()
            self._watch = Watch(self.url)
            for pool in (self._read, self._fenced, self._write, self._numbers):
                if pool is not None:
                    pool.close()
            if self._engine is not None:
                self._engine.dispose()
            self._read = self._fenced = self._write = self._numbers = self._engine = None

    def _opened(
        self, slot: str, parameters: dict[str, str], name: str, *, autocommit: bool
    ) -> Pool:
        with self._lock:
            self._forget_parent()
            pool: Pool | None = getattr(self, slot)
            if pool is None:
                pool = Pool(
                    self.url,
                    parameters,
                    name=f"trellis-{name}",
                    autocommit=autocommit,
                    max_size=self._max_size,
                    watch=self._watch,
                )
                pool.catalog_changed(self._version)
                pool.open()
                setattr(self, slot, pool)
            return pool

    def _forget_parent(self) -> None:
        """Leave what was opened before a fork to the parent: sockets are shared, threads gone."""
        if self._process == os.getpid():
            return
        if self._engine is not None:
            self._engine.dispose(close=False)
        for pool in (self._read, self._fenced, self._write, self._numbers):
            if pool is not None:
                # Keeps its finalizer from waiting for threads that do not exist here.
                pool._closed = True
        self._read = self._fenced = self._write = self._numbers = self._engine = None
        self._watch = Watch(self.url)
        self._process = os.getpid()

    def _new_engine(self, parameters: dict[str, str], **options: Any) -> sa.Engine:
        address = self.url.replace("postgresql://", "postgresql+psycopg://", 1)
        if options.get("poolclass") is None:
            options |= {"pool_pre_ping": True, "pool_timeout": WAIT_SECONDS}
        engine = sa.create_engine(
            address,
            hide_parameters=True,
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
            # The catalog may change at any time; statements prepared for an old shape would fail.
            connect_args={"prepare_threshold": None, "connect_timeout": CONNECT_SECONDS},
            **options,
        )

        watch = self._watch

        @sa.event.listens_for(engine, "connect")
        def set_parameters(connection: psycopg.Connection[Any], _record: object) -> None:
            watch.add(connection)
            connection.autocommit = True
            for name, value in parameters.items():
                connection.execute("SELECT set_config(%s, %s, false)", (name, value[:63]))
            connection.autocommit = False

        return engine
