"""A second factor: a code of an authenticator (TOTP, RFC 6238), asked for after the password.

The secret is sealed in the database. A code counts once, and guessing is slowed down for each
account; codes for who lost the authenticator are kept as checksums and count once each.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Literal

import psycopg
import pyotp
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.access.organisation import touch
from app.clock import Clock
from app.database import audit
from app.database.security_tables import recovery_code, second_factor
from app.database.statements import Statement
from app.errors import InvalidInput
from app.sealing import CannotOpen, Seal
from app.security.people import end_sessions
from app.security.sessions import SESSIONS, Sessions
from app.security.throttle import Throttle
from app.texts import say

#: How a code was known: by the authenticator, or one of the codes for when it is lost.
Known = Literal["authenticator", "recovery"]

#: Wrong codes of one account within a quarter of an hour, from wherever, before the next wait.
MOST_WRONG = 10
#: For so long a secret waits for its first code.
WAITS = timedelta(hours=1)
#: Codes given out together.
CODES = 10
#: Half minutes by which the clock of a telephone may be off.
_DRIFT = 1
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
_HALF_MINUTE = 30

_user: sa.BindParameter[int] = sa.bindparam("user", type_=sa.BigInteger)
_now = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_factor, _code = second_factor, recovery_code
_is_users = _factor.c.user_id == sa.bindparam("user")
_confirmed = Statement(
    sa.select(_factor.c.secret).where(_is_users, _factor.c.confirmed_at.is_not(None))
)
_waiting = Statement(
    sa.select(_factor.c.secret).where(
        _is_users,
        _factor.c.confirmed_at.is_(None),
        _factor.c.made_at > sa.bindparam("since", type_=sa.DateTime(timezone=True)),
    )
)
_all_on = Statement(sa.select(_factor.c.user_id).where(_factor.c.confirmed_at.is_not(None)))
_begin = insert(_factor).values(user_id=_user, secret=sa.bindparam("secret"), made_at=_now)
_begin_anew = Statement(
    _begin.on_conflict_do_update(
        index_elements=["user_id"],
        set_={"secret": _begin.excluded.secret, "made_at": _begin.excluded.made_at},
        # One that is in use is not thrown away by opening a page.
        where=_factor.c.confirmed_at.is_(None),
    )
)
_confirm = Statement(
    sa.update(_factor)
    .where(_factor.c.user_id == sa.bindparam("_user"), _factor.c.confirmed_at.is_(None))
    .values(confirmed_at=_now, last_step=sa.bindparam("step"))
    .returning(_factor.c.user_id)
)
_use_step = Statement(
    sa.update(_factor)
    .where(
        _factor.c.user_id == sa.bindparam("_user"),
        sa.or_(_factor.c.last_step.is_(None), _factor.c.last_step < sa.bindparam("_step")),
    )
    .values(last_step=sa.bindparam("_step"))
    .returning(_factor.c.user_id)
)
_use_code = Statement(
    sa.update(_code)
    .where(
        _code.c.user_id == sa.bindparam("_user"),
        _code.c.code == sa.bindparam("_code"),
        _code.c.used_at.is_(None),
    )
    .values(used_at=_now)
    .returning(_code.c.user_id)
)
_add_code = Statement(sa.insert(_code).values(user_id=_user, code=sa.bindparam("code")))
_drop_codes = Statement(sa.delete(_code).where(_code.c.user_id == _user))
_drop = Statement(sa.delete(_factor).where(_is_users).returning(_factor.c.confirmed_at))
_left = Statement(
    sa.select(sa.func.count()).where(_code.c.user_id == _user, _code.c.used_at.is_(None))
)


class SecondFactors:
    """The second factors of one installation."""

    def __init__(
        self, pools: Any, clock: Clock, sessions: Sessions, throttle: Throttle, key: str
    ) -> None:
        """Take, last, the key of the installation."""
        self._pools = pools
        self._clock = clock
        self._sessions = sessions
        self._throttle = throttle
        self._key = key.encode()
        self._seal = Seal(key, "second factor")
        self._on: frozenset[int] = frozenset()
        self._on_as_of: int | None = None

    def is_on(self, user_id: int) -> bool:
        """Return whether a code is asked of somebody."""
        number = self._sessions.number()
        if number is None or number != self._on_as_of:
            self._on, self._on_as_of = self.everybody(), number
        return user_id in self._on

    def everybody(self) -> frozenset[int]:
        """Return of whom a code is asked."""
        with self._pools.read.connection() as connection:
            return frozenset(row[0] for row in _all_on.run(connection))

    def begin(self, user_id: int) -> str:
        """Return the secret for a new authenticator; it counts once a code of it was typed."""
        secret = pyotp.random_base32()
        sealed = self._seal.close(secret, str(user_id))
        with self._pools.write.connection() as connection:
            values = {"user": user_id, "secret": sealed, "now": self._clock.now()}
            _begin_anew.run(connection, values)
        return self.waiting(user_id) or secret

    def waiting(self, user_id: int) -> str | None:
        """Return the secret whose first code is still to come; None where there is none."""
        with self._pools.write.connection() as connection:
            return self._secret(connection, _waiting, user_id)

    def confirm(self, user_id: int, code: str, address: str) -> list[str]:
        """Ask for codes from now on; return the codes for when the authenticator is lost.

        Every session and token of before is dead.

        Raises:
            InvalidInput: the code is not the one the authenticator shows now.
            TooManyRequests: too many wrong ones.
        """
        self._throttle.check(_account(user_id), address, MOST_WRONG)
        with self._pools.write.connection() as connection, connection.transaction():
            secret = self._secret(connection, _waiting, user_id)
            step = None if secret is None else self._step_of(secret, code)
            values = {"_user": user_id, "now": self._clock.now(), "step": step}
            if step is None or _confirm.run(connection, values).fetchone() is None:
                self._throttle.failed(_account(user_id), address)
                raise InvalidInput({"code": [WRONG]})
            codes = self._new_codes(connection, user_id)
            audit.note(
                connection,
                "account.second_factor.on",
                user_id=user_id,
                address=address,
                details={"user": user_id},
            )
            end_sessions(connection, user_id, self._clock.now())
        self._throttle.succeeded(_account(user_id), address)
        self._sessions.expire()
        return codes

    def accept(self, user_id: int, code: str, address: str) -> Known | None:
        """Return how a code is known, and use it up; None for one that is not, or not any more.

        Raises:
            TooManyRequests: too many wrong ones came for this account.
        """
        self._throttle.check(_account(user_id), address, MOST_WRONG)
        with self._pools.write.connection() as connection:
            known = self._accept(connection, user_id, code)
        if known is None:
            self._throttle.failed(_account(user_id), address)
        else:
            self._throttle.succeeded(_account(user_id), address)
        return known

    def _accept(self, connection: psycopg.Connection[Any], user_id: int, code: str) -> Known | None:
        secret = self._secret(connection, _confirmed, user_id)
        if secret is None:
            return None
        step = self._step_of(secret, code)
        if step is not None:
            used = _use_step.run(connection, {"_user": user_id, "_step": step}).fetchone()
            return None if used is None else "authenticator"
        values = {"_user": user_id, "_code": self._checksum(code), "now": self._clock.now()}
        return None if _use_code.run(connection, values).fetchone() is None else "recovery"

    def new_codes(self, user_id: int) -> list[str]:
        """Return new codes for when the authenticator is lost; the old ones are dead."""
        with self._pools.write.connection() as connection, connection.transaction():
            codes = self._new_codes(connection, user_id)
            audit.note(
                connection,
                "account.second_factor.codes",
                user_id=user_id,
                details={"user": user_id},
            )
        return codes

    def codes_left(self, user_id: int) -> int:
        """Return how many of those codes are not used."""
        with self._pools.read.connection() as connection:
            row = _left.run(connection, {"user": user_id}).fetchone()
        return row[0] if row else 0

    def turn_off(self, user_id: int, by: int | None) -> bool:
        """Ask for no code any more; return whether one was asked for."""
        with self._pools.write.connection() as connection, connection.transaction():
            row = _drop.run(connection, {"user": user_id}).fetchone()
            _drop_codes.run(connection, {"user": user_id})
            if row is not None and row[0] is not None:
                audit.note(
                    connection,
                    "account.second_factor.off",
                    user_id=by,
                    details={"user": user_id},
                )
            touch(connection, SESSIONS)
        self._sessions.expire()
        return row is not None and row[0] is not None

    def _new_codes(self, connection: psycopg.Connection[Any], user_id: int) -> list[str]:
        codes = [_recovery_code() for _ in range(CODES)]
        _drop_codes.run(connection, {"user": user_id})
        for code in codes:
            _add_code.run(connection, {"user": user_id, "code": self._checksum(code)})
        return codes

    def _secret(
        self, connection: psycopg.Connection[Any], which: Statement, user_id: int
    ) -> str | None:
        values: dict[str, Any] = {"user": user_id}
        if which is _waiting:
            values["since"] = self._clock.now() - WAITS
        row = which.run(connection, values).fetchone()
        if row is None:
            return None
        try:
            return self._seal.open(row[0], str(user_id))
        except CannotOpen:
            # The installation has another key by now: no code can be right.
            return None

    def _step_of(self, secret: str, code: str) -> int | None:
        """Return the half minute whose code this is, near now."""
        typed = re.sub(r"[\s-]", "", code)
        if not re.fullmatch(r"[0-9]{6}", typed):
            return None
        here = int(self._clock.now().timestamp()) // _HALF_MINUTE
        maker = pyotp.TOTP(secret)
        for step in (here, here - 1, here + 1)[: 1 + 2 * _DRIFT]:
            if hmac.compare_digest(maker.generate_otp(step), typed):
                return step
        return None

    def _checksum(self, code: str) -> str:
        plain = re.sub(r"[^a-z0-9]", "", code.casefold())
        return hmac.new(self._key, f"recovery {plain}".encode(), hashlib.sha256).hexdigest()


#: One sentence for a wrong code and one that was used: it tells nobody which.
WRONG = say(
    "This code is not right, or was used already. Wait for the next one.",
    "验证码不正确或已使用过，请等待下一个。",
)


def address_of(secret: str, login: str, app_name: str) -> str:
    """Return what an authenticator reads from the picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=app_name)


def is_asked_of(roles: Iterable[str], asking: frozenset[str]) -> bool:
    """Return whether one of somebody's roles may not do without a second factor."""
    return "everybody" in asking or not asking.isdisjoint(roles)


def _account(user_id: int) -> str:
    """Return the name under which wrong codes are counted; no login has a blank."""
    return f"code {user_id}"


def _recovery_code() -> str:
    return "-".join("".join(secrets.choice(_SIGNS) for _ in range(5)) for _ in range(2))
