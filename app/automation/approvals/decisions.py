"""What people may do with a run: approve, reject, send back, add, hand on, withdraw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.access.principal import SYSTEM
from app.automation.approvals import store
from app.automation.approvals.asking import may_read
from app.automation.approvals.case import Case, case_of, open_case
from app.automation.approvals.flow import Flow
from app.automation.approvals.noting import note
from app.automation.approvals.staff import Asked, Staff
from app.automation.approvals.store import Run, Task
from app.automation.approvals.submitting import read_comment
from app.automation.approvals.versions import Versions
from app.errors import Conflict, Forbidden, InvalidInput, NotFound
from app.fields.base import FieldError
from app.records.acting import Acting
from app.records.checking import visible_ids
from app.records.drafts import Problems
from app.records.work import Work
from app.texts import Label, say


class Decisions:
    """The answers of people, each checked: only who is asked may give one."""

    def __init__(self, flow: Flow, versions: Versions) -> None:
        self._flow = flow
        self._versions = versions

    def approve(
        self,
        work: Work,
        run_id: int,
        comment: str | None,
        *,
        values: Mapping[str, Any] | None = None,
        version: int | None = None,
        strict: bool = True,
    ) -> Run:
        """Say yes.

        Args:
            values: of fields the step lets its approvers change (`edit`), as JSON has them
                (*strict*) or as a form does.
            version: of the record that was looked at; another one is a conflict.
        """
        case, task = self._asked(work, run_id, version)
        comment = _comment(case, comment, is_no=False)
        if values:
            self._edit(case, values, strict=strict)
        self._flow.approve(case, task, comment)
        return case.run

    def reject(
        self, work: Work, run_id: int, comment: str | None, *, version: int | None = None
    ) -> Run:
        """Say no: it ends the run."""
        case, task = self._asked(work, run_id, version)
        self._flow.reject(case, task, _comment(case, comment, is_no=True))
        return case.run

    def send_back(self, work: Work, run_id: int, step: int, comment: str | None) -> Run:
        """Have an earlier step decide again."""
        case, task = self._asked(work, run_id)
        if not 0 <= step < case.run.step:
            raise InvalidInput(
                {
                    "step": [
                        say(
                            "It can be sent back to a step before this one: 0 to {last}.",
                            "只能退回到之前的步骤：0 到 {last}。",
                            last=case.run.step - 1,
                        )
                        if case.run.step
                        else say(
                            "This is the first step; there is none to send it back to.",
                            "当前是第一步，无法退回。",
                        )
                    ]
                }
            )
        self._flow.send_back(case, task, step, _comment(case, comment, is_no=True))
        return case.run

    def delegate(
        self,
        work: Work,
        run_id: int,
        to: int,
        comment: str | None,
        *,
        instead_of: int | None = None,
    ) -> Run:
        """Have somebody else answer.

        Args:
            instead_of: whose question it is; another one's than one's own is for administrators.
        """
        if instead_of in (None, work.principal.user_id):
            case, task = self._asked(work, run_id)
        else:
            case = self._open(work, run_id)
            found = next((one for one in case.waiting if one.user_id == instead_of), None)
            if not work.policy.is_admin:
                raise Forbidden(waits_for(case))
            if found is None:
                raise NotFound
            task = found
        self._check_person(case, to)
        comment = read_comment(comment)
        note(case, "delegate", step=case.run.step, to=to, comment=comment)
        asked = Asked(to, task.for_user or task.user_id)
        self._flow.hand_on(case, task, asked, "delegated", comment)
        return case.run

    def add(self, work: Work, run_id: int, user: int, where: str, comment: str | None) -> Run:
        """Have one more person asked, before or after one's own answer."""
        case, task = self._asked(work, run_id)
        if where not in ("before", "after"):
            raise InvalidInput({"where": [say("before or after.", "应为 before 或 after。")]})
        self._check_person(case, user)
        self._flow.add(case, task, user, where, read_comment(comment))
        return case.run

    def withdraw(self, work: Work, run_id: int, comment: str | None) -> Run:
        """Take a record back from approval; an approved one only as an administrator."""
        seen = store.find_run(work.connection, run_id)
        if seen is not None and seen.state == "approved" and work.policy.is_admin:
            case = self._open_ended(work, seen)
        else:
            case = self._open(work, run_id)
        is_mine = case.run.submitted_by == work.principal.user_id and case.run.state == "waiting"
        if not is_mine and not work.policy.is_admin:
            raise Forbidden(
                say(
                    "Only who submitted it can withdraw it, or an administrator.",
                    "只有提交人或系统管理员可以撤回。",
                )
            )
        self._flow.finish(
            case, "withdrawn", by=work.principal.user_id, comment=read_comment(comment)
        )
        return case.run

    # -- who may -----------------------------------------------------------------------------------

    def _open(self, work: Work, run_id: int) -> Case:
        case = open_case(work, self._versions, run_id)
        user = work.principal.user_id
        concerned = user == case.run.submitted_by or any(t.user_id == user for t in case.tasks)
        if not concerned and not visible_ids(work, case.entity.name, [case.run.record_id]):
            raise NotFound
        return case

    def _open_ended(self, work: Work, seen: Run) -> Case:
        """Lock a run that is over, and see that it is what the record is approved by."""
        entity = work.release.catalog.entities.get(work.release.names.get(seen.entity, ""))
        if entity is None or not visible_ids(work, entity.name, [seen.record_id]):
            raise NotFound
        row = work.rows[entity.name].lock(work.connection, [seen.record_id]).get(seen.record_id)
        run = store.find_run(work.connection, seen.id, lock=True)
        newest = store.runs_of_record(work.connection, seen.entity, seen.record_id)[0]
        if row is None or run is None:
            raise NotFound
        if run.state != "approved" or newest.id != run.id or row["approval"] != "approved":
            raise Conflict(say("A later approval has taken its place.", "已有更新的审批。"))
        return case_of(work, self._versions, run, entity, row)

    def _asked(self, work: Work, run_id: int, version: int | None = None) -> tuple[Case, Task]:
        """Return a run and the question the principal is asked in it.

        Raises:
            Forbidden: the principal is not asked.
            Conflict: not any more, or the record is another than the one that was looked at.
        """
        case, user = self._open(work, run_id), work.principal.user_id
        mine = next((one for one in case.waiting if one.user_id == user), None)
        if mine is None:
            if any(one.user_id == user and one.asked_at is not None for one in case.tasks):
                raise Conflict(
                    say(
                        "You are not asked any more. {why}",
                        "您已无需审批。{why}",
                        why=waits_for(case),
                    )
                )
            raise Forbidden(waits_for(case))
        if version is not None and int(case.row["version"]) != version:
            raise Conflict(
                say(
                    "The record was changed since you looked at it. Look again before you decide.",
                    "这条记录在您查看之后有改动，请重新查看后再审批。",
                )
            )
        return case, mine

    def _check_person(self, case: Case, user: int) -> None:
        """Refuse whoever cannot be asked as well.

        Raises:
            InvalidInput: the person does not work here, is asked already, or may not decide.
        """
        staff = Staff(case.work)
        name = staff.name_of(user) or str(user)
        sentence: Label | None = None
        if not staff.is_active(user):
            sentence = say("There is no active user {id}.", "没有编号为 {id} 的在职用户。", id=user)
        elif any(one.user_id == user and one.is_open for one in case.present):
            sentence = say("{name} is asked already.", "{name} 已经是审批人。", name=name)
        elif user == case.run.submitted_by and case.definition.submitter != "ask":
            sentence = say(
                "{name} submitted it and cannot decide about it.",
                "{name} 是提交人，不能审批。",
                name=name,
            )
        elif not may_read(case, user):
            sentence = say(
                "{name} may not read such records.", "{name} 无权查看此类记录。", name=name
            )
        if sentence is not None:
            raise InvalidInput({"user": [sentence]})

    def _edit(self, case: Case, values: Mapping[str, Any], *, strict: bool) -> None:
        """Change what the step lets its approvers change, in their name."""
        work, problems, parsed = case.work, Problems(), {}
        for name, raw in values.items():
            field = case.entity.fields.get(name)
            if field is None or name not in case.step.edit:
                label = field.label if field is not None else name
                problems.add(
                    name,
                    say(
                        "{name} cannot be changed at this step.",
                        "此步骤不能修改“{name}”。",
                        name=label,
                    ),
                )
                continue
            try:
                parsed[name] = field.type.parse(field, raw, work.reading(strict=strict))
            except FieldError as error:
                problems.add(name, error.sentence)
        problems.raise_if_any()
        # What a step lets its approvers change asks for no other right.
        system = work.acting_as(
            SYSTEM, origin=work.origin, cause=case.run.name, behalf=work.principal.user_id
        )
        Acting(system).update(case.entity.name, case.run.record_id, parsed)
        rows = work.rows[case.entity.name]
        case.row = rows.read(work.connection, [case.run.record_id])[case.run.record_id]


def waits_for(case: Case) -> Label:
    """Return whom a run waits for, as a sentence."""
    staff = Staff(case.work)
    names = [staff.name_of(one.user_id) for one in case.waiting]
    return say(
        "It waits for {names} at {step}.",
        "正在等待 {names} 审批（{step}）。",
        names=", ".join(dict.fromkeys(filter(None, names))) or "–",
        step=case.label_of(case.run.step),
    )


def _comment(case: Case, comment: str | None, *, is_no: bool) -> str | None:
    """Read a comment; one that the approval asks for must be there."""
    text, rule = read_comment(comment), case.definition.comment
    if text is None and (rule == "always" or (rule == "when rejecting" and is_no)):
        raise InvalidInput({"comment": [say("Say why.", "请填写审批意见。")]})
    return text
