"""What imports wrote, compared afterwards with what is there, where rules only warn.

A form warns whoever saves; nobody reads the warnings of thousands of rows. So what they would have
said becomes pairs to look at, a few records to a transaction, when the import is over. A large
import is left to a scan of everything, which compares by sets.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.access.principal import SYSTEM
from app.clock import Clock
from app.database.statements import Statement
from app.database.system import history
from app.database.transfer_tables import import_run
from app.records.alike_many import warned_about
from app.records.door import Records
from app.records.pairs import Met, note_pairs
from app.records.work import Work

#: Records of one transaction, and of an import from which on everything is scanned.
CHUNK, MANY = 200, 5_000
#: What nobody compared for so long is taken up, and after so long left to the next scan.
_SILENT, _OLD = timedelta(minutes=2), timedelta(days=7)

_r = import_run
_RUN = _r.c.id == sa.bindparam("run", type_=sa.BigInteger)
_open = Statement(
    sa.select(_r.c.entity, _r.c.change_set, _r.c.compared)
    .where(_RUN, _r.c.ended_at.is_not(None), _r.c.compared_at.is_(None))
    .with_for_update(skip_locked=True)
)
_further = Statement(
    sa.update(_r).where(_RUN).values(compared=sa.bindparam("compared", type_=sa.BigInteger))
)
_over = Statement(sa.update(_r).where(_RUN).values(compared_at=sa.func.now()))
_of_set = sa.and_(
    history.c.change_set == sa.bindparam("set", type_=sa.BigInteger),
    history.c.entity == sa.bindparam("entity", type_=sa.SmallInteger),
    history.c.record_id > sa.bindparam("after", type_=sa.BigInteger),
    history.c.action.in_(["create", "update"]),
)
_next = Statement(
    sa.select(history.c.record_id)
    .where(_of_set)
    .distinct()
    .order_by(history.c.record_id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_silent = Statement(
    sa.select(_r.c.id)
    .where(
        _r.c.ended_at.between(
            sa.bindparam("since", type_=_r.c.ended_at.type),
            sa.bindparam("before", type_=_r.c.ended_at.type),
        ),
        _r.c.compared_at.is_(None),
        _r.c.change_set.is_not(None),
    )
    .order_by(_r.c.id)
)


class Imported:
    """Compares what imports wrote."""

    def __init__(self, records: Records, clock: Clock, scan: Callable[[], bool]) -> None:
        """Take the door, and what begins a scan of everything: False where one is under way."""
        self._records, self._clock, self._scan = records, clock, scan

    def go_on(self, run: int, seconds: float) -> bool:
        """Compare for some time; return whether there is more to do.

        Nothing where the import is not over, or another worker is at it.
        """
        deadline = time.monotonic() + seconds
        while self._step(run):
            if time.monotonic() > deadline:
                return True
        return False

    def silent(self) -> list[int]:
        """Return the imports that are over and that nobody compared."""
        now = self._clock.now()
        given = {"since": now - _OLD, "before": now - _SILENT}
        step: Callable[[Work], list[int]] = lambda work: [  # noqa: E731
            row[0] for row in _silent.run(work.connection, given)
        ]
        return self._records.transact(SYSTEM, step)

    def _step(self, run: int) -> bool:
        is_large = False

        def step(work: Work) -> bool:
            nonlocal is_large
            row = _open.run(work.connection, {"run": run}).fetchone()
            if row is None:
                return False
            ids = self._ids(work, *row)
            is_large = len(ids) > MANY
            if is_large:
                return False
            part = ids[:CHUNK]
            if part:
                self._compare(work, row[0], part)
                _further.run(work.connection, {"run": run, "compared": part[-1]})
            else:
                _over.run(work.connection, {"run": run})
            return bool(part)

        more = self._records.transact(SYSTEM, step)
        if is_large and self._scan():
            self._records.transact(SYSTEM, lambda work: _over.run(work.connection, {"run": run}))
        return more

    def _ids(self, work: Work, entity: str, change_set: int | None, after: int) -> list[int]:
        """Return the next records of an import, so many more that it shows whether it is large."""
        found = work.release.catalog.entities.get(entity)
        if change_set is None or found is None or all(rule.refuse for rule in found.duplicates):
            return []
        given: dict[str, Any] = {"set": change_set, "entity": work.number(entity), "after": after}
        limit = MANY + 1 if after == 0 else CHUNK
        return [row[0] for row in _next.run(work.connection, {**given, "limit": limit})]

    def _compare(self, work: Work, entity: str, ids: list[int]) -> None:
        kind = work.release.catalog.entities[entity]
        met: dict[int, list[Met]] = {}
        for number, one in warned_about(work, kind, ids):
            met.setdefault(number, []).append(one)
        for number, several in met.items():
            note_pairs(work, kind, number, several)
