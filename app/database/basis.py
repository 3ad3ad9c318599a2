"""What a plan is made from, and how much of it the plan made before has seen already.

A save is planned twice, for whoever saved and under the lock of the apply, and most of what is
there is the same from one save to the next. Taken over is only what cannot have changed meanwhile,
or does not matter to the plan.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa

from app.database.operation import Operation
from app.database.outline import Outline
from app.database.shape import Shape, read_shape
from app.database.versions import AppliedVersion, newest_number, outline_of_version

#: How long a look at the database stands for the tables that a plan does not touch.
FRESH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Basis:
    """What is there."""

    #: the outline of the version that serves
    outline: Outline
    shape: Shape
    #: the number of the newest version, be it live or not
    newest: int
    #: by the clock that never goes back
    seen_at: float


class Made(Protocol):
    """A plan that was made before."""

    @property
    def basis(self) -> Basis | None: ...
    @property
    def base(self) -> AppliedVersion | None: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def outline(self) -> Outline | None: ...
    @property
    def operations(self) -> Collection[Operation]: ...


def find_basis(
    connection: sa.Connection, base: AppliedVersion | None, previous: Made | None
) -> Basis:
    """Return what is there under the version *base*.

    Tables that *previous* touches are looked at again in any case: between a plan and its apply
    somebody may have written there. Every apply writes its version before it touches a table, so
    the others are as they were while there is no newer version.
    """
    newest, now = newest_number(connection), time.monotonic()
    outline = _outline(connection, base, previous)
    seen = previous.basis if previous is not None else None
    if previous is None or seen is None:
        return Basis(outline, read_shape(connection), newest, now)
    if seen.newest != newest or now - seen.seen_at > FRESH_SECONDS:
        return Basis(outline, read_shape(connection), newest, now)
    touched = {table for each in previous.operations if (table := getattr(each, "table", None))}
    shape = {name: table for name, table in seen.shape.items() if name not in touched}
    shape |= read_shape(connection, touched)
    return Basis(outline, shape, newest, seen.seen_at)


def _outline(
    connection: sa.Connection, base: AppliedVersion | None, previous: Made | None
) -> Outline:
    """Return the outline of the version that serves; that of *previous*, if that is what serves."""
    if previous is not None and base is not None:
        if previous.outline is not None and previous.fingerprint == base.fingerprint:
            return previous.outline
        if previous.basis is not None and previous.base == base:
            return previous.basis.outline
    return outline_of_version(connection, base.number if base else None)
