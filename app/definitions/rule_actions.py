"""Bind the steps of workflows, one after the other; `action_binders` knows each action."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.definitions.action_binders import BINDERS
from app.definitions.action_schemas import ACTIONS
from app.definitions.automation import Given, Step, Template
from app.definitions.built_in import WRITABLE
from app.definitions.problems import Code
from app.definitions.workflow_values import (
    Site,
    bind_duration,
    bind_given,
    find_field,
    item_path,
)
from app.definitions.workshop import Path
from app.expressions.types import Kind, Type, record_type

__all__ = ["Known", "StepBinder", "item_path"]

#: Actions that do something to the record at hand.
_OF_RECORD = frozenset(
    {"set", "assign", "release", "claim", "share", "unshare", "follow", "unfollow", "approve",
     "print", "comment", "anonymise"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """What steps may name beside entities and fields."""

    templates: Mapping[str, Template] = field(default_factory=dict)
    #: by name, the entity
    approvals: Mapping[str, str] = field(default_factory=dict)
    pools: Mapping[str, str] = field(default_factory=dict)
    dashboards: Container[str] = ()
    #: of plugins, for `run`
    actions: Container[str] = ()


class StepBinder:
    """Binds the steps of one rule for one entity; later steps know what earlier ones made."""

    def __init__(self, site: Site, known: Known, *, has_causer: bool) -> None:
        """Begin; *site* has the names of the rule."""
        self._base = site
        self.known = known
        #: whether somebody caused the rule
        self.has_causer = has_causer
        self._made: dict[str, Type] = {}

    @property
    def site(self) -> Site:
        """The names at the step that comes next."""
        if not self._made:
            return self._base
        return self._base.with_roots(new=Type(Kind.parts, parts=dict(self._made)))

    def bind(self, wrote: list[dict[str, Any]], path: Path, before: str = "") -> tuple[Step, ...]:
        """Return the steps; one with a problem is left out."""
        found = []
        for index, one in enumerate(wrote):
            number = f"{before}.{index}" if before else str(index)
            step = self._step(one, item_path(self._base, path, index), number)
            if step is not None:
                found.append(step)
        return tuple(found)

    def _step(self, wrote: dict[str, Any], path: Path, number: str) -> Step | None:
        site = self.site
        action = next(one for one in ACTIONS if one in wrote)
        if_ = after = None
        if "if" in wrote:
            if_ = site.condition((*path, "if"), wrote["if"])
        if "after" in wrote:
            after = bind_duration(site, (*path, "after"), wrote["after"], "`after`")
        here = (*path, action)
        if site.entity is None and action in _OF_RECORD:
            message = f"`{action}` does something to a record; this rule is about none."
            site.problem(Code.conflicting_keys, here, message, "Name the entity.", key=True)
            return None
        settings = BINDERS[action](self, site, here, wrote[action], number)
        if settings is None:
            return None
        return Step(number, action, settings, if_, after, site.document.place(path))

    # Values.

    def values(
        self, site: Site, path: Path, wrote: Mapping[str, Any], entity: str
    ) -> dict[str, Given]:
        """Return the values fields of an entity get; *site* has the names they may use."""
        found = {}
        for dotted, one in wrote.items():
            here = (*path, dotted)
            goes_to = find_field(site.on(entity), here, dotted)
            if goes_to is None:
                continue
            field_, type_ = goes_to
            if not field_.type.writable or (field_.built_in and field_.name not in WRITABLE):
                message = f"Nobody writes `{dotted}`: it is kept by itself."
                site.problem(Code.bad_value, here, message, "Remove it.", key=True)
                continue
            given = bind_given(site, here, one, field_, type_)
            if given is not None:
                found[dotted] = given
        return found

    def target(self, site: Site, path: Path, entity: str) -> Site | None:
        """Return the names of another entity, with `record` still the one at hand."""
        if entity in site.shop.drafts and "." not in entity:
            return site.on(entity)
        site.shop.unknown_entity(site.document, path, entity, f"`{entity}` is not an entity.")
        return None

    def lines(self, site: Site, path: Path, name: str) -> str | None:
        """Return the entity of the record's lines of that name."""
        entity = f"{site.entity}.{name}"
        if site.entity is not None and entity in site.shop.drafts:
            return entity
        legal = [
            one.partition(".")[2] for one in site.shop.drafts if one.startswith(f"{site.entity}.")
        ]
        message = f"`{name}` are no lines of this record."
        site.shop.unknown(Code.unknown_field, site.document, path, name, legal, message)
        return None

    def note_made(self, name: str | None, entity: str) -> None:
        """Remember what a step made under a name."""
        if name is not None:
            self._made[name] = record_type(entity)
