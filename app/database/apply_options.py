"""How an apply behaves: what may be lost, and what other rooms do in the course of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import psycopg
import sqlalchemy as sa

from app.database.operations import Operation
from app.database.plan import Plan
from app.database.release import Release
from app.texts import Label

#: Told before each step: the point (``begun``, ``added``, ``swapped`` …) and the operation, if any.
OnStep = Callable[[str, Operation | None], None]


#: Called within the swap, with what was planned and the number of the version.
OnLive = Callable[[sa.Connection, Plan, int], None]


class RecomputeHook(Protocol):
    """Works out the stored formulas and roll-ups of one entity anew, in batches of its own.

    *connection* is in autocommit mode. *after* is the id to go on from; *mark* is called within
    each batch's transaction with the last id done.
    """

    def __call__(
        self,
        connection: psycopg.Connection[Any],
        release: Release,
        entity: str,
        after: int = 0,
        mark: Callable[[int], None] | None = None,
    ) -> int: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplyOptions:
    """How an apply behaves."""

    #: what may be lost, by name: ``contact.fax``
    allow: Sequence[str] = ()
    #: the plan somebody looked at; another base refuses
    expected: Plan | None = None
    #: what is said with it, by the names that `changes` of app.yaml needs
    said: Mapping[str, str] = field(default_factory=dict)
    recompute: Sequence[RecomputeHook] = ()
    #: seconds to wait for another apply
    wait: float = 30.0
    on_step: OnStep = lambda _point, _operation: None
    waiting: Callable[[Label], None] = lambda _who: None
    #: what else becomes true in the transaction that makes the version live
    on_live: OnLive = lambda _connection, _plan, _number: None
