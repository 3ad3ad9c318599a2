"""Who is told what of an approval, in everybody's own language and by everybody's own ways."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.access.organisation import Organisation, Snapshot
from app.access.principal import Principal
from app.automation.approvals.case import Case
from app.automation.approvals.staff import Staff
from app.automation.approvals.store import Task
from app.automation.outgoing import Outbox
from app.automation.people import Recipient, resolve
from app.definitions.automation import Person
from app.notifications.telling import Notice, Teller
from app.texts import Label, say

if TYPE_CHECKING:
    from app.records.work import Work

_SENTENCE = say("{{ record }}: {{ input.en }}", "{{ record }}：{{ input.zh }}")
_NOTHING = Label({"en": ""})


class _Sharing:
    """The organisation as it is once this transaction is committed: with what it shares."""

    def __init__(self, organisation: Organisation, entity: int) -> None:
        self._organisation = organisation
        self._entity = entity

    def principal(self, user_id: int | None) -> Principal | None:
        found = self._organisation.principal(user_id)
        return None if found is None else with_share(found, self._entity)

    def snapshot(self) -> Snapshot:
        return self._organisation.snapshot()


def with_share(principal: Principal, entity: int) -> Principal:
    """Return somebody with whom some record of an entity is shared: shares are asked for then."""
    return replace(principal, shared=principal.shared | {entity})


class Herald:
    """Tells people what an approval asks of them, and how it went."""

    def __init__(self, teller: Teller | None = None) -> None:
        """Take who tells; one for a process, since it keeps what it compiled."""
        self._teller = teller or Teller()

    def tell(self, case: Case, users: Iterable[int | None], key: str, sentence: Label) -> None:
        """Tell a sentence about the record; whoever does something is not told of it."""
        me = case.work.principal.user_id
        to = [
            Recipient(user_id=user)
            for user in dict.fromkeys(users)
            if user is not None and user != me
        ]
        if not to:
            return
        notice = Notice(
            kind="approval",
            key=f"approval:{case.run.id}:{key}",
            to=to,
            via=("inbox", "email"),
            text=_SENTENCE,
            input={"en": sentence.in_language("en"), "zh": sentence.in_language("zh")},
            about=case.title,
            entity=case.entity.name,
            record_id=case.run.record_id,
        )
        sharing: Any = _Sharing(case.work.organisation, case.run.entity)
        work: Work = replace(case.work, organisation=sharing)
        outbox = Outbox()
        self._teller.tell(work, outbox, notice)
        outbox.flush(work)

    def asked(self, case: Case, task: Task) -> None:
        """Tell somebody that an answer is waited for."""
        staff = Staff(case.work)
        by = staff.name_of(case.run.submitted_by) or say("the system", "系统")
        if task.for_user is not None:
            sentence = say(
                "your approval is asked for, in place of {person}. Submitted by {by}.",
                "请您代 {person} 审批，提交人：{by}。",
                person=staff.name_of(task.for_user),
                by=by,
            )
        else:
            sentence = say(
                "your approval is asked for. Submitted by {by}.", "请您审批，提交人：{by}。", by=by
            )
        # Asked again after somebody who was added is another message.
        when = int(task.asked_at.timestamp()) if task.asked_at is not None else 0
        self.tell(case, [task.user_id], f"asked:{task.id}:{when}", sentence)

    def ended(self, case: Case, state: str, by: int | None, comment: str | None) -> None:
        """Tell the submitter, and those who still were asked, how it ended."""
        who = Staff(case.work).name_of(by) or say("The system", "系统")
        said = say(" “{comment}”", "“{comment}”", comment=comment) if comment else _NOTHING
        sentence = {
            "approved": say("it is approved.{said}", "审批已通过。{said}", said=said),
            "rejected": say(
                "{who} rejected it.{said}", "{who} 拒绝了审批。{said}", who=who, said=said
            ),
            "withdrawn": say(
                "{who} withdrew it from approval.{said}",
                "{who} 撤回了审批。{said}",
                who=who,
                said=said,
            ),
        }[state]
        # Those who still were asked are told that they need not answer any more.
        still_asked = [task.user_id for task in case.waiting] if state != "approved" else []
        self.tell(case, [case.run.submitted_by, *still_asked], state, sentence)

    def sent_back(self, case: Case, to: int, comment: str | None) -> None:
        """Tell the submitter that an approval goes back."""
        sentence = say(
            "it was sent back to {step}. “{comment}”",
            "审批被退回到“{step}”。“{comment}”",
            step=case.label_of(to),
            comment=comment or "–",
        )
        self.tell(case, [case.run.submitted_by], f"back:{case.run.round}", sentence)

    def late(self, case: Case, task: Task) -> None:
        """Tell whoever is asked, and the submitter, that an answer is late."""
        name = Staff(case.work).name_of(task.user_id) or "–"
        sentence = say("the approval by {name} is late.", "{name} 的审批已超时。", name=name)
        self.tell(case, [task.user_id, case.run.submitted_by], f"late:{task.id}", sentence)

    def informed(self, case: Case, persons: Iterable[Person]) -> None:
        """Tell people who are only to know (`cc`) that the record came to a step."""
        step = case.run.step
        recipients = resolve(
            case.work,
            list(persons),
            case.evaluate,
            pass_over_absent=False,
            record=(case.entity, case.row),
        )
        sentence = say(
            "it is at the step {step} of an approval, for your information.",
            "审批进行到“{step}”，抄送给您。",
            step=case.label_of(step),
        )
        users = [one.user_id for one in recipients]
        self.tell(case, users, f"cc:{case.run.round}:{step}", sentence)
