"""One run of an approval in hand: its record locked, its questions read, its conditions at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.access.principal import SYSTEM
from app.automation.approvals import store
from app.automation.approvals.naming import step_label
from app.automation.approvals.store import Run, Task
from app.automation.approvals.versions import Versions
from app.definitions.automation import ApprovalDefinition, ApprovalStep
from app.definitions.catalog import Entity
from app.errors import Conflict, NotFound
from app.expressions import Checked
from app.fields.approval import STATES
from app.records.conditions import Linked, WriteContext
from app.records.work import Work
from app.texts import Label, say


@dataclass(slots=True)
class Case:
    """A run with everything its next move depends on."""

    work: Work
    entity: Entity
    #: the record's columns
    row: Mapping[str, Any]
    run: Run
    definition: ApprovalDefinition
    #: its version cannot be read any more: administrators decide
    is_lost: bool = False
    #: all questions so far, in the order they were asked
    tasks: list[Task] = field(default_factory=list)

    @property
    def step(self) -> ApprovalStep:
        """The step it stands at."""
        return self.definition.steps[self.run.step]

    @property
    def present(self) -> list[Task]:
        """The questions of the step it stands at, of this round."""
        run = self.run
        return [t for t in self.tasks if t.round == run.round and t.step == run.step]

    @property
    def waiting(self) -> list[Task]:
        """The questions that wait for an answer."""
        return [task for task in self.tasks if task.state == "waiting"]

    @property
    def title(self) -> Label:
        """What the approval is called."""
        return self.definition.label or Label({"en": self.run.name})

    def label_of(self, number: int) -> Label:
        """Return what a step is called."""
        step = self.definition.steps[number]
        return step_label(self.work.release.catalog, self.entity.name, step, number)

    def find(self, task_id: int | None) -> Task | None:
        """Return a question by its number."""
        return next((task for task in self.tasks if task.id == task_id), None)

    def evaluate(self, checked: Checked) -> Any:
        """Work an expression out on the record; ``me`` is who submitted it."""
        asker = self.work
        if self.work.principal.user_id != self.run.submitted_by:
            submitter = self.work.organisation.principal(self.run.submitted_by) or SYSTEM
            asker = self.work.acting_as(submitter, origin="rule", cause=self.run.name)
        context = WriteContext(asker, Linked(asker), self.entity, self.row)
        return asker.rows.closures.of(checked)(context)

    def holds(self, condition: Checked | None) -> bool:
        """Return whether a condition holds; one that was not said does."""
        return condition is None or bool(self.evaluate(condition))


def open_case(work: Work, versions: Versions, run_id: int) -> Case:
    """Lock a run and its record, and return them; whoever comes second waits here.

    Raises:
        NotFound: there is no such run, or its record is gone.
        Conflict: it is over.
    """
    seen = store.find_run(work.connection, run_id)
    if seen is None or seen.entity not in work.release.names:
        raise NotFound
    entity = work.release.catalog.entities[work.release.names[seen.entity]]
    # The record first: whoever edits it holds it, too.
    row = work.rows[entity.name].lock(work.connection, [seen.record_id]).get(seen.record_id)
    run = store.find_run(work.connection, run_id, lock=True)
    if run is None or row is None:
        raise NotFound
    if run.state != "waiting":
        raise Conflict(
            say(
                "This approval is over: {state}.",
                "该审批已结束：{state}。",
                state=STATES[run.state],
            )
        )
    return case_of(work, versions, run, entity, row)


def case_of(
    work: Work, versions: Versions, run: Run, entity: Entity, row: Mapping[str, Any]
) -> Case:
    """Return a run that is held already as a case."""
    followed = versions.of(work, run)
    tasks = store.tasks_of(work.connection, run.id)
    return Case(work, entity, row, run, followed.definition, followed.is_lost, tasks)
