"""What waits for whom: the lists of the page and the API, in few statements.

Lists name records by entity and number; whoever shows them asks the door for titles, which gives
only those the asker may read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg
import sqlalchemy as sa

from app.database.automation_tables import approval, approval_task
from app.records.statements import Statement

Which = Literal["waiting", "mine", "done"]
WHICH: tuple[Which, ...] = ("waiting", "mine", "done")


@dataclass(frozen=True, slots=True)
class Item:
    """One run in a list, with the question that put it there."""

    run: int
    name: str
    entity: int
    record_id: int
    state: str
    step: int
    submitted_by: int | None
    submitted_at: datetime
    ended_at: datetime | None
    #: waiting: since when one is asked, until when, for whom; done: what one said
    task: int | None = None
    for_user: int | None = None
    asked_at: datetime | None = None
    due_at: datetime | None = None
    late: bool = False
    answer: str | None = None
    decided_at: datetime | None = None


_user = sa.bindparam("_user", type_=sa.BigInteger)
_most = sa.bindparam("_most", type_=sa.Integer)
_before = sa.bindparam("_before", type_=sa.BigInteger)
_run = (
    approval.c.id.label("run"),
    approval.c.name,
    approval.c.entity,
    approval.c.record_id,
    approval.c.state,
    approval.c.step,
    approval.c.submitted_by,
    approval.c.submitted_at,
    approval.c.ended_at,
)
_task = (
    approval_task.c.id.label("task"),
    approval_task.c.for_user,
    approval_task.c.asked_at,
    approval_task.c.due_at,
    approval_task.c.late,
    approval_task.c.state.label("answer"),
    approval_task.c.decided_at,
)
_joined = approval_task.join(approval, approval.c.id == approval_task.c.approval)
_LISTS: dict[str, Statement] = {
    # What came first is answered first.
    "waiting": Statement(
        sa.select(*_run, *_task)
        .select_from(_joined)
        .where(
            approval_task.c.user_id == _user,
            approval_task.c.state == "waiting",
            approval.c.state == "waiting",
            sa.or_(_before.is_(None), approval_task.c.id > _before),
        )
        .order_by(approval_task.c.id)
        .limit(_most)
    ),
    "mine": Statement(
        sa.select(*_run)
        .where(approval.c.submitted_by == _user, sa.or_(_before.is_(None), approval.c.id < _before))
        .order_by(approval.c.id.desc())
        .limit(_most)
    ),
    "done": Statement(
        sa.select(*_run, *_task)
        .select_from(_joined)
        .where(
            approval_task.c.decided_by == _user,
            approval_task.c.state.in_(("approved", "rejected", "sent_back", "delegated")),
            sa.or_(_before.is_(None), approval_task.c.id < _before),
        )
        .order_by(approval_task.c.id.desc())
        .limit(_most)
    ),
}
_count = Statement(
    sa.select(sa.func.count())
    .select_from(approval_task)
    .where(approval_task.c.user_id == _user, approval_task.c.state == "waiting")
)


def list_runs(
    connection: psycopg.Connection[Any],
    which: Which,
    user_id: int,
    *,
    limit: int = 50,
    after: int | None = None,
) -> tuple[list[Item], int | None]:
    """Return one page of somebody's list, and what to ask for the next with."""
    rows = _LISTS[which].rows(connection, {"_user": user_id, "_most": limit + 1, "_before": after})
    items = [Item(**row) for row in rows[:limit]]
    more = len(rows) > limit
    last = items[-1] if items else None
    return items, (last.task or last.run) if last is not None and more else None


def count_waiting(connection: psycopg.Connection[Any], user_id: int) -> int:
    """Return how many answers somebody is waited for."""
    row = _count.run(connection, {"_user": user_id}).fetchone()
    return int(row[0]) if row else 0


def by_entity(items: Iterable[Item]) -> dict[int, list[int]]:
    """Return the records of a list by their entity's number, to ask for their titles at once."""
    found: dict[int, list[int]] = {}
    for item in items:
        found.setdefault(item.entity, []).append(item.record_id)
    return found
