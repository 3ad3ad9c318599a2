"""The steps of one firing: which run now, which wait, what becomes of each.

Database actions run in their order, messages and calls after them. A step that cannot do its part
takes everything back (`RuleFailed` names rule and step); a message that cannot be told is noted in
the ledger. What comes later is only noted here, and written by whoever keeps the ledger.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import psycopg

from app.access.principal import Principal
from app.automation.actions.base import Actions, Outcome, StopRule, skipped
from app.automation.context import RuleContext, Said
from app.automation.firings import Later
from app.automation.index import Known, asks_elsewhere
from app.automation.outgoing import Outbox
from app.automation.quiet import is_quiet
from app.automation.running import Firing, Running
from app.definitions.automation import Step, Wait
from app.definitions.catalog import Entity
from app.errors import RuleFailed, TrellisError
from app.expressions import Checked
from app.expressions.moments import add_to_moment, as_duration
from app.fields.base import FieldError
from app.records.acting import Acting
from app.records.conditions import Linked
from app.records.violations import as_input_error
from app.records.work import Work
from app.texts import Label, say

_log = logging.getLogger(__name__)
#: What is asked of other records or of the clock is looked at again this often while it waits.
LOOK_AGAIN = timedelta(minutes=5)
#: A `wait … until` without `at_most` ends for good then.
FOREVER = timedelta(days=3650)
#: What stands at a step that was not for this record.
NOT_MET = say("Its condition did not hold.", "条件不成立。")


@dataclass(slots=True)
class Run:
    """One firing while its steps run."""

    known: Known
    firing: Firing
    #: acts as the rule says
    work: Work
    #: sees as whoever caused it does
    seen: Work
    entity: Entity | None
    row: Mapping[str, Any] | None
    old_row: Mapping[str, Any] | None
    outbox: Outbox
    said: Said = field(default_factory=Said)
    causer: Principal | None = None
    #: the step that is due now; "" for the first ones
    at: str = ""
    #: fired again for the same date: steps that wait are not for it
    is_repeat: bool = False
    linked: Linked | None = None
    outside: list[Step] = field(default_factory=list)
    later: list[Later] = field(default_factory=list)
    #: a `stop` ended it, or it has nothing more to do
    reason: Label | None = None

    @property
    def context(self) -> RuleContext:
        """What expressions see now."""
        if self.linked is None:
            self.linked = Linked(self.seen)
        return RuleContext(self.seen, self.linked, self.entity, self.row, self.old_row, self.said)

    def holds(self, condition: Checked | None) -> bool:
        """Return whether a condition holds; none always does."""
        if condition is None:
            return True
        return bool(self.seen.rows.closures.of(condition)(self.context))

    def evaluate(self, checked: Checked) -> Any:
        """Work an expression out."""
        return self.seen.rows.closures.of(checked)(self.context)

    def refresh(self) -> None:
        """Read the record anew: a step may have changed it, or what it links to."""
        self.linked = None
        if self.entity is not None and self.firing.record_id is not None:
            rows = self.work.rows[self.entity.name]
            found = rows.read(self.work.connection, [self.firing.record_id])
            self.row = found.get(self.firing.record_id, self.row)

    def note(self, step: Step, outcome: Outcome) -> None:
        """Put a step's outcome down."""
        self.firing.steps[step.path] = outcome_entry(self.work, step.action, outcome)


def outcome_entry(work: Work, action: str, outcome: Outcome) -> dict[str, Any]:
    """Return a step's outcome as the ledger keeps it."""
    entry: dict[str, Any] = {"state": outcome.state, "action": action, "at": work.now.isoformat()}
    if outcome.note is not None:
        entry["note"] = dict(outcome.note.texts)
    if outcome.made is not None:
        entry["made"] = list(outcome.made)
    return entry


