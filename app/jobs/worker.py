"""The worker process: takes jobs from the queues and runs each in a process of its own.

Several may run, on several machines. One of them at a time moves what is due from the schedule into
the queues; RQ sees to that with a lock.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from contextlib import suppress

from rq import Queue, Worker
from rq.exceptions import DuplicateJobError
from rq.job import Job

from app.jobs import tasks
from app.jobs.queues import FAILURE_TTL, QUEUES, RESULT_TTL, SERIALIZER, connect, queue
from app.processes import die_with_parent
from app.settings import Settings

_HOUR = 3600


class TrellisWorker(Worker):
    """RQ's worker, which also keeps house once an hour."""

    def run_maintenance_tasks(self) -> None:
        """Do RQ's own cleaning, and queue ours unless another worker has in this hour."""
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call]
        with suppress(DuplicateJobError):
            queue(self.connection).enqueue(
                tasks.housekeeping,
                job_id=f"housekeeping-{int(time.time()) // _HOUR}",
                unique=True,
                # Its being there is what keeps the second worker from queueing it.
                result_ttl=_HOUR,
                failure_ttl=FAILURE_TTL,
            )

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Begin the life of the job's process."""
        die_with_parent(signal.SIGKILL)
        super().main_work_horse(job, queue)


def run_worker(settings: Settings, *, burst: bool = False) -> None:
    """Work until asked to stop; with *burst* until the queues are empty.

    SIGTERM lets the running job end and then stops.
    """
    if settings.redis_url is None:
        raise ValueError("The worker needs REDIS_URL; the command line sees to it.")
    # RQ's lines go to the log that our parent opened.
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    worker = TrellisWorker(
        [queue(connect(settings.redis_url), name) for name in QUEUES],
        name=f"{socket.gethostname()}-{os.getpid()}".replace(".", "-"),
        connection=connect(settings.redis_url),
        default_result_ttl=RESULT_TTL,
        serializer=SERIALIZER,
    )
    worker.work(burst=burst, with_scheduler=not burst, logging_level="WARNING")
