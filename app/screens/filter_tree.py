"""A filter as rows in groups: read from the text of an expression, and written as one.

What fits no row stands as its own text, so nothing that somebody wrote by hand is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from app.definitions.catalog import Entity
from app.expressions.joints import Joint, read_joints
from app.screens.conditions import (
    Condition,
    field_of,
    find_operator,
    read_condition,
    say_condition,
    write_condition,
)
from app.screens.wording import Wording

#: A part that names records one by one.
_CHOSEN = re.compile(r"id in \(([\d, ]+)\)")
#: Titles of the records that conditions name, by field and id.
Titles = Mapping[tuple[str, str], str]


@dataclass(slots=True)
class FilterGroup:
    """Conditions of which all hold (``and``) or one does (``or``); texts stand for themselves."""

    join: str = "and"
    items: list[Condition | FilterGroup | str] = field(default_factory=list)

    def conditions(self) -> Iterator[Condition]:
        """Yield every condition, at whatever depth."""
        for item in self.items:
            if isinstance(item, Condition):
                yield item
            elif isinstance(item, FilterGroup):
                yield from item.conditions()

    def size(self) -> int:
        """Return how many conditions there are."""
        return sum(one.size() if isinstance(one, FilterGroup) else 1 for one in self.items)


def read_tree(entity: Entity, text: str) -> FilterGroup:
    """Return a filter as rows in groups.

    Raises:
        ExpressionProblem: it cannot be read.
    """
    return _group(entity, read_joints(text)) if text.strip() else FilterGroup()


def _group(entity: Entity, joint: Joint) -> FilterGroup:
    items: list[Condition | FilterGroup | str] = []
    for part, _, _ in _paired(entity, joint):
        if isinstance(part, Joint):
            inner = _group(entity, part)
            # `and` within `and` says nothing that a row would not.
            items += inner.items if inner.join == joint.word else [inner]
        else:
            items.append(part)
    return FilterGroup(joint.word, items)


def _paired(entity: Entity, joint: Joint) -> Iterator[tuple[Condition | Joint | str, int, int]]:
    """Yield the parts with their places; the two parts of a `between` are one."""
    parts, position = joint.parts, 0
    while position < len(parts):
        part = parts[position]
        following = parts[position + 1] if position + 1 < len(parts) else None
        if joint.word == "and" and isinstance(part, str) and isinstance(following, str):
            pair = read_condition(entity, f"{part} and {following}")
            if pair is not None:
                yield pair, position, position + 2
                position += 2
                continue
        found = read_condition(entity, part) if isinstance(part, str) else None
        yield found or part, position, position + 1
        position += 1


def write_tree(entity: Entity, group: FilterGroup) -> str:
    """Return the expression of a filter; rows that are not complete are left out."""
    joint = _joint(entity, group)
    return joint.written() if joint is not None else ""


def _joint(entity: Entity, group: FilterGroup) -> Joint | None:
    parts: list[Joint | str] = []
    for item in group.items:
        if isinstance(item, FilterGroup):
            inner = _joint(entity, item)
            parts += [inner] if inner is not None else []
        elif isinstance(item, Condition):
            text = write_condition(entity, item)
            operator = find_operator(entity, item.path, item.operator)
            two = operator is not None and operator.value == "two"
            if text:
                # What is two conditions inside stays together where others are joined by `or`.
                parts.append(Joint("and", (f"({text})",)) if two and group.join == "or" else text)
        elif item.strip():
            parts.append(item.strip())
    return Joint(group.join, tuple(parts)) if parts else None


def say_parts(
    entity: Entity, joint: Joint, wording: Wording, titles: Titles
) -> list[tuple[str, int, int]]:
    """Return each part of a filter as a person reads it, with its place."""
    return [
        (_say(entity, part, wording, titles), first, last)
        for part, first, last in _paired(entity, joint)
    ]


def _say(entity: Entity, part: Condition | Joint | str, wording: Wording, titles: Titles) -> str:
    if isinstance(part, Condition):
        return say_condition(entity, part, wording, dict(titles))
    if isinstance(part, str):
        chosen = _CHOSEN.fullmatch(part)
        if chosen is None:
            return part
        number = chosen[1].count(",") + 1
        return wording.count("%(number)s chosen record", "%(number)s chosen records", number)
    word = wording.say("and") if part.word == "and" else wording.say("or")
    return f" {word} ".join(text for text, _, _ in say_parts(entity, part, wording, titles))


def named_records(
    entity: Entity, conditions: Sequence[Condition]
) -> dict[str, dict[str, set[int]]]:
    """Return the records that conditions name, by their entity and by the field that names them."""
    found: dict[str, dict[str, set[int]]] = {}
    for one in conditions:
        known = field_of(entity, one.path)
        targets = known.type.targets(known) if known is not None and "." not in one.path else ()
        numbers = {int(value) for value in one.values if value.isdigit() and len(value) < 19}
        if len(targets) == 1 and numbers:
            found.setdefault(targets[0], {}).setdefault(one.path, set()).update(numbers)
    return found
