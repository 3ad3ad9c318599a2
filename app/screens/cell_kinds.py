"""Cells of each type of field: words of options, links, people, files, moments, texts.

`app.screens.cells` chooses among them; nothing here asks for rights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from functools import lru_cache, partial
from html import escape
from typing import Any

from app.definitions.catalog import Field
from app.fields.base import FieldType
from app.fields.markup import to_html, to_text
from app.fields.money import Money, with_sign
from app.fields.worked_out import as_result, result_of
from app.records.results import Record
from app.screens.marks import avatar, mark_of
from app.screens.moments import day, time_html
from app.screens.wording import Wording

EMPTY = '<span class="mut">–</span>'
#: A list is for finding: more of a long text belongs on the record page.
_CUT = 160

Cell = Callable[[Record, "Look"], str]


@dataclass(frozen=True, slots=True)
class Look:
    """For whom and when something is shown."""

    wording: Wording
    zone: tzinfo
    zone_name: str
    now: datetime
    #: the base currency, of amounts that have none of their own
    currency: str | None = None

    @property
    def language(self) -> str:
        return self.wording.language


@dataclass(frozen=True, slots=True)
class Making:
    """How a field is to be shown: in which language, and whether in full."""

    language: str
    full: bool


def shown_type(field: Field) -> FieldType:
    """Return the type a value is shown as: of what is worked out, that of its result."""
    if field.type.name in ("formula", "rollup", "through"):
        return result_of(field)[0]
    return field.type


def plain_cell(field: Field, *, full: bool) -> Cell:
    """Return the function that shows a field as its type writes it."""
    type_, seen, name = field.type, field, field.name
    display, convert = type_.display, None
    if type_.name in ("formula", "rollup"):
        # What is worked out is shown as its result; which that is does not change from row to row.
        result, seen = result_of(field)  # type: ignore[assignment]
        if currency := field.settings.get("currency"):
            seen = replace(seen, settings={**seen.settings, "currency": currency})
        display, convert = result.display, partial(as_result, result)
    shown = shown_type(field)
    is_number = shown.align == "end"
    # An amount that names no currency is in the base one.
    money = shown if isinstance(shown, Money) and not seen.settings.get("currency") else None

    def cell(record: Record, look: Look) -> str:
        value = record.values.get(name)
        if value is None:
            return EMPTY
        if convert is not None:
            value = convert(value)
        if money is not None:
            text = with_sign(money.rounded(seen, value), look.currency)
        else:
            text = display(seen, value, look.language, look.zone_name, record.values)
        if not text:
            return EMPTY
        html = escape(text if full else short(text))
        # Zero stays readable, but does not ask to be read.
        return f'<span class="mut">{html}</span>' if is_number and value == 0 else html

    return cell


def short(text: str) -> str:
    """Return a text as a list has room for it."""
    return text if len(text) <= _CUT else text[: _CUT - 1] + "…"


def option_marks(field: Field, language: str) -> dict[str, str]:
    """Return how each option is shown: dot and word where it has a colour, else the word."""
    marks = {}
    for option in field.options:
        label = option.label.in_language(language)
        if option.color:
            shade = option.color if option.color.isalpha() else "gray"
            marks[option.name] = f'<span class="dot d-{shade}">{escape(label)}</span>'
        else:
            marks[option.name] = escape(label)
    return marks


def _choice_cell(field: Field, making: Making) -> Cell:
    marks, name = option_marks(field, making.language), field.name

    def cell(record: Record, _look: Look) -> str:
        value = record.values.get(name)
        if value is None:
            return EMPTY
        return marks.get(value) or escape(str(value))

    return cell


def _approval_cell(field: Field, making: Making) -> Cell:
    marks, name = option_marks(field, making.language), field.name

    def cell(record: Record, _look: Look) -> str:
        value = record.values.get(name)
        return EMPTY if value is None else marks[value["state"]]

    return cell


def _choices_cell(field: Field, making: Making) -> Cell:
    tags = {}
    for option in field.options:
        shade = f" c-{option.color}" if option.color and option.color.isalpha() else ""
        label = escape(option.label.in_language(making.language))
        tags[option.name] = f'<span class="tag{shade}">{label}</span>'

    def cell(record: Record, _look: Look) -> str:
        values = record.values.get(field.name)
        if not values:
            return EMPTY
        return " ".join(
            tags.get(value) or f'<span class="tag">{escape(str(value))}</span>' for value in values
        )

    return cell


def _moment_cell(field: Field, _making: Making) -> Cell:
    def cell(record: Record, look: Look) -> str:
        value = record.values.get(field.name)
        if value is None:
            return EMPTY
        return time_html(value, look.now, look.wording, look.zone)

    return cell


def _date_cell(field: Field, _making: Making) -> Cell:
    def cell(record: Record, look: Look) -> str:
        value = record.values.get(field.name)
        if not isinstance(value, date):
            return EMPTY
        today = look.now.astimezone(look.zone).date()
        shown = escape(day(value, today, look.wording))
        return f'<time datetime="{value.isoformat()}">{shown}</time>'

    return cell


def _boolean_cell(field: Field, _making: Making) -> Cell:
    def cell(record: Record, look: Look) -> str:
        value = record.values.get(field.name)
        if value is None:
            return EMPTY
        return escape(look.wording.say("yes") if value else look.wording.say("no"))

    return cell


@lru_cache(4096)
def _person(name: str | None) -> str:
    """Return a person's avatar and name; the same few stand in every row."""
    return f"{avatar(mark_of(name or '?'))}{escape(name or '–')}"


