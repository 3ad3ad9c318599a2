"""What is done to a value of a file before its field reads it.

A column's steps run in the order they are written, each on what the former left. They are for
texts: numbers and days of a workbook pass through.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from app.fields.normal import BLANKS
from app.fields.reading import half_width

_NOT_NUMBER = re.compile(r"[^\d.,+\-eE%()]")
_NOT_PHONE = re.compile(r"[^\d+*#]")
_EXTENSION = re.compile(r"(转|分机|ext\.?|x)\s*\d+\Z", re.IGNORECASE)
_BLANKS = re.compile(r"\s+")


def _full_width(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def _money(text: str) -> str:
    """``¥ 1,200.50 元`` → ``1,200.50``; brackets are a minus, 万 and 亿 are multiplied out."""
    plain = half_width(text)
    times = 10_000 if "万" in plain else 100_000_000 if "亿" in plain else 1
    number = _NOT_NUMBER.sub("", plain)
    if number.startswith("(") and number.endswith(")"):
        number = f"-{number[1:-1]}"
    if times == 1:
        return number
    try:
        return format((Decimal(number.replace(",", "")) * times).normalize(), "f")
    except InvalidOperation:
        return text


def _phone(text: str) -> str:
    """``(0571) 8888-6666 转 12`` → ``057188886666``: what dials, without the extension."""
    return _NOT_PHONE.sub("", _EXTENSION.sub("", half_width(text).strip()))


def _date(text: str) -> str:
    """``2026/3/2`` and ``2026年3月2日`` → ``2026-03-02``; others stay as they are."""
    found = re.match(
        r"\s*(\d{4})\s*[./年-]\s*(\d{1,2})\s*[./月-]\s*(\d{1,2})\s*日?", half_width(text)
    )
    if found is None:
        return text
    year, month, day = (int(part) for part in found.groups())
    rest = half_width(text)[found.end() :].strip()
    return f"{year:04}-{month:02}-{day:02} {rest}".strip()


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
    "date": _date,
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
