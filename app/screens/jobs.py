"""The work in the background, for administrators: who works, what waits, what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Response, redirect
from markupsafe import Markup

from app.automation.ledger import label_of
from app.automation.mailboxes.polling import MailboxRead, mailboxes_read
from app.errors import Forbidden
from app.jobs import inspection, leases
from app.jobs.overview import MOST, Overview, Process, look
from app.jobs.queues import QUEUES
from app.screens.list_view import Tab
from app.screens.moments import time_tag
from app.screens.named import titles_of
from app.screens.system import system_tabs
from app.screens.visit import Visit, leave_toast
from app.texts import Label


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, or word."""

    label: str
    html: Markup | str


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """A scheduler or worker."""

    name: str
    what: str
    state: str
    color: str
    since: Markup
    seen: Markup


@dataclass(frozen=True, slots=True)
class FailedRow:
    """A job that failed."""

    id: str
    queue: str
    task: str
    when: Markup | str
    error: str
    may_run: bool


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A step of a rule that was put aside."""

    id: int
    rule: str
    href: str
    record: str
    when: Markup
    problem: str


@dataclass(frozen=True, slots=True)
class MailboxRow:
    """A mailbox that is read."""

    label: str
    where: str
    when: Markup | str
    problem: str


@dataclass(frozen=True, slots=True)
class JobsView:
    """Everything `jobs.html` shows."""

    notes: Sequence[str]
    figures: Sequence[Figure]
    processes: Sequence[ProcessRow]
    queues: Sequence[Figure]
    failed: Sequence[FailedRow]
    put_aside: Sequence[TaskRow]
    mailboxes: Sequence[MailboxRow]
    #: how many may run again
    again: int
    #: the other pages of the system
    parts: Sequence[Tab]


def jobs_page(visit: Visit) -> Response:
    """Return the page."""
    _require_admin(visit)
    with visit.core.pools.read.connection() as connection:
        found = look(connection, visit.look.now)
        aside = inspection.put_aside(connection)
        boxes = mailboxes_read(connection)
    names = visit.core.live.release.names
    titles = titles_of(visit, ((names.get(one.entity), one.record_id) for one in aside))
    url = visit.core.settings.redis_url
    queues = inspection.read_queues(url) if url else None
    view = JobsView(
        notes=_notes(visit, found, is_away=queues is None),
        figures=_figures(visit, found),
        processes=[_process(visit, each) for each in found.processes],
        queues=[Figure(_queue_name(visit, one.name), str(one.waiting)) for one in queues or ()],
        failed=[_failed(visit, job) for one in queues or () for job in one.jobs],
        put_aside=[_task(visit, each, titles) for each in aside],
        mailboxes=_mailboxes(visit, boxes),
        again=len(aside) + sum(job.may_run for one in queues or () for job in one.jobs),
        parts=system_tabs(visit, "jobs"),
    )
    page = visit.page(visit.wording.say("Jobs"), "system")
    return visit.render("jobs.html", page=page, view=view)


def _require_admin(visit: Visit) -> None:
    if not visit.policy.is_admin:
        raise Forbidden


def _notes(visit: Visit, found: Overview, *, is_away: bool) -> list[str]:
    """Return what is amiss, as sentences."""
    say = visit.wording.say
    sentences = {
        "no-scheduler": say(
            "No scheduler is running: nothing that is due is sent. Start one with "
            "`trellis scheduler`; what is due meanwhile follows by itself."
        ),
        "redis-away": say(
            "The scheduler cannot reach Redis. What is due waits in the database and follows when "
            "Redis is back."
        ),
        "no-worker-for-reminders": say(
            "No worker is running for reminders: steps of rules wait. Start one with "
            "`trellis worker`."
        ),
        "no-worker-for-mail": say(
            "No worker is running for mail: e-mails, chat messages and calls wait. Start one with "
            "`trellis worker`."
        ),
        "late": say("Something has been due for more than two minutes. The workers may be busy."),
    }
    notes = [sentences[each] for each in found.troubles if each in sentences]
    if is_away and "redis-away" not in found.troubles:
        notes.append(say("Redis does not answer, so the queues cannot be shown."))
    if found.recomputing:
        notes.append(
            say("Reminders of a changed rule are being worked out; some are not there yet.")
        )
    return notes


def _figures(visit: Visit, found: Overview) -> list[Figure]:
    say = visit.wording.say
    leader = found.leader
    tick = leader.details.get("last_tick") if leader is not None else None
    when = _time(visit, datetime.fromisoformat(tick)) if tick else say("never")
    return [
        Figure(say("Last look of the scheduler"), when),
        Figure(say("Reminders due"), _count(found.reminders_due)),
        Figure(say("Steps due"), _count(found.tasks_due)),
        Figure(say("Steps that wait for their time"), _count(found.tasks_later)),
        Figure(say("Put aside"), _count(found.put_aside)),
    ]


def _count(number: int) -> str:
    return f"{number:,}+" if number >= MOST else f"{number:,}"


def _process(visit: Visit, one: Process) -> ProcessRow:
    say = visit.wording.say
    if not one.is_there:
        state, color = say("Not heard of"), "red"
    elif one.kind == "scheduler":
        leads = bool(one.details.get("leading"))
        state, color = (say("Leads"), "green") if leads else (say("Stands by"), "gray")
    elif one.details.get("job"):
        state, color = say("Works"), "blue"
    else:
        state, color = say("Waits for work"), "green"
    names = [_queue_name(visit, each) for each in one.details.get("queues", ())]
    what = say("Scheduler") if one.kind == "scheduler" else say("Worker")
    seen = visit.look.now - timedelta(seconds=one.silent)
    return ProcessRow(
        one.name,
        f"{what}: {say(', ').join(names)}" if names else what,
        state,
        color,
        _time(visit, one.started_at),
        _time(visit, seen),
    )


def _queue_name(visit: Visit, name: str) -> str:
    say = visit.wording.say
    names = {"reminders": say("rules"), "default": say("other work"), "mail": say("mail and calls")}
    return names.get(name, name)


def _failed(visit: Visit, job: inspection.FailedJob) -> FailedRow:
    when = _time(visit, job.ended_at) if job.ended_at is not None else ""
    return FailedRow(job.id, job.queue, job.task, when, job.error, job.may_run)


def _mailboxes(visit: Visit, found: Mapping[str, MailboxRead]) -> list[MailboxRow]:
    """Return the mailboxes that are read, with how that goes."""
    rows = []
    for box in visit.catalog.integrations.values():
        if box.server is None:
            continue
        read = found.get(box.name)
        problem = Label(dict(read.problem)) if read is not None and read.problem else None
        when = _time(visit, read.looked_at) if read is not None and read.looked_at else ""
        why = visit.words(problem) if problem is not None else ""
        rows.append(
            MailboxRow(visit.words(box.label), f"{box.user} · {box.server.host}", when, why)
        )
    return rows


def _task(visit: Visit, one: inspection.PutAside, titles: Mapping[tuple[str, int], str]) -> TaskRow:
    entity = visit.core.live.release.names.get(one.entity)
    label = visit.core.live.release.catalog.entities[entity].label if entity else None
    title = titles.get((entity or "", one.record_id), "")
    href = f"/crm/{entity}/{one.record_id}" if title else ""
    record = f"{visit.words(label)} {title or f'#{one.record_id}'}" if label is not None else ""
    problem = visit.words(Label(dict(one.problem or {})))
    rule = visit.words(label_of(visit.core.live.release.catalog, one.rule))
    return TaskRow(one.id, rule, href, record, _time(visit, one.due_at), problem)


def _time(visit: Visit, moment: datetime) -> Markup:
    return time_tag(moment, visit.look.now, visit.wording, visit.look.zone)


def act(visit: Visit, what: str, queue: str, job_id: str) -> Response:
    """Run a failed job again, or forget it."""
    _require_admin(visit)
    url: Any = visit.core.settings.redis_url
    acts = {"again": inspection.run_again, "remove": inspection.remove}
    done = bool(url) and queue in QUEUES and acts[what](url, queue, job_id)
    say = visit.wording.say
    if not done:
        leave_toast(say("It is not there any more"))
    else:
        leave_toast(say("It runs again") if what == "again" else say("Removed"))
    return redirect("/jobs", 303)  # type: ignore[return-value]


def run_all_again(visit: Visit) -> Response:
    """Run everything once more that failed or was put aside."""
    _require_admin(visit)
    with visit.core.pools.write.connection() as connection:
        count = leases.rerun_all(connection, visit.look.now)
    url = visit.core.settings.redis_url
    count += inspection.run_all_again(url) if url else 0
    leave_toast(visit.wording.say("%(count)s run again", count=count))
    return redirect("/jobs", 303)  # type: ignore[return-value]


def run_task_again(visit: Visit, number: int) -> Response:
    """Have a step that was put aside run once more."""
    _require_admin(visit)
    with visit.core.pools.write.connection() as connection:
        done = leases.rerun(connection, [number], visit.look.now)
    say = visit.wording.say
    leave_toast(say("It runs again") if done else say("It is not there any more"))
    return redirect("/jobs", 303)  # type: ignore[return-value]
