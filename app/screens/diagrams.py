"""Pictures of a catalog, drawn here as SVG: entities with their links, stages with their moves.

A picture carries its colours as attributes, so that a file of it looks like something by itself;
on a page the style sheet has the last word. Nothing is asked of any service, and nothing is random:
the same catalog gives the same picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from app.access.sources import targets_of
from app.definitions.automation import Lifecycle
from app.definitions.catalog import Catalog, Entity, Field
from app.texts import Label

WIDTH, HEAD, ROW, FOOT = 184, 34, 22, 10
GAP_X, GAP_Y, EDGE = 110, 36, 24
_MOST_ROWS = 5
_BUILT_IN = ("user", "department")

Words = Callable[[Label], str]


@dataclass(frozen=True, slots=True)
class Link:
    """A field of one entity that leads to another."""

    source: str
    field: str
    target: str
    label: str
    #: the record cannot be without it
    is_needed: bool = False


@dataclass(slots=True)
class Box:
    """An entity as it is drawn."""

    name: str
    label: str
    rows: Sequence[tuple[str, str]]
    x: int = 0
    y: int = 0

    @property
    def height(self) -> int:
        """How high it is."""
        return HEAD + ROW * len(self.rows) + FOOT

    def row_y(self, name: str) -> int:
        """Return the middle of a field's row; of the heading, where it is not drawn."""
        for index, (field, _) in enumerate(self.rows):
            if field == name:
                return self.y + HEAD + ROW * index + ROW // 2 + 4
        return self.y + HEAD // 2


def drawn_entities(catalog: Catalog) -> list[Entity]:
    """Return the entities a picture shows: what people keep, not the people."""
    return [
        one
        for one in catalog.entities.values()
        if one.lines_of is None and one.name not in _BUILT_IN
    ]


def links_of(catalog: Catalog, words: Words) -> list[Link]:
    """Return every link between entities, those of their lines included."""
    shown = {one.name for one in drawn_entities(catalog)}
    found = []
    for entity in catalog.entities.values():
        source = entity.lines_of[0] if entity.lines_of else entity.name
        for field in entity.fields.values():
            if field.built_in or field.removed or field.is_worked_out:
                continue
            name = entity.lines_of[1] if entity.lines_of else field.name
            found += [
                Link(source, name, target, words(field.label), field.required is True)
                for target in targets_of(field)
                if source in shown and target in shown
            ]
    return list(dict.fromkeys(found))


def entity_diagram(
    catalog: Catalog, words: Words, href: Callable[[str], str], chosen: str = ""
) -> Markup:
    """Return the picture of the entities; *chosen* and its links stand out."""
    links = links_of(catalog, words)
    boxes = _placed(drawn_entities(catalog), links, words)
    width = max((box.x + WIDTH for box in boxes.values()), default=0) + EDGE
    height = max((box.y + box.height for box in boxes.values()), default=0) + EDGE
    # What leads to the chosen one and from it lies above the others.
    links.sort(key=lambda link: chosen in (link.source, link.target))
    lines = [_edge(boxes, link, chosen) for link in links]
    nodes = [_box(box, href(box.name), is_on=box.name == chosen) for box in boxes.values()]
    return _svg(width, height, [*lines, *nodes])


def _placed(entities: Sequence[Entity], links: Sequence[Link], words: Words) -> dict[str, Box]:
    """Return the boxes in columns: what is linked to stands to the left of what links."""
    leads: dict[str, set[str]] = {one.name: set() for one in entities}
    needs: dict[str, set[str]] = {one.name: set() for one in entities}
    for link in links:
        if link.source != link.target:
            leads[link.source].add(link.target)
            if link.is_needed:
                needs[link.source].add(link.target)
    # What a record cannot be without decides; other links would make long chains of circles.
    columns = _columns(needs)
    boxes = {one.name: Box(one.name, words(one.label), _rows(one, words)) for one in entities}
    order: dict[str, float] = {}
    for number in sorted(set(columns.values())):
        names = [name for name in boxes if columns[name] == number]
        # Beside the middle of what they lead to, so that lines are short.
        middle = {name: _middle([order[t] for t in leads[name] if t in order]) for name in names}
        names.sort(key=lambda name: (middle[name], name))
        y = EDGE
        for name in names:
            boxes[name].x, boxes[name].y = EDGE + number * (WIDTH + GAP_X), y
            order[name] = y + boxes[name].height / 2
            y += boxes[name].height + GAP_Y
    return boxes


