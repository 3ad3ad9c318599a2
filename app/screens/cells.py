"""Values as a list and a record page show them: one small function for each field, made once.

What does not change from row to row (labels of options, classes, addresses) is worked out when the
function is made, so that a page of rows is little more than joining text. Everything that comes
from a record is escaped here, and only here: a cell is HTML that is ready to be sent. It is built
with plain text functions, since ``Markup`` costs more than everything else a list does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from html import escape

from markupsafe import Markup

from app.definitions.catalog import Entity, Field
from app.fields.base import FieldError, ParseContext
from app.fields.worked_out import result_of
from app.records.results import Record
from app.screens.cell_kinds import (
    EMPTY,
    MAKERS,
    Cell,
    Look,
    Making,
    link_cell,
    option_marks,
    plain_cell,
    shown_type,
)
from app.screens.moments import time_html

__all__ = ["EMPTY", "Cell", "Look", "make_cell", "show_value", "shown_type"]


def make_cell(
    entity: Entity, name: str, language: str, *, masked: bool, full: bool = False
) -> Cell:
    """Return the function that shows a field, or a part of it, of a record.

    Args:
        name: a field, or one with a part: ``address.city``.
        masked: the record holds a mask instead of the value.
        full: for the record page; otherwise long texts are cut and addresses are short.
    """
    field, _, part = entity.fields[name.partition(".")[0]], *name.partition(".")[1:]
    if part:
        return _part_cell(name, option_marks(field, language))
    if masked:
        return _masked_cell(field)
    if field.type.name == "through":
        return _through_cell(field)
    shown = shown_type(field)
    maker = MAKERS.get(shown.name) or MAKERS.get(shown.control)
    if maker is not None:
        return maker(field, Making(language, full))
    if field.type.targets(field):
        return link_cell(field, Making(language, full))
    return plain_cell(field, full=full)


def show_value(
    entity: Entity,
    name: str,
    record: Record,
    look: Look,
    *,
    masked: bool = False,
    full: bool = True,
) -> Markup:
    """Return one value of a record as HTML, for a template."""
    cell = make_cell(entity, name, look.language, masked=masked, full=full)
    return Markup(cell(record, look))  # noqa: S704 - cells are escaped where they are made.


def _through_cell(field: Field) -> Cell:
    """What is read through a link comes as the API writes it."""
    type_, seen = result_of(field)

    def cell(record: Record, look: Look) -> str:
        value = record.values.get(field.name)
        if value in (None, "", []):
            return EMPTY
        try:
            read = type_.parse(seen, value, ParseContext(strict=True))
        except FieldError:
            return escape(str(value))
        if isinstance(read, datetime):
            return time_html(read, look.now, look.wording, look.zone)
        return escape(type_.display(seen, read, look.language, look.zone_name)) or EMPTY

    return cell


def _part_cell(name: str, marks: Mapping[str, str]) -> Cell:
    """*marks* are the field's options: a part may be one of them, as a stage's ``previous`` is."""

    def cell(record: Record, look: Look) -> str:
        value = record.values.get(name)
        if value is None:
            return EMPTY
        if isinstance(value, datetime):
            return time_html(value, look.now, look.wording, look.zone)
        return marks.get(str(value)) or escape(str(value))

    return cell


def _masked_cell(field: Field) -> Cell:
    def cell(record: Record, look: Look) -> str:
        value = record.values.get(field.name)
        if value in (None, "", []):
            return EMPTY
        if isinstance(value, list):
            value = ", ".join(
                str(next(iter(one.values()))) if isinstance(one, Mapping) else str(one)
                for one in value
            )
        hint = escape(look.wording.say("Shown in part to your role"))
        return f'<span class="masked" title="{hint}">{escape(str(value))}</span>'

    return cell
