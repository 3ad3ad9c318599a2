"""Find out what a dotted name means."""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from app.expressions import types as t
from app.expressions.problems import hint, nearest
from app.expressions.scopes import ROOTS
from app.expressions.tree import Constant, Hop, Node, Path
from app.expressions.types import Kind, Type

if TYPE_CHECKING:
    from app.expressions.checking import Checker

_SWITCHES = {"true": True, "false": False, "yes": True, "no": False}


def words_of(tree: ast.expr) -> list[str] | None:
    """Return the words of a dotted name, None when the tree is none."""
    words: list[str] = []
    while isinstance(tree, ast.Attribute):
        words.insert(0, tree.attr)
        tree = tree.value
    return [tree.id, *words] if isinstance(tree, ast.Name) else None


def read_name(checker: "Checker", tree: ast.expr, words: list[str]) -> Node:
    """Return what the dotted name *words* means.

    Raises:
        ExpressionProblem: there is no such name.
    """
    start, end = checker.place(tree)
    first = words[0]
    if len(words) == 1 and first == "empty":
        return Constant(type=t.EMPTY, value=None, start=start, end=end)
    if len(words) == 1 and first.lower() in _SWITCHES and checker.scope.find(first) is None:
        return Constant(type=t.BOOLEAN, value=_SWITCHES[first.lower()], start=start, end=end)
    return resolve(checker, words, start, end)


def resolve(checker: "Checker", words: list[str], start: int, end: int) -> Path:
    """Walk from word to word and return the path."""
    first, rest = words[0], words[1:]
    type_ = checker.find(first, start)
    if first in ("me", "my"):
        # What is asked of the user is one thing, whichever of the two words it begins with.
        first = "my" if rest else "me"
    root, name = (first, "") if first in ROOTS else ("", first)
    hops: tuple[Hop, ...] = ()
    place = start + len(words[0])
    for word in rest:
        place = max(place, checker.expression.text.find(word, place))
        if word in type_.parts:
            type_, name = type_.parts[word], f"{name}.{word}".lstrip(".")
        elif type_.kind is Kind.record:
            found = _members(checker, type_, word, place)
            if name:
                hops = (*hops, Hop(type=type_, name=name, entities=tuple(found)))
            type_, name = _common(checker, word, found, place), word
        elif type_.kind is Kind.any:
            type_, name = t.ANY, f"{name}.{word}".lstrip(".")
        else:
            _refuse_part(checker, words, word, type_, place)
        place += len(word)
    path = Path(type=type_, root=root, hops=hops, name=name, start=start, end=end)
    checker.note(path)
    return path


def _members(checker: "Checker", type_: Type, word: str, place: int) -> Mapping[str, Type]:
    """Return, by entity, the type of the field *word* where the entity has it."""
    legal: set[str] = set(type_.parts)
    found: dict[str, Type] = {}
    for entity in type_.entities:
        fields = checker.scope.members(Type(Kind.record, entities=(entity,)))
        legal.update(fields)
        if word in fields:
            found[entity] = fields[word]
    if not found:
        near = nearest(word, legal)
        where = " or ".join(f"`{entity}`" for entity in type_.entities)
        message = f"{where} has no field `{word}`.{hint(near, legal)}"
        raise checker.mistake("unknown-field", message, place, place + len(word), near)
    return found


def _common(checker: "Checker", word: str, found: Mapping[str, Type], place: int) -> Type:
    types = list(found.values())
    common: Type | None = types[0]
    for other in types[1:]:
        common = t.merge(common, other) if common else None
    if common is None:
        kinds = " and ".join(f"in `{entity}` {type_}" for entity, type_ in found.items())
        message = f"`{word}` is {kinds}; one name cannot mean both here."
        raise checker.mistake("mixed-types", message, place, place + len(word))
    if len(types) == 1:
        return common
    parts = _common_parts(types)
    if common.kind is Kind.parts and not parts:
        where = " and ".join(f"`{entity}`" for entity in found)
        message = f"`{word}` has other parts in {where}; one name cannot mean both here."
        raise checker.mistake("mixed-types", message, place, place + len(word))
    return replace(common, parts=parts)


def _common_parts(types: list[Type]) -> dict[str, Type]:
    """Return the parts that all of several types have, of values that are alike."""
    common = dict(types[0].parts)
    for other in types[1:]:
        merged = {
            name: t.merge(common[name], other.parts[name]) for name in common if name in other.parts
        }
        common = {name: type_ for name, type_ in merged.items() if type_ is not None}
    return common


def _refuse_part(checker: "Checker", words: list[str], word: str, type_: Type, place: int) -> None:
    before = ".".join(words[: words.index(word)])
    if type_.kind is Kind.many:
        message = (
            f"`{before}` holds many values, so `{word}` of it is not one. "
            f"Ask for them together: `sum({before}.{word})`, `exists({before})`."
        )
        raise checker.mistake("many-values", message, place, place + len(word))
    near = nearest(word, type_.parts)
    if type_.parts:
        message = f"`{before}` has no part `{word}`.{hint(near, type_.parts)}"
    else:
        message = f"`{before}` is {type_}; it has no parts, so nothing can follow after the dot."
    raise checker.mistake("unknown-part", message, place, place + len(word), near)


def unknown_name(name: str, legal: Iterable[str]) -> tuple[str, list[str]]:
    """Return the sentence for a name that means nothing, and what was probably meant."""
    listed = list(legal)
    near = nearest(name, listed)
    return f"There is no field `{name}` here.{hint(near, listed)}", near
