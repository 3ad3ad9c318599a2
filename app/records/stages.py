"""Lifecycles while a record is written: where it begins, what stages set, which moves are refused.

Asked by every save, whatever it comes from. How long a record was in a stage is written down when
it leaves it; how long it is in its present one, its ``since`` tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.database.automation_tables import stage_time
from app.definitions.catalog import Entity
from app.fields.base import FieldError
from app.records.conditions import WriteContext
from app.records.drafts import Draft, Problems
from app.records.giving import given_value, written_context
from app.records.moves import Asked, first_stage, lifecycle_for, lifecycles_of
from app.records.statements import Statement
from app.records.work import Work
from app.texts import say

#: Returns what conditions see of the draft as it is now.
ContextOf = Callable[[], WriteContext]


def begin(work: Work, draft: Draft, context_of: ContextOf) -> None:
    """Let a record without a stage begin where its lifecycle does."""
    for name, first in work.rows[draft.entity.name].lists.stages.items():
        if draft.get(name) is not None:
            continue
        lifecycles = lifecycles_of(work, draft.entity).get(name, ())
        if any(one.if_ is not None for one in lifecycles):
            lifecycle = lifecycle_for(context_of(), name)
        else:
            lifecycle = lifecycles[0] if lifecycles else None
        draft.changes[name] = first_stage(lifecycle) if lifecycle else first


def enter(work: Work, draft: Draft, context_of: ContextOf, problems: Problems) -> None:
    """Give *draft* what the stages it enters set; what somebody gives in the same write stays."""
    for name in work.rows[draft.entity.name].lists.stages:
        to = draft.changes.get(name)
        if to is not None and draft.changed(name) and draft.entered.get(name) != to:
            draft.entered[name] = to
            draft.changes |= _values_of(work, draft, name, to, context_of, problems)


def follow(
    work: Work,
    draft: Draft,
    values: Mapping[str, Any],
    context_of: ContextOf,
    problems: Problems,
) -> dict[str, Any]:
    """Note moves that a rule makes within the write; return what the stages it enters set.

    Args:
        values: what the rule sets, Python values by field; *draft* does not have them yet.
    """
    found: dict[str, Any] = {}
    for name in work.rows[draft.entity.name].lists.stages:
        to = values.get(name)
        if name not in values or to is None or to == draft.get(name):
            continue
        legs = draft.legs.setdefault(name, [])
        if not legs and draft.changed(name):
            legs.append((draft.old.get(name), draft.get(name), False))
        legs.append((draft.get(name), to, True))
        draft.entered[name] = to
        found |= _values_of(work, draft, name, to, context_of, problems)
    return {name: value for name, value in found.items() if name not in values}


def _values_of(
    work: Work, draft: Draft, name: str, to: str, context_of: ContextOf, problems: Problems
) -> dict[str, Any]:
    """Return what a stage sets on the way in."""
    lifecycles = lifecycles_of(work, draft.entity)[name]
    if not any(one.stages[to].values for one in lifecycles if to in one.stages):
        return {}
    context = context_of()
    lifecycle = lifecycle_for(context, name)
    stage = lifecycle.stages.get(to) if lifecycle else None
    closures, found = work.rows.closures, {}
    reading = written_context(work.release.catalog.app)
    for each, given in (stage.values if stage else {}).items():
        if each in draft.given and draft.changed(each):
            continue
        try:
            found[each] = given_value(
                given,
                draft.entity.fields[each],
                lambda checked: closures.of(checked)(context),
                reading,
            )
        except FieldError as error:
            problems.add(each, error.sentence)
    return found


def check(context: WriteContext, draft: Draft, problems: Problems) -> None:
    """Refuse stages that no move leads to, and moves that lack something.

    *context* shows the record as it was written, worked-out fields included.
    """
    for name in context.work.rows[draft.entity.name].lists.stages:
        is_moved = draft.changed(name) or name in draft.legs
        if not is_moved or name in problems.fields:
            continue
        field = draft.entity.fields[name]
        to = draft.changes[name]
        if to is None:
            problems.add(name, say("{label} is needed.", "请填写“{label}”。", label=field.label))
            continue
        lifecycle = lifecycle_for(context, name)
        legs = draft.legs.get(name) or [(draft.old.get(name), to, False)]
        for before, after, by_rule in legs if lifecycle is not None else ():
            assert lifecycle is not None
            asked = Asked(context, lifecycle, field, by_rule or context.work.origin == "rule")
            asked.check(before, after, problems)


def leave(work: Work, entity: Entity, row: Mapping[str, Any], old_row: Mapping[str, Any]) -> None:
    """Write down how long a record was in the stages it left; a statement only if it did."""
    for name in work.rows[entity.name].lists.stages:
        before = old_row.get(name)
        if before is None or row.get(name) == before:
            continue
        since = old_row.get(f"{name}__since") or old_row.get("created_at")
        work.rows.cached("stage-time", _left).run(
            work.connection,
            {
                "entity": work.number(entity.name),
                "record_id": row["id"],
                "field": name,
                "stage": before,
                "user_id": work.user_id,
                "entered_at": since or work.now,
                "left_at": work.now,
            },
        )


def _left() -> Statement:
    names = ("entity", "record_id", "field", "stage", "user_id", "entered_at", "left_at")
    return Statement(sa.insert(stage_time).values({name: sa.bindparam(name) for name in names}))


@dataclass(frozen=True, slots=True)
class Stay:
    """How long a record was in a stage; without ``left_at`` it is there now."""

    field: str
    stage: str
    entered_at: datetime
    left_at: datetime | None = None
    #: who moved it on
    user_id: int | None = None


def stays(work: Work, entity: Entity, row: Mapping[str, Any]) -> list[Stay]:
    """Return the stages a record was in, in order, and those it is in now."""
    fields = [name for name in work.rows[entity.name].lists.stages if name in row]
    if not fields:
        return []
    values = {"entity": work.number(entity.name), "record_id": row["id"]}
    left = work.rows.cached("stays", _stays).run(work.connection, values)
    found = [Stay(*one) for one in left if one[0] in fields]
    for name in fields:
        since = row.get(f"{name}__since") or row.get("created_at")
        if row[name] is not None and since is not None:
            found.append(Stay(name, row[name], since))
    return found


def _stays() -> Statement:
    c = stage_time.c
    return Statement(
        sa.select(c.field, c.stage, c.entered_at, c.left_at, c.user_id)
        .where(
            c.entity == sa.bindparam("entity", type_=sa.SmallInteger),
            c.record_id == sa.bindparam("record_id", type_=sa.BigInteger),
        )
        .order_by(c.id)
    )
