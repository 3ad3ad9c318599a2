"""Whether this process can serve, for supervisors and load balancers.

`/healthz` says that it lives, and how the rest of the installation stands: `ok`, or `degraded` with
words for what is amiss. `/readyz` says whether requests should be sent here. `/health` answers as
ever. Anybody may ask, so they say how things are and not what is in them.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, jsonify

from app.database.pending import find_pending
from app.database.pools import as_unavailable
from app.errors import Unavailable
from app.jobs.overview import look
from app.metrics import add_metrics
from app.services import Services

Answer = tuple[Response, int]


def add_health(app: Flask, services: Services) -> None:
    """Add the addresses to the application."""

    @app.get("/health")
    def health() -> Answer:
        told: dict[str, Any] = {"status": "ok"}
        if not _is_answered(lambda: _say_version(services, told)):
            return jsonify(status="unavailable"), 503
        return jsonify(told), 200

    @app.get("/healthz")
    def healthz() -> Answer:
        told: dict[str, Any] = {"status": "ok", "troubles": []}
        # Alive it is, whatever is away: starting it anew would bring back no database.
        if not _is_answered(lambda: _say_all(services, told)):
            return jsonify(status="degraded", troubles=["no-database"]), 200
        return jsonify(told), 200

    @app.get("/readyz")
    def readyz() -> Answer:
        told: dict[str, Any] = {"status": "ok"}
        if not _is_answered(lambda: _say_version(services, told)):
            return jsonify(status="unavailable"), 503
        return jsonify(told), 200

    add_metrics(app, services)


def _is_answered(ask: Any) -> bool:
    """Return whether the database answers; other errors are ours."""
    try:
        ask()
    except Exception as error:
        if not isinstance(error, Unavailable) and as_unavailable(error) is None:
            raise
        return False
    return True


def _say_version(services: Services, told: dict[str, Any]) -> None:
    told["version"] = services.live.release.version_number
    if _is_degraded(services):
        told["status"] = "degraded"


def _say_all(services: Services, told: dict[str, Any]) -> None:
    _say_version(services, told)
    if told["status"] == "degraded":
        told["troubles"].append("configuration")
    with services.pools.read.connection() as connection:
        found = look(connection, services.clock.now())
    told["troubles"] += found.troubles
    if told["troubles"]:
        told["status"] = "degraded"
    told["background"] = {
        "scheduler": "leads" if found.leader is not None else "none",
        "workers": len(found.alive("worker")),
        "due": found.reminders_due + found.tasks_due,
        "oldest_seconds": round(found.oldest, 1),
    }


def _is_degraded(services: Services) -> bool:
    """Return whether an older version serves because the newest, or the folder, cannot be used."""
    with services.pools.engine.connect() as connection:
        waiting = find_pending(connection)
    return services.live.problem is not None or (waiting is not None and waiting.kind == "problems")
