"""One apply at a time: an advisory lock that ends with the connection that holds it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from app.database.migrate import APPLY_LOCK
from app.errors import PlanError
from app.texts import Label, say

#: How often somebody who waits looks again. Waiting inside the lock function would hold a snapshot
#: open, for which building an index concurrently would wait in turn: both for ever.
_LOOK_SECONDS = 0.1


@contextmanager
def apply_lock(
    connection: sa.Connection, wait: float, waiting: Callable[[Label], None] = lambda _who: None
) -> Iterator[None]:
    """Hold the lock; wait up to *wait* seconds for another apply to end.

    Raises:
        PlanError: another apply is still at work; the sentence says whose.
    """
    give_up_at = time.monotonic() + wait
    told = False
    while not _try(connection):
        name = holder(connection)
        who = say("somebody", "有人") if name is None else Label({"en": name})
        if time.monotonic() >= give_up_at:
            raise PlanError(
                say(
                    "{who} is applying a configuration right now. Nothing was changed; try again "
                    "when that is done.",
                    "{who}正在应用配置。没有做任何更改，请等它完成后再试。",
                    who=who,
                )
            )
        if not told:
            waiting(who)
            told = True
        time.sleep(_LOOK_SECONDS)
    try:
        yield
    finally:
        if not connection.closed and not connection.invalidated:
            connection.execute(sa.select(sa.func.pg_advisory_unlock(APPLY_LOCK)))
            connection.commit()


def _try(connection: sa.Connection) -> bool:
    got = connection.execute(sa.select(sa.func.pg_try_advisory_lock(APPLY_LOCK))).scalar_one()
    connection.commit()
    return bool(got)


def holder(connection: sa.Connection) -> str | None:
    """Return who is applying at the moment, or None."""
    query = sa.text(
        "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE l.locktype = 'advisory' AND l.granted AND l.objid = :number "
        "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    name = connection.execute(query, {"number": APPLY_LOCK}).scalar()
    connection.commit()
    return None if not name else str(name).removeprefix("trellis apply by ")
