"""Two people changed one record: what was there, what you wrote, what the other wrote.

Fields only one of them touched are merged without asking; for the others somebody chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Response

from app.definitions.catalog import Entity
from app.records.conflicts import RecordConflict
from app.records.results import Record
from app.screens.controls import Typed
from app.screens.form_state import VERSION
from app.screens.marks import Mark, mark_of
from app.screens.record_blocks import title_of
from app.screens.timeline import show_json, titles_for
from app.screens.visit import Visit

#: The choice for a field: ``_take.amount`` is ``mine`` or ``theirs``.
TAKE = "_take."


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """A field both changed."""

    name: str
    label: str
    opened: str
    mine: str
    theirs: str


@dataclass(frozen=True, slots=True)
class MergedRow:
    """A field only one of them changed."""

    label: str
    before: str
    after: str
    who: str


@dataclass(slots=True)
class ConflictView:
    """Everything `conflict.html` shows."""

    action: str
    keep_href: str
    drop_href: str
    version: int
    heading: str
    sub: str
    me: Mark
    other: str
    person: Mark | None
    kept: Sequence[tuple[str, str]] = ()
    rows: Sequence[ConflictRow] = ()
    merged: Sequence[MergedRow] = field(default_factory=list)


def conflict_page(
    visit: Visit, entity: Entity, record: Record, conflict: RecordConflict, typed: Typed
) -> Response:
    """Return the page that asks, field by field."""
    say = visit.wording.say
    people = visit.core.organisation.snapshot().people
    person = people.get(conflict.changed_by) if conflict.changed_by else None
    other = person.name if person is not None and person.name else say("somebody else")
    titles = titles_for(
        visit,
        entity,
        [
            (name, one[key])
            for name, one in conflict.differing.items()
            for key in ("opened", "now", "yours")
        ],
    )
    rows, merged = [], []
    for name, one in conflict.differing.items():
        field_ = entity.fields[name]
        label = field_.label.in_language(visit.language)
        shown = {
            key: show_json(visit, entity, field_, one[key], titles)
            for key in ("opened", "now", "yours")
        }
        if one["clash"]:
            rows.append(ConflictRow(name, label, shown["opened"], shown["yours"], shown["now"]))
        else:
            merged.append(MergedRow(label, shown["opened"], shown["now"], other))
    title = title_of(entity, record, visit)
    base = f"/crm/{entity.name}/{record.id}"
    view = ConflictView(
        action=f"{base}/edit",
        keep_href=f"{base}/edit/again",
        drop_href=base,
        version=conflict.version,
        heading=say("%(name)s changed this while you were editing", name=other),
        sub=title,
        me=mark_of(visit.principal.name),
        other=other,
        person=mark_of(other) if person is not None else None,
        kept=kept_inputs(typed),
        rows=rows,
        merged=merged,
    )
    page = visit.page(say("Changed meanwhile"), entity.name)
    response = visit.render("conflict.html", page=page, view=view)
    response.status_code = 409
    return response


def kept_inputs(typed: Typed) -> list[tuple[str, str]]:
    """Return what was typed as hidden inputs, so that nothing has to be typed again."""
    return [
        (name, value)
        for name, values in typed.items()
        if name not in {"csrf_token", VERSION} and not name.startswith(TAKE)
        for value in values
    ]


def without_theirs(typed: Typed) -> dict[str, Sequence[str]]:
    """Return what was typed without the fields for which the other's value is to stay."""
    theirs = {
        name.removeprefix(TAKE)
        for name, values in typed.items()
        if name.startswith(TAKE) and values and values[-1] == "theirs"
    }
    return {
        name: values
        for name, values in typed.items()
        if not name.startswith(TAKE) and name.partition(".")[0] not in theirs
    }
