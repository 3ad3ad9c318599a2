"""Sharing a record with a person, to read or to edit, until a day or for good."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.access.principal import Principal
from app.database import system
from app.definitions.catalog import Entity
from app.records.statements import Statement
from app.records.work import Work

_share = system.share
_names = ("entity", "record_id", "user_id", "may_edit", "until", "shared_by", "shared_at")
_put = insert(_share).values(
    {name: sa.bindparam(name, type_=_share.c[name].type) for name in _names}
)
_put_share = Statement(
    _put.on_conflict_do_update(
        index_elements=["entity", "record_id", "user_id"],
        set_={name: _put.excluded[name] for name in _names[3:]},
    )
)
_drop_share = Statement(
    sa.delete(_share).where(
        _share.c.entity == sa.bindparam("entity"),
        _share.c.record_id == sa.bindparam("record_id"),
        _share.c.user_id == sa.func.any(sa.bindparam("users", type_=sa.ARRAY(sa.BigInteger))),
    )
)
_team = Statement(
    sa.select(_share.c.user_id, _share.c.may_edit, _share.c.until, _share.c.shared_by)
    .where(
        _share.c.entity == sa.bindparam("entity"),
        _share.c.record_id == sa.bindparam("record_id"),
    )
    .order_by(_share.c.shared_at, _share.c.user_id)
)


def share_with(
    work: Work,
    entity: Entity,
    record_id: int,
    users: Iterable[int],
    *,
    may_edit: bool,
    until: datetime | None,
) -> None:
    """Share a record; a second time replaces what was said before."""
    number, people = work.number(entity.name), sorted(set(users))
    for user in people:
        work.shared.notes.setdefault(("shared with", user), set()).add(number)
    _put_share.many(
        work.connection,
        [
            {
                "entity": number,
                "record_id": record_id,
                "user_id": user,
                "may_edit": may_edit,
                "until": until,
                "shared_by": work.user_id,
                "shared_at": work.now,
            }
            for user in people
        ],
    )


def with_new_shares(work: Work, principal: Principal) -> Principal:
    """Return somebody as of the end of this transaction: what it shares with them is asked for."""
    new = work.shared.notes.get(("shared with", principal.user_id))
    return replace(principal, shared=principal.shared | new) if new else principal


def unshare_with(work: Work, entity: Entity, record_id: int, users: Iterable[int]) -> None:
    """Take a record back from people."""
    _drop_share.run(
        work.connection,
        {
            "entity": work.number(entity.name),
            "record_id": record_id,
            "users": sorted(set(users)),
        },
    )


def team_of(work: Work, entity: Entity, record_id: int) -> list[dict[str, Any]]:
    """Return whom a record is shared with."""
    return _team.rows(
        work.connection,
        {"entity": work.number(entity.name), "record_id": record_id},
    )
