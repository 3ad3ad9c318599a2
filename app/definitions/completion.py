"""What may be written at a place of a configuration file: keys, words, names, fields.

What keys there are says the JSON Schema; what is called how says the catalog that was read last,
and the text itself. Offered is what fits the place; whether it is right says `check`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.definitions.catalog import Catalog
from app.definitions.where_in_text import ITEM, Spot, keys_in, spot_at

#: Longer texts are not written by hand; they are not read at every key pressed.
LONGEST = 300_000
MOST = 300

#: Keys after which an expression stands.
_EXPRESSIONS = frozenset(
    {"if", "where", "must", "show", "runs", "done", "offer", "required", "readonly", "formula",
     "value", "since", "until", "exempt", "sum", "create", "read", "update", "delete"}
)  # fmt: skip
#: Keys after which fields of the file's own entity stand.
_FIELDS = frozenset(
    {"title", "columns", "sort", "filters", "cards", "by", "from", "to", "needs", "hide", "changed",
     "match", "copy", "totals", "fields", "field", "unique", "same", "similar", "tree", "all_day",
     "edit", "of", "later"}
)  # fmt: skip
_ENTITIES = frozenset({"to", "entity", "into", "extend", "log", "inherit", "has", "also_in", "of"})
_ROLES = frozenset({"for", "is", "confirm"})


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One thing that may be written."""

    label: str
    #: key | value | field | name | function
    kind: str
    help: str = ""
    #: what is written, where it is more than the label
    text: str = ""

    def as_json(self) -> dict[str, str]:
        """Return it for an editor."""
        found = {"label": self.label, "kind": self.kind}
        return found | {k: v for k, v in (("help", self.help), ("text", self.text)) if v}


@dataclass(frozen=True, slots=True)
class Names:
    """What things are called, and what people read for them."""

    #: entity → field → label
    fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    entities: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[str] = ()
    functions: Sequence[str] = ()
    icons: Sequence[str] = ()

    @classmethod
    def of(
        cls,
        catalog: Catalog,
        language: str,
        functions: Iterable[str] = (),
        icons: Sequence[str] = (),
    ) -> Names:
        """Return the names of a catalog."""
        fields, entities = {}, {}
        for name, entity in catalog.entities.items():
            fields[name] = {
                one.name: one.label.in_language(language)
                for one in entity.fields.values()
                if not one.removed
            }
            if "." not in name:
                entities[name] = entity.label.in_language(language)
        roles = {name: role.label.in_language(language) for name, role in catalog.roles.items()}
        lists = tuple(sorted(catalog.options))
        return cls(fields, entities, roles, lists, tuple(functions), icons)


def complete(
    text: str, offset: int, schema: Mapping[str, Any], names: Names
) -> tuple[int, list[Suggestion]]:
    """Return where the word at *offset* begins, and what it may become."""
    if len(text) > LONGEST:
        return offset, []
    spot = spot_at(text, offset)
    if spot.is_comment:
        return offset, []
    nodes = _nodes(schema, spot)
    entity = spot.around[0].get("entity") or spot.around[0].get("extend") or ""
    own = {**names.fields.get(entity, {})}
    own.update(dict.fromkeys(keys_in(text).get(("fields",), ()), ""))
    found: list[Suggestion] = []
    if spot.is_key:
        found += _keys(nodes, spot)
        found += _named_keys(spot, names, own)
        if spot.path and spot.path[-1] == ITEM:
            found += _values(nodes, schema) + _named_values(spot, names, own)
    else:
        found += _values(nodes, schema)
        found += _named_values(spot, names, own)
    once = {one.label: one for one in reversed(found)}
    return spot.begin, list(reversed(once.values()))[:MOST]


def _keys(nodes: Iterable[Mapping[str, Any]], spot: Spot) -> list[Suggestion]:
    there = spot.around[-1]
    return [
        Suggestion(name, "key", one.get("description", ""), f"{name}: ")
        for node in nodes
        for name, one in node.get("properties", {}).items()
        if name not in there
    ]


def _named_keys(spot: Spot, names: Names, own: Mapping[str, str]) -> list[Suggestion]:
    """Return keys that are names: of roles below `access`, of fields below `set`."""
    path = tuple(part for part in spot.path if part != ITEM)
    there = spot.around[-1]
    known: Mapping[str, str] = {}
    if path[-1:] == ("access",) or path[-3:-1] == ("access", "fields"):
        known = names.roles
    elif path[-2:] == ("access", "fields"):
        known = {**own, "else": ""}
    elif path[-1:] == ("set",):
        target = spot.around[-2].get("entity", "") if len(spot.around) > 1 else ""
        known = names.fields.get(target, own)
    return [
        Suggestion(name, "name", label, f"{name}: ")
        for name, label in known.items()
        if name not in there
    ]


def _values(nodes: Iterable[Mapping[str, Any]], schema: Mapping[str, Any]) -> list[Suggestion]:
    found = []
    for node in nodes:
        words = list(node.get("enum", ()))
        if "const" in node:
            words.append(node["const"])
        if node.get("type") == "boolean":
            words += [True, False]
        for word in words:
            shown = {True: "yes", False: "no"}[word] if isinstance(word, bool) else str(word)
            found.append(Suggestion(shown, "value", _help_of(shown, schema)))
    return found


