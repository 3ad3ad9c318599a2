"""What time and staff changes do to questions: deadlines, people who left, people who are away.

The scheduler asks `late_tasks` what there is to do and has `see_to` do it, one run in one
transaction; what was done is found no more.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy as sa

from app.automation.approvals import store
from app.automation.approvals.asking import may_read, to_admins
from app.automation.approvals.case import Case, open_case
from app.automation.approvals.flow import Flow
from app.automation.approvals.noting import note
from app.automation.approvals.staff import Asked, Staff
from app.automation.approvals.store import Task
from app.automation.approvals.versions import Versions
from app.database.automation_tables import absence, approval, approval_task
from app.errors import Conflict, NotFound
from app.records.statements import Statement
from app.records.work import Work

_account = sa.table("ab_user", sa.column("id"), sa.column("active"), schema="public")


def _statement() -> Statement:
    task = approval_task
    now = sa.bindparam("now", type_=task.c.due_at.type)
    waiting = task.c.state == "waiting"
    is_due = sa.select(task.c.approval).where(
        waiting, task.c.due_at.is_not(None), task.c.due_at <= now, ~task.c.late
    )
    has_left = sa.select(task.c.approval).where(
        waiting,
        task.c.user_id.is_not(None),
        ~sa.exists().where(_account.c.id == task.c.user_id, _account.c.active),
    )
    other = approval_task.alias("other")
    is_away = (
        sa.select(task.c.approval)
        .join(absence, absence.c.user_id == task.c.user_id)
        .where(
            waiting,
            absence.c.deputy.is_not(None),
            absence.c.since <= now,
            sa.or_(absence.c.until.is_(None), absence.c.until > now),
            ~sa.exists().where(
                other.c.approval == task.c.approval,
                other.c.round == task.c.round,
                other.c.step == task.c.step,
                other.c.position == task.c.position,
                other.c.id != task.c.id,
                other.c.reason == "absent",
            ),
        )
    )
    # A run whose questions are all gone: nobody would ever answer it.
    is_stuck = sa.select(approval.c.id).where(
        approval.c.state == "waiting",
        ~sa.exists().where(task.c.approval == approval.c.id, task.c.state == "waiting"),
    )
    found = sa.union(is_due, has_left, is_away, is_stuck).subquery()
    return Statement(
        sa.select(found.c[0]).order_by(found.c[0]).limit(sa.bindparam("most", type_=sa.Integer))
    )


_late = _statement()


def late_tasks(connection: psycopg.Connection[Any], now: datetime, limit: int = 100) -> list[int]:
    """Return the runs somebody has to see to: a question is late, or nobody will answer it."""
    return [row[0] for row in _late.run(connection, {"now": now, "most": limit})]


def see_to(work: Work, flow: Flow, versions: Versions, run_id: int) -> bool:
    """Do for one run what its deadlines and people ask for; return whether there was anything."""
    try:
        case = open_case(work, versions, run_id)
    except (Conflict, NotFound):
        return False  # It was decided in between.
    staff = Staff(work)
    done = False
    for task in list(case.waiting):
        if task.state != "waiting" or case.run.state != "waiting":
            continue
        if task.user_id is not None and not staff.is_active(task.user_id):
            done = _replace(case, flow, staff, task) or done
        elif task.due_at is not None and task.due_at <= work.now and not task.late:
            flow.escalate(case, task)
            done = True
        elif task.user_id is not None and staff.is_away(task.user_id):
            done = _ask_deputy(case, flow, staff, task) or done
    if case.run.state == "waiting" and not case.waiting:
        flow.settle(case)
        done = True
    return done


def hand_on_of(work: Work, flow: Flow, versions: Versions, user: int) -> int:
    """Hand on every question somebody waits to answer who leaves; return how many runs."""
    task = approval_task
    statement = Statement(
        sa.select(task.c.approval)
        .where(
            task.c.state == "waiting", task.c.user_id == sa.bindparam("_user", type_=sa.BigInteger)
        )
        .distinct()
        .order_by(task.c.approval)
    )
    runs = [row[0] for row in statement.run(work.connection, {"_user": user})]
    for run_id in runs:
        case = open_case(work, versions, run_id)
        for one in [each for each in case.waiting if each.user_id == user]:
            _replace(case, flow, Staff(work), one)
    return len(runs)


def _replace(case: Case, flow: Flow, staff: Staff, task: Task) -> bool:
    """Have the deputy, the manager or an administrator answer for who does not work here."""
    avoid = None if case.definition.submitter == "ask" else case.run.submitted_by
    assert task.user_id is not None
    above = staff.stand_in(task.user_id, avoid=avoid)
    if above is not None and above.user_id == task.user_id:
        # This very transaction closes the account; the snapshot does not know yet.
        manager = staff.manager_of(task.user_id)
        above = staff.stand_in(manager, avoid=avoid) if manager is not None else None
    candidates = [above] if above is not None else []
    candidates += to_admins(case, staff).asked
    asked = {one.user_id for one in case.present if one.is_open}
    for one in candidates:
        if one.user_id == task.user_id or not may_read(case, one.user_id):
            continue
        if one.user_id in asked and one.reason != "admin":
            # That person is asked already; this answer is not needed beside.
            flow.put(case, task, "dropped")
            case.run.needed = max(1, case.run.needed - 1)
            store.save_run(case.work.connection, case.run)
            flow.settle(case)
            return True
        if one.user_id in asked:
            continue
        reason = "admin" if one.reason == "admin" else "inactive"
        note(case, "delegate", step=case.run.step, to=one.user_id, reason=reason)
        flow.hand_on(case, task, Asked(one.user_id, task.for_user or task.user_id), reason, None)
        return True
    others = {each.position for each in case.present if each.is_open and each.id != task.id}
    if not others - {task.position}:
        return False
    # Whoever else is asked decides alone.
    flow.put(case, task, "dropped")
    case.run.needed = max(1, min(case.run.needed, len(others)))
    store.save_run(case.work.connection, case.run)
    flow.settle(case)
    return True


def _ask_deputy(case: Case, flow: Flow, staff: Staff, task: Task) -> bool:
    avoid = None if case.definition.submitter == "ask" else case.run.submitted_by
    assert task.user_id is not None
    one = staff.stand_in(task.user_id, avoid=avoid)
    if one is None or one.user_id == task.user_id or not may_read(case, one.user_id):
        return False
    if any(each.user_id == one.user_id and each.is_open for each in case.present):
        return False
    flow.beside(case, task, Asked(one.user_id, task.for_user or task.user_id), "absent")
    return True
