"""Records by their titles, where a page names records of many kinds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app.screens.visit import Visit


def titles_of(
    visit: Visit, records: Iterable[tuple[str | None, int | None]]
) -> Mapping[tuple[str, int], str]:
    """Return the titles of those records that the visitor may read now, one statement a kind."""
    wanted: dict[str, set[int]] = {}
    for entity, number in records:
        if not entity or not number or entity not in visit.catalog.entities:
            continue
        if visit.policy.may("read", entity):
            wanted.setdefault(entity, set()).add(number)
    return {
        (entity, number): title or f"#{number}"
        for entity, ids in wanted.items()
        for number, title in visit.records.titles(visit.principal, entity, ids).items()
    }
