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
from app.definitions.automation import Step
from app.definitions.catalog import Entity
from app.errors import TrellisError
from app.expressions import Checked, to_python
from app.expressions.calendar import Calendar
from app.expressions.tree import Changed, Node, Path
from app.expressions.why import required_parts
from app.records.work import Work

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
