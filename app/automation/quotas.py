"""Quotas: how many records a person may own.

Asked after every write that gives somebody a record that counts: created, imported, transferred,
claimed, restored, or changed so that it counts now. Whoever is counted waits for others who give
records to the same person, so that two together cannot exceed what each alone may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from app.access.sources import TableSource
from app.definitions.automation import Quota
from app.definitions.catalog import Entity
from app.errors import InvalidInput
from app.records.asking import parameters_of_app
from app.records.checking import lock_for, truth
from app.records.conditions import Linked, WriteContext
from app.records.reactions import Refused
from app.records.statements import Statement
from app.records.work import Work
from app.texts import Label, say

if TYPE_CHECKING:
    from app.records.drafts import Draft, Problems
    from app.records.reactions import Change, NewRecords

_GIVING = frozenset({"create", "update", "transfer", "claim", "restore", "merge"})


class Quotas:
    """Listens to writes and refuses what would be more than somebody may own."""

    def concerns(self, work: Work, entity: str) -> bool:
        """Return whether any quota counts records of the entity."""
        return bool(quotas_of(work, entity))

    def before_write(
        self, work: Work, draft: Draft, old_row: Mapping[str, Any] | None, problems: Problems
    ) -> None:
        """Do nothing: what counts is known once the record is written."""

    def after_write(self, work: Work, change: Change) -> None:
        """Refuse a write that makes somebody own too many.

        Raises:
            InvalidInput: beside the owner, with how many of how many there are.
        """
        owner = change.row.get("owner")
        if owner is None or change.action not in _GIVING or change.row.get("deleted_at"):
            return
        for quota in quotas_of(work, change.entity.name):
            if not _is_for(work, quota, owner) or not _counts(
                work, quota, change.entity, change.row
            ):
                continue
            if _counted_before(work, quota, change):
                continue
            why = _too_many(work, quota, change.entity, change.row, coming=0)
            if why is not None:
                raise InvalidInput({"owner": [why]})

    def after_many(self, work: Work, new: NewRecords) -> None:
        """Count once for each owner.

        Raises:
            Refused: with the records of all who would have too many.
        """
        for quota in quotas_of(work, new.entity.name):
            given: dict[int, list[Mapping[str, Any]]] = {}
            for row in new.rows:
                if row.get("owner") is not None:
                    given.setdefault(row["owner"], []).append(row)
            too_many: list[int] = []
            for owner in sorted(given):
                if _is_for(work, quota, owner):
                    counted = [row for row in given[owner] if _counts(work, quota, new.entity, row)]
                    if _are_too_many(work, quota, new.entity, owner, counted):
                        too_many += [row["id"] for row in counted]
            if too_many:
                raise Refused(too_many)


def _are_too_many(
    work: Work, quota: Quota, entity: Entity, owner: int, rows: Sequence[Mapping[str, Any]]
) -> bool:
    """Return whether somebody owns more than they may with records that are written already."""
    allowed = {_most(work, quota, entity, row) for row in rows}
    limits = [one for one in allowed if one is not None]
    if not limits:
        return False
    lock_for(work, f"quota:{quota.name}:{owner}")
    count = _count(work, quota, entity, owner)
    work.shared.notes["quota", quota.name, owner] = count
    return count > min(limits)


def why_full(
    work: Work, entity: Entity, row: Mapping[str, Any], user_id: int, *, lock: bool = True
) -> Label | None:
    """Return why a person may not be given a record as well; None: there is room.

    Args:
        row: the record, whoever owns it now.
    """
    if row.get("owner") == user_id:
        return None
    theirs = {**row, "owner": user_id}
    for quota in quotas_of(work, entity.name):
        if _is_for(work, quota, user_id) and _counts(work, quota, entity, theirs):
            why = _too_many(work, quota, entity, theirs, coming=1, lock=lock)
            if why is not None:
                return why
    return None


def standing(work: Work, entity: Entity, user_id: int) -> list[tuple[Quota, int, int]]:
    """Return each quota of a person with how many records there are and how many may be."""
    found = []
    for quota in quotas_of(work, entity.name):
        most = _most(work, quota, entity, {"owner": user_id})
        if most is not None and _is_for(work, quota, user_id):
            found.append((quota, _count(work, quota, entity, user_id), most))
    return found


def quotas_of(work: Work, entity: str) -> tuple[Quota, ...]:
    """Return the quotas in force for an entity."""
    quotas = work.release.catalog.automation.quotas.values()
    return tuple(one for one in quotas if one.entity == entity and not one.off)


def _is_for(work: Work, quota: Quota, user_id: int) -> bool:
    person = work.organisation.snapshot().people.get(user_id)
    return person is not None and (not quota.for_ or bool(person.roles & set(quota.for_)))


def _context(work: Work, entity: Entity, row: Mapping[str, Any]) -> WriteContext:
    return WriteContext(work, Linked(work), entity, row)


def _counts(work: Work, quota: Quota, entity: Entity, row: Mapping[str, Any]) -> bool:
    return truth(_context(work, entity, row), work.rows.closures, quota.where)


def _counted_before(work: Work, quota: Quota, change: Change) -> bool:
    old = change.old_row
    if old is None or change.action == "restore" or old.get("owner") != change.row["owner"]:
        return False
    return _counts(work, quota, change.entity, old)


def _most(work: Work, quota: Quota, entity: Entity, row: Mapping[str, Any]) -> int | None:
    most = work.rows.closures.of(quota.max)(_context(work, entity, row))
    return None if most is None else int(most)


def _too_many(
    work: Work,
    quota: Quota,
    entity: Entity,
    row: Mapping[str, Any],
    *,
    coming: int,
    lock: bool = True,
) -> Label | None:
    """Return the refusal where the owner of *row* has too many with *coming* more."""
    owner = int(row["owner"])
    most = _most(work, quota, entity, row)
    if most is None:
        return None
    if lock:
        lock_for(work, f"quota:{quota.name}:{owner}")
    # In one transaction the first count is carried on; before a refusal it is made anew.
    key = ("quota", quota.name, owner)
    known = work.shared.notes.get(key)
    if known is not None and not coming and known + 1 <= most:
        work.shared.notes[key] = known + 1
        return None
    count = _count(work, quota, entity, owner)
    if lock and not coming:
        work.shared.notes[key] = count
    if count + coming <= most:
        return None
    return _refusal(work, quota, owner, count + coming - 1, most)


def _count(work: Work, quota: Quota, entity: Entity, owner: int) -> int:
    statement = work.rows.cached(
        ("quota", quota.name), lambda: _count_statement(work, quota, entity)
    )
    values = {**work.asker, **parameters_of_app(work), "_owner": owner}
    row = statement.run(work.connection, values).fetchone()
    assert row is not None
    return int(row[0])


def _count_statement(work: Work, quota: Quota, entity: Entity) -> Statement:
    table = work.release.tables[entity.name].alias()
    conditions = [
        table.c.owner == sa.bindparam("_owner", type_=sa.BigInteger),
        table.c.deleted_at.is_(None),
    ]
    if quota.where is not None:
        conditions.append(TableSource(work.release, entity.name, table).holds(quota.where))
    return Statement(sa.select(sa.func.count()).select_from(table).where(*conditions))


def _refusal(work: Work, quota: Quota, owner: int, count: int, most: int) -> Label:
    label = quota.label or work.release.catalog.entities[quota.entity].label
    if owner == work.principal.user_id:
        return say(
            "You have {count} of at most {most} ({quota}) already. "
            "Hand one over or release one first.",
            "您已有 {count} 条，上限为 {most} 条（{quota}）。请先转移或释放一些。",
            count=count,
            most=most,
            quota=label,
        )
    return say(
        "{name} has {count} of at most {most} ({quota}) already. Choose somebody else, or hand "
        "something over first.",
        "{name} 已有 {count} 条，上限为 {most} 条（{quota}）。请另选他人，或先转移一些。",
        name=work.organisation.snapshot().people[owner].name or f"#{owner}",
        count=count,
        most=most,
        quota=label,
    )
