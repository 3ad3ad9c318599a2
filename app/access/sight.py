"""Who would see more or less if the organisation were another: told before it is changed.

Compares two snapshots. Only what rows hang on departments and on the reporting line for can change;
nothing is read from the tables of records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from app.access.organisation import Person, Snapshot
from app.access.policy import Policy
from app.definitions.catalog import Catalog

#: Scopes that follow the organisation.
_FOLLOWING = ("department", "department_tree", "subordinates")


@dataclass(slots=True)
class Sight:
    """The people who gain and lose sight of records, and of which entities."""

    gain: set[int] = field(default_factory=set)
    lose: set[int] = field(default_factory=set)
    #: entities of which somebody gains or loses sight
    entities: set[str] = field(default_factory=set)

    @property
    def is_same(self) -> bool:
        """Whether nobody sees more or less."""
        return not self.gain and not self.lose


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the organisation: a person or a department is put elsewhere, or a head named.

    None is: no department, no head; what is not to change is not in the mapping.
    """

    #: a person's department
    people: Mapping[int, int | None] = field(default_factory=dict)
    #: a department's parent
    parents: Mapping[int, int | None] = field(default_factory=dict)
    heads: Mapping[int, int | None] = field(default_factory=dict)


def changed(snapshot: Snapshot, change: Change) -> Snapshot:
    """Return the organisation as it would be."""
    people = [
        replace(one, department=change.people[one.id]) if one.id in change.people else one
        for one in snapshot.people.values()
    ]
    heads = {**snapshot.heads, **change.heads}
    return Snapshot(
        people,
        {**snapshot.departments, **change.parents},
        {number: head for number, head in heads.items() if head is not None},
        snapshot.department_names,
    )


def makes_circle(snapshot: Snapshot, department: int, parent: int | None) -> bool:
    """Return whether a department would lie below itself."""
    return parent is not None and parent in snapshot.department_tree([department])


def compare(catalog: Catalog, before: Snapshot, after: Snapshot) -> Sight:
    """Return who sees more or less."""
    found = Sight()
    scopes: dict[frozenset[str], dict[str, set[str]]] = {}
    for person in before.people.values():
        if not person.active:
            continue
        known = scopes.get(person.roles)
        if known is None:
            known = scopes[person.roles] = _scopes(catalog, person.roles)
        if not known:
            continue
        old, new = _sets(before, person), _sets(after, after.people[person.id])
        for scope, entities in known.items():
            if new[scope] - old[scope]:
                found.gain.add(person.id)
                found.entities |= entities
            if old[scope] - new[scope]:
                found.lose.add(person.id)
                found.entities |= entities
    return found


def _scopes(catalog: Catalog, roles: frozenset[str]) -> dict[str, set[str]]:
    """Return the scopes that follow the organisation, with the entities they show."""
    policy = Policy(catalog, roles)
    found: dict[str, set[str]] = {}
    for name, entity in catalog.entities.items():
        if entity.lines_of is not None:
            continue
        for scope in _scopes_of(policy, name):
            found.setdefault(scope, set()).add(name)
    return found


def _scopes_of(policy: Policy, entity: str) -> Iterator[str]:
    for alternative in policy.rule("read", entity).alternatives:
        for part in alternative:
            yield from (scope for scope in part.scopes if scope in _FOLLOWING)


def _sets(snapshot: Snapshot, person: Person) -> dict[str, set[int]]:
    departments = snapshot.departments_of(person.id)
    return {
        "department": set(departments),
        "department_tree": set(snapshot.department_tree(departments)),
        "subordinates": set(snapshot.subordinates(person.id)),
    }
