"""What rules on events do to each other: which set each other off, which write one field.

Said only where it follows from the rules themselves; a step that may or may not run is taken as one
that may, a condition that is not understood as one that may hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from app.definitions import automation as made
from app.definitions.automation import Automation, Given, RuleDefinition, Step, When
from app.definitions.catalog import Place
from app.definitions.facts import Fact, can_hold, certain, is_clear
from app.definitions.workshop import Workshop

#: Anything else (a number, a day, a text) is not compared.
_OPTION = re.compile(r"[a-z][a-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing a rule does that may set off others."""

    entity: str
    event: str
    #: the field that changes; empty where that does not count
    field: str = ""
    given: Given | None = None
    #: it is the record at hand
    own: bool = False
    #: it is done whenever the rule fires
    always: bool = False
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Acting:
    """A rule on events, as it reads for one entity."""

    rule: RuleDefinition
    entity: str
    when: When
    effects: tuple[Effect, ...]


def acting_rules(shop: Workshop, automation: Automation) -> list[Acting]:
    """Return the rules in force that events set off, with what each does."""
    found = []
    for rule in automation.rules.values():
        for entity in () if rule.off else rule.entities:
            when, steps = rule.of(entity)
            if when.kind == "on":
                effects = tuple(_effects(shop, entity, steps, always=True))
                found.append(Acting(rule, entity, when, effects))
    return found


def _effects(
    shop: Workshop, entity: str, steps: Iterable[Step], *, always: bool
) -> Iterator[Effect]:
    for step in steps:
        surely = always and step.if_ is None and step.after is None
        settings = step.settings
        if isinstance(settings, made.SetFields):
            yield from _sets(shop, entity, settings.values, step, surely=surely)
        elif isinstance(settings, made.Create):
            surely = surely and not settings.match and settings.each is None
            yield Effect(settings.entity, "create", always=surely, place=step.place)
        elif isinstance(settings, made.Update) and settings.each is None:
            for name, given in settings.values.items():
                yield Effect(settings.entity, "update", name, given, place=step.place)
        elif isinstance(settings, made.Delete) and settings.each is None:
            yield Effect(settings.entity, "delete", place=step.place)
        elif isinstance(settings, made.Assign):
            yield Effect(entity, "transfer", own=True, place=step.place)
        elif isinstance(settings, made.Release | made.Claim):
            event = "release" if isinstance(settings, made.Release) else "claim"
            yield Effect(entity, event, own=True, always=surely, place=step.place)
        elif isinstance(settings, made.Choose):
            for _, inner in settings.branches:
                yield from _effects(shop, entity, inner, always=False)


def _sets(
    shop: Workshop, entity: str, values: Mapping[str, Given], step: Step, *, surely: bool
) -> Iterator[Effect]:
    for dotted, given in values.items():
        *links, name = dotted.split(".")
        target = entity
        for link in links:
            field = shop.drafts[target].fields[link]
            target = field.type.targets(field)[0]
        yield Effect(target, "update", name, given, own=not links, always=surely, place=step.place)


# Rules that set each other off.


def circles(acting: list[Acting]) -> list[tuple[Acting, ...]]:
    """Return rules that set each other off in a circle, each circle once, the shortest."""
    numbers = range(len(acting))
    leads = {
        one: [
            two
            for two in numbers
            if any(_sets_off(acting[one], e, acting[two]) for e in acting[one].effects)
        ]
        for one in numbers
    }
    found: dict[frozenset[str], tuple[Acting, ...]] = {}
    for start in numbers:
        way = _shortest(leads, start)
        if way is None:
            continue
        rules = tuple(acting[one] for one in way)
        found.setdefault(frozenset(one.rule.name for one in rules), rules)
    return list(found.values())


