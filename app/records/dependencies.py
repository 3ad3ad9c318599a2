"""Which worked-out fields depend on which others, across entities: the map ``derived`` walks.

Made once for a release. A change of a record leads to the records whose roll-ups or formulas must
be worked out again: its parents by a roll-up's link, and whoever reads it through links.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.definitions.catalog import Catalog, Entity, Field, Rollup
from app.expressions import Checked


@dataclass(frozen=True, slots=True)
class RollUp:
    """A roll-up field, and the entity it stands in."""

    parent: str
    field: Field
    asks: Rollup

    @property
    def expressions(self) -> tuple[Checked, ...]:
        """Everything it works out on each child."""
        found = (self.asks.value, self.asks.by, self.asks.where)
        return tuple(each for each in found if each is not None)

    @property
    def reads(self) -> frozenset[str]:
        """The child's fields that decide its value, the link among them."""
        return frozenset({self.asks.link} | {name.partition(".")[0] for name in self._names})

    @property
    def reads_of_record(self) -> frozenset[str]:
        """The fields of the record it stands in that decide its value (``record.level``)."""
        own = (name for name in self._names if name.startswith("record."))
        return frozenset(name.split(".")[1] for name in own)

    @property
    def _names(self) -> frozenset[str]:
        return frozenset(name for each in self.expressions for name in each.names)


@dataclass(frozen=True, slots=True)
class Step:
    """From records of some entity, *target*, to those of *entity* that name them in *link*."""

    entity: str
    link: str
    target: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Records that read fields of an entity through links: the way back to them.

    ``roll_up_link`` is set where the readers at the end are children whose parents must be worked
    out, by that link; otherwise the readers themselves must.
    """

    fields: frozenset[str]
    way: tuple[Step, ...]
    roll_up: RollUp | None = None


def is_stored_formula(field: Field) -> bool:
    """Return whether a formula's value is kept in a column."""
    return field.type.name == "formula" and not field.is_volatile and not field.removed


class Dependencies:
    """The map for one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        #: by parent entity
        self.roll_ups: dict[str, list[RollUp]] = {}
        #: by child entity
        self.roll_ups_over: dict[str, list[RollUp]] = {}
        #: by the entity that is read
        self.readers: dict[str, list[Reader]] = {}
        #: by entity and link: by which further links something is read behind it
        self.read_through: dict[tuple[str, str], set[tuple[str, ...]]] = {}
        for entity in catalog.entities.values():
            for field in entity.fields.values():
                if field.removed:
                    continue
                if field.rollup is not None:
                    self._add_roll_up(RollUp(entity.name, field, field.rollup))
                elif is_stored_formula(field) and field.expression is not None:
                    self._add_readers(entity, field.expression, None)

    def _add_roll_up(self, roll_up: RollUp) -> None:
        self.roll_ups.setdefault(roll_up.parent, []).append(roll_up)
        self.roll_ups_over.setdefault(roll_up.asks.entity, []).append(roll_up)
        child = self.catalog.entities[roll_up.asks.entity]
        for expression in roll_up.expressions:
            self._add_readers(child, expression, roll_up)

    def _add_readers(self, entity: Entity, expression: Checked, roll_up: RollUp | None) -> None:
        for name in expression.names:
            for target, field, way in self.hops(entity, name):
                reader = Reader(frozenset({field}), way, roll_up)
                found = self.readers.setdefault(target, [])
                if reader not in found:
                    found.append(reader)

    def hops(self, entity: Entity, path: str) -> Iterator[tuple[str, str, tuple[Step, ...]]]:
        """Yield (entity, field, way back) for everything a path reads behind its first link.

        The way leads from records of that entity to those the path begins at.
        """
        parts = path.split(".")
        if parts[0] == "record":
            parts = parts[1:]
        return self._behind(entity, parts, ())

    def _behind(
        self, here: Entity, parts: list[str], way: tuple[Step, ...]
    ) -> Iterator[tuple[str, str, tuple[Step, ...]]]:
        part, rest = parts[0], parts[1:]
        if way:
            yield here.name, part, way
        if not rest:
            return
        for target in self._targets(here, part):
            found = self.catalog.entities[target]
            step = Step(here.name, part, target)
            yield from self._behind(found, rest, (step, *way))
            if rest[0] in found.fields:
                self.read_through.setdefault((here.name, part), set()).add(tuple(rest[:-1]))

    def _targets(self, here: Entity, part: str) -> tuple[str, ...]:
        if part == "parent" and here.lines_of is not None:
            return (here.lines_of[0],)
        field = here.fields.get(part)
        return () if field is None or field.type.many else field.type.targets(field)
