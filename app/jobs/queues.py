"""The queues, and how a process reaches them.

Arguments of a job are numbers and names, written as JSON: what a job needs it reads again from the
database, as it is then. Nothing here does any work; see ``tasks``.
"""

from __future__ import annotations

from redis import Redis
from rq import Queue

#: In the order a worker looks at them.
QUEUES = ("default", "reminders", "mail")
SERIALIZER = "json"
#: How long an answer is kept for somebody who asks, and a failure for somebody who looks.
RESULT_TTL = 500
FAILURE_TTL = 14 * 24 * 3600


def connect(redis_url: str) -> Redis:
    """Return a connection that gives up soon: a page must not hang because Redis is away."""
    return Redis.from_url(redis_url, socket_connect_timeout=2, health_check_interval=30)


def queue(connection: Redis, name: str = "default") -> Queue:
    """Return a queue by its name."""
    if name not in QUEUES:
        raise ValueError(f"There is no queue `{name}`. There are: {', '.join(QUEUES)}.")
    return Queue(name, connection=connection, serializer=SERIALIZER)
