"""The order of worked-out fields, and who reads whom across records.

After a write, the records room brings stored values up to date in the order found here; circles
that pass through other records are found here too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.definitions.catalog import Field
from app.definitions.workshop import Draft, Workshop
from app.expressions.types import Kind


def order_worked_out(fields: Mapping[str, Field]) -> tuple[str, ...]:
    """Return the stored formulas and roll-ups of a record, each after what it reads of it."""
    ordered: dict[str, None] = {}
    visited: set[str] = set()

    def visit(name: str) -> None:
        field = fields.get(name)
        if field is None or name in visited or not field.is_worked_out:
            return
        visited.add(name)
        if field.expression is not None and field.type.name == "formula":
            for path in sorted(field.expression.names):
                visit(path.split(".")[0])
        if field.type.name != "through":
            ordered[name] = None

    for name in fields:
        visit(name)
    return tuple(
        name for name in ordered if not fields[name].is_volatile and not fields[name].removed
    )


def rollups_of(
    drafts: Mapping[str, Draft],
) -> dict[str, tuple[tuple[str, str, str], ...]]:
    """Return, by entity asked, the roll-ups that ask it."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for draft in drafts.values():
        for field in draft.fields.values():
            if field.rollup is not None and not field.removed:
                one = (draft.name, field.name, field.rollup.link)
                found.setdefault(field.rollup.entity, []).append(one)
    return {entity: tuple(listed) for entity, listed in found.items()}


def formulas_through(
    shop: Workshop,
) -> dict[str, tuple[tuple[str, str, str, str], ...]]:
    """Return, by entity read, the stored formulas that read it through a link."""
    found: dict[str, list[tuple[str, str, str, str]]] = {}
    for draft in shop.drafts.values():
        for field in draft.fields.values():
            if field.type.name != "formula" or field.is_volatile or field.expression is None:
                continue
            for path in sorted(field.expression.names):
                for entity, link, rest in _reads(shop, draft, path):
                    found.setdefault(entity, []).append((draft.name, field.name, link, rest))
    return {entity: tuple(listed) for entity, listed in found.items()}


def _reads(shop: Workshop, draft: Draft, path: str) -> Iterator[tuple[str, str, str]]:
    """Yield the entities a path passes: (entity, way there, path behind it)."""
    words = path.split(".")
    if words[0] == "record":
        words = words[1:]
    here = [draft.name]
    for index, word in enumerate(words[:-1]):
        there: list[str] = []
        for entity in here:
            types = shop.types(entity) if shop.is_entity(entity) else {}
            type_ = types.get(word)
            if type_ is not None and type_.kind is Kind.record:
                there += [one for one in type_.entities if one not in there]
        for entity in there:
            yield entity, ".".join(words[: index + 1]), ".".join(words[index + 1 :])
        here = there


def stored_circles(shop: Workshop) -> None:
    """Report circles that go through other records: by roll-ups, links and lines."""
    edges: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for draft in shop.drafts.values():
        for field in draft.fields.values():
            if field.is_worked_out:
                edges[draft.name, field.name] = list(_field_reads(shop, draft, field))
    done: set[tuple[str, str]] = set()
    for node in edges:
        _walk(shop, node, edges, done, [])


def _walk(
    shop: Workshop,
    node: tuple[str, str],
    edges: Mapping[tuple[str, str], list[tuple[str, str]]],
    done: set[tuple[str, str]],
    way: list[tuple[str, str]],
) -> None:
    if node in done or node not in edges:
        return
    if node in way:
        shop.note_circle(way[way.index(node) :])
        return
    way.append(node)
    for target in edges[node]:
        _walk(shop, target, edges, done, way)
    way.pop()
    done.add(node)


def _field_reads(shop: Workshop, draft: Draft, field: Field) -> Iterator[tuple[str, str]]:
    if field.expression is not None:
        for path in field.expression.names:
            yield from _path_reads(shop, draft.name, path)
        for over, paths in field.expression.asked.items():
            for path in paths:
                yield from _path_reads(shop, f"{draft.name}.{over}", path)
    if field.rollup is not None:
        for one in (field.rollup.value, field.rollup.by, field.rollup.where):
            for path in one.names if one is not None else ():
                own = path.startswith("record.")
                entity = draft.name if own else field.rollup.entity
                yield from _path_reads(shop, entity, path)


def _path_reads(shop: Workshop, entity: str, path: str) -> Iterator[tuple[str, str]]:
    words = path.split(".")
    words = words[1:] if words[0] == "record" else words
    if words:
        yield entity, words[0]
    if shop.is_entity(entity):
        for there, _, rest in _reads(shop, shop.drafts[entity], ".".join(words)):
            yield there, rest.split(".")[0]
