"""Filters as people build them: conditions to the text of an expression, and back again.

A condition is a field, one of its operators and what was typed; its text follows the operator's
template, so a filter that was clicked together is the very text that a view or a URL holds. What
was written by hand and fits no template stands as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.definitions.catalog import Entity, Field
from app.expressions import Kind
from app.fields import filters
from app.fields.base import Operator
from app.fields.worked_out import result_of
from app.screens.wording import Wording
from app.texts import Label, say

PERIODS: tuple[tuple[str, Label], ...] = (
    ("day", say("day", "天")),
    ("week", say("week", "周")),
    ("month", say("month", "月")),
    ("quarter", say("quarter", "季度")),
    ("year", say("year", "年")),
)

_LITERAL = r"(?:'(?:[^'\\]|\\.)*'|-?\d+(?:\.\d+)?)"
_PLACES = {
    "value": rf"(?P<value>{_LITERAL}|\([^()]*\))",
    "other": rf"(?P<other>{_LITERAL})",
}
_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a filter: a field (or a part of one), how, and with what."""

    path: str
    operator: str
    values: tuple[str, ...] = ()


def quote(text: str) -> str:
    """Return a text as an expression writes it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def unquote(literal: str) -> str:
    """Return what a literal of an expression says."""
    literal = literal.strip()
    if len(literal) >= 2 and literal[0] == literal[-1] == "'":
        return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], literal[1:-1])
    return literal


def field_of(entity: Entity, path: str) -> Field | None:
    """Return the field a path begins with; None for what cannot be filtered by."""
    field = entity.fields.get(path.partition(".")[0])
    return field if field is not None and operators_for(entity, path) else None


def operators_for(entity: Entity, path: str) -> tuple[Operator, ...]:
    """Return the ways to filter by a field, or by a part of one such as ``address.city``."""
    name, _, part = path.partition(".")
    field = entity.fields.get(name)
    if field is None or field.removed:
        return ()
    if not part:
        return field.type.operators(field)
    for one in field.type.parts(field):
        if one.name == part:
            return _OF_PARTS.get(one.type.kind, ())
    return ()


_OF_PARTS: dict[Kind, tuple[Operator, ...]] = {
    Kind.text: filters.TEXTS,
    Kind.number: filters.NUMBERS,
    Kind.money: filters.NUMBERS,
    Kind.date: filters.DAYS,
    Kind.datetime: filters.MOMENTS,
    Kind.boolean: (filters.YES, filters.NO),
}


def find_operator(entity: Entity, path: str, name: str) -> Operator | None:
    """Return an operator by its name."""
    return next((one for one in operators_for(entity, path) if one.name == name), None)


def _literal(field: Field, operator: Operator, value: str) -> str:
    if operator.value == "number":
        return value.strip() if re.fullmatch(r"\d{1,5}", value.strip()) else "0"
    if operator.value == "period":
        return quote(value)
    # Numbers and the ids of records stand without quotes; days and options are texts.
    shown = result_of(field)[0] if field.type.name in ("formula", "rollup") else field.type
    bare = shown.align == "end" or bool(field.type.targets(field)) or shown.name in _BARE
    clean = value.replace(",", "").replace("，", "").strip() if bare else value
    return clean if bare and _NUMBER.match(clean) else quote(value)


_BARE = frozenset({"rating", "integer"})


def write_condition(entity: Entity, condition: Condition) -> str | None:
    """Return the text of a condition; None while it is not complete."""
    field = field_of(entity, condition.path)
    operator = find_operator(entity, condition.path, condition.operator)
    if field is None or operator is None:
        return None
    values = [value for value in condition.values if value.strip()]
    if operator.value == "none" or not operator.takes_value:
        return operator.template.format(field=condition.path, value="", other="")
    if not values or (operator.value == "two" and len(values) < 2):
        return None
    literals = [_literal(field, operator, value) for value in values]
    if operator.value == "many":
        listed = f"({', '.join(literals)}{',' if len(literals) == 1 else ''})"
        return operator.template.format(field=condition.path, value=listed)
    return operator.template.format(field=condition.path, value=literals[0], other=literals[-1])


def write_filter(entity: Entity, conditions: Iterable[Condition]) -> str:
    """Return the expression all of whose conditions must hold."""
    texts = [write_condition(entity, one) for one in conditions]
    return " and ".join(text for text in texts if text)


def read_condition(entity: Entity, text: str) -> Condition | None:
    """Return the condition a text was made from; None where no template fits."""
    for name, field in entity.fields.items():
        if name not in text or field.removed:
            continue
        for path in (name, *(f"{name}.{one.name}" for one in field.type.parts(field))):
            for operator in operators_for(entity, path) if path in text else ():
                found = _pattern(path, operator.template).match(text)
                if found:
                    return Condition(path, operator.name, _values(found))
    return None


@lru_cache(4096)
def _pattern(path: str, template: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(field|value|other)\}", template)
    pattern = ""
    for number, piece in enumerate(pieces):
        if number % 2 == 0:
            pattern += re.escape(piece)
        elif piece == "field":
            pattern += re.escape(path)
        else:
            pattern += _PLACES[piece]
    return re.compile(rf"{pattern}\Z")


def _values(found: re.Match[str]) -> tuple[str, ...]:
    groups = found.groupdict()
    if groups.get("value") is None:
        return ()
    value = groups["value"]
    if value.startswith("("):
        literals = re.findall(_LITERAL, value)
        return tuple(unquote(one) for one in literals)
    if groups.get("other") is not None:
        return (unquote(value), unquote(groups["other"]))
    return (unquote(value),)


def path_label(entity: Entity, path: str, language: str) -> str:
    """Return what a field, or a part of it, is called."""
    field = entity.fields[path.partition(".")[0]]
    part = path.partition(".")[2]
    label = field.label.in_language(language)
    for one in field.type.parts(field) if part else ():
        if one.name == part:
            return f"{label}: {one.label.in_language(language)}"
    return label


def part_label(entity: Entity, path: str, language: str) -> str:
    """Return what a column is called: of a part, the part alone."""
    label = path_label(entity, path, language)
    return label.partition(": ")[2] or label if "." in path else label


def say_condition(
    entity: Entity, condition: Condition, wording: Wording, titles: dict[tuple[str, str], str]
) -> str:
    """Return a condition as a person reads it.

    Args:
        titles: of linked records that values name, by field and id.
    """
    field = entity.fields[condition.path.partition(".")[0]]
    operator = find_operator(entity, condition.path, condition.operator)
    assert operator is not None
    words = [
        path_label(entity, condition.path, wording.language),
        operator.label.in_language(wording.language),
    ]
    if condition.values:
        words.append(_say_values(field, operator, condition.values, wording, titles))
    return " ".join(words)


def _say_values(
    field: Field,
    operator: Operator,
    values: Sequence[str],
    wording: Wording,
    titles: dict[tuple[str, str], str],
) -> str:
    language = wording.language
    if operator.value == "period":
        return dict(PERIODS).get(values[0], Label({"en": values[0]})).in_language(language)
    labels = {option.name: option.label.in_language(language) for option in field.options}
    said = [titles.get((field.name, one)) or labels.get(one, one) for one in values]
    if operator.value == "two":
        return wording.say("%(low)s and %(high)s", low=said[0], high=said[-1])
    return ("、" if language == "zh" else ", ").join(said)
