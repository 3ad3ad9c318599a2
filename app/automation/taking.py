"""Who may take a record out of a pool, and how many: the limits of `claim`.

Each limit that stands in the way is a sentence with its real bounds. Two who take the same record
at once wait for each other at the record; one who takes two at once waits at the limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.automation.pools import Event, add_event, events_of, later_by, pool_named
from app.automation.quotas import why_full
from app.database.automation_tables import pool_event
from app.definitions.automation import Pool
from app.definitions.catalog import Entity
from app.errors import Conflict, Forbidden, InvalidInput, NotFound, TooManyRequests, TrellisError
from app.records.checking import lock_for, visible_ids
from app.records.statements import Statement
from app.records.work import Work
from app.texts import Label, say

_GOING_IN = ("release", "recycle")


def _counting(*, distinct: bool) -> Statement:
    record = pool_event.c.record_id
    return Statement(
        sa.select(sa.func.count(sa.distinct(record) if distinct else record)).where(
            pool_event.c.user_id == sa.bindparam("user", type_=sa.BigInteger),
            pool_event.c.pool == sa.bindparam("pool"),
            pool_event.c.action == sa.bindparam("action"),
            pool_event.c.happened_at >= sa.bindparam("since", type_=pool_event.c.happened_at.type),
        )
    )


_claims = _counting(distinct=False)
_looks = _counting(distinct=True)
_looked = Statement(
    sa.select(sa.literal(1))
    .where(
        pool_event.c.user_id == sa.bindparam("user", type_=sa.BigInteger),
        pool_event.c.pool == sa.bindparam("pool"),
        pool_event.c.action == "view",
        pool_event.c.happened_at >= sa.bindparam("since", type_=pool_event.c.happened_at.type),
        pool_event.c.entity == sa.bindparam("entity"),
        pool_event.c.record_id == sa.bindparam("record_id"),
    )
    .limit(1)
)


def hold_for_claim(work: Work, entity: Entity, record_id: int) -> dict[str, Any]:
    """Lock a record of a pool and return it, once it is sure that it can be claimed at all.

    Raises:
        NotFound: the person may not see it, and has not just missed it.
        Conflict: somebody else has it now; it says who.
        InvalidInput: it lies in no pool.
    """
    # Asked before the lock: whoever waited for it no longer sees what somebody else took.
    seen = work.principal.is_system or bool(visible_ids(work, entity.name, [record_id]))
    row = work.rows[entity.name].lock(work.connection, [record_id]).get(record_id)
    if row is None or row.get("deleted_at") is not None:
        raise NotFound
    if row["owner"] is not None:
        last = next(iter(events_of(work, entity, record_id, 1)), None)
        if not seen and (last is None or last.pool not in work.principal.pools):
            raise NotFound
        raise Conflict(_taken(work, row["owner"]))
    if not seen:
        raise NotFound
    if not row.get("pool"):
        raise InvalidInput(
            message=say(
                "This record has no owner, but lies in no public sea, so it cannot be claimed.",
                "这条记录没有负责人，但不在公海中，无法领取。",
            )
        )
    return row


def _taken(work: Work, owner: int) -> Label:
    if owner == work.user_id:
        return say("This record is yours already.", "这条记录已经是您的了。")
    person = work.organisation.snapshot().people.get(owner)
    return say(
        "{name} has taken this record. Choose another one.",
        "这条记录已被{name}领取，请选择其他记录。",
        name=person.name if person is not None else f"#{owner}",
    )


def why_not_claim(
    work: Work, entity: Entity, row: Mapping[str, Any], user_id: int, *, lock: bool = True
) -> TrellisError | None:
    """Return what stands in the way of a person who claims a record that is held; None: nothing.

    Without *lock* it is only a look: nobody waits, and the answer may be another one next.
    """
    pool = pool_named(work, entity, row["pool"])
    principal = work.organisation.principal(user_id)
    if pool is None or principal is None or pool.name not in principal.pools:
        label = pool.label if pool is not None else row["pool"]
        return Forbidden(
            say(
                "Only members of {pool} may claim its records.",
                "只有“{pool}”的成员可以领取其中的记录。",
                pool=label,
            )
        )
    if lock:
        lock_for(work, f"claim:{pool.name}:{user_id}")
    why = (
        _too_many_today(work, pool, user_id)
        or _was_theirs(work, entity, row, pool, user_id)
        or _too_new(work, entity, row, pool)
        or why_full(work, entity, row, user_id, lock=lock)
    )
    return InvalidInput(message=why) if why is not None else None


def _today(work: Work) -> datetime:
    return work.calendar.midnight(work.today)


def claimed_today(work: Work, pool: Pool, user_id: int) -> int:
    """Return how many records of a pool a person took today, the company's day."""
    values = {"user": user_id, "pool": pool.name, "action": "claim", "since": _today(work)}
    row = _claims.run(work.connection, values).fetchone()
    return int(row[0]) if row is not None else 0


