"""Handing a record in: which approval, whom the submitter has to choose, where it begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.automation.approvals import store
from app.automation.approvals.asking import is_somebody
from app.automation.approvals.case import Case
from app.automation.approvals.flow import Flow
from app.automation.approvals.naming import step_label
from app.automation.approvals.noting import note
from app.automation.approvals.staff import Staff
from app.automation.approvals.store import Run
from app.automation.approvals.versions import Versions
from app.definitions.automation import ApprovalDefinition
from app.definitions.catalog import Entity
from app.errors import Conflict, Forbidden, InvalidInput, NotFound
from app.records.checking import allowed_ids
from app.records.conditions import Linked, WriteContext
from app.records.work import Work
from app.texts import Label, say

#: As long as a comment may be.
LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Submission:
    """What is handed in, and what its submitter said."""

    entity: str
    record_id: int
    #: an approval's name; None: the first that fits
    approval: str | None = None
    #: approvers the submitter chose, by step
    chosen: Mapping[int, Sequence[int]] = field(default_factory=dict)
    comment: str | None = None


class Submitting:
    """Begins runs."""

    def __init__(self, flow: Flow, versions: Versions) -> None:
        self._flow = flow
        self._versions = versions

    def by_person(self, work: Work, said: Submission) -> Run:
        """Hand a record in for whoever asks.

        Raises:
            NotFound: there is no such record or approval.
            Forbidden: the principal may not.
            Conflict: it is under way already, or approved.
            InvalidInput: an approver is still to be chosen.
        """
        entity, row = _locked(work, said)
        definition = _chosen_by(work, entity, row, said.approval)
        if not may_submit(work, definition, row):
            raise Forbidden(work.policy.why("update", entity.name))
        _refuse_repeats(entity, row)
        chosen = _check_chosen(work, definition, said.chosen)
        comment = read_comment(said.comment)
        return self.begin(work, entity, row, definition, chosen=chosen, comment=comment)

    def begin(
        self,
        work: Work,
        entity: Entity,
        row: Mapping[str, Any],
        definition: ApprovalDefinition,
        *,
        chosen: Mapping[str, list[int]] | None = None,
        comment: str | None = None,
        in_write: bool = False,
    ) -> Run:
        """Begin a run for a record that is locked, as whoever the work acts for.

        Args:
            in_write: a write of the record sets it off, and has not ended yet.
        """
        run = Run(
            id=0,
            name=definition.name,
            digest=definition.digest,
            entity=work.number(entity.name),
            record_id=int(row["id"]),
            state="waiting",
            step=0,
            first_step=self._first_step(work, entity, row, definition),
            round=0,
            needed=1,
            in_turn=False,
            submitted_by=work.user_id,
            submitted_at=work.now,
            comment=comment,
            chosen=chosen or {},
        )
        store.keep_version(work.connection, definition)
        store.add_run(work.connection, run)
        case = Case(work, entity, row, run, definition)
        self._refuse_nobody(case)
        note(case, "submit", "waiting", in_write=in_write, comment=comment)
        self._flow.enter(case, run.first_step)
        return run

    def _first_step(
        self, work: Work, entity: Entity, row: Mapping[str, Any], definition: ApprovalDefinition
    ) -> int:
        """Return where it begins: at the step that rejected, if the approval says so."""
        if definition.again != "from_rejecting" or row["approval"] != "rejected":
            return 0
        runs = store.runs_of_record(work.connection, work.number(entity.name), int(row["id"]))
        last = next((run for run in runs if run.name == definition.name), None)
        is_same = last is not None and last.digest == definition.digest
        return last.step if last is not None and is_same and last.state == "rejected" else 0

    def _refuse_nobody(self, case: Case) -> None:
        if case.definition.nobody != "refuse":
            return
        for number in range(case.run.first_step, len(case.definition.steps)):
            if not is_somebody(case, number):
                raise InvalidInput(
                    message=say(
                        "It cannot be submitted: for {step} nobody is found who could approve.",
                        "无法提交：“{step}”找不到审批人。",
                        step=case.label_of(number),
                    )
                )


def read_comment(comment: str | None) -> str | None:
    """Return what somebody said, None for nothing.

    Raises:
        InvalidInput: it is too long, or holds what no text holds.
    """
    text = (comment or "").strip()
    if len(text) > LONGEST or "\0" in text:
        raise InvalidInput(
            {
                "comment": [
                    say(
                        "A comment has at most {most} characters.",
                        "意见不能超过 {most} 个字符。",
                        most=LONGEST,
                    )
                ]
            }
        )
    return text or None


def _locked(work: Work, said: Submission) -> tuple[Entity, Mapping[str, Any]]:
    entity = work.release.catalog.entities.get(said.entity)
    if entity is None or entity.lines_of is not None or "approval" not in entity.fields:
        raise NotFound
    row = work.rows[entity.name].lock(work.connection, [said.record_id]).get(said.record_id)
    if row is None or row["deleted_at"] is not None:
        raise NotFound
    if not allowed_ids(work, entity.name, {said.record_id: row}):
        raise NotFound
    return entity, row


def fitting(work: Work, entity: Entity, row: Mapping[str, Any]) -> list[ApprovalDefinition]:
    """Return the approvals that may be begun by hand for a record, in order."""
    context = WriteContext(work, Linked(work), entity, row)
    return [
        one
        for one in work.release.catalog.automation.approvals_of(entity.name)
        if one.if_ is None or bool(work.rows.closures.of(one.if_)(context))
    ]


def may_submit(work: Work, definition: ApprovalDefinition, row: Mapping[str, Any]) -> bool:
    """Whether the principal may hand the record in.

    By role where the button's `for` names some, else whoever may change the record.
    """
    roles = definition.when.for_
    if work.policy.is_admin:
        return True
    if roles and definition.when.kind == "button":
        return bool(set(roles) & set(work.policy.roles))
    return bool(allowed_ids(work, definition.entity, {int(row["id"]): row}, "update"))


def _chosen_by(
    work: Work, entity: Entity, row: Mapping[str, Any], name: str | None
) -> ApprovalDefinition:
    fits = fitting(work, entity, row)
    found = next((one for one in fits if name in (None, one.name)), None)
    if found is not None:
        return found
    known = work.release.catalog.automation.approvals_of(entity.name)
    if name is not None and name not in {one.name for one in known}:
        raise NotFound(
            say(
                "There is no approval {name} for {entity}.",
                "“{entity}”没有名为 {name} 的审批。",
                name=name[:60],
                entity=entity.label,
            )
        )
    raise InvalidInput(
        message=say(
            "As it stands, this {entity} needs no approval.",
            "这条“{entity}”目前不需要审批。",
            entity=entity.label,
        )
    )


def _refuse_repeats(entity: Entity, row: Mapping[str, Any]) -> None:
    if row["approval"] == "waiting":
        raise Conflict(say("It is submitted for approval already.", "已经提交审批，请勿重复提交。"))
    if row["approval"] == "approved":
        raise Conflict(
            say(
                "This {entity} is approved already.", "这条“{entity}”已经通过审批。",
                entity=entity.label,
            )
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """A step whose approvers the submitter chooses, and among whom."""

    step: int
    label: Label
    among: tuple[int, ...]


def choices(work: Work, definition: ApprovalDefinition) -> list[Choice]:
    """Return for which steps the submitter chooses who is asked."""
    staff = Staff(work)
    found = []
    for number, step in enumerate(definition.steps):
        roles = [person.name for person in step.approver if person.kind == "chosen"]
        if roles:
            among = dict.fromkeys(user for role in roles for user in staff.with_role(role))
            label = step_label(work.release.catalog, definition.entity, step, number)
            found.append(Choice(number, label, tuple(among)))
    return found


def _check_chosen(
    work: Work, definition: ApprovalDefinition, chosen: Mapping[int, Sequence[int]]
) -> dict[str, list[int]]:
    """Return the choices, once each step that wants one has somebody who may be chosen.

    A step whose condition does not hold yet may come to hold while it is under way, so all of them
    are asked for.
    """
    problems: dict[str, list[Label]] = {}
    found: dict[str, list[int]] = {}
    for one in choices(work, definition):
        users = list(dict.fromkeys(chosen.get(one.step, ())))
        wrong = [user for user in users if user not in one.among]
        if wrong or not users:
            problems[f"chosen.{one.step}"] = [
                say(
                    "Choose who approves at {step}.",
                    "请选择“{step}”的审批人。",
                    step=one.label,
                )
                if not users
                else say(
                    "{id} cannot be chosen for {step}.",
                    "“{step}”不能选择 {id}。",
                    id=wrong[0],
                    step=one.label,
                )
            ]
        found[str(one.step)] = users
    if problems:
        raise InvalidInput(problems)
    return found
