"""Records that are held: neither anonymised nor removed for good before somebody says so."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.database.personal_tables import personal_hold
from app.definitions.catalog import Entity
from app.errors import InvalidInput
from app.records.statements import Statement
from app.records.work import Work
from app.texts import say

_hold = personal_hold
_held = Statement(
    sa.select(_hold.c.record_id, _hold.c.why).where(
        _hold.c.entity == sa.bindparam("entity", type_=sa.SmallInteger),
        _hold.c.record_id == sa.func.any(sa.bindparam("_ids", type_=ARRAY(sa.BigInteger))),
    )
)


def held(work: Work, entity: str, ids: Iterable[int]) -> dict[int, str]:
    """Return which of *ids* are held, and why."""
    wanted = {"entity": work.number(entity), "_ids": sorted(ids)}
    return {row[0]: row[1] for row in _held.run(work.connection, wanted)}


def require_free(work: Work, entity: Entity, ids: Iterable[int]) -> None:
    """Refuse where one of the records is held.

    Raises:
        InvalidInput: with what was said when it was.
    """
    for number, why in held(work, entity.name, ids).items():
        raise InvalidInput(
            message=say(
                "{entity} #{id} is held and stays as it is: {why}",
                "{entity} #{id} 已被保全，不能更改：{why}",
                entity=entity.label,
                id=number,
                why=why,
            )
        )
