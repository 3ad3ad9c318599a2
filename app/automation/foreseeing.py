"""What the pages about rules have in common: parts of a condition, whom a rule tells, words.

Nothing here does anything; a rule is only looked at, as it would be for one record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from app.automation.context import RuleContext
from app.automation.people import Recipient, resolve
from app.definitions import automation as made
from app.definitions.automation import At, RuleDefinition, Step, When
from app.definitions.catalog import Entity
from app.errors import TrellisError
from app.expressions import Checked, to_python
from app.expressions.calendar import Calendar
from app.expressions.tree import Changed, Node, Path
from app.expressions.why import required_parts
from app.records.work import Work
from app.texts import Label, say

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
#: Words that mean something only while a rule runs.
_OF_THE_EVENT = frozenset({"old", "origin", "input", "new", "each", "me", "my"})


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a condition that must be met; None: only the event itself can tell."""

    text: str
    is_met: bool | None


def parts_of(condition: Checked | None, context: RuleContext) -> list[Part]:
    """Return what a condition asks for, each with its answer for the record of *context*."""
    if condition is None:
        return []
    found = []
    for part in required_parts(condition.root):
        text = " ".join(condition.source(part).split())
        known = None if _is_of_the_event(part) else bool(to_python(part)(context))
        found.append(Part(text, known))
    return found


def _is_of_the_event(node: Node) -> bool:
    if isinstance(node, Changed) or (isinstance(node, Path) and node.root in _OF_THE_EVENT):
        return True
    for each in fields(node):
        part = getattr(node, each.name)
        inner = part if isinstance(part, tuple) else (part,)
        if any(isinstance(one, Node) and _is_of_the_event(one) for one in inner):
            return True
    return False


def unmet(parts: Iterable[Part]) -> tuple[str, ...]:
    """Return the parts that stop a rule."""
    return tuple(part.text for part in parts if part.is_met is False)


def told_now(
    work: Work, steps: Iterable[Step], context: RuleContext, entity: Entity, row: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return the names of those whom the first steps of a rule would reach, each once."""
    found: dict[str, None] = {}
    for step in _first_steps(steps, context):
        settings = step.settings
        if not isinstance(settings, made.Notify | made.Assign):
            continue
        people = [*settings.to, *(settings.cc if isinstance(settings, made.Notify) else ())]
        try:
            reached = resolve(
                work,
                people,
                lambda checked: to_python(checked)(context),
                record=(entity, row),
            )
        except TrellisError:
            continue  # Who it is depends on what is not known before it fires.
        found.update((name_of(work, one), None) for one in reached)
    return tuple(found)


def _first_steps(steps: Iterable[Step], context: RuleContext) -> Iterator[Step]:
    for step in steps:
        if step.action == "wait":
            return
        if step.after is not None or unmet(parts_of(step.if_, context)):
            continue
        if isinstance(step.settings, made.Choose):
            for condition, branch in step.settings.branches:
                if not unmet(parts_of(condition, context)):
                    yield from _first_steps(branch, context)
                    break
            continue
        yield step


def name_of(work: Work, one: Recipient) -> str:
    """Return what a recipient is called."""
    if one.user_id is None:
        return one.address or ""
    person = work.organisation.snapshot().people.get(one.user_id)
    return person.name if person is not None else one.name


def title_of(entity: Entity, row: Mapping[str, Any]) -> str:
    """Return what names a record; its number where nothing does."""
    title = row.get(entity.title) if entity.title else None
    return str(title) if title else f"{entity.name} {row.get('id')}"


def moment_text(moment: datetime | date | None, calendar: Calendar) -> str:
    """Return a moment on the company's clock."""
    if isinstance(moment, datetime):
        return moment.astimezone(calendar.zone).strftime("%Y-%m-%d %H:%M")
    return moment.isoformat() if moment is not None else ""


def at_text(at: At) -> Label:
    """Return a time of day as the rule says it."""
    clock = f"{at.minute // 60:02}:{at.minute % 60:02}"
    if at.working_days:
        return say("at {clock} on working days", "工作日 {clock}", clock=clock)
    return say("at {clock}", "{clock}", clock=clock)


def sets_off(rule: RuleDefinition) -> Label:
    """Return what sets a rule off."""
    when = rule.when
    if not when.is_timed:
        return occasion(when)
    wrote = rule.source.get("when") or {}
    dated = next((key for key in ("on", "after", "before") if key in wrote), "")
    words = f"{dated} {_written(wrote.get(dated))}"
    for key in ("since", "until"):
        if key in wrote:
            words += f" {key} {wrote[key]}"
    if when.yearly:
        words = f"{words}, yearly"
    due = Label({"en": words, "zh": words})
    if when.at is None:
        return due
    return say("{due}, {at}", "{due}，{at}", due=due, at=at_text(when.at))


def _written(value: Any) -> str:
    """Return a duration as the rule has it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {one}" for key, one in value.items()) + "}"
    return str(value)


def occasion(when: When) -> Label:
    """Return what sets a rule off that follows no date."""
    if when.kind == "button":
        assert when.label is not None
        return say("It fires when somebody presses “{label}”.", "有人点击“{label}”时触发。",
                   label=when.label)  # fmt: skip
    if when.kind == "hook":
        return say("It fires when another program calls /hooks/{path}.",
                   "其他程序调用 /hooks/{path} 时触发。", path=when.path)  # fmt: skip
    if when.kind == "every":
        return rhythm(when)
    events = ", ".join(when.events)
    if not when.changed:
        return say("It fires on: {events}.", "在以下事件时触发：{events}。", events=events)
    changes = ", ".join(when.changed)
    if when.from_:
        changes += f" from {' / '.join(when.from_)}"
    if when.to:
        changes += f" to {' / '.join(when.to)}"
    return say(
        "It fires on: {events}, when this changes: {changes}.",
        "在以下事件时触发：{events}，且以下内容变化：{changes}。",
        events=events,
        changes=changes,
    )


def rhythm(when: When) -> Label:
    """Return how often a rule comes by the clock."""
    every = when.every
    assert every is not None
    unit = every.unit
    if every.unit == "week" and every.weekday is not None:
        unit = _WEEKDAYS[every.weekday]  # type: ignore[assignment]
    words = f"{every.count} {unit}" if every.count > 1 else unit.removesuffix("s")
    if every.day is not None:
        words += f" ({every.day})"
    found = say("every {words}", "每 {words}", words=words)
    if when.at is None:
        return found
    return say("{every}, {at}", "{every}，{at}", every=found, at=at_text(when.at))
