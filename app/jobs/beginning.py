"""Work that somebody asks for now, put into a queue at once.

Redis may be away: what is to be done stands in the database, and is found there a little later.
"""

from __future__ import annotations

import logging

from redis.exceptions import RedisError

from app.jobs.queues import JOB_SECONDS, LONGEST, connect, hand_out, queue

_log = logging.getLogger(__name__)


def begin_import(redis_url: str | None, run: int) -> None:
    """Have a worker go on with an import."""
    _begin(redis_url, "run_import", run)


def begin_change(redis_url: str | None, run: int) -> None:
    """Have a worker go on with a change of many records, or with undoing one."""
    _begin(redis_url, "run_change", run)


def begin_scan(redis_url: str | None, scan: int) -> None:
    """Have a worker look for duplicates in all records."""
    _begin(redis_url, "run_scan", scan, seconds=LONGEST)


def begin_export(redis_url: str | None, run: int) -> None:
    """Have a worker write an export."""
    _begin(redis_url, "run_export", run, seconds=LONGEST)


def begin_exchange(redis_url: str | None) -> None:
    """Have a worker fetch what was asked for."""
    _begin(redis_url, "exchanges", seconds=900)


def begin_backup(redis_url: str | None, user_id: int | None) -> None:
    """Have a worker make a backup; while Redis is away none is made but the daily one."""
    _begin(redis_url, "make_backup", user_id, seconds=LONGEST)


def begin_rehearsal(redis_url: str | None) -> None:
    """Have a worker try the newest backup."""
    _begin(redis_url, "try_backup", seconds=LONGEST)


def _begin(
    redis_url: str | None, task: str, *arguments: int | None, seconds: int = JOB_SECONDS
) -> None:
    if redis_url is None:
        return
    try:
        hand_out(queue(connect(redis_url)), task, [arguments], seconds)
    except RedisError as error:
        _log.warning("Redis is away; %s %s waits: %s", task, arguments, error)
