"""The timetable of a catalog: every rule that keeps a row per record, and which fields move it.

Rules of the workflows and what pools do by themselves (recycling, and the warning before it) are
the same thing here: a moment that is worked out from a record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from app.definitions.automation import At, Pool, RuleDefinition
from app.definitions.catalog import Catalog, Entity
from app.definitions.meaning import meant_by
from app.expressions.calendar import Calendar
from app.expressions.tree import Arithmetic, Checked
from app.expressions.types import Kind
from app.records.dependencies import Dependencies, Step


@dataclass(frozen=True, slots=True)
class Timed:
    """One rule over one entity, as far as it concerns when it is due."""

    name: str
    entity: str
    due: Checked
    #: what makes an occurrence another one; `due` itself where there is no other date
    base: Checked
    at: At | None = None
    #: `at` takes the last such time instead of the next
    before: bool = False
    yearly: bool = False
    #: late already when it arises: fire all the same
    backlog: bool = False
    catch_up: bool = True
    once: bool = False
    repeat_every: Checked | None = None
    repeat_times: int = 0
    #: asked again every day until it holds, and no line in the ledger before: what pools do
    daily: bool = False
    #: daily: also after it fired, should nothing have come of it
    insists: bool = False
    #: daily: the rule that warned of it, and how long before; what was late when it arose is
    #: warned of first
    warned: tuple[str, Checked] | None = None
    #: daily: all of these must hold
    holds: tuple[Checked, ...] = ()
    #: daily: none of these may hold
    unless: tuple[Checked, ...] = ()


@dataclass(frozen=True, slots=True)
class Reader:
    """Fields of an entity that move a rule of records elsewhere, and the way to those records."""

    fields: frozenset[str]
    rule: str
    way: tuple[Step, ...]

    @property
    def entity(self) -> str:
        """Whose records move."""
        return self.way[-1].entity


@dataclass(frozen=True)
class Timetable:
    """All timed rules of a catalog."""

    rules: tuple[Timed, ...]
    #: by entity: rule -> the fields of the record itself that move it
    reads: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)
    #: by the entity that is read through links
    readers: dict[str, list[Reader]] = field(default_factory=dict)

    def of(self, entity: str) -> tuple[Timed, ...]:
        """Return the rules over an entity, in order."""
        return tuple(each for each in self.rules if each.entity == entity)

    def named(self, name: str) -> tuple[Timed, ...]:
        """Return a rule as it reads for each of its entities."""
        return tuple(each for each in self.rules if each.name == name)

    def concerns(self, entity: str) -> bool:
        """Return whether a write of a record of *entity* may move anything."""
        return entity in self.reads or entity in self.readers


def make_timetable(catalog: Catalog) -> Timetable:
    """Return the timetable of a catalog."""
    rules = tuple(timed_rules(catalog))
    table = Timetable(rules)
    known = Dependencies(catalog)
    for rule in rules:
        entity = catalog.entities[rule.entity]
        own: set[str] = set()
        for path in sorted({*_paths(entity, rule.due), *_paths(entity, rule.base)}):
            own.add(path.partition(".")[0])
            for target, name, way in known.hops(entity, path):
                reader = Reader(frozenset({name}), rule.name, way)
                readers = table.readers.setdefault(target, [])
                if reader not in readers:
                    readers.append(reader)
        table.reads.setdefault(rule.entity, {})[rule.name] = frozenset(own)
    return table


def timed_rules(catalog: Catalog) -> Iterator[Timed]:
    """Yield every timed rule in force, once for each of its entities."""
    for rule in catalog.automation.rules.values():
        for entity in () if rule.off else rule.entities:
            when, _ = rule.of(entity)
            if when.is_timed and when.due is not None and entity in catalog.entities:
                yield _of_rule(rule, entity)
    for entity in catalog.entities:
        earlier_ones: list[Checked] = []
        for pool in catalog.automation.pools_of(entity):
            yield from _of_pool(pool, earlier_ones)
            if pool.where is None:
                # It takes every record, so none is left for those behind it.
                break
            earlier_ones.append(pool.where)


def _of_rule(rule: RuleDefinition, entity: str) -> Timed:
    when, _ = rule.of(entity)
    assert when.due is not None
    return Timed(
        name=rule.name,
        entity=entity,
        due=when.due,
        base=when.due if when.base in (None, when.due) else when.base,
        at=when.at,
        before=when.before,
        yearly=when.yearly,
        backlog=rule.backlog,
        catch_up=rule.catch_up,
        once=rule.once,
        repeat_every=rule.repeat_every,
        repeat_times=rule.repeat_times,
    )


def _of_pool(pool: Pool, earlier_ones: Iterable[Checked]) -> Iterator[Timed]:
    exempt = (pool.exempt,) if pool.exempt is not None else ()
    taken = (pool.where,) if pool.where is not None else ()
    for number, recycle in enumerate(pool.recycle):
        holds = (*taken, recycle.if_) if recycle.if_ is not None else taken
        # A new pool takes what has been silent for long, too.
        recycling = Timed(
            name=f"pool:{pool.name}/recycle/{number}",
            entity=pool.entity,
            due=recycle.due,
            base=recycle.base,
            backlog=True,
            daily=True,
            insists=True,
            holds=holds,
            unless=(*exempt, *earlier_ones),
        )
        if pool.warn is None:
            yield recycling
            continue
        warning = replace(
            recycling,
            name=f"pool:{pool.name}/warn/{number}",
            insists=False,
            due=earlier(recycle.due, pool.warn),
        )
        yield warning
        yield replace(recycling, warned=(warning.name, pool.warn))


def earlier(due: Checked, length: Checked) -> Checked:
    """Return the moment *length* before another."""
    root = Arithmetic(type=due.root.type, operator="-", left=due.root, right=length.root)
    return replace(
        due,
        text=f"({due.text}) - ({length.text})",
        root=root,
        names=due.names | length.names,
    )


def _paths(entity: Entity, expression: Checked) -> Iterator[str]:
    """Yield the stored fields an expression reads, those behind fields that are worked out too."""
    for name in expression.names:
        path = name.removeprefix("record.")
        if path.partition(".")[0] in ("app", "my", "me"):
            continue
        yield from _stored(entity, path, frozenset())


def _stored(entity: Entity, path: str, seen: frozenset[str]) -> Iterator[str]:
    first = path.partition(".")[0]
    read = entity.fields.get(first)
    is_worked_out = read is not None and (not read.type.stored or read.is_volatile)
    if read is None or not is_worked_out or read.expression is None or first in seen:
        yield path
        return
    for name in read.expression.names:
        yield from _stored(entity, name.removeprefix("record."), seen | {first})


def timing_of(catalog: Catalog, rules: Iterable[Timed]) -> str:
    """Return what the dates of a rule follow from, as one word: another one moves its reminders."""
    said: list[object] = [calendar_said(catalog.app.business_calendar)]
    for rule in sorted(rules, key=lambda each: each.entity):
        said.append((rule.entity, rule.at, rule.before))
        said.append((rule.yearly, rule.backlog))
        said.append(meant_by(catalog, rule.entity, rule.due, rule.base))
    return hashlib.sha256(repr(said).encode()).hexdigest()


def calendar_said(calendar: Calendar) -> object:
    """Return everything a business calendar says, in one order."""
    return (
        calendar.time_zone,
        sorted(calendar.weekdays),
        calendar.hours,
        sorted(calendar.holidays),
        sorted(calendar.extra_days),
    )


def is_day(expression: Checked) -> bool:
    """Return whether an expression gives a day and no moment."""
    return expression.type.kind is Kind.date
