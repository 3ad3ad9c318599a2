"""What a plan is made from, and how much of it the plan made before has seen already.

A save is planned twice, for whoever saved and under the lock of the apply, and most of what is
there is the same from one save to the next. Taken over is only what cannot have changed meanwhile,
or does not matter to the plan.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa

from app.database.operation import Operation
from app.database.outline import EMPTY, Outline
from app.database.shape import Shape, read_shape
from app.database.versions import AppliedVersion, files_of, newest_number, outline_of_version
from app.definitions.catalog import Catalog

#: How long a look at the database stands for the tables that a plan does not touch.
FRESH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Basis:
    """What is there."""

    #: the outline of the version that serves, and its files: path to text
    outline: Outline
    files: Mapping[str, str]
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
    def catalog(self) -> Catalog | None: ...
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
    outline, files = _told(connection, base, previous)
    seen = previous.basis if previous is not None else None
    if previous is None or seen is None:
        return Basis(outline, files, read_shape(connection), newest, now)
    if seen.newest != newest or now - seen.seen_at > FRESH_SECONDS:
        return Basis(outline, files, read_shape(connection), newest, now)
    touched = {table for each in previous.operations if (table := getattr(each, "table", None))}
    shape = {name: table for name, table in seen.shape.items() if name not in touched}
    shape |= read_shape(connection, touched)
    return Basis(outline, files, shape, newest, seen.seen_at)


def _told(
    connection: sa.Connection, base: AppliedVersion | None, previous: Made | None
) -> tuple[Outline, Mapping[str, str]]:
    """Return outline and files of the version that serves; those of *previous*, if that serves."""
    if previous is not None and base is not None:
        outline, catalog = previous.outline, previous.catalog
        if outline is not None and catalog is not None and previous.fingerprint == base.fingerprint:
            return outline, catalog.files
        if previous.basis is not None and previous.base == base:
            return previous.basis.outline, previous.basis.files
    if base is None:
        return EMPTY, {}
    return outline_of_version(connection, base.number), files_of(connection, base.number)
