"""What changed in the last minutes, for pages that are open: one statement for all of them.

A process asks the history at most every few seconds, and only while somebody looks at a list. Rows
are found by number; numbers are given before a transaction ends, so the newest are read again.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.clock import Clock
from app.database.statements import Statement
from app.database.system import history

#: Seconds for which an answer is good.
GOOD_FOR = 2.0
#: How far back a page may ask, and how long transactions may take until nobody hears of them.
KEPT = timedelta(minutes=10)
SETTLED = timedelta(seconds=30)
_MOST = 2_000
#: Of one entity: who is told of more than so many reads the list again.
_MOST_KEPT = 5_000

_newest = Statement(sa.select(sa.func.coalesce(sa.func.max(history.c.id), 0)))
_since = Statement(
    sa.select(
        history.c.id,
        history.c.entity,
        history.c.record_id,
        history.c.user_id,
        history.c.happened_at,
    )
    .where(history.c.id > sa.bindparam("known", type_=sa.BigInteger))
    .order_by(history.c.id.desc())
    .limit(_MOST)
)


@dataclass(frozen=True, slots=True)
class Changed:
    """One change of one record."""

    id: int
    record_id: int
    user_id: int | None
    happened_at: datetime


class News:
    """What this process knows of the latest changes."""

    def __init__(self, pools: Any, clock: Clock) -> None:
        self._pools = pools
        self._clock = clock
        self._lock = threading.Lock()
        self._good_until = 0.0
        #: changes up to this one are settled: none with a lower number is still to come
        self._settled: int | None = None
        self._by_entity: dict[int, dict[int, Changed]] = {}

    def since(self, entity: int, moment: datetime) -> list[Changed]:
        """Return the changes of an entity's records after a moment, at most some minutes ago."""
        with self._lock:
            if time.monotonic() >= self._good_until:
                self._look()
                self._good_until = time.monotonic() + GOOD_FOR
            known = list(self._by_entity.get(entity, {}).values())
        return [one for one in known if one.happened_at >= moment]

    def _look(self) -> None:
        now = self._clock.now()
        with self._pools.read.connection() as connection:
            if self._settled is None:
                row = _newest.run(connection).fetchone()
                self._settled = max(int(row[0]) - _MOST // 4, 0) if row else 0
            rows = _since.run(connection, {"known": self._settled}).fetchall()
        for number, entity, record_id, user_id, at in rows:
            self._by_entity.setdefault(entity, {})[number] = Changed(number, record_id, user_id, at)
        if len(rows) == _MOST:
            # More than anybody would look at one by one: what is older is let go.
            self._settled = rows[-1][0]
        for changes in self._by_entity.values():
            old = [n for n, one in changes.items() if one.happened_at < now - KEPT]
            for number in old or sorted(changes)[: max(len(changes) - _MOST_KEPT, 0)]:
                del changes[number]
        settled = [number for number, *_, at in rows if at < now - SETTLED]
        self._settled = max([self._settled, *settled])
