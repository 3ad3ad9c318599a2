"""Slowing down whoever guesses passwords, without locking out whoever is guessed at.

Failures are counted per account and address together, per address, and, far more generously, per
account, so that one attacker cannot keep somebody else out for long.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.clock import Clock
from app.database import system
from app.database.statements import Statement
from app.errors import TooManyRequests
from app.texts import say

#: Failures are remembered for so long.
WINDOW = timedelta(minutes=15)
PAIR, ADDRESS, ACCOUNT = 5, 50, 100

_attempt = system.attempt
_moment = sa.DateTime(timezone=True)
_same_account = _attempt.c.account == sa.bindparam("account")
_same_address = _attempt.c.address == sa.bindparam("address")
_count = Statement(
    sa.select(
        sa.func.count().filter(_same_account, _same_address),
        sa.func.count().filter(_same_address),
        sa.func.count().filter(_same_account),
        sa.func.min(_attempt.c.happened_at),
    ).where(
        sa.or_(_same_account, _same_address),
        _attempt.c.happened_at > sa.bindparam("since", type_=_moment),
    )
)
_failed = Statement(
    sa.insert(_attempt).values(
        account=sa.bindparam("account"),
        address=sa.bindparam("address"),
        happened_at=sa.bindparam("now", type_=_moment),
    )
)
_forget = Statement(
    sa.delete(_attempt).where(
        sa.or_(
            sa.and_(_same_account, _same_address),
            _attempt.c.happened_at <= sa.bindparam("since", type_=_moment),
        )
    )
)


class Throttle:
    """Counts failed attempts to sign in, for all processes together."""

    def __init__(self, pools: Any, clock: Clock) -> None:
        self._pools = pools
        self._clock = clock

    def check(self, account: str, address: str, most: int = ACCOUNT) -> None:
        """Refuse an attempt that comes after too many failures; *most* are those of an account.

        Raises:
            TooManyRequests: says in how many seconds the next one is heard.
        """
        now = self._clock.now()
        with self._pools.write.connection() as connection:
            row = _count.run(connection, self._key(account, address) | {"since": now - WINDOW})
            found = row.fetchone()
        assert found is not None
        pair, by_address, by_account, first = found
        if pair < PAIR and by_address < ADDRESS and by_account < most:
            return
        seconds = max(1, int((first + WINDOW - now).total_seconds()) + 1)
        raise TooManyRequests(
            say(
                "Too many attempts to sign in. Try again in {minutes} minutes.",
                "登录尝试次数过多，请在 {minutes} 分钟后再试。",
                minutes=-(-seconds // 60),
            ),
            retry_after=seconds,
        )

    def left(self, account: str, address: str) -> int:
        """Return how many more wrong tries of this pair are heard; the same for unknown names."""
        since = self._clock.now() - WINDOW
        with self._pools.write.connection() as connection:
            row = _count.run(connection, self._key(account, address) | {"since": since}).fetchone()
        return max(0, PAIR - int(row[0] if row else 0))

    def failed(self, account: str, address: str) -> None:
        """Remember a failure."""
        with self._pools.write.connection() as connection:
            _failed.run(connection, self._key(account, address) | {"now": self._clock.now()})

    def succeeded(self, account: str, address: str) -> None:
        """Forget this pair's failures, and everybody's old ones."""
        with self._pools.write.connection() as connection:
            since = self._clock.now() - WINDOW
            _forget.run(connection, self._key(account, address) | {"since": since})

    @staticmethod
    def _key(account: str, address: str) -> dict[str, Any]:
        return {"account": account.strip().casefold()[:200], "address": address[:100]}
