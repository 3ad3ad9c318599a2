"""The queues, and how a process reaches them.

Arguments of a job are numbers and names, written as JSON: what a job needs it reads again from the
database, as it is then. Only functions of ``tasks`` are run. Nothing here does any work.
"""

from __future__ import annotations

from collections.abc import Sequence

from redis import Redis
from rq import Queue
from rq.job import Job

#: In the order a worker looks at them. Mail and calls have a queue of their own, so that a target
#: that answers slowly keeps no rule waiting.
QUEUES = ("reminders", "default", "mail")
SERIALIZER = "json"
#: Where everything that may be run stands; what else is found in a queue is put aside.
TASKS = "app.jobs.tasks"
#: How long an answer is kept for somebody who asks, and a failure for somebody who looks.
RESULT_TTL = 500
FAILURE_TTL = 14 * 24 * 3600
#: After so many seconds a job is broken off; what it held is handed out again.
JOB_SECONDS = 120
#: What works through everything there is, as a backup does, may take so long.
LONGEST = 6 * 3600


def connect(redis_url: str) -> Redis:
    """Return a connection that gives up soon: a page must not hang because Redis is away."""
    return Redis.from_url(
        redis_url, socket_connect_timeout=2, socket_timeout=5, health_check_interval=30
    )


def queue(connection: Redis, name: str = "default") -> Queue:
    """Return a queue by its name."""
    if name not in QUEUES:
        raise ValueError(f"There is no queue `{name}`. There are: {', '.join(QUEUES)}.")
    return Queue(name, connection=connection, serializer=SERIALIZER, default_timeout=JOB_SECONDS)


def hand_out(
    queue: Queue, task: str, batches: Sequence[Sequence[object]], seconds: int = JOB_SECONDS
) -> None:
    """Put one job into a queue for each tuple of arguments, in one round trip."""
    queue.enqueue_many(
        [
            Queue.prepare_data(
                f"{TASKS}.{task}",
                tuple(arguments),
                # What is done stands in the database; nobody asks Redis for it.
                result_ttl=0,
                failure_ttl=FAILURE_TTL,
                timeout=seconds,
            )
            for arguments in batches
        ]
    )


def is_task(job: Job) -> bool:
    """Return whether a job calls one of our tasks."""
    module, _, name = (job.func_name or "").rpartition(".")
    return module == TASKS and name.isidentifier() and not name.startswith("_")


def empty_queues(redis_url: str) -> None:
    """Take away what waits in the queues, and what is kept of what was done."""
    connection = connect(redis_url)
    for name in QUEUES:
        queue(connection, name).delete(delete_jobs=True)
