"""What is kept from one reading of a configuration to the next.

One field more among ten thousand must not mean to read the other ten thousand again. Kept are the
documents of files whose text is the same, the values of definitions that are the same, and the
entities nothing of which changed: neither their own definition nor the type of any field they read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.definitions.document import Document
from app.definitions.problems import Problem

if TYPE_CHECKING:
    from app.definitions.catalog import Entity, Field
    from app.definitions.workshop import Workshop
    from app.expressions.types import Type
    from app.fields.base import FieldTypes

ValuesKey = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A catalog's entities with the workshop they were made in."""

    shop: Workshop
    entities: Mapping[str, Entity]
    #: by entity, what was written: the very object, so that equal means the same
    values: Mapping[str, Any]
    #: everything that concerns all entities at once
    common: tuple[Any, ...]
    #: by entity, the fields of others (and its own) that were looked at
    reads: Mapping[str, frozenset[tuple[str, str]]]
    warnings: Mapping[str, tuple[Problem, ...]]


@dataclass(slots=True)
class Memory:
    """What one reading leaves for the next; a new one is made each time."""

    types: FieldTypes | None = None
    #: by file: its text, its documents and what is wrong with it
    files: dict[str, tuple[str, list[Document], list[Problem]]] = field(default_factory=dict)
    values: dict[ValuesKey, dict[str, Any]] = field(default_factory=dict)
    compiled: Compiled | None = None
    #: by part of the fingerprint: the object it was made of, and its hash
    hashes: dict[str, tuple[Any, bytes]] = field(default_factory=dict)
    before: Memory | None = None

    def find_file(self, file: str, text: str) -> tuple[list[Document], list[Problem]] | None:
        """Return the documents and problems of a file whose text is the same as before."""
        known = self.before.files.get(file) if self.before else None
        if known is None or known[0] != text:
            return None
        self.files[file] = known
        return known[1], known[2]

    def keep_file(
        self, file: str, text: str, documents: list[Document], problems: list[Problem]
    ) -> None:
        """Keep what a file holds."""
        self.files[file] = (text, documents, problems)

    def find_values(self, document: Document) -> dict[str, Any] | None:
        """Return the checked values of a definition that is the same as before."""
        key = _values_key(document)
        known = self.before.values.get(key) if self.before else None
        if known is not None:
            self.values[key] = known
        return known

    def keep_values(self, document: Document, values: dict[str, Any]) -> None:
        """Keep the checked values of a definition."""
        self.values[_values_key(document)] = values

    def hash_of(self, name: str, value: Any, make: Callable[[Any], bytes]) -> bytes:
        """Return the hash of a part, made only if it is not the object it was before."""
        known = self.before.hashes.get(name) if self.before else None
        if known is None or known[0] is not value:
            known = (value, make(value))
        self.hashes[name] = known
        return known[1]

    def forget_before(self) -> None:
        """Let go of the time before, which holds its own time before; keep its good catalog."""
        if self.compiled is None and self.before is not None:
            self.compiled = self.before.compiled
        self.before = None


def _values_key(document: Document) -> ValuesKey:
    return document.file, document.index, document.digest


def unit_of(entity: str) -> str:
    """Return the entity a lines entity stands in; any other is its own unit."""
    return entity.partition(".")[0]


def changed_units(compiled: Compiled, values: Mapping[str, Any]) -> list[str]:
    """Return the entities whose definition is not the one that was compiled."""
    return [name for name, one in values.items() if compiled.values.get(name) is not one]


def affected_units(compiled: Compiled, shop: Workshop, fresh: Iterable[str]) -> Iterator[str]:
    """Yield the entities that are still as before but read something that is not.

    *fresh* are the entities already compiled anew in *shop*.
    """
    known = set(fresh)
    differs: dict[tuple[str, str], bool] = {}
    for unit, reads in compiled.reads.items():
        if unit in known:
            continue
        for read in reads:
            if unit_of(read[0]) not in known:
                continue
            if read not in differs:
                differs[read] = _differs(compiled, shop, *read)
            if differs[read]:
                yield unit
                break
        else:
            if compiled.shop.links_here(unit) != shop.links_here(unit):
                yield unit


def _differs(compiled: Compiled, shop: Workshop, entity: str, name: str) -> bool:
    before = compiled.entities.get(entity)
    draft = shop.drafts.get(entity)
    if before is None or draft is None:
        return True
    if draft.lines_of and name == "parent":
        return False
    old, new = before.fields.get(name), draft.fields.get(name)
    if old is None or new is None:
        return old is not new
    return not _same_to_others(old, new, shop.type_of(draft, name))


def _same_to_others(old: Field, new: Field, value: Type) -> bool:
    return (
        old.value is not None
        and same_type(old.value, value)
        and old.type is new.type
        and old.options == new.options
        and old.removed == new.removed
        and old.is_volatile == new.is_volatile
        and old.type.targets(old) == new.type.targets(new)
    )


def same_type(one: Type, other: Type) -> bool:
    """Return whether two types are equal in every respect, parts and trees included."""
    if one is other:
        return True
    if one != other or one.parents != other.parents or one.filled != other.filled:
        return False
    if one.item is not None and other.item is not None and not same_type(one.item, other.item):
        return False
    return one.parts.keys() == other.parts.keys() and all(
        same_type(part, other.parts[name]) for name, part in one.parts.items()
    )
