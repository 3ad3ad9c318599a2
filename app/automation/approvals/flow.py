"""How a run of an approval moves: into a step, through its questions, out at the end.

Everything happens in the transaction that is open, with record and run locked. A run is never left
waiting for nobody: a step that finds no one goes on or asks the administrators.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from app.automation.approvals import store
from app.automation.approvals.asking import Asking, may_read, whom_to_ask
from app.automation.approvals.case import Case
from app.automation.approvals.noting import note
from app.automation.approvals.staff import Asked
from app.automation.approvals.store import Task
from app.automation.approvals.telling import Herald
from app.automation.people import resolve
from app.expressions.moments import add_to_moment, as_duration


class Outcomes(Protocol):
    """Runs what an approval says comes after it (``approved:``, ``rejected:``)."""

    def run(self, case: Case, event: str, old_row: Any) -> None:
        """Run the steps for *event*, and tell the rules that wait for it."""


class Flow:
    """The moves of runs."""

    def __init__(self, outcomes: Outcomes, herald: Herald) -> None:
        self._outcomes = outcomes
        self._herald = herald

    def enter(self, case: Case, number: int) -> None:
        """Bring a run to step *number*, or on to the first one behind it that asks somebody."""
        run, steps = case.run, case.definition.steps
        while number < len(steps):
            run.step = number
            asking = whom_to_ask(case, number)
            if steps[number].cc and asking.why != "condition":
                self._herald.informed(case, steps[number].cc)
            self._write_questions(case, asking)
            if asking.waits:
                run.needed, run.in_turn = asking.needed, asking.in_turn
                store.save_run(case.work.connection, run)
                self._ask_first(case)
                return
            number += 1
        self.finish(case, "approved", by=case.work.principal.user_id)

    def _write_questions(self, case: Case, asking: Asking) -> None:
        if asking.why is not None:
            self._add(case, Decimal(0), None, state="skipped", reason=asking.why)
        for position, one in enumerate(asking.asked):
            state = "skipped" if one.is_skipped else "pending"
            self._add(case, Decimal(position), one, state=state, reason=one.reason)

    def _ask_first(self, case: Case) -> None:
        pending = [task for task in case.present if task.state == "pending"]
        for task in pending[:1] if case.run.in_turn else pending:
            self.ask(case, task)

    def _add(
        self,
        case: Case,
        position: Decimal,
        one: Asked | None,
        *,
        state: str,
        reason: str | None,
        **more: Any,
    ) -> Task:
        run = case.run
        task = Task(
            0,
            run.id,
            run.round,
            run.step,
            position,
            user_id=one.user_id if one else None,
            for_user=one.for_user if one else None,
            state=state,
            reason=reason,
            **more,
        )
        if state == "skipped":
            task.decided_at = case.work.now
        store.add_task(case.work.connection, task)
        case.tasks.append(task)
        return task

    def ask(self, case: Case, task: Task) -> None:
        """Ask a question that was not asked yet, or ask it again."""
        task.state, task.asked_at = "waiting", case.work.now
        task.due_at = self._due(case)
        store.save_task(case.work.connection, task)
        self._herald.asked(case, task)

    def _due(self, case: Case) -> datetime | None:
        within = case.step.within
        length = case.evaluate(within) if within is not None else None
        if length is None:
            return None
        return add_to_moment(case.work.now, as_duration(length), case.work.calendar)

    def put(self, case: Case, task: Task, state: str, comment: str | None = None) -> None:
        """Write what became of a question."""
        task.state = state
        if comment is not None:
            task.comment = comment
        task.decided_at, task.decided_by = case.work.now, case.work.principal.user_id
        store.save_task(case.work.connection, task)

    def _drop(self, case: Case, tasks: list[Task]) -> None:
        for task in tasks:
            if task.is_open:
                task.state = "dropped"
                store.save_task(case.work.connection, task)

    def _drop_orphans(self, case: Case) -> None:
        """Drop what was added to questions that are not asked any more."""
        while True:
            gone = {one.id for one in case.present if one.state == "dropped"}
            orphans = [one for one in case.present if one.is_open and one.anchor in gone]
            if not orphans:
                return
            self._drop(case, orphans)

    # -- answers -----------------------------------------------------------------------------------

    def approve(self, case: Case, task: Task, comment: str | None) -> None:
        """Take a yes, and go on if that was the last that is needed."""
        self.put(case, task, "approved", comment)
        self._drop(case, [one for one in case.present if one.position == task.position])
        self._drop_orphans(case)
        note(case, "approve", step=case.run.step, comment=comment, for_user=task.for_user)
        self._open_after(case, task)
        self.settle(case)

    def _open_after(self, case: Case, task: Task) -> None:
        """Ask whoever was to be asked after *task*, or go on with what waited for it."""
        mine = [one for one in case.present if one.anchor == task.id and one.added == "after"]
        waiting = [one for one in mine if one.is_open]
        if waiting:
            for one in waiting:
                if one.state == "pending":
                    self.ask(case, one)
            return
        anchor = case.find(task.anchor)
        if anchor is None:
            return
        if task.added == "before" and anchor.state == "pending":
            if not _blocked(case, anchor):
                self.ask(case, anchor)
        elif task.added == "after":
            self._open_after(case, anchor)

    def settle(self, case: Case) -> None:
        """Go on to the next person or step if nothing more is waited for here."""
        present = case.present
        done = {t.position for t in present if t.added is None and t.state == "approved"}
        added = [t for t in present if t.added == "after" and t.is_open]
        owed = [t for t in added if (case.find(t.anchor) or t).state == "approved"]
        if len(done) >= case.run.needed and not owed:
            self._drop(case, present)
            self.enter(case, case.run.step + 1)
            return
        if any(task.state == "waiting" for task in present):
            return
        pending = [t for t in present if t.added is None and t.state == "pending"]
        if pending:
            self.ask(case, min(pending, key=lambda one: one.position))
            return
        # Whoever was left has gone: what was answered is enough, or it is asked anew.
        if done:
            self._drop(case, present)
            self.enter(case, case.run.step + 1)
        else:
            self.again(case, case.run.step)

    def again(self, case: Case, number: int) -> None:
        """Ask from step *number* on anew."""
        self._drop(case, case.tasks)
        case.run.round += 1
        self.enter(case, number)

    def reject(self, case: Case, task: Task, comment: str | None) -> None:
        """Take a no: it ends the run, however many were asked."""
        self.put(case, task, "rejected", comment)
        self.finish(case, "rejected", by=task.decided_by, comment=comment)

    def send_back(self, case: Case, task: Task, number: int, comment: str | None) -> None:
        """Have an earlier step decide again."""
        self.put(case, task, "sent_back", comment)
        note(case, "send_back", step=case.run.step, to_step=number, comment=comment)
        self._herald.sent_back(case, number, comment)
        self.again(case, number)

    # -- who is asked ------------------------------------------------------------------------------

    def hand_on(self, case: Case, task: Task, one: Asked, reason: str, comment: str | None) -> Task:
        """Have another person answer a question instead."""
        was_waiting = task.state == "waiting"
        self.put(case, task, "delegated", comment)
        new = self._add(
            case,
            task.position,
            one,
            state="pending",
            reason=reason,
            added=task.added,
            anchor=task.anchor,
            due_at=task.due_at,
        )
        for other in case.present:
            if other.anchor == task.id:
                other.anchor = new.id
                store.save_task(case.work.connection, other)
        if was_waiting:
            due = task.due_at
            self.ask(case, new)
            if due is not None:
                # The deadline is the question's, whoever answers it.
                new.due_at = due
                store.save_task(case.work.connection, new)
        return new

    def beside(self, case: Case, task: Task, one: Asked, reason: str) -> Task:
        """Ask another person as well; the first answer counts."""
        new = self._add(
            case,
            task.position,
            one,
            state="pending",
            reason=reason,
            added=task.added,
            anchor=task.anchor,
        )
        self.ask(case, new)
        new.due_at = None
        store.save_task(case.work.connection, new)
        return new

    def add(self, case: Case, task: Task, user: int, where: str, comment: str | None) -> Task:
        """Have somebody asked before or after the answer to *task*."""
        positions = sorted({one.position for one in case.present})
        place = positions.index(task.position)
        if where == "before":
            low = positions[place - 1] if place else task.position - 1
            position = (low + task.position) / 2
        else:
            high = positions[place + 1] if place + 1 < len(positions) else task.position + 1
            position = (task.position + high) / 2
        new = self._add(
            case,
            position,
            Asked(user),
            state="pending",
            reason="added",
            added=where,
            anchor=task.id,
            comment=None,
        )
        note(case, "add_approver", step=case.run.step, user=user, where=where, comment=comment)
        if where == "before":
            task.state = "pending"
            store.save_task(case.work.connection, task)
            self.ask(case, new)
        return new

    def escalate(self, case: Case, task: Task) -> None:
        """Say that a question is late, and ask whom the step names for that."""
        task.late = True
        store.save_task(case.work.connection, task)
        note(case, "late", step=case.run.step, user=task.user_id)
        self._herald.late(case, task)
        asked = {one.user_id for one in case.present if one.is_open}
        recipients = resolve(
            case.work, list(case.step.late), case.evaluate, record=(case.entity, case.row)
        )
        for user in [one.user_id for one in recipients if one.user_id is not None]:
            if user not in asked and may_read(case, user):
                asked.add(user)
                self.beside(case, task, Asked(user, task.for_user or task.user_id), "late")

    # -- the end -----------------------------------------------------------------------------------

    def finish(self, case: Case, state: str, *, by: int | None, comment: str | None = None) -> None:
        """End a run, write it into the record, tell whom it concerns, and do what comes after."""
        run, old_row = case.run, case.row
        self._herald.ended(case, state, by, comment)
        self._drop(case, case.tasks)
        run.state, run.ended_at, run.ended_by = state, case.work.now, by
        store.save_run(case.work.connection, run)
        action = {"approved": "approved", "rejected": "reject", "withdrawn": "withdraw"}[state]
        note(case, action, state, step=run.step, comment=comment)
        if state in ("approved", "rejected"):
            self._outcomes.run(case, state, old_row)


def _blocked(case: Case, task: Task) -> bool:
    """Whether somebody is still to answer before *task*."""
    return any(
        one.anchor == task.id and one.added == "before" and one.is_open for one in case.present
    )
