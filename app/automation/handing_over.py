"""Hand-over: everything of somebody who leaves goes to one colleague, or to several in turn.

One change set over all entities. Records that hang on each other go to the same colleague. Owners
change, and what waits for the person: neither stages nor links, nor who made what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import sqlalchemy as sa

from app.access.principal import SYSTEM, Principal
from app.access.sources import is_any_link
from app.automation.quotas import why_full
from app.database.automation_tables import absence, approval_task
from app.definitions.catalog import Entity
from app.errors import Forbidden, InvalidInput, NotFound
from app.records.acting import Acting
from app.records.checking import visible_ids
from app.records.door import Records
from app.records.statements import Statement
from app.records.transferring import check_new_owner, give_to
from app.records.work import Work
from app.texts import Label, say

#: A record, by entity and number.
Key = tuple[str, int]

_user = sa.bindparam("_user", type_=sa.BigInteger)
_heir = sa.bindparam("_heir", type_=sa.BigInteger)
_moment = absence.c.since.type
_questions = Statement(
    sa.select(sa.func.count())
    .select_from(approval_task)
    .where(approval_task.c.user_id == _user, approval_task.c.state == "waiting")
)
_no_absence = Statement(sa.delete(absence).where(absence.c.user_id == _user))
_stands_in = Statement(
    sa.insert(absence).values(
        user_id=_user, since=sa.bindparam("_now", type_=_moment), until=sa.null(), deputy=_heir
    )
)
_deputies = Statement(
    sa.update(absence)
    .where(absence.c.deputy == _user, absence.c.user_id != _heir)
    .values(deputy=_heir)
)
_no_deputies = Statement(
    sa.update(absence).where(absence.c.deputy == _user).values(deputy=sa.null())
)


class Questions(Protocol):
    """The part of ``approvals.door.Approvals`` that is needed here."""

    def hand_on_of(self, work: Work, user: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Left:
    """What belongs to a person."""

    #: by entity, those there are any of
    records: Mapping[str, int] = field(default_factory=dict)
    #: approvals that wait for the person
    questions: int = 0
    #: people who report to the person, and departments the person is head of
    people: int = 0
    departments: int = 0

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to hand over."""
        return not (self.records or self.questions or self.people or self.departments)


class HandingOver:
    """Counts what somebody leaves behind, and hands it over."""

    def __init__(self, records: Records, questions: Questions) -> None:
        self._records = records
        self._questions = questions

    def left(self, principal: Principal, leaver: int) -> Left:
        """Return what there is to hand over.

        Raises:
            NotFound: there is no such person.
            Forbidden: the asker neither administers nor is above that person.
        """

        def step(work: Work) -> Left:
            _check_rights(work, leaver)
            owned = {name: len(rows) for name, rows in _owned(work, leaver).items() if rows}
            waiting = _questions.run(work.connection, {"_user": leaver}).fetchone()
            reports, headed = _led(work, leaver)
            return Left(owned, int(waiting[0]) if waiting else 0, len(reports), len(headed))

        return self._records.writer.transact(principal, step)

    def hand_over(
        self,
        principal: Principal,
        leaver: int,
        heirs: Sequence[int],
        *,
        entities: Sequence[str] | None = None,
        people: bool = True,
        origin: str = "screen",
    ) -> Left:
        """Hand over everything, or the records of some entities; return what was.

        Args:
            heirs: who gets the records, in turn; the first gets what waits for the person.
            people: who reports to the person reports to the first heir, if an administrator asks.

        Raises:
            NotFound, Forbidden: as in `left`.
            InvalidInput: an heir does not work here, or has as much as a quota allows.
        """
        chosen = list(dict.fromkeys(heirs))

        def step(work: Work) -> Left:
            _check_rights(work, leaver)
            _check_heirs(work, leaver, chosen)
            work.open_change_set("handover")
            records = _give_records(work, leaver, chosen, entities)
            questions = self._pass_on(work, leaver, chosen[0])
            led = (0, 0)
            if people and principal.is_admin:
                led = _pass_people(work, leaver, chosen[0])
            return Left(records, questions, *led)

        name = self._records.writer
        return name.transact(principal, step, origin=origin, note=_note(principal, leaver))

    def elsewhere(self, principal: Principal, user_id: int, department: int | None) -> int:
        """Return how many records of a person lie with another department."""

        def step(work: Work) -> int:
            _check_rights(work, user_id)
            return sum(len(ids) for ids in _elsewhere(work, user_id, department).values())

        return self._records.writer.transact(principal, step)

    def bring_along(
        self, principal: Principal, user_id: int, *, origin: str = "screen"
    ) -> dict[str, int]:
        """Put the records of a person with the person's department; return how many, by entity.

        Raises:
            NotFound, Forbidden: as in `left`.
        """

        def step(work: Work) -> dict[str, int]:
            _check_rights(work, user_id)
            department = work.department_of(user_id)
            work.open_change_set("handover")
            return {
                name: give_to(
                    work,
                    work.release.catalog.entities[name],
                    ids,
                    user_id,
                    action="update",
                    columns={"owner_department": department},
                )
                for name, ids in _elsewhere(work, user_id, department).items()
            }

        writer = self._records.writer
        note = f"moved with user {user_id} by {principal.name}"
        return writer.transact(principal, step, origin=origin, note=note)

    def _pass_on(self, work: Work, leaver: int, heir: int) -> int:
        """Have the heir stand in for the person from now on, and answer what waits."""
        connection, user = work.connection, {"_user": leaver}
        _no_absence.do(connection, user)
        _stands_in.do(connection, {**user, "_now": work.now, "_heir": heir})
        _deputies.do(connection, {**user, "_heir": heir})
        _no_deputies.do(connection, user)
        work.shared.notes.pop("absences", None)
        return self._questions.hand_on_of(work, leaver)


