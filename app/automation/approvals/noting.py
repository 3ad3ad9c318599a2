"""What a move of an approval leaves in the record: its state, its history, and the events."""

from __future__ import annotations

from typing import Any

from app.automation.approvals.case import Case
from app.records import derived, journal
from app.records.asking import parameters_of_app
from app.records.clocks import advance_clocks
from app.records.reactions import tell


def note(
    case: Case, action: str, state: str | None = None, *, in_write: bool = False, **said: Any
) -> None:
    """Write a line of history, and the record's state if it becomes another.

    The record's own checks are not asked: an approval must not hang on a rule that came later, nor
    on a field nobody may change while it is locked.

    Args:
        action: ``submit approve reject withdraw send_back delegate add`` and the like.
        state: what ``approval.state`` becomes; None where it stays.
        in_write: it is part of a write of the record, whose version it shares.
        said: what was said on the way, for the history.
    """
    work, entity, old = case.work, case.entity, case.row
    before: dict[str, Any] = {}
    after: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    if state is not None and old["approval"] != state:
        before["approval"], after["approval"] = {"state": old["approval"]}, {"state": state}
        _write_state(case, state, counts=not in_write)
    version = int(case.row["version"])
    entry = journal.Entry(int(old["id"]), action, version, before, after)
    journal.write_entries(work, entity, [entry])
    if case.row is not old and old["deleted_at"] is None:
        derived.touch_parents(work, entity, old, case.row)
        tell(work, entity, "update", old, case.row)


def _write_state(case: Case, state: str, *, counts: bool) -> None:
    work, rows = case.work, case.work.rows[case.entity.name]
    columns = {"approval": state, "updated_at": work.now, "updated_by": work.user_id}
    write = rows.update if counts else rows.put
    row = write(work.connection, int(case.row["id"]), columns, parameters_of_app(work))
    row = derived.work_out_own(work, case.entity, row, lines_changed=False)
    case.row = advance_clocks(work, rows, row, case.row)
