"""Who sends this request: a signed-in browser, a JWT or an API key.

Flask-Login would load the user with SQL for every request; here a cookie or token leads to a user's
number without asking the database, and the organisation leads from there to the principal.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import sqlalchemy as sa
from flask import Request, session

from app.access.organisation import Organisation
from app.access.principal import Principal
from app.clock import Clock
from app.database.statements import Statement
from app.errors import NotAuthenticated
from app.security.sessions import Sessions
from app.texts import say

#: Where the session's token stands in Flask's signed cookie.
SESSION_KEY = "sid"
#: Where stands who gave the password and still has to give a code, and for how long that counts.
WAITING_KEY = "second"
WAITS_FOR = 300
#: How API keys begin, as Flask-AppBuilder makes them.
KEY_PREFIX = "sst_"
ALGORITHM = "HS256"
#: The claim of a token that says between which ends of all sessions it was made.
ERA = "era"
#: Clocks of the machine that made a token and of this one may differ by so much.
LEEWAY = timedelta(seconds=30)
#: What is known of an API key is asked again after so many seconds.
KEY_SECONDS = 5.0
MOST_KEYS = 10_000

_keys = sa.table(
    "ab_api_key",
    sa.column("user_id"),
    sa.column("lookup_hash"),
    sa.column("active"),
    sa.column("expires_on"),
    sa.column("revoked_on"),
    schema="public",
)
_find_key = Statement(
    sa.select(_keys.c.user_id, _keys.c.expires_on).where(
        _keys.c.lookup_hash == sa.bindparam("hash"),
        _keys.c.active.is_(True),
        _keys.c.revoked_on.is_(None),
    )
)


class Identity:
    """Finds the principal of a request."""

    def __init__(
        self,
        pools: Any,
        organisation: Organisation,
        sessions: Sessions,
        clock: Clock,
        secret: str,
        hash_key: Callable[[str], str],
    ) -> None:
        """Take, last, the function by which Flask-AppBuilder looks API keys up."""
        self._pools = pools
        self._organisation = organisation
        self.sessions = sessions
        self._clock = clock
        self._secret = secret
        self._hash_key = hash_key
        self._known_keys: dict[str, tuple[int | None, float]] = {}
        self._keys_of: int | None = None
        self._known_tokens: dict[str, dict[str, Any]] = {}

    def principal(self, request: Request) -> Principal | None:
        """Return who sends the request; None for nobody.

        Raises:
            NotAuthenticated: a token was sent, but it is not, or no longer, good.
        """
        header = request.headers.get("Authorization")
        if header is not None:
            return self._of_bearer(header)
        token = session.get(SESSION_KEY)
        if token is None:
            return None
        return self._organisation.principal(self.sessions.user_of(token))

    def signed_in(self, request: Request) -> Principal:
        """Return who sends the request.

        Raises:
            NotAuthenticated: nobody does.
        """
        principal = self.principal(request)
        if principal is None:
            raise NotAuthenticated
        return principal

    def of_refresh_token(self, request: Request) -> Principal:
        """Return whose refresh token is sent.

        Raises:
            NotAuthenticated: none is, or it does not count any more.
        """
        header = request.headers.get("Authorization", "")
        return self._of_bearer(header, lambda token: self._user_of_token(token, "refresh"))

    def _of_bearer(
        self, header: str, find_user: Callable[[str], int | None] | None = None
    ) -> Principal:
        kind, _, token = header.partition(" ")
        token = token.strip()
        if kind.lower() != "bearer" or not token:
            raise NotAuthenticated(
                say(
                    "The Authorization header must read `Bearer` and a token or an API key.",
                    "Authorization 请求头应为 `Bearer` 加令牌或 API 密钥。",
                )
            )
        find = find_user or (
            self._user_of_key if token.startswith(KEY_PREFIX) else self._user_of_token
        )
        principal = self._organisation.principal(find(token))
        if principal is None:
            raise NotAuthenticated(
                say(
                    "The token is not valid, or not any more. Sign in again.",
                    "令牌无效或已失效，请重新登录。",
                )
            )
        return principal

    def _user_of_token(self, token: str, kind: str = "access") -> int | None:
        claims = self._claims(token)
        if claims is None:
            return None
        user_id = claims["sub"]
        if claims.get("type") != kind or not 0 < user_id < 2**31:
            return None
        return user_id if claims.get(ERA, "") == self._era(user_id) else None

    def _claims(self, token: str) -> dict[str, Any] | None:
        """Return what a token says; its signature is checked once, its end each time."""
        known = self._known_tokens.get(token)
        if known is not None and known["exp"] + LEEWAY.total_seconds() > time.time():
            return known
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "sub"]},
            )
            claims["sub"] = int(claims["sub"])
        except (jwt.InvalidTokenError, ValueError, TypeError):
            return None
        if len(self._known_tokens) >= MOST_KEYS:
            self._known_tokens = {}
        self._known_tokens[token] = claims
        return claims

    def new_claims(self, user_id: int) -> dict[str, str]:
        """Return what a token made now must say besides, to be ended with all others."""
        self.sessions.expire()
        return {ERA: self._era(user_id)}

    def _era(self, user_id: int) -> str:
        """Return what changes whenever every token of a user is to end.

        The moment a token was made would not do: it says whole seconds only, by another clock.
        """
        since = self.sessions.tokens_since(user_id)
        return "" if since is None else since.isoformat()

    def _user_of_key(self, key: str) -> int | None:
        found = hashlib.sha256(key.encode()).hexdigest()
        number = self.sessions.number()
        if number != self._keys_of:
            # Something ended, and it may have been a key.
            self._known_keys, self._keys_of = {}, number
        known = self._known_keys.get(found)
        if known is not None and time.monotonic() < known[1]:
            return known[0]
        with self._pools.read.connection() as connection:
            # The slow hash that FAB keeps beside it is for nobody: a random key of 256 bits
            # cannot be guessed from a fast one.
            row = _find_key.run(connection, {"hash": self._hash_key(key)}).fetchone()
        user_id = None
        if row is not None and (row[1] is None or _as_utc(row[1]) > self._clock.now()):
            user_id = int(row[0])
        if len(self._known_keys) >= MOST_KEYS:
            self._known_keys = {}
        self._known_keys[found] = (user_id, time.monotonic() + KEY_SECONDS)
        return user_id

    def begin_session(self, user_id: int, request: Request) -> None:
        """Sign a browser in, under a new token whatever cookie it had."""
        old = session.get(SESSION_KEY)
        session.clear()
        if old is not None:
            self.sessions.end(old)
        agent = request.headers.get("User-Agent", "")
        session[SESSION_KEY] = self.sessions.begin(user_id, request.remote_addr or "", agent)
        session.permanent = True

    def wait_for_code(self, user_id: int) -> None:
        """Remember that this browser gave the right password and has to give a code."""
        session[WAITING_KEY] = f"{user_id} {int(time.time())} {self._era(user_id)}"

    def waits_for_code(self) -> int | None:
        """Return whose code this browser has to give; None: nobody's, or it took too long."""
        kept = session.get(WAITING_KEY)
        parts = kept.split(" ", 2) if isinstance(kept, str) else []
        if len(parts) != 3 or not parts[0].isdigit() or not parts[1].isdigit():
            return None
        user_id = int(parts[0])
        # A new password, or the end of all sessions, ends this as well.
        if time.time() - int(parts[1]) > WAITS_FOR or parts[2] != self._era(user_id):
            return None
        return user_id

    def end_session(self) -> None:
        """Sign the browser out; the cookie is dead even where it was copied to."""
        token = session.get(SESSION_KEY)
        language = session.get("locale")
        session.clear()
        if language:
            session["locale"] = language
        if token is not None:
            self.sessions.end(token)


def _as_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
