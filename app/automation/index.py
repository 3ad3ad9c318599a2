"""Which rule has to do with what: by entity and event, by path, by button, by hook.

Made once for a release. A write asks here first, and mostly learns that nothing listens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from app.database.release import Release
from app.definitions.automation import (
    Choose,
    Create,
    Given,
    RuleDefinition,
    SetFields,
    Step,
    Wait,
    When,
)
from app.expressions.tree import Checked, Node, Path
from app.records.dependencies import Dependencies
from app.records.dependencies import Step as Way
from app.records.work import Work


@dataclass(frozen=True, slots=True)
class Known:
    """A rule as it reads for one entity, or for none."""

    rule: RuleDefinition
    entity: str | None
    when: When
    do: tuple[Step, ...]
    if_: Checked | None
    #: paths of steps that are part of the write itself: own fields, refusals, choices between them
    early: frozenset[str] = frozenset()
    #: whether a step changes other records than the one at hand
    reaches_out: bool = False
    #: whether a step waits for its time, and so needs to know what was
    has_later: bool = False


@dataclass(frozen=True, slots=True)
class Through:
    """A rule on a field behind links: a change there is an event of all that lead to it."""

    known: Known
    #: the field of the entity that was changed
    field: str
    #: the way back to the rule's records
    way: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Awaited:
    """A `wait … until` that a write may end."""

    rule: str
    step: str
    #: the name of the record a step made; empty: the record at hand
    made: str = ""


@dataclass(slots=True)
class RuleIndex:
    """The rules of one release."""

    events: dict[tuple[str, str], list[Known]] = field(default_factory=dict)
    through: dict[str, list[Through]] = field(default_factory=dict)
    awaited: dict[str, list[Awaited]] = field(default_factory=dict)
    buttons: dict[str, list[Known]] = field(default_factory=dict)
    hooks: dict[str, Known] = field(default_factory=dict)
    #: by what happens to the installation, see ``raising``
    raised: dict[str, list[Known]] = field(default_factory=dict)
    #: entities of any rule: their records may have steps that wait
    entities: set[str] = field(default_factory=set)
    #: rules by the order of files and places
    order: dict[str, int] = field(default_factory=dict)

    def on(self, entity: str, events: Iterable[str]) -> list[Known]:
        """Return the rules that one of the events of an entity sets off, in order, each once."""
        found: dict[str, Known] = {}
        for event in events:
            for known in self.events.get((entity, event), ()):
                found.setdefault(known.rule.name, known)
        if len(found) < 2:
            return list(found.values())
        return sorted(found.values(), key=lambda known: self.order[known.rule.name])

    def concerns(self, entity: str) -> bool:
        """Return whether a write of a record of *entity* may have to do with a rule."""
        return entity in self.entities or entity in self.through or entity in self.awaited


def index_of(work: Work) -> RuleIndex:
    """Return the index of the release that *work* writes on."""
    return work.rows.cached(("rules",), lambda: make_index(work.release))


def make_index(release: Release) -> RuleIndex:
    """Return the rules of a release by what sets them off; those that are off are left out."""
    index = RuleIndex()
    dependencies = Dependencies(release.catalog)
    for number, rule in enumerate(release.catalog.automation.rules.values()):
        index.order[rule.name] = number
        if rule.off:
            continue
        for entity in rule.entities or (None,):
            if entity is None or entity in release.catalog.entities:
                _add(index, dependencies, known_rule(rule, entity))
    return index


def known_rule(rule: RuleDefinition, entity: str | None) -> Known:
    """Return a rule as it reads for an entity."""
    when, do = rule.of(entity) if entity is not None else (rule.when, rule.do)
    steps = list(all_steps(do))
    return Known(
        rule=rule,
        entity=entity,
        when=when,
        do=do,
        if_=rule.if_.get(entity or ""),
        early=frozenset(step.path for step in steps if is_early(step)),
        reaches_out=any(step.action in _REACHING for step in steps),
        has_later=any(step.after is not None or step.action == "wait" for step in steps),
    )


#: Actions that write records other than the one at hand.
_REACHING = frozenset(
    {"create", "update", "delete", "assign", "release", "claim", "run", "set", "approve"}
)


def _add(index: RuleIndex, dependencies: Dependencies, known: Known) -> None:
    entity, when = known.entity, known.when
    if when.kind == "hook":
        index.hooks[when.path] = known
    if entity is None:
        for event in when.events if when.kind == "on" else ():
            index.raised.setdefault(event, []).append(known)
        return
    index.entities.add(entity)
    if when.kind == "on":
        for event in when.events:
            index.events.setdefault((entity, event), []).append(known)
        if "update" in when.events:
            _add_through(index, dependencies, known, entity)
    elif when.kind == "button":
        index.buttons.setdefault(entity, []).append(known)
    for step in all_steps(known.do):
        if isinstance(step.settings, Wait) and step.settings.until is not None:
            _add_awaited(index, known, step)


def _add_through(index: RuleIndex, dependencies: Dependencies, known: Known, entity: str) -> None:
    for path in known.when.changed:
        if "." not in path:
            continue
        entity_of_rule = dependencies.catalog.entities[entity]
        for target, name, way in dependencies.hops(entity_of_rule, path):
            index.through.setdefault(target, []).append(Through(known, name, way))


def _add_awaited(index: RuleIndex, known: Known, step: Step) -> None:
    until = step.settings.until
    made = {
        one.settings.name: one.settings.entity
        for one in all_steps(known.do)
        if isinstance(one.settings, Create) and one.settings.name
    }
    for path in paths_of(until.root):
        if path.root == "new":
            name = path.dotted.split(".")[1]
            if name in made:
                awaited = Awaited(known.rule.name, step.path, name)
                index.awaited.setdefault(made[name], []).append(awaited)
        elif path.root in ("", "record") and known.entity is not None:
            awaited = Awaited(known.rule.name, step.path)
            index.awaited.setdefault(known.entity, []).append(awaited)


def all_steps(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield every step, those of a `choose` included."""
    for step in steps:
        yield step
        if isinstance(step.settings, Choose):
            for _, branch in step.settings.branches:
                yield from all_steps(branch)


