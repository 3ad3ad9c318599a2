"""The diagram of the configuration in force: entities, and for one of them stages and rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, request

from app.definitions.automation import Lifecycle, Move
from app.definitions.catalog import Entity, Place
from app.screens.diagrams import drawn_entities, entity_diagram, lifecycle_diagram, links_of
from app.screens.list_view import Tab
from app.screens.rule_pages import setup_tabs
from app.screens.visit import Visit
from app.security.manager import require_admin


@dataclass(frozen=True, slots=True)
class MoveItem:
    """One move, in words."""

    text: str
    details: Sequence[str]
    where: str
    href: str


@dataclass(frozen=True, slots=True)
class LifecycleView:
    """One lifecycle."""

    label: str
    picture: str
    moves: Sequence[MoveItem]
    #: without moves written, every move is possible
    is_free: bool
    where: str
    href: str


@dataclass(frozen=True, slots=True)
class Named:
    """Something with its place."""

    label: str
    href: str
    where: str = ""
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The entity that was chosen."""

    label: str
    icon: str
    where: str
    href: str
    list_href: str
    fields: int
    lifecycles: Sequence[LifecycleView]
    links: Sequence[Named]
    rules: Sequence[Named]


@dataclass(frozen=True, slots=True)
class DiagramView:
    """Everything `setup_diagram.html` shows."""

    tabs: Sequence[Tab]
    picture: str
    chosen: Chosen | None


def diagram_page(visit: Visit) -> Response:
    """Return the diagram, and what there is to tell of the chosen entity."""
    require_admin(visit.principal)
    shown = drawn_entities(visit.catalog)
    asked = request.args.get("of", "")
    entity = next((one for one in shown if one.name == asked), None) or _first(visit, shown)
    view = DiagramView(
        setup_tabs(visit, "diagram"),
        _drawn(visit, entity.name if entity else ""),
        _chosen(visit, entity) if entity else None,
    )
    title = visit.wording.say("Diagram")
    return visit.render("setup_diagram.html", page=visit.page(title, "setup"), view=view)


def picture(visit: Visit) -> Response:
    """Return the diagram as a file."""
    require_admin(visit.principal)
    response = Response(_drawn(visit, ""), content_type="image/svg+xml; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="entities.svg"'
    return response


def place_href(place: Place | None) -> str:
    """Return where the editor opens a place; empty for what is built in."""
    if place is None or place.file.startswith("("):
        return ""
    return f"/setup?file={place.file}#L{place.line}"


def place_text(place: Place | None) -> str:
    """Return a place as people read it."""
    return "" if place is None or place.file.startswith("(") else f"{place.file}:{place.line}"


def _drawn(visit: Visit, chosen: str) -> str:
    return entity_diagram(
        visit.catalog, visit.words, lambda name: f"/setup/diagram?of={name}", chosen
    )


def _first(visit: Visit, shown: Sequence[Entity]) -> Entity | None:
    """Return the entity with stages that most others lead to, else any."""
    links = links_of(visit.catalog, visit.words)

    def weight(one: Entity) -> tuple[bool, int]:
        staged = any(each.type.name == "stage" for each in one.fields.values())
        return staged, sum(link.target == one.name for link in links)

    return max(shown, key=weight, default=None)


def _chosen(visit: Visit, entity: Entity) -> Chosen:
    automation = visit.catalog.automation
    words = visit.words
    rules = [
        Named(
            words(rule.label) if rule.label else name,
            place_href(rule.place),
            place_text(rule.place),
            "bolt",
        )
        for name, rule in automation.rules.items()
        if entity.name in rule.entities and not rule.off
    ]
    links = [
        Named(
            f"{words(visit.catalog.entities[link.source].label)} · {link.label}",
            f"/setup/diagram?of={link.source}",
            "",
            visit.catalog.entities[link.source].icon or "link",
        )
        for link in links_of(visit.catalog, words)
        if link.target == entity.name
    ]
    own = [one for one in entity.fields.values() if not one.built_in and not one.removed]
    return Chosen(
        words(entity.label),
        entity.icon or "table",
        place_text(entity.place),
        place_href(entity.place),
        f"/crm/{entity.name}/",
        len(own),
        [
            _lifecycle(visit, entity, one)
            for one in automation.lifecycles.values()
            if one.entity == entity.name and not one.off
        ],
        links,
        rules,
    )


def _lifecycle(visit: Visit, entity: Entity, one: Lifecycle) -> LifecycleView:
    return LifecycleView(
        visit.words(entity.fields[one.field].label),
        lifecycle_diagram(one, visit.words),
        [_move(visit, entity, one, move) for move in one.moves or ()],
        one.moves is None,
        place_text(one.place),
        place_href(one.place),
    )


def _move(visit: Visit, entity: Entity, lifecycle: Lifecycle, move: Move) -> MoveItem:
    say, words = visit.wording.say, visit.words

    def stages(names: Sequence[str]) -> str:
        open_ones = [one.name for one in lifecycle.stages.values() if not one.final]
        if len(names) > 1 and set(names) >= set(open_ones):
            return say("any stage")
        return ", ".join(words(lifecycle.stages[name].label) for name in names)

    text = f"{stages(move.from_)} → {stages(move.to)}"
    if move.label is not None:
        text = f"{words(move.label)}: {text}"
    details = []
    if move.needs:
        labels = [words(entity.fields[n.split(".")[0]].label) for n in move.needs]
        details.append(say("asks for %(fields)s", fields=", ".join(labels)))
    if move.for_:
        roles = [words(visit.catalog.roles[name].label) for name in move.for_]
        details.append(say("only %(roles)s", roles=", ".join(roles)))
    if move.if_ is not None:
        details.append(say("if %(condition)s", condition=move.if_.text))
    return MoveItem(text, details, place_text(move.place), place_href(move.place))
