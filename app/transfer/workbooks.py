"""Writing workbooks: typed cells, row by row onto the disk, and never a formula."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

#: What a cell holds at most, in characters.
_LONGEST = 32_767
#: Numbers of more digits than this are texts: a workbook would round them.
_EXACT = 10**15
#: Rows go to the disk as they come. Texts stay texts, whatever they begin with.
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def write_workbook(
    target: IO[bytes], headings: Sequence[str], rows: Iterable[Sequence[Any]]
) -> int:
    """Write one sheet with a row of headings; return how many rows followed.

    Args:
        rows: texts, numbers, booleans, days, moments without a zone; None for empty.
    """
    from xlsxwriter import Workbook

    count = 0
    with Workbook(target, _OPTIONS) as book:
        sheet = book.add_worksheet()
        bold = book.add_format({"bold": True})
        looks: dict[type, Any] = {
            date: book.add_format({"num_format": "yyyy-mm-dd"}),
            datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        }
        for place, heading in enumerate(headings):
            sheet.write_string(0, place, heading, bold)
            sheet.set_column(place, place, max(10, min(40, 2 * len(heading))))
        sheet.freeze_panes(1, 0)
        for count, row in enumerate(rows, 1):
            for place, value in enumerate(row):
                if value is not None:
                    _write(sheet, count, place, value, looks)
    return count


def _write(sheet: Any, row: int, place: int, value: Any, looks: dict[type, Any]) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(row, place, value)
    elif isinstance(value, int | float | Decimal) and -_EXACT < value < _EXACT:
        sheet.write_number(row, place, value)
    # Workbooks know no days before 1900.
    elif isinstance(value, date) and value.year >= 1900:
        sheet.write_datetime(row, place, value, looks[type(value)])
    else:
        sheet.write_string(row, place, str(value)[:_LONGEST])
