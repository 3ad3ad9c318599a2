"""Figures as people say them: ¥4.86 m, 31 %, ¥486万; periods and groups by their names.

In full in tables, short on tiles and charts. Nothing here asks for anything.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from babel import Locale

from app.definitions.catalog import Catalog, Field
from app.definitions.periods import Span
from app.fields.money import SIGNS
from app.records.figure_results import Number
from app.screens.moments import locale_of
from app.screens.wording import Wording

#: From where on a number is cut short, and the word behind it.
_STEPS = {
    "en": ((Decimal(10) ** 9, " bn"), (Decimal(10) ** 6, " m")),
    "zh": ((Decimal(10) ** 8, "亿"), (Decimal(10) ** 4, "万")),
}
NOTHING = "–"
_CENT = Decimal("0.01")


def in_short(value: Number, shown_as: str, wording: Wording, currency: str | None) -> str:
    """Return a figure as it stands on a tile."""
    if value is None:
        return NOTHING
    number = Decimal(value)
    if shown_as == "percent":
        return _percent(number, wording)
    sign = _sign(currency) if shown_as == "money" else ""
    for step, word in _STEPS.get(wording.language, _STEPS["en"]):
        if abs(number) >= step:
            return f"{'-' if number < 0 else ''}{sign}{_digits(abs(number) / step)}{word}"
    text = _grouped(number, 0 if shown_as == "money" and abs(number) >= 100 else 2)
    if shown_as == "days":
        return wording.say("%(number)s d", number=_grouped(number, 0))
    return f"-{sign}{text[1:]}" if text.startswith("-") else f"{sign}{text}"


def in_full(value: Number, shown_as: str, wording: Wording, currency: str | None = None) -> str:
    """Return a figure as it stands in a table; without *currency* the head says it."""
    if value is None:
        return NOTHING
    number = Decimal(value)
    if shown_as == "percent":
        return _percent(number, wording)
    if shown_as == "money":
        text = f"{number.quantize(_CENT, ROUND_HALF_UP):,f}" if number % 1 else f"{number:,.0f}"
        sign = _sign(currency) if currency else ""
        return f"-{sign}{text[1:]}" if text.startswith("-") else f"{sign}{text}"
    return _grouped(number, 2)


def share(part: Number, whole: Number, wording: Wording) -> str:
    """Return a part of a whole in per cent."""
    if part is None or not whole:
        return NOTHING
    return _percent(Decimal(part) / Decimal(whole), wording)


def _percent(fraction: Decimal, wording: Wording) -> str:
    number = fraction * 100
    places = 1 if number and abs(number) < 10 and number % 1 else 0
    text = _grouped(number, places)
    return f"{text}%" if wording.language == "zh" else f"{text}\N{NARROW NO-BREAK SPACE}%"


def _digits(number: Decimal) -> str:
    """Return a number with three digits that count."""
    places = 2 if number < 10 else 1 if number < 100 else 0
    return _grouped(number, places)


def _grouped(number: Decimal, places: int) -> str:
    rounded = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = f"{rounded:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _sign(currency: str | None) -> str:
    return "" if currency is None else SIGNS.get(currency, f"{currency} ")


def unit_of(shown_as: str, wording: Wording, currency: str | None) -> str:
    """Return the head of a column of such figures."""
    if shown_as == "money":
        return wording.say("Amount, %(currency)s", currency=_sign(currency).strip() or "?")
    if shown_as == "percent":
        return wording.say("Share")
    return wording.say("Days") if shown_as == "days" else wording.say("Number")


def level_words(level: str, wording: Wording) -> str:
    """Return what a level of a target is called; those of the guide are translated."""
    known = {"base": wording.say("Base"), "stretch": wording.say("Stretch")}
    return known.get(level) or level.replace("_", " ").capitalize()


# -- periods ---------------------------------------------------------------------------------------


def period_words(span: Span, wording: Wording) -> str:
    """Return the name of a period: November 2026."""
    first, last, is_zh = span.first, span.last, wording.language == "zh"
    if first is None or last is None:
        return wording.say("All time")
    if span.unit == "year":
        return f"{first.year}年" if is_zh else str(first.year)
    if span.unit == "quarter":
        number = (first.month + 2) // 3
        return f"{first.year}年第{number}季度" if is_zh else f"Q{number} {first.year}"
    if span.unit == "month":
        if is_zh:
            return f"{first.year}年{first.month}月"
        return f"{_months(wording.language, 'wide')[first.month]} {first.year}"
    if span.unit == "week":
        year, week, _ = first.isocalendar()
        return f"{year}年第{week}周" if is_zh else f"Week {week}, {year}"
    if span.first == span.last:
        return _day(span, wording)
    ends = (Span("day", first, first), Span("day", last, last))
    return " – ".join(_day(end, wording) for end in ends)


def _day(span: Span, wording: Wording) -> str:
    assert span.first is not None
    if wording.language == "zh":
        return span.first.isoformat()
    month = _months(wording.language, "abbreviated")[span.first.month]
    return f"{span.first.day} {month} {span.first.year}"


def part_words(span: Span, wording: Wording) -> str:
    """Return the name of a part of a period, as it stands below a chart: Jan, 24, Q4."""
    first, is_zh = span.first, wording.language == "zh"
    if first is None:
        return ""
    if span.unit == "month":
        return (
            f"{first.month}月" if is_zh else _months(wording.language, "abbreviated")[first.month]
        )
    if span.unit == "quarter":
        number = (first.month + 2) // 3
        return f"{number}季度" if is_zh else f"Q{number}"
    if span.unit == "week":
        week = first.isocalendar()[1]
        return f"{week}周" if is_zh else f"W{week}"
    return str(first.year) if span.unit == "year" else str(first.day)


@cache
def _months(language: str, width: str) -> dict[int, str]:
    names = Locale.parse(locale_of(language)).months["format"][width]
    return dict(names)


# -- groups ----------------------------------------------------------------------------------------


def field_at(catalog: Catalog, entity: str, path: str) -> Field | None:
    """Return the field a path leads to, through links."""
    here = catalog.entities.get(entity)
    found: Field | None = None
    for word in path.split("."):
        if word == "parent" and here is not None and here.lines_of is not None:
            here = catalog.entities[here.lines_of[0]]
            continue
        found = here.fields.get(word) if here is not None else None
        if found is None:
            return None
        targets = found.type.targets(found)
        here = catalog.entities.get(targets[0]) if targets else None
    return found