def _too_many_today(work: Work, pool: Pool, user_id: int) -> Label | None:
    if pool.per_day is None:
        return None
    count = claimed_today(work, pool, user_id)
    if count < pool.per_day:
        return None
    return say(
        "You have claimed {count} of {most} records of {pool} today. You may go on tomorrow.",
        "您今天已从“{pool}”领取 {count} 条，每天最多 {most} 条。请明天再领取。",
        count=count,
        most=pool.per_day,
        pool=pool.label,
    )


def _went_in(work: Work, entity: Entity, row: Mapping[str, Any]) -> datetime:
    """Return when a record came into the pool; one that was always there came when it was made."""
    events: list[Event] = events_of(work, entity, int(row["id"]))
    moments = (one.happened_at for one in events if one.action in _GOING_IN)
    return next(moments, row["created_at"])


def _was_theirs(
    work: Work, entity: Entity, row: Mapping[str, Any], pool: Pool, user_id: int
) -> Label | None:
    if row.get("previous_owner") != user_id:
        return None
    free = later_by(work, entity, row, _went_in(work, entity, row), pool.not_previous_owner)
    if free is None or free <= work.now:
        return None
    return say(
        "You had this record last; you may claim it again from {moment} on. Until then it is for "
        "others.",
        "这条记录此前由您负责，{moment} 之后您才能再次领取；在此之前留给其他人。",
        moment=_shown(work, free),
    )


def _too_new(work: Work, entity: Entity, row: Mapping[str, Any], pool: Pool) -> Label | None:
    free = later_by(work, entity, row, _went_in(work, entity, row), pool.new_after)
    if free is None or free <= work.now:
        return None
    return say(
        "This record is new in {pool}; it may be claimed from {moment} on.",
        "这条记录刚进入“{pool}”，{moment} 之后才能领取。",
        pool=pool.label,
        moment=_shown(work, free),
    )


def _shown(work: Work, moment: datetime) -> str:
    return work.calendar.local(moment).strftime("%Y-%m-%d %H:%M")


def look_at(work: Work, entity: Entity, row: Mapping[str, Any]) -> None:
    """Note that a member looks at a record of a pool.

    Raises:
        TooManyRequests: the member has looked at as many as a day allows.
    """
    user_id = work.user_id
    pool = pool_named(work, entity, row.get("pool"))
    if pool is None or pool.views_per_day is None or user_id is None:
        return
    lock_for(work, f"look:{pool.name}:{user_id}")
    asked = {"user": user_id, "pool": pool.name, "since": _today(work)}
    one = {"entity": work.number(entity.name), "record_id": int(row["id"])}
    if _looked.run(work.connection, {**asked, **one}).fetchone() is not None:
        return
    counted = _looks.run(work.connection, {**asked, "action": "view"}).fetchone()
    if counted is not None and counted[0] >= pool.views_per_day:
        raise TooManyRequests(
            say(
                "You have looked at {count} of {most} records of {pool} today. You may go on "
                "tomorrow, or claim one of those you have seen.",
                "您今天已查看“{pool}”中的 {count} 条记录，每天最多 {most} 条。"
                "请明天再看，或领取已查看过的记录。",
                count=counted[0],
                most=pool.views_per_day,
                pool=pool.label,
            )
        )
    add_event(work, pool.name, entity, int(row["id"]), "view")
