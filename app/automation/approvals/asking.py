"""Whom a step asks, found out when the step is reached."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.automation.approvals.case import Case
from app.automation.approvals.staff import Asked, Staff
from app.automation.approvals.telling import with_share
from app.automation.people import resolve
from app.definitions.automation import ApprovalStep, Person
from app.records.checking import visible_ids
from app.records.sharing import share_with


@dataclass(frozen=True, slots=True)
class Asking:
    """Who is asked, and how many have to approve.

    ``why`` says why nobody is asked: ``condition``, ``nobody``, or ``told`` where the step only
    tells people (`cc`).
    """

    asked: tuple[Asked, ...] = ()
    needed: int = 0
    in_turn: bool = False
    why: str | None = None

    @property
    def waits(self) -> bool:
        """Whether anybody has to answer."""
        return any(not one.is_skipped for one in self.asked)


def whom_to_ask(case: Case, number: int, *, share: bool = True) -> Asking:
    """Return whom step *number* asks now.

    With *share* the record is shared with those of them who could not read it otherwise.
    """
    step = case.definition.steps[number]
    if not case.holds(step.if_):
        return Asking(why="condition")
    if not step.approver and step.cc and not case.is_lost:
        return Asking(why="told")
    staff = Staff(case.work)
    users = _people(case, step, number, staff)
    asked = _present(case, staff, users, share=share)
    if asked:
        return _counted(step, asked)
    if case.definition.nobody == "skip" and not case.is_lost:
        return Asking(why="nobody")
    return to_admins(case, staff)


def to_admins(case: Case, staff: Staff) -> Asking:
    """Return that administrators are asked, any one of them."""
    admins = staff.admins(but=_submitter_to_avoid(case))
    return Asking(tuple(Asked(one, reason="admin") for one in admins), needed=1)


def is_somebody(case: Case, number: int) -> bool:
    """Whether a step would find somebody without turning to administrators."""
    asking = whom_to_ask(case, number, share=False)
    return asking.why in ("condition", "told") or any(one.reason != "admin" for one in asking.asked)


def _submitter_to_avoid(case: Case) -> int | None:
    return None if case.definition.submitter == "ask" else case.run.submitted_by


def _counted(step: ApprovalStep, asked: tuple[Asked, ...]) -> Asking:
    others = sum(not one.is_skipped for one in asked)
    in_turn = step.need == "in_turn" or step.levels > 1
    needed = min(step.need, others) if isinstance(step.need, int) and not in_turn else others
    return Asking(asked, needed, in_turn)


def _people(case: Case, step: ApprovalStep, number: int, staff: Staff) -> list[int]:
    """Return the people a step names, in order, each once, whether they are here or not."""
    found: list[int] = []
    for person in step.approver:
        for user in _named(case, person, number):
            found += staff.chain(user, step.levels)
    return list(dict.fromkeys(found))


def _named(case: Case, person: Person, number: int) -> list[int]:
    if person.kind == "chosen":
        return list(case.run.chosen.get(str(number), ()))
    recipients = resolve(
        case.work, [person], case.evaluate, pass_over_absent=False, record=(case.entity, case.row)
    )
    return [one.user_id for one in recipients if one.user_id is not None]


def _present(case: Case, staff: Staff, users: list[int], *, share: bool) -> tuple[Asked, ...]:
    """Return who answers for these people; those away without a deputy only if nobody else does."""
    submitter, rule = case.run.submitted_by, case.definition.submitter
    found: dict[int, Asked] = {}
    for user in users:
        if user == submitter and rule == "skip":
            found.setdefault(user, Asked(user, reason="submitter", is_skipped=True))
            continue
        one = staff.stand_in(user, avoid=_submitter_to_avoid(case))
        if one is not None and may_read(case, one.user_id, share=share):
            found.setdefault(one.user_id, one)
    here = tuple(one for one in found.values() if not one.is_away)
    return here or _for_those_away(case, staff, tuple(found.values()), share=share)


def _for_those_away(
    case: Case, staff: Staff, away: tuple[Asked, ...], *, share: bool
) -> tuple[Asked, ...]:
    """Return the managers of people who are away without a deputy, or else themselves."""
    found: dict[int, Asked] = {}
    for one in away:
        above = staff.manager_of(one.user_id)
        manager = staff.stand_in(above, avoid=_submitter_to_avoid(case)) if above else None
        if manager is None or manager.is_away or not may_read(case, manager.user_id, share=share):
            found.setdefault(one.user_id, one)
        else:
            stands = replace(manager, for_user=one.for_user or one.user_id, reason="absent")
            found.setdefault(stands.user_id, stands)
    return tuple(found.values())


def may_read(case: Case, user_id: int, *, share: bool = True) -> bool:
    """Return whether somebody may read the record, or may once it is shared with them.

    Whoever decides has to see what about: an approver whose role reads such records at all gets
    to see this one.
    """
    principal = case.work.organisation.principal(user_id)
    if principal is None:
        return False
    record_id, name = int(case.row["id"]), case.entity.name
    reader = case.work.acting_as(principal, origin="rule", cause=case.run.name)
    if visible_ids(reader, name, [record_id]):
        return True
    if not reader.policy.may("read", name) or not share:
        return reader.policy.may("read", name)
    share_with(case.work, case.entity, record_id, [user_id], may_edit=False, until=None)
    case.work.shares_changed()
    # The statement asks for shares only where the person is known to have one.
    sees = with_share(principal, case.run.entity)
    reader = case.work.acting_as(sees, origin="rule", cause=case.run.name)
    return bool(visible_ids(reader, name, [record_id]))
