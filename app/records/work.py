"""One transaction of writes: who writes, through what, on which release, and what it has touched.

Deadlocks and serialization failures repeat the whole transaction, since nothing of it happened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa
from psycopg import errors as pg

from app.access.organisation import SHARES, Organisation, touch, touch_people
from app.access.policy import Policies, Policy
from app.access.principal import Principal
from app.access.visibility import bind_values
from app.database import system
from app.database.release import Release
from app.errors import Conflict
from app.expressions.calendar import Calendar
from app.fields.base import ParseContext
from app.records.drafts import parse_context
from app.records.reactions import NoReactions, Reactions
from app.records.rows import RowStatements
from app.records.statements import Statement
from app.texts import say

Result = TypeVar("Result")

#: How often a transaction that lost a deadlock is run again.
ATTEMPTS = 3
#: Nothing of the transaction happened, and another time it may go through. The last is what
#: follows where somebody else deallocated the prepared statements of the connection.
_WORTH_REPEATING = (pg.DeadlockDetected, pg.SerializationFailure, pg.InFailedSqlTransaction)

_new_change_set = Statement(
    sa.insert(system.change_set)
    .values(
        happened_at=sa.bindparam("now"),
        user_id=sa.bindparam("user"),
        origin=sa.bindparam("origin"),
        note=sa.bindparam("note"),
        kind=sa.bindparam("kind", type_=sa.Text),
        undoes=sa.bindparam("undoes", type_=sa.BigInteger),
    )
    .returning(system.change_set.c.id)
)


@dataclass(slots=True)
class Shared:
    """What all who write in one transaction have in common, whoever each of them acts as."""

    #: filled by the first write that belongs to a group
    change_set: int | None = None
    #: parents whose roll-ups must be worked out before the commit: entity -> ids
    touched: dict[str, set[int]] = field(default_factory=dict)
    #: what listeners keep from one call to the next
    notes: dict[Any, Any] = field(default_factory=dict)
    #: called at the end of the transaction, when all is worked out, in order
    closing: list[Callable[[], None]] = field(default_factory=list)
    #: called once the transaction is committed, in order
    after: list[Callable[[], None]] = field(default_factory=list)


@dataclass(slots=True)
class Work:
    """What the writes of one transaction share."""

    connection: psycopg.Connection[Any]
    release: Release
    rows: RowStatements
    organisation: Organisation
    principal: Principal
    policy: Policy
    now: datetime
    #: screen | api | import | rule | hook | email | system
    origin: str = "api"
    #: the rule or job that caused it
    cause: str | None = None
    note: str | None = None
    #: what statements may ask for beside their rows, see ``asking``
    parameters: dict[str, Any] | None = None
    #: what stands for whoever asks, see ``asker``
    bound: dict[str, Any] | None = None
    #: gives out the next number of a counter, outside of this transaction
    count: Callable[[Statement, dict[str, Any]], int] | None = None
    shared: Shared = field(default_factory=Shared)
    #: who listens to the writes
    reactions: Reactions = field(default_factory=NoReactions)
    #: what other principals may do, for those who act as somebody else
    policies: Policies | None = None
    #: the writing half of the door, for those who write on within the transaction
    writer: Any = None
    #: the person in whose name the system acts
    behalf: int | None = None
    #: the rules that led here, see ``app.automation.guard``
    chain: tuple[Any, ...] = ()

    @property
    def change_set(self) -> int | None:
        """The group the writes belong to."""
        return self.shared.change_set

    @property
    def touched(self) -> dict[str, set[int]]:
        """Parents whose roll-ups must be worked out before the commit: entity -> ids."""
        return self.shared.touched

    @touched.setter
    def touched(self, value: dict[str, set[int]]) -> None:
        self.shared.touched = value

    @property
    def after(self) -> list[Callable[[], None]]:
        """What is called once the transaction is committed, in order."""
        return self.shared.after

    @property
    def user_id(self) -> int | None:
        """Whom history names."""
        return self.behalf if self.principal.user_id is None else self.principal.user_id

    def acting_as(
        self,
        principal: Principal,
        *,
        origin: str,
        cause: str | None,
        behalf: int | None = None,
        chain: tuple[Any, ...] = (),
    ) -> Work:
        """Return the same transaction with somebody else writing; what it touches is shared.

        Args:
            behalf: the person history names where *principal* is nobody in particular.
        """
        assert self.policies is not None
        return replace(
            self,
            principal=principal,
            policy=self.policies.of(principal),
            origin=origin,
            cause=cause,
            behalf=behalf,
            chain=chain,
            parameters=None,
            bound=None,
        )

    @property
    def calendar(self) -> Calendar:
        """The business calendar."""
        return self.release.catalog.app.business_calendar

    @property
    def today(self) -> date:
        """The company's day."""
        return self.calendar.day(self.now)

    @property
    def asker(self) -> dict[str, Any]:
        """The parameters that stand for whoever asks, and for the moment."""
        if self.bound is None:
            self.bound = bind_values(self.principal, self.now)
        return self.bound

    def reading(self, *, strict: bool) -> ParseContext:
        """Return how the input of whoever writes is to be read."""
        return parse_context(self.release.catalog.app, self.principal, self.today, strict=strict)

    def people_changed(self) -> None:
        """Say that users or departments changed, so that every process asks anew."""
        touch_people(self.connection)
        self.after.append(self.organisation.expire)

    def shares_changed(self) -> None:
        """Say that a record was shared or taken back."""
        touch(self.connection, SHARES)
        self.after.append(self.organisation.expire)

    def number(self, entity: str) -> int:
        """Return an entity's number in the system tables."""
        return self.release.numbers[entity]

    def department_of(self, user_id: int | None) -> int | None:
        """Return the department a user belongs to now."""
        person = self.organisation.snapshot().people.get(user_id) if user_id is not None else None
        return person.department if person else None

    def is_active(self, user_id: int) -> bool:
        """Return whether a user exists and works here."""
        person = self.organisation.snapshot().people.get(user_id)
        return person is not None and person.active

    def open_change_set(self, kind: str | None = None, *, undoes: int | None = None) -> int:
        """Return the change set of this transaction, made on first use.

        Args:
            kind: what a list of change sets calls it; who makes it says so.
            undoes: the change set that this one takes back.
        """
        if self.shared.change_set is None:
            row = _new_change_set.run(
                self.connection,
                {
                    "now": self.now,
                    "user": self.user_id,
                    "origin": self.origin,
                    "note": self.note,
                    "kind": kind,
                    "undoes": undoes,
                },
            ).fetchone()
            assert row is not None
            self.shared.change_set = row[0]
        return self.shared.change_set

    def touch(self, entity: str, *ids: int | None) -> None:
        """Remember parents whose roll-ups change with this transaction."""
        found = {each for each in ids if each is not None}
        if found:
            self.touched.setdefault(entity, set()).update(found)


def in_transaction(run: Callable[[], Result]) -> Result:
    """Call *run*, which opens and commits a transaction; again if it lost a deadlock.

    Raises:
        Conflict: it lost every time.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return run()
        except _WORTH_REPEATING:
            if attempt == ATTEMPTS:
                break
        except pg.LockNotAvailable:
            break
    raise Conflict(
        say(
            "Somebody else is writing the same records. Try again in a moment.",
            "有人正在写入同样的记录，请稍后再试。",
        )
    )
