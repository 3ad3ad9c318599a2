"""How the work in the background stands: what is due, what waits, who works on it.

Read from the database alone, so that it is known while Redis is away. Counts end where nobody
counts any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy as sa

from app.automation.recomputing import is_pending
from app.database.automation_tables import delivery, process, reminder, task
from app.expressions.sql_functions import MOMENT
from app.jobs.processes import GONE
from app.records.statements import Statement

#: Counted up to here.
MOST = 10_000
#: Something that is due for so long is not merely a burst.
LATE_SECONDS = 120.0

_clock = sa.func.clock_timestamp(type_=MOMENT)
_NOW = sa.bindparam("now", type_=MOMENT)


@dataclass(frozen=True, slots=True)
class Process:
    """A scheduler or worker."""

    name: str
    kind: str
    started_at: datetime
    #: seconds since it was heard of
    silent: float
    details: dict[str, Any]

    @property
    def is_there(self) -> bool:
        """Whether it was heard of lately."""
        return self.silent < GONE.total_seconds()


@dataclass(frozen=True, slots=True)
class Overview:
    """One look."""

    reminders_due: int
    #: for how many seconds the oldest of what is due has been
    oldest: float
    tasks_due: int
    tasks_later: int
    put_aside: int
    deliveries_due: int
    deliveries_late: int
    deliveries_dead: int
    recomputing: bool
    processes: Sequence[Process] = field(default_factory=tuple)

    def alive(self, kind: str) -> list[Process]:
        """Return the processes of a kind that were heard of lately."""
        return [each for each in self.processes if each.kind == kind and each.is_there]

    @property
    def leader(self) -> Process | None:
        """The scheduler that leads."""
        return next((p for p in self.alive("scheduler") if p.details.get("leading")), None)

    @property
    def troubles(self) -> list[str]:
        """What is not as it should be, as stable words."""
        found = []
        if self.leader is None:
            found.append("no-scheduler")
        elif self.leader.details.get("redis") == "away":
            found.append("redis-away")
        queues = {q for one in self.alive("worker") for q in one.details.get("queues", ())}
        found += [f"no-worker-for-{name}" for name in ("reminders", "mail") if name not in queues]
        if self.oldest > LATE_SECONDS:
            found.append("late")
        if self.put_aside:
            found.append("put-aside")
        return found


def _counted(table: sa.Table, *conditions: Any) -> Any:
    some: Any = sa.select(sa.literal_column("1")).select_from(table).where(*conditions).limit(MOST)
    return sa.select(sa.func.count()).select_from(some.subquery()).scalar_subquery()


def _oldest() -> Any:
    due = sa.select(sa.func.min(reminder.c.due_at)).where(
        reminder.c.due_at.is_not(None), ~reminder.c.suspended
    )
    waiting = sa.select(sa.func.min(task.c.due_at)).where(task.c.problem.is_(None))
    both = sa.func.least(due.scalar_subquery(), waiting.scalar_subquery(), _NOW)
    return sa.cast(sa.extract("epoch", _NOW - both), sa.Double)


_open = delivery.c.state.in_(("waiting", "late"))
_look = Statement(
    sa.select(
        _counted(reminder, reminder.c.due_at <= _NOW, ~reminder.c.suspended).label("reminders_due"),
        _oldest().label("oldest"),
        _counted(task, task.c.due_at <= _NOW, task.c.problem.is_(None)).label("tasks_due"),
        _counted(task, task.c.due_at > _NOW, task.c.problem.is_(None)).label("tasks_later"),
        _counted(task, task.c.problem.is_not(None)).label("put_aside"),
        _counted(delivery, delivery.c.due_at <= _NOW, _open).label("deliveries_due"),
        _counted(delivery, delivery.c.state == "late").label("deliveries_late"),
        _counted(delivery, delivery.c.state == "dead").label("deliveries_dead"),
    )
)
_processes = Statement(
    sa.select(
        process.c.name,
        process.c.kind,
        process.c.started_at,
        sa.cast(sa.extract("epoch", _clock - process.c.seen_at), sa.Double),
        process.c.details,
    ).order_by(process.c.kind, process.c.started_at)
)


def look(connection: psycopg.Connection[Any], now: datetime) -> Overview:
    """Return how things stand."""
    (counts,) = _look.rows(connection, {"now": now})
    found = tuple(Process(*each) for each in _processes.run(connection))
    return Overview(**counts, recomputing=is_pending(connection), processes=found)
