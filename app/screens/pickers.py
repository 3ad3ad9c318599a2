"""Pickers: fields that point at records or people, searched on the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from markupsafe import Markup, escape

from app.definitions.catalog import Entity, Field
from app.expressions.tree import Compare, Path
from app.expressions.why import required_parts
from app.screens.controls import Chosen, Control, Typed, first
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
        return visit.render(
            "picker_options.html", options=[], nothing=none, new_href="", new_label=""
        )
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
            new_href = new_from_picker(entity, one, other, typed, words)
            new_label = (
                visit.wording.say("New %(thing)s “%(words)s”", thing=label, words=words)
                if words
                else visit.wording.say("New %(thing)s", thing=label)
            )
    none = visit.wording.say("Nothing found that you may choose")
    return visit.render(
        "picker_options.html", options=offers, nothing=none, new_href=new_href, new_label=new_label
    )


def new_from_picker(
    entity: Entity, field: Field | None, other: Entity, typed: Typed, words: str
) -> str:
    """Return the address where what a picker looked for is made, with what is known of it.

    The words that were typed are its title; what the picker's `where` wants to be equal is given.
    """
    given: dict[str, str] = {}
    title = other.fields.get(other.title or "")
    if words and title is not None and title.type.name == "text":
        given[title.name] = words
    for mine, theirs in _equal(field):
        if mine in other.fields and theirs in entity.fields and first(typed, theirs):
            given[mine] = first(typed, theirs)
            given[f"{mine}.title"] = first(typed, f"{theirs}.title")
    query = urlencode({name: value for name, value in given.items() if value})
    return f"/crm/{other.name}/new{'?' if query else ''}{query}"


def _equal(field: Field | None) -> list[tuple[str, str]]:
    """Return what a picker's `where` compares: its record's field, the form's field."""
    condition = field.conditions.get("where") if field is not None else None
    if condition is None:
        return []
    found: list[tuple[str, str]] = []
    for part in required_parts(condition.root):
        if not isinstance(part, Compare) or part.operator != "==":
            continue
        sides: Mapping[bool, Any] = {
            one.root == "record": one
            for one in (part.left, part.right)
            if isinstance(one, Path) and one.root in ("", "record")
        }
        if set(sides) == {True, False} and not sides[False].hops and not sides[True].hops:
            found.append((sides[False].name, sides[True].name))
    return found


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
