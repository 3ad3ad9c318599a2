"""The page of approvals: what waits for the visitor, what they handed in, what they decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, redirect, request
from markupsafe import Markup

from app.automation.approvals.door import Approvals
from app.automation.approvals.lists import WHICH, Item, Which, by_entity
from app.automation.approvals.naming import step_label
from app.automation.approvals.submitting import Submission
from app.definitions.catalog import Entity
from app.errors import Conflict, Forbidden, InvalidInput, NotFound, RuleFailed, TrellisError
from app.fields.approval import COLORS, STATES
from app.records.results import Record
from app.screens.cells import EMPTY, show_value
from app.screens.columns import is_listable
from app.screens.form_state import as_typed, raw_of
from app.screens.list_view import Tab
from app.screens.marks import Mark, mark_of
from app.screens.moments import time_tag
from app.screens.record_blocks import title_of
from app.screens.visit import Visit, leave_toast

_PAGE = 25
_FACTS = 4


@dataclass(frozen=True, slots=True)
class Fact:
    """One value of the record, with its label."""

    label: str
    html: str


@dataclass(frozen=True, slots=True)
class Row:
    """One approval in a list."""

    run: int
    title: str
    href: str
    kind: str
    step: str
    by: Mark
    when: Markup
    state: str = ""
    state_color: str = ""
    #: in whose place the visitor is asked
    instead: str = ""
    due: Markup | str = ""
    late: bool = False
    facts: Sequence[Fact] = ()
    #: it can be decided here
    open: bool = False
    version: int | None = None
    comment: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class ListView:
    """Everything `approvals.html` shows."""

    tabs: Sequence[Tab]
    which: str
    rows: Sequence[Row]
    more_href: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer that was not taken: why, and what was typed."""

    run: int
    sentence: str
    comment: str = ""


def approvals_page(visit: Visit, refused: Refused | None = None) -> Response:
    """Return one of the three lists."""
    asked = request.args.get("list", "waiting")
    which: Which = asked if asked in WHICH else "waiting"  # type: ignore[assignment]
    before = request.args.get("after", "")
    after = int(before) if before.isdigit() and len(before) < 19 else None
    items, more = _door(visit).listed(visit.principal, which, limit=_PAGE, after=after)
    say = visit.wording.say
    waiting = _door(visit).count_waiting(visit.principal)
    labels = {"waiting": say("Waiting for me"), "mine": say("Submitted by me"), "done": say("Done")}
    tabs = [
        Tab(
            label,
            f"/approvals?list={name}",
            name == which,
            count=str(waiting) if name == "waiting" else None,
        )
        for name, label in labels.items()
    ]
    rows = _rows(visit, which, items, refused)
    more_href = f"/approvals?list={which}&after={more}" if more else ""
    view = ListView(tabs, which, rows, more_href)
    response = visit.render(
        "approvals.html", page=visit.page(say("Approvals"), "approvals"), view=view
    )
    if refused is not None:
        response.status_code = 422
    return response