def _help_of(word: str, schema: Mapping[str, Any]) -> str:
    """Return what a field type is for."""
    return str(schema.get("$defs", {}).get(f"field_{word}", {}).get("description", ""))


def _named_values(spot: Spot, names: Names, own: Mapping[str, str]) -> list[Suggestion]:
    path = [part for part in spot.path if part != ITEM]
    key = path[-1] if path else ""
    around = spot.around[-2] if len(spot.around) > 1 else {}
    found: list[Suggestion] = []
    is_field = "type" in around or path[:1] == ["fields"]
    if key in _EXPRESSIONS or spot.value.lstrip("\"'").startswith("="):
        return _in_expression(names, own)
    if key in _ENTITIES and (key != "to" or is_field):
        found += [Suggestion(name, "name", label) for name, label in names.entities.items()]
    if key in ("of", "related", "from", "with", "also_in"):
        found += _dotted(names, spot)
    if key in _FIELDS and not (key == "to" and is_field):
        fields = names.fields.get(around.get("entity", ""), own)
        found += [Suggestion(name, "field", label) for name, label in fields.items()]
    if key in _ROLES:
        found += [Suggestion(name, "name", label) for name, label in names.roles.items()]
    if key == "options" and is_field:
        found += [Suggestion(name, "name") for name in names.options]
    if key == "icon":
        found += [Suggestion(name, "name") for name in names.icons]
    if key == "sort":
        found += [Suggestion(f"-{name}", "field", label) for name, label in own.items()]
    return found


def _dotted(names: Names, spot: Spot) -> list[Suggestion]:
    """Return `entity.field`, once the entity is written."""
    entity, dot, _ = spot.value.rpartition("/")[2].rpartition(".")
    fields = names.fields.get(entity.strip(" [\"'"), {}) if dot else {}
    return [
        Suggestion(f"{entity.strip()}.{name}", "field", label) for name, label in fields.items()
    ]


def _in_expression(names: Names, own: Mapping[str, str]) -> list[Suggestion]:
    words = ["me", "my.subordinates", "my.roles", "is empty", "is not empty", "and", "or", "not"]
    return [
        *(Suggestion(name, "field", label) for name, label in own.items()),
        *(Suggestion(name, "function", "", f"{name}(") for name in sorted(names.functions)),
        *(Suggestion(word, "value") for word in words),
    ]


# -- the schema ------------------------------------------------------------------------------------


def _nodes(schema: Mapping[str, Any], spot: Spot) -> list[Mapping[str, Any]]:
    """Return every part of the schema that may hold at a place."""
    nodes = _opened(schema, schema, spot.around[0])
    for index, part in enumerate(spot.path):
        known = spot.around[index + 1] if index + 1 < len(spot.around) else {}
        nodes = [
            deeper
            for node in nodes
            for inner in _inner(node, part)
            for deeper in _opened(schema, inner, known)
        ]
    is_field = spot.path[-2:-1] == ("fields",) and "access" not in spot.path
    if is_field and not any("label" in _properties(node) for node in nodes):
        nodes.append({"properties": _of_every_type(schema)})
    return nodes


def _properties(node: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = node.get("properties", {})
    return found


def _of_every_type(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what every field may have, for one whose type is not known yet."""
    types = [
        _properties(one)
        for name, one in schema.get("$defs", {}).items()
        if name.startswith("field_")
    ]
    if not types:
        return {}
    shared = set(types[0]).intersection(*types)
    return {name: one for name, one in types[0].items() if name in shared and name != "type"}


def _inner(node: Mapping[str, Any], part: str) -> list[Mapping[str, Any]]:
    if part == ITEM:
        items = node.get("items")
        return [items] if isinstance(items, Mapping) else []
    if part in node.get("properties", {}):
        return [node["properties"][part]]
    more = node.get("additionalProperties")
    return [more] if isinstance(more, Mapping) else []


def _opened(
    schema: Mapping[str, Any], node: Mapping[str, Any], known: Mapping[str, str], depth: int = 0
) -> list[Mapping[str, Any]]:
    """Return a part of the schema with all it refers to, as far as what is known lets it hold."""
    if depth > 12:
        return []
    found = [node]
    inner: list[Mapping[str, Any]] = []
    if "$ref" in node:
        name = str(node["$ref"]).rpartition("/")[2]
        inner.append(schema.get("$defs", {}).get(name, {}))
    for word in ("anyOf", "oneOf", "allOf"):
        inner += node.get(word, ())
    if "if" in node and _holds(node["if"], known):
        inner.append(node.get("then", {}))
    for one in inner:
        found += _opened(schema, one, known, depth + 1)
    return found


def _holds(condition: Mapping[str, Any], known: Mapping[str, str]) -> bool:
    if any(name not in known for name in condition.get("required", ())):
        return False
    return all(
        known.get(name) == one.get("const", known.get(name))
        for name, one in condition.get("properties", {}).items()
    )
