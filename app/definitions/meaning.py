"""What an expression means, as a text that is equal where the meaning is: for versions of rules.

Blanks and brackets do not count. What an expression means depends on more than its text: on the
formulas and roll-ups it reads, the shared values and views it names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import orjson

from app.definitions.catalog import Catalog, Field
from app.expressions.functions import Function
from app.expressions.tree import Ask, Checked, InView, Node, Path
from app.texts import Label

_NOT_MEANT = ("type", "start", "end")
#: Of a rule: what is said about it, not what it does.
_BESIDE = ("label", "off", "was")


def meaning_of(node: Node) -> Any:
    """Return a tree as plain lists."""
    meant = (one.name for one in fields(node) if one.name not in _NOT_MEANT)
    return [type(node).__name__, *(_plain(getattr(node, name)) for name in meant)]


def _plain(value: Any) -> Any:
    if isinstance(value, Node):
        return meaning_of(value)
    if isinstance(value, Function):
        return value.name
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if is_dataclass(value) and not isinstance(value, type):
        # A hop: its name and where it leads.
        return [_plain(getattr(value, one.name)) for one in fields(value) if one.name != "type"]
    return value if value is None or isinstance(value, bool | int) else str(value)


def digest_of(source: Mapping[str, Any]) -> str:
    """Return the version of a rule or approval, from what was written."""
    meant = {key: value for key, value in source.items() if key not in _BESIDE}
    return _hash(meant)


def meant_by(catalog: Catalog, entity: str, *expressions: Checked) -> list[Any]:
    """Return what expressions over an entity's records mean, with everything behind their names.

    That is the formulas and roll-ups they read, and the shared values and views they name. Equal
    lists give equal answers from equal records, whichever files they come from.
    """
    found: dict[str, Any] = {}
    for checked in expressions:
        _gather(catalog, checked.root, entity, entity, found)
    return [[meaning_of(one.root) for one in expressions], sorted(found.items())]


def _gather(catalog: Catalog, node: Node, entity: str, at_hand: str, found: dict[str, Any]) -> None:
    """Collect what lies behind the names of an expression."""
    if isinstance(node, Path):
        _gather_path(catalog, node, entity, at_hand, found)
    inner = entity
    if isinstance(node, Ask):
        inner = _asked(catalog, entity, node.over)
    if isinstance(node, InView):
        found[f"view {entity}.{node.name}"] = meaning_of(node.item)
    for child in node.children:
        _gather(catalog, child, inner, at_hand, found)


def _asked(catalog: Catalog, entity: str, over: tuple[str, ...]) -> str:
    own = f"{entity}.{over[0]}"
    first = own if own in catalog.entities else over[0]
    return f"{first}.{over[1]}" if len(over) > 1 else first


def _gather_path(
    catalog: Catalog, path: Path, entity: str, at_hand: str, found: dict[str, Any]
) -> None:
    if path.root == "app":
        found[f"app {path.name}"] = str(catalog.app.values.get(path.name))
        return
    if path.root not in ("", "record"):
        return
    here = [at_hand if path.root == "record" else entity]
    names = [(hop.name, hop.entities) for hop in path.hops]
    for name, targets in (*names, (path.name.partition(".")[0], ())):
        for one in here:
            for field, draft in _fields(catalog, one, name):
                _gather_field(catalog, field, draft, found)
        here = list(targets)


def _fields(catalog: Catalog, entity: str, name: str) -> Iterator[tuple[Field, str]]:
    draft = catalog.entities.get(entity)
    if draft is not None and name in draft.fields:
        yield draft.fields[name], entity


def _gather_field(catalog: Catalog, field: Field, entity: str, found: dict[str, Any]) -> None:
    key = f"field {entity}.{field.name}"
    if key in found or not field.is_worked_out:
        return
    found[key] = None
    if field.expression is not None:
        found[key] = meaning_of(field.expression.root)
        _gather(catalog, field.expression.root, entity, entity, found)
    if field.rollup is not None:
        asked = field.rollup
        parts = (asked.value, asked.by, asked.where)
        found[key] = [asked.entity, asked.link, asked.function] + [
            meaning_of(one.root) if one is not None else None for one in parts
        ]
        for one in parts:
            if one is not None:
                _gather(catalog, one.root, asked.entity, entity, found)


def _hash(value: Any) -> str:
    text = orjson.dumps(value, default=_as_text, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()


def _as_text(value: Any) -> Any:
    return dict(value.texts) if isinstance(value, Label) else str(value)
