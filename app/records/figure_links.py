"""The way from a figure to the records behind it: a list, and the filter that leaves just them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from app.definitions.dashboards import Figure, asks_of
from app.definitions.periods import Span
from app.expressions.tree import Ask, Checked
from app.records.figure_results import Drill, People

#: A filter is no longer than an expression may be.
LONGEST = 2_000


def drill_of(figure: Figure, span: Span | None, people: Iterable[str], *more: str) -> Drill | None:
    """Return the records a figure counts; of a share, those of its first half.

    *people* and *more* are further conditions: whose they are, which group they belong to.
    """
    if figure.view is not None:
        return Drill(figure.view[0], _joined(list(people)), figure.view[1])
    assert figure.value is not None
    ask = asks_of(figure.value.root)[0]
    parts = [_condition(figure.value, ask)]
    if span is not None and figure.date:
        parts += within(figure.date, span.first, span.last)
    parts += [*people, *more]
    text = _joined([part for part in parts if part])
    return Drill(ask.over[0], text) if len(text) <= LONGEST else Drill(ask.over[0])


def _joined(parts: list[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return " and ".join(f"({part})" if " or " in part else part for part in parts)


def _condition(value: Checked, ask: Ask) -> str:
    """Return the condition of a question as it was written; of lines, that there is such a one."""
    text = "" if ask.condition is None else value.source(ask.condition)
    if len(ask.over) < 2:
        return text
    return f"exists({ask.over[1]}, {text})" if text else f"exists({ask.over[1]})"


def within(name: str, first: date | None, last: date | None) -> list[str]:
    """Return the conditions that a day or moment lies between two days, both included."""
    found = []
    if first is not None:
        found.append(f"{name} >= '{first.isoformat()}'")
    if last is not None:
        found.append(f"{name} <= '{last.isoformat()}'")
    return found


def of_people(of: str, people: People, departments: Iterable[int]) -> list[str]:
    """Return the condition that a record is of the people picked; *departments* with all below."""
    if not of or people.mode == "all":
        return []
    if people.mode == "mine":
        return [f"{of} == me"]
    if people.mode == "subordinates":
        return [f"{of} in my.subordinates"]
    if people.mode == "user":
        return [f"{of} == {people.number}"]
    return [of_departments(of, departments)]


def of_departments(of: str, departments: Iterable[int]) -> str:
    """Return the condition that somebody belongs to one of some departments."""
    listed = ", ".join(str(number) for number in departments)
    return f"{of}.department in ({listed},)" if listed else f"{of} is empty"


def of_group(figure: Figure, kind: str, path: str, key: Any) -> str:
    """Return the condition that a record belongs to a group."""
    if kind == "user":
        return f"{figure.of} is empty" if key is None else f"{figure.of} == {key}"
    if kind == "department":
        return f"{figure.of}.department is empty" if key is None \
            else f"{figure.of}.department == {key}"  # fmt: skip
    if key is None:
        return f"{path} is empty"
    if isinstance(key, bool):
        return path if key else f"not {path}"
    if isinstance(key, int):
        return f"{path} == {key}"
    quoted = str(key).replace("\\", "\\\\").replace("'", "\\'")
    return f"{path} == '{quoted}'"


def of_lines_group(lines: str, condition: str, written: str) -> str:
    """Return the condition that a record has a line of a group which the figure counts."""
    both = f"{written} and {condition}" if written else condition
    return f"exists({lines}, {both})"
