"""Records that are held: neither anonymised nor removed for good.

Somebody said so, until somebody releases them, or ``keep`` of their entity, as long as it holds.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.access.sources import TableSource
from app.database.personal_tables import personal_hold
from app.database.release import Release
from app.definitions.catalog import Entity
from app.errors import InvalidInput
from app.expressions import Checked
from app.records.asking import parameters_of_app
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
    """Return which of *ids* are held, and why: by somebody, or by ``keep`` of their entity."""
    wanted = {"entity": work.number(entity), "_ids": sorted(ids)}
    found = {row[0]: row[1] for row in _held.run(work.connection, wanted)}
    keep = work.release.catalog.entities[entity].keep
    if keep is not None:
        told = say("keep: {condition}", "keep：{condition}", condition=keep.text)
        why = told.in_language(work.principal.language)
        found |= {number: why for number in _kept(work, entity, keep, ids) if number not in found}
    return found


def _kept(work: Work, entity: str, keep: Checked, ids: Iterable[int]) -> list[int]:
    statement = work.rows.cached(
        ("kept", entity), lambda: _kept_statement(work.release, entity, keep)
    )
    values = {**work.asker, **parameters_of_app(work), "_ids": sorted(ids)}
    return [row[0] for row in statement.run(work.connection, values)]


def _kept_statement(release: Release, entity: str, keep: Checked) -> Statement:
    table = release.tables[entity].alias()
    return Statement(
        sa.select(table.c.id).where(
            table.c.id == sa.func.any(sa.bindparam("_ids", type_=ARRAY(sa.BigInteger))),
            TableSource(release, entity, table).holds(keep),
        )
    )


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
