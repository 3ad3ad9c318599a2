"""What a step of a test left behind: messages, deliveries, firings, since the step before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.automation.registry import RuleNumbers
from app.database.automation_tables import delivery, firing, message
from app.database.pools import Pools
from app.database.release import Release
from app.texts import Label

_AFTER = sa.bindparam("after", type_=sa.BigInteger)


@dataclass(frozen=True, slots=True)
class Message:
    """Something that reached somebody, or is on its way."""

    #: inbox, email, call …
    channel: str
    user_id: int | None
    #: an address, where no user gets it
    target: str
    entity: str
    record_id: int
    text: str
    rule: str
    #: a date or the clock set it off
    is_reminder: bool


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that was set off."""

    rule: str
    entity: str
    record_id: int
    state: str
    reason: str

    @property
    def counts(self) -> bool:
        """Whether it did, or will do, anything."""
        return self.state not in ("skipped", "dropped")


@dataclass(frozen=True, slots=True)
class Marks:
    """The last row of each kind."""

    message: int = 0
    delivery: int = 0
    firing: int = 0


class Traces:
    """Reads what was left behind."""

    def __init__(self, pools: Pools, numbers: RuleNumbers, release: Release) -> None:
        """Take the database, and what numbers mean."""
        self._pools = pools
        self._numbers = numbers
        self._entities: Mapping[int, str] = release.names

    def mark(self) -> Marks:
        """Return where things stand."""
        tables = (message, delivery, firing)
        asked = [
            sa.select(sa.func.coalesce(sa.func.max(one.c.id), 0)).scalar_subquery()
            for one in tables
        ]
        with self._pools.engine.connect() as connection:
            row = connection.execute(sa.select(*asked)).one()
        return Marks(*row)

    def messages(self, since: Marks) -> list[Message]:
        """Return the messages, e-mails and calls since then, the oldest first."""
        with self._pools.engine.connect() as connection:
            inbox = connection.execute(_messages, {"after": since.message}).all()
            sent = connection.execute(_deliveries, {"after": since.delivery}).all()
        return [self._message(row) for row in (*inbox, *sent)]

    def firings(self, since: Marks) -> list[Fired]:
        """Return the rules that were set off since then, the oldest first."""
        with self._pools.engine.connect() as connection:
            rows = connection.execute(_firings, {"after": since.firing}).all()
        return [
            Fired(
                self._rule(row.rule),
                self._entity(row.entity),
                row.record_id,
                row.state,
                str(Label(row.reason)) if row.reason else "",
            )
            for row in rows
        ]

    def _message(self, row: Any) -> Message:
        text = row.text
        if isinstance(text, dict):
            text = "\n".join(str(text.get(name, "")) for name in ("subject", "text", "body"))
        return Message(
            row.channel,
            row.user_id,
            row.target,
            self._entity(row.entity),
            row.record_id or 0,
            text,
            self._rule(row.rule),
            row.cause in ("timed", "every"),
        )

    def _rule(self, number: int | None) -> str:
        name = self._numbers.name(number) if number is not None else None
        return (name or "").removeprefix("approval:")

    def _entity(self, number: int | None) -> str:
        return self._entities.get(number or 0, "")


_messages = (
    sa.select(
        sa.literal("inbox").label("channel"),
        message.c.user_id,
        sa.literal("").label("target"),
        message.c.entity,
        message.c.record_id,
        message.c.text,
        sa.func.coalesce(message.c.rule, firing.c.rule).label("rule"),
        firing.c.cause,
    )
    .select_from(message.outerjoin(firing, firing.c.id == message.c.firing))
    .where(message.c.id > _AFTER)
    .order_by(message.c.id)
)
_deliveries = (
    sa.select(
        delivery.c.channel,
        delivery.c.user_id,
        delivery.c.target,
        delivery.c.entity,
        delivery.c.record_id,
        delivery.c.content.label("text"),
        firing.c.rule,
        firing.c.cause,
    )
    .select_from(delivery.outerjoin(firing, firing.c.id == delivery.c.firing))
    .where(delivery.c.id > _AFTER)
    .order_by(delivery.c.id)
)
_firings = (
    sa.select(firing.c.rule, firing.c.entity, firing.c.record_id, firing.c.state, firing.c.reason)
    .where(firing.c.id > _AFTER)
    .order_by(firing.c.id)
)
