"""Approvals: how they are written, and how they are checked and frozen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

import marshmallow as ma

from app.definitions.action_schemas import Steps
from app.definitions.automation import ApprovalDefinition, ApprovalStep, Person, When
from app.definitions.binding import require_field
from app.definitions.complaints import Complaint, at_key, one_of
from app.definitions.document import Document
from app.definitions.meaning import digest_of
from app.definitions.names import label_from_name
from app.definitions.problems import Code
from app.definitions.rule_actions import Known, StepBinder
from app.definitions.rule_scopes import event_scope
from app.definitions.rules import check_roles, is_name
from app.definitions.shape import Definition, Items, Labels, Part, Value, add_keys
from app.definitions.words import Texts
from app.definitions.workflow_people import bind_people
from app.definitions.workflow_settings import DurationValue, People
from app.definitions.workflow_values import Site, bind_duration, find_field, item_path
from app.definitions.workshop import Draft, Path, Workshop
from app.expressions.tree import Checked
from app.fields.settings import (
    ExpressionText,
    Name,
    Names,
    Plain,
    Switch,
    WholeNumber,
    Word,
    refuse,
    written,
)

#: More steps than this are not one approval.
MOST_STEPS = 50


class Need(Value):
    """How many of the approvers must agree."""

    takes = "a number of people, `all`, or `in_turn`"

    def read(self, value: Any, key: str) -> int | str:
        text = str(value)
        if text in ("all", "in_turn"):
            return text
        if not isinstance(value, bool) and re.fullmatch(r"[1-9]\d?", text, re.ASCII):
            return int(text)
        raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.bad_value)

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a number or a word."""
        return {"anyOf": [{"type": "integer", "minimum": 1}, {"enum": ["all", "in_turn"]}]}


class ApprovalWhenSchema(Definition):
    """What begins an approval."""

    noun = "`when`"
    example = """
button: {en: Submit, zh: 提交审批}
"""

    button = Labels("People press it; this is what it says.")
    on = Names("It begins by itself when the record is written.", among=("create", "update"))
    changed = Texts("With `on: update`: fields one of which must have changed.")

    def check(self, values: dict[str, Any], data: dict[str, Any]) -> None:
        """Ask for one kind, with what belongs to it."""
        kind = one_of(data, ("button", "on"), "`when`")
        beside = {"button": ("for",), "on": ("changed",)}[kind]
        for key in data:
            if key != kind and key not in beside:
                message = f"`{key}` does not go with `{kind}`."
                raise at_key(key, message, Code.conflicting_keys, "Remove it.")
        if "changed" in data and "update" not in values["on"]:
            raise at_key(
                "changed",
                "`changed` goes with `on: update`.",
                Code.conflicting_keys,
                "Write `on: update`, or remove it.",
            )


add_keys(
    ApprovalWhenSchema,
    {"for": Names("The roles that see the button; without it, who may change the record.")},
)


class ApprovalStepSchema(Definition):
    """One step: who is asked, and how many of them must agree."""

    noun = "A step"
    example = """
approver: role finance
need: all
if: amount > 100000
within: 2 working days
late: user bob
"""

    approver = People("Who is asked.", required=True)
    levels = WholeNumber(
        "Of a manager: so many levels of managers, one after the other.", least=1, most=10
    )
    need = Need("How many of them must agree; `in_turn` asks one after the other. Without it: `1`.")
    edit = Names("Fields that the approvers of this step may change although it is locked.")
    within = DurationValue("How long they have.")
    late = People("Who is asked instead when the time is up.")
    cc = People("Who is told.")
    label = Labels("What the step is called.")

    def check(self, values: dict[str, Any], data: dict[str, Any]) -> None:
        """Ask for a time where there is somebody for when it is up."""
        del data
        if "late" in values and "within" not in values:
            sentence = "`late` says who is asked when the time is up, and there is no time."
            hint = "Add it, for example `within: 2 working days`."
            raise ma.ValidationError(
                {"late": [Complaint(sentence, Code.conflicting_keys, hint, on_key=True)]}
            )


add_keys(ApprovalStepSchema, {"if": ExpressionText("When the step is needed.")})


class ApprovalSchema(Definition):
    """Who has to agree, in which order."""

    noun = "the approval"
    example = """
approval: contract
entity: contract
when: {button: Submit}
steps:
  - {approver: owner.manager, levels: 2}
  - {approver: role legal, if: amount > 100000}
approved: [{set: {stage: signed}}]
"""

    approval = Plain("Its name.", required=True)
    entity = Name("The entity.", required=True)
    label = Labels("What people read; without one it is made from the name.")
    when = Part(ApprovalWhenSchema(), "What begins it.", required=True)
    steps = Items(
        Part(ApprovalStepSchema(), "A step."), "The steps, in order.", noun="A step", required=True
    )
    nobody = Word(
        "What happens where nobody is found for a step: it is skipped, an administrator is asked, "
        "or the submission is refused.",
        "admin",
        among=("skip", "admin", "refuse"),
    )
    submitter = Word(
        "What happens where whoever submits is an approver too.",
        "skip",
        among=("skip", "manager", "ask"),
    )
    lock = Switch("Nobody edits the record meanwhile.", default=True)
    edited = Word(
        "What a change after the approval does.", "start_again", among=("start_again", "refuse")
    )
    again = Word(
        "Where a rejected record goes on once it is submitted again.",
        "from_start",
        among=("from_rejecting", "from_start"),
    )
    comment = Word(
        "When approvers must say why.",
        "when rejecting",
        among=("never", "when rejecting", "always"),
    )
    approved = Steps("What is done once it is approved.")
    rejected = Steps("What is done once it is rejected.")
    was = Texts("Its former name.")
    off = Switch("It is not in force.")

    def check(self, values: dict[str, Any], data: dict[str, Any]) -> None:
        """Ask for some steps, and not for too many."""
        del data
        count = len(values["steps"])
        if not 1 <= count <= MOST_STEPS:
            sentence = f"There are {count} steps; there must be from 1 to {MOST_STEPS}."
            raise ma.ValidationError({"steps": [Complaint(sentence, Code.out_of_range)]})


