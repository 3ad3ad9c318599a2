"""Pairs of records that may be the same thing, as saves write and read them.

What a rule only warned about is kept, to be looked at later; what somebody told apart is not
warned about again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert

from app.database.duplicate_tables import duplicate_pair
from app.definitions.catalog import DuplicateRule, Entity
from app.records.comparing import WEIGHTS, kind_of_field
from app.records.statements import Statement, json_text
from app.records.work import Work

_KEYS = ("entity", "record_id", "other_entity", "other_id")


def score_of(reasons: Any) -> Any:
    """Return how much reasons say together: each takes away a part of the doubt."""
    each = sa.func.jsonb_each_text(reasons).table_valued("key", "value", name="each")
    doubt = sa.func.ln(
        1 - sa.func.least(sa.cast(each.c.value, sa.Double), sa.literal_column("0.999"))
    )
    return sa.select(1 - sa.func.exp(sa.func.sum(doubt))).select_from(each).scalar_subquery()


def together(weights: Iterable[float]) -> float:
    """Return how much the weights of some reasons say, as `score_of` does for all of a pair."""
    return 1 - prod(1 - min(each, 0.999) for each in weights)


_reasons = sa.cast(sa.bindparam("reasons", type_=sa.Text), JSONB)
_new = insert(duplicate_pair).values(
    **{key: sa.bindparam(key, type_=duplicate_pair.c[key].type) for key in _KEYS},
    reasons=_reasons,
    score=score_of(_reasons),
    found_at=sa.bindparam("now", type_=sa.DateTime(timezone=True)),
)
_both = duplicate_pair.c.reasons.concat(_new.excluded.reasons)
_put = Statement(
    _new.on_conflict_do_update(
        index_elements=_KEYS, set_={"reasons": _both, "score": score_of(_both)}
    )
)
_ids = sa.func.any(sa.bindparam("ids", type_=ARRAY(sa.BigInteger)))
_mine = sa.bindparam("mine", type_=sa.SmallInteger)
_id = sa.bindparam("id", type_=sa.BigInteger)
_theirs = sa.bindparam("theirs", type_=sa.SmallInteger)
_apart = Statement(
    sa.select(sa.case((_is := sa.and_(
        duplicate_pair.c.entity == _mine, duplicate_pair.c.record_id == _id,
    ), duplicate_pair.c.other_id), else_=duplicate_pair.c.record_id)).where(
        duplicate_pair.c.apart_at.is_not(None),
        sa.or_(
            sa.and_(_is, duplicate_pair.c.other_entity == _theirs,
                    duplicate_pair.c.other_id == _ids),
            sa.and_(duplicate_pair.c.other_entity == _mine, duplicate_pair.c.other_id == _id,
                    duplicate_pair.c.entity == _theirs, duplicate_pair.c.record_id == _ids),
        ),
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Met:
    """Records that a rule found while one was saved."""

    rule: DuplicateRule
    path: str
    entity: str
    other_path: str
    ids: Sequence[int]


def note_pairs(work: Work, entity: Entity, record_id: int, met: Iterable[Met]) -> None:
    """Keep what a save was warned about."""
    for one in met:
        kind, weight = _kind(work, entity, one)
        for other in one.ids:
            mine = (work.number(entity.name), record_id, one.path)
            theirs = (work.number(one.entity), other, one.other_path)
            first, second = sorted((mine, theirs))
            reason = f"{kind}:{first[2]}:{second[2]}"
            values = dict(zip(_KEYS, (*first[:2], *second[:2]), strict=True))
            given = {"reasons": json_text({reason: weight}), "now": work.now}
            _put.run(work.connection, {**values, **given})


def _kind(work: Work, entity: Entity, one: Met) -> tuple[str, float]:
    if one.rule.similar:
        return "alike", round(one.rule.at_least * 0.9, 3)
    other = work.release.catalog.entities[one.entity]
    kinds = {
        kind_of_field(entity.fields[one.path.partition(".")[0]]),
        kind_of_field(other.fields[one.other_path.partition(".")[0]]),
    }
    kind = next(iter(kinds)) if len(kinds) == 1 else "same"
    return kind, WEIGHTS[kind]


def told_apart(work: Work, entity: str, record_id: int, other: str, ids: Sequence[int]) -> set[int]:
    """Return those of *ids* that somebody said are another thing than this record."""
    if not ids:
        return set()
    values = {
        "mine": work.number(entity),
        "id": record_id,
        "theirs": work.number(other),
        "ids": list(ids),
    }
    return {row[0] for row in _apart.run(work.connection, values)}
