"""One record into the database: the steps of a create and of an update, in their order.

Input is read and links are checked before anything is written; what depends on the whole record,
worked-out fields included, is checked on the row as it then stands, inside the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.definitions.catalog import Entity, Field
from app.expressions import Checked
from app.fields.base import ParseContext
from app.records import derived, journal, linesets
from app.records.asking import parameters_of_app
from app.records.checking import (
    add_missing,
    check_fields,
    check_links,
    check_rules,
    check_tree,
    lock_asking_checks,
    truth,
)
from app.records.conditions import Closures, Linked, WriteContext
from app.records.drafts import Draft, Problems
from app.records.files import find_files, give_files
from app.records.money import fill_base_amounts
from app.records.rows import EntityRows
from app.records.serials import give_numbers
from app.records.work import Work
from app.texts import Label, say


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


def fill_fixed_defaults(draft: Draft, missing: Iterable[Field]) -> None:
    """Give *draft* the defaults among the *missing* fields' that need no working out."""
    for each in missing:
        if each.default is not None and not isinstance(each.default, Checked):
            # Written in YAML, so it is read as from a form; the definitions tried it.
            draft.changes[each.name] = each.type.parse(each, each.default, ParseContext())


def begin_lifecycles(draft: Draft) -> None:
    """Let a record without a stage begin where its lifecycle does."""
    for each in draft.entity.fields.values():
        if each.type.name == "stage" and draft.get(each.name) is None:
            draft.changes[each.name] = next(
                (option.name for option in each.options if not option.removed), None
            )