add_keys(ApprovalSchema, {"if": ExpressionText("The records it is for.")})


def bind_approval(
    shop: Workshop, document: Document, values: Mapping[str, Any], known: Known
) -> ApprovalDefinition | None:
    """Return an approval, checked against its entity; what is wrong is noted."""
    is_name(shop, document, "approval", values["approval"])
    draft = shop.drafts.get(values["entity"])
    if draft is None:
        message = f"`{values['entity']}` is not an entity."
        shop.unknown_entity(document, ("entity",), values["entity"], message)
        return None
    return _Binding(shop, document, values, draft, known).bind()


class _Binding:
    """One approval, looked at beside its entity."""

    def __init__(
        self,
        shop: Workshop,
        document: Document,
        values: Mapping[str, Any],
        draft: Draft,
        known: Known,
    ) -> None:
        self.shop = shop
        self.document = document
        self.values = values
        self.draft = draft
        self.known = known
        #: steps are asked later, when nothing is written
        self.site = Site(shop, document, event_scope(shop, draft.name, writes=False))

    def bind(self) -> ApprovalDefinition:
        values, name = self.values, self.values["approval"]
        condition = None
        if "if" in values:
            events = values["when"].get("on", ())
            scope = event_scope(self.shop, self.draft.name, events, writes=bool(events))
            condition = self.site.within(scope).condition(("if",), values["if"])
        defaults = ApprovalSchema().fields
        words = {
            key: values.get(key, defaults[key].load_default)
            for key in ("nobody", "submitter", "lock", "edited", "again", "comment")
        }
        return ApprovalDefinition(
            name=name,
            entity=self.draft.name,
            when=self._when(values["when"]),
            steps=tuple(
                self._step(item_path(self.site, ("steps",), index), step)
                for index, step in enumerate(values["steps"])
            ),
            label=values.get("label") or label_from_name(name),
            if_=condition,
            approved=self._steps("approved"),
            rejected=self._steps("rejected"),
            off=values.get("off", False),
            digest=digest_of(self.document.data),
            source=cast("Mapping[str, Any]", self.document.data),
            place=self.document.place(),
            **words,
        )

    def _when(self, when: Mapping[str, Any]) -> When:
        if "button" in when:
            check_roles(self.shop, self.document, ("when", "for"), when.get("for", ()))
            return When("button", label=when["button"], for_=tuple(when.get("for", ())))
        changed = tuple(when.get("changed", ()))
        for index, dotted in enumerate(changed):
            path = item_path(self.site, ("when", "changed"), index)
            find_field(self.site, path, dotted, key=False)
        return When("on", events=tuple(when["on"]), changed=changed)

    def _step(self, path: Path, step: Mapping[str, Any]) -> ApprovalStep:
        site = self.site
        condition = None
        if "if" in step:
            condition = site.condition((*path, "if"), step["if"])
        for index, name in enumerate(step.get("edit", ())):
            where = item_path(site, (*path, "edit"), index)
            require_field(self.shop, self.draft, where, name, document=self.document)
        approver = self._people((*path, "approver"), step["approver"])
        self._check_step(path, step, approver)
        return ApprovalStep(
            approver=approver,
            levels=step.get("levels", 1),
            need=step.get("need", 1),
            if_=condition,
            edit=tuple(step.get("edit", ())),
            within=self._within((*path, "within"), step.get("within")),
            late=self._people((*path, "late"), step.get("late", ())),
            cc=self._people((*path, "cc"), step.get("cc", ())),
            label=step.get("label"),
        )

    def _check_step(
        self, path: Path, step: Mapping[str, Any], approver: tuple[Person, ...]
    ) -> None:
        if "levels" in step and any(one.kind not in ("path", "user") for one in approver):
            self.site.problem(
                Code.conflicting_keys,
                (*path, "levels"),
                "`levels` goes up from one person to the next manager; a role or department has "
                "no one manager.",
                "Write `approver: owner.manager`, or remove `levels`.",
                key=True,
            )
        for one in approver:
            if one.kind == "address":
                message = f"`{one.text}` is an address; only users can approve."
                self.site.problem(Code.bad_value, (*path, "approver"), message)

    def _within(self, path: Path, wrote: Any) -> Checked | None:
        return None if wrote is None else bind_duration(self.site, path, wrote, "`within`")

    def _people(self, path: Path, wrote: tuple[str, ...]) -> tuple[Person, ...]:
        return bind_people(self.site, path, wrote) if wrote else ()

    def _steps(self, key: str) -> Any:
        if key not in self.values:
            return ()
        binder = StepBinder(self.site, self.known, has_causer=True)
        return binder.bind(self.values[key], (key,))
