"""Which fields hold personal data, who answers for it, and history without it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.access.policy import Policy
from app.database import system
from app.database.automation_tables import firing
from app.definitions.catalog import Entity, Field
from app.records.statements import Statement
from app.records.work import Work

_history = system.history
_IDS = sa.bindparam("_ids", type_=ARRAY(sa.BigInteger))
_ENTITY = sa.bindparam("entity", type_=sa.SmallInteger)
_NAMES = sa.bindparam("names", type_=ARRAY(sa.Text))
_of_records = sa.and_(_history.c.entity == _ENTITY, _history.c.record_id == sa.func.any(_IDS))
_forget = Statement(
    sa.update(_history)
    .where(_of_records, sa.or_(_history.c.before.has_any(_NAMES), _history.c.after.has_any(_NAMES)))
    .values(
        before=_history.c.before.op("-")(_NAMES),
        after=_history.c.after.op("-")(_NAMES),
    )
)
_forget_input = Statement(
    sa.update(firing)
    .where(
        firing.c.entity == _ENTITY,
        firing.c.record_id == sa.func.any(_IDS),
        sa.func.jsonb_typeof(firing.c.input) == "object",
    )
    .values(input=firing.c.input.op("-")(_NAMES))
)


def personal_fields(entity: Entity, entities: Mapping[str, Entity]) -> tuple[str, ...]:
    """Return the fields that hold personal data: marked so, or lines with such fields."""
    return tuple(
        name
        for name, one in entity.fields.items()
        if not one.removed
        and (
            (one.personal and one.type.stored and one.type.writable)
            or (one.type.name == "lines" and personal_in_lines(entities[f"{entity.name}.{name}"]))
        )
    )


def answers_for_persons(policy: Policy) -> bool:
    """Return whether somebody may look for persons anywhere, and anonymise them."""
    entities = policy.catalog.entities
    return any(
        one.lines_of is None
        and policy.may("anonymise", one.name)
        and bool(personal_fields(one, entities))
        for one in entities.values()
    )


def personal_in_lines(lines: Entity) -> list[Field]:
    """Return the fields of rows of lines that hold personal data."""
    return [one for one in lines.fields.values() if one.personal and not one.removed]


def forget(work: Work, entity: Entity, ids: Iterable[int], names: Iterable[str]) -> None:
    """Take fields out of the history of records, and out of what rules noted of events."""
    named = {"entity": work.number(entity.name), "_ids": sorted(ids), "names": list(names)}
    _forget.do(work.connection, named)
    _forget_input.do(work.connection, named)


def forget_personal(work: Work, entity: Entity, ids: Iterable[int]) -> None:
    """Take what is personal out of the history of records that go for good."""
    if names := personal_fields(entity, work.release.catalog.entities):
        forget(work, entity, ids, names)
