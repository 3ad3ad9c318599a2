"""Reminders are rows: when each timed rule is due for each record.

A write moves its rows within its own transaction, with one statement for all timed rules that read
what changed. Applying a catalog works out the rows of new and changed rules (``recomputing``); the
scheduler claims what is due (``claiming``). Nothing here runs a step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from app.automation import claiming, recomputing
from app.automation.due_sql import is_in_sql
from app.automation.given_dates import Given, timetable
from app.automation.registry import RuleNumbers
from app.automation.reminder_rows import IDS, insert_new, parameters, upsert
from app.database.automation_tables import firing, reminder
from app.records.statements import Statement

if TYPE_CHECKING:
    from app.records.dependencies import Step
    from app.records.drafts import Draft, Problems
    from app.records.reactions import Change, NewRecords
    from app.records.work import Work

claim_due = claiming.claim_due
recompute = recomputing.recompute

#: After these every rule is asked, whatever changed.
_WHOLE = frozenset({"create", "delete", "merged", "restore"})
#: So many records at a time are worked out in Python; more of them are SQL's.
_FEW = 5
_NONE: Mapping[str, frozenset[str]] = {}


class Reminders:
    """What a write does to reminders; one of the listeners of the writing side."""

    def __init__(self, numbers: RuleNumbers) -> None:
        """Take the numbers of the process."""
        self.numbers = numbers

    def concerns(self, work: Work, entity: str) -> bool:
        """Return whether a timed rule reads anything of records of *entity*."""
        return timetable(work).concerns(entity)

    def before_write(self, work: Work, draft: Draft, old_row: Any, problems: Problems) -> None:
        """Do nothing: a date is known once the row is written."""

    def after_write(self, work: Work, change: Change) -> None:
        """Note what may have moved; it is worked out at the end of the transaction."""
        table, name = timetable(work), change.entity.name
        moves = _moves(work, self.numbers)
        if change.action == "purge":
            moves.forget(name, change.record_id)
            return
        whole = change.action in _WHOLE
        for rule, fields in table.reads.get(name, _NONE).items():
            if whole or fields & change.fields:
                moves.note(name, change.record_id, rule)
        moves.see(name, change.record_id, change.row)
        for reader in table.readers.get(name, ()):
            if change.action != "create" and (whole or reader.fields & change.fields):
                for record_id in _walk_back(work, reader.way, change.record_id):
                    moves.note(reader.entity, record_id, reader.rule)
        if change.action == "merge" and change.merged:
            moves.take_along(name, change.record_id, change.merged)

    def after_many(self, work: Work, new: NewRecords) -> None:
        """Note new records; every rule is asked for each of them."""
        name = new.entity.name
        rules = timetable(work).reads.get(name, _NONE)
        if rules:
            _moves(work, self.numbers).note_new(name, new.ids, rules)


class Moves:
    """What moved within one transaction; called at its end, when all is worked out."""

    def __init__(self, work: Work, numbers: RuleNumbers) -> None:
        self._work = work
        self._numbers = numbers
        #: entity -> record -> rules
        self._noted: dict[str, dict[int, set[str]]] = {}
        #: rows as they stand now, where they are known
        self._rows: dict[tuple[str, int], Mapping[str, Any]] = {}
        self._forgotten: dict[str, set[int]] = {}
        self._merged: list[tuple[str, int, tuple[int, ...]]] = []
        #: records made many at a time: entity, ids, rules
        self._new: list[tuple[str, list[int], frozenset[str]]] = []

    def note(self, entity: str, record_id: int, rule: str) -> None:
        """Remember that a rule is to be asked for a record."""
        self._noted.setdefault(entity, {}).setdefault(record_id, set()).add(rule)

    def note_new(self, entity: str, ids: Iterable[int], rules: Iterable[str]) -> None:
        """Remember new records, for which rules are to be asked."""
        self._new.append((entity, list(ids), frozenset(rules)))

    def see(self, entity: str, record_id: int, row: Mapping[str, Any]) -> None:
        """Remember a row as it stands now."""
        self._rows[entity, record_id] = row

    def forget(self, entity: str, record_id: int) -> None:
        """Remember that a record is no more."""
        self._forgotten.setdefault(entity, set()).add(record_id)

    def take_along(self, entity: str, kept: int, gone: tuple[int, ...]) -> None:
        """Remember that what is under way for records goes on for the one they went into."""
        self._merged.append((entity, kept, gone))

    def __call__(self) -> None:
        """Write the rows."""
        given = Given(self._work, self._numbers.number)
        for entity, ids, names in self._new:
            self._move(given, entity, names, ids, write=insert_new)
        for entity, records in self._noted.items():
            groups: dict[frozenset[str], list[int]] = {}
            for record_id, rules in sorted(records.items()):
                row = self._rows.get((entity, record_id))
                left = rules
                if row is not None and len(records) <= _FEW:
                    left = given.move(entity, record_id, row, rules)
                if left:
                    groups.setdefault(frozenset(left), []).append(record_id)
            for names, ids in groups.items():
                self._move(given, entity, names, sorted(ids))
        for entity, gone in self._forgotten.items():
            self._forget(entity, sorted(gone))
        for entity, kept, merged in self._merged:
            _take_along.do(
                self._work.connection,
                {"_ids": sorted(merged), "_keep": kept, "_entity": self._work.number(entity)},
            )

    def _move(
        self,
        given: Given,
        entity: str,
        rules: frozenset[str],
        ids: list[int],
        write: Callable[..., sa.Executable] = upsert,
    ) -> None:
        """Let SQL work out the rows of records, but for what it cannot know."""
        work = self._work
        statement, left = work.rows.cached(
            ("reminders", entity, rules, write), partial(self._statement, entity, rules, write)
        )
        if statement is not None:
            known = {**parameters(work.release, work.now), "_ids": ids}
            statement.do(work.connection, known)
        if left:
            for record_id, row in work.rows[entity].read(work.connection, ids).items():
                given.move(entity, record_id, row, left, force=True)

    def _statement(
        self, entity: str, names: Iterable[str], write: Callable[..., sa.Executable]
    ) -> tuple[Statement | None, set[str]]:
        release = self._work.release
        rules = [each for each in timetable(self._work).of(entity) if each.name in names]
        left = {each.name for each in rules if not is_in_sql(release, each)}
        rules = [each for each in rules if each.name not in left]
        numbers = {each.name: self._numbers.number(each.name) for each in rules}
        return Statement(write(release, numbers, rules)) if rules else None, left

    def _forget(self, entity: str, ids: list[int]) -> None:
        rules = [self._numbers.number(each.name) for each in timetable(self._work).of(entity)]
        if rules:
            number = self._work.number(entity)
            values = {"_ids": ids, "_entity": number, "_rules": rules}
            _forget.do(self._work.connection, values)


def _moves(work: Work, numbers: RuleNumbers) -> Moves:
    """Return what has moved in this transaction so far."""
    for each in work.shared.closing:
        if isinstance(each, Moves):
            return each
    made = Moves(work, numbers)
    work.shared.closing.append(made)
    return made


def _walk_back(work: Work, way: tuple[Step, ...], record_id: int) -> list[int]:
    """Return the records at the end of a way of links, from the record they lead to."""
    ids = [record_id]
    for step in way:
        statement = work.rows.cached(("way-back", step), partial(_linking, work, step))
        ids = [row[0] for row in statement.run(work.connection, {"_ids": ids})]
        if not ids:
            break
    return ids


def _linking(work: Work, step: Step) -> Statement:
    table = work.release.tables[step.entity]
    chosen = sa.select(table.c.id).where(table.c[step.link] == sa.func.any(IDS))
    if f"{step.link}__entity" in table.c:
        chosen = chosen.where(table.c[f"{step.link}__entity"] == work.number(step.target))
    return Statement(chosen)


_ENTITY = sa.bindparam("_entity", type_=sa.Integer)
_forget = Statement(
    sa.delete(reminder).where(
        reminder.c.rule == sa.func.any(sa.bindparam("_rules", type_=sa.ARRAY(sa.Integer))),
        reminder.c.entity == _ENTITY,
        reminder.c.record_id == sa.func.any(IDS),
    )
)


def _taking_along() -> sa.Update:
    """Return the statement that gives firings under way to the record that was kept."""
    other = firing.alias("other")
    keep = sa.bindparam("_keep", type_=sa.BigInteger)
    taken = sa.exists().where(
        other.c.rule == firing.c.rule,
        other.c.entity == firing.c.entity,
        other.c.record_id == keep,
        other.c.occurrence == firing.c.occurrence,
    )
    return (
        sa.update(firing)
        .where(
            firing.c.entity == _ENTITY,
            firing.c.record_id == sa.func.any(IDS),
            firing.c.state.in_(("due", "waiting")),
            ~taken,
        )
        .values(record_id=keep)
    )


_take_along = Statement(_taking_along())
