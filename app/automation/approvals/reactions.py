"""What writes of a record and its approval mean for each other.

`ApprovalLock` comes first among the listeners and refuses what a run under way forbids;
`ApprovalReactions` comes last: it begins runs by events, begins them again after an edit, ends or
moves them with their record, and hands on the questions of who does not work here any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.automation.approvals import store
from app.automation.approvals.case import case_of
from app.automation.approvals.decisions import waits_for
from app.automation.approvals.flow import Flow
from app.automation.approvals.late import hand_on_of
from app.automation.approvals.noting import note
from app.automation.approvals.store import Run
from app.automation.approvals.submitting import Submitting
from app.automation.approvals.through import approvals_through
from app.automation.approvals.versions import Versions
from app.automation.narrowing import is_change
from app.automation.through import records_behind
from app.definitions.automation import ApprovalDefinition, When
from app.definitions.catalog import Entity
from app.records.conditions import Linked, WriteContext
from app.records.drafts import Draft, Problems
from app.records.reactions import Change
from app.records.work import Work
from app.texts import say

#: Fields that are no content: whoever gives a record away or tags it changes nothing about it.
_BESIDE = frozenset({"owner", "tags", "approval"})


def is_by_person(work: Work) -> bool:
    """Whether a person writes, and not a rule or the system in their name."""
    return not work.principal.is_system and work.origin != "rule"


class ApprovalLock:
    """Refuses what nobody may change while a record is being approved, or afterwards."""

    def __init__(self, versions: Versions) -> None:
        self._versions = versions

    def concerns(self, work: Work, entity: str) -> bool:
        """Whether records of the entity are approved at all."""
        return "approval" in work.release.catalog.entities[entity].fields

    def before_write(
        self, work: Work, draft: Draft, old_row: Mapping[str, Any] | None, problems: Problems
    ) -> None:
        """Refuse edits by people; rules go on doing what the configuration says."""
        if old_row is None or not is_by_person(work):
            return
        changed = _changed(draft) | ({"attachments"} if draft.is_about_files else set())
        if not changed:
            return
        if old_row["approval"] == "waiting":
            self._refuse_while_waiting(work, draft, old_row, changed, problems)
        elif old_row["approval"] == "approved":
            self._refuse_afterwards(work, draft, old_row, changed, problems)

    def after_write(self, work: Work, change: Change) -> None:
        """Do nothing: `ApprovalReactions` does what follows."""

    def _refuse_while_waiting(
        self,
        work: Work,
        draft: Draft,
        row: Mapping[str, Any],
        changed: set[str],
        problems: Problems,
    ) -> None:
        run = store.waiting_run(work.connection, work.number(draft.entity.name), int(row["id"]))
        if run is None:
            return
        case = case_of(work, self._versions, run, draft.entity, row)
        is_asked = any(one.user_id == work.principal.user_id for one in case.waiting)
        if not case.definition.lock or (is_asked and changed <= set(case.step.edit)):
            return
        problems.add(
            None,
            say(
                "Locked while it is being approved. {why} "
                "Who submitted it can withdraw it and change it then.",
                "审批期间已锁定。{why}提交人可先撤回再修改。",
                why=waits_for(case),
            ),
        )

    def _refuse_afterwards(
        self,
        work: Work,
        draft: Draft,
        row: Mapping[str, Any],
        changed: set[str],
        problems: Problems,
    ) -> None:
        run = _last(work, draft.entity, int(row["id"]))
        if run is None or run.state != "approved":
            return
        definition = self._versions.of(work, run).definition
        if definition.edited == "refuse" and _counting(draft.entity, definition, changed):
            problems.add(
                None,
                say(
                    "It is approved and cannot be changed any more. "
                    "An administrator can withdraw the approval.",
                    "已通过审批，不能再修改。系统管理员可以撤销审批。",
                ),
            )


class ApprovalReactions:
    """Begins, repeats, ends and moves runs as their records change."""

    def __init__(self, flow: Flow, submitting: Submitting, versions: Versions) -> None:
        self._flow = flow
        self._submitting = submitting
        self._versions = versions

    def concerns(self, work: Work, entity: str) -> bool:
        """Whether records of the entity are approved, or may be who is asked."""
        return (
            entity == "user"
            or "approval" in work.release.catalog.entities[entity].fields
            or entity in approvals_through(work)
        )

    def before_write(
        self, work: Work, draft: Draft, old_row: Mapping[str, Any] | None, problems: Problems
    ) -> None:
        """Do nothing: `ApprovalLock` came first."""

    def after_write(self, work: Work, change: Change) -> None:
        """Do what follows from a write."""
        if change.entity.name == "user":
            self._user_changed(work, change)
        if change.old_row is not None and change.action not in ("delete", "purge"):
            self._behind(work, change)
        if "approval" not in change.entity.fields:
            return
        if change.action in ("delete", "purge"):
            self._end(work, change)
        elif change.action == "merge":
            self._move(work, change)
        else:
            self._begin_or_again(work, change)

    def _begin_or_again(self, work: Work, change: Change, before: Linked | None = None) -> None:
        if change.action != "update" or not self._starts_again(work, change):
            self._begin(work, change, before)

    def _behind(self, work: Work, change: Change) -> None:
        """Begin approvals that watch a field behind links, of every record that leads here."""
        for through in approvals_through(work).get(change.entity.name, ()):
            if through.field not in change.fields:
                continue
            before = Linked(work)
            before.put(change.entity.name, change.record_id, change.old_row)
            entity = work.release.catalog.entities[through.approval.entity]
            for row in records_behind(work, through, change.record_id):
                first = frozenset({through.way[-1].link})
                led = Change(entity, int(row["id"]), "update", row, row, first)
                if matches(work, through.approval.when, led, before):
                    self._begin_or_again(work, led, before)

    # -- events and edits --------------------------------------------------------------------------

    def _begin(self, work: Work, change: Change, before: Linked | None = None) -> None:
        """Begin the first approval whose event this is; what is only taken back is none."""
        if change.row["approval"] in ("waiting", "approved") or work.shared.notes.get("undo"):
            return
        for definition in work.release.catalog.automation.approvals_of(change.entity.name):
            when = definition.when
            if when.kind != "on" or change.action not in when.events:
                continue
            context = WriteContext(work, Linked(work), change.entity, change.row, change.old_row)
            if not matches(work, when, change, before):
                continue
            if definition.if_ is None or work.rows.closures.of(definition.if_)(context):
                self._submitting.begin(work, change.entity, change.row, definition, in_write=True)
                return

    def _starts_again(self, work: Work, change: Change) -> bool:
        """Begin again what was approved and then edited; return whether that was so."""
        if change.row["approval"] != "approved" or not is_by_person(work):
            return False
        run = _last(work, change.entity, change.record_id)
        if run is None or run.state != "approved":
            return False
        catalog = work.release.catalog
        definition = catalog.automation.approvals.get(run.name)
        if definition is None or definition.off or definition.edited != "start_again":
            return False
        if not _counting(change.entity, definition, set(change.fields - _BESIDE)):
            return False
        context = WriteContext(work, Linked(work), change.entity, change.row, change.old_row)
        if definition.if_ is not None and not work.rows.closures.of(definition.if_)(context):
            return False
        self._submitting.begin(
            work, change.entity, change.row, definition, chosen=dict(run.chosen), in_write=True
        )
        return True

    # -- the record goes ---------------------------------------------------------------------------

    def _under_way(self, work: Work, entity: Entity, record_id: int) -> Run | None:
        run = store.waiting_run(work.connection, work.number(entity.name), record_id)
        return store.find_run(work.connection, run.id, lock=True) if run is not None else None

    def _end(self, work: Work, change: Change) -> None:
        """End the run of a record that is deleted: nobody is to decide about nothing."""
        if change.row["approval"] != "waiting":
            return
        run = self._under_way(work, change.entity, change.record_id)
        if run is not None and change.action == "delete":
            case = case_of(work, self._versions, run, change.entity, change.row)
            self._flow.finish(case, "withdrawn", by=work.user_id)

    def _move(self, work: Work, change: Change) -> None:
        """Take along the run of a record that went into this one, unless this has its own."""
        for gone in change.merged:
            run = self._under_way(work, change.entity, gone)
            if run is None:
                continue
            kept = work.rows[change.entity.name].read(work.connection, [change.record_id])
            row = kept[change.record_id]
            if row["approval"] not in ("waiting", "approved"):
                run.record_id = change.record_id
                store.save_run(work.connection, run)
                case = case_of(work, self._versions, run, change.entity, row)
                note(case, "submit", "waiting", merged=gone)
                continue
            binned = work.rows[change.entity.name].read(work.connection, [gone])[gone]
            case = case_of(work, self._versions, run, change.entity, binned)
            self._flow.finish(case, "withdrawn", by=work.user_id)

    # -- people ------------------------------------------------------------------------------------

    def _user_changed(self, work: Work, change: Change) -> None:
        """Hand on the questions of somebody who does not work here any more."""
        old, new = change.old_row or {}, change.row
        was_here = bool(old.get("active")) and old.get("deleted_at") is None
        is_here = bool(new.get("active")) and new.get("deleted_at") is None
        if was_here and not is_here:
            # Once all of this write is done: it may close several accounts.
            work.shared.closing.append(lambda: self._hand_on(work, change.record_id))

    def _hand_on(self, work: Work, user: int) -> None:
        hand_on_of(work, self._flow, self._versions, user)


def _changed(draft: Draft) -> set[str]:
    names = {name for name in draft.changes if draft.changed(name)} | set(draft.lines)
    return names - _BESIDE


def _counting(entity: Entity, definition: ApprovalDefinition, changed: set[str]) -> bool:
    """Whether an edit is one of what was approved.

    A move to another stage is no edit: lifecycles say who may. Where an event begins the approval,
    the fields it watches are those that count.
    """
    watched = {path.partition(".")[0] for path in definition.when.changed}
    if definition.when.kind == "on" and watched:
        return bool(changed & watched)
    return any(
        not entity.fields[name].built_in and entity.fields[name].type.name != "stage"
        for name in changed
        if name in entity.fields and entity.fields[name].type.writable
    )


def matches(work: Work, when: When, change: Change, before: Linked | None = None) -> bool:
    """Whether a write is what an event is narrowed to (`changed`, `from`, `to`).

    Args:
        before: linked records as they were, where one of them is what changed.
    """
    if not when.changed:
        return True
    linked, is_new = Linked(work), change.old_row is None
    now = WriteContext(work, linked, change.entity, change.row)
    was = WriteContext(work, before or linked, change.entity, change.old_row or {})
    for path in when.changed:
        first = path.partition(".")[0]
        if change.entity.fields[first].type.name == "lines":
            if first in change.fields:
                return True
        elif is_change(was.value(path), now.value(path), when, is_new=is_new):
            return True
    return False


def _last(work: Work, entity: Entity, record_id: int) -> Run | None:
    runs = store.runs_of_record(work.connection, work.number(entity.name), record_id)
    return runs[0] if runs else None
