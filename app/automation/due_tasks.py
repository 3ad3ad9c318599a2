"""The tasks a worker holds: locked, read with what they are about, and written back.

A task is somebody else's as soon as its token is another; that row is not touched any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.automation.firings import label_text, row_as_firing
from app.automation.occurrences import occurrence_of
from app.automation.running import Firing
from app.database.automation_tables import firing, reminder, task
from app.records.statements import Statement
from app.records.work import Work
from app.texts import Label

#: After so many attempts a task is put aside.
MOST_ATTEMPTS = 3

_IDS = sa.bindparam("ids", type_=ARRAY(sa.BigInteger))
_token = sa.bindparam("token", type_=sa.BigInteger)

_hold = Statement(
    sa.select(
        task.c.id.label("task"),
        task.c.step,
        task.c.attempts,
        task.c.due_at.label("task_due_at"),
        *firing.c,
    )
    .join(firing, firing.c.id == task.c.firing)
    .where(task.c.id == sa.func.any(_IDS), task.c.token == _token, task.c.problem.is_(None))
    .order_by(task.c.id)
    # Who has it already does it; the one that comes second finds nothing.
    .with_for_update(of=task, skip_locked=True)
)
_bases = Statement(
    sa.select(reminder.c.rule, reminder.c.entity, reminder.c.record_id, reminder.c.base).where(
        reminder.c.rule == sa.func.any(sa.bindparam("rules", type_=ARRAY(sa.Integer))),
        reminder.c.record_id == sa.func.any(_IDS),
    )
)
_again = Statement(
    sa.update(task)
    .where(task.c.id == sa.bindparam("_id", type_=sa.BigInteger))
    .values(
        due_at=sa.bindparam("_due_at", type_=sa.DateTime(timezone=True)),
        leased_until=None,
        attempts=sa.bindparam("_attempts", type_=sa.SmallInteger),
        problem=sa.cast(sa.bindparam("_problem", type_=sa.Text), JSONB),
    )
)


@dataclass(slots=True)
class Due:
    """One task that is held, with the firing it belongs to."""

    task: int
    step: str
    attempts: int
    due_at: datetime
    firing: Firing
    #: outcomes so far, by step
    steps: Mapping[str, Any]


def hold(work: Work, ids: Sequence[int], token: int) -> list[Due]:
    """Lock the tasks that are still held under *token* and return them."""
    rows = _hold.rows(work.connection, {"ids": list(ids), "token": token})
    return [
        Due(
            task=row["task"],
            step=row["step"],
            attempts=row["attempts"],
            due_at=row["task_due_at"],
            firing=row_as_firing(row, work.release.names),
            steps=row["steps"] or {},
        )
        for row in rows
    ]


def occurrences(work: Work, tasks: Iterable[Due]) -> dict[tuple[int, int, int], str | None]:
    """Return the occurrence that the dates of timed rules give now: by rule, entity, record.

    None where the date has been emptied meanwhile.
    """
    timed = [each.firing for each in tasks if each.firing.cause == "timed"]
    if not timed:
        return {}
    values = {
        "rules": sorted({one.rule for one in timed}),
        "ids": sorted({one.record_id for one in timed if one.record_id is not None}),
    }
    return {
        (rule, entity, record): None if base is None else occurrence_of(base)
        for rule, entity, record, base in _bases.run(work.connection, values)
    }


def put_back(
    work: Work, due: Due, due_at: datetime, *, attempts: int = 0, problem: Label | None = None
) -> None:
    """Have a task wait for another moment, or put it aside with its problem."""
    values = {
        "_id": due.task,
        "_due_at": due_at,
        "_attempts": attempts,
        "_problem": label_text(problem),
    }
    _again.do(work.connection, values)


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after an attempt that failed."""
    return timedelta(seconds=30 * 4 ** max(0, attempts - 1))
