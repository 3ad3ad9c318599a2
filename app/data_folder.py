"""The data folder of an installation: what lies where, and who is using it.

One `trellis run` at a time may own it, which a file lock decides: the kernel frees the lock when
its holder dies, so there is never one to clear by hand. While it runs, `running.json` tells other
commands (`trellis plan`, `trellis psql`) where its servers listen. Nothing here starts anything.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from app.errors import TrellisError
from app.processes import is_alive


class DataFolderInUse(TrellisError):
    """Another process owns the data folder."""

    code = "data-folder-in-use"


@dataclass(frozen=True)
class Addresses:
    """Where the database and Redis answer."""

    database_url: str
    redis_url: str


@dataclass(frozen=True)
class Running:
    """What a running Trellis tells about itself."""

    pid: int
    addresses: Addresses
    #: The folder of the sockets, to be cleared away when its owner was killed.
    sockets: str | None
    #: Where the web server listens; None while a short command holds the folder.
    web: str | None


class DataFolder:
    """Paths below the data folder."""

    def __init__(self, path: Path) -> None:
        """Name the folder; nothing is made yet."""
        self.path = path
        self.postgresql = path / "postgresql"
        self.valkey = path / "valkey"
        self.logs = path / "log"
        self.files = path / "files"
        self._lock = path / "lock"
        self._running = path / "running.json"
        #: there as soon as a first request could be answered
        self.prepared = path / "prepared"

    def create(self) -> None:
        """Make the folder, closed to everybody else.

        Raises:
            TrellisError: the folder cannot be made or written to.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise TrellisError(
                f"The data folder {self.path} cannot be made: {error.strerror}. "
                "Name another one with TRELLIS_DATA."
            ) from error
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise TrellisError(
                f"The data folder {self.path} belongs to somebody else and cannot be written to. "
                "Run Trellis as its owner, or name another folder with TRELLIS_DATA."
            )

    @contextmanager
    def locked(self, purpose: str) -> Iterator[None]:
        """Own the folder for as long as the block lasts; *purpose* is told to whom comes second.

        Raises:
            DataFolderInUse: somebody else owns it.
        """
        self.create()
        with self._lock.open("a+", encoding="utf-8") as file:
            if not self._take(file.fileno()):
                raise DataFolderInUse(self._who_uses_it())
            file.truncate(0)
            file.write(f"{os.getpid()} {purpose}\n")
            file.flush()
            try:
                yield
            finally:
                self._running.unlink(missing_ok=True)
                file.truncate(0)

    @staticmethod
    def _take(descriptor: int) -> bool:
        # A moment of patience: `is_locked` of another process holds the lock for an instant.
        for pause in (0.02, 0.1, 0.2, None):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if pause is not None:
                    time.sleep(pause)
            else:
                return True
        return False

    def _who_uses_it(self) -> str:
        pid, _, purpose = self._lock.read_text(encoding="utf-8").strip().partition(" ")
        who = f"`{purpose}` (process {pid})" if purpose else "another Trellis"
        return (
            f"The data folder {self.path} is in use by {who}. "
            "Stop that one first, or name another folder with TRELLIS_DATA."
        )

    def is_locked(self) -> bool:
        """Return whether some process owns the folder now."""
        try:
            with self._lock.open("r+", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def announce(self, running: Running) -> None:
        """Tell other commands where the servers of this process listen."""
        draft = self._running.with_suffix(f".{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(running), file)
        draft.replace(self._running)

    def announced(self) -> Running | None:
        """Return what the last owner announced, whether or not it still runs."""
        try:
            told = json.loads(self._running.read_text(encoding="utf-8"))
            return Running(
                pid=int(told["pid"]),
                addresses=Addresses(**told["addresses"]),
                sockets=told["sockets"],
                web=told["web"],
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def running(self, patience: float = 15) -> Running | None:
        """Return where the Trellis that owns the folder listens; None when nobody owns it.

        One that is just starting is waited for, *patience* seconds at most.
        """
        deadline = time.monotonic() + patience
        while self.is_locked():
            running = self.announced()
            if running is not None and is_alive(running.pid):
                return running
            if time.monotonic() > deadline:
                raise DataFolderInUse(self._who_uses_it())
            time.sleep(0.05)
        return None