def count(visit: Visit) -> Response:
    """Return the mark beside the menu's entry; the browser may keep it for a while."""
    number = _door(visit).count_waiting(visit.principal)
    html = Markup("")
    if number:
        words = visit.wording.count(
            "%(number)s approval waits for you", "%(number)s approvals wait for you", number
        )
        html = Markup('<span class="cnt bubble" aria-label="{}">{}</span>').format(words, number)
    response = Response(str(html), content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "private, max-age=20"
    return response


def _door(visit: Visit) -> Approvals:
    door: Approvals = visit.core.approvals
    return door


def _rows(visit: Visit, which: Which, items: Sequence[Item], refused: Refused | None) -> list[Row]:
    names = visit.core.live.release.names
    records: dict[tuple[int, int], Record] = {}
    for number, ids in by_entity(items).items():
        entity = visit.catalog.entities.get(names.get(number, ""))
        if entity is not None and visit.policy.may("read", entity.name):
            records |= {(number, one.id): one for one in _records(visit, entity, ids)}
    people = visit.core.organisation.snapshot().people
    rows = []
    for item in items:
        entity = visit.catalog.entities.get(names.get(item.entity, ""))
        if entity is not None:
            record = records.get((item.entity, item.record_id))
            rows.append(_row(visit, which, item, entity, record, people, refused))
    return rows


def _records(visit: Visit, entity: Entity, ids: Sequence[int]) -> Sequence[Record]:
    """Return the records of a list with what its own list shows of them, in one statement."""
    readable = set(visit.policy.readable(entity.name))
    columns = [name for name in _columns(entity) if name in readable]
    title = [entity.title] if entity.title and entity.title in readable else []
    listed = ", ".join(str(one) for one in dict.fromkeys(ids))
    page = visit.records.query(
        visit.principal,
        entity.name,
        fields=[*dict.fromkeys([*title, *columns, "version"])],
        filter=f"id in ({listed},)",
        limit=100,
    )
    return list(page.rows)


def _columns(entity: Entity) -> list[str]:
    return [
        name
        for name in entity.screens.columns
        if name in entity.fields and is_listable(entity.fields[name]) and name != "approval"
    ]


def _row(
    visit: Visit,
    which: Which,
    item: Item,
    entity: Entity,
    record: Record | None,
    people: Mapping[int, Any],
    refused: Refused | None,
) -> Row:
    look, is_refused = visit.look, refused is not None and refused.run == item.run
    by = people.get(item.submitted_by or 0)
    instead = people.get(item.for_user or 0)
    when = {"waiting": item.asked_at, "done": item.decided_at}.get(which) or item.submitted_at
    definition = visit.catalog.automation.approvals.get(item.name)
    step = ""
    if definition is not None and item.step < len(definition.steps) and item.state == "waiting":
        asked = definition.steps[item.step]
        label = step_label(visit.catalog, entity.name, asked, item.step)
        step = label.in_language(visit.language)
    kind = entity.label.in_language(visit.language)
    return Row(
        run=item.run,
        title=title_of(entity, record, visit) if record is not None else f"{kind} {item.record_id}",
        href=f"/crm/{entity.name}/{item.record_id}",
        kind=kind,
        step=step,
        by=mark_of(by.name if by is not None else visit.wording.say("The system")),
        when=time_tag(when, look.now, visit.wording, look.zone),
        state=visit.words(STATES[item.state]),
        state_color=COLORS[item.state],
        instead=instead.name if instead is not None else "",
        due=time_tag(item.due_at, look.now, visit.wording, look.zone) if item.due_at else "",
        late=item.late or (item.due_at is not None and item.due_at <= look.now),
        facts=_facts(visit, entity, record) if record is not None and which == "waiting" else (),
        open=which == "waiting" and record is not None,
        version=record.version if record is not None else None,
        comment=refused.comment if is_refused and refused is not None else "",
        refused=refused.sentence if is_refused and refused is not None else "",
    )


def _facts(visit: Visit, entity: Entity, record: Record) -> list[Fact]:
    found = []
    for name in _columns(entity):
        if name == entity.title or name not in record.values:
            continue
        masked = name in record.masked
        html = show_value(entity, name, record, visit.look, masked=masked, full=False)
        if html != EMPTY:
            found.append(Fact(entity.fields[name].label.in_language(visit.language), html))
    return found[:_FACTS]


# -- doing -----------------------------------------------------------------------------------------


def submit(visit: Visit, name: str, number: str) -> Response:
    """Hand a record in."""
    from app.screens.record_page import record_page

    form = request.form
    chosen = {
        int(key.removeprefix("chosen-")): [int(one) for one in form.getlist(key) if one.isdigit()]
        for key in form
        if key.startswith("chosen-") and key.removeprefix("chosen-").isdigit()
    }
    said = Submission(
        name, int(number), form.get("approval") or None, chosen, form.get("comment") or None
    )
    try:
        _door(visit).submit(visit.principal, said, origin="screen")
    except (InvalidInput, Conflict, Forbidden, RuleFailed) as problem:
        return record_page(visit, name, number, refused=sentence(visit, problem))
    leave_toast(visit.wording.say("Submitted for approval"))
    return _to(f"/crm/{name}/{number}")


def decide(visit: Visit, run: int, what: str) -> Response:
    """Take an answer, and go back to where it was given."""
    say, form = visit.wording.say, request.form
    calls: dict[str, tuple[Callable[[], object], str]] = {
        "approve": (lambda: _approve(visit, run), say("Approved")),
        "reject": (lambda: _reject(visit, run), say("Rejected")),
        "send-back": (
            lambda: _door(visit).send_back(
                visit.principal, run, _number("step"), _comment(), origin="screen"
            ),
            say("Sent back"),
        ),
        "delegate": (
            lambda: _door(visit).delegate(
                visit.principal,
                run,
                _person(visit),
                _comment(),
                instead_of=_number("instead_of") or None,
                origin="screen",
            ),
            say("Handed on"),
        ),
        "add": (
            lambda: _door(visit).add(
                visit.principal,
                run,
                _person(visit),
                form.get("where", ""),
                _comment(),
                origin="screen",
            ),
            say("Asked as well"),
        ),
        "withdraw": (
            lambda: _door(visit).withdraw(visit.principal, run, _comment(), origin="screen"),
            say("Withdrawn"),
        ),
    }
    if what not in calls:
        raise NotFound
    call, told = calls[what]
    try:
        call()
    except (InvalidInput, Conflict, Forbidden, RuleFailed) as problem:
        return _again(visit, run, sentence(visit, problem))
    leave_toast(told)
    return _to(_back())


def _approve(visit: Visit, run: int) -> object:
    return _door(visit).approve(
        visit.principal,
        run,
        _comment(),
        values=_edited(visit, run),
        version=_number("version") or None,
        strict=False,
        origin="screen",
    )


def _reject(visit: Visit, run: int) -> object:
    version = _number("version") or None
    return _door(visit).reject(visit.principal, run, _comment(), version=version, origin="screen")


def _edited(visit: Visit, run: int) -> dict[str, Any]:
    """Return what was typed into the fields the step lets its approvers change."""
    if not any(key.startswith("edit.") for key in request.form):
        return {}
    case = _door(visit).of_run(visit.principal, run)
    typed = {
        key.removeprefix("edit."): values
        for key, values in as_typed(request.form).items()
        if key.startswith("edit.")
    }
    names = [name for name in case.step.edit if name in case.entity.fields]
    return raw_of(visit.catalog, case.entity, names, typed)


def _comment() -> str | None:
    return request.form.get("comment") or None


def _number(name: str) -> int:
    text = request.form.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _person(visit: Visit) -> int:
    """Return who was picked: the picker has the name of a field of users.

    Raises:
        InvalidInput: nobody.
    """
    found = _number("owner") or _number("created_by")
    if not found:
        raise InvalidInput(message=visit.wording.say("Choose a person."))
    return found


def _back() -> str:
    """Return where the answer was given; only a page of ours."""
    wanted = request.form.get("next", "")
    is_record = wanted.startswith(("/approvals", "/crm/")) and "//" not in wanted
    is_ours = wanted in ("/", "/day") or is_record
    return wanted if is_ours and "\\" not in wanted else "/approvals"


def _again(visit: Visit, run: int, said: str) -> Response:
    from app.screens.record_page import record_page

    back = _back()
    parts = back.partition("?")[0].strip("/").split("/")
    if parts[0] == "crm" and len(parts) == 3 and parts[2].isdigit():
        return record_page(visit, parts[1], parts[2], refused=said)
    return approvals_page(visit, Refused(run, said, request.form.get("comment", "")))


def sentence(visit: Visit, problem: TrellisError) -> str:
    """Return everything a refusal says, as one text."""
    said = [visit.words(one) for each in problem.fields.values() for one in each]  # type: ignore[arg-type]
    return " ".join(dict.fromkeys(said)) or visit.words(problem.message)  # type: ignore[arg-type]


def _to(address: str) -> Response:
    return redirect(address, 303)  # type: ignore[return-value]
