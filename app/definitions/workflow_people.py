"""Whom a workflow concerns: what `to`, `cc`, `approver`, `admins` and `members` name.

Who these people are when a rule fires is for the automation room; here only that the words lead to
people at all.
"""

from __future__ import annotations

import re
from dataclasses import replace

from app.definitions.automation import Person
from app.definitions.problems import Code, did_you_mean, nearest
from app.definitions.workflow_settings import People
from app.definitions.workflow_values import Site, item_path
from app.definitions.workshop import Path, Workshop
from app.expressions.types import Kind, Type

_WORDED = ("role", "user", "department", "head of", "chosen from role")


def bind_people(site: Site, path: Path, wrote: tuple[str, ...]) -> tuple[Person, ...]:
    """Return the people of `to`, `cc`, `approver` and their like; what is no one is reported."""
    found = []
    for index, text in enumerate(wrote):
        person = _person(site, item_path(site, path, index), text.strip())
        if person is not None:
            found.append(person)
    return tuple(found)


def _person(site: Site, path: Path, text: str) -> Person | None:
    for word in _WORDED:
        if text.startswith(f"{word} "):
            return _worded(site, path, text, word, text.removeprefix(f"{word} ").strip())
    if "@" in text:
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text):
            site.problem(Code.bad_value, path, f"`{text}` is no e-mail address.")
            return None
        return Person("address", text, text=text)
    return _person_at(site, path, text)


def _worded(site: Site, path: Path, text: str, word: str, name: str) -> Person | None:
    if word == "head of":
        checked = site.expression(path, name, "The department", skip=len("head of "))
        if checked is None:
            return None
        if checked.type.kind is not Kind.any and checked.type.entities != ("department",):
            site.problem(
                Code.wrong_field_type, path, f"`{name}` is {checked.type}, not a department.",
                "For example `head of owner_department`.",
            )  # fmt: skip
            return None
        return Person("head", path=checked, text=text)
    if word in ("role", "chosen from role"):
        if name not in site.shop.roles:
            site.shop.unknown(
                Code.unknown_role, site.document, path, name, site.shop.roles,
                f"`{name}` is not a role.",
            )  # fmt: skip
            return None
        return Person("role" if word == "role" else "chosen", name, text=text)
    return Person(word, name, text=text)  # type: ignore[arg-type]


def _person_at(site: Site, path: Path, text: str) -> Person | None:
    """Return the people a field leads to; behind lines and links of many, those of each row."""
    over = ""
    inner = site
    rest = text
    first, _, behind = text.partition(".")
    entity = site.entity
    if behind and entity and (draft := site.shop.drafts[entity]).fields.get(first) is not None:
        type_ = site.shop.type_of(draft, first)
        item = type_.item
        if type_.kind is Kind.many and item is not None and item.kind is Kind.record:
            over, rest = first, behind
            inner = site.within(replace(site.scope, entity_name=item.entities[0]))
    if " " in text and not re.search(r"[(=<>]", text):
        close = nearest(text.split(maxsplit=1)[0], _WORDED)
        site.problem(
            Code.bad_value, path, f"`{text}` names nobody.",
            did_you_mean(close, (), "") or f"It must be {People.takes}.",
        )  # fmt: skip
        return None
    checked = inner.expression(path, rest, "The people", skip=len(text) - len(rest))
    if checked is None:
        return None
    if not _are_people(site, checked.type):
        site.problem(
            Code.wrong_field_type, path, f"`{text}` is {checked.type}, so it names nobody.",
            "Name a field with a user, a contact, or an e-mail address.",
        )  # fmt: skip
        return None
    return Person("path", path=checked, over=over, text=text)


def _are_people(site: Site, type_: Type) -> bool:
    if type_.kind is Kind.many:
        return type_.item is None or _are_people(site, type_.item)
    if type_.kind is Kind.record:
        return any(
            entity == "user" or bool(reachable_fields(site.shop, entity))
            for entity in type_.entities
            if entity in site.shop.drafts
        )
    return type_.kind in (Kind.text, Kind.any)


def reachable_fields(shop: Workshop, entity: str) -> tuple[str, ...]:
    """Return the fields of an entity by which its records can be written to: users, e-mails."""
    return tuple(
        name
        for name, one in shop.drafts[entity].fields.items()
        if not one.built_in and not one.removed and one.type.name in ("email", "emails", "user")
    )
