"""A trace of every request that was refused: who wanted what, from where.

Written after the answer is decided, for pages and API alike; a trace that cannot be written changes
nothing about the refusal.
"""

from __future__ import annotations

import logging
from typing import Any

import psycopg
from flask import Flask, Response, request

from app.database import audit
from app.errors import NotAuthenticated, TrellisError

_log = logging.getLogger(__name__)
_REFUSED = 403
_LONGEST = 200


def note_refusals(app: Flask, services: Any) -> None:
    """Make the application keep a line of every 403."""

    @app.after_request
    def note(response: Response) -> Response:
        if response.status_code == _REFUSED:
            try:
                _note(services)
            except (psycopg.Error, TrellisError):
                _log.warning("a refusal could not be kept", exc_info=True)
        return response


def _note(services: Any) -> None:
    try:
        principal = services.identity.principal(request)
    except NotAuthenticated:
        principal = None
    details = {"method": request.method, "path": request.path[:_LONGEST]}
    with services.pools.write.connection() as connection:
        audit.note(
            connection,
            "request.access.refused",
            user_id=None if principal is None else principal.user_id,
            address=request.remote_addr,
            details=details,
        )