class Steps:
    """Runs steps with the actions there are."""

    def __init__(self, actions: Actions) -> None:
        self.actions = actions

    def early(
        self, run: Run, steps: Iterable[Step], write: Callable[[Run, Step], None]
    ) -> list[Step]:
        """Do what is part of the write itself; return the steps that come afterwards.

        Args:
            write: puts what a `set` of own fields says into the record.
        """
        late: list[Step] = []
        queue = deque(steps)
        while queue:
            step = queue.popleft()
            if step.action == "wait" and step.after is None:
                return [*late, step, *queue]
            if step.path not in run.known.early:
                late.append(step)
            elif not self._is_due(run, step):
                continue
            elif step.action == "choose":
                queue.extendleft(reversed(self._chosen(run, step)))
            elif step.action == "set":
                self._guarded(run, step, partial(write, run, step))
                run.note(step, Outcome())
            else:
                self._run(run, step)
        return late

    def walk(self, run: Run, steps: Iterable[Step]) -> None:
        """Run database actions in their order; note what goes out, and what waits."""
        queue = deque(steps)
        while queue:
            step = queue.popleft()
            if is_quiet(run.work) and self._goes_out(step):
                run.note(step, skipped("The import sends nothing.", "此次导入不发送消息。"))
            elif step.after is not None and step.path != run.at:
                self._wait_for(run, step)
            elif not self._is_due(run, step):
                continue
            elif step.action == "choose":
                queue.extendleft(reversed(self._chosen(run, step)))
            elif step.action == "wait":
                if self.waits(run, step):
                    return
            elif self.actions[step.action].kind == "outside":
                run.outside.append(step)
            else:
                self._run(run, step)
                if queue or run.outside:
                    run.refresh()

    def _goes_out(self, step: Step) -> bool:
        return step.action not in ("choose", "wait") and self.actions[step.action].kind == "outside"

    def tell(self, run: Run) -> None:
        """Run what goes out, each by itself: one that fails is noted and keeps nobody else."""
        outside, run.outside = run.outside, []
        for step in outside:
            try:
                self._run(run, step)
            except psycopg.Error:
                raise
            except RuleFailed as error:
                run.note(step, Outcome("failed", _as_label(error.message)))

    def waits(self, run: Run, step: Step, deadline: datetime | None = None) -> bool:
        """Return whether a `wait` goes on, and note until when."""
        wait, now = step.settings, run.work.now
        assert isinstance(wait, Wait)
        if wait.until is None:
            until = moment_after(run, now, wait.for_) if wait.for_ is not None else now
        else:
            if run.holds(wait.until):
                run.note(step, Outcome("done"))
                return False
            if deadline is None:
                deadline = now + FOREVER
                if wait.at_most is not None:
                    deadline = moment_after(run, now, wait.at_most)
            if deadline <= now:
                note = say("It did not happen in time.", "在期限内没有发生。")
                run.note(step, Outcome("done", note))
                return False
            until = min(deadline, now + LOOK_AGAIN) if asks_elsewhere(wait.until) else deadline
        run.note(step, Outcome("waiting"))
        if deadline is not None:
            run.firing.steps[step.path]["until"] = deadline.isoformat()
        run.later.append(Later(run.firing.id, step.path, until))
        return True

    def _wait_for(self, run: Run, step: Step) -> None:
        if run.is_repeat:
            return
        run.later.append(Later(run.firing.id, step.path, due_of(run, step)))
        run.note(step, Outcome("waiting"))

    def _is_due(self, run: Run, step: Step) -> bool:
        """Return whether a step's own condition holds; note it where not."""
        if step.if_ is None:
            return True
        met = False

        def ask() -> None:
            nonlocal met
            met = run.holds(step.if_)

        self._guarded(run, step, ask)
        if not met:
            run.note(step, Outcome("skipped", NOT_MET))
        return met

    def _chosen(self, run: Run, step: Step) -> tuple[Step, ...]:
        """Return the branch of a `choose` whose condition holds first."""
        found: tuple[Step, ...] = ()

        def ask() -> None:
            nonlocal found
            for condition, branch in step.settings.branches:
                if run.holds(condition):
                    found = branch
                    return

        self._guarded(run, step, ask)
        none = say("None of its conditions held.", "没有条件成立。")
        run.note(step, Outcome() if found else Outcome("skipped", none))
        return found

    def _run(self, run: Run, step: Step) -> None:
        action = self.actions[step.action]
        running = Running(
            work=run.work,
            rule=run.known.rule,
            step=step,
            firing=run.firing,
            entity=run.entity,
            row=run.row,
            old_row=run.old_row,
            acting=Acting(run.work),
            outbox=run.outbox,
            context=run.context,
            causer=run.causer,
        )

        def do() -> None:
            outcome = action.run(running, step.settings)
            name = getattr(step.settings, "name", None)
            if outcome.made is not None and name:
                run.firing.made[name] = outcome.made
            run.note(step, outcome)

        self._guarded(run, step, do)

    def _guarded(self, run: Run, step: Step, do: Callable[[], None]) -> None:
        """Call *do*; what goes wrong is the rule's mistake and says so.

        Raises:
            StopRule: a `stop`, or an action that refuses.
            RuleFailed: anything else.
        """
        try:
            do()
        except (StopRule, RuleFailed):
            raise
        except psycopg.errors.IntegrityError as error:
            raise failure(run, step, as_input_error(error, run.work.release)) from error
        except psycopg.Error:
            # A lost deadlock repeats the transaction; a lost connection is nobody's mistake.
            raise
        except (TrellisError, FieldError) as error:
            raise failure(run, step, error) from error
        except Exception as error:
            _log.exception("Rule %s, step %s, failed.", run.known.rule.name, step.path)
            raise failure(run, step, error) from error


def moment_after(run: Run, start: datetime, length: Checked) -> datetime:
    """Return the moment a duration after *start*."""
    value = run.evaluate(length)
    if value is None:
        return start
    found = add_to_moment(start, as_duration(value), run.work.calendar)
    return found if found is not None else start + FOREVER


def due_of(run: Run, step: Step) -> datetime:
    """Return when a step with `after` is due: counted from the firing."""
    firing = run.firing
    start = firing.due_at or firing.happened_at or run.work.now
    assert step.after is not None
    return moment_after(run, start, step.after)


def failure(run: Run, step: Step, error: Exception) -> RuleFailed:
    """Return the error of a rule that could not do its part."""
    rule = run.known.rule
    return RuleFailed(
        say(
            "The rule “{rule}” could not do its step {step} ({action}), so nothing was saved: "
            "{why} This is no mistake of yours; tell an administrator.",
            "规则“{rule}”无法执行第 {step} 步（{action}），因此未保存任何内容：{why}"
            "这不是您的错误，请告知管理员。",
            rule=rule.label or rule.name,
            step=step_number(step.path),
            action=step.action,
            why=reason_of(error),
        ),
        rule=rule.name,
        step=step.path,
        firing=run.firing,
    )


def step_number(path: str) -> str:
    """Return a step's place for people, who count from 1: ``2.0.1`` is step 3.1.2."""
    parts = path.split(".")
    return ".".join(str(int(part) + 1) if part.isdigit() else part for part in parts)


def reason_of(error: Exception) -> Label:
    """Return what went wrong as a sentence, the first of those beside fields included."""
    if isinstance(error, FieldError):
        return error.sentence
    if not isinstance(error, TrellisError):
        return say("something unexpected happened.", "发生了意外错误。")
    first = next((sentences[0] for sentences in error.fields.values() if sentences), None)
    return _as_label(first if first is not None else error.message)


def _as_label(text: Any) -> Label:
    return text if isinstance(text, Label) else Label({"en": str(text)})
