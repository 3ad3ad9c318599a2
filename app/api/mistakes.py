"""Errors outside of any view of the API: unknown addresses, wrong methods, bodies too large."""

from __future__ import annotations

from typing import Any

from flask import current_app, request
from flask_wtf.csrf import CSRFError

from app.api.answers import error_answer
from app.errors import Forbidden, NotFound
from app.texts import say

PREFIX = "/api/"


def register_mistakes() -> None:
    """Make the application answer under ``/api/`` in the API's shape."""
    current_app.before_request(_refuse_what_cannot_be)


def is_api() -> bool:
    """Whether the request is the API's."""
    return request.path.startswith(PREFIX)


def answer(error: Exception) -> Any:
    """Return the API's answer to an error."""
    if isinstance(error, CSRFError):
        error = Forbidden(
            say(
                "A signed-in browser must send the token of its page in X-CSRFToken.",
                "已登录的浏览器必须在 X-CSRFToken 请求头中携带页面令牌。",
            )
        )
    return error_answer(error)


def _refuse_what_cannot_be() -> Any:
    """Refuse NUL in an address, and rows of lines: those are read and written with their record."""
    entity = (request.view_args or {}).get("entity", "")
    if is_api() and ("\x00" in request.path or "." in entity):
        return error_answer(NotFound())
    return None
