"""Files of rows: CSV, lines of JSON, workbooks; written a block at a time, harmless to open.

Whoever writes one gives columns of cells, not rows. Nothing here knows where they come from.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import IO, Any, Protocol, Self

import orjson

from app.transfer.workbooks import WorkbookWriter

#: What a program that opens a CSV may take for a formula, also in full width.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

Cells = Sequence[Sequence[Any]]


class Sheets(Protocol):
    """A file that takes tables, one after the other or in turns."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def begin(self, name: str, paths: Sequence[str], headings: Sequence[str]) -> int:
        """Begin a table and return its number; the first is the list itself."""

    def add(self, table: int, columns: Cells) -> None:
        """Add a block of cells to a table."""


class _OneTable:
    """Base of files with one table."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_args: object) -> None:
        return None


class CSVSheets(_OneTable):
    """Comma separated, UTF-8; with the mark by which Excel knows, and without formulas."""

    def __init__(self, target: IO[bytes], *, raw: bool = False) -> None:
        """Take where it goes; *raw* is for programs: no mark, and texts as they are."""
        self._raw = raw
        encoding = "utf-8" if raw else "utf-8-sig"
        self._text = io.TextIOWrapper(target, encoding=encoding, newline="", write_through=False)
        self._writer = csv.writer(self._text)

    def begin(self, name: str, paths: Sequence[str], headings: Sequence[str]) -> int:
        """Write the headings; raw, the names of the fields."""
        del name
        self._writer.writerow(list(paths) if self._raw else [_harmless(one) for one in headings])
        return 0

    def add(self, table: int, columns: Cells) -> None:
        """Write rows."""
        del table
        clean = _raw_column if self._raw else _harmless_column
        self._writer.writerows(zip(*map(clean, columns), strict=True))

    def __exit__(self, *_args: object) -> None:
        self._text.flush()
        self._text.detach()


def _raw_column(column: Sequence[Any]) -> list[Any]:
    return [one.isoformat(" ") if type(one) is datetime else one for one in column]


def _harmless_column(column: Sequence[Any]) -> Sequence[Any]:
    """Return the cells of a CSV that no program takes for a formula."""
    kinds = set(map(type, column))
    if str in kinds or datetime in kinds:
        return [
            one if one is None else _harmless(one) if type(one) is not str
            else f"'{one}" if one.startswith(_FORMULA) else one
            for one in column
        ]  # fmt: skip
    return column


def _harmless(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return value


class JSONSheets(_OneTable):
    """One object a line; what belongs to a record stands in it as a list."""

    def __init__(self, target: IO[bytes]) -> None:
        """Take where it goes."""
        self._target = target
        self._paths: Sequence[str] = ()

    def begin(self, name: str, paths: Sequence[str], headings: Sequence[str]) -> int:
        """Remember the names."""
        del name, headings
        self._paths = paths
        return 0

    def add(self, table: int, columns: Cells) -> None:
        """Write objects."""
        del table
        paths, dumps = self._paths, orjson.dumps
        rows = zip(*map(json_column, columns), strict=True)
        lines = [dumps(dict(zip(paths, row, strict=True))) for row in rows]
        lines.append(b"")
        self._target.write(b"\n".join(lines))


def json_column(column: Sequence[Any]) -> Sequence[Any]:
    """Return cells as JSON has them: exact numbers as texts."""
    if Decimal in set(map(type, column)):
        return [f"{one:f}" if type(one) is Decimal else one for one in column]
    return column


class XLSXSheets:
    """A workbook with a sheet for each table: typed cells, and never a formula."""

    def __init__(self, target: IO[bytes]) -> None:
        """Take where it goes."""
        self._book = WorkbookWriter(target)

    def __enter__(self) -> Self:
        self._book.__enter__()
        return self

    def __exit__(self, *args: object) -> None:
        self._book.__exit__(*args)

    def begin(self, name: str, paths: Sequence[str], headings: Sequence[str]) -> int:
        """Begin a sheet."""
        del paths
        return self._book.begin(name, headings)

    def add(self, table: int, columns: Cells) -> None:
        """Write rows."""
        self._book.add(table, columns)


#: ending -> (type of its content, what writes it)
FORMS: Mapping[str, tuple[str, Callable[[IO[bytes]], Sheets]]] = {
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", XLSXSheets),
    "csv": ("text/csv; charset=utf-8", CSVSheets),
    "jsonl": ("application/x-ndjson", JSONSheets),
}
