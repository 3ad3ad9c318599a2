"""Launch PostgreSQL and Valkey as children of this process.

They listen on a socket in a folder that only their owner may enter, end with their parent, and
start again from any way of dying: killed, interrupted while the cluster was made, or with the
process number of their pid file taken by somebody else. Which of them an installation needs is
`embedded`'s business; what the database holds is nobody's here.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from app.database.binaries import find_postgresql, find_valkey, find_way, major_version
from app.errors import TrellisError, Unavailable
from app.processes import Identity, is_alive, kill, last_lines, spawn, stop

DATABASE = "trellis"

#: What differs from PostgreSQL's own defaults, and why.
POSTGRESQL_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",  # Only the socket: nothing of this is reachable over a network.
    "unix_socket_permissions": "0700",
    "max_connections": "250",  # 200 web connections in a load test, workers and people's psql.
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",  # Everybody has solid-state disks.
    "jit": "off",  # Costs more than it gives on short statements.
    "timezone": "UTC",
    "deadlock_timeout": "200ms",  # Deadlocks are retried, so they should be noticed soon.
    "idle_in_transaction_session_timeout": "60s",  # An old snapshot stops vacuum for everybody.
    "autovacuum_vacuum_scale_factor": "0.02",  # Index-only scans need a fresh visibility map.
    "autovacuum_vacuum_insert_scale_factor": "0.02",
    "autovacuum_analyze_scale_factor": "0.02",
    "autovacuum_naptime": "15s",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "cluster_name": DATABASE,
    "update_process_title": "off",
}

#: For tests: a crash of the machine may lose everything, a crash of a process nothing.
UNSAFE_BUT_FAST: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "60s",
}

# How a start fails while the children of a killed server are still on their way out.
_PASSES_BY_ITSELF = ("still in use", "already exists", "terminate any old server processes")


class Server(ABC):
    """A server that runs as a child of this process and may be started again at the same place."""

    name: ClassVar[str]
    #: Ends it in good order, at once, without waiting for clients.
    stop_signal: ClassVar[int]
    #: A start may have to replay what was not yet on its place when the last one died.
    patience: ClassVar[float] = 300

    def __init__(self, data: Path, log: Path) -> None:
        """Name the folder it keeps its data in, and its log."""
        self.data = data
        self.log = log
        self.identity = Identity()
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def _prepare(self) -> None:
        """Make the data folder ready for a start."""

    @abstractmethod
    def _command(self) -> list[str]:
        """Return the program and its arguments."""

    @abstractmethod
    def _answers(self) -> bool:
        """Return whether the server takes requests."""

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start, and return when requests are answered.

        Raises:
            Unavailable: it does not start; the sentence carries the end of its log.
        """
        self._prepare()
        deadline = time.monotonic() + self.patience
        old_servers_gone_by = time.monotonic() + 20
        self._spawn()
        while not self._answers():
            if self.pid is None:
                told = last_lines(self.log)
                if not any(words in told for words in _PASSES_BY_ITSELF) or (
                    time.monotonic() > old_servers_gone_by
                ):
                    raise Unavailable(f"{self.name} does not start ({self.log}):\n{told}")
                time.sleep(0.2)
                self._prepare()
                self._spawn()
            elif time.monotonic() > deadline:
                raise Unavailable(f"{self.name} does not answer ({self.log}).")
            time.sleep(0.01)

    def _spawn(self) -> None:
        self._process = spawn(
            self._command(),
            log=self.log,
            folder=self.data,
            death_signal=self.stop_signal,
            identity=self.identity,
        )

    def restart_if_dead(self) -> bool:
        """Start again if the process has ended; return whether that was so."""
        if self.pid is not None:
            return False
        self.start()
        return True

    def stop(self) -> None:
        """End in good order; by force after ten seconds."""
        if self._process is not None:
            if not stop(self._process, self.stop_signal, 10):
                kill(self._process)
            self._process = None


