"""A run as it is drawn: each step with who was asked and what they said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.automation.approvals.case import Case
from app.automation.approvals.store import Task
from app.texts import Label

#: ``before``: a run before this one got that far. ``never``: it ended earlier.
StepState = Literal["before", "done", "skipped", "now", "next", "rejected", "withdrawn", "never"]


@dataclass(frozen=True, slots=True)
class DrawnStep:
    """One step of a run."""

    number: int
    label: Label
    state: StepState
    #: how many must agree: a number, ``all`` or ``in_turn``
    need: int | str
    #: the condition as it was written
    condition: str | None
    #: in the order they were asked, of all rounds
    tasks: Sequence[Task]
    #: fields its approvers may change
    edit: Sequence[str] = ()


def draw(case: Case) -> list[DrawnStep]:
    """Return the steps of a run, those that are still to come included."""
    return [
        DrawnStep(
            number,
            case.label_of(number),
            _state(case, number),
            "in_turn" if step.levels > 1 else step.need,
            step.if_.text if step.if_ is not None else None,
            [task for task in case.tasks if task.step == number and task.state != "pending"],
            step.edit,
        )
        for number, step in enumerate(case.definition.steps)
    ]


def _state(case: Case, number: int) -> StepState:
    run = case.run
    if number < run.first_step:
        return "before"
    if number == run.step and run.state != "approved":
        return {"waiting": "now", "rejected": "rejected"}.get(run.state, "withdrawn")  # type: ignore[return-value]
    if number > run.step and run.state != "approved":
        return "next" if run.state == "waiting" else "never"
    tasks = [task for task in case.tasks if task.step == number]
    newest = max((task.round for task in tasks), default=0)
    if all(task.user_id is None for task in tasks if task.round == newest):
        return "skipped"
    return "done"
