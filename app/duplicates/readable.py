"""The pairs somebody may know of: who may read both records, and a field of each that says so."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.access.visibility import Visibility, visible
from app.database.duplicate_tables import duplicate_pair
from app.records.comparing import compared_entities, comparisons_of
from app.records.kinship import unlinked
from app.records.work import Work


def pairs_of(work: Work, entity: str | None, *, apart: bool = False) -> sa.Select[Any] | None:
    """Return the statement for the pairs the asker may read; None where there can be none.

    Columns: those of the pair, and ``name`` and ``other_name`` of the entities.
    """
    readable = [
        one.name
        for one in compared_entities(work.release.catalog)
        if work.policy.may("read", one.name)
    ]
    parts = []
    numbered = sorted(readable, key=work.number)
    for place, first in enumerate(numbered):
        for second in numbered[place:]:
            if entity is None or entity in (first, second):
                part = _part(work, first, second, apart=apart)
                if part is not None:
                    parts.append(part)
    if not parts:
        return None
    each = sa.union_all(*parts).subquery("each")
    return sa.select(each)


def _part(work: Work, first: str, second: str, *, apart: bool) -> sa.Select[Any] | None:
    pair = duplicate_pair.alias()
    one, other = (work.release.tables[name].alias() for name in (first, second))
    by = _by(work, first, second)
    if not by:
        return None
    rights = Visibility(work.release, work.policy)
    veils = [
        condition
        for name, table in ((first, one), (second, other))
        for condition in rights.veils(name, table).values()
    ]
    told = pair.c.apart_at.is_not(None) if apart else pair.c.apart_at.is_(None)
    return (
        sa.select(
            pair.c.id, pair.c.score, pair.c.record_id, pair.c.other_id, pair.c.found_at,
            pair.c.reasons,
            sa.literal(first, sa.Text).label("name"),
            sa.literal(second, sa.Text).label("other_name"),
        )
        .join(one, one.c.id == pair.c.record_id)
        .join(other, other.c.id == pair.c.other_id)
        .where(
            pair.c.entity == work.number(first),
            pair.c.other_entity == work.number(second),
            told,
            one.c.deleted_at.is_(None),
            other.c.deleted_at.is_(None),
            visible(work.release, first, one, work.policy),
            visible(work.release, second, other, work.policy),
            pair.c.reasons.op("?|", is_comparison=True)(sa.literal(by, ARRAY(sa.Text))),
            *(sa.not_(sa.func.coalesce(veil, sa.false())) for veil in veils),
            *unlinked(work, (first, one), (second, other)),
        )
    )  # fmt: skip


def _by(work: Work, first: str, second: str) -> list[str]:
    """Return the reasons the asker may know of, between two entities."""
    policy = work.policy
    found = []
    for step in comparisons_of(work.release.catalog):
        mine = [m for m in step.members if m.entity == first and policy.is_readable(first, m.field)]
        theirs = [
            m for m in step.members if m.entity == second and policy.is_readable(second, m.field)
        ]
        found += [f"{step.kind}:{a.path}:{b.path}" for a in mine for b in theirs]
    return sorted(set(found))
