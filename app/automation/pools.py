"""Pools (public seas): records without an owner, which members may take.

A release puts a record into a pool, a claim takes it out. Both change who owns it, since when and
who did before, for the record and for what hangs on it by ``with``; never a stage, never a link.
Who sees what lies in a pool is decided in ``app.access.visibility``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from app.automation.assignment import owned_along
from app.database.automation_tables import firing, pool_event, rule
from app.definitions.automation import Pool
from app.definitions.catalog import Entity
from app.errors import InvalidInput
from app.expressions import Checked
from app.expressions.moments import add_to_moment, as_duration
from app.records.checking import truth
from app.records.conditions import Linked, WriteContext
from app.records.reactions import Happening
from app.records.statements import Statement
from app.records.transferring import give_to
from app.records.work import Work
from app.texts import Label, join, say

_columns = ("pool", "entity", "record_id", "user_id", "action", "reason", "happened_at")
_add_event = Statement(
    sa.insert(pool_event).values(
        {name: sa.bindparam(name, type_=pool_event.c[name].type) for name in _columns}
    )
)
_events = Statement(
    sa.select(
        pool_event.c.pool,
        pool_event.c.user_id,
        pool_event.c.action,
        pool_event.c.reason,
        pool_event.c.happened_at,
    )
    .where(
        pool_event.c.entity == sa.bindparam("entity"),
        pool_event.c.record_id == sa.bindparam("record_id"),
        pool_event.c.action != "view",
    )
    .order_by(pool_event.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened with a record and a pool."""

    pool: str
    user_id: int | None
    #: claim | release | recycle | assign
    action: str
    reason: str | None
    happened_at: datetime


def pool_named(work: Work, entity: Entity, name: str | None) -> Pool | None:
    """Return a pool of an entity that is in force; None if there is none of that name."""
    pools = work.release.catalog.automation.pools_of(entity.name)
    return next((one for one in pools if one.name == name), None)


def get_pool(work: Work, entity: Entity, name: str | None, row: Mapping[str, Any]) -> Pool:
    """Return the pool of a name; without one, the first that takes the record.

    Raises:
        InvalidInput: there is none; it says what is missing.
    """
    found = pool_named(work, entity, name) if name else fitting_pool(work, entity, row)
    if found is None:
        raise InvalidInput(message=_why_no_pool(work, entity, name))
    return found


def fitting_pool(work: Work, entity: Entity, row: Mapping[str, Any]) -> Pool | None:
    """Return the first pool whose condition holds for a record."""
    context = context_of(work, entity, row)
    for pool in work.release.catalog.automation.pools_of(entity.name):
        if truth(context, work.rows.closures, pool.where):
            return pool
    return None


def _why_no_pool(work: Work, entity: Entity, name: str | None) -> Label:
    pools = work.release.catalog.automation.pools_of(entity.name)
    if not pools:
        return say(
            "There is no public sea for {entity}. An administrator can add one: a `pool` in "
            "`workflows/`.",
            "“{entity}”还没有公海。管理员可在 workflows/ 中添加 pool。",
            entity=entity.label,
        )
    if name:
        return say(
            "`{name}` is no public sea of {entity}. There are: {pools}.",
            "“{name}”不是“{entity}”的公海。可用的有：{pools}。",
            name=name[:100],
            entity=entity.label,
            pools=", ".join(one.name for one in pools),
        )
    return say(
        "No public sea takes this record: the conditions (`where`) of none of {pools} hold for "
        "it. Name one of them.",
        "没有公海接收这条记录：它不满足 {pools} 中任何一个的条件（where）。请指定一个公海。",
        pools=", ".join(one.name for one in pools),
    )


def context_of(work: Work, entity: Entity, row: Mapping[str, Any]) -> WriteContext:
    """Return what the expressions of pools see of a record."""
    return WriteContext(work, Linked(work), entity, row)


def later_by(
    work: Work, entity: Entity, row: Mapping[str, Any], moment: datetime, length: Checked | None
) -> datetime | None:
    """Return the moment that a pool's duration after another one gives for a record."""
    if length is None:
        return None
    value = work.rows.closures.of(length)(context_of(work, entity, row))
    return None if value is None else add_to_moment(moment, as_duration(value), work.calendar)


# -- in and out ----------------------------------------------------------------------------------


def put_into_pool(
    work: Work,
    entity: Entity,
    row: Mapping[str, Any],
    pool: Pool,
    *,
    reason: str | None = None,
    action: str = "release",
) -> None:
    """Take a record from its owner and put it into a pool, or move it from pool to pool.

    Args:
        row: the record, locked.
        reason: an option of the pool's ``reasons``, or words of a rule.
        action: ``release`` or ``recycle``.
    """
    work.open_change_set("pool")
    owner, record_id = row["owner"], int(row["id"])
    if owner is not None:
        for kind, ids in owned_along(work, entity, record_id, pool.with_, owner):
            give_to(work, kind, ids, None)
    _give(work, entity, record_id, None, "release", pool.name)
    add_event(work, pool.name, entity, record_id, action, reason)


