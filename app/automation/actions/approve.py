"""`approve`: a rule hands the record in for approval."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from app.automation.actions.base import Action, Outcome, skipped
from app.definitions.automation import Words
from app.texts import say

if TYPE_CHECKING:
    from app.automation.approvals.submitting import Submitting
    from app.automation.running import Running

_OPEN = ("draft", "rejected", "withdrawn")


class Approve(Action):
    """Begins an approval for the record at hand, in the name of whoever caused the rule."""

    name: ClassVar[str] = "approve"

    def __init__(self, submitting: Submitting) -> None:
        """Take who begins runs; the approvals of the process have it."""
        self._submitting = submitting

    def run(self, running: Running, settings: Words) -> Outcome:
        """Hand the record in, unless it is under way or approved already."""
        name, work, entity = str(settings.value), running.work, running.entity
        definition = work.release.catalog.automation.approvals.get(name)
        if definition is None or definition.off or entity is None or running.row is None:
            return skipped("The approval is not in force.", "该审批未启用。")
        record_id = int(running.row["id"])
        row = work.rows[entity.name].lock(work.connection, [record_id]).get(record_id)
        if row is None or row["deleted_at"] is not None:
            return skipped("The record is gone.", "记录已不存在。")
        if row["approval"] not in _OPEN:
            return skipped("It is submitted, or approved, already.", "已提交审批或已通过审批。")
        if definition.if_ is not None and not running.evaluate(definition.if_):
            return skipped("It needs no approval as it stands.", "目前不需要审批。")
        self._submitting.begin(work, entity, row, definition)
        label = definition.label or name
        return Outcome("done", say("Submitted: {label}.", "已提交审批：{label}。", label=label))
