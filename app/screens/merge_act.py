"""Where merging is offered: in the bar of a list, and in the menu of a record."""

from __future__ import annotations

from app.definitions.catalog import Entity
from app.screens.list_view import Act
from app.screens.visit import Visit


def merges(visit: Visit, entity: Entity) -> bool:
    """Return whether records of an entity can be merged, and the visitor may merge any."""
    return not (entity.built_in or entity.single) and visit.policy.may("merge", entity.name)


def merge_act(visit: Visit, entity: Entity, href: str) -> list[Act]:
    """Return what a list offers for ticked records."""
    if not merges(visit, entity):
        return []
    return [Act(visit.wording.say("Merge"), "merge", "git-compare", href=href)]
