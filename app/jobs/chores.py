"""What is done regularly, whatever anybody configured: keeping house, deadlines of approvals.

The scheduler queues each once a period; the name of the job is what keeps a second scheduler, or
one that was started anew, from queueing it again.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from redis import Redis
from rq.exceptions import DuplicateJobError

from app.jobs.queues import FAILURE_TTL, JOB_SECONDS, LONGEST, TASKS, queue


@dataclass(frozen=True, slots=True)
class Chore:
    """A task without arguments, and how often it is due."""

    task: str
    seconds: int
    #: after so many seconds it is broken off
    limit: int = JOB_SECONDS


CHORES = (
    Chore("housekeeping", 3600),
    Chore("approvals", 30),
    Chore("imports", 30),
    Chore("changes", 30),
    Chore("exports", 30),
    Chore("scans", 60),
    Chore("mailboxes", 60),
    # Many pages of another system take their time.
    Chore("exchanges", 60, limit=900),
    Chore("keeping", 900),
    # A large database takes its time.
    Chore("backups", 900, limit=LONGEST),
)


def queue_chore(connection: Redis, chore: Chore, period: int) -> None:
    """Queue a chore unless it was in this period."""
    with suppress(DuplicateJobError):
        queue(connection).enqueue(
            f"{TASKS}.{chore.task}",
            job_id=f"{chore.task}-{period}",
            unique=True,
            # Its being there is what keeps another scheduler from queueing it.
            result_ttl=chore.seconds,
            failure_ttl=FAILURE_TTL,
            job_timeout=chore.limit,
        )
