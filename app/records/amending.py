"""What rules do to a record that is being written: part of the write, whatever kind it is.

A save asks its listeners itself (`Saving.save`); what changes records without a draft (a transfer,
the bin, links that follow a merge) asks them here. The record keeps one version and one line of
history, and is checked once the rules are through with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.definitions.catalog import Entity
from app.records import derived, stages
from app.records.asking import parameters_of_app
from app.records.checking import add_missing, check_links
from app.records.clocks import advance_clocks
from app.records.drafts import Draft, Problems, blame_rules
from app.records.duplicates import check_duplicates
from app.records.following_columns import owner_columns, stage_columns
from app.records.holding import hold_what_is_read
from app.records.journal import changes_as_json
from app.records.money import fill_base_amounts
from app.records.reactions import Happening
from app.records.saving import Saving, rules_of
from app.records.work import Work


def change(
    saving: Saving, draft: Draft, row: Mapping[str, Any], values: Mapping[str, Any], by: str = ""
) -> Mapping[str, Any]:
    """Change fields of a record that was written and not checked yet; return its row.

    It stays one version with one line of history, which names the rule *by*. *values* are
    Python values by field.

    Raises:
        InvalidInput: one of them cannot be, whatever the rest of the record is.
    """
    work, entity = saving.work, draft.entity
    rows = work.rows[entity.name]
    now = rows.values(row)
    differing = {name: value for name, value in values.items() if now.get(name) != value}
    if not differing:
        return row
    record_id = int(row["id"])
    part, problems = Draft(entity, draft.context, now, record_id), Problems()
    differing |= stages.follow(
        work,
        draft,
        differing,
        lambda: saving.context(entity, {**row, **rows.column_values(differing)}, row),
        problems,
    )
    part.changes.update(differing)
    check_links(work, (part,), problems)
    add_missing(part, rows.lists.always_required, problems)
    check_duplicates(work, part, problems)
    problems.raise_if_any()
    hold_what_is_read(work, (part,))
    columns = rows.column_values(differing)
    draft.changes.update(differing)
    saving.changed_by |= dict.fromkeys(differing, by)
    columns.update(stage_columns(rows, draft, differing, work.now))
    if "owner" in differing:
        columns |= owner_columns(work, row, differing["owner"])
    fill_base_amounts(work, rows, columns, row)
    row = rows.put(work.connection, record_id, columns, parameters_of_app(work))
    row = derived.work_out_own(work, entity, row, lines_changed=False)
    return advance_clocks(work, rows, row, row)


@dataclass(frozen=True, slots=True)
class Amended:
    """A record as rules left it, and what of it they changed, for its line of history."""

    row: Mapping[str, Any]
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    #: the rules
    cause: str | None = None


def amended(
    work: Work,
    entity: Entity,
    happening: Happening,
    old_row: Mapping[str, Any],
    row: Mapping[str, Any],
) -> Amended:
    """Let rules have their part in what happened to a record, which is written already.

    Raises:
        RuleFailed: what they made of it cannot be saved.
    """
    if not work.reactions.concerns(work, entity.name):
        return Amended(row)
    rows, saving = work.rows[entity.name], Saving(work)
    saving.happening = happening
    old, now, record_id = rows.values(old_row), rows.values(row), int(row["id"])
    draft = Draft(entity, work.reading(strict=False), old, record_id)
    draft.changes |= {name: value for name, value in now.items() if old.get(name) != value}
    row = work.reactions.amend(saving, draft, row, old_row)
    if not saving.changed_by:
        return Amended(row)
    problems = Problems()
    saving.check(draft, row, old_row, record_id, problems)
    blame_rules(saving.changed_by, problems)
    problems.raise_if_any()
    stages.leave(work, entity, row, old_row)
    changed = [each for each in rows.lists.in_history if each.name in saving.changed_by]
    before, after = changes_as_json(changed, old, rows.values(row))
    return Amended(row, before, after, rules_of(saving))