def take_from_pool(
    work: Work,
    entity: Entity,
    row: Mapping[str, Any],
    owner: int,
    *,
    action: str = "claim",
) -> None:
    """Give a record of a pool to a person, with what was cleared along with it.

    Args:
        row: the record, locked.
        action: ``claim``, or ``assign`` where somebody else decided.
    """
    work.open_change_set("pool")
    record_id, pool = int(row["id"]), pool_named(work, entity, row["pool"])
    along = pool.with_ if pool is not None else ()
    for kind, ids in owned_along(work, entity, record_id, along, None):
        give_to(work, kind, ids, owner)
    _give(work, entity, record_id, owner, "claim" if action == "claim" else "transfer", None)
    add_event(work, row["pool"], entity, record_id, action, None, user_id=owner)


def _give(
    work: Work,
    entity: Entity,
    record_id: int,
    owner: int | None,
    action: Happening,
    pool: str | None,
) -> None:
    give_to(work, entity, [record_id], owner, action=action, columns={"pool": pool})


def add_event(
    work: Work,
    pool: str,
    entity: Entity,
    record_id: int,
    action: str,
    reason: str | None = None,
    *,
    user_id: int | None = None,
) -> None:
    """Note what happened with a record and a pool."""
    _add_event.do(
        work.connection,
        {
            "pool": pool,
            "entity": work.number(entity.name),
            "record_id": record_id,
            "user_id": user_id if user_id is not None else work.user_id,
            "action": action,
            "reason": reason,
            "happened_at": work.now,
        },
    )


def events_of(work: Work, entity: Entity, record_id: int, limit: int = 20) -> list[Event]:
    """Return what happened with a record and pools, the latest first."""
    values = {"entity": work.number(entity.name), "record_id": record_id, "limit": limit}
    return [Event(*row) for row in _events.run(work.connection, values)]


def check_reason(
    work: Work, entity: Entity, pool: Pool, reason: str | None, *, is_needed: bool
) -> None:
    """Refuse a reason that the pool does not know, or a missing one.

    Raises:
        InvalidInput: beside ``reason``, with those there are.
    """
    if pool.reasons is None or (reason is None and not is_needed):
        return
    known = work.release.catalog.options[pool.reasons].options
    offered = [option for option in known if not option.removed]
    if any(option.name == reason for option in offered):
        return
    words = join(say(", ", "、"), [option.label for option in offered])
    if reason is None:
        sentence = say(
            "Say why {entity} goes into {pool}: {reasons}.",
            "请选择“{entity}”移入“{pool}”的原因：{reasons}。",
            entity=entity.label,
            pool=pool.label,
            reasons=words,
        )
    else:
        sentence = say(
            "`{reason}` is no reason of {pool}. Choose one of: {reasons}.",
            "“{reason}”不是“{pool}”的原因。可选：{reasons}。",
            reason=reason[:100],
            pool=pool.label,
            reasons=words,
        )
    raise InvalidInput({"reason": [sentence]}, sentence)


# -- going back ----------------------------------------------------------------------------------


_warned = Statement(
    sa.select(sa.func.max(firing.c.happened_at))
    .join_from(firing, rule, rule.c.number == firing.c.rule)
    .where(
        rule.c.name == sa.bindparam("rule", type_=sa.Text),
        firing.c.entity == sa.bindparam("entity", type_=sa.SmallInteger),
        firing.c.record_id == sa.bindparam("record_id", type_=sa.BigInteger),
    )
)


@dataclass(frozen=True, slots=True)
class Leaving:
    """When a record goes into a pool by itself, unless something happens."""

    pool: Pool
    at: datetime
    #: which of the pool's reasons comes first
    number: int


def leaving(work: Work, entity: Entity, row: Mapping[str, Any]) -> Leaving | None:
    """Return when an owned record goes into its pool; None: it does not."""
    if row.get("owner") is None or row.get("deleted_at") is not None:
        return None
    pool = fitting_pool(work, entity, row)
    if pool is None or not pool.recycle:
        return None
    context, closures = context_of(work, entity, row), work.rows.closures
    if pool.exempt is not None and truth(context, closures, pool.exempt):
        return None
    found: list[Leaving] = []
    for number, one in enumerate(pool.recycle):
        due = closures.of(one.due)(context)
        if due is not None and truth(context, closures, one.if_):
            found.append(Leaving(pool, _as_moment(work, due), number))
    first = min(found, key=lambda one: one.at, default=None)
    if first is None or first.at > work.now or pool.warn is None:
        return first
    # What is late already is warned of first, and goes when the time of the warning is up.
    warned = _warned.run(
        work.connection,
        {
            "rule": f"pool:{pool.name}/warn/{first.number}",
            "entity": work.number(entity.name),
            "record_id": row["id"],
        },
    ).fetchone()
    begun = warned[0] if warned is not None and warned[0] is not None else work.now
    at = later_by(work, entity, row, begun, pool.warn)
    return first if at is None else replace(first, at=max(at, work.now))


def _as_moment(work: Work, due: date | datetime) -> datetime:
    return due if isinstance(due, datetime) else work.calendar.midnight(due)
