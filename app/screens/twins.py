"""Records that may be the same thing as the one being typed, told before it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.definitions.catalog import Entity
from app.records.duplicates import Duplicate
from app.screens.controls import Typed
from app.screens.form_state import raw_of
from app.screens.navigation import in_sentence
from app.screens.visit import Visit


@dataclass(frozen=True, slots=True)
class Twin:
    """One record that looks like the one in the form."""

    #: empty for one the visitor may not see
    title: str
    href: str
    why: str


def compared_fields(entity: Entity) -> frozenset[str]:
    """Return the fields an entity's ``duplicates`` compare."""
    paths = [path for rule in entity.duplicates for path in (*rule.same, rule.similar or "")]
    return frozenset(path.partition(".")[0] for path in paths if path)


def find_twins(
    visit: Visit, entity: Entity, asked: set[str], typed: Typed, number: int | None
) -> list[Twin]:
    """Return what may be the same thing, by those of the *asked* fields that are compared."""
    names = asked & compared_fields(entity)
    raw = raw_of(visit.catalog, entity, sorted(names), typed)
    if not raw:
        return []
    found = visit.writer.find_duplicates(visit.principal, entity.name, raw, number, strict=False)
    return [_twin(visit, entity, one) for one in found if one.id is not None or one.refuses]


def _twin(visit: Visit, entity: Entity, found: Duplicate) -> Twin:
    language = visit.language
    field = in_sentence(entity.fields[found.field].label.in_language(language), language)
    if found.id is None:
        why = visit.wording.say("A record you may not see has the same %(field)s", field=field)
        return Twin("", "", why)
    kind = visit.catalog.entities[found.entity].label.in_language(language)
    why = (
        visit.wording.say("%(kind)s, the same %(field)s", kind=kind, field=field)
        if found.same
        else visit.wording.say("%(kind)s, a similar %(field)s", kind=kind, field=field)
    )
    return Twin(found.title or f"#{found.id}", f"/crm/{found.entity}/{found.id}", why)


def signature(twins: Sequence[Twin]) -> str:
    """Return what tells one set of twins from another, for the exchange while somebody types."""
    return " ".join(f"{one.href}:{one.why}" for one in twins)
