"""Workbooks as they are written: read by another program, cell by cell."""

import io
import zipfile
from datetime import date, datetime
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from python_calamine import CalamineWorkbook

from app.transfer import workbooks
from app.transfer.workbooks import WorkbookWriter, write_workbook

VALUES = {
    "=1+1": "=1+1",
    " kept & <so>\n": " kept & <so>\n",
    "a\x01b": "a\x01b",
    "_x0041_ is no A": "_x0041_ is no A",
    "x" * 40_000: "x" * 32_767,
    Decimal("12.50"): 12.5,
    10**15: "1000000000000000",
    123_456_789_012_345: 123_456_789_012_345,
    Decimal("NaN"): "NaN",
    float("inf"): "inf",
    True: True,
    date(2020, 2, 29): date(2020, 2, 29),
    date(9999, 12, 31): date(9999, 12, 31),
    date(1900, 1, 1): "1900-01-01",
    datetime(2026, 11, 24, 17, 5, 59): datetime(2026, 11, 24, 17, 5, 59),  # noqa: DTZ001
    datetime(1899, 1, 1, 1): "1899-01-01 01:00:00",  # noqa: DTZ001
}


def test_cells_are_what_they_were():
    target = io.BytesIO()
    rows = [(value, None) for value in VALUES]
    assert write_workbook(target, ["Value", "Nothing"], rows) == len(VALUES)
    sheet = (
        CalamineWorkbook.from_filelike(io.BytesIO(target.getvalue()))
        .get_sheet_by_index(0)
        .to_python()
    )
    assert sheet[0] == ["Value", "Nothing"]
    found = [row[0] for row in sheet[1:]]
    for value, read in zip(VALUES.values(), found, strict=True):
        # What XML cannot hold is written as workbooks do; calamine reads some of it as it stands.
        plain = (
            read.replace("_x0001_", "\x01").replace("_x005F_", "_")
            if isinstance(read, str)
            else read
        )
        assert plain == value
    with zipfile.ZipFile(target) as archive:
        for name in archive.namelist():
            ET.fromstring(archive.read(name))


def test_tables_in_turns_long_ones_on_several_sheets(monkeypatch):
    monkeypatch.setattr(workbooks, "_MOST_ROWS", 4)
    target = io.BytesIO()
    with WorkbookWriter(target) as book:
        first = book.begin("Orders: a/b?", ["n"])
        other = book.begin("ORDERS  a b", ["m"])
        last = book.begin("History", [])
        for number in range(4):
            book.add(first, [[number, number + 10]])
            book.add(other, [[str(number)]])
        book.add(last, [])
    read = CalamineWorkbook.from_filelike(io.BytesIO(target.getvalue()))
    names = read.sheet_names
    assert names[:4] == ["Orders  a b", "ORDERS  a b (2)", "History (2)", "Orders  a b (3)"]
    assert len({name.casefold() for name in names}) == len(names) == 7
    sheets = [read.get_sheet_by_index(n).to_python() for n in range(len(names))]
    assert all(len(sheet) <= 4 for sheet in sheets)
    numbers = [row[0] for sheet in sheets if sheet and sheet[0] == ["n"] for row in sheet[1:]]
    assert numbers == [0, 10, 1, 11, 2, 12, 3, 13]
    texts = [row[0] for sheet in sheets if sheet and sheet[0] == ["m"] for row in sheet[1:]]
    assert texts == ["0", "1", "2", "3"]


def test_what_breaks_off_leaves_no_open_part():
    target = io.BytesIO()

    def broken(book: WorkbookWriter) -> None:
        with book:
            book.add(book.begin("A", ["n"]), [[1]])
            raise KeyError

    with pytest.raises(KeyError):
        broken(WorkbookWriter(target))
