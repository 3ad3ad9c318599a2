"""Processes that work in the background, as rows: who is there, and when last heard of."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import orjson
import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from app.database.automation_tables import process
from app.expressions.sql_functions import MOMENT
from app.records.statements import Statement

#: How often a process says that it is there, and after how long it counts as gone.
BEAT_SECONDS = 5.0
GONE = timedelta(seconds=30)
#: When it is forgotten.
FORGOTTEN = timedelta(hours=1)

_clock = sa.func.clock_timestamp(type_=MOMENT)
_NAME = sa.bindparam("name", type_=sa.Text)


def _saying() -> sa.Executable:
    new = insert(process).values(
        name=_NAME,
        kind=sa.bindparam("kind", type_=sa.Text),
        started_at=_clock,
        seen_at=_clock,
        details=sa.cast(sa.bindparam("details", type_=sa.Text), JSONB),
    )
    return new.on_conflict_do_update(
        index_elements=["name"],
        set_={"seen_at": new.excluded.seen_at, "details": new.excluded.details},
    )


_say = Statement(_saying())
_leave = Statement(sa.delete(process).where(process.c.name == _NAME))
_forget = Statement(
    sa.delete(process).where(process.c.seen_at < _clock - sa.bindparam("length", type_=sa.Interval))
)


def own_name() -> str:
    """Return a name that no other process has at the same time."""
    return f"{socket.gethostname()}-{os.getpid()}".replace(".", "-")


def say_present(
    connection: psycopg.Connection[Any], name: str, kind: str, details: Mapping[str, Any]
) -> None:
    """Say that a process is there and what it is at."""
    values = {"name": name, "kind": kind, "details": orjson.dumps(details).decode()}
    _say.do(connection, values)


def leave(connection: psycopg.Connection[Any], name: str) -> None:
    """Say that a process ends in good order."""
    _leave.do(connection, {"name": name})


def forget_gone(connection: psycopg.Connection[Any]) -> None:
    """Forget processes that were not heard of for long."""
    _forget.do(connection, {"length": FORGOTTEN})


class Beat:
    """A thread that says every few seconds that its process is there.

    *tell* writes the row on a connection of its own; what goes wrong there is tried again with the
    next beat. *watch* is called with each beat.
    """

    def __init__(self, tell: Callable[[], None], watch: Callable[[], None]) -> None:
        """Begin at once."""
        self._tell, self._watch = tell, watch
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trellis-beat", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            self._watch()
            self._tell()
            if self._ended.wait(BEAT_SECONDS):
                return

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()
        self._thread.join(BEAT_SECONDS)
