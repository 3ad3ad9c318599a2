"""Many new records against rules on duplicates that refuse: one question for each of their ways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.definitions.catalog import Entity
from app.records.drafts import Draft
from app.records.duplicates import compared
from app.records.identities import ids_by_identity
from app.records.statements import Statement
from app.records.work import Work

_names = sa.func.unnest(sa.bindparam("_names", type_=sa.ARRAY(sa.Text))).table_valued(
    sa.column("name", sa.Text), name="given"
)
_given = _names.render_derived()
#: The locks that `checking.lock_for` takes one by one.
_locks = Statement(
    sa.select(
        sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(_given.c.name, 0))
    ).select_from(_given)
)


def without_duplicates(work: Work, entity: Entity, drafts: Sequence[Draft]) -> list[Draft]:
    """Return the drafts that share no value with a record there is, nor with one before them."""
    left = list(drafts)
    for rule in entity.duplicates:
        if not rule.refuse or not rule.same:
            continue
        for path in rule.same:
            left = _by_path(work, entity, path, rule.also_in, left)
    return left


def _by_path(
    work: Work,
    entity: Entity,
    path: str,
    also_in: Sequence[tuple[str, str]],
    drafts: list[Draft],
) -> list[Draft]:
    name, _, part = path.partition(".")
    field = entity.fields[name]
    values = [compared(field, part, draft.changes.get(name)) for draft in drafts]
    wanted = {value for each in values for value in each}
    if not wanted:
        return drafts
    # Two who save the same value at the same moment must see each other.
    locks = sorted(f"trellis:duplicate:{value}" for value in wanted)
    _locks.run(work.connection, {"_names": locks})
    taken: set[Any] = set()
    for other, other_path in ((entity.name, path), *also_in):
        kind = work.release.catalog.entities[other]
        identities = {(value,) for value in wanted}
        taken |= {one[0] for one in ids_by_identity(work, kind, (other_path,), identities)}
    left = []
    for draft, each in zip(drafts, values, strict=True):
        if taken.isdisjoint(each):
            left.append(draft)
            taken.update(each)
    return left
