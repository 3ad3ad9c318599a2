"""Working out stored formulas and roll-ups of a whole entity anew, after their definition changed.

In batches of ids, each a transaction of its own, so that nobody waits long; writers that come in
between use the new definition already, and what they wrote is not undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg
import sqlalchemy as sa

from app.access.policy import Policy
from app.access.principal import SYSTEM
from app.database.release import Release
from app.database.statements import Statement
from app.records import derived
from app.records.rows import RowStatements
from app.records.work import Work, in_transaction

#: Records in one transaction.
BATCH = 5_000


def recompute(
    connection: psycopg.Connection[Any],
    release: Release,
    entity: str,
    after: int = 0,
    mark: Callable[[int], None] | None = None,
) -> int:
    """Work out every stored formula and roll-up of *entity*; return how many records there are.

    Args:
        connection: in autocommit mode; each batch is a transaction.
        after: the id to go on from, after an interruption.
        mark: called inside each batch's transaction with the last id it did.
    """
    rows = RowStatements(release)
    count = 0
    for ids in _batches(connection, release.tables[entity], after):
        in_transaction(partial(_one_batch, connection, release, rows, entity, ids, mark))
        count += len(ids)
    return count


def _one_batch(
    connection: psycopg.Connection[Any],
    release: Release,
    rows: RowStatements,
    entity: str,
    ids: list[int],
    mark: Callable[[int], None] | None,
) -> None:
    with connection.transaction():
        work = Work(
            connection=connection,
            release=release,
            rows=rows,
            organisation=None,  # type: ignore[arg-type]  # nobody owns anything here
            principal=SYSTEM,
            policy=Policy(release.catalog, is_system=True),
            now=datetime.now(UTC),
            origin="system",
            cause="apply",
        )
        work.touch(entity, *ids)
        derived.settle(work)
        if mark is not None:
            mark(ids[-1])


def _batches(
    connection: psycopg.Connection[Any], table: sa.Table, after: int
) -> Iterator[list[int]]:
    statement = Statement(
        sa.select(table.c.id)
        .where(table.c.id > sa.bindparam("_after", type_=sa.BigInteger))
        .order_by(table.c.id)
        .limit(BATCH)
    )
    while True:
        ids = [row[0] for row in statement.run(connection, {"_after": after})]
        if not ids:
            return
        yield ids
        after = ids[-1]
