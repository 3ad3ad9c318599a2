"""One change of many records, as one change set: each by itself refused or done, with the reason.

Everything a single write asks is asked for each record: rights, checks, lifecycles, locks of
approvals, rules. Records are written many under one savepoint; only where one of them is refused
are they written one by one. What may not be done to any record is refused before the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import errors as pg

from app.access.principal import Principal
from app.definitions.catalog import Entity
from app.errors import RuleFailed, TrellisError
from app.fields.base import FieldError
from app.records import deleting
from app.records.checking import allowed_ids, visible_ids
from app.records.doings import RIGHTS, Doing, check_doing, merged_list
from app.records.drafts import Draft, Problems
from app.records.handovers import Handovers
from app.records.removals import Removals
from app.records.savepoints import savepoint
from app.records.transactions import entity_of
from app.records.transferring import transfer_with_cascade
from app.records.violations import as_input_error
from app.records.work import Work
from app.texts import Label, say

#: Records under one savepoint.
TOGETHER = 50


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a record was left out: a sentence, and the field it is about."""

    sentence: Label
    field: str | None = None
    #: what somebody changed since: ``before after now`` as the API has them
    differs: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        found: dict[str, Any] = {"field": self.field, "say": dict(self.sentence.texts)}
        return found if self.differs is None else found | dict(self.differs)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that was left out.

    ``why``: ``gone`` (not there, or not to be seen), ``right``, ``check`` (a rule of the record
    or of the configuration refused), ``edited`` (somebody changed it since), ``needed`` (others
    name it), ``lost`` (it cannot come back).
    """

    entity: str
    id: int
    why: str
    reasons: tuple[Reason, ...]


@dataclass(slots=True)
class Tally:
    """What became of records."""

    changed: int = 0
    #: those that were so already
    unchanged: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    change_set: int | None = None

    def add(self, other: Tally) -> None:
        """Add what became of further records."""
        self.changed += other.changed
        self.unchanged += other.unchanged
        self.skipped += other.skipped


class Bulk(Handovers, Removals):
    """Does one thing to many records."""

    def bulk(
        self,
        principal: Principal,
        entity: str,
        ids: Iterable[int],
        doing: Doing,
        *,
        change_set: int | None = None,
        origin: str = "api",
        note: str | None = None,
    ) -> Tally:
        """Do one thing to many records in one transaction and one change set.

        Args:
            change_set: the one to go on with; without it a new one is opened.

        Raises:
            NotFound: there is no such entity.
            Forbidden: the principal may do this to no record of it.
            InvalidInput: a value cannot be taken by any record.
        """
        wanted = list(ids)

        def step(work: Work) -> Tally:
            self.check_bulk_in(work, entity, doing)
            return self.bulk_in(work, entity, wanted, doing)

        return self._run(principal, step, change_set=change_set, origin=origin, note=note)

    def check_bulk(self, principal: Principal, entity: str, doing: Doing) -> None:
        """Refuse what could be done to no record at all; see `bulk`."""
        self._run(principal, lambda work: self.check_bulk_in(work, entity, doing))

    def check_bulk_in(self, work: Work, entity: str, doing: Doing) -> None:
        """Check within a transaction; see `check_bulk`."""
        check_doing(work, entity_of(work.release, entity), doing)

    def bulk_in(self, work: Work, name: str, ids: Sequence[int], doing: Doing) -> Tally:
        """Do it within a transaction; see `bulk`."""
        entity = entity_of(work.release, name)
        tally = Tally(change_set=work.open_change_set(doing.action))
        rows = self._chosen(work, entity, ids, doing, tally)
        act = self._act(work, entity, doing)
        numbers = sorted(rows)
        for start in range(0, len(numbers), TOGETHER):
            block = {number: rows[number] for number in numbers[start : start + TOGETHER]}
            self._together(work, entity, block, act, tally)
        return tally

    def _chosen(
        self, work: Work, entity: Entity, ids: Sequence[int], doing: Doing, tally: Tally
    ) -> dict[int, dict[str, Any]]:
        """Lock the records and return those that this may be done to; note the others."""
        name, deleted = entity.name, doing.action == "restore"
        whole = doing.action == "delete"
        rows = work.rows[name].lock(work.connection, ids, whole=whole)
        present = {
            number: row
            for number, row in rows.items()
            if (row.get("deleted_at") is not None) == deleted
        }
        readable = allowed_ids(work, name, present, deleted=deleted)
        right = RIGHTS[doing.action]
        allowed = allowed_ids(work, name, present, right, deleted=deleted)
        for number in sorted(set(ids) - allowed):
            if number in readable:
                why, sentence = "right", work.policy.why(right, name)
            else:
                why, sentence = "gone", _gone(entity, deleted=deleted)
            tally.skipped.append(Skipped(name, number, why, (Reason(sentence),)))
        return {number: row for number, row in present.items() if number in allowed}

    def _together(
        self, work: Work, entity: Entity, block: Mapping[int, Any], act: Act, tally: Tally
    ) -> None:
        try:
            with savepoint(work):
                done = act(block)
        except (TrellisError, pg.IntegrityError) as error:
            if len(block) == 1:
                ((number, _),) = block.items()
                tally.skipped.append(self.refused(work, entity.name, number, error))
                return
            for number, row in block.items():
                self._together(work, entity, {number: row}, act, tally)
            return
        tally.changed += done
        tally.unchanged += len(block) - done

    def refused(
        self, work: Work, entity: str, number: int, error: TrellisError | pg.IntegrityError
    ) -> Skipped:
        """Return why one record was left out, in sentences."""
        if isinstance(error, RuleFailed):
            failed = error
            work.after.append(lambda: self._reactions.failed(failed))
        if isinstance(error, pg.IntegrityError):
            error = as_input_error(error, work.release)
        reasons = [
            Reason(as_label(sentence), name)
            for name, sentences in error.fields.items()
            for sentence in sentences
        ]
        why = "right" if error.status == 403 else "check"
        return Skipped(entity, number, why, tuple(reasons or [Reason(as_label(error.message))]))

    # -- what is done ------------------------------------------------------------------------------

    def _act(self, work: Work, entity: Entity, doing: Doing) -> Act:
        """Return what does it to a block of records and says how many changed."""
        if doing.action == "delete":
            return lambda block: self._delete_block(work, entity, block)
        if doing.action == "restore":
            return lambda block: self._restore_block(work, entity, block)
        if doing.action == "transfer":
            return lambda block: self._transfer_block(work, entity, block, doing)
        return lambda block: sum(
            self._update_one(work, entity, row, doing) for row in block.values()
        )

    def _update_one(self, work: Work, entity: Entity, row: Mapping[str, Any], doing: Doing) -> bool:
        old = work.rows[entity.name].values(row)
        draft = Draft(entity, work.reading(strict=False), old, int(row["id"]))
        problems = Problems()
        raw = {**doing.values, **_lists(work, entity, old, doing, problems)}
        values = self._read_owner(work, draft, raw, problems, strict=doing.strict)
        self._read(work, draft, values, problems, strict=doing.strict)
        return self.finish_in(work, draft, row, problems, "update").changed

    def _transfer_block(
        self, work: Work, entity: Entity, block: Mapping[int, Any], doing: Doing
    ) -> int:
        moving = [
            number
            for number, row in block.items()
            if row["owner"] != doing.owner or (doing.owner is not None and row.get("pool"))
        ]
        if moving:
            transfer_with_cascade(work, entity, moving, doing.owner, doing.along)
        return len(moving)

    def _delete_block(self, work: Work, entity: Entity, block: Mapping[int, Any]) -> int:
        # What goes along with one of them may be another of them, and be gone by now.
        left = visible_ids(work, entity.name, block)
        if left:
            self._delete(work, entity, sorted(left))
        return len(block)

    def _restore_block(self, work: Work, entity: Entity, block: Mapping[int, Any]) -> int:
        # What came back with one of them may be another of them.
        left = visible_ids(work, entity.name, block, deleted=True)
        if left:
            self._restore(work, deleting.deleted_together(work, entity, left))
        return len(block)


Act = Callable[[Mapping[int, Any]], int]


def _lists(
    work: Work, entity: Entity, old: Mapping[str, Any], doing: Doing, problems: Problems
) -> dict[str, Any]:
    """Return what fields of several values hold afterwards, as JSON."""
    found = {}
    context = work.reading(strict=doing.strict)
    for name in dict.fromkeys((*doing.add, *doing.remove)):
        add, remove = doing.add.get(name, ()), doing.remove.get(name, ())
        try:
            found[name] = merged_list(entity.fields[name], old.get(name), add, remove, context)
        except FieldError as error:
            problems.add(name, error.sentence)
    return found


def _gone(entity: Entity, *, deleted: bool) -> Label:
    if deleted:
        return say(
            "It is not in the bin any more, or you may not see it.",
            "它已不在回收站中，或者您无权查看。",
        )
    return say(
        "There is no such {entity} any more, or you may not see it.",
        "已没有这条{entity}，或者您无权查看。",
        entity=entity.label,
    )


def as_label(sentence: Any) -> Label:
    """Return a sentence in its languages, whatever it came as."""
    return sentence if isinstance(sentence, Label) else Label({"en": str(sentence)})
