"""Why something cannot be done: what is met, what is missing, whose turn it is, which rule says so.

Every refused act on a page opens one of these. Where a rule is written is told to administrators
only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.definitions.catalog import Entity, Place
from app.records.moves import Possible
from app.screens.visit import Visit


@dataclass(frozen=True, slots=True)
class Met:
    """One thing that is asked for, and whether it is there."""

    label: str
    is_met: bool
    #: it is written in the expression language
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class Why:
    """Everything `why_pop.html` shows."""

    id: str
    title: str
    sentences: Sequence[str] = ()
    needs: Sequence[Met] = ()
    rule: str = ""
    #: file and line, for administrators
    place: str = ""
    place_href: str = ""
    #: what helps: words and where they lead
    links: Sequence[tuple[str, str]] = ()


def written_at(visit: Visit, place: Place | None) -> tuple[str, str]:
    """Return where a rule is written and the way there, for administrators; nothing for others."""
    if place is None or not visit.principal.is_admin:
        return "", ""
    return f"{place.file}:{place.line}", f"/setup?file={place.file}#L{place.line}"


def why_not_moved(
    visit: Visit, entity: Entity, move: Possible, label: str, links: Sequence[tuple[str, str]] = ()
) -> Why:
    """Return why a record cannot be moved to a stage."""
    assert move.why is not None
    needs = [
        Met(entity.fields[name].label.in_language(visit.language), name not in move.missing)
        for name in move.needs
        if name in entity.fields
    ]
    needs += [Met(part.text, part.is_met, is_code=True) for part in move.parts]
    place, href = written_at(visit, move.place)
    # Parts say the same as the sentence that quotes the whole condition.
    sentences = [] if move.parts else [move.why.in_language(visit.language)]
    return Why(
        f"why-{move.to}",
        visit.wording.say("Not ready for %(stage)s", stage=label),
        sentences,
        needs,
        _of_lifecycle(visit, move.lifecycle or ""),
        place,
        href,
        links,
    )


def why_no_way(visit: Visit, to: str, label: str, here: str, ways: Sequence[str], name: str) -> Why:
    """Return why no move leads to a stage from where the record is."""
    say = visit.wording.say
    joined = ("、" if visit.language == "zh" else ", ").join(ways)
    sentence = (
        say("From %(here)s one can move to %(stages)s.", here=here, stages=joined)
        if ways
        else say("%(here)s is an end: no move leads out of it.", here=here)
    )
    lifecycles = visit.catalog.automation.lifecycles
    found = lifecycles.get(name)
    place, href = written_at(visit, found.place if found is not None else None)
    title = say("No move leads to %(stage)s", stage=label)
    return Why(f"why-{to}", title, [sentence], (), _of_lifecycle(visit, name), place, href)


def _of_lifecycle(visit: Visit, name: str) -> str:
    """Return which lifecycle decides, by the labels of what it is the lifecycle of."""
    found = visit.catalog.automation.lifecycles.get(name)
    entity = visit.catalog.entities.get(found.entity) if found is not None else None
    if found is None or entity is None or found.field not in entity.fields:
        return ""
    of = f"{visit.words(entity.label)} › {visit.words(entity.fields[found.field].label)}"
    return visit.wording.say("Lifecycle %(name)s", name=of)


def why_no_right(visit: Visit, entity: Entity, right: str, title: str) -> Why:
    """Return why somebody has no right on a record."""
    sentence = visit.policy.why(right, entity.name).in_language(visit.language)
    links: tuple[tuple[str, str], ...] = ()
    if visit.principal.is_admin:
        links = ((visit.wording.say("Roles"), "/people/roles"),)
    return Why(f"why-{right}", title, [sentence], links=links)
