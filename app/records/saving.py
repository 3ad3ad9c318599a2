"""One record into the database: the steps of a create and of an update, in their order.

Input is read and links are checked before anything is written; what depends on the whole record,
worked-out fields included, is checked on the row as it then stands, inside the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.definitions.catalog import Entity, Field
from app.records import derived, journal, linesets, stages
from app.records.asking import parameters_of_app
from app.records.attachments import check_files, take_files
from app.records.checking import (
    add_missing,
    check_fields,
    check_links,
    check_rules,
    check_tree,
    is_empty,
    lock_asking_checks,
    truth,
)
from app.records.clocks import advance_clocks
from app.records.conditions import Linked, WriteContext
from app.records.defaults import fill_computed_defaults, fill_fixed_defaults
from app.records.drafts import Draft, Problems, blame_rules
from app.records.duplicates import check_duplicates
from app.records.following_columns import stage_columns
from app.records.holding import hold_what_is_read
from app.records.money import fill_base_amounts
from app.records.pairs import note_pairs
from app.records.reactions import Change, Happening
from app.records.rows import EntityRows
from app.records.serials import check_numbers, give_numbers
from app.records.work import Work
from app.texts import Label


@dataclass(frozen=True, slots=True)
class Written:
    """A record after a write."""

    id: int
    version: int
    #: values by field, lines as lists of such
    values: Mapping[str, Any]
    #: what the checks that only warn had to say
    warnings: tuple[Label, ...] = ()
    #: False when the write changed nothing
    changed: bool = True
    #: the fields whose value is another now
    fields: frozenset[str] = field(default_factory=frozenset)
    #: the entity's name
    entity: str = ""


class Saving:
    """The steps of a save within one transaction."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.closures = work.rows.closures
        self.linked = Linked(work)
        #: the rule that gave a field its value, by field
        self.changed_by: dict[str, str] = {}
        #: what listeners are told is happening while they may still change the record
        self.happening: Happening = "update"

    def _fill_defaults(
        self, draft: Draft, parent: tuple[Entity, Mapping[str, Any]] | None = None
    ) -> None:
        lists = self.work.rows[draft.entity.name].lists
        fill_fixed_defaults(draft, lists)
        fill_computed_defaults(
            draft, lists, lambda each: self._worked_out_default(draft, each, parent)
        )
        stages.begin(self.work, draft, lambda: self._draft_context(draft, None, parent))

    def _worked_out_default(
        self, draft: Draft, each: Field, parent: tuple[Entity, Mapping[str, Any]] | None
    ) -> Any:
        return self.closures.of(each.default)(self._draft_context(draft, None, parent))

    def _draft_context(
        self,
        draft: Draft,
        old_row: Mapping[str, Any] | None,
        parent: tuple[Entity, Mapping[str, Any]] | None = None,
    ) -> WriteContext:
        """Return what expressions see of a draft that is not written yet."""
        columns = self.work.rows[draft.entity.name].column_values(draft.after())
        return self.context(draft.entity, {**(old_row or {}), **columns}, old_row, parent)

    def context(
        self,
        entity: Entity,
        row: Mapping[str, Any],
        old: Mapping[str, Any] | None,
        parent: tuple[Entity, Mapping[str, Any]] | None = None,
    ) -> WriteContext:
        return WriteContext(self.work, self.linked, entity, row, old, parent)

    def save(
        self,
        draft: Draft,
        old_row: Mapping[str, Any] | None,
        problems: Problems,
        action: Happening,
        allowed: Callable[[int, Mapping[str, Any]], None] | None = None,
        also: tuple[Happening, ...] = (),
    ) -> Written:
        """Write the draft, whose input was read and whose record is locked.

        Args:
            allowed: called with the record's id and values as whoever writes left them, before
                rules change any; refuses by raising.
            also: what else happens to the record with this write, whether or not it changes
                anything; rules on that have their part in it, and the caller tells of it.

        Raises:
            InvalidInput: something is wrong with it; the transaction must be given up.
        """
        entity, rows = draft.entity, self.work.rows[draft.entity.name]
        is_heard = self.work.reactions.concerns(self.work, entity.name)
        warnings = self._prepare(draft, old_row, problems, is_heard=is_heard)
        lines_before = self._lines_json(draft) if draft.lines and not draft.is_new else {}
        row = self._write(draft, rows, old_row)
        record_id = int(row["id"])
        if draft.met:
            note_pairs(self.work, entity, record_id, draft.met)
        lines_changed = bool(draft.lines) and linesets.write_lines(self.work, draft, row)
        is_stamped = row is not old_row
        is_same = not is_stamped and not lines_changed
        if is_same:
            if not (also and is_heard):
                return _unchanged(rows, row)
            row = self._amend(draft, row, old_row, also)
            if not self.changed_by:
                return _unchanged(rows, row)
        if not is_stamped:
            row = rows.update(
                self.work.connection, record_id, self._stamp(), parameters_of_app(self.work)
            )
        if old_row is not None and rows.lists.lines:
            linesets.rebase_lines(self.work, entity, row, old_row)
        row = derived.work_out_own(self.work, entity, row, lines_changed=lines_changed)
        row = advance_clocks(self.work, rows, row, old_row)
        values = rows.values(row)
        if is_heard:
            if allowed is not None and not is_same:
                allowed(record_id, values)
            amended = self._amend(draft, row, old_row, (action,) if is_same else (action, *also))
            if amended != row:
                row, values = amended, rows.values(amended)
        warnings += self.check(draft, row, old_row, record_id, problems)
        blame_rules(self.changed_by, problems)
        problems.raise_if_any()
        self._keep_journal(
            draft, row, values, old_row, action, lines_before if lines_changed else None
        )
        derived.touch_parents(self.work, entity, old_row, row)
        if old_row is not None:
            stages.leave(self.work, entity, row, old_row)
        if is_heard:
            self._tell(draft, row, values, old_row, action)
        elif allowed is not None:
            allowed(record_id, values)
        changed = {name for name in values if old_row is None or draft.changed(name)}
        return Written(
            record_id,
            int(row.get("version", 1)),
            values,
            tuple(warnings),
            fields=frozenset(changed),
            entity=entity.name,
        )

    def _amend(
        self,
        draft: Draft,
        row: Mapping[str, Any],
        old_row: Mapping[str, Any] | None,
        happenings: tuple[Happening, ...],
    ) -> dict[str, Any]:
        """Let whoever listens change the record, once for all that happens to it."""
        for each in happenings:
            self.happening = each
            row = self.work.reactions.amend(self, draft, row, old_row)
        return dict(row)

    def _tell(
        self,
        draft: Draft,
        row: Mapping[str, Any],
        values: Mapping[str, Any],
        old_row: Mapping[str, Any] | None,
        action: Happening,
    ) -> None:
        """Tell whoever listens what became of the record."""
        if old_row is None:
            fields = {name for name, value in values.items() if not is_empty(value)}
        else:
            old = self.work.rows[draft.entity.name].values(old_row)
            fields = {name for name, value in values.items() if old.get(name) != value}
        fields |= {name for name, lines in draft.lines.items() if lines or old_row is not None}
        change = Change(draft.entity, int(row["id"]), action, old_row, row, frozenset(fields))
        self.work.reactions.after_write(self.work, change)

    def _prepare(
        self,
        draft: Draft,
        old_row: Mapping[str, Any] | None,
        problems: Problems,
        *,
        is_heard: bool,
    ) -> list[Label]:
        """Fill in what was not said and check all that needs no row; return the warnings."""
        if draft.is_new:
            self._fill_defaults(draft)
        if is_heard:
            self.work.reactions.before_write(self.work, draft, old_row, problems)
        stages.enter(self.work, draft, lambda: self._draft_context(draft, old_row), problems)
        new_lines = [line for line in draft.rows if line.is_new]
        if new_lines:
            around = self.work.rows[draft.entity.name].column_values(draft.after())
            for line in new_lines:
                self._fill_defaults(line, (draft.entity, {**around, "id": draft.id}))
        drafts = (draft, *draft.rows)
        check_links(self.work, drafts, problems)
        for each in drafts:
            lists = self.work.rows[each.entity.name].lists
            add_missing(each, lists.always_required, problems, each.prefix)
            check_files(self.work, each, problems, each.prefix)
            check_numbers(self.work, each, problems)
        if draft.lines:
            linesets.check_unique(self.work, draft, problems)
        warnings = check_duplicates(self.work, draft, problems)
        problems.raise_if_any()
        hold_what_is_read(self.work, drafts)
        return warnings

    def _stamp(self) -> dict[str, Any]:
        return {"updated_at": self.work.now, "updated_by": self.work.user_id}

    def _write(
        self, draft: Draft, rows: EntityRows, old_row: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """Insert or update the row; the same row comes back when nothing differs."""
        if old_row is None:
            give_numbers(self.work, draft.entity, draft.changes)
            columns = rows.column_values(draft.changes)
            columns.update(self._birth(draft, rows))
            columns.update(derived.initial_columns(rows))
            columns.update(draft.columns)
            fill_base_amounts(self.work, rows, columns, None)
            return rows.insert(self.work.connection, columns, parameters_of_app(self.work))
        differing = {name: value for name, value in draft.changes.items() if draft.changed(name)}
        if not differing:
            return old_row  # type: ignore[return-value]
        columns = rows.column_values(differing)
        columns.update(stage_columns(rows, draft, differing, self.work.now))
        fill_base_amounts(self.work, rows, columns, old_row)
        return rows.update(
            self.work.connection,
            int(draft.id or 0),
            {**columns, **self._stamp()},
            parameters_of_app(self.work),
        )

    def _birth(self, draft: Draft, rows: EntityRows) -> dict[str, Any]:
        """Return what every new record is given."""
        user = self.work.user_id
        columns: dict[str, Any] = {
            "created_at": self.work.now,
            "created_by": user,
            "updated_at": self.work.now,
            "updated_by": user,
        }
        columns.update(stage_columns(rows, draft, draft.changes, self.work.now))
        if draft.entity.owned:
            owner = draft.changes.get("owner", user)
            columns |= {
                "owner": owner,
                "owner_department": self.work.department_of(owner),
                "owner_since": self.work.now if owner is not None else None,
            }
        return {name: value for name, value in columns.items() if name in rows.columns}

    def check(
        self,
        draft: Draft,
        row: Mapping[str, Any],
        old_row: Mapping[str, Any] | None,
        record_id: int,
        problems: Problems,
    ) -> list[Label]:
        context = self.context(draft.entity, row, old_row)
        lock_asking_checks(self.work, draft.entity)
        stages.check(context, draft, problems)
        check_fields(context, self.closures, draft, problems)
        warnings = check_rules(context, self.closures, draft.entity, problems)
        check_tree(self.work, draft, record_id, problems)
        for name, lines in draft.lines.items():
            entity = self.work.rows[f"{draft.entity.name}.{name}"].entity
            lock_asking_checks(self.work, entity)
            stored = self.work.rows[entity.name].read(
                self.work.connection, [x.id or 0 for x in lines]
            )
            for line in lines:
                self._check_line(line, entity, stored[line.id or 0], draft.entity, row, problems)
        return warnings

    def _check_line(
        self,
        line: Any,
        entity: Entity,
        row: Mapping[str, Any],
        parent: Entity,
        parent_row: Mapping[str, Any],
        problems: Problems,
    ) -> None:
        old = self.work.rows[entity.name].column_values(line.old) if line.old else None
        context = self.context(entity, row, old, (parent, parent_row))
        check_fields(context, self.closures, line, problems, f"{line.where}.")
        for check in entity.checks:
            if truth(context, self.closures, check.if_) and not truth(
                context, self.closures, check.must
            ):
                problems.add(line.where, check.message)

    def _keep_journal(
        self,
        draft: Draft,
        row: Mapping[str, Any],
        new: Mapping[str, Any],
        old_row: Mapping[str, Any] | None,
        action: str,
        lines_before: Mapping[str, Any] | None,
    ) -> None:
        entity, rows = draft.entity, self.work.rows[draft.entity.name]
        record_id = int(row["id"])
        old = rows.values(old_row) if old_row is not None else {}
        before, after = journal.changes_as_json(rows.lists.in_history, old, new)
        if draft.lines and (old_row is None or lines_before is not None):
            draft.id = record_id
            lines_after = self._lines_json(draft)
            after |= lines_after
            before |= lines_before or dict.fromkeys(lines_after)
        if old_row is None:
            before = {}
        version, rules = int(row["version"]), rules_of(self)
        entry = journal.Entry(record_id, action, version, before, after, rules)
        searched = {*journal.searched_fields(entity), "owner", "owner_department"}
        if old_row is None or searched & (before.keys() | after.keys()):
            journal.write_entry_and_search_row(self.work, entity, entry, new)
        else:
            journal.write_entries(self.work, entity, [entry])
        for each in (draft, *draft.rows):
            take_files(self.work, each, record_id, each.prefix.partition(".")[0])

    def _lines_json(self, draft: Draft) -> dict[str, Any]:
        assert draft.id is not None
        loaded = linesets.load_lines(self.work, draft.entity, draft.id)
        found: dict[str, Any] = {}
        for name in draft.lines:
            rows = self.work.rows[f"{draft.entity.name}.{name}"]
            found[name] = [line_as_json(rows, row) for row in loaded[name]]
        return found


def rules_of(saving: Saving) -> str | None:
    """Return the rules that had a part in a save, as its line of history names them."""
    return ", ".join(dict.fromkeys(filter(None, saving.changed_by.values()))) or None


def _unchanged(rows: EntityRows, row: Mapping[str, Any]) -> Written:
    version, values = int(row["version"]), rows.values(row)
    return Written(int(row["id"]), version, values, changed=False, entity=rows.entity.name)


def line_as_json(rows: EntityRows, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of lines as the API shows it."""
    values = rows.values(row)
    return {"id": row["id"]} | {
        each.name: each.type.to_json(each, values[each.name])
        if values[each.name] is not None
        else None
        for each in rows.stored
        if each.name != "id" and not each.built_in
    }
