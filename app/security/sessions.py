"""Signed-in browsers: one row each, so that signing out or a new password really ends them.

The cookie is signed by Flask and holds a random token; the table holds the token's checksum.
Looking a session up costs a dictionary: what the database said is kept until the number
``sessions`` in trellis.revision moves, which every process sees within a second.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.access.organisation import touch
from app.clock import Clock
from app.database import system
from app.database.statements import Statement

#: The revision that moves when any session ends.
SESSIONS = "sessions"
#: A browser that does nothing for so long has to sign in again.
IDLE = timedelta(hours=12)
#: However busy: after so long one signs in again.
LONGEST = timedelta(days=14)
#: How often a busy session's ``seen_at`` is written.
NOTICE = timedelta(minutes=5)
#: Entries kept in one process.
MOST = 10_000

_session, _account = system.session, system.account
_moment = sa.DateTime(timezone=True)

_begin = Statement(
    sa.insert(_session).values(
        token=sa.bindparam("token"),
        user_id=sa.bindparam("user"),
        created_at=sa.bindparam("now", type_=_moment),
        seen_at=sa.bindparam("now", type_=_moment),
        address=sa.bindparam("address"),
        agent=sa.bindparam("agent"),
    )
)
_find = Statement(
    sa.select(_session.c.user_id, _session.c.created_at, _session.c.seen_at)
    .outerjoin(_account, _account.c.user_id == _session.c.user_id)
    .where(
        _session.c.token == sa.bindparam("token"),
        _session.c.ended_at.is_(None),
        _session.c.created_at >= sa.func.coalesce(_account.c.sessions_since, _session.c.created_at),
    )
)
_see = Statement(
    sa.update(_session)
    .where(_session.c.token == sa.bindparam("_token"))
    .values(seen_at=sa.bindparam("now", type_=_moment))
)
_end = Statement(
    sa.update(_session)
    .where(_session.c.token == sa.bindparam("_token"), _session.c.ended_at.is_(None))
    .values(ended_at=sa.bindparam("now", type_=_moment))
)
_of_user = Statement(
    sa.select(
        _session.c.token,
        _session.c.created_at,
        _session.c.seen_at,
        _session.c.address,
        _session.c.agent,
    )
    .where(_session.c.user_id == sa.bindparam("user"), _session.c.ended_at.is_(None))
    .order_by(_session.c.seen_at.desc())
)
_last_seen = Statement(
    sa.select(_session.c.user_id, sa.func.max(_session.c.seen_at)).group_by(_session.c.user_id)
)
_since = Statement(
    sa.select(_account.c.sessions_since).where(_account.c.user_id == sa.bindparam("user"))
)
_revision = Statement(sa.select(system.revision.c.number).where(system.revision.c.name == SESSIONS))


@dataclass(slots=True)
class _Known:
    user_id: int
    created_at: datetime
    seen_at: datetime


class Sessions:
    """The sessions of one installation, as one process knows them."""

    #: Seconds after which the revision is compared.
    patience = 1.0

    def __init__(self, pools: Any, clock: Clock) -> None:
        self._pools = pools
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._since: dict[int, datetime | None] = {}
        self._number: int | None = None
        self._compare_at = 0.0

    def begin(self, user_id: int, address: str, agent: str) -> str:
        """Open a session and return the token its cookie must hold."""
        token = secrets.token_urlsafe(32)
        with self._pools.write.connection() as connection:
            _begin.run(
                connection,
                {
                    "token": checksum(token),
                    "user": user_id,
                    "now": self._clock.now(),
                    "address": address[:100],
                    "agent": agent[:300],
                },
            )
        return token

    def user_of(self, token: str) -> int | None:
        """Return whose session a token is; None if it has ended, by whatever."""
        self._compare()
        now = self._clock.now()
        known = self._known.get(token)
        if known is None:
            known = self._look_up(token)
            if known is None:
                return None
        if now - known.seen_at > IDLE or now - known.created_at > LONGEST:
            return None
        if now - known.seen_at > NOTICE:
            known.seen_at = now
            with self._pools.write.connection() as connection:
                _see.run(connection, {"_token": checksum(token), "now": now})
        return known.user_id

    def _look_up(self, token: str) -> _Known | None:
        with self._pools.read.connection() as connection:
            row = _find.run(connection, {"token": checksum(token)}).fetchone()
        if row is None:
            return None
        if len(self._known) >= MOST:
            self._known = {}
        known = self._known[token] = _Known(*row)
        return known

    def end(self, token: str) -> None:
        """End one session; its cookie is dead from now on, wherever it was copied to."""
        self.end_by_checksum(checksum(token))

    def end_by_checksum(self, checksum: str) -> None:
        """End a session listed by ``of_user``."""
        with self._pools.write.connection() as connection:
            _end.run(connection, {"_token": checksum, "now": self._clock.now()})
            touch(connection, SESSIONS)
        self._compare_at = 0.0

    def of_user(self, user_id: int) -> list[dict[str, Any]]:
        """Return a user's open sessions, the most recently used first."""
        with self._pools.read.connection() as connection:
            return _of_user.rows(connection, {"user": user_id})

    def last_seen(self) -> dict[int, datetime]:
        """Return when each person's browser was last heard of, within minutes."""
        with self._pools.read.connection() as connection:
            return dict(_last_seen.run(connection).fetchall())

    def open_of(self, user_id: int) -> list[dict[str, Any]]:
        """Return those of a user's sessions that still let somebody in."""
        since, now = self.tokens_since(user_id), self._clock.now()
        return [
            one
            for one in self.of_user(user_id)
            if now - one["seen_at"] <= IDLE
            and now - one["created_at"] <= LONGEST
            and (since is None or one["created_at"] >= since)
        ]

    def tokens_since(self, user_id: int) -> datetime | None:
        """Return the moment before which a user's tokens are dead."""
        self._compare()
        if user_id not in self._since:
            with self._pools.read.connection() as connection:
                row = _since.run(connection, {"user": user_id}).fetchone()
            self._since[user_id] = row[0] if row else None
        return self._since[user_id]

    def number(self) -> int | None:
        """Return what moves whenever a session, token or key ends."""
        self._compare()
        return self._number

    def something_ended(self) -> None:
        """Let every process look up anew what it knows of sessions, tokens and keys."""
        with self._pools.write.connection() as connection:
            touch(connection, SESSIONS)
        self._compare_at = 0.0

    def expire(self) -> None:
        """Compare the revision before the next answer."""
        self._compare_at = 0.0

    def _compare(self) -> None:
        if time.monotonic() < self._compare_at:
            return
        with self._lock:
            if time.monotonic() < self._compare_at:
                return
            with self._pools.read.connection() as connection:
                row = _revision.run(connection).fetchone()
            number = row[0] if row else 0
            if number != self._number:
                self._known, self._since, self._number = {}, {}, number
            self._compare_at = time.monotonic() + self.patience


def checksum(token: str) -> str:
    """Return what the table keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
