"""What the whole catalog says about single entities, gathered once for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.definitions.catalog import Catalog, Rollup
from app.expressions.tree import Checked, Path


@dataclass(frozen=True, slots=True)
class Facts:
    """What the whole catalog says about single entities, gathered once."""

    #: by child entity: (link, field that orders, field that is added up), for roll-ups
    roll_ups: Mapping[str, tuple[tuple[str, str | None, str | None], ...]]
    tables: Mapping[str, str]
    #: by entity: fields by which rules of any entity look for the same thing twice
    duplicates: Mapping[str, tuple[str, ...]]
    #: entities whose records may lie in a pool
    pools: frozenset[str] = frozenset()
    #: the SQL of checks already written, over a column called ``value``
    check_texts: dict[tuple[Any, str], str] = field(default_factory=dict)


def gather_facts(catalog: Catalog) -> Facts:
    """Return what `indexes_of` needs to know beyond the entity itself."""
    roll_ups: dict[str, list[tuple[str, str | None, str | None]]] = {}
    for child, asking in catalog.rollups_of.items():
        for entity, name, link in asking:
            asked = catalog.entities[entity].fields[name]
            if asked.rollup is not None and not asked.removed:
                roll_ups.setdefault(child, []).append((link, *_roll_up_fields(asked.rollup)))
    return Facts(
        {child: tuple(dict.fromkeys(found)) for child, found in roll_ups.items()},
        {entity.name: entity.table for entity in catalog.entities.values()},
        _duplicates(catalog),
        frozenset(pool.entity for pool in catalog.automation.pools.values() if not pool.off),
    )


def _duplicates(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for entity in catalog.entities.values():
        for rule in entity.duplicates:
            also = rule.also_in if rule.same else ()
            for name, path in (*((entity.name, each) for each in rule.same), *also):
                found.setdefault(name, []).append(path)
    return {name: tuple(dict.fromkeys(paths)) for name, paths in found.items()}


def _roll_up_fields(rollup: Rollup) -> tuple[str | None, str | None]:
    """Return by which field a roll-up looks for an end, and which one it adds up."""
    if rollup.function in {"latest", "earliest", "highest", "lowest"}:
        return _own_field(rollup.by or rollup.value), None
    if rollup.function in {"sum", "avg"}:
        return None, _own_field(rollup.value)
    return None, None


def _own_field(expression: Checked | None) -> str | None:
    """Return the field an expression consists of, if it is one of the record's own."""
    node = None if expression is None else expression.root
    return node.name if isinstance(node, Path) and not node.root and not node.hops else None
