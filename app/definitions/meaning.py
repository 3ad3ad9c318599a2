"""What an expression means, as a text that is equal where the meaning is: for versions of rules.

Blanks and brackets do not count. Everything that decides *when* a dated rule comes belongs to its
timing: the formulas and roll-ups its expressions read, the shared values and views they name, and
the calendar. A rule whose timing is another one has its reminders worked out anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import orjson

from app.definitions.catalog import Field
from app.definitions.workshop import Workshop
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


def timing_of(
    shop: Workshop, entity: str, meant: Iterable[Any], *expressions: Checked | None
) -> str:
    """Return the version of when a dated rule comes.

    *meant* are its plain settings; *expressions* are worked out on records of the entity.
    """
    found: dict[str, Any] = {}
    for checked in expressions:
        if checked is not None:
            _gather(shop, checked.root, entity, entity, found)
    calendar = {key: str(value) for key, value in shop.app.calendar.items()}
    roots = [meaning_of(one.root) if one is not None else None for one in expressions]
    return _hash([list(meant), roots, found, calendar, shop.app.time_zone])


def _gather(shop: Workshop, node: Node, entity: str, at_hand: str, found: dict[str, Any]) -> None:
    """Collect what lies behind the names of an expression."""
    if isinstance(node, Path):
        _gather_path(shop, node, entity, at_hand, found)
    inner = entity
    if isinstance(node, Ask):
        inner = _asked(shop, entity, node.over)
    if isinstance(node, InView):
        found[f"view {entity}.{node.name}"] = meaning_of(node.item)
    for child in node.children:
        _gather(shop, child, inner, at_hand, found)


def _asked(shop: Workshop, entity: str, over: tuple[str, ...]) -> str:
    own = f"{entity}.{over[0]}"
    first = own if own in shop.drafts else over[0]
    return f"{first}.{over[1]}" if len(over) > 1 else first


def _gather_path(
    shop: Workshop, path: Path, entity: str, at_hand: str, found: dict[str, Any]
) -> None:
    if path.root == "app":
        found[f"app {path.name}"] = str(shop.app.values.get(path.name))
        return
    if path.root not in ("", "record"):
        return
    here = [at_hand if path.root == "record" else entity]
    names = [(hop.name, hop.entities) for hop in path.hops]
    for name, targets in (*names, (path.name.partition(".")[0], ())):
        for one in here:
            for field, draft in _fields(shop, one, name):
                _gather_field(shop, field, draft, found)
        here = list(targets)


def _fields(shop: Workshop, entity: str, name: str) -> Iterator[tuple[Field, str]]:
    draft = shop.drafts.get(entity)
    if draft is not None and name in draft.fields:
        yield draft.fields[name], entity


def _gather_field(shop: Workshop, field: Field, entity: str, found: dict[str, Any]) -> None:
    key = f"field {entity}.{field.name}"
    if key in found or not field.is_worked_out:
        return
    found[key] = None
    if field.expression is not None:
        found[key] = meaning_of(field.expression.root)
        _gather(shop, field.expression.root, entity, entity, found)
    if field.rollup is not None:
        asked = field.rollup
        parts = (asked.value, asked.by, asked.where)
        found[key] = [asked.entity, asked.link, asked.function] + [
            meaning_of(one.root) if one is not None else None for one in parts
        ]
        for one in parts:
            if one is not None:
                _gather(shop, one.root, asked.entity, entity, found)


def _hash(value: Any) -> str:
    text = orjson.dumps(value, default=_as_text, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()


def _as_text(value: Any) -> Any:
    return dict(value.texts) if isinstance(value, Label) else str(value)
