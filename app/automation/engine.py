"""The engine: runs what is due, and fires rules that people and programs set off.

Events fire inside the transaction of the write (``events``); what is due later is a row in
``trellis.task``, which a worker hands to `Engine.run_tasks`. A batch is one transaction: every
effect, every message and the deletion of the tasks happen together or not at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import psycopg

from app.access.principal import SYSTEM
from app.automation import due_tasks
from app.automation.actions.base import Outcome, StopRule
from app.automation.checked_again import Checker, FindRule, Look, Verdict
from app.automation.due_tasks import MOST_ATTEMPTS, Due, pause_after, put_back
from app.automation.firings import (
    Ended,
    add_tasks,
    drop_tasks,
    drop_tasks_of,
    end_firings,
    still_waiting,
)
from app.automation.outgoing import Outbox
from app.automation.registry import RuleNumbers
from app.automation.rule_sets import rule_set
from app.automation.running import Firing
from app.automation.steps import Run, Steps, outcome_entry, reason_of
from app.automation.versions import Versions
from app.automation.waking import wake
from app.errors import Forbidden, RuleFailed, TrellisError
from app.records.door import Records
from app.records.work import Work
from app.texts import Label

_log = logging.getLogger(__name__)


class Handler(Protocol):
    """Runs firings of what is no rule of a file: what pools do by themselves, and approvals."""

    def run(self, work: Work, firing: Firing, step: str, outbox: Outbox) -> Ended | None:
        """Do what is due, in the open transaction; None: it is done and waits for nothing."""


class Engine:
    """Runs what is due, each batch in one transaction."""

    def __init__(
        self, records: Records, steps: Steps, numbers: RuleNumbers, versions: Versions
    ) -> None:
        self.records = records
        self.steps = steps
        self.numbers = numbers
        self._checker = Checker(numbers, versions)
        self._handlers: dict[str, Handler] = {}

    def register(self, prefix: str, handler: Handler) -> None:
        """Have firings whose rule's name begins with *prefix* (``pool:``) run by a handler."""
        self._handlers[prefix] = handler

    def follow(self, prefix: str, find: FindRule) -> None:
        """Have later steps of what begins with *prefix* (``approval:``) run as a rule's are."""
        self._checker.others[prefix] = find

    def run_task(self, task_id: int, token: int) -> None:
        """Run one task; see `run_tasks`."""
        self.run_tasks([task_id], token)

    def run_tasks(self, ids: Sequence[int], token: int) -> None:
        """Run the tasks that are still held under *token*; others, and those gone, are passed over.

        Whoever hands tasks out sets ``leased_until`` and ``token`` and counts ``attempts`` up.
        Every effect, the ledger and the deletion of the tasks are one transaction. When one of
        them fails, the others are run all the same and the failure is noted: it is due again
        after a pause, and put aside with its problem after the third attempt.
        """
        try:
            self._transact(lambda work: self._batch(work, ids, token))
        except Exception as error:  # noqa: BLE001 - whatever it is, the others must go on.
            if len(ids) == 1:
                self._failed_whole(ids[0], token, error)
                return
            _log.exception(
                "A batch of %s tasks failed as a whole; each is run by itself.", len(ids)
            )
            for one in ids:
                self.run_tasks([one], token)

    def _transact(self, step: Callable[[Work], None]) -> None:
        self.records.transact(SYSTEM, step, origin="rule")

    def _failed_whole(self, task_id: int, token: int, error: Exception) -> None:
        """Note that a task fails with its whole transaction, an error that no step caught.

        Raises:
            Exception: as it came, where it is the database that does not answer.
        """
        if isinstance(error, psycopg.OperationalError):
            raise error
        _log.error("Task %s failed.", task_id, exc_info=error)

        def note(work: Work) -> None:
            for due in due_tasks.hold(work, [task_id], token):
                self._note_failure(work, due, error, None)

        self._transact(note)

    def _batch(self, work: Work, ids: Sequence[int], token: int) -> None:
        held = due_tasks.hold(work, ids, token)
        if not held:
            return
        batch = Batch(work)
        look = self._checker.look(work, held)
        for due in held:
            self._one(batch, due, look)
        batch.close()

    def _one(self, batch: Batch, due: Due, look: Look) -> None:
        """Run one task; what it did is taken back when it fails."""
        work = batch.work
        handler = self._handler_of(due)
        mark = batch.mark()
        try:
            if handler is not None:
                with work.connection.transaction():
                    ended = handler.run(work, due.firing, due.step, batch.outbox)
                look.is_stale = True
                batch.done(due, ended or Ended(due.firing, "done"))
                return
            verdict = self._checker.check(work, due, look, batch.outbox)
            if verdict.run is None:
                batch.decided(due, verdict)
                return
            self._run(batch, due, verdict, look)
        except StopRule as refusal:
            batch.reset(mark)
            batch.decided(due, Verdict("skipped", _label(refusal.message), drops_all=True))
        except (TrellisError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            batch.reset(mark)
            self._note_failure(work, due, error, batch.ended)

    def _run(self, batch: Batch, due: Due, verdict: Verdict, look: Look) -> None:
        run, work = verdict.run, batch.work
        assert run is not None
        if not self._writes(verdict):
            # Nothing of it touches records, so there is nothing to take back in part.
            self._walk(run, due, verdict)
        else:
            look.is_stale = True
            with rule_set(work, run.known.rule.name), work.connection.transaction():
                self._walk(run, due, verdict)
        batch.ran(due, run)

    def _walk(self, run: Run, due: Due, verdict: Verdict) -> None:
        if verdict.wait is not None:
            deadline = _deadline(due)
            if verdict.wait.settings.until is not None and self.steps.waits(
                run, verdict.wait, deadline
            ):
                return
            if verdict.wait.path not in run.firing.steps:
                run.note(verdict.wait, Outcome())
        self.steps.walk(run, verdict.steps)
        self.steps.tell(run)

    def _writes(self, verdict: Verdict) -> bool:
        actions = self.steps.actions
        return any(
            step.action in ("choose", "wait") or actions[step.action].kind == "database"
            for step in verdict.steps
        )

    def _handler_of(self, due: Due) -> Handler | None:
        name = self.numbers.name(due.firing.rule) or ""
        return next(
            (one for prefix, one in self._handlers.items() if name.startswith(prefix)), None
        )

    def _note_failure(
        self, work: Work, due: Due, error: Exception, ended: list[Ended] | None
    ) -> None:
        """Have a task tried again after a pause; put it aside when that has no use."""
        why = _label(error.message) if isinstance(error, TrellisError) else reason_of(error)
        _log.warning("Task %s of firing %s failed: %s", due.task, due.firing.id, why)
        final = due.attempts >= MOST_ATTEMPTS or _is_final(error)
        if final:
            put_back(work, due, due.due_at, attempts=due.attempts, problem=why)
            row = Ended(Firing(**_without_steps(due.firing)), "failed", why)
            if ended is not None:
                ended.append(row)
            else:
                end_firings(work, [row])
        else:
            put_back(work, due, work.now + pause_after(due.attempts), attempts=due.attempts)


class Batch:
    """What the tasks of one transaction have in common: what goes out, and the ledger."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.outbox = Outbox()
        self.ended: list[Ended] = []
        self._runs: list[Run] = []
        self._finished: list[int] = []
        self._dropped: list[int] = []
        #: firings of which a later step is over without having run, and why
        self._partly: list[tuple[Firing, Label | None]] = []

    def mark(self) -> tuple[int, ...]:
        """Return where things stand, to go back to."""
        shared = self.work.shared
        lengths = (self.outbox.messages, self.outbox.deliveries, shared.after, shared.closing)
        return tuple(len(each) for each in lengths)

    def reset(self, mark: tuple[int, ...]) -> None:
        """Take back what was collected since *mark*."""
        shared = self.work.shared
        lists: tuple[list[Any], ...] = (
            self.outbox.messages,
            self.outbox.deliveries,
            shared.after,
            shared.closing,
        )
        for each, length in zip(lists, mark, strict=True):
            del each[length:]

    def ran(self, due: Due, run: Run) -> None:
        """Note that a task's steps were run."""
        self._runs.append(run)
        if not any(later.step == due.step for later in run.later):
            self._finished.append(due.task)

    def done(self, due: Due, ended: Ended) -> None:
        """Note how a handler left a firing."""
        self.ended.append(ended)
        self._finished.append(due.task)

    def decided(self, due: Due, verdict: Verdict) -> None:
        """Note that a task is not run, and why."""
        if verdict.later is not None:
            put_back(self.work, due, verdict.later)
        else:
            self._finished.append(due.task)
        if verdict.drops_all:
            self._dropped.append(due.firing.id)
        elif due.step and verdict.later is None:
            # One step is over; what becomes of the firing, the others that wait decide.
            note = Outcome("skipped", verdict.reason)
            due.firing.steps[due.step] = outcome_entry(self.work, "", note)
            self._partly.append((due.firing, verdict.reason))
            return
        if verdict.state is not None:
            self.ended.append(Ended(due.firing, verdict.state, verdict.reason))

    def close(self) -> None:
        """Write what goes out, what waits, and how every firing stands now."""
        work = self.work
        self.outbox.flush(work)
        later = [each for run in self._runs for each in run.later]
        add_tasks(work, later)
        drop_tasks(work, self._finished)
        drop_tasks_of(work, self._dropped)
        may_wait = {run.firing.id for run in self._runs if run.known.has_later}
        may_wait |= {one.id for one, _ in self._partly}
        waiting = still_waiting(work, may_wait)
        rows = [Ended(run.firing, _state_of(run, waiting), run.reason) for run in self._runs]
        for one, reason in self._partly:
            state = "waiting" if one.id in waiting else "done"
            rows.append(Ended(one, state, None if state == "waiting" else reason))
        # What was decided about a firing as a whole stands, whatever its other steps did.
        end_firings(work, _last_of_each([*rows, *self.ended]))
        if any(each.due_at <= work.now for each in later):
            wake(work.connection)


def _state_of(run: Run, waiting: set[int]) -> str:
    if run.firing.id in waiting:
        return "waiting"
    if any(step["state"] == "failed" for step in run.firing.steps.values()):
        return "failed"
    return "done"


def _last_of_each(rows: Iterable[Ended]) -> list[Ended]:
    """Return one row per firing, since two of its tasks may be in one batch."""
    found: dict[int, Ended] = {}
    for row in rows:
        before = found.get(row.firing.id)
        if before is not None:
            row.firing.steps = {**before.firing.steps, **row.firing.steps}
        found[row.firing.id] = row
    return list(found.values())


def _deadline(due: Due) -> datetime | None:
    noted: Mapping[str, Any] = due.steps.get(due.step) or {}
    until = noted.get("until")
    return datetime.fromisoformat(until) if until else None


def _is_final(error: Exception) -> bool:
    """Return whether another attempt has no use: a right that is missing stays missing."""
    cause = error.__cause__ if isinstance(error, RuleFailed) else error
    return isinstance(cause, Forbidden)


def _label(text: Any) -> Label:
    return text if isinstance(text, Label) else Label({"en": str(text)})


def _without_steps(one: Firing) -> dict[str, Any]:
    names = (
        "id", "rule", "digest", "cause", "occurrence", "entity", "record_id", "user_id", "due_at",
        "happened_at",
    )  # fmt: skip
    return {name: getattr(one, name) for name in names}
