"""What belongs to the records of an export: their lines, and records that link to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.access.policy import Policy
from app.access.sources import is_any_link, targets_of
from app.definitions.catalog import Catalog, Entity
from app.errors import Malformed
from app.records.refusals import require
from app.texts import Label, say
from app.transfer.cells import Column


@dataclass(frozen=True, slots=True)
class Related:
    """One kind of rows that belong to others."""

    #: as it was asked for
    name: str
    label: Label
    entity: Entity
    #: what points at the record: a link, or ``parent`` of lines
    link: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """Such rows of a block of records."""

    related: Related
    columns: Sequence[Column]
    #: the record each belongs to
    owners: Sequence[int]
    #: their cells, by column
    cells: Sequence[Sequence[Any]]


def related_of(catalog: Catalog, policy: Policy, entity: Entity) -> Iterator[Related]:
    """Yield what somebody may take along beside the records of an entity.

    ``lines`` are named by their field, others by their entity, with the link where there are two.
    """
    for field in entity.fields.values():
        is_open = not field.removed and policy.field_right(entity.name, field.name) in (
            "read",
            "edit",
        )
        if field.type.name == "lines" and is_open:
            lines = catalog.entities[f"{entity.name}.{field.name}"]
            yield Related(field.name, field.label, lines, "parent", _fields(policy, lines))
    for other in catalog.entities.values():
        if other.lines_of is not None or not policy.may("export", other.name):
            continue
        links = [
            field
            for field in other.fields.values()
            if not field.removed and not field.built_in and not field.type.many
            and field.type.stored and not field.is_worked_out
            and entity.name in targets_of(field) and not is_any_link(field)
            and policy.is_readable(other.name, field.name)
        ]  # fmt: skip
        label = other.plural or other.label
        for field in links:
            is_only = len(links) == 1
            name = other.name if is_only else f"{other.name}.{field.name}"
            is_plain = is_only and other is not entity
            called = label if is_plain else say("{a} ({b})", "{a}（{b}）", a=label, b=field.label)
            yield Related(name, called, other, field.name, _fields(policy, other))


def _fields(policy: Policy, entity: Entity) -> tuple[str, ...]:
    """Return the fields that somebody wrote, as far as they may be seen, and whose it is."""
    return tuple(
        name
        for name in policy.readable(entity.name)
        if (not entity.fields[name].built_in or name == "owner")
        and entity.fields[name].type.name != "lines"
    )


def find_related(catalog: Catalog, policy: Policy, entity: Entity, name: str) -> Related:
    """Return what is called *name* beside an entity.

    Raises:
        Forbidden: the asker may not export it.
        Malformed: nothing is called so.
    """
    known = {one.name: one for one in related_of(catalog, policy, entity)}
    other, _, link = name.partition(".")
    if name not in known and link:
        # The link may be named where there is only one, too.
        only = known.get(other)
        if only is not None and only.link == link:
            return replace(only, name=name)
    if name not in known and other in catalog.entities and policy.may("read", other):
        require(policy, "export", other)
    if name not in known:
        raise Malformed(
            say(
                "`related` names what belongs to the records: {known}; not `{name}`.",
                "related 只能是与记录相关的：{known}；不能是“{name}”。",
                known=", ".join(known) or "–",
                name=name[:60],
            )
        )
    return known[name]