class Saving:
    """The steps of a save within one transaction."""

    def __init__(self, work: Work, closures: Closures) -> None:
        self.work = work
        self.closures = closures
        self.linked = Linked(work)

    def fill_defaults(self, draft: Draft) -> None:
        """Give a new record, or a new row of lines, what was not said."""
        missing = [
            each
            for each in draft.entity.fields.values()
            if each.default is not None
            and draft.changes.get(each.name) is None
            and each.name not in draft.given
            and not each.removed
        ]
        fill_fixed_defaults(draft, missing)
        for each in missing:
            if isinstance(each.default, Checked):
                draft.changes[each.name] = self._worked_out_default(draft, each)
        begin_lifecycles(draft)

    def _worked_out_default(self, draft: Draft, each: Field) -> Any:
        columns = self.work.rows[draft.entity.name].column_values(draft.after())
        context = self._context(draft.entity, columns, None)
        return self.closures.of(each.default)(context)

    def _context(
        self,
        entity: Entity,
        row: Mapping[str, Any],
        old: Mapping[str, Any] | None,
        parent: tuple[Entity, Mapping[str, Any]] | None = None,
    ) -> WriteContext:
        return WriteContext(self.work, self.linked, entity, row, old, parent)

    def save(
        self, draft: Draft, old_row: Mapping[str, Any] | None, problems: Problems, action: str
    ) -> Written:
        """Write the draft, whose input was read and whose record is locked.

        Raises:
            InvalidInput: something is wrong with it; the transaction must be given up.
        """
        entity, rows = draft.entity, self.work.rows[draft.entity.name]
        for each in (draft, *(line for lines in draft.lines.values() for line in lines)):
            if each.is_new:
                self.fill_defaults(each)
            prefix = f"{each.where}." if each is not draft else ""
            check_links(self.work, each, problems, prefix)
            add_missing(each, problems, prefix)
        self._check_files(draft, problems)
        problems.raise_if_any()

        lines_before = self._lines_json(draft) if draft.lines and not draft.is_new else {}
        row = self._write(draft, rows, old_row)
        record_id = int(row["id"])
        lines_changed = linesets.write_lines(self.work, draft, record_id)
        if old_row is not None and not lines_changed and row is old_row:
            version = int(row["version"])
            values = rows.values(row)
            return Written(record_id, version, values, changed=False, entity=entity.name)
        if old_row is not None and lines_changed and row is old_row:
            row = rows.update(
                self.work.connection, record_id, self._stamp(), parameters_of_app(self.work)
            )
        row = derived.work_out_own(self.work, entity, row, lines_changed=lines_changed)

        warnings = self._check(draft, row, old_row, record_id, problems)
        problems.raise_if_any()
        values = rows.values(row)
        lines_before = lines_before if lines_changed else None
        self._keep_journal(draft, row, values, old_row, action, lines_before)
        derived.touch_parents(self.work, entity, old_row, row)
        changed = {name for name in values if old_row is None or draft.changed(name)}
        return Written(
            record_id,
            int(row.get("version", 1)),
            values,
            tuple(warnings),
            fields=frozenset(changed),
            entity=entity.name,
        )

    def _stamp(self) -> dict[str, Any]:
        return {"updated_at": self.work.now, "updated_by": self.work.principal.user_id}

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
        columns.update(_stage_columns(rows, draft, differing, self.work.now))
        fill_base_amounts(self.work, rows, columns, old_row)
        return rows.update(
            self.work.connection,
            int(draft.id or 0),
            {**columns, **self._stamp()},
            parameters_of_app(self.work),
        )

    def _birth(self, draft: Draft, rows: EntityRows) -> dict[str, Any]:
        """Return what every new record is given."""
        user = self.work.principal.user_id
        columns: dict[str, Any] = {
            "created_at": self.work.now,
            "created_by": user,
            "updated_at": self.work.now,
            "updated_by": user,
        }
        columns.update(_stage_columns(rows, draft, draft.changes, self.work.now))
        if draft.entity.owned:
            owner = draft.changes.get("owner", user)
            columns |= {
                "owner": owner,
                "owner_department": self.work.department_of(owner),
                "owner_since": self.work.now if owner is not None else None,
            }
        return {name: value for name, value in columns.items() if name in rows.columns}

    def _check(
        self,
        draft: Draft,
        row: Mapping[str, Any],
        old_row: Mapping[str, Any] | None,
        record_id: int,
        problems: Problems,
    ) -> list[Label]:
        context = self._context(draft.entity, row, old_row)
        asking = {
            f"{draft.entity.name}.{number}": check.must
            for number, check in enumerate(draft.entity.checks)
        }
        lock_asking_checks(self.work, asking)
        check_fields(context, self.closures, draft, problems)
        warnings = check_rules(context, self.closures, draft.entity, problems)
        check_tree(self.work, draft, record_id, problems)
        for name, lines in draft.lines.items():
            entity = self.work.rows[f"{draft.entity.name}.{name}"].entity
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
        context = self._context(entity, row, old, (parent, parent_row))
        check_fields(context, self.closures, line, problems, f"{line.where}.")
        for check in entity.checks:
            if truth(context, self.closures, check.if_) and not truth(
                context, self.closures, check.must
            ):
                problems.add(line.where, check.message)

    def _check_files(self, draft: Draft, problems: Problems) -> None:
        """Refuse files that are not there, or are another record's or another person's."""
        for name, value in draft.changes.items():
            each = draft.entity.fields.get(name)
            if each is None or each.type.name not in FILE_TYPES or not draft.changed(name):
                continue
            ids = value if isinstance(value, list | tuple) else [] if value is None else [value]
            found = find_files(self.work.connection, list(ids))
            number = self.work.number(draft.entity.name)
            for file_id in ids:
                row = found.get(file_id)
                mine = row is not None and (
                    (row["record_id"] is None and self._uploaded_by_me(row))
                    or (row["entity"] == number and row["record_id"] == draft.id)
                )
                if not mine:
                    problems.add(
                        name,
                        say(
                            "There is no file {id}; upload it first.",
                            "没有编号为 {id} 的文件，请先上传。",
                            id=file_id,
                        ),
                    )

    def _uploaded_by_me(self, row: Mapping[str, Any]) -> bool:
        principal = self.work.principal
        return principal.is_system or row["uploaded_by"] == principal.user_id

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
        names = [
            each.name
            for each in rows.stored
            if each.name not in _NOT_IN_HISTORY and each.type.name != "rollup"
        ]
        before, after = journal.changes_as_json(entity, old, new, names)
        if draft.lines and (old_row is None or lines_before is not None):
            draft.id = record_id
            lines_after = self._lines_json(draft)
            after |= lines_after
            before |= lines_before or dict.fromkeys(lines_after)
        if old_row is None:
            before = {}
        entry = journal.Entry(record_id, action, int(row["version"]), before, after)
        searched = {*journal.searched_fields(entity), "owner", "owner_department"}
        if old_row is None or searched & (before.keys() | after.keys()):
            journal.write_entry_and_search_row(self.work, entity, entry, new)
        else:
            journal.write_entries(self.work, entity, [entry])
        self._give_files(draft, record_id)

    def _give_files(self, draft: Draft, record_id: int) -> None:
        for name, value in draft.changes.items():
            each = draft.entity.fields.get(name)
            if each is not None and each.type.name in FILE_TYPES and value:
                ids = list(value) if isinstance(value, list | tuple) else [value]
                number = self.work.number(draft.entity.name)
                give_files(self.work.connection, ids, number, record_id, name)

    def _lines_json(self, draft: Draft) -> dict[str, Any]:
        assert draft.id is not None
        loaded = linesets.load_lines(self.work, draft.entity, draft.id)
        found: dict[str, Any] = {}
        for name in draft.lines:
            rows = self.work.rows[f"{draft.entity.name}.{name}"]
            found[name] = [line_as_json(rows, row) for row in loaded[name]]
        return found


#: Built-in columns that say when and by whom: history has them anyway.
_NOT_IN_HISTORY = frozenset(
    {"id", "version", "created_at", "created_by", "updated_at", "updated_by"}
)
FILE_TYPES = frozenset({"file", "files", "image", "images", "signature"})


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


def _stage_columns(
    rows: EntityRows, draft: Draft, changes: Mapping[str, Any], now: Any
) -> dict[str, Any]:
    """Return since when a stage is what it becomes, and what it was before."""
    columns: dict[str, Any] = {}
    for name in changes:
        each = draft.entity.fields.get(name)
        if each is not None and each.type.name == "stage" and draft.changed(name):
            columns[f"{name}__since"] = now
            columns[f"{name}__previous"] = draft.old.get(name)
    return {name: value for name, value in columns.items() if name in rows.columns}
