"""Pickers: fields that point at records or people, searched on the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, request
from markupsafe import Markup, escape

from app.screens.controls import Chosen, Control, first
from app.screens.form_state import as_typed, raw_of
from app.screens.marks import mark_of
from app.screens.navigation import in_sentence
from app.screens.visit import Visit

OFFERED = 8


@dataclass(frozen=True, slots=True)
class Offer:
    """One record a picker offers."""

    id: int
    title: str
    marked: str
    initials: str = ""
    hue: int = 0
    sub: str = ""


def person_control(name: str, label: str, entity: str) -> Control:
    """Return a picker of people for a dialog of its own."""
    return Control(
        "link",
        name,
        label,
        id=f"pick-{name}",
        required=True,
        span=12,
        search=f"/crm/{entity}/pick/{name}",
        chosen=[Chosen("")],
    )


def pick(visit: Visit, name: str, field: str) -> Response:
    """Return what a field offers for what is typed."""
    entity = visit.catalog.entities.get(name)
    if entity is None or entity.lines_of is None:
        entity = visit.entity(name)
    words = request.form.get("_q", "").strip()
    typed = as_typed(request.form)
    one = entity.fields.get(field)
    target = first(typed, f"{field}.entity") or None
    if one is not None and one.type.name == "any_link" and target is None:
        none = visit.wording.say("Choose the kind of record first")
        return visit.render("picker_options.html", options=[], none=none, new_href="", new_label="")
    found = visit.records.pick(
        visit.principal,
        name,
        field,
        words,
        _values(visit, name, typed),
        target=target if one is not None and one.type.name == "any_link" else None,
        limit=OFFERED,
    )
    targets = one.type.targets(one) if one is not None else ()
    to = target or (targets[0] if targets else "")
    offers = [_offer(each, words, is_person=to == "user") for each in found]
    new_href = new_label = ""
    if to in visit.catalog.entities and to not in ("user", "department"):
        other = visit.catalog.entities[to]
        if visit.policy.may("create", to):
            label = in_sentence(other.label.in_language(visit.language), visit.language)
            new_href = f"/crm/{to}/new"
            new_label = visit.wording.say("New %(thing)s", thing=label)
    none = visit.wording.say("Nothing found that you may choose")
    return visit.render(
        "picker_options.html", options=offers, none=none, new_href=new_href, new_label=new_label
    )


def _values(visit: Visit, name: str, typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands in the form so far: ``where`` may ask for it."""
    entity = visit.catalog.entities[name]
    readable = [one for one in visit.policy.readable(name) if entity.fields[one].type.writable]
    return raw_of(visit.catalog, entity, readable, typed)


def _offer(found: Mapping[str, Any], words: str, *, is_person: bool) -> Offer:
    title = str(found.get("title") or f"#{found['id']}")
    mark = mark_of(title)
    return Offer(
        int(found["id"]),
        title,
        marked(title, words),
        mark.initials if is_person else "",
        mark.hue,
    )


def marked(title: str, words: str) -> str:
    """Return a title with the typed words set off."""
    for word in words.split():
        at = title.lower().find(word.lower())
        if at >= 0:
            end = at + len(word)
            return (
                escape(title[:at])
                + Markup("<mark>{}</mark>").format(title[at:end])
                + escape(title[end:])
            )
    return escape(title)
