"""What is compared with what: worked out from the rules and the types of fields, never from names.

Phones are compared with phones, e-mails with e-mails, web addresses by their host, in all entities
that have rules about duplicates or are looked into by one; what a rule calls the same with what it
names; texts that a rule calls alike with each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.definitions.catalog import Catalog, Entity, Field

#: How much it says that values are equal, by what they are; the rest is from 0 to 1 as well.
WEIGHTS = {"phone": 0.95, "email": 0.95, "same": 0.97, "name": 0.9, "host": 0.6, "sound": 0.7}
_TYPES = {"phone": "phone", "phones": "phone", "email": "email", "emails": "email",
          "url": "host", "urls": "host"}  # fmt: skip


def kind_of_field(field: Field) -> str:
    """Return as what the values of a field are compared."""
    kind = _TYPES.get(field.type.name, "same")
    return "same" if kind == "host" else kind


@dataclass(frozen=True, slots=True)
class Member:
    """A field whose values are compared, or a part of one (``address.city``)."""

    entity: str
    path: str

    @property
    def field(self) -> str:
        """The field it belongs to."""
        return self.path.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One step of a scan."""

    #: phone | email | host | same | name (equal) | alike | sound
    kind: str
    members: tuple[Member, ...]
    #: ``alike``: from which likeness on
    at_least: float = 1.0

    @property
    def weight(self) -> float:
        """How much it says."""
        return WEIGHTS.get(self.kind, 1.0)


def compared_entities(catalog: Catalog) -> list[Entity]:
    """Return the entities whose records may be the same thing."""
    names: dict[str, None] = {}
    for entity in catalog.entities.values():
        if entity.duplicates and entity.lines_of is None:
            names[entity.name] = None
            for rule in entity.duplicates:
                names.update(dict.fromkeys(name for name, _ in rule.also_in))
    return [catalog.entities[name] for name in names if name in catalog.entities]


def comparisons_of(catalog: Catalog) -> list[Comparison]:
    """Return the steps of a scan, in order."""
    entities = compared_entities(catalog)
    groups: dict[str, list[Member]] = {}
    for entity in entities:
        for one in _fields(entity):
            if kind := _TYPES.get(one.type.name):
                groups.setdefault(kind, []).append(Member(entity.name, one.name))
    found = [Comparison(kind, tuple(members)) for kind, members in groups.items()]
    # Of the same host is less than the same address, so that a rule about those is a step as well.
    known = {one for kind, members in groups.items() if kind != "host" for one in members}
    alike: dict[Member, float] = {}
    for entity in entities:
        for rule in entity.duplicates:
            others = [Member(*each) for each in rule.also_in]
            for path in rule.same:
                members = (Member(entity.name, path), *others)
                if not set(members) <= known:
                    found.append(Comparison("same", tuple(dict.fromkeys(members))))
            if rule.similar:
                for member in (Member(entity.name, rule.similar), *others):
                    alike[member] = min(alike.get(member, 1.0), rule.at_least)
    if alike:
        members = tuple(alike)
        found.append(Comparison("name", members))
        titles = tuple(one for one in members if catalog.entities[one.entity].title == one.path)
        if titles:
            found.append(Comparison("sound", titles))
        found.append(Comparison("alike", members, min(alike.values())))
    return found


def _fields(entity: Entity) -> Iterator[Field]:
    return (one for one in entity.fields.values() if not one.removed and one.type.stored)
