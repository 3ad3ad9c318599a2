"""One deadline for everything an attempt to reach somebody else's server does.

A timeout of a socket counts anew with every byte, so a server that drips keeps a worker for ever.
Here the connection is shut from outside when the time is over, whatever it is waiting for.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from types import TracebackType
from typing import Any, Self

from app.notifications.failing import SendFailed
from app.texts import say

#: Timeouts of sockets and the timer below do not end in the same instant.
_NEARLY = 0.05


class Deadline:
    """The time one attempt has; use it with ``with``."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._seconds = seconds
        self._guarded: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        self._is_shut = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            for one in self._guarded:
                one.close()
            self._guarded.clear()

    @property
    def left(self) -> float:
        """Seconds that are left, never none at all: a timeout of zero means something else."""
        return max(self._until - time.monotonic(), 0.01)

    def guard(self, connection: socket.socket) -> socket.socket:
        """Have a connection shut when the time is over."""
        # A second handle of the same connection: the first may be wrapped or closed meanwhile.
        with self._lock:
            self._guarded.append(socket.socket(fileno=os.dup(connection.fileno())))
        if self._is_shut:
            self._expire()
        return connection

    @property
    def has_expired(self) -> bool:
        """Whether the time is over, or so nearly that a timeout of a socket ended it."""
        return self._is_shut or time.monotonic() > self._until - _NEARLY

    def _expire(self) -> None:
        self._is_shut = True
        with self._lock:
            for one in self._guarded:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    # It is shut already, which is what was wanted.
                    continue

    def failure(self) -> SendFailed:
        """Return what to say about an attempt that took too long."""
        return SendFailed(
            say(
                "No answer within {seconds} s.",
                "{seconds} 秒内没有响应。",
                seconds=f"{self._seconds:g}",
            )
        )

    def connect(self, address: str, port: int) -> socket.socket:
        """Return a connection to an address, guarded.

        Raises:
            OSError: there is none.
        """
        connection = socket.create_connection((address, port), timeout=self.left)
        return self.guard(connection)

    def resolve(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host.

        Raises:
            SendFailed: it has none, or nobody says so in time.
        """
        # The resolver knows no timeout; a thread that hangs there is left to itself.
        found: list[Any] = []
        asking = threading.Thread(target=_ask, args=(host, port, found), daemon=True)
        asking.start()
        asking.join(self.left)
        if asking.is_alive():
            raise self.failure()
        if not found or isinstance(found[0], OSError):
            raise SendFailed(
                say("The host `{host}` is not known.", "找不到主机“{host}”。", host=host)
            )
        return list(found[0])


def _ask(host: str, port: int, found: list[Any]) -> None:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        found.append(error)
    except UnicodeError as error:
        found.append(OSError(str(error)))
    else:
        found.append(list(dict.fromkeys(str(each[4][0]) for each in answers)))
