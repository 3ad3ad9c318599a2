"""Runs of approvals and their questions as rows. Nothing here decides anything.

A run is locked after its record, always in this order, so that two who decide at once wait for each
other instead of both being right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.database.automation_tables import approval, approval_task, rule_version
from app.definitions.automation import ApprovalDefinition
from app.records.statements import Statement, json_text

#: States of a question that may still be answered, or asked.
OPEN = ("waiting", "pending")


@dataclass(slots=True)
class Run:
    """One time a record went through an approval."""

    id: int
    name: str
    digest: str
    #: the entity's number
    entity: int
    record_id: int
    #: waiting | approved | rejected | withdrawn
    state: str
    step: int
    first_step: int
    round: int
    needed: int
    in_turn: bool
    submitted_by: int | None
    submitted_at: datetime
    comment: str | None = None
    ended_at: datetime | None = None
    ended_by: int | None = None
    chosen: Mapping[str, list[int]] = field(default_factory=dict)


@dataclass(slots=True)
class Task:
    """One question to one person, and the answer.

    ``anchor`` is the question it was added to, ``before`` or ``after`` that is answered. Questions
    of one ``position`` stand for one answer: a deputy's, or that of whoever is asked when it is
    late, counts as that of the person asked first.
    """

    id: int
    approval: int
    round: int
    step: int
    position: Decimal
    added: str | None = None
    anchor: int | None = None
    user_id: int | None = None
    for_user: int | None = None
    #: pending | waiting | approved | rejected | sent_back | delegated | dropped | skipped
    state: str = "waiting"
    reason: str | None = None
    comment: str | None = None
    asked_at: datetime | None = None
    due_at: datetime | None = None
    late: bool = False
    decided_at: datetime | None = None
    decided_by: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether it may still be answered."""
        return self.state in OPEN


_RUN = tuple(one.name for one in fields(Run))
_TASK = tuple(one.name for one in fields(Task))
_ID = sa.bindparam("_id", type_=sa.BigInteger)
_IDS = sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger))
_runs = sa.select(*(approval.c[name] for name in _RUN))
_tasks = sa.select(*(approval_task.c[name] for name in _TASK)).order_by(
    approval_task.c.id  # the order in which they were asked
)


def _values(table: sa.Table, names: Iterable[str]) -> dict[str, Any]:
    return {name: sa.bindparam(name, type_=table.c[name].type) for name in names}


_find = Statement(_runs.where(approval.c.id == _ID))
_lock = Statement(_runs.where(approval.c.id == _ID).with_for_update())
_waiting = Statement(
    _runs.where(
        approval.c.entity == sa.bindparam("entity", type_=sa.SmallInteger),
        approval.c.record_id == _ID,
        approval.c.state == "waiting",
    )
)
_of_record = Statement(
    _runs.where(
        approval.c.entity == sa.bindparam("entity", type_=sa.SmallInteger),
        approval.c.record_id == _ID,
    ).order_by(approval.c.id.desc())
)
_new_run = Statement(
    sa.insert(approval).values(_values(approval, _RUN[1:])).returning(approval.c.id)
)
_put_run = Statement(
    sa.update(approval).where(approval.c.id == _ID).values(_values(approval, _RUN[1:]))
)
_tasks_of = Statement(_tasks.where(approval_task.c.approval == _ID))
_tasks_of_all = Statement(_tasks.where(approval_task.c.approval == sa.func.any(_IDS)))
_new_task = Statement(
    sa.insert(approval_task).values(_values(approval_task, _TASK[1:])).returning(approval_task.c.id)
)
_put_task = Statement(
    sa.update(approval_task)
    .where(approval_task.c.id == _ID)
    .values(_values(approval_task, _TASK[1:]))
)
_keep_version = Statement(
    insert(rule_version)
    .values(_values(rule_version, ("digest", "kind", "name", "source")))
    .on_conflict_do_nothing()
)
_version = Statement(
    sa.select(rule_version.c.name, rule_version.c.source).where(
        rule_version.c.digest == sa.bindparam("digest", type_=sa.Text)
    )
)

Connection = psycopg.Connection[Any]


def find_run(connection: Connection, run_id: int, *, lock: bool = False) -> Run | None:
    """Return a run; with *lock* nobody else changes it before the transaction ends."""
    found = (_lock if lock else _find).rows(connection, {"_id": run_id})
    return Run(**found[0]) if found else None


def waiting_run(connection: Connection, entity: int, record_id: int) -> Run | None:
    """Return the run under way of a record, if there is one."""
    found = _waiting.rows(connection, {"entity": entity, "_id": record_id})
    return Run(**found[0]) if found else None


def runs_of_record(connection: Connection, entity: int, record_id: int) -> list[Run]:
    """Return all runs of a record, the newest first."""
    found = _of_record.rows(connection, {"entity": entity, "_id": record_id})
    return [Run(**row) for row in found]


def add_run(connection: Connection, run: Run) -> None:
    """Write a new run; it gets its number."""
    row = _new_run.run(connection, _run_values(run)).fetchone()
    assert row is not None
    run.id = row[0]


def save_run(connection: Connection, run: Run) -> None:
    """Write what became of a run."""
    _put_run.do(connection, {**_run_values(run), "_id": run.id})


def _run_values(run: Run) -> dict[str, Any]:
    values = {name: getattr(run, name) for name in _RUN[1:]}
    values["chosen"] = json_text(run.chosen)
    return values


def tasks_of(connection: Connection, run_id: int) -> list[Task]:
    """Return all questions of a run, in the order they were asked."""
    return [Task(**row) for row in _tasks_of.rows(connection, {"_id": run_id})]


def tasks_of_runs(connection: Connection, ids: Iterable[int]) -> dict[int, list[Task]]:
    """Return the questions of several runs."""
    found: dict[int, list[Task]] = {}
    for row in _tasks_of_all.rows(connection, {"_ids": sorted(set(ids))}):
        found.setdefault(row["approval"], []).append(Task(**row))
    return found


def add_task(connection: Connection, task: Task) -> Task:
    """Write a new question; it gets its number."""
    row = _new_task.run(connection, _task_values(task)).fetchone()
    assert row is not None
    task.id = row[0]
    return task


def save_task(connection: Connection, task: Task) -> None:
    """Write what became of a question."""
    _put_task.do(connection, {**_task_values(task), "_id": task.id})


def _task_values(task: Task) -> dict[str, Any]:
    return {name: getattr(task, name) for name in _TASK[1:]}


def keep_version(connection: Connection, definition: ApprovalDefinition) -> None:
    """Keep what an approval says for as long as a run follows it."""
    _keep_version.do(
        connection,
        {
            "digest": definition.digest,
            "kind": "approval",
            "name": definition.name,
            "source": json_text(definition.source),
        },
    )


def kept_version(connection: Connection, digest: str) -> tuple[str, Mapping[str, Any]] | None:
    """Return name and text of a version that was kept."""
    row = _version.run(connection, {"digest": digest}).fetchone()
    return None if row is None else (row[0], row[1])
