"""Many records changed at once: what `saving` does to one that is there, within one transaction.

A record of which somebody has to say something is left out, and so is what more than its own values
decide: a new owner, links, stages, files, lines. Those are written by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.definitions.catalog import Entity
from app.records import derived
from app.records.checking import allowed_ids, check_fields, check_rules, is_empty
from app.records.conditions import Linked, WriteContext
from app.records.drafts import Draft, Problems
from app.records.journal import (
    Entry,
    changes_as_json,
    searched_fields,
    write_entries,
    write_search_rows,
)
from app.records.many.creating import Doubtful
from app.records.many.fitting import asked
from app.records.money import fill_base_amounts
from app.records.reactions import Change
from app.records.statements import json_text
from app.records.undo_writes import plain_columns, put_statement, work_out
from app.records.work import Work

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Changing:
    """One record on its way: its draft, and its row as it was, which is locked."""

    draft: Draft
    old_row: Row


def why_not_at_once(work: Work, entity: Entity) -> str | None:
    """Return why records of an entity are changed one by one; None: many at once is as good."""
    rows = work.rows[entity.name]
    if entity.single or entity.lines_of is not None or entity.name in ("user", "department"):
        return "entity"
    if rows.lists.clocks:
        return "clocks"
    if any(work.rows[f"{entity.name}.{one.name}"].formulas.all for one in rows.lists.lines):
        return "lines"
    if any(each.asks_other_records for each in asked(rows)):
        return "questions"
    if work.reactions.amends(work, entity.name, "update"):
        return "rules"
    return None


def change_many(
    work: Work, entity: Entity, coming: Sequence[Changing]
) -> dict[int, frozenset[str]]:
    """Write what is in no doubt; return by id which fields are others now, none where all is same.

    The drafts' input was read, and `why_not_at_once` had nothing against it. Those that are left
    out are to be written by themselves. Whoever calls takes a savepoint.

    Raises:
        Doubtful: some can only be told by what was written: to be taken back, and left out.
        psycopg.IntegrityError: a unique value or a check of the database is broken.
    """
    return _Changes(work, entity).make(coming)


class _Changes:
    """One call."""

    def __init__(self, work: Work, entity: Entity) -> None:
        self.work = work
        self.entity = entity
        self.rows = work.rows[entity.name]
        lists = self.rows.lists
        #: what more than the record's own values decides
        self._aside = {
            "owner", *lists.links, *lists.files, *lists.stages,
            *(one.name for one in (*lists.lines, *lists.serials)),
            *(path.partition(".")[0] for rule in entity.duplicates if rule.refuse
              for path in (*rule.same, *((rule.similar,) if rule.similar else ()))),
            *(source.removeprefix("parent.") for line in lists.lines
              for _, _, source in work.rows[f"{entity.name}.{line.name}"].lists.amounts),
        }  # fmt: skip
        self._is_heard = work.reactions.concerns(work, entity.name)
        self._linked = Linked(work)

    def make(self, coming: Sequence[Changing]) -> dict[int, frozenset[str]]:
        """Write them and all that goes with them."""
        found: dict[int, frozenset[str]] = {}
        groups: dict[frozenset[str], list[tuple[Changing, dict[str, Any]]]] = {}
        for one in coming:
            columns = self._columns(one)
            if columns is None:
                continue
            if not columns:
                found[one.old_row["id"]] = frozenset()
                continue
            groups.setdefault(frozenset(columns), []).append((one, columns))
        changing = [one for group in groups.values() for one, _ in group]
        if changing:
            written = self._write(groups)
            self._look_again(changing, written)
            self._follow(changing, written)
        for one in changing:
            draft = one.draft
            found[one.old_row["id"]] = frozenset(filter(draft.changed, draft.changes))
        return found

    def _columns(self, one: Changing) -> dict[str, Any] | None:
        """Return the columns that change; None where the record is to be written by itself."""
        work, draft, problems = self.work, one.draft, Problems()
        differing = {name: value for name, value in draft.changes.items() if draft.changed(name)}
        if not differing:
            return {}
        if not self._aside.isdisjoint(differing):
            return None
        if self._is_heard:
            work.reactions.before_write(work, draft, one.old_row, problems)
            differing = {name: draft.changes[name] for name in draft.changes if draft.changed(name)}
        needed = (field.name for field in self.rows.lists.always_required)
        if problems or not self._aside.isdisjoint(differing):
            return None
        if any(is_empty(draft.get(name)) for name in needed):
            return None
        columns: dict[str, Any] = {}
        for name, value in differing.items():
            field = self.entity.fields[name]
            columns.update(field.type.to_columns(field, value))
        fill_base_amounts(work, self.rows, columns, one.old_row)
        return columns

    def _write(
        self, groups: Mapping[frozenset[str], Sequence[tuple[Changing, dict[str, Any]]]]
    ) -> dict[int, dict[str, Any]]:
        """Write the rows, those that change alike in one statement; return them as they are now."""
        work = self.work
        written: dict[int, dict[str, Any]] = {}
        for names, group in groups.items():
            statement = work.rows.cached(
                ("put-back", self.entity.name, names), partial(put_statement, self.rows, names)
            )
            told = [{"id": one.old_row["id"], **plain_columns(row)} for one, row in group]
            values = {"_rows": json_text(told), "_now": work.now, "_by": work.user_id}
            written.update((row["id"], row) for row in statement.rows(work.connection, values))
        work_out(work, self.entity, written, ())
        return written

    def _look_again(self, changing: Iterable[Changing], written: Mapping[int, Row]) -> None:
        """See that the records may be as they are now.

        Raises:
            Doubtful: some may not.
        """
        work, doubtful = self.work, []
        allowed = allowed_ids(work, self.entity.name, written, "update")
        for one in changing:
            row, problems = written[one.old_row["id"]], Problems()
            context = WriteContext(work, self._linked, self.entity, row, one.old_row)
            check_fields(context, work.rows.closures, one.draft, problems)
            check_rules(context, work.rows.closures, self.entity, problems)
            if problems or row["id"] not in allowed:
                doubtful.append(one.draft)
        if doubtful:
            raise Doubtful(doubtful)

    def _follow(self, changing: Sequence[Changing], written: Mapping[int, Row]) -> None:
        """Write history, find them again, and tell whoever reads them or listens."""
        work, entity, rows = self.work, self.entity, self.rows
        searched = {*searched_fields(entity), "owner", "owner_department"}
        entries, found, changes = [], {}, []
        for one in changing:
            row = written[one.old_row["id"]]
            old, new = one.draft.old, rows.values(row)
            before, after = changes_as_json(rows.lists.in_history, old, new)
            entries.append(Entry(row["id"], "update", row["version"], before, after))
            if searched & (before.keys() | after.keys()):
                found[row["id"]] = new
            fields = frozenset(name for name, value in new.items() if old.get(name) != value)
            changes.append(Change(entity, row["id"], "update", one.old_row, row, fields))
        write_entries(work, entity, entries)
        write_search_rows(work, entity, found)
        derived.touch_many(work, entity, [(one.old_row, one.row) for one in changes])
        for change in changes if self._is_heard else ():
            work.reactions.after_write(work, change)