def find_step(steps: Iterable[Step], path: str) -> Step | None:
    """Return the step at a path."""
    return next((step for step in all_steps(steps) if step.path == path), None)


def behind(steps: tuple[Step, ...], path: str) -> list[Step]:
    """Return what comes behind the step at *path*: the rest of its branch, then what follows."""
    for number, step in enumerate(steps):
        if step.path == path:
            return list(steps[number + 1 :])
        if isinstance(step.settings, Choose):
            for _, branch in step.settings.branches:
                if find_step(branch, path) is not None:
                    return [*behind(branch, path), *steps[number + 1 :]]
    return []


def is_early(step: Step) -> bool:
    """Return whether a step of a rule on an event is part of the write itself."""
    if step.after is not None or reads_new(step.if_):
        return False
    if step.action == "stop":
        return True
    if isinstance(step.settings, SetFields):
        return all("." not in name for name in step.settings.values) and not any(
            reads_new(given) for given in step.settings.values.values()
        )
    if isinstance(step.settings, Choose):
        conditions = [condition for condition, _ in step.settings.branches]
        inner = [one for _, branch in step.settings.branches for one in branch]
        return not any(map(reads_new, conditions)) and any(map(is_early, inner))
    return False


def reads_new(value: Checked | Given | None) -> bool:
    """Return whether an expression asks for a record that a step makes."""
    if value is None:
        return False
    if isinstance(value, Given):
        parts: list[Any] = [value.checked, value.by, *value.table.values()]
        return any(reads_new(part) for part in parts)
    return any(path.root == "new" for path in paths_of(value.root))


def paths_of(node: Node) -> Iterator[Path]:
    """Yield every path that an expression reads."""
    if isinstance(node, Path):
        yield node
    for each in fields(node):
        part = getattr(node, each.name)
        for one in part if isinstance(part, tuple) else (part,):
            if isinstance(one, Node):
                yield from paths_of(one)


def asks_elsewhere(checked: Checked) -> bool:
    """Return whether an answer may change without a write of a record that is known."""
    return checked.is_volatile or checked.asks_other_records
