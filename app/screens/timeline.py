"""A record's history as people read it: who did what when, fields by their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from app.definitions.catalog import Entity, Field
from app.fields.base import FieldError, ParseContext
from app.fields.worked_out import result_of
from app.records.results import Record
from app.screens.cells import show_value
from app.screens.marks import Mark, mark_of
from app.screens.moments import month, time_tag
from app.screens.visit import Visit

LINES = 15
ICONS = {
    "create": "plus",
    "update": "pencil",
    "delete": "trash",
    "restore": "arrow-back-up",
    "transfer": "arrows-right-left",
    "claim": "user-plus",
    "release": "arrow-back-up",
    "merge": "git-commit",
    "attach": "paperclip",
    "detach": "paperclip",
    "purge": "trash",
    "anonymise": "eye-off",
    "submit": "send",
    "approve": "check",
    "approved": "checks",
    "reject": "x",
    "withdraw": "arrow-back-up",
    "send_back": "corner-up-left",
    "delegate": "arrows-right-left",
    "add_approver": "user-plus",
    "late": "clock",
}
#: What is kept of these is a value of another type.
_WORKED_OUT = ("formula", "rollup")
#: A creation fills many fields; the page itself shows them.
_SHOWN_CHANGES = 12


@dataclass(frozen=True, slots=True)
class Change:
    """One field before and after."""

    label: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline."""

    sentence: str
    when: str
    month: str
    person: Mark | None
    icon: str
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Lines of a timeline, and where earlier ones are."""

    entries: Sequence[Entry]
    more_href: str = ""


def read_timeline(
    visit: Visit, entity: Entity, record_id: int, before: int | None = None
) -> Timeline | None:
    """Return the timeline; None for whom the history is closed."""
    if not visit.policy.may("history", entity.name):
        return None
    lines = visit.records.history(
        visit.principal, entity.name, record_id, limit=LINES + 1, before=before
    )
    shown = lines[:LINES]
    titles = titles_of(visit, entity, shown)
    people = visit.core.organisation.snapshot().people
    entries: list[Entry] = []
    last_month = ""
    for line in shown:
        person = people.get(line.user_id)
        name = person.name if person is not None else ""
        this_month = month(line.happened_at, visit.wording, visit.look.zone)
        entries.append(
            Entry(
                sentence_of(visit, line, name),
                time_tag(line.happened_at, visit.look.now, visit.wording, visit.look.zone),
                this_month if this_month != last_month else "",
                mark_of(name) if name else None,
                ICONS.get(line.action, "git-commit"),
                changes_of(visit, entity, line, titles),
            )
        )
        last_month = this_month
    more = ""
    if len(lines) > LINES:
        more = f"/crm/{entity.name}/{record_id}/history?before={shown[-1].id}"
    return Timeline(entries, more)


def sentence_of(visit: Visit, line: Any, name: str) -> str:
    """Return what a line of a history says happened."""
    say = visit.wording.say
    who = Markup("<b>{}</b>").format(name or say("The system"))
    sentence = {
        "create": say("%(who)s created this", who=who),
        "update": say("%(who)s changed this", who=who),
        "delete": say("%(who)s put this into the bin", who=who),
        "restore": say("%(who)s restored this", who=who),
        "transfer": say("%(who)s handed this over", who=who),
        "claim": say("%(who)s claimed this", who=who),
        "release": say("%(who)s put this into the public sea", who=who),
        "merge": say("%(who)s merged this", who=who),
        "anonymise": say("%(who)s removed personal data here for good", who=who),
        "attach": say("%(who)s attached a file", who=who),
        "detach": say("%(who)s took a file off", who=who),
        "submit": say("%(who)s submitted this for approval", who=who),
        "approve": say("%(who)s approved a step", who=who),
        "approved": say("This is approved"),
        "reject": say("%(who)s rejected this", who=who),
        "withdraw": say("%(who)s withdrew this from approval", who=who),
        "send_back": say("%(who)s sent the approval back", who=who),
        "delegate": say("%(who)s had somebody else asked", who=who),
        "add_approver": say("%(who)s had somebody asked as well", who=who),
        "late": say("An approval is late"),
    }.get(line.action, who)
    through = {
        "import": say("by an import"),
        "api": say("over the API"),
        "rule": say("by a rule"),
        "email": say("by e-mail"),
    }.get(line.origin, "")
    return (
        Markup('{} <span class="mut">{}</span>').format(sentence, through) if through else sentence
    )


def changes_of(
    visit: Visit, entity: Entity, line: Any, titles: Mapping[tuple[str, int], str | None]
) -> list[Change]:
    """Return the fields a line of a history changed, as far as they may be seen."""
    if line.action == "create":
        return []
    found = []
    for name, (before, after) in line.changes.items():
        field = entity.fields.get(name)
        if field is None and name == "comment" and isinstance(after, str):
            found.append(Change(visit.wording.say("Comment"), None, escape(after)))
        if field is None and name == "attachments":
            gone = escape(before) if before else None
            found.append(Change(visit.wording.say("File"), gone, escape(after or "–")))
        if field is None or field.removed or before == after:
            continue
        label = field.label.in_language(visit.language)
        old = (
            show_json(visit, entity, field, before, titles)
            if before not in (None, [], "")
            else None
        )
        found.append(Change(label, old, show_json(visit, entity, field, after, titles)))
    return found[:_SHOWN_CHANGES]


def show_json(
    visit: Visit,
    entity: Entity,
    field: Field,
    value: Any,
    titles: Mapping[tuple[str, int], str | None],
) -> str:
    """Return a value of the API's JSON as a record page shows it."""
    if value is None:
        return escape("–")
    masked = visit.policy.field_right(entity.name, field.name) == "masked"
    if masked or field.type.name == "lines":
        return _count_lines(visit, value) if field.type.name == "lines" else escape(str(value))
    try:
        type_, seen = result_of(field) if field.type.name in _WORKED_OUT else (field.type, field)
        read = type_.parse(seen, value, ParseContext(strict=True))
    except FieldError:
        return escape(str(value))
    links = {}
    targets = field.type.targets(field)
    if targets:
        links[field.name] = _linked(field, targets[0], value, titles)
    record = Record(entity.name, 0, {field.name: read}, links)
    return show_value(entity, field.name, record, visit.look, full=False)


