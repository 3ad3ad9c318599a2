"""Who follows a record: a person, until a day or for good."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.database.automation_tables import follower
from app.definitions.catalog import Entity
from app.records.statements import Statement
from app.records.work import Work

_names = ("entity", "record_id", "user_id", "added_by", "rule", "since", "until")
_new = insert(follower).values(
    {name: sa.bindparam(name, type_=follower.c[name].type) for name in _names}
)
_put = Statement(
    _new.on_conflict_do_update(
        index_elements=["entity", "record_id", "user_id"], set_={"until": _new.excluded.until}
    )
)
_users = sa.bindparam("users", type_=sa.ARRAY(sa.BigInteger))
_of_record = sa.and_(
    follower.c.entity == sa.bindparam("entity", type_=sa.SmallInteger),
    follower.c.record_id == sa.bindparam("record_id", type_=sa.BigInteger),
)
_drop = Statement(sa.delete(follower).where(_of_record, follower.c.user_id == sa.func.any(_users)))
_list = Statement(
    sa.select(
        follower.c.user_id, follower.c.added_by, follower.c.rule, follower.c.since, follower.c.until
    )
    .where(
        _of_record,
        sa.or_(
            follower.c.until.is_(None),
            follower.c.until > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
        ),
    )
    .order_by(follower.c.since, follower.c.user_id)
)
_IDS = sa.bindparam("ids", type_=sa.ARRAY(sa.BigInteger))
_gone = sa.and_(
    follower.c.entity == sa.bindparam("entity", type_=sa.SmallInteger),
    follower.c.record_id == sa.func.any(_IDS),
)
_of_many = Statement(
    sa.select(follower.c.record_id, follower.c.user_id)
    .where(
        _gone,
        sa.or_(
            follower.c.until.is_(None),
            follower.c.until > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
        ),
    )
    .order_by(follower.c.record_id, follower.c.user_id)
)
_move = Statement(
    insert(follower)
    .from_select(
        list(_names),
        sa.select(
            follower.c.entity,
            sa.bindparam("keep", type_=sa.BigInteger),
            *(follower.c[name] for name in _names[2:]),
        ).where(_gone),
    )
    .on_conflict_do_nothing()
)
_drop_all = Statement(sa.delete(follower).where(_gone))


def follow(
    work: Work,
    entity: Entity,
    record_id: int,
    users: Iterable[int],
    *,
    until: datetime | None = None,
) -> None:
    """Have people follow a record; a second time changes until when."""
    _put.many(
        work.connection,
        [
            {
                "entity": work.number(entity.name),
                "record_id": record_id,
                "user_id": user,
                "added_by": work.user_id,
                "rule": work.cause if work.origin == "rule" else None,
                "since": work.now,
                "until": until,
            }
            for user in sorted(set(users))
        ],
    )


def unfollow(work: Work, entity: Entity, record_id: int, users: Iterable[int]) -> int:
    """Have people follow a record no more; return how many did."""
    values = {
        "entity": work.number(entity.name),
        "record_id": record_id,
        "users": sorted(set(users)),
    }
    return _drop.run(work.connection, values).rowcount


def followers_of(work: Work, entity: Entity, record_id: int) -> list[dict[str, Any]]:
    """Return who follows a record: ``user_id added_by rule since until``."""
    values = {"entity": work.number(entity.name), "record_id": record_id, "now": work.now}
    return _list.rows(work.connection, values)


def followers_of_many(work: Work, entity: Entity, ids: Iterable[int]) -> dict[int, list[int]]:
    """Return who follows which of some records."""
    values = {"entity": work.number(entity.name), "ids": sorted(ids), "now": work.now}
    found: dict[int, list[int]] = {}
    for record_id, user_id in _of_many.run(work.connection, values):
        found.setdefault(record_id, []).append(user_id)
    return found


def move_followers(work: Work, entity: Entity, keep: int, ids: Iterable[int]) -> None:
    """Have who followed records that were merged follow the one that stays."""
    values = {"entity": work.number(entity.name), "keep": keep, "ids": sorted(ids)}
    _move.do(work.connection, values)
    _drop_all.do(work.connection, values)
