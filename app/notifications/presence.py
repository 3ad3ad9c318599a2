"""Who looks at which record now: heard by every web process over the database, written nowhere.

An open page says now and then that somebody looks, or edits. What is not repeated is forgotten, so
nothing has to be tidied up after a browser that was closed.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.database.statements import Statement

CHANNEL = "trellis_presence"
#: Seconds for which a word is good; pages repeat it well before.
GOOD_FOR = 45.0
#: Records that are kept in mind; more are forgotten at once rather than one by one.
_MOST = 5_000

_tell = Statement(sa.select(sa.func.pg_notify(CHANNEL, sa.bindparam("what", type_=sa.Text))))


@dataclass(frozen=True, slots=True)
class Looker:
    """Somebody whose page shows a record."""

    user_id: int
    edits: bool


class Presence:
    """Who looks at what, as far as this process heard."""

    def __init__(self, pools: Any) -> None:
        self._pools = pools
        self._lock = threading.Lock()
        #: by record (``customer/12``) and person: until when, and whether they edit
        self._known: dict[str, dict[int, tuple[float, bool]]] = {}

    def heard(self, what: str) -> None:
        """Keep in mind what a process said: ``entity/record/person/word``."""
        parts = what.split("/")
        if len(parts) != 4 or not parts[2].isdigit():
            return
        entity, record, person, word = parts
        key, user = f"{entity}/{record}", int(person)
        with self._lock:
            if word == "gone":
                self._known.get(key, {}).pop(user, None)
                return
            if len(self._known) >= _MOST and key not in self._known:
                self._forget()
            until = time.monotonic() + GOOD_FOR
            self._known.setdefault(key, {})[user] = (until, word == "edits")

    def _forget(self) -> None:
        now = time.monotonic()
        alive = {
            key: people
            for key, people in self._known.items()
            if any(until > now for until, _ in people.values())
        }
        self._known = alive if len(alive) < _MOST else {}

    def say(self, entity: str, record_id: int, user_id: int, word: str) -> None:
        """Tell every process that somebody looks, edits or is gone."""
        what = f"{entity}/{record_id}/{user_id}/{word}"
        with self._pools.write.connection() as connection:
            _tell.run(connection, {"what": what})

    def others(self, entity: str, record_id: int, user_id: int | None) -> list[Looker]:
        """Return who else looks at a record, those who edit first."""
        now = time.monotonic()
        with self._lock:
            people = dict(self._known.get(f"{entity}/{record_id}", {}))
        found = [
            Looker(user, edits)
            for user, (until, edits) in people.items()
            if until > now and user != user_id
        ]
        return sorted(found, key=lambda one: (not one.edits, one.user_id))
