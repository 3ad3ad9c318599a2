"""What a file turned out to be, and the rows that come out of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from app.errors import RequestError
from app.texts import Label, say

Kind = Literal["xlsx", "xls", "ods", "csv", "jsonl"]

#: Rows that are looked at to find the header and the delimiter.
LOOKED_AT = 50
#: More columns than this are a mistake, or an attack.
MOST_COLUMNS = 1_000
#: A value longer than this is a mistake.
LONGEST_VALUE = 1_000_000
_LONGEST_HEADING = 200


class UnreadableFile(RequestError):
    """The file cannot be read as a table; carries a sentence for whoever brought it."""

    def __init__(self, sentence: Label) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file is read."""

    kind: Kind
    #: the file within a zip archive
    member: str | None = None
    #: workbooks
    sheet: str | None = None
    #: text: a name Python knows
    encoding: str | None = None
    delimiter: str | None = None
    #: around values that hold one: ``"``, ``'`` or ``none``
    quote: str | None = None
    #: the row of the headings, from 1 as spreadsheets count; None: there are none
    header: int | None = 1
    #: False where the encoding is a guess that a look at the first rows should confirm
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class BadCell:
    """A cell whose value is not what somebody put there; the row says so where it is read."""

    text: str
    sentence: Label

    def __str__(self) -> str:
        return self.text


class Row(NamedTuple):
    """One row: its number as the person's program shows it, and a value for each column.

    Values are texts, numbers, booleans, days, moments, or None for what is empty. ``beyond`` holds
    what stands to the right of the last heading.
    """

    number: int
    values: tuple[Any, ...]
    beyond: tuple[Any, ...] = ()


def too_long() -> Label:
    """Return what is said of a value that is too long to be one."""
    return say(
        "The value has more than {most} characters.", "内容超过 {most} 个字符。", most=LONGEST_VALUE
    )


class Table:
    """Columns and rows; rows are read as they are asked for, once."""

    def __init__(self, shape: Shape, rows: Iterator[tuple[int, Sequence[Any]]]) -> None:
        self.shape = shape
        self._rows = rows
        self.columns: tuple[str, ...] = ()
        self._waiting: tuple[int, Sequence[Any]] | None = None
        self._begin()

    def _begin(self) -> None:
        for number, values in self._rows:
            if self.shape.header is None:
                self._waiting = (number, values)
                self.columns = tuple(letters(place) for place in range(len(values)))
                return
            if number >= self.shape.header:
                self.columns = headings(values)
                return

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows below the headings; wholly empty ones are passed over."""
        if self._waiting is not None:
            yield self._row(*self._waiting)
            self._waiting = None
        for number, values in self._rows:
            if values.count(None) < len(values):
                yield self._row(number, values)

    def count(self) -> int:
        """Return how many rows there are from here on, which are read by that."""
        waiting, self._waiting = self._waiting, None
        filled = sum(1 for _, values in self._rows if values.count(None) < len(values))
        return filled + (waiting is not None)

    def _row(self, number: int, values: Sequence[Any]) -> Row:
        width = len(self.columns)
        if len(values) == width:
            return Row(number, tuple(values))
        filled = tuple(values[:width]) + (None,) * (width - len(values))
        beyond = tuple(values[width:])
        return Row(number, filled, beyond if any(value is not None for value in beyond) else ())


def headings(values: Sequence[Any]) -> tuple[str, ...]:
    """Return the columns' names; what is empty or twice gets its letter behind it."""
    last = max((place for place, value in enumerate(values) if value is not None), default=-1)
    names: list[str] = []
    for place, value in enumerate(values[: last + 1]):
        name = _heading(value)
        if not name or name in names:
            name = f"{name} ({letters(place)})".strip()
        names.append(name)
    return tuple(names)


def _heading(value: Any) -> str:
    if value is None:
        return ""
    text = "".join(one if one.isprintable() else " " for one in str(value)[: _LONGEST_HEADING + 1])
    name = " ".join(text.split())
    return name if len(text) <= _LONGEST_HEADING else f"{name[:_LONGEST_HEADING]}…"


def letters(place: int) -> str:
    """Return the name spreadsheets give a column, counted from 0: A, B … Z, AA."""
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(65 + rest) + name
    return name


def find_header(rows: Sequence[tuple[int, Sequence[Any]]]) -> int | None:
    """Return the number of the row that holds the headings, or None where none does.

    Headings are texts, none of them a number or an address, as wide as the table; titles above them
    fill a cell or two and are passed over. Where a heading stands there twice, no row below repeats
    any: data do that.
    """
    widths = [_filled(values) for _, values in rows]
    usual = sorted(widths)[len(widths) // 2] if widths else 0
    for (number, values), width in zip(rows, widths, strict=True):
        if width == 0:
            continue
        texts = [value for value in values if value is not None]
        is_wide = width >= max(1, round(usual * 0.6))
        if is_wide and all(map(_is_heading, texts)) and _are_headings(number, values, rows):
            return number
        if is_wide:
            # The first row that is as wide as the table holds data already.
            return None
    return None


def _are_headings(
    number: int, values: Sequence[Any], rows: Sequence[tuple[int, Sequence[Any]]]
) -> bool:
    texts = [value for value in values if value is not None]
    if len({*texts}) == len(texts):
        return True
    below = [others for at, others in rows if at > number]
    return len({*texts}) > 1 and not any(
        value is not None and place < len(others) and others[place] == value
        for others in below
        for place, value in enumerate(values)
    )


def _filled(values: Sequence[Any]) -> int:
    return sum(value is not None for value in values)


def _is_heading(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > 120:
        return False
    text = value.strip()
    digits = sum(letter.isdigit() for letter in text)
    return bool(text) and "@" not in text and "://" not in text and digits * 2 <= len(text)
