"""What people do with pools: release, claim, give to somebody, look. One transaction each.

Screens and the API ask here. Several records at once are taken one by one: what cannot be done is
told for each, and the others go through.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from app.access.principal import Principal
from app.automation.pieces import each_in_pieces
from app.automation.pools import (
    Event,
    Leaving,
    check_reason,
    events_of,
    get_pool,
    leaving,
    pool_named,
    put_into_pool,
    take_from_pool,
)
from app.automation.taking import claimed_today, hold_for_claim, look_at, why_not_claim
from app.definitions.automation import Pool
from app.definitions.catalog import Entity
from app.errors import Forbidden, InvalidInput, TrellisError
from app.records.checking import allowed_ids
from app.records.door import Records
from app.records.transactions import entity_of
from app.records.transferring import check_new_owner
from app.records.work import Work
from app.texts import Label, say

#: More records than this in one go are refused.
MOST = 500


@dataclass(slots=True)
class Done:
    """What became of several records."""

    ids: list[int] = field(default_factory=list)
    #: why the others were left as they are
    refused: dict[int, TrellisError] = field(default_factory=dict)

    def raise_first(self) -> None:
        """Raise the first refusal where nothing at all was done.

        Raises:
            TrellisError: see there.
        """
        if self.refused and not self.ids:
            raise next(iter(self.refused.values()))


@dataclass(frozen=True, slots=True)
class Standing:
    """How a record stands with the pools, for whoever looks at its page."""

    #: the pool it lies in
    pool: Pool | None = None
    #: the person may claim it as far as membership goes; what else stands in the way
    may_claim: bool = False
    why_not: Label | None = None
    #: the person may give it to somebody, or move it
    keeps: bool = False
    #: pools it may be released to
    targets: tuple[Pool, ...] = ()
    #: when it goes into a pool by itself
    leaving: Leaving | None = None
    #: fields that are closed until it is claimed
    hidden: tuple[str, ...] = ()
    previous_owner: str | None = None
    events: tuple[Event, ...] = ()
    claimed_today: int = 0


class PoolDesk:
    """Releases and claims for whoever asks."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def release(
        self,
        principal: Principal,
        entity: str,
        ids: Iterable[int],
        *,
        pool: str | None = None,
        reason: str | None = None,
        origin: str = "api",
    ) -> Done:
        """Put records into a pool, each into the first that takes it unless one is named.

        Raises:
            TrellisError: nothing could be done; why, for the first.
        """

        def one(work: Work, kind: Entity, record_id: int) -> None:
            release_one(work, kind, record_id, pool, reason)

        return self._each(principal, entity, ids, origin, one)

    def claim(
        self, principal: Principal, entity: str, ids: Iterable[int], *, origin: str = "api"
    ) -> Done:
        """Take records out of their pools for oneself.

        Raises:
            TrellisError: nothing could be done; why, for the first.
        """
        return self._each(principal, entity, ids, origin, claim_one)

    def assign(
        self,
        principal: Principal,
        entity: str,
        ids: Iterable[int],
        owner: int,
        *,
        origin: str = "api",
    ) -> Done:
        """Give records of a pool to a person, as one who looks after the pool.

        Raises:
            TrellisError: nothing could be done; why, for the first.
        """

        def one(work: Work, kind: Entity, record_id: int) -> None:
            assign_one(work, kind, record_id, owner)

        return self._each(principal, entity, ids, origin, one)

    def look(self, principal: Principal, entity: str, record_id: int) -> None:
        """Count a look at a record of a pool.

        Raises:
            TooManyRequests: there were enough today.
        """
        if set(principal.pools) <= set(principal.pools_kept):
            return

        def step(work: Work) -> None:
            kind = entity_of(work.release, entity)
            row = work.rows[entity].read(work.connection, [record_id]).get(record_id)
            if row is None or row.get("owner") is not None or not row.get("pool"):
                return
            if row["pool"] in principal.pools and row["pool"] not in principal.pools_kept:
                look_at(work, kind, row)

        self._records.writer.transact(principal, step)

    def standing(self, principal: Principal, entity: str, record_id: int) -> Standing:
        """Return how a record that the person may read stands with the pools."""
        kind = self._records.policy(principal).catalog.entities[entity]
        if not self._records.policy(principal).catalog.automation.pools_of(entity):
            return Standing()

        def step(work: Work) -> Standing:
            row = work.rows[entity].read(work.connection, [record_id]).get(record_id)
            return Standing() if row is None else _standing(work, kind, row)

        return self._records.writer.transact(principal, step)

    def _each(
        self, principal: Principal, entity: str, ids: Iterable[int], origin: str, one: Any
    ) -> Done:
        wanted = sorted(set(ids))
        if len(wanted) > MOST:
            raise InvalidInput(
                message=say(
                    "At most {most} records at once.", "一次最多 {most} 条记录。", most=MOST
                )
            )

        def each(work: Work, record_id: int) -> None:
            kind = entity_of(work.release, entity)
            if not kind.owned:
                raise InvalidInput(message=_no_owner(kind))
            one(work, kind, record_id)

        transact = self._records.writer.transact
        found = each_in_pieces(transact, principal, wanted, each, kind="pool", origin=origin)
        done = Done()
        for record_id, refused in found.items():
            if refused is None:
                done.ids.append(record_id)
            else:
                done.refused[record_id] = refused
        done.raise_first()
        return done