def _note(principal: Principal, leaver: int) -> str:
    return f"hand-over of user {leaver} by {principal.name}"


def _check_rights(work: Work, leaver: int) -> None:
    if leaver not in work.organisation.snapshot().people:
        raise NotFound
    principal = work.principal
    is_above = leaver in principal.subordinates and leaver != principal.user_id
    if not (principal.is_admin or is_above):
        raise Forbidden(
            say(
                "Only administrators and those above a person may hand over what is theirs.",
                "只有管理员和上级可以交接某人的全部数据。",
            )
        )


def _check_heirs(work: Work, leaver: int, heirs: Sequence[int]) -> None:
    if not heirs:
        raise InvalidInput({"heirs": [say("Choose who takes it over.", "请选择接收人。")]})
    if leaver in heirs:
        sentence = say("Choose somebody else.", "请选择其他人。")
        raise InvalidInput({"heirs": [sentence]}, sentence)
    for heir in heirs:
        check_new_owner(work, heir, "heirs")


# -- records -------------------------------------------------------------------------------------


def _owned(
    work: Work, leaver: int, entities: Sequence[str] | None = None
) -> dict[str, dict[int, dict[str, Any]]]:
    """Return the records of a person that whoever asks may transfer, by entity and number."""
    found = {}
    for name, entity in work.release.catalog.entities.items():
        if not entity.owned or entity.lines_of is not None:
            continue
        if entities is not None and name not in entities:
            continue
        if not work.policy.may("transfer", name):
            continue
        rows = _rows_of(work, entity, leaver)
        allowed = visible_ids(work, name, rows, "transfer") if not work.policy.is_admin else rows
        found[name] = {number: row for number, row in rows.items() if number in allowed}
    return found


def _rows_of(work: Work, entity: Entity, leaver: int) -> dict[int, dict[str, Any]]:
    """Return the owned records with where their links lead: no more columns than that."""
    table = work.release.tables[entity.name]

    def build() -> Statement:
        columns = [table.c.id, *(table.c[name] for name in _links(entity) if name in table.c)]
        return Statement(
            sa.select(*columns).where(table.c.owner == _user, table.c.deleted_at.is_(None))
        )

    statement = work.rows.cached(("owned-by", entity.name), build)
    return {row["id"]: row for row in statement.rows(work.connection, {"_user": leaver})}


def _elsewhere(work: Work, user_id: int, department: int | None) -> dict[str, list[int]]:
    """Return the records of a person that lie with another department, by entity."""
    found = {}
    for name in _owned(work, user_id):
        table = work.release.tables[name]

        def build(table: sa.Table = table) -> Statement:
            return Statement(
                sa.select(table.c.id)
                .where(
                    table.c.owner == _user,
                    table.c.deleted_at.is_(None),
                    table.c.owner_department.is_distinct_from(
                        sa.bindparam("_department", type_=sa.BigInteger)
                    ),
                )
                .order_by(table.c.id)
            )

        statement = work.rows.cached(("elsewhere", name), build)
        values = {"_user": user_id, "_department": department}
        ids = [row[0] for row in statement.run(work.connection, values)]
        if ids:
            found[name] = ids
    return found


