"""The signed cookie of a browser: what was checked a moment ago is not checked again.

Checking a signature and reading what it signs costs as much as a small query. The cookie alone
never decides who somebody is: it holds a token, and ``sessions`` knows whether that still counts.
"""

from __future__ import annotations

import time
from typing import Any

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

#: Seconds for which a cookie that was found right is taken as right.
KNOWN_FOR = 60.0
#: Cookies kept in one process.
MOST = 5_000
#: Values that nobody can change in place.
_PLAIN = (str, int, bool, type(None))


class Cookies(SecureCookieSessionInterface):
    """Flask's own cookies, each checked once a minute."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, dict[str, Any]]] = {}

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return what the cookie of a request holds; nothing if it is not ours."""
        cookie = request.cookies.get(self.get_cookie_name(app))
        if not cookie:
            return self.session_class()
        known = self._known.get(cookie)
        if known is not None and time.monotonic() < known[0]:
            return self.session_class(known[1])
        session = super().open_session(app, request)
        if session and all(isinstance(value, _PLAIN) for value in session.values()):
            if len(self._known) >= MOST:
                self._known = {}
            self._known[cookie] = (time.monotonic() + KNOWN_FOR, dict(session))
        return session