def release_one(
    work: Work, entity: Entity, record_id: int, pool: str | None, reason: str | None
) -> Pool:
    """Put a record into a pool, if whoever asks may let go of it."""
    row = work.writer.locked(work, entity.name, [record_id], "read")[record_id]
    if not _may_let_go(work, entity, row):
        raise Forbidden(
            say(
                "You may release your own records, and those you may transfer.",
                "您只能释放自己负责的记录，或您有权转移的记录。",
            )
        )
    target = get_pool(work, entity, pool, row)
    if row["owner"] is None and row.get("pool") == target.name:
        raise InvalidInput(
            message=say("It lies in {pool} already.", "它已经在“{pool}”中。", pool=target.label)
        )
    check_reason(work, entity, target, reason, is_needed=row["owner"] is not None)
    put_into_pool(work, entity, row, target, reason=reason)
    return target


def claim_one(work: Work, entity: Entity, record_id: int) -> None:
    """Take a record out of its pool for whoever asks."""
    user_id = work.principal.user_id
    if user_id is None:
        raise Forbidden(say("Only a person can claim.", "只有用户可以领取。"))
    row = hold_for_claim(work, entity, record_id)
    why = why_not_claim(work, entity, row, user_id)
    if why is not None:
        raise why
    take_from_pool(work, entity, row, user_id)


def assign_one(work: Work, entity: Entity, record_id: int, owner: int) -> None:
    """Give a record of a pool to a person."""
    row = work.writer.locked(work, entity.name, [record_id], "read")[record_id]
    if row["owner"] is not None or not row.get("pool"):
        raise InvalidInput(
            message=say(
                "It lies in no public sea; transfer it instead.", "它不在公海中，请使用转移。"
            )
        )
    if not _looks_after(work, entity, row):
        raise Forbidden(
            say(
                "Only those who look after the public sea may give its records to others.",
                "只有公海管理员可以分配其中的记录。",
            )
        )
    check_new_owner(work, owner)
    take_from_pool(work, entity, row, owner, action="assign")


def _no_owner(entity: Entity) -> Label:
    return say("Records of {entity} have no owner.", "{entity}没有负责人。", entity=entity.label)


def _looks_after(work: Work, entity: Entity, row: dict[str, Any]) -> bool:
    principal = work.principal
    if principal.is_system or row.get("pool") in principal.pools_kept:
        return True
    return bool(allowed_ids(work, entity.name, {int(row["id"]): row}, "transfer"))


def _may_let_go(work: Work, entity: Entity, row: dict[str, Any]) -> bool:
    me = work.principal.user_id
    if row["owner"] is not None and row["owner"] == me:
        return work.policy.may("update", entity.name)
    return _looks_after(work, entity, row)


def _standing(work: Work, entity: Entity, row: dict[str, Any]) -> Standing:
    principal = work.principal
    pools = work.release.catalog.automation.pools_of(entity.name)
    people = work.organisation.snapshot().people
    previous = people.get(row["previous_owner"]) if row.get("previous_owner") else None
    lies_in = pool_named(work, entity, row.get("pool")) if row["owner"] is None else None
    may_let_go = _may_let_go(work, entity, row)
    shown = Standing(
        pool=lies_in,
        targets=tuple(one for one in pools if one is not lies_in) if may_let_go else (),
        leaving=leaving(work, entity, row),
        previous_owner=previous.name if previous is not None else None,
        events=tuple(events_of(work, entity, int(row["id"]))),
    )
    if lies_in is None:
        return shown
    is_member = lies_in.name in principal.pools
    why = (
        why_not_claim(work, entity, row, principal.user_id, lock=False)
        if is_member and principal.user_id is not None
        else None
    )
    keeps = _looks_after(work, entity, row)
    return Standing(
        pool=lies_in,
        may_claim=is_member,
        why_not=_label(why) if why is not None else None,
        keeps=keeps,
        targets=shown.targets,
        hidden=lies_in.hide if is_member and lies_in.name not in principal.pools_kept else (),
        previous_owner=shown.previous_owner,
        events=shown.events,
        claimed_today=claimed_today(work, lies_in, principal.user_id or 0),
    )


def _label(error: TrellisError) -> Label:
    return error.message if isinstance(error.message, Label) else Label({"en": str(error)})
