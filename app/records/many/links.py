"""What many new records name: other records, which must be readable, and currencies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from app.definitions.catalog import Entity
from app.records.checking import targets_of, visible_ids
from app.records.drafts import Draft
from app.records.holding import hold_what_is_read
from app.records.money import rate_of
from app.records.work import Work


def readable_only(work: Work, entity: Entity, drafts: Sequence[Draft]) -> list[Draft]:
    """Return the drafts that name only records the asker may read, which are held from now on."""
    links = work.rows[entity.name].lists.links
    if not links:
        return list(drafts)
    wanted: dict[str, set[int]] = {}
    named: list[list[tuple[str, int]]] = []
    for draft in drafts:
        targets = [
            target
            for name in links & draft.changes.keys()
            if draft.changes[name] is not None
            and not (name == "owner" and draft.changes[name] == work.principal.user_id)
            for target in targets_of(entity.fields[name], draft.changes[name])
        ]
        named.append(targets)
        for target, record_id in targets:
            wanted.setdefault(target, set()).add(record_id)
    found = {
        target: visible_ids(work, target, wanted[target], hold=True)
        for target in work.release.catalog.entities  # one order for all who lock
        if target in wanted
    }
    sound = [
        draft
        for draft, targets in zip(drafts, named, strict=True)
        if all(record_id in found[target] for target, record_id in targets)
    ]
    hold_what_is_read(work, sound)
    return sound


def rates_of(work: Work, currencies: Iterable[str | None]) -> dict[str | None, Decimal]:
    """Return the rate of each currency to the base currency."""
    return {currency: rate_of(work, currency) for currency in currencies}