def _links(entity: Entity) -> tuple[str, ...]:
    """Return the links that lead to one record of one entity, needed ones first."""
    links = [
        field
        for field in entity.fields.values()
        if not field.built_in
        and field.type.stored
        and not field.type.many
        and len(field.type.targets(field)) == 1
        and not is_any_link(field)
    ]
    links.sort(key=lambda one: one.required is not True)
    return tuple(one.name for one in links)


class _Sharing:
    """Decides who gets which record."""

    def __init__(
        self, work: Work, heirs: Sequence[int], owned: dict[str, dict[int, dict[str, Any]]]
    ) -> None:
        self._work = work
        self._heirs = list(heirs)
        self._owned = owned
        self._given: dict[Key, int] = {}
        self._next = 0

    def heir_of(self, key: Key, way: tuple[Key, ...] = ()) -> int:
        """Return who gets a record: who gets the record it hangs on, or whose turn it is."""
        known = self._given.get(key)
        if known is not None:
            return known
        above = self._above(key, way)
        heir = self.heir_of(above, (*way, key)) if above is not None else self._in_turn()
        self._given[key] = heir
        return heir

    def _above(self, key: Key, way: tuple[Key, ...]) -> Key | None:
        name, number = key
        entity, row = self._work.release.catalog.entities[name], self._owned[name][number]
        for link in _links(entity):
            field = entity.fields[link]
            target = (field.type.targets(field)[0], row.get(link))
            if target[1] in self._owned.get(target[0], ()) and target not in (*way, key):
                return target  # type: ignore[return-value]
        return None

    def _in_turn(self) -> int:
        heir = self._heirs[self._next % len(self._heirs)]
        self._next += 1
        return heir


def _give_records(
    work: Work, leaver: int, heirs: Sequence[int], entities: Sequence[str] | None
) -> dict[str, int]:
    owned = _owned(work, leaver, entities)
    sharing = _Sharing(work, heirs, owned)
    counts: dict[str, int] = {}
    for name, rows in owned.items():
        entity = work.release.catalog.entities[name]
        by_heir: dict[int, list[int]] = {}
        for number in sorted(rows):
            by_heir.setdefault(sharing.heir_of((name, number)), []).append(number)
        for heir, numbers in by_heir.items():
            _check_room(work, entity, numbers, heir)
            counts[name] = counts.get(name, 0) + give_to(work, entity, numbers, heir)
    return {name: count for name, count in counts.items() if count}


def _check_room(work: Work, entity: Entity, numbers: Sequence[int], heir: int) -> None:
    """Say early, and beside the heirs, that a quota is full; the write would be refused anyway."""
    row = work.rows[entity.name].read(work.connection, numbers[:1]).get(numbers[0])
    why: Label | None = why_full(work, entity, row, heir) if row is not None else None
    if why is not None:
        raise InvalidInput({"heirs": [why]}, why)


# -- people --------------------------------------------------------------------------------------


def _led(work: Work, leaver: int) -> tuple[list[int], list[int]]:
    """Return who reports to a person, and which departments the person is head of."""
    snapshot = work.organisation.snapshot()
    reports = [one.id for one in snapshot.people.values() if one.manager == leaver]
    headed = [one for one in snapshot.departments if snapshot.head_of(one) == leaver]
    return reports, headed


def _pass_people(work: Work, leaver: int, heir: int) -> tuple[int, int]:
    reports, headed = _led(work, leaver)
    acting = Acting(work.acting_as(SYSTEM, origin=work.origin, cause=None, behalf=work.user_id))
    snapshot = work.organisation.snapshot()
    # The heir cannot report to themselves, nor to somebody below.
    is_below = heir in snapshot.subordinates(leaver)
    if is_below:
        acting.update("user", heir, {"manager": snapshot.people[leaver].manager})
    for number in reports:
        if number != heir:
            acting.update("user", number, {"manager": heir})
    for number in headed:
        acting.update("department", number, {"head": heir})
    if reports or headed:
        work.people_changed()
    return len(reports), len(headed)
