"""Who read personal data: noted while records are read, written down a moment later.

One line a day for a person and a record, and one for the lists of an entity, so that looking costs
a word in memory and the log stays small. What is masked shows nothing and is not noted; exports
stand in the audit. A process that is killed loses what was read within the last second.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.access.policy import Policy
from app.access.principal import Principal
from app.access.sources import Release
from app.clock import Clock
from app.database.personal_tables import personal_read
from app.database.statements import Statement
from app.errors import Unavailable

_log = logging.getLogger(__name__)
#: How often it is written down, in seconds, and how many lines wait at most for a database.
SECONDS, MOST = 1.0, 50_000
#: How a list is called among the records.
LISTS = 0
Names = str | tuple[str, ...] | None

_columns = personal_read.c
_put = insert(personal_read).values(
    {column.name: sa.bindparam(column.name, type_=column.type) for column in _columns}
)
_write = Statement(
    _put.on_conflict_do_update(
        index_elements=["day", "user_id", "entity", "record_id"],
        set_={
            "times": _columns.times + _put.excluded.times,
            "rows": _columns.rows + _put.excluded.rows,
            "last_at": sa.func.greatest(_columns.last_at, _put.excluded.last_at),
        },
    )
)


class Asked(Protocol):
    """What is known of whoever asks."""

    @property
    def policy(self) -> Policy: ...
    @property
    def release(self) -> Release: ...


class PersonalReads:
    """Notes and writes down, in processes that serve people."""

    def __init__(self, pools: Any, clock: Clock) -> None:
        """Note nothing until `begin`."""
        self._pools, self._clock = pools, clock
        self._is_on = self._has_thread = False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        #: user, entity's number, record -> times, rows, first, last
        self._waiting: dict[tuple[int, int, int], tuple[int, int, datetime, datetime]] = {}
        self._known: WeakKeyDictionary[Policy, dict[tuple[str, Names], bool]] = WeakKeyDictionary()

    def begin(self, *, has_thread: bool = True) -> None:
        """Note from now on; without a thread whoever began it calls `write`."""
        self._is_on, self._has_thread = True, has_thread

    def note(
        self,
        desk: Asked,
        principal: Principal,
        entity: str,
        fields: Names,
        record_id: int,
        rows: int = 1,
    ) -> None:
        """Note that somebody read a record, or so many of a list, if that shows personal data.

        Args:
            desk: at which it was asked.
            fields: what was asked for; None for all that may be read.
        """
        if not self._is_on or not rows or principal.is_system or principal.user_id is None:
            return
        if not self._shows(desk.policy, entity, fields):
            return
        now, number = self._clock.now(), desk.release.numbers[entity]
        key = (principal.user_id, number, record_id)
        with self._lock:
            times, before, first, _ = self._waiting.get(key, (0, 0, now, now))
            if times or len(self._waiting) < MOST:
                self._waiting[key] = (times + 1, before + rows, first, now)
            if self._has_thread and self._thread is None:
                self._thread = threading.Thread(
                    target=self._go_on, name="trellis-reads", daemon=True
                )
                self._thread.start()

    def _shows(self, policy: Policy, entity: str, fields: Names) -> bool:
        known = self._known.setdefault(policy, {})
        found = known.get((entity, fields))
        if found is None:
            paths = fields.split(",") if isinstance(fields, str) else fields
            asked = None if paths is None else {one.partition(".")[0] for one in paths}
            found = known[entity, fields] = any(
                one.personal and policy.is_readable(entity, name)
                for name, one in policy.catalog.entities[entity].fields.items()
                if asked is None or name in asked
            )
        return found

    def _go_on(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(SECONDS)
            self.write()

    def write(self) -> None:
        """Write down what was noted; while the database is away it waits."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        lines = [
            {"day": first.date(), "user_id": user, "entity": entity, "record_id": record_id,
             "times": times, "rows": rows, "first_at": first, "last_at": last}
            for (user, entity, record_id), (times, rows, first, last) in sorted(waiting.items())
        ]  # fmt: skip
        try:
            with self._pools.write.connection() as connection:
                _write.many(connection, lines)
        except (Unavailable, psycopg.Error):
            _log.exception("who read personal data could not be written down; it is tried again")
            with self._lock:
                for key, (times, rows, first, last) in waiting.items():
                    more, further, _, later = self._waiting.get(key, (0, 0, first, last))
                    self._waiting[key] = (times + more, rows + further, first, later)
