"""What is done for persons: looking, taking along, correcting, anonymising, holding.

Each is one transaction that also writes the line in the register. Anonymising cannot be undone:
what was there is nowhere afterwards, and the list beside the backups keeps it so.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.access.principal import SYSTEM, Principal
from app.backups.faults import BackupFault
from app.backups.places import Place
from app.database import audit
from app.database.personal_tables import personal_act, personal_hold
from app.database.statements import Statement
from app.database.system import history
from app.definitions.catalog import Entity
from app.errors import Forbidden, InvalidInput, Malformed, NotFound
from app.personal import finding, redo
from app.personal.finding import Findings
from app.personal.reads import Read, who_read
from app.personal.taking_along import Part, packed, part_of
from app.records.anonymising import Forgotten, anonymise
from app.records.checking import visible_ids
from app.records.door import Records
from app.records.files import FileStore
from app.records.personal_acts import LONGEST, note_act
from app.records.personal_fields import answers_for_persons, personal_fields
from app.records.traces import leaves
from app.records.transactions import entity_of
from app.records.work import Work
from app.texts import Label, say

_log = logging.getLogger(__name__)
#: ids by entity
Chosen = Mapping[str, Sequence[int]]
_RIGHT = "anonymise"
#: More records than these are no person.
MOST = 200


@dataclass(frozen=True, slots=True)
class Act:
    """A line of the register."""

    id: int
    kind: str
    user_id: int | None
    happened_at: datetime
    why: str
    records: Mapping[str, Sequence[int]]
    counts: Mapping[str, int]


class PersonalData:
    """The desk at which requests of persons are answered."""

    def __init__(self, records: Records, pools: Any, files: FileStore, backups: Place) -> None:
        """Take the door, the files, and where backups are kept."""
        self._records, self._pools = records, pools
        self._files, self._backups = files, backups

    def may_answer(self, principal: Principal) -> bool:
        """Return whether somebody has anything to do here."""
        return answers_for_persons(self._records.policy(principal))

    # -- looking -----------------------------------------------------------------------------------

    def find(
        self, principal: Principal, text: str, *, deeply: bool = False, address: str | None = None
    ) -> Findings:
        """Return everything about a person, by name, telephone number or e-mail address.

        Raises:
            Forbidden: the asker may not look for persons.
            Malformed: the text is nobody's.
        """

        def step(work: Work) -> Findings:
            found = finding.find(work, text, deeply=deeply)
            self._noted(work, "found", "", _ids(found), address)
            return found

        return self._records.transact(principal, step, origin="screen")

    def about(self, principal: Principal, entity: str, record_id: int) -> list[str]:
        """Return by what the person of a record can be looked for: its numbers, addresses, names.

        Raises:
            NotFound: there is no such record for which the asker may answer.
        """

        def step(work: Work) -> list[str]:
            kind = entity_of(work.release, entity)
            require_all(work, kind, [record_id])
            own = work.rows[entity]
            values = own.values(own.read(work.connection, [record_id])[record_id])
            words: list[str] = []
            for name in personal_fields(kind, work.release.catalog.entities):
                one, value = kind.fields[name], values.get(name)
                if value is not None and work.policy.is_readable(entity, name):
                    words += leaves(one, one.type.to_json(one, value))
            return list(dict.fromkeys(words))

        return self._records.transact(principal, step)

    # -- taking along, correcting ------------------------------------------------------------------

    def export(
        self, principal: Principal, chosen: Chosen, why: str, *, address: str | None = None
    ) -> IO[bytes]:
        """Return a zip of everything kept about a person, to be closed by whoever sends it.

        Raises:
            Forbidden, NotFound: the asker may not answer for one of the records.
        """

        def step(work: Work) -> list[Part]:
            wanted = self._wanted(work, chosen)
            reason = _reason(why)
            parts = [part_of(work, entity, ids) for entity, ids in wanted]
            self._noted(work, "exported", reason, chosen, address)
            return parts

        parts = self._records.transact(principal, step, origin="screen")
        return packed(self._records, principal, parts, self._files)

    def correct(
        self,
        principal: Principal,
        entity: str,
        record_id: int,
        values: Mapping[str, Any],
        why: str,
        *,
        address: str | None = None,
    ) -> None:
        """Change a record as its person asked for; checked like any change.

        Raises:
            Forbidden, NotFound, InvalidInput: as a change by hand would.
        """

        def step(work: Work) -> None:
            self._wanted(work, {entity: [record_id]})
            reason = _reason(why)
            work.writer.update_in(work, entity, record_id, dict(values), None, strict=True)
            self._noted(work, "corrected", reason, {entity: [record_id]}, address)

        self._records.transact(principal, step, origin="api")

    # -- anonymising -------------------------------------------------------------------------------

    def anonymise(
        self,
        principal: Principal,
        chosen: Chosen,
        why: str,
        *,
        has_files: bool = True,
        origin: str = "screen",
        address: str | None = None,
    ) -> Forgotten:
        """Take a person out of records, for good; what was merged into them goes along.

        Raises:
            Forbidden, NotFound: the asker may not answer for one of the records.
            InvalidInput: one is held, or no reason is given.
        """

        def step(work: Work) -> Forgotten:
            reason = _reason(why)
            wanted = [
                (entity, merged_into(work, entity, ids))
                for entity, ids in self._wanted(work, chosen)
            ]
            acting = work.acting_as(SYSTEM, origin=origin, cause=None, behalf=work.user_id)
            total, fields = Forgotten(), {}
            for entity, ids in wanted:
                fields[entity.name] = personal_fields(entity, work.release.catalog.entities)
                names = fields[entity.name]
                total.add(anonymise(acting, entity, ids, names, has_files=has_files))
            records = {entity.name: ids for entity, ids in wanted}
            counts = {**total.as_json(), **({"with_files": 1} if has_files else {})}
            self._noted(work, "anonymised", reason, records, address, fields=fields, counts=counts)
            return total

        found = self._records.transact(principal, step, origin=origin)
        self.write_list()
        return found

    def write_list(self) -> None:
        """See to it that what was anonymised stays so, whichever backup is restored."""
        try:
            if redo.write_list(self._pools, self._backups.folder):
                self._backups.keep_lists()
        except (OSError, BackupFault):
            # The register has it, and so has the next backup.
            _log.exception("the list of anonymisations beside the backups could not be written")

    # -- holding -----------------------------------------------------------------------------------

    def hold(self, principal: Principal, chosen: Chosen, why: str) -> None:
        """Keep records from being anonymised or removed for good, until somebody releases them."""
        hold = personal_hold

        def step(work: Work) -> None:
            reason = _reason(why)
            for entity, ids in self._wanted(work, chosen):
                for number in ids:
                    put = insert(hold).values(
                        entity=work.number(entity.name), record_id=number, why=reason,
                        user_id=work.user_id, since=work.now,
                    )  # fmt: skip
                    Statement(put.on_conflict_do_nothing()).run(work.connection)
            self._noted(work, "held", reason, chosen, None)

        self._records.transact(principal, step)

    def release(self, principal: Principal, chosen: Chosen, why: str) -> None:
        """Hold records no more."""
        hold = personal_hold

        def step(work: Work) -> None:
            reason = _reason(why)
            for entity, ids in self._wanted(work, chosen):
                mine = sa.and_(
                    hold.c.entity == work.number(entity.name), hold.c.record_id.in_(list(ids))
                )
                Statement(sa.delete(hold).where(mine)).run(work.connection)
            self._noted(work, "released", reason, chosen, None)

        self._records.transact(principal, step)

    # -- the register ------------------------------------------------------------------------------

    def acts(
        self, principal: Principal, *, before: int | None = None, limit: int = 50
    ) -> list[Act]:
        """Return lines of the register, the newest first, with the records the asker answers for.

        Raises:
            Forbidden: the asker may not look for persons.
        """

        def step(work: Work) -> list[Act]:
            mine = {one.name for one in finding.answerable(work)}
            names = Act.__dataclass_fields__
            chosen = sa.select(*(personal_act.c[name] for name in names))
            if before is not None:
                chosen = chosen.where(personal_act.c.id < before)
            newest = chosen.order_by(personal_act.c.id.desc()).limit(limit)
            lines = [Act(**row) for row in Statement(newest).rows(work.connection)]
            return [one for one in lines if not one.records or mine & one.records.keys()]

        return self._records.transact(principal, step)

    def reads(
        self, principal: Principal, entity: str | None = None, record_id: int | None = None
    ) -> list[Read]:
        """Return who read personal data unmasked, the latest first, of what the asker answers for.

        Raises:
            Forbidden: the asker may not look for persons.
            NotFound: there is no such record for which the asker may answer.
        """

        def step(work: Work) -> list[Read]:
            names = [one.name for one in finding.answerable(work)]
            if entity is not None and record_id is not None:
                require_all(work, entity_of(work.release, entity), [record_id])
            kinds = [name for name in names if entity in (None, name)]
            return who_read(work, kinds, record_id)

        return self._records.transact(principal, step)

    # -- what they have in common ------------------------------------------------------------------

    def _wanted(self, work: Work, chosen: Chosen) -> list[tuple[Entity, list[int]]]:
        finding.answerable(work)
        if not chosen or not any(chosen.values()):
            raise Malformed(say("Choose the person's records.", "请选择此人的记录。"))
        if sum(map(len, chosen.values())) > MOST:
            raise Malformed(
                say("At most {most} records at once.", "一次最多处理 {most} 条记录。", most=MOST)
            )
        found = [(entity_of(work.release, name), sorted(set(chosen[name]))) for name in chosen]
        # One order for all who lock.
        found.sort(key=lambda one: one[0].number)
        for entity, ids in found:
            require_all(work, entity, ids)
        return found

    def _noted(
        self,
        work: Work,
        kind: str,
        why: str,
        records: Mapping[str, Any],
        address: str | None,
        **more: Any,
    ) -> None:
        note_act(work, kind, why, records, **more)
        audit.note(
            work.connection,
            f"data.person.{kind}",
            user_id=work.user_id,
            address=address,
            details={"records": {name: len(list(ids)) for name, ids in records.items()}},
        )


def require_all(work: Work, entity: Entity, ids: Sequence[int]) -> None:
    """Refuse unless whoever asks may answer for the persons in all of these records.

    Raises:
        NotFound: one is not there, or may not be read.
        Forbidden: one may be read, but not anonymised.
        InvalidInput: the entity holds nothing personal.
    """
    if not personal_fields(entity, work.release.catalog.entities):
        raise InvalidInput(message=_nothing_personal(entity))
    if set(ids) - _allowed(work, entity, ids, "read"):
        raise NotFound
    if set(ids) - _allowed(work, entity, ids, _RIGHT):
        raise Forbidden(work.policy.why(_RIGHT, entity.name))


def _allowed(work: Work, entity: Entity, ids: Sequence[int], right: str) -> set[int]:
    living = visible_ids(work, entity.name, ids, right)
    return living | visible_ids(work, entity.name, ids, right, deleted=True)


def merged_into(work: Work, entity: Entity, ids: Sequence[int]) -> list[int]:
    """Return records with those in the bin that were merged into them, and into those."""
    table = work.release.tables[entity.name]
    into = history.c.after["merged_into"].astext
    chosen = Statement(
        sa.select(table.c.id)
        .join(history, sa.and_(
            history.c.entity == work.number(entity.name),
            history.c.record_id == table.c.id,
            history.c.action == "merge",
        ))
        .where(
            table.c.deleted_at.is_not(None),
            into == sa.func.any(sa.bindparam("_into", type_=sa.ARRAY(sa.Text))),
        )
    )  # fmt: skip
    found, new = set(ids), set(ids)
    while new:
        rows = chosen.run(work.connection, {"_into": [str(each) for each in sorted(new)]})
        new = {row[0] for row in rows.fetchall()} - found
        found |= new
    return sorted(found)


def _ids(found: Findings) -> dict[str, list[int]]:
    ids: dict[str, list[int]] = {}
    for one in found.records:
        ids.setdefault(one.entity, []).append(one.id)
    return ids


def _reason(why: str) -> str:
    text = why.replace("\x00", "").strip()
    if not text or len(text) > LONGEST:
        raise InvalidInput({"why": [_say_why()]})
    return text


def _say_why() -> Label:
    return say(
        "Say why: who asked for it, and when. At most {most} characters; it stands in the "
        "register.",
        "请说明原因：由谁在何时提出。最多 {most} 个字符，将写入登记簿。",
        most=LONGEST,
    )


def _nothing_personal(entity: Entity) -> Label:
    return say(
        "{entity} has no fields that are marked `personal`.",
        "“{entity}”没有标记为 personal 的字段。",
        entity=entity.label,
    )
