"""The approval on the page of its record: the steps drawn, and what the visitor may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from app.automation.approvals.case import Case
from app.automation.approvals.door import Offer, may_do
from app.automation.approvals.drawing import DrawnStep, draw
from app.automation.approvals.store import Task
from app.automation.occasions import condition_words
from app.definitions.catalog import Entity
from app.fields.approval import COLORS, STATES
from app.records.results import Record
from app.screens.controls import Chosen, Control
from app.screens.form_state import typed_of
from app.screens.kinds import FormLook, kind_of
from app.screens.marks import Mark, mark_of
from app.screens.moments import time_tag
from app.screens.pickers import person_control
from app.screens.visit import Visit

#: Marks of steps that are not numbered.
_ICONS = {
    "done": "check",
    "before": "check",
    "skipped": "minus",
    "now": "clock",
    "rejected": "x",
    "withdrawn": "arrow-back-up",
}
_DOTS = {
    "approved": "green",
    "rejected": "red",
    "waiting": "yellow",
    "sent_back": "orange",
}


@dataclass(frozen=True, slots=True)
class Who:
    """One question with its answer."""

    person: Mark
    #: in whose place, or why
    beside: str
    answer: str
    dot: str
    when: Markup | str
    comment: str
    #: an administrator may hand it on
    user: int = 0
    picker: Control | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """One step of the chain as it is drawn."""

    state: str
    mark: str
    icon: str
    title: str
    note: str = ""
    quote: str = ""
    when: Markup | str = ""
    who: Sequence[Who] = ()


@dataclass(frozen=True, slots=True)
class Back:
    """A step it can be sent back to."""

    number: int
    label: str


@dataclass(slots=True)
class ApprovalView:
    """Everything `approval.html` shows of one record."""

    label: str
    state: str
    color: str
    chain: Sequence[Link]
    base: str
    back_href: str
    version: int | None
    may: frozenset[str]
    #: why it cannot be changed now
    locked: str = ""
    #: what a change means afterwards
    approved: str = ""
    edit: Sequence[Control] = ()
    backs: Sequence[Back] = ()
    hand_on: Control | None = None
    add: Control | None = None
    must_say: bool = False
    #: runs before this one
    earlier: Sequence[Link] = ()


@dataclass(frozen=True, slots=True)
class OfferView:
    """An approval the record may be handed in to."""

    name: str
    id: str
    label: str
    action: str
    choices: Sequence[Control] = ()


def approval_block(
    visit: Visit, entity: Entity, record: Record
) -> tuple[ApprovalView | None, list[OfferView]]:
    """Return the newest run of a record as it is drawn, and what it may be handed in to."""
    if "approval" not in entity.fields or not visit.policy.is_readable(entity.name, "approval"):
        return None, []
    found = visit.core.approvals.of_record(visit.principal, entity.name, record.id)
    offers = [_offer(visit, entity, record, offer) for offer in found.offers]
    if not found.cases:
        return None, offers
    return _Block(visit, entity, record, found.cases[0]).view(found.cases[1:]), offers


def _offer(visit: Visit, entity: Entity, record: Record, offer: Offer) -> OfferView:
    definition, people = offer.definition, visit.core.organisation.snapshot().people
    label = definition.when.label or definition.label
    choices = [
        Control(
            "choice",
            f"chosen-{one.step}",
            visit.wording.say("Who approves: %(step)s", step=one.label.in_language(visit.language)),
            id=f"{definition.name}-chosen-{one.step}",
            input_name=f"chosen-{one.step}",
            required=True,
            span=12,
            options=[Chosen(str(user), people[user].name) for user in one.among if user in people],
        )
        for one in offer.choices
    ]
    said = label.in_language(visit.language) if label else visit.wording.say("Submit")
    return OfferView(
        definition.name,
        f"submit-{definition.name}",
        said,
        f"/crm/{entity.name}/{record.id}/submit",
        choices,
    )


class _Block:
    """One run being drawn for one visitor."""

    def __init__(self, visit: Visit, entity: Entity, record: Record, case: Case) -> None:
        self.visit = visit
        self.entity = entity
        self.record = record
        self.case = case
        self.people = visit.core.organisation.snapshot().people
        self.say = visit.wording.say
        self._comma, self._listed = ("，", "、") if visit.language == "zh" else (", ", ", ")

    def view(self, earlier: Sequence[Case]) -> ApprovalView:
        case, run = self.case, self.case.run
        may = may_do(case, self.visit.principal)
        steps = draw(case)
        is_open = run.state == "waiting"
        view = ApprovalView(
            label=case.title.in_language(self.visit.language),
            state=self.say("step %(now)s of %(all)s", now=run.step + 1, all=len(steps))
            if is_open
            else self.visit.words(STATES[run.state]),
            color=COLORS[run.state],
            chain=[self._begun(case), *(self._step(step, may) for step in steps)],
            base=f"/approvals/{run.id}",
            back_href=f"/crm/{self.entity.name}/{self.record.id}",
            version=self.record.version,
            may=may,
            must_say=case.definition.comment == "always",
            earlier=[self._over(one) for one in earlier],
        )
        if is_open and case.definition.lock:
            view.locked = self._locked(may)
        elif run.state == "approved" and case.row["approval"] == "approved":
            view.approved = (
                self.say("Approved. A change of its content starts the approval again.")
                if case.definition.edited == "start_again"
                else self.say("Approved. What was approved cannot be changed any more.")
            )
        if may & {"approve", "reassign"}:
            self._add_controls(view, steps)
        return view

    def _add_controls(self, view: ApprovalView, steps: Sequence[DrawnStep]) -> None:
        view.hand_on = self._picker("hand-on")
        view.add = self._picker("add")
        view.add.label = self.say("Who is asked as well")
        view.backs = [
            Back(step.number, f"{step.number + 1} · {step.label.in_language(self.visit.language)}")
            for step in steps
            if step.number < self.case.run.step and step.state in ("done", "before")
        ]
        if "approve" in view.may:
            view.edit = self._edit(steps[self.case.run.step].edit)

    def _picker(self, id_: str) -> Control:
        # Every record has a field of users to pick by, an owned one and one that is not.
        field = "owner" if self.entity.owned else "created_by"
        control = person_control(field, self.say("Who answers instead"), self.entity.name)
        control.id = f"{id_}-person"
        return control

    def _edit(self, names: Sequence[str]) -> list[Control]:
        """Return the fields this step lets its approvers change, with what they hold."""
        visit, controls = self.visit, []
        shown = [
            name
            for name in names
            if name in self.record.values
            and name not in self.record.masked
            and self.entity.fields[name].type.name != "lines"
        ]
        look = FormLook(visit.catalog, self.entity.name, visit.wording, visit.look.zone, {})
        typed = typed_of(visit.catalog, self.entity, shown, self.record, look)
        for name in shown:
            field = self.entity.fields[name]
            control = Control("text", name, field.label.in_language(visit.language), span=12)
            kind_of(field).fill(control, field, typed, look)
            control.id, control.input_name = f"edit-{name}", f"edit.{name}"
            control.name = f"edit.{name}"
            controls.append(control)
        return controls

    def _locked(self, may: frozenset[str]) -> str:
        names = [self._name(task.user_id) for task in self.case.waiting]
        listed = self._listed.join(dict.fromkeys(names))
        if "withdraw" in may:
            return self.say(
                "Locked while it is being approved. It waits for %(names)s; you can withdraw it.",
                names=listed,
            )
        return self.say(
            "Locked while it is being approved. It waits for %(names)s; %(who)s can withdraw it.",
            names=listed,
            who=self._name(self.case.run.submitted_by),
        )

    def _name(self, user: int | None) -> str:
        person = self.people.get(user or 0)
        return person.name if person is not None else self.say("The system")

    def _when(self, moment: object) -> Markup | str:
        look = self.visit.look
        return time_tag(moment, look.now, self.visit.wording, look.zone) if moment else ""  # type: ignore[arg-type]

    def _begun(self, case: Case) -> Link:
        who = Markup("<b>{}</b>").format(self._name(case.run.submitted_by))
        return Link(
            "done",
            "",
            "send",
            self.say("%(who)s submitted it", who=who),
            quote=case.run.comment or "",
            when=self._when(case.run.submitted_at),
        )

    def _over(self, case: Case) -> Link:
        """Return a run before, in one line."""
        who = Markup("<b>{}</b>").format(self._name(case.run.submitted_by))
        state = self.visit.words(STATES[case.run.state])
        said = next((t.comment for t in reversed(case.tasks) if t.comment), None)
        return Link(
            "done" if case.run.state == "approved" else "skipped",
            "",
            _ICONS.get(case.run.state, "history"),
            self.say("%(who)s submitted it: %(state)s", who=who, state=state),
            quote=said or "",
            when=self._when(case.run.ended_at),
        )

    def _step(self, step: DrawnStep, may: frozenset[str]) -> Link:
        label = step.label.in_language(self.visit.language)
        need = {
            "all": self.say("all of them"),
            "in_turn": self.say("one after the other"),
        }.get(str(step.need), "")
        if not need and isinstance(step.need, int) and step.need > 1:
            need = self.say("%(count)s of them", count=step.need)
        tasks = [task for task in step.tasks if task.user_id is not None]
        return Link(
            step.state,
            str(step.number + 1),
            _ICONS.get(step.state, ""),
            f"{step.number + 1} · {label}{self._comma}{need}"
            if need and len(tasks) != 1
            else f"{step.number + 1} · {label}",
            note=self._note(step),
            who=[self._who(task, may) for task in tasks],
        )

    def _note(self, step: DrawnStep) -> str:
        reasons = {task.reason for task in step.tasks if task.user_id is None}
        if step.state == "before":
            return self.say("Approved before the rejection")
        if "condition" in reasons and step.state == "skipped":
            return self.say(
                "Not needed: %(condition)s does not hold", condition=self._condition(step)
            )
        if "nobody" in reasons:
            return self.say("Nobody was found, so it went on")
        if step.condition and step.state in ("now", "next"):
            words = self.say("because %(condition)s", condition=self._condition(step))
            return (
                words
                if step.state == "now"
                else self.say("if %(condition)s", condition=self._condition(step))
            )
        return ""

    def _condition(self, step: DrawnStep) -> str:
        """Return a step's condition as people say it."""
        words = condition_words(step.condition or "", self.visit.catalog, self.entity)
        return words.in_language(self.visit.language)

    def _who(self, task: Task, may: frozenset[str]) -> Who:
        beside = ""
        if task.for_user is not None:
            beside = self.say("for %(name)s", name=self._name(task.for_user))
        elif task.reason == "admin":
            beside = self.say("as nobody else was found")
        elif task.added is not None:
            beside = self.say("asked as well")
        mine = task.user_id == self.visit.principal.user_id
        is_movable = task.state == "waiting" and "reassign" in may and not mine
        return Who(
            mark_of(self._name(task.user_id)),
            beside,
            self._answer(task),
            _DOTS.get(task.state, "gray"),
            self._when(task.decided_at or task.asked_at),
            task.comment or "",
            user=(task.user_id or 0) if is_movable else 0,
            picker=self._picker(f"hand-on-{task.user_id}") if is_movable else None,
        )

    def _answer(self, task: Task) -> str:
        if task.state == "waiting" and task.late:
            return self.say("late")
        return {
            "waiting": self.say("waiting"),
            "approved": self.say("approved"),
            "rejected": self.say("rejected"),
            "sent_back": self.say("sent back"),
            "delegated": self.say("handed on"),
            "dropped": self.say("not needed any more"),
            "skipped": self.say("passed over: submitted it"),
        }.get(task.state, task.state)