class PostgreSQLServer(Server):
    """PostgreSQL from any folder of programs, on a socket."""

    name = "PostgreSQL"
    stop_signal = signal.SIGINT

    def __init__(
        self,
        data: Path,
        log: Path,
        sockets: Path,
        *,
        programs: Path | None = None,
        settings: Mapping[str, str] = POSTGRESQL_SETTINGS,
    ) -> None:
        """Look for the programs and for a way to run them."""
        super().__init__(data, log)
        self.sockets = sockets
        self.settings = settings
        self.programs, self.identity = find_way(find_postgresql(programs), data.parent)
        if self.identity.user is not None:
            os.chown(sockets, self.identity.user, self.identity.group or 0)

    def url(self, database: str = DATABASE) -> str:
        """Return the address of a database, for psycopg, SQLAlchemy and psql alike."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.sockets), safe='')}"

    def start(self) -> None:
        """Start, and make sure that the database exists."""
        super().start()
        self.create_database(DATABASE)

    def create_database(self, name: str) -> None:
        """Create an empty database unless it is there."""
        import psycopg
        from psycopg import sql

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if known.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def _command(self) -> list[str]:
        options = {**self.settings, "unix_socket_directories": str(self.sockets)}
        command = [str(self.programs / "postgres"), "-D", str(self.data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        return command

    def _answers(self) -> bool:
        import psycopg

        try:
            with psycopg.connect(self.url("postgres"), connect_timeout=5):
                return True
        except psycopg.OperationalError:
            return False

    def _prepare(self) -> None:
        version = self.data / "PG_VERSION"
        if not version.exists():
            self._initialise()
        here = int(version.read_text(encoding="ascii"))
        programs = major_version(self.programs, self.identity)
        if here != programs:
            raise TrellisError(
                f"{self.data} was written by PostgreSQL {here}, and the programs in "
                f"{self.programs} are version {programs}, which cannot read it. Dump the data with "
                f"pg_dump of version {here} and restore it into an empty data folder, or name the "
                f"programs of version {here} in TRELLIS_POSTGRESQL."
            )
        self._clear_stale_pid()

    def _initialise(self) -> None:
        """Make a cluster; one that was interrupted half way never counts as one."""
        if self.data.exists() and any(self.data.iterdir()):
            raise TrellisError(
                f"{self.data} holds files but no PostgreSQL cluster (there is no PG_VERSION). "
                "Restore it from a backup, or move it away and a new one is made."
            )
        draft = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700, parents=True)
        if self.identity.user is not None:
            os.chown(draft, self.identity.user, self.identity.group or 0)
        made = spawn(
            # One collation everywhere: the machine's own ones change with its updates, and an
            # index sorted by an old one answers wrongly.
            [
                self.programs / "initdb",
                *("-D", draft, "-U", "postgres", "-A", "trust", "-E", "UTF8"),
                *("--locale-provider=builtin", "--locale=C.UTF-8"),
                *(["--no-sync"] if self.settings.get("fsync") == "off" else []),
            ],
            log=self.log,
            folder=draft,
            identity=self.identity,
        )
        if made.wait(120) != 0:
            raise Unavailable(f"PostgreSQL cannot make a cluster:\n{last_lines(self.log)}")
        if self.data.exists():
            self.data.rmdir()
        draft.rename(self.data)

    def _clear_stale_pid(self) -> None:
        """Remove the pid file of a server that is gone, even if its number runs again elsewhere.

        After a reboot or in a container the number easily belongs to another program, and
        PostgreSQL would then refuse to start for ever. A real server of this folder is waited for.
        """
        file = self.data / "postmaster.pid"
        deadline = time.monotonic() + 20
        while True:
            try:
                pid = int(file.read_text(encoding="utf-8", errors="replace").split()[0])
            except FileNotFoundError:
                return
            except (ValueError, IndexError):
                # Written half: the machine stopped just then.
                break
            if not self._is_postmaster(pid):
                break
            if time.monotonic() > deadline:
                raise TrellisError(
                    f"Another PostgreSQL (process {pid}) is using {self.data}. Stop it first: "
                    f"`kill -INT {pid}`."
                )
            time.sleep(0.05)
        file.unlink(missing_ok=True)

    def _is_postmaster(self, pid: int) -> bool:
        if not is_alive(pid):
            return False
        proc = Path("/proc") / str(pid)
        try:
            # PostgreSQL works inside its data folder.
            return (proc / "cwd").resolve(strict=True) == self.data.resolve()
        except PermissionError:
            # Somebody else's process, so none of ours.
            return False
        except OSError:
            return not Path("/proc/self").exists()


class ValkeyServer(Server):
    """Valkey on a socket, with every second on the disk."""

    name = "Valkey"
    stop_signal = signal.SIGTERM

    def __init__(self, data: Path, log: Path, sockets: Path) -> None:
        """Look for the program."""
        super().__init__(data, log)
        self.socket = sockets / "valkey.sock"
        self.program = find_valkey()

    @property
    def url(self) -> str:
        """The address for redis-py."""
        return f"unix://{self.socket}?db=0"

    def _prepare(self) -> None:
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)

    def _command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            # A queue must say that it is full, not throw jobs away.
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "loglevel": "warning",
        }
        command = [str(self.program)]
        for name, value in options.items():
            command += [f"--{name}", value]
        return command

    def _answers(self) -> bool:
        # By hand: the client library takes longer to import than the server to start.
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(5)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                # Anything else means that it still reads its file.
                return connection.recv(64).startswith(b"+PONG")
            except OSError:
                return False