def _columns(leads: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Return for each the length of the longest way on; a circle ends where it began."""
    known: dict[str, int] = {}

    def column(name: str, seen: frozenset[str]) -> int:
        if name not in known:
            onward = [column(one, seen | {name}) for one in leads[name] if one not in seen | {name}]
            found = max(onward, default=-1) + 1
            if seen:
                return found
            known[name] = found
        return known[name]

    for name in sorted(leads):
        column(name, frozenset())
    return known


def _middle(places: Sequence[float]) -> float:
    return sum(places) / len(places) if places else 0.0


def _rows(entity: Entity, words: Words) -> list[tuple[str, str]]:
    """Return the fields that say most: the title, links and stages, then the others."""

    def weight(field: Field) -> int:
        if field.name == entity.title:
            return 0
        return 1 if targets_of(field) or field.type.name in ("stage", "lines") else 2

    own = [one for one in entity.fields.values() if not one.built_in and not one.removed]
    own.sort(key=weight)
    return [(one.name, words(one.label)) for one in own[:_MOST_ROWS]]


def _edge(boxes: Mapping[str, Box], link: Link, chosen: str) -> Markup:
    source, target = boxes[link.source], boxes[link.target]
    y1, y2 = source.row_y(link.field), target.y + HEAD // 2
    kind = " on" if chosen in (link.source, link.target) else ""
    if source is target:
        x = source.x + WIDTH
        path = f"M {x} {y1} C {x + 40} {y1}, {x + 40} {y2}, {x} {y2}"
    elif source.x > target.x:
        x1, x2 = source.x, target.x + WIDTH
        path = f"M {x1} {y1} C {x1 - 55} {y1}, {x2 + 55} {y2}, {x2} {y2}"
    else:
        x1, x2 = source.x + WIDTH, target.x + WIDTH
        bow = max(x1, x2) + 48
        path = f"M {x1} {y1} C {bow} {y1}, {bow} {y2}, {x2} {y2}"
    return Markup(
        '<g class="edge{}"><title>{} → {}: {}</title><path d="{}" fill="none" stroke="#8a94a0" '
        'stroke-width="1.5"/><circle cx="{}" cy="{}" r="4" fill="#ffffff" stroke="#8a94a0"/></g>'
    ).format(kind, source.label, target.label, link.label, path, x2_of(source, target), y2)


def x2_of(source: Box, target: Box) -> int:
    """Return where a line ends: always on the right side of what is linked to."""
    return source.x + WIDTH if source is target else target.x + WIDTH


def _box(box: Box, href: str, *, is_on: bool) -> Markup:
    rows = Markup("").join(
        Markup('<text class="row" x="{}" y="{}" font-size="12" fill="#3c4650">{}</text>').format(
            box.x + 12, box.y + HEAD + ROW * index + ROW // 2 + 8, _cut(label)
        )
        for index, (_, label) in enumerate(box.rows)
    )
    line = box.y + HEAD
    return Markup(
        '<a class="node{}" href="{}" aria-label="{}"><rect x="{}" y="{}" width="{}" height="{}" '
        'rx="8" fill="#ffffff" stroke="#c9d0d6"/><text class="head" x="{}" y="{}" font-size="13" '
        'font-weight="600" fill="#1d2530">{}</text><path d="M {} {} H {}" stroke="#e3e7ea"/>{}</a>'
    ).format(
        " on" if is_on else "", href, box.label, box.x, box.y, WIDTH, box.height,
        box.x + 12, box.y + 22, _cut(box.label), box.x, line, box.x + WIDTH, rows,
    )  # fmt: skip


def _cut(text: str) -> str:
    """Return a text that fits a box; a Chinese character takes the room of two letters."""
    room, found = 24, ""
    for sign in text:
        room -= 2 if ord(sign) > 0x2E80 else 1
        if room < 0:
            return f"{found}…"
        found += sign
    return found


# -- stages ----------------------------------------------------------------------------------------

STAGE_WIDTH, STAGE_HEIGHT, STAGE_GAP, SIDE = 168, 34, 26, 74


def lifecycle_diagram(lifecycle: Lifecycle, words: Words) -> Markup:
    """Return the picture of a lifecycle: stages from above, moves on at the right, back left."""
    stages = [one for one in lifecycle.stages.values() if not one.removed]
    tops = {one.name: EDGE + n * (STAGE_HEIGHT + STAGE_GAP) for n, one in enumerate(stages)}
    places = {one.name: number for number, one in enumerate(stages)}
    arrows = [
        _arrow(tops, begin, end, places[end] - places[begin])
        for move in lifecycle.moves or ()
        for begin in move.from_
        for end in move.to
        if begin in places and end in places and begin != end
    ]
    boxes = [
        Markup(
            '<g class="stage{}"><rect x="{}" y="{}" width="{}" height="{}" rx="8" fill="#ffffff" '
            'stroke="#c9d0d6"/><text x="{}" y="{}" font-size="13" fill="#1d2530">{}</text></g>'
        ).format(
            " final" if one.final else "", SIDE, tops[one.name], STAGE_WIDTH, STAGE_HEIGHT,
            SIDE + 12, tops[one.name] + 22, _cut(words(one.label)),
        )
        for one in stages
    ]  # fmt: skip
    height = EDGE * 2 + len(stages) * (STAGE_HEIGHT + STAGE_GAP) - STAGE_GAP
    return _svg(STAGE_WIDTH + SIDE * 2, height, [*dict.fromkeys(arrows), *boxes])


def _arrow(tops: Mapping[str, int], begin: str, end: str, steps: int) -> Markup:
    middle = STAGE_HEIGHT // 2
    if steps == 1:
        x, y1, y2 = SIDE + STAGE_WIDTH // 2, tops[begin] + STAGE_HEIGHT, tops[end]
        path = f"M {x} {y1} V {y2 - 2}"
    else:
        side = SIDE + STAGE_WIDTH if steps > 0 else SIDE
        out = min(16 + abs(steps) * 8, SIDE - 6) * (1 if steps > 0 else -1)
        y1, y2 = tops[begin] + middle + 4, tops[end] + middle - 4
        path = f"M {side} {y1} C {side + out} {y1}, {side + out} {y2}, {side} {y2}"
    kind = "back" if steps < 0 else "onward"
    return Markup(
        '<path class="arrow {}" d="{}" fill="none" stroke="#8a94a0" stroke-width="1.5" '
        'marker-end="url(#tip)"/>'
    ).format(kind, path)


def _svg(width: int, height: int, parts: Iterable[Markup]) -> Markup:
    tip = Markup(
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto-start-reverse"><path class="tip" d="M 0 0 L 8 4 L 0 8 z" '
        'fill="#8a94a0"/></marker></defs>'
    )
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="diagram" width="{0}" height="{1}" '
        'viewBox="0 0 {0} {1}" font-family="Inter, system-ui, sans-serif" role="group">{2}{3}</svg>'
    ).format(width, height, tip, Markup("").join(parts))
