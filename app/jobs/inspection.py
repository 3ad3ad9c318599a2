"""What administrators look into: queues, failed jobs, and tasks that were put aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy as sa
from redis import Redis
from redis.exceptions import RedisError
from rq.exceptions import DeserializationError, InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.registry import FailedJobRegistry

from app.database.automation_tables import firing, rule, task
from app.jobs.queues import QUEUES, SERIALIZER, connect, is_task, queue
from app.records.statements import Statement

#: So many are shown.
MOST = 50


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that ended with an error."""

    id: str
    queue: str
    task: str
    ended_at: datetime | None
    #: the last line of what went wrong
    error: str
    #: whether it may run again
    may_run: bool


@dataclass(frozen=True, slots=True)
class QueueState:
    """One queue."""

    name: str
    waiting: int
    failed: int
    jobs: Sequence[FailedJob]


@dataclass(frozen=True, slots=True)
class PutAside:
    """A step that failed so often that it waits for somebody to look at it."""

    id: int
    rule: str
    entity: int
    record_id: int
    due_at: datetime
    attempts: int
    problem: Any


def read_queues(redis_url: str) -> list[QueueState] | None:
    """Return the queues with their failed jobs, the newest first; None: Redis is away."""
    try:
        with connect(redis_url) as connection:
            return [_queue(connection, name) for name in QUEUES]
    except RedisError:
        return None


def _queue(connection: Redis, name: str) -> QueueState:
    registry = FailedJobRegistry(name, connection=connection, serializer=SERIALIZER)
    ids = registry.get_job_ids(0, MOST - 1, desc=True)
    found = [_failed(connection, name, job_id) for job_id in ids]
    jobs = [each for each in found if each is not None]
    return QueueState(name, queue(connection, name).count, registry.count, jobs)


def _failed(connection: Redis, name: str, job_id: str) -> FailedJob | None:
    try:
        job = Job.fetch(job_id, connection=connection, serializer=SERIALIZER)
    except NoSuchJobError:
        return None
    try:
        named, may_run = job.func_name or "?", is_task(job)
    except DeserializationError:
        named, may_run = "?", False
    result = job.latest_result()
    lines = (result.exc_string or "").strip().splitlines() if result is not None else []
    short = named.rpartition(".")[2] if may_run else named
    return FailedJob(job_id, name, short, job.ended_at, lines[-1] if lines else "", may_run)


def run_again(redis_url: str, name: str, job_id: str) -> bool:
    """Put a failed job back into its queue; return whether it was there."""
    return _with_failed(redis_url, name, lambda registry: registry.requeue(job_id))


def run_all_again(redis_url: str) -> int:
    """Put every failed job that may run back into its queue; return how many."""
    count = 0
    try:
        with connect(redis_url) as connection:
            for name in QUEUES:
                registry = FailedJobRegistry(name, connection=connection, serializer=SERIALIZER)
                for job_id in registry.get_job_ids():
                    one = _failed(connection, name, job_id)
                    if one is not None and one.may_run:
                        registry.requeue(job_id)
                        count += 1
    except (RedisError, NoSuchJobError, InvalidJobOperation):
        # What was put back stays so; the rest can be tried once Redis is there.
        return count
    return count


def remove(redis_url: str, name: str, job_id: str) -> bool:
    """Forget a failed job; return whether it was there."""
    return _with_failed(redis_url, name, lambda registry: registry.remove(job_id, delete_job=True))


def _with_failed(redis_url: str, name: str, act: Any) -> bool:
    try:
        with connect(redis_url) as connection:
            act(FailedJobRegistry(name, connection=connection, serializer=SERIALIZER))
    except (RedisError, NoSuchJobError, InvalidJobOperation):
        return False
    return True


_put_aside = Statement(
    sa.select(
        task.c.id,
        sa.func.coalesce(rule.c.name, ""),
        firing.c.entity,
        firing.c.record_id,
        task.c.due_at,
        task.c.attempts,
        task.c.problem,
    )
    .select_from(
        task.join(firing, firing.c.id == task.c.firing).outerjoin(
            rule, rule.c.number == firing.c.rule
        )
    )
    .where(task.c.problem.is_not(None))
    .order_by(task.c.id.desc())
    .limit(MOST)
)


def put_aside(connection: psycopg.Connection[Any]) -> list[PutAside]:
    """Return the tasks that were put aside, the newest first."""
    return [PutAside(*row) for row in _put_aside.run(connection)]
