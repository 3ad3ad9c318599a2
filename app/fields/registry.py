"""The field types that are always there. Plugins add theirs through a hook."""

from __future__ import annotations

from collections.abc import Iterable

from app.fields import (
    any_link,
    choices,
    clock,
    contact,
    contacts,
    files,
    geo,
    lines,
    moments,
    money,
    numbers,
    places,
    relations,
    repeat,
    serial,
    several,
    text,
    words,
    worked_out,
)
from app.fields.base import FieldType, FieldTypes


def builtin_types() -> tuple[FieldType, ...]:
    """Return one instance of every built-in type, in the order of the reference."""
    return (
        text.Text(),
        text.Longtext(),
        text.Markdown(),
        contact.Email(),
        contacts.Emails(),
        contact.Phone(),
        contacts.Phones(),
        contact.Url(),
        contacts.Urls(),
        serial.Serial(),
        numbers.Integer(),
        numbers.Decimal(),
        money.Money(),
        money.Currency(),
        numbers.Percent(),
        numbers.Rating(),
        moments.Date(),
        moments.Datetime(),
        moments.Time(),
        moments.Duration(),
        clock.ClockType(),
        repeat.Repeat(),
        choices.Boolean(),
        choices.Choice(),
        words.Choices(),
        words.Tags(),
        choices.Stage(),
        relations.User(),
        several.Users(),
        relations.Department(),
        several.Departments(),
        relations.Link(),
        several.Links(),
        any_link.AnyLink(),
        lines.Lines(),
        places.Address(),
        geo.Geo(),
        files.File(),
        files.Files(),
        files.Image(),
        files.Images(),
        files.Signature(),
        worked_out.Formula(),
        worked_out.Rollup(),
        worked_out.Through(),
    )


def field_types(more: Iterable[FieldType] = ()) -> FieldTypes:
    """Return the built-in types and *more* by name; whoever adds a taken name has checked it."""
    return FieldTypes({one.name: one for one in (*builtin_types(), *more)})
