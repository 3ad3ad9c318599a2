"""Why somebody may do something: which role says so, and where it is written.

Answers are worked out from the same policy and the same statements that decide; nothing here
decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from app.access.policy import Policy, RowRule
from app.access.principal import SYSTEM, Principal
from app.definitions.catalog import RIGHTS, Catalog, FieldRight, Place
from app.errors import Forbidden, NotFound

#: `yes`: every row the person reads; `some`: fewer; `no`: none.
Verdict = Literal["yes", "some", "no"]


@dataclass(frozen=True, slots=True)
class RoleSays:
    """What one role says about one right."""

    role: str
    verdict: Verdict
    rule: RowRule
    #: of the right, or of the scope that limits it; None: nobody wrote anything
    place: Place | None


@dataclass(frozen=True, slots=True)
class RightExplained:
    """One right of a person to one entity."""

    right: str
    verdict: Verdict
    rule: RowRule
    roles: tuple[RoleSays, ...]


@dataclass(frozen=True, slots=True)
class FieldExplained:
    """What may be done with one field, where it is not everything."""

    field: str
    right: FieldRight
    role: str | None
    place: Place | None


@dataclass(frozen=True, slots=True)
class RecordExplained:
    """Whether somebody may do something with one record."""

    #: what may be done with it; empty: the person does not see it
    rights: frozenset[str]
    #: what each role alone says about seeing it
    roles: tuple[RoleSays, ...]
    owner: int | None
    owner_department: int | None
    #: seen, and only because it is shared with the person
    is_shared: bool
    #: seen without any role or share: it lies in one of the person's pools
    is_in_pool: bool


class Door(Protocol):
    """The part of ``records.door.Records`` this asks."""

    def rights(self, principal: Principal, entity: str, record_id: object) -> frozenset[str]:
        """Return what may be done with a record."""

    def get(self, principal: Principal, entity: str, record_id: object) -> Any:
        """Return a record."""


def explain_rights(catalog: Catalog, roles: Iterable[str], entity: str) -> list[RightExplained]:
    """Return every right to an entity, with what each role says."""
    held = sorted(set(roles) & catalog.roles.keys())
    policy = Policy(catalog, held)
    alone = {role: Policy(catalog, [role]) for role in held}
    found = []
    for right in RIGHTS:
        says = tuple(_says(catalog, one, alone[one], right, entity) for one in held)
        rule = policy.rule(right, entity)
        found.append(RightExplained(right, _verdict(policy, right, entity), rule, says))
    return found


def _says(catalog: Catalog, role: str, policy: Policy, right: str, entity: str) -> RoleSays:
    access = catalog.entities[entity].access.get(role)
    places: Mapping[str, Place] = access.places if access is not None else {}
    verdict = _verdict(policy, right, entity)
    place = places.get(right)
    if verdict == "some" or place is None:
        # The scope is what makes it some.
        place = (place if _own_rule_narrows(access, right) else None) or places.get("scope", place)
    return RoleSays(role, verdict, policy.rule(right, entity), place)


def _own_rule_narrows(access: Any, right: str) -> bool:
    rule = access.rights.get(right) if access is not None else None
    return rule is not None and not rule.is_all and not rule.is_none


def _verdict(policy: Policy, right: str, entity: str) -> Verdict:
    rule = policy.rule(right, entity)
    if rule.is_none:
        return "no"
    if rule.is_all or (right != "read" and not is_narrower(rule, policy.rule("read", entity))):
        return "yes"
    return "some"


def is_narrower(rule: RowRule, read: RowRule) -> bool:
    """Return whether a right holds for fewer rows than may be read, shares left aside."""
    if rule.is_all or read.is_none:
        return False
    return _outline(rule) != _outline(read)


def _outline(rule: RowRule) -> frozenset[frozenset[tuple[frozenset[str], tuple[str, ...], bool]]]:
    """Return what a rule asks of a row, whoever it was shared with."""
    return frozenset(
        frozenset((part.scopes, part.texts, part.inherited is not None) for part in alternative)
        for alternative in rule.alternatives
    )


def explain_fields(catalog: Catalog, roles: Iterable[str], entity: str) -> list[FieldExplained]:
    """Return the fields of which a person may not do everything, and which role gives the most."""
    held = sorted(set(roles) & catalog.roles.keys())
    policy = Policy(catalog, held)
    found = []
    for name, field in catalog.entities[entity].fields.items():
        right = policy.field_right(entity, name)
        if field.built_in or field.removed or right == "edit":
            continue
        giving = next(
            (one for one in held if Policy(catalog, [one]).field_right(entity, name) == right), None
        )
        access = catalog.entities[entity].access.get(giving or "")
        places = access.places if access is not None else {}
        place = places.get(f"fields.{name}") or places.get("fields.else")
        found.append(FieldExplained(name, right, giving, place))
    return found


def explain_record(
    door: Door, catalog: Catalog, principal: Principal, entity: str, record_id: int
) -> RecordExplained:
    """Return what somebody may do with a record, and which role shows it.

    Raises:
        NotFound: there is no such record.
    """
    # Also of one in the bin; whether it exists is the system's to know.
    door.rights(SYSTEM, entity, record_id)
    record = _found(door, entity, record_id)
    rights = _rights(door, principal, entity, record_id)
    bare = replace(principal, shared=frozenset(), pools=(), pools_kept=())
    alone = {
        role: _rights(door, _with_role(bare, catalog, role), entity, record_id)
        for role in sorted(principal.roles)
    }
    says = tuple(
        replace(
            _says(catalog, role, Policy(catalog, [role]), "read", entity),
            verdict="yes" if found else "no",
        )
        for role, found in alone.items()
    )
    unshared = _rights(door, replace(principal, shared=frozenset()), entity, record_id)
    return RecordExplained(
        rights,
        says,
        record.get("owner") if record is not None else None,
        record.get("owner_department") if record is not None else None,
        is_shared=bool(rights) and not unshared,
        is_in_pool=bool(unshared) and not any(alone.values()) and not principal.is_admin,
    )


def _with_role(principal: Principal, catalog: Catalog, role: str) -> Principal:
    is_admin = role in catalog.roles and catalog.roles[role].admin
    return replace(principal, roles=frozenset({role}), is_admin=is_admin)


def _rights(door: Door, principal: Principal, entity: str, record_id: int) -> frozenset[str]:
    try:
        return door.rights(principal, entity, record_id)
    except (NotFound, Forbidden):
        return frozenset()


def _found(door: Door, entity: str, record_id: int) -> Any:
    try:
        return door.get(SYSTEM, entity, record_id)
    except NotFound:
        # In the bin.
        return None
