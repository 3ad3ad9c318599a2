"""The records that lead to one that changed: a rule's `changed: customer.level`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import sqlalchemy as sa

from app.records.dependencies import Step
from app.records.statements import Statement
from app.records.work import Work

_IDS = sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger))
#: Rows that are read at a time.
_AT_A_TIME = 1_000


class Leading(Protocol):
    """What watches a field behind links."""

    @property
    def way(self) -> Sequence[Step]:
        """The way back to the records that lead there."""


def records_behind(work: Work, through: Leading, record_id: int) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of records, not in the bin, that lead to a record."""
    ids = [record_id]
    for step in through.way:
        statement = work.rows.cached(("leads-here", step), partial(_statement, work, step))
        ids = [row[0] for row in statement.run(work.connection, {"_ids": ids})]
        if not ids:
            return
    entity = through.way[-1].entity
    for start in range(0, len(ids), _AT_A_TIME):
        found = work.rows[entity].read(work.connection, ids[start : start + _AT_A_TIME])
        yield from found.values()


def _statement(work: Work, step: Step) -> Statement:
    table = work.release.tables[step.entity]
    chosen = sa.select(table.c.id).where(table.c[step.link] == sa.func.any(_IDS))
    if f"{step.link}__entity" in table.c:
        chosen = chosen.where(table.c[f"{step.link}__entity"] == work.number(step.target))
    if "deleted_at" in table.c:
        chosen = chosen.where(table.c.deleted_at.is_(None))
    return Statement(chosen.order_by(table.c.id))
