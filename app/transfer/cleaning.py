"""What is done to a value of a file before its field reads it.

A column's steps run in the order they are written, each on what the former left. They are for
texts: numbers and days of a workbook pass through.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from app.fields.normal import BLANKS
from app.fields.reading import half_width

_NOT_NUMBER = re.compile(r"[^\d.,+\-eE%()]")
_TIMES: Mapping[str, int] = {"万": 10_000, "亿": 100_000_000}
#: Numbers as continental Europe writes them, where they can be nothing else.
_POINTS = re.compile(r"[+-]?\d{1,3}(?:(?:\.\d{3})+,\d+|(?:\.\d{3}){2,})\Z", re.ASCII)
_COMMA = re.compile(r"[+-]?\d+,\d{1,2}\Z", re.ASCII)
_NOT_PHONE = re.compile(r"[^\d+*#]")
_EXTENSION = re.compile(r"(转|分机|ext\.?|x)\s*\d+\Z", re.IGNORECASE)
_BLANKS = re.compile(r"\s+")


def _full_width(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def _money(text: str) -> str:
    """``¥ 1,200.50 元`` → ``1,200.50``; brackets are a minus, 万 and 亿 are multiplied out."""
    plain = half_width(text)
    times = next((sign for sign in _TIMES if sign in plain), "")
    number = _NOT_NUMBER.sub("", plain)
    if number.startswith("(") and number.endswith(")"):
        number = f"-{number[1:-1]}"
    return _number(f"{number}{times}")


def _number(text: str) -> str:
    """``1.200.000,50`` and ``1200,50`` → ``1200000.50``; ``3.5万`` → ``35000``.

    ``1.200`` stays one and a fifth, and ``1,200`` twelve hundred: as numbers are written here.
    """
    plain = half_width(text).strip(BLANKS)
    times = _TIMES.get(plain[-1:], 1)
    number = plain[:-1].strip() if times > 1 else plain
    if _POINTS.match(number) or _COMMA.match(number):
        number = number.replace(".", "").replace(",", ".")
    if times == 1:
        return number
    try:
        return format((Decimal(number.replace(",", "")) * times).normalize(), "f")
    except InvalidOperation:
        return text


def _phone(text: str) -> str:
    """``(0571) 8888-6666 转 12`` → ``057188886666``: what dials, without the extension."""
    return _NOT_PHONE.sub("", _EXTENSION.sub("", half_width(text).strip()))


_YEAR_FIRST = re.compile(r"\s*(\d{4})\s*[./年-]\s*(\d{1,2})\s*[./月-]\s*(\d{1,2})\s*日?")
_YEAR_LAST = re.compile(r"\s*(\d{1,2})\s*([./-])\s*(\d{1,2})\s*\2\s*(\d{4}|\d{2})(?!\d)")
_MONTH_NAMED = re.compile(
    r"\s*(?:(\d{1,2})[ -])?([A-Za-z]{3})[a-z]*\.?[ -](?:(\d{1,2}),? )?(\d{4}|\d{2})\b"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
#: A day as spreadsheets count it, where a cell lost its format: 1927 to 2173.
_SERIAL = re.compile(r"\s*(\d{5})(\.\d+)?\s*\Z")
_FIRST_SERIAL = date(1899, 12, 30)


def _date(text: str) -> str:
    """``2026/3/2``, ``2026年3月2日``, ``2-Mar-26`` and ``46083`` → ``2026-03-02``.

    Whatever may be read in two ways stays as it is.
    """
    plain = half_width(text)
    if found := _YEAR_FIRST.match(plain):
        return _day(found[1], found[2], found[3], plain[found.end() :])
    if found := _SERIAL.match(plain):
        seconds = round(float(found[2] or 0) * 86_400)
        on = _FIRST_SERIAL + timedelta(days=int(found[1]) + seconds // 86_400)
        minutes, second = divmod(seconds % 86_400, 60)
        clock = f" {minutes // 60:02}:{minutes % 60:02}:{second:02}" if seconds % 86_400 else ""
        return f"{on}{clock}"
    if (found := _MONTH_NAMED.match(plain)) and found[2].lower() in _MONTHS:
        day = found[1] or found[3]
        if day and not (found[1] and found[3]):
            month = str(_MONTHS.index(found[2].lower()) + 1)
            return _day(found[4], month, day, plain[found.end() :])
    return text if is_either(plain) else _ordered(plain, order_of(plain) != "month_first", text)


def _day(year: str, month: str, day: str, rest: str) -> str:
    if len(year) == 2:
        # As spreadsheets do: 29 is 2029, 30 is 1930.
        year = f"{'20' if int(year) < 30 else '19'}{year}"
    return f"{int(year):04}-{int(month):02}-{int(day):02} {rest.strip()}".strip()


def order_of(text: str) -> str | None:
    """Return ``day_first`` or ``month_first`` where a date shows it, else None.

    ``31/12/2026`` has the day first, ``12/31/2026`` the month; ``01/02/2026`` does not say.
    """
    found = _YEAR_LAST.match(half_width(text))
    if found is None:
        return None
    first, second = int(found[1]), int(found[3])
    if first > 12 >= second:
        return "day_first"
    return "month_first" if second > 12 >= first else None


def is_either(text: str) -> bool:
    """Return whether a date may be read in two ways: ``01/02/2026``, but not ``02/02/2026``."""
    found = _YEAR_LAST.match(half_width(text))
    return found is not None and int(found[1]) != int(found[3]) and order_of(text) is None


def _ordered(text: str, day_first: bool, otherwise: str) -> str:
    plain = half_width(text)
    found = _YEAR_LAST.match(plain)
    if found is None:
        return otherwise
    day, month = (found[1], found[3]) if day_first else (found[3], found[1])
    return _day(found[4], month, day, plain[found.end() :])


def _day_first(text: str) -> str:
    return _ordered(text, True, text) if _YEAR_LAST.match(half_width(text)) else _date(text)


def _month_first(text: str) -> str:
    return _ordered(text, False, text) if _YEAR_LAST.match(half_width(text)) else _date(text)


#: What people write into a cell to say that there is nothing.
_NOTHING = frozenset(
    one
    for line in (
        ("-", "--", "—", "–", "/", "\\", ".", "?", "n/a", "na", "null", "none", "nil", "#n/a"),
        ("无", "空", "暂无", "没有", "不详", "未知", "未填", "(空)", "(无)"),
    )
    for one in line
)


def _blank(text: str) -> str:
    return "" if half_width(text).strip(BLANKS).casefold() in _NOTHING else text


#: Steps by the word an admin writes.
STEPS: Mapping[str, Callable[[str], str]] = {
    "trim": lambda text: text.strip(BLANKS),
    "collapse": lambda text: _BLANKS.sub(" ", text).strip(),
    "half_width": half_width,
    "full_width": _full_width,
    "upper": str.upper,
    "lower": str.lower,
    "title": str.title,
    "digits": lambda text: re.sub(r"\D", "", half_width(text)),
    "phone": _phone,
    "money": _money,
    "number": _number,
    "date": _date,
    "day_first": _day_first,
    "month_first": _month_first,
    "blank": _blank,
    "plain": lambda text: unicodedata.normalize("NFKC", text),
}


@dataclass(frozen=True, slots=True)
class Cleaning:
    """How one column becomes a value: steps, then cut, then the map, then what stands in."""

    steps: tuple[str, ...] = ("trim",)
    #: cut at this, and take that part (from 1; -1 is the last); 0 takes all of them as a list
    split: str | None = None
    take: int = 1
    #: other columns whose values are put behind, and what stands between
    join: tuple[str, ...] = ()
    between: str = " "
    #: as written in the file → what becomes of it
    map: Mapping[str, Any] = field(default_factory=dict)
    #: what becomes of a value that is not in the map; None: it stays
    otherwise: Any = None
    #: in place of an empty value
    default: Any = None

    def clean(self, value: Any, others: Mapping[str, Any]) -> Any:
        """Return what goes to the field; *others* are the row's values by column."""
        parts = [value, *(others.get(name) for name in self.join)]
        filled = [self._step(part) for part in parts if part is not None]
        filled = [part for part in filled if part not in (None, "")]
        value = filled[0] if len(filled) == 1 else self._joined(filled)
        if self.split is not None and isinstance(value, str):
            value = self._cut(value, self.split)
        if self.map and value is not None:
            value = self._mapped(value)
        return self.default if value in (None, "", []) else value

    def alone(self) -> Callable[[Any], Any]:
        """Return `clean` for many values to which no other column is joined."""
        if self.split is not None or self.map:
            return lambda value: self.clean(value, {})
        steps, default = [STEPS[name] for name in self.steps], self.default

        def clean(value: Any) -> Any:
            if value.__class__ is not str:
                return self.clean(value, {})
            for step in steps:
                value = step(value)
            return value or default

        return clean

    def _step(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        for name in self.steps:
            value = STEPS[name](value)
        return value or None

    def _joined(self, filled: Sequence[Any]) -> Any:
        return self.between.join(str(part) for part in filled) if filled else None

    def _cut(self, text: str, at: str) -> Any:
        parts = [part.strip(BLANKS) for part in text.split(at)]
        if self.take == 0:
            return [part for part in parts if part]
        place = self.take - 1 if self.take > 0 else len(parts) + self.take
        return parts[place] if 0 <= place < len(parts) else None

    def _mapped(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._mapped(one) for one in value]
        found = self.map.get(str(value))
        if found is not None:
            return found
        return value if self.otherwise is None else self.otherwise
