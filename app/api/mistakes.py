"""Errors outside of any view of the API: unknown addresses, wrong methods, bodies too large."""

from __future__ import annotations

from typing import Any

from flask import current_app, request
from flask_wtf.csrf import CSRFError

from app.api.answers import error_answer
from app.errors import Forbidden
from app.texts import say

PREFIX = "/api/"


def register_mistakes() -> None:
    """Make the application answer under ``/api/`` in the API's shape."""
    current_app.before_request(_refuse_nul)


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


def _refuse_nul() -> Any:
    """Refuse what PostgreSQL could only fail on: NUL in an address."""
    if "\x00" in request.path and is_api():
        from app.errors import NotFound

        return error_answer(NotFound())
    return None
