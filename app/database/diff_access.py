"""What roles may do from now on that they could not before, and the other way round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.database.operations import (
    ChangeAccess,
    ChangeAdministrator,
    ChangeInheritance,
    Operation,
    RenameRole,
)
from app.database.outline import Outline
from app.database.pairing import Pairs

Rights = Mapping[str, Any]
"""What an outline says of one role and one entity."""

NO_RIGHTS: Rights = {"rights": {}, "fields": {}, "else": None}


def access_operations(old: Outline, new: Outline, pairs: Pairs) -> Iterator[Operation]:
    """Yield what changes, by role and entity; entities and fields that are new are left out.

    Nobody had a right to them before, so they only add.
    """
    for role, before in pairs.roles.items():
        if role != before:
            yield RenameRole(subject=f"roles.{role}", old=before, new=role)
    if old["entities"]:
        yield from _administrators(old, new, pairs)
    for name, entity in new["entities"].items():
        known = old["entities"].get(pairs.entities.get(name, ""))
        if known is None:
            continue
        inherited = known.get("inherit")
        if inherited is not None and _renamed(inherited, name, pairs) != entity["inherit"]:
            yield ChangeInheritance(
                subject=name, before=tuple(inherited), after=tuple(entity["inherit"])
            )
        yield from _rights_of_roles(name, known["rights"], entity["rights"], pairs)


def _administrators(old: Outline, new: Outline, pairs: Pairs) -> Iterator[Operation]:
    # An outline written before this was noted says nothing about it.
    before = old.get("admins")
    if before is None:
        return
    for role in new["roles"]:
        was, now = pairs.roles.get(role, role) in before, role in new["admins"]
        if was != now:
            yield ChangeAdministrator(subject=f"roles.{role}", role=role, is_admin=now)


def _renamed(links: list[str], entity: str, pairs: Pairs) -> list[str]:
    """Return the old names of links as what they are called now."""
    names = {before: name for name, before in pairs.fields.get(entity, {}).items()}
    return sorted(names.get(link, link) for link in links)


def _rights_of_roles(
    entity: str, before: Mapping[str, Rights], after: Mapping[str, Rights], pairs: Pairs
) -> Iterator[Operation]:
    names = {was: role for role, was in pairs.roles.items()}
    had = {names.get(role, role): rights for role, rights in before.items()}
    if had == after:
        return
    for role in sorted({*had, *after}):
        old, new = had.get(role, NO_RIGHTS), after.get(role, NO_RIGHTS)
        fields = tuple(_fields(old, new, pairs.fields.get(entity, {})))
        others = None
        if None not in (old["else"], new["else"]) and old["else"] != new["else"]:
            others = (old["else"], new["else"])
        was, now = old["rights"], new["rights"]
        operation = ChangeAccess(
            subject=entity,
            role=role,
            gained=tuple(
                (right, _rule_words(now[right])) for right in sorted(now.keys() - was.keys())
            ),
            lost_rights=tuple(sorted(was.keys() - now.keys())),
            changed=tuple(
                (right, _rule_words(was[right]), _rule_words(now[right]))
                for right in sorted(was.keys() & now.keys())
                if was[right] != now[right]
            ),
            fields=fields,
            others=others,
        )
        if operation.says_something:
            yield operation


def _rule_words(rule: str) -> str:
    """Return `scope/rule of the right`, of which both must hold, as one where one says it all."""
    half = len(rule) // 2
    if rule[half : half + 1] == "/" and rule[:half] == rule[half + 1 :]:
        return rule[:half]
    return rule.removesuffix("/all") if rule.endswith("/all") else rule.removeprefix("all/")


def _fields(old: Rights, new: Rights, names: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield the fields whose right differs; *names* are the fields there were, new to old name."""
    if old["else"] is None or new["else"] is None:
        return
    for field, before in sorted(names.items()):
        if field not in new["fields"] and before not in old["fields"]:
            continue
        had = old["fields"].get(before, old["else"])
        has = new["fields"].get(field, new["else"])
        if had != has:
            yield field, had, has
