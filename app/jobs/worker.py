"""The worker process: takes jobs from the queues and runs them, one after the other.

Jobs run in the process itself and not in a fork of it: what is opened stays open, which makes a
batch of reminders several times cheaper. A job that ends the process is handed out again by the
scheduler, and whoever looks after the processes starts this one anew. Several may run, on several
machines.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from typing import Any

import psycopg
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import DeserializationError
from rq.job import Job

from app.errors import TrellisError, Unavailable
from app.jobs import processes
from app.jobs.queues import JOB_SECONDS, QUEUES, RESULT_TTL, SERIALIZER, connect, is_task, queue
from app.jobs.runtime import set_runtime
from app.services import Services

_log = logging.getLogger(__name__)

#: A job that does not even end when it is broken off ends with its worker.
_LAST_SECONDS = 15
_EXIT_HUNG = 70


class NotAllowed(TrellisError):
    """A job names a function that is none of our tasks."""


class TrellisWorker(SimpleWorker):
    """RQ's worker, which runs nothing but our tasks."""

    #: since when it is at the job it is at
    busy_since: float | None = None
    busy_with: str | None = None
    done = failed = 0

    def perform_job(self, job: Job, queue: Queue, execution: Any) -> bool:
        """Run a job if it may be run."""
        try:
            name, is_ours = job.func_name or "?", is_task(job)
        except DeserializationError:
            # Somebody has put something else than JSON there; it is not even looked into.
            name, is_ours = "?", False
            job._func_name, job._instance, job._args, job._kwargs = name, None, (), {}
        if not is_ours:
            # Failing it is RQ's business: it puts it aside, where an administrator sees it.
            refused = NotAllowed(f"`{name}` is not a task of Trellis and is not run.")
            job.perform = _raising(refused)  # type: ignore[method-assign]
        self.busy_with, self.busy_since = name.rpartition(".")[2], time.monotonic()
        is_done = False
        try:
            is_done = bool(super().perform_job(job, queue, execution))
        finally:
            self.busy_since = self.busy_with = None
            self.done, self.failed = self.done + is_done, self.failed + (not is_done)
        return is_done


def _raising(error: Exception) -> Any:
    def perform() -> None:
        raise error

    return perform


def run_worker(services: Services, queues: Sequence[str] = QUEUES, *, burst: bool = False) -> None:
    """Work until asked to stop; with *burst* until the queues are empty.

    SIGTERM lets the running job end and then stops.
    """
    redis_url = services.settings.redis_url
    if redis_url is None:
        raise ValueError("The worker needs REDIS_URL; the command line sees to it.")
    # RQ's lines go to the log that our parent opened.
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    set_runtime(services)
    desk = _Desk(services, queues)
    beat = processes.Beat(desk.tell, desk.watch)
    try:
        while desk.work(redis_url, burst=burst):
            _log.warning("Redis went away; this worker begins anew when it is back")
    finally:
        beat.stop()
        desk.leave()
        services.close()


class _Desk:
    """The place of one worker process: RQ's worker is another one each time Redis was away."""

    def __init__(self, services: Services, queues: Sequence[str]) -> None:
        self._services, self._queues = services, queues
        self._name = processes.own_name()
        self._begun = 0
        self._worker: TrellisWorker | None = None
        self._done = self._failed = 0

    def work(self, redis_url: str, *, burst: bool) -> bool:
        """Work until asked to stop, and then return False; True: Redis went away."""
        _wait_for_redis(redis_url)
        self._begun += 1
        self._worker = worker = TrellisWorker(
            [queue(connect(redis_url), name) for name in self._queues],
            # Redis may still know the one before by its name.
            name=f"{self._name}-{self._begun}",
            connection=connect(redis_url),
            default_result_ttl=RESULT_TTL,
            serializer=SERIALIZER,
        )
        try:
            worker.work(burst=burst, logging_level="WARNING")
        except RedisError as error:
            _log.warning("Redis does not answer: %s", error)
        finally:
            self._done, self._failed = self._done + worker.done, self._failed + worker.failed
            worker.done = worker.failed = 0
        return not burst and worker._shutdown_requested_date is None

    def tell(self) -> None:
        """Say that this process is there; what goes wrong is tried again with the next beat."""
        worker = self._worker
        since = worker.busy_since if worker is not None else None
        details = {
            "queues": list(self._queues),
            "job": worker.busy_with if worker is not None else None,
            "seconds": None if since is None else round(time.monotonic() - since, 1),
            "done": self._done + (worker.done if worker is not None else 0),
            "failed": self._failed + (worker.failed if worker is not None else 0),
        }
        try:
            with self._services.pools.write.connection() as connection:
                processes.say_present(connection, self._name, "worker", details)
        except (psycopg.Error, Unavailable) as error:
            _log.warning("could not say that this worker is there: %s", error)

    def watch(self) -> None:
        """End the process if its job hangs where no signal reaches it."""
        worker = self._worker
        since = worker.busy_since if worker is not None else None
        if since is not None and time.monotonic() - since > JOB_SECONDS + _LAST_SECONDS:
            _log.critical("a job hangs; this worker ends and is started anew")
            logging.shutdown()
            os._exit(_EXIT_HUNG)

    def leave(self) -> None:
        """Say that this process ends in good order."""
        try:
            with self._services.pools.write.connection() as connection:
                processes.leave(connection, self._name)
        except (psycopg.Error, Unavailable) as error:
            _log.warning("could not say that this worker ends: %s", error)


def _wait_for_redis(redis_url: str) -> None:
    """Wait until Redis answers, so that a worker does not die of its being away."""
    told = False
    while True:
        try:
            with connect(redis_url) as connection:
                connection.ping()
                return
        except RedisError as error:
            if not told:
                _log.warning("Redis is away, waiting for it: %s", error)
            told = True
        time.sleep(1.0)
