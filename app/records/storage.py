"""How much room files take, and which take the most: figures for administrators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy as sa

from app.database import system
from app.records.statements import Statement

_file = system.file
_kept = _file.c.deleted_at.is_(None)
_on_record = sa.and_(_kept, _file.c.record_id.is_not(None))
_bytes = sa.func.coalesce(sa.func.sum(_file.c.size), 0)
_contents = (
    sa.select(_file.c.sha256, sa.func.max(_file.c.size).label("size"))
    .group_by(_file.c.sha256)
    .subquery()
)
_totals = Statement(
    sa.select(
        sa.func.count().filter(_kept).label("files"),
        sa.func.coalesce(sa.func.sum(_file.c.size).filter(_kept), 0).label("bytes"),
        sa.func.count().filter(_kept, _file.c.record_id.is_(None)).label("waiting"),
        sa.func.count().filter(_file.c.deleted_at.is_not(None)).label("removed"),
        sa.select(sa.func.coalesce(sa.func.sum(_contents.c.size), 0))
        .scalar_subquery()
        .label("on_disk"),
    )
)
_by_entity = Statement(
    sa.select(_file.c.entity, sa.func.count(), _bytes.label("bytes"))
    .where(_on_record)
    .group_by(_file.c.entity)
    .order_by(sa.text("bytes DESC"))
)
_largest = Statement(
    sa.select(
        _file.c.id,
        _file.c.name,
        _file.c.size,
        _file.c.entity,
        _file.c.record_id,
        _file.c.uploaded_by,
        _file.c.uploaded_at,
    )
    .where(_kept)
    .order_by(_file.c.size.desc(), _file.c.id)
    .limit(sa.bindparam("limit", type_=sa.BigInteger))
)


@dataclass(frozen=True, slots=True)
class LargeFile:
    """One of the largest."""

    id: int
    name: str
    size: int
    #: an entity's number
    entity: int | None
    record_id: int | None
    uploaded_by: int | None
    uploaded_at: datetime


@dataclass(frozen=True, slots=True)
class Storage:
    """One look."""

    files: int
    bytes: int
    #: uploaded, and on no record yet: swept after a day
    waiting: int
    #: taken off their record: swept after a day
    removed: int
    #: equal contents are kept once
    on_disk: int
    #: an entity's number, how many, how many bytes
    by_entity: tuple[tuple[int, int, int], ...]
    largest: tuple[LargeFile, ...]


def look_at_files(connection: psycopg.Connection[Any], limit: int = 50) -> Storage:
    """Return how much room files take."""
    (totals,) = _totals.rows(connection)
    by_entity = tuple((row[0], row[1], int(row[2])) for row in _by_entity.run(connection))
    largest = tuple(LargeFile(*row) for row in _largest.run(connection, {"limit": limit}))
    numbers = {name: int(value) for name, value in totals.items()}
    return Storage(**numbers, by_entity=by_entity, largest=largest)