def _person_cell(field: Field, _making: Making) -> Cell:
    def cell(record: Record, _look: Look) -> str:
        linked = record.links.get(field.name)
        if not linked:
            return EMPTY
        people = linked if isinstance(linked, list) else [linked]
        return ", ".join(_person(person["title"]) for person in people)

    return cell


def link_html(linked: Mapping[str, Any], entity: str, wording: Wording) -> str:
    """Return one linked record as a link; struck out when it is in the bin."""
    title = linked.get("title")
    if title is None:
        hint = escape(wording.say("Your role does not see this record"))
        return f'<span class="mut" title="{hint}">…</span>'
    if linked.get("deleted"):
        return f'<span class="gone">{escape(str(title))}</span>'
    address = f"/crm/{linked.get('entity', entity)}/{linked['id']}"
    return f'<a class="link" href="{address}">{escape(str(title or linked["id"]))}</a>'


def link_cell(field: Field, _making: Making) -> Cell:
    target = field.type.targets(field)[0]

    def cell(record: Record, look: Look) -> str:
        linked = record.links.get(field.name)
        if not linked:
            return EMPTY
        if isinstance(linked, list):
            return ", ".join(link_html(one, target, look.wording) for one in linked)
        return link_html(linked, target, look.wording)

    return cell


def _department_cell(field: Field, _making: Making) -> Cell:
    def cell(record: Record, _look: Look) -> str:
        linked = record.links.get(field.name)
        if not linked:
            return EMPTY
        several = linked if isinstance(linked, list) else [linked]
        return escape(", ".join(one["title"] or "–" for one in several))

    return cell


def _file_cell(field: Field, _making: Making) -> Cell:
    def cell(record: Record, _look: Look) -> str:
        linked = record.links.get(field.name)
        if not linked:
            return EMPTY
        several = linked if isinstance(linked, list) else [linked]
        return ", ".join(
            f'<a class="link" href="/files/{one["id"]}">{escape(one["name"])}</a>'
            for one in several
        )

    return cell


def _url_cell(field: Field, _making: Making) -> Cell:
    def cell(record: Record, _look: Look) -> str:
        value = record.values.get(field.name)
        if not value:
            return EMPTY
        shown = value.split("://", 1)[-1].rstrip("/")
        if not value.startswith(("http://", "https://")):
            return escape(value)
        return (
            f'<a class="link" href="{escape(value)}" target="_blank" rel="noopener noreferrer">'
            f"{escape(short(shown))}</a>"
        )

    return cell


def _email_cell(field: Field, _making: Making) -> Cell:
    def cell(record: Record, _look: Look) -> str:
        value = record.values.get(field.name)
        if not value:
            return EMPTY
        return f'<a class="link" href="mailto:{escape(value)}">{escape(value)}</a>'

    return cell


def _phone_cell(field: Field, _making: Making) -> Cell:
    def cell(record: Record, look: Look) -> str:
        value = record.values.get(field.name)
        if not value:
            return EMPTY
        shown = field.type.display(field, value, look.language, look.zone_name)
        number = escape(value.partition(";")[0])
        return f'<a class="num" href="tel:{number}">{escape(shown)}</a>'

    return cell


def _longtext_cell(field: Field, making: Making) -> Cell:
    if not making.full:
        return plain_cell(field, full=False)

    def cell(record: Record, _look: Look) -> str:
        value = record.values.get(field.name)
        if not value:
            return EMPTY
        return f'<div class="prewrap">{escape(value)}</div>'

    return cell


def _markdown_cell(field: Field, making: Making) -> Cell:
    """Cleaned where it is made into HTML: nothing in it runs or loads anything."""

    def cell(record: Record, _look: Look) -> str:
        value = record.values.get(field.name)
        if not value:
            return EMPTY
        if not making.full:
            return escape(short(to_text(value))) or EMPTY
        return f'<div class="prose">{to_html(value)}</div>'

    return cell


def _rating_cell(field: Field, _making: Making) -> Cell:
    most = int(field.settings.get("max") or 5)

    def cell(record: Record, _look: Look) -> str:
        value = record.values.get(field.name)
        if value is None:
            return EMPTY
        full, rest = "★" * int(value), "★" * (most - int(value))
        return (
            f'<span class="rating"><span class="full" aria-hidden="true">{full}</span>'
            f'<span aria-hidden="true">{rest}</span><span class="sr">{value}/{most}</span></span>'
        )

    return cell


_Maker = Callable[[Field, Making], Cell]
MAKERS: dict[str, _Maker] = {
    "approval": _approval_cell,
    "choice": _choice_cell,
    "stage": _choice_cell,
    "choices": _choices_cell,
    "tags": _choices_cell,
    "datetime": _moment_cell,
    "date": _date_cell,
    "boolean": _boolean_cell,
    "user": _person_cell,
    "users": _person_cell,
    "department": _department_cell,
    "departments": _department_cell,
    "file": _file_cell,
    "files": _file_cell,
    "image": _file_cell,
    "images": _file_cell,
    "signature": _file_cell,
    "url": _url_cell,
    "email": _email_cell,
    "phone": _phone_cell,
    "longtext": _longtext_cell,
    "markdown": _markdown_cell,
    "rating": _rating_cell,
}
