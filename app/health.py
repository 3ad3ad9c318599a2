"""`/health`: whether this process can serve, for supervisors and load balancers.

Anybody may ask, so it says how things are and not what is in them. `ok` and `degraded` serve (200);
`unavailable` does not (503).
"""

from __future__ import annotations

from flask import Flask, Response, jsonify

from app.database.pending import find_pending
from app.database.pools import as_unavailable
from app.errors import Unavailable
from app.services import Services


def add_health(app: Flask, services: Services) -> None:
    """Add the address to the application."""

    @app.get("/health")
    def health() -> tuple[Response, int]:
        try:
            told = {"status": "ok", "version": services.live.release.version_number}
            if _is_degraded(services):
                told["status"] = "degraded"
        except Exception as error:
            if not isinstance(error, Unavailable) and as_unavailable(error) is None:
                raise
            return jsonify(status="unavailable"), 503
        return jsonify(told), 200


def _is_degraded(services: Services) -> bool:
    """Return whether an older version serves because the newest, or the folder, cannot be used."""
    with services.pools.engine.connect() as connection:
        waiting = find_pending(connection)
    return services.live.problem is not None or (waiting is not None and waiting.kind == "problems")
