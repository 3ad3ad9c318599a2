"""Approvals that watch a field behind links: which write of which record concerns them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.definitions.automation import ApprovalDefinition
from app.definitions.catalog import Catalog
from app.records.dependencies import Dependencies, Step
from app.records.work import Work


@dataclass(frozen=True, slots=True)
class Watched:
    """A field that an approval watches behind links."""

    approval: ApprovalDefinition
    #: the field of the entity at the end of the links, or of one on the way
    field: str
    #: the way back to the approval's records
    way: tuple[Step, ...]


def approvals_through(work: Work) -> Mapping[str, Sequence[Watched]]:
    """Return what approvals watch behind links, by the entity it is a field of."""
    return work.rows.cached(("approvals-through",), lambda: _found(work.release.catalog))


def _found(catalog: Catalog) -> dict[str, list[Watched]]:
    found: dict[str, list[Watched]] = {}
    dependencies = Dependencies(catalog)
    for approval in catalog.automation.approvals.values():
        when = approval.when
        if approval.off or when.kind != "on" or "update" not in when.events:
            continue
        for path in when.changed:
            if "." not in path:
                continue
            for target, name, way in dependencies.hops(catalog.entities[approval.entity], path):
                found.setdefault(target, []).append(Watched(approval, name, way))
    return found
