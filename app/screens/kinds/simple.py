"""Kinds with one value: texts, numbers, moments, options."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from app.definitions.catalog import Field
from app.records.results import Record
from app.screens.controls import Chosen, Control, Typed, first
from app.screens.kinds.base import ABSENT, FormLook, Kind
from app.texts import Label


class LongKind(Kind):
    macro = "longtext"


class MailKind(Kind):
    input_type = "email"
    mode = "email"


class PhoneKind(Kind):
    input_type = "tel"
    mode = "tel"


class AddressKind(Kind):
    """An address of the web: typed as text, since `acme.com` is one to most people."""

    mode = "url"


class NumberKind(Kind):
    mode = "decimal"

    def text(self, field: Field, value: Any, look: FormLook) -> str:
        if isinstance(value, Decimal):
            return f"{value:f}"
        return super().text(field, value, look)

    def fill(self, control: Control, field: Field, typed: Typed, look: FormLook) -> None:
        super().fill(control, field, typed, look)
        control.end = True
        unit = field.settings.get("unit")
        if field.type.name == "percent":
            unit = "%"
        if unit:
            control.control = "unit"
            control.unit = unit.in_language(look.language) if isinstance(unit, Label) else str(unit)


class MoneyKind(NumberKind):
    def fill(self, control: Control, field: Field, typed: Typed, look: FormLook) -> None:
        super().fill(control, field, typed, look)
        if control.bare:
            return  # in a table the head of the column has the words
        control.control = "unit"
        named = field.settings.get("currency")
        catalog = look.catalog
        if named in catalog.entities[look.entity].fields:
            named = first(typed, str(named))
        control.unit = str(named or catalog.app.currencies[0])


class DateKind(Kind):
    input_type = "date"


class TimeKind(Kind):
    input_type = "time"


class MomentKind(Kind):
    """A moment on the person's own clock."""

    input_type = "datetime-local"

    def text(self, field: Field, value: Any, look: FormLook) -> str:  # noqa: ARG002
        if not isinstance(value, datetime):
            return ""
        return value.astimezone(look.zone).strftime("%Y-%m-%dT%H:%M")


class DurationKind(Kind):
    def text(self, field: Field, value: Any, look: FormLook) -> str:
        return field.type.display(field, value, look.language) if value is not None else ""


class SwitchKind(Kind):
    """A box to tick: a hidden `no` stands before it, so that a box left empty is posted too."""

    macro = "boolean"

    def typed(self, field: Field, record: Record, look: FormLook) -> Typed:  # noqa: ARG002
        return {field.name: ["no", "yes"] if record.values.get(field.name) else ["no"]}


class RatingKind(Kind):
    macro = "rating"


def offered_options(field: Field, chosen: set[str], look: FormLook) -> list[Chosen]:
    """Return the options of a select: what is offered now, and what is chosen already."""
    allowed = look.offered.get(field.name)
    found = []
    for option in field.options:
        on = option.name in chosen
        if not on and (option.removed or (allowed is not None and option.name not in allowed)):
            continue
        label = option.label.in_language(look.language)
        found.append(Chosen(option.name, _indent(field, option.parent) + label, on))
    return found


def _indent(field: Field, parent: str | None) -> str:
    depth = 0
    parents = {option.name: option.parent for option in field.options}
    while parent is not None and depth < 8:
        depth, parent = depth + 1, parents.get(parent)
    return "\u2003" * depth


class ChoiceKind(Kind):
    macro = "choice"

    def fill(self, control: Control, field: Field, typed: Typed, look: FormLook) -> None:
        super().fill(control, field, typed, look)
        control.options = offered_options(field, {control.value}, look)


class ChoicesKind(Kind):
    macro = "choices"

    def typed(self, field: Field, record: Record, look: FormLook) -> Typed:  # noqa: ARG002
        return {field.name: ["", *(record.values.get(field.name) or ())]}

    def raw(self, field: Field, name: str, typed: Typed) -> Any:  # noqa: ARG002
        return [one for one in typed[name] if one] if name in typed else ABSENT

    def fill(self, control: Control, field: Field, typed: Typed, look: FormLook) -> None:
        super().fill(control, field, typed, look)
        control.options = offered_options(field, set(typed.get(control.input_name, ())), look)


class TagsKind(Kind):
    macro = "tags"

    def text(self, field: Field, value: Any, look: FormLook) -> str:
        labels = {one.name: one.label.in_language(look.language) for one in field.options}
        return ", ".join(labels.get(one, one) for one in value or ())

    def fill(self, control: Control, field: Field, typed: Typed, look: FormLook) -> None:
        super().fill(control, field, typed, look)
        control.options = offered_options(field, set(), look)


class CurrencyKind(Kind):
    macro = "choice"

    def fill(self, control: Control, field: Field, typed: Typed, look: FormLook) -> None:
        super().fill(control, field, typed, look)
        names = list(look.catalog.app.currencies)
        if control.value and control.value not in names:
            names.append(control.value)
        control.options = [Chosen(name, name, name == control.value) for name in names]