def _count_lines(visit: Visit, value: Any) -> str:
    return escape(visit.wording.count("%(number)s line", "%(number)s lines", len(value)))


def _linked(
    field: Field, target: str, value: Any, titles: Mapping[tuple[str, int], str | None]
) -> Any:
    if isinstance(value, Mapping):
        target, value = str(value.get("entity")), value.get("id")
    several = value if isinstance(value, list) else [value]
    linked = [
        {"entity": target, "id": number, "title": titles.get((target, number), f"#{number}")}
        for number in several
    ]
    return linked if field.type.many else linked[0]


def titles_for(
    visit: Visit, entity: Entity, values: Sequence[tuple[str, Any]]
) -> dict[tuple[str, int], str | None]:
    """Return the titles of everything that values of links name, one question for each entity."""
    wanted: dict[str, set[int]] = {}
    for name, value in values:
        field = entity.fields.get(name)
        targets = field.type.targets(field) if field else ()
        if not targets or value in (None, []):
            continue
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Mapping):
                wanted.setdefault(str(one.get("entity")), set()).add(int(one["id"]))
            elif isinstance(one, int):
                wanted.setdefault(targets[0], set()).add(one)
    found: dict[tuple[str, int], str | None] = {}
    for target, numbers in wanted.items():
        if target in visit.catalog.entities:
            titles = visit.records.titles(visit.principal, target, numbers)
            found |= {(target, number): titles.get(number) for number in numbers}
    return found


def titles_of(
    visit: Visit, entity: Entity, lines: Sequence[Any]
) -> dict[tuple[str, int], str | None]:
    """Return the titles of what lines of a history link to, one question for each entity."""
    values = [
        (name, value)
        for line in lines
        if line.action != "create"
        for name, pair in line.changes.items()
        for value in pair
    ]
    return titles_for(visit, entity, values)
