"""A server that neither answers nor hangs up: whoever waits for it is told so in bounded time.

PostgreSQL's own limits on time are kept by PostgreSQL. When the machine below it stands still (a
stopped process, a disk that never returns), nothing ends a wait but us: a thread of the process
looks at its connections once a second, and what waits for long while the server lets nobody in is
cut off. Nothing here decides what a statement may cost.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import weakref
from typing import Any

import psycopg
from psycopg import pq

_log = logging.getLogger(__name__)

#: How often it looks, and after how many looks in a row a wait counts as long.
LOOK_SECONDS = 1.0
LOOKS = 3
#: How long a server may take to let somebody in.
KNOCK_SECONDS = 3


class Watch:
    """Looks after the connections of one process to one server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._known: weakref.WeakSet[psycopg.Connection[Any]] = weakref.WeakSet()
        self._waits: weakref.WeakKeyDictionary[psycopg.Connection[Any], int] = (
            weakref.WeakKeyDictionary()
        )
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        #: whether the server stood still when somebody knocked last; nobody need wait for it
        self.is_hanging = False

    def add(self, connection: psycopg.Connection[Any]) -> None:
        """Look after a connection for as long as it lives."""
        with self._lock:
            self._known.add(connection)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._look, name="trellis-hanging", daemon=True
                )
                self._thread.start()

    def end(self) -> None:
        """Look no more."""
        self._ended.set()

    def _look(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            late = self._late()
            if not late and not self.is_hanging:
                continue
            hangs = not self._is_answered()
            if hangs != self.is_hanging:
                _log.warning("PostgreSQL stands still" if hangs else "PostgreSQL goes on")
            self.is_hanging = hangs
            for connection in self._late() if hangs else ():
                cut_off(connection)

    def _late(self) -> list[psycopg.Connection[Any]]:
        """Return the connections that have waited for an answer at several looks in a row."""
        with self._lock:
            known = [one for one in self._known if not one.closed]
        late = []
        for one in known:
            is_waiting = one.pgconn.transaction_status == pq.TransactionStatus.ACTIVE
            looks = self._waits.get(one, 0) + 1 if is_waiting else 0
            self._waits[one] = looks
            if looks >= LOOKS:
                late.append(one)
        return late

    def _is_answered(self) -> bool:
        """Return whether the server lets somebody in, or at least says that it does not."""
        began = time.monotonic()
        try:
            psycopg.connect(self._url, connect_timeout=KNOCK_SECONDS).close()
        except psycopg.errors.ConnectionTimeout:
            return False
        except psycopg.Error:
            # Refused, full, starting up: whoever waits is told by their own connection.
            return time.monotonic() - began < KNOCK_SECONDS
        return True


def cut_off(connection: psycopg.Connection[Any]) -> None:
    """End a wait: for whoever waits it is as if the server had hung up."""
    try:
        line = socket.socket(fileno=os.dup(connection.pgconn.socket))
    except (psycopg.Error, OSError):
        return  # Closed meanwhile.
    with line:
        try:
            line.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # The other side was faster.
