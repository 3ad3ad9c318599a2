"""Giving records to people: in turn, to the least busy, or at random.

Whoever is away, has left, or has as much as a quota allows is passed over. Those who choose for the
same step wait for each other, so that a hundred leads at once are shared out evenly.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.automation.people import Row, resolve
from app.automation.quotas import why_full
from app.database.automation_tables import turn
from app.definitions.automation import Person
from app.definitions.catalog import Entity
from app.expressions.tree import Checked
from app.records import sharing
from app.records.asking import find_where
from app.records.deleting import pointers_to, pointing_ids
from app.records.statements import Statement
from app.records.transferring import give_to
from app.records.work import Work
from app.texts import Label

How = Literal["in_turn", "least_busy", "random"]

_open_turn = Statement(
    insert(turn)
    .values(key=sa.bindparam("key"), user_id=sa.literal(0, sa.BigInteger))
    .on_conflict_do_nothing()
)
_hold_turn = Statement(
    sa.select(turn.c.user_id).where(turn.c.key == sa.bindparam("key")).with_for_update()
)
_put_turn = Statement(
    sa.update(turn)
    .where(turn.c.key == sa.bindparam("_key"))
    .values(user_id=sa.bindparam("_user", type_=sa.BigInteger))
)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Who may get a record, and why nobody may where it is empty."""

    users: tuple[int, ...]
    #: the last refusal of a quota, where everybody has enough
    full: Label | None = None


def candidates(
    work: Work,
    persons: Sequence[Person],
    evaluate: Callable[[Checked], Any],
    record: Row,
    where: Checked | None = None,
) -> Candidates:
    """Return who is here, fits *where* and has room, in the order of their numbers.

    Where nobody named is here, the deputies of those who are away are asked instead.
    """
    named = resolve(work, persons, evaluate, pass_over_absent=False, record=record)
    here = {one.user_id for one in named if one.user_id is not None and not one.absent}
    if not here:
        stand_in = resolve(work, persons, evaluate, record=record)
        here = {one.user_id for one in stand_in if one.user_id is not None}
    if where is not None and here:
        here &= set(find_where(work, "user", where.root, record))
    entity, row = record
    users, full = [], None
    for user in sorted(one for one in here if one is not None):
        why = why_full(work, entity, row, user, lock=False)
        full = why or full
        if why is None:
            users.append(user)
    return Candidates(tuple(users), full)


def choose(work: Work, key: str, users: Sequence[int], how: How, entity: Entity) -> int | None:
    """Return whose turn it is among *users*; None if there is nobody.

    Args:
        key: names what is shared out: those who choose under one key wait for each other.
    """
    if not users:
        return None
    if how == "random":
        return secrets.choice(list(users))
    _open_turn.run(work.connection, {"key": key})
    held = _hold_turn.run(work.connection, {"key": key}).fetchone()
    assert held is not None
    after = held[0]
    in_turn = sorted(users, key=lambda user: (user <= after, user))
    chosen = in_turn[0]
    if how == "least_busy":
        busy = open_records(work, entity, users)
        chosen = min(in_turn, key=lambda user: busy.get(user, 0))
    _put_turn.run(work.connection, {"_key": key, "_user": chosen})
    return chosen


def open_records(work: Work, entity: Entity, users: Collection[int]) -> Mapping[int, int]:
    """Return how many records that are not at an end each of *users* owns."""
    statement = work.rows.cached(
        ("open-records", entity.name), lambda: _open_statement(work, entity)
    )
    rows = statement.run(work.connection, {"_users": sorted(users)})
    return dict(iter(rows))


def _open_statement(work: Work, entity: Entity) -> Statement:
    table = work.release.tables[entity.name]
    conditions = [
        table.c.owner == sa.func.any(sa.bindparam("_users", type_=sa.ARRAY(sa.BigInteger))),
        table.c.deleted_at.is_(None),
    ]
    for field in entity.fields.values():
        final = [option.name for option in field.options if option.final]
        if field.type.name == "stage" and final and not field.removed:
            column = table.c[field.name]
            conditions.append(sa.or_(column.is_(None), column.not_in(final)))
    counted = sa.select(table.c.owner, sa.func.count()).where(*conditions)
    return Statement(counted.group_by(table.c.owner))


def assign_to(
    work: Work,
    entity: Entity,
    row: Mapping[str, Any],
    owner: int,
    *,
    along: Iterable[str] = (),
    readable_until: datetime | None = None,
) -> int:
    """Give a record to a person, with what hangs on it by the links in *along*.

    Of that, only what has the owner the record had. Neither stages nor links change.

    Args:
        readable_until: so long the former owner may go on reading; None: not.
    """
    work.open_change_set("transfer")
    former, record_id = row.get("owner"), int(row["id"])
    given: list[tuple[Entity, list[int]]] = []
    for name, ids in owned_along(work, entity, record_id, along, former):
        given.append((name, ids))
    given.append((entity, [record_id]))
    changed = 0
    for kind, ids in given:
        changed += give_to(work, kind, ids, owner)
    if readable_until is not None and former is not None and former != owner:
        for kind, ids in given:
            for number in ids:
                sharing.share_with(
                    work, kind, number, [former], may_edit=False, until=readable_until
                )
        work.shares_changed()
    return changed


def owned_along(
    work: Work, entity: Entity, record_id: int, along: Iterable[str], owner: int | None
) -> list[tuple[Entity, list[int]]]:
    """Return what hangs on a record by links (`contact.customer`) and belongs to *owner*."""
    wanted = set(along)
    found: dict[str, tuple[Entity, set[int]]] = {}
    for pointer in pointers_to(work.release.catalog, entity.name) if wanted else ():
        if f"{pointer.entity.name}.{pointer.field.name}" not in wanted or not pointer.entity.owned:
            continue
        ids = pointing_ids(work, pointer, entity.name, [record_id])
        rows = work.rows[pointer.entity.name].read(work.connection, ids)
        theirs = {number for number, one in rows.items() if one["owner"] == owner}
        _, known = found.setdefault(pointer.entity.name, (pointer.entity, set()))
        known |= theirs
    return [(kind, sorted(ids)) for kind, ids in found.values() if ids]