def _shortest(leads: Mapping[int, list[int]], start: int) -> list[int] | None:
    """Return the shortest way from a rule back to itself."""
    ways = [[start]]
    seen: set[int] = set()
    while ways:
        way = ways.pop(0)
        for there in leads[way[-1]]:
            if there == start:
                return way
            if there not in seen:
                seen.add(there)
                ways.append([*way, there])
    return None


def _sets_off(one: Acting, effect: Effect, other: Acting) -> bool:
    when = other.when
    if effect.entity != other.entity or effect.event not in when.events:
        return False
    if one.rule.name == other.rule.name:
        # No rule meets a record twice; only one that makes new ones goes on and on.
        return effect.event == "create" and effect.always and other.rule.if_ == {}
    if effect.event != "update":
        return can_hold(other.rule.if_.get(other.entity))
    if when.changed and effect.field not in {name.partition(".")[0] for name in when.changed}:
        return False
    fact = _fact(effect)
    is_narrowed = fact is not None and when.to and when.changed == (effect.field,)
    if fact is not None and is_narrowed and not fact.values & options(*when.to):
        return False
    besides = (fact,) if fact is not None else ()
    return can_hold(other.rule.if_.get(other.entity), besides=besides)


def _fact(effect: Effect) -> Fact | None:
    """Return what an effect makes certain of the record it changes: an option, yes or no."""
    given = effect.given
    if given is None or not isinstance(given.raw, str) or not _OPTION.match(given.raw):
        return None
    return Fact(effect.field, "in", options(given.raw))


# Rules that write the same field.


@dataclass(frozen=True, slots=True)
class Clash:
    """A field that two rules set on one event."""

    first: Acting
    second: Acting
    field: str
    place: Place | None


def clashes(acting: list[Acting]) -> list[Clash]:
    """Return the fields that two rules give different values on the same event."""
    found = []
    for first, second in combinations(acting, 2):
        if first.entity != second.entity or first.rule.name == second.rule.name:
            continue
        if not _both_fire(first, second):
            continue
        mine = {one.field: one for one in first.effects if one.own and one.always and one.field}
        for effect in second.effects:
            before = mine.get(effect.field) if effect.own and effect.always else None
            if before is not None and before.given != effect.given:
                found.append(Clash(first, second, effect.field, effect.place))
    return found


def _both_fire(first: Acting, second: Acting) -> bool:
    """Return whether it is certain that one event can set off both."""
    one, two = first.when, second.when
    if not set(one.events) & set(two.events):
        return False
    if one.changed and two.changed and not set(one.changed) & set(two.changed):
        return False
    if one.changed == two.changed:
        for mine, other in ((one.to, two.to), (one.from_, two.from_)):
            if mine and other and not set(mine) & set(other):
                return False
    conditions = [each.rule.if_.get(each.entity) for each in (first, second)]
    if all(one is not None for one in conditions) and not all(is_clear(one) for one in conditions):
        texts = {one.text for one in conditions if one is not None}
        return len(texts) == 1
    return can_hold(*conditions, besides=[*trigger_facts(one), *trigger_facts(two)])


def trigger_facts(when: When) -> tuple[Fact, ...]:
    """Return what is certain of a record when an event just set a rule off."""
    if when.kind != "on" or len(when.changed) != 1 or "." in when.changed[0]:
        return ()
    name, found = when.changed[0], []
    for path, names in ((name, when.to), (f"old.{name}", when.from_)):
        if names and all(_OPTION.match(one) for one in names):
            found.append(Fact(path, "in", options(*names)))
    return tuple(found)


def options(*names: str) -> frozenset[bool | str]:
    """Return what names of options may stand for: `yes` is one, and true."""
    found: set[bool | str] = {name.casefold() for name in names}
    found |= {name == "yes" for name in names if name in ("yes", "no")}
    return frozenset(found)


def surely_empty(rule: RuleDefinition, entity: str) -> frozenset[str]:
    """Return the values that are empty whenever a rule fires for an entity."""
    facts = certain(rule.if_.get(entity))
    return frozenset(one.path for one in facts if one.is_ == "empty")
