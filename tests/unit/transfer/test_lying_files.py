"""Files that lie: each gives a result or a sentence, quickly, and never a crash."""

from __future__ import annotations

import io
import resource
import struct
import time
import zipfile
from datetime import date
from datetime import time as clock
from pathlib import Path

import pytest
import xlsxwriter

from app.transfer.cell_texts import kept_values, plain
from app.transfer.cleaning import order_of
from app.transfer.tables import BadCell, UnreadableFile, find_shape, open_table


def read(content: bytes, tmp_path: Path, name: str = "a.xlsx", **chosen):
    """Return the columns and rows, or the sentence; within two seconds and 200 MB more."""
    path = tmp_path / name
    path.write_bytes(content)
    memory, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    try:
        shape = find_shape(path, **chosen)
        with open_table(path, shape) as table:
            found = table.columns, [row.values for row in table]
    except UnreadableFile as refused:
        found = str(refused.sentence)
    assert time.process_time() - began < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 200 * 1024
    return found


def book(fill, **options) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, options) as made:
        fill(made, made.add_worksheet("Data"))
    return target.getvalue()


def changed(content: bytes, change, more=()) -> bytes:
    """Return the workbook with its parts changed: ``change(name, text)``."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        for name, part in more:
            new.writestr(name, part)
    return target.getvalue()


def rows(*written, **formats):
    """Return what fills a sheet: numbers and texts as they are, ``("=A1", 3)`` a formula."""

    def fill(made, sheet):
        shapes = {name: made.add_format({"num_format": one}) for name, one in formats.items()}
        for number, row in enumerate(written):
            for place, value in enumerate(row):
                if isinstance(value, tuple) and str(value[0]).startswith("="):
                    sheet.write_formula(number, place, value[0], None, value[1])
                elif isinstance(value, tuple):
                    sheet.write_number(number, place, value[0], shapes[value[1]])
                elif isinstance(value, str):
                    sheet.write_string(number, place, value)
                elif value is not None:
                    sheet.write_number(number, place, value)

    return fill


def texts(values):
    return [str(one) if isinstance(one, BadCell) else one for one in values]


def test_i11_formulas_give_what_they_were_worked_out_to(tmp_path):
    head = ["Name", "Sum", "Share"]
    content = book(rows(head, ["Acme", ("=1+1", 2), ("=1/0", "#DIV/0!")]))
    _, (row,) = read(content, tmp_path)
    assert texts(row) == ["Acme", 2, "#DIV/0!"]
    assert str(row[2].sentence) == "The cell C2 holds the error #DIV/0!; mend its formula."
    unsolved = changed(content, lambda _, text: text.replace(b"<v>2</v>", b""))
    assert "never worked out, the first in B2" in read(unsolved, tmp_path)


def test_i11_numbers_and_days_at_their_limits(tmp_path):
    head = ["Name", "Id", "Day"]
    days = [(60, "d"), (2958465, "d"), (1, "d"), (2958466, "d"), (0.5, "t"), (-5, "d")]
    ids = [123456789012345678, 110101199003070012 / 1, "007", "110101199003074567", 999, 1e300]
    content = book(
        rows(head, *(["x", number, day] for number, day in zip(ids, days, strict=True)),
             d="yyyy-mm-dd", t="hh:mm")
    )  # fmt: skip
    _, found = read(content, tmp_path)
    assert [type(row[1]) for row in found] == [BadCell, BadCell, str, str, int, BadCell]
    assert [row[1] for row in found[2:5]] == ["007", "110101199003074567", 999]
    assert "more than 15 digits" in str(found[0][1].sentence)
    assert [row[2] for row in found][:3] == [
        date(1900, 2, 28),
        date(9999, 12, 31),
        date(1900, 1, 1),
    ]
    assert found[4][2] == clock(12)
    assert [plain(row[2]) for row in found[3::2]] == ["2958466", "00:00:00"]


def test_i11_an_epoch_of_1904_and_the_strict_dialect(tmp_path):
    fill = rows(["Name", "Day"], ["x", (1, "d")], d="yyyy-mm-dd")
    assert read(book(fill, date_1904=True), tmp_path)[1] == [("x", date(1904, 1, 2))]
    strict = changed(
        book(fill),
        lambda _, text: text.replace(
            b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
            b"http://purl.oclc.org/ooxml/spreadsheetml/main",
        ).replace(
            b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
            b"http://purl.oclc.org/ooxml/officeDocument/relationships",
        ),
    )
    found = read(strict, tmp_path)
    assert found[1] == [("x", date(1900, 1, 1))] if isinstance(found, tuple) else found


def test_i11_merged_cells_belong_to_each_row_and_headings_may_be_empty_or_twice(tmp_path):
    def fill(made, sheet):
        sheet.merge_range("A1:D1", "Customers 2026")
        rows([], ["Region", "Name", "Name", None, "Note"], ["", "Acme"], [None, "Big"])(made, sheet)
        sheet.merge_range("A3:A4", "North")
        sheet.merge_range("E3:F3", "wide")

    columns, found = read(book(fill), tmp_path)
    assert columns == ("Region", "Name", "Name (C)", "(D)", "Note")
    assert [(row[0], row[1], row[4]) for row in found] == [
        ("North", "Acme", "wide"), ("North", "Big", None),
    ]  # fmt: skip


def test_i9_macros_links_and_hidden_sheets_are_passed_by(tmp_path):
    def fill(made, sheet):
        rows(["Name", "Price"], ["Acme", ("='[other.xlsx]S'!A1", 7)])(made, sheet)
        made.add_worksheet("Secret").hide()

    content = changed(
        book(fill),
        lambda _, text: text,
        [
            ("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0Sub Auto_Open()"),
            ("xl/externalLinks/externalLink1.xml", b"<externalLink/>"),
            ("../../etc/cron.d/x", b"* * * * * root true"),
        ],
    )
    assert read(content, tmp_path, "a.xlsm") == (("Name", "Price"), [("Acme", 7)])
    assert "no sheet Secret" in read(content, tmp_path, sheet="Secret")


def _understated(content: bytes) -> bytes:
    """Return an archive whose directory says that its largest part is small."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = max(part.file_size for part in archive.infolist())
    return content.replace(struct.pack("<I", size), struct.pack("<I", 1000))


BLANKS = b" " * (120 * 1024 * 1024)


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "x/y.bin"])
def test_i8_a_bomb_is_refused_even_when_its_directory_lies(tmp_path, part):
    content = changed(
        book(rows(["Name"], ["Acme"])),
        lambda name, text: text.replace(b"</", BLANKS + b"</", 1) if name == part else text,
        [(part, BLANKS)] if part == "x/y.bin" else (),
    )
    assert "too large once unpacked" in read(content, tmp_path)
    assert "damaged" in read(_understated(content), tmp_path)


def test_i8_an_archive_of_archives_is_no_table(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", BLANKS)
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("b.csv", inner.getvalue())
    assert "too large once unpacked" in read(outer.getvalue(), tmp_path, "a.zip")


WIDE = ",".join(f"Column {number}" for number in range(1000))
LONG = "x" * 10_000_000


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("cell.csv", f"Name,Note\nAcme,{LONG}\n".encode(), "Line 2: The value has more than"),
        ("cell.jsonl", b'{"name": "' + LONG.encode() + b'"}\n', [("x" * 100,)]),
        ("line.jsonl", b'{"name": "' + LONG.encode() * 2 + b'"}\n', "Line 1 is longer than 16 MB"),
        ("nul.csv", b"Name,No\x00te\nAc\x00me,1\n", [("Ac\x00me", "1")]),
        ("deep.jsonl", b'{"a":' * 5000 + b"1" + b"}" * 5000, "Line 1 is no record"),
        ("mixed.csv", "名称\n杭州一厂\n".encode() + "宁波二厂\n".encode("gb18030"),
         "Line 1 is in UTF-8, line 3 is not"),
        ("binary.csv", bytes(range(256)) * 40, None),
        ("quote.csv", b'Name\n"open\n' + b"x\n" * 1000, "From line 2 on"),
        ("heads.csv", b"Name,Level\n", []),
        ("zeros.csv", b"007,1\n008,2\n", [("007", "1"), ("008", "2")]),
        ("wide.csv", (WIDE + "\n" + "1," * 999 + "1\n").encode(), [("1",) * 1000]),
        ("wider.csv", (WIDE + ",x\n").encode(), "more than 1000 columns"),
        ("tall.csv", ("x" * 300 + ",b\n1,2\n").encode(), None),
        ("cr.csv", b"Name,Level\rAcme,a\r", [("Acme", "a")]),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)  # fmt: skip
def test_i11_texts_that_lie(tmp_path, name, content, expected):
    found = read(content, tmp_path, name)
    if isinstance(expected, str):
        assert expected in found
    elif expected is not None:
        assert [tuple(texts(row)) for row in found[1]] == expected
    if isinstance(found, tuple):
        # What is kept of a row can be kept by the database.
        assert "\0" not in str([*found[0], *(kept_values(row) for row in found[1])])
        assert all(len(name) <= 210 for name in found[0])


def test_i11_a_cell_of_ten_megabytes_in_a_workbook(tmp_path):
    content = changed(
        book(rows(["Name"], ["Acme"])), lambda _, text: text.replace(b"Acme", LONG.encode())
    )
    _, (row,) = read(content, tmp_path)
    assert "more than 1000000 characters" in str(row[0].sentence)


def compound(*streams: str) -> bytes:
    """Return a compound file, which is what Office makes of a workbook with a password."""
    sector, none, end = 512, 0xFFFFFFFF, 0xFFFFFFFE
    fat = [0xFFFFFFFD, end]
    for number in range(len(streams)):
        first = 2 + 8 * number
        fat += [*range(first + 1, first + 8), end]
    fat += [none] * (sector // 4 - len(fat))

    def entry(name: str, kind: int, right: int, child: int, first: int, size: int) -> bytes:
        text = name.encode("utf-16-le")
        return struct.pack("<64sHBBIII16sIQQIQ", text, len(text) + 2 if text else 0, kind, 1, none,
                           right, child, b"", 0, 0, 0, first, size)  # fmt: skip

    folder = [entry("Root Entry", 5, none, 1, end, 0)]
    for number, name in enumerate(streams, start=1):
        right = number + 1 if number < len(streams) else none
        folder.append(entry(name, 2, right, none, 2 + 8 * (number - 1), 8 * sector))
    folder += [entry("", 0, none, none, 0, 0)] * (4 - len(folder))
    head = struct.pack("<8s16sHHHHH6sIIIIIIIIII", bytes.fromhex("d0cf11e0a1b11ae1"), b"", 0x3E, 3,
                       0xFFFE, 9, 6, b"", 0, 1, 1, 0, 4096, end, 0, end, 0, 0)  # fmt: skip
    head += struct.pack("<108I", *[none] * 108)
    return (
        head
        + struct.pack(f"<{len(fat)}I", *fat)
        + b"".join(folder)
        + b"\x07" * 8 * sector * len(streams)
    )


@pytest.mark.parametrize("name", ["a.xlsx", "a.xls"])
def test_i11_a_workbook_behind_a_password_says_so(tmp_path, name):
    found = read(compound("EncryptionInfo", "EncryptedPackage"), tmp_path, name)
    assert found == "The file is protected by a password. Save it without one."
    # Something else of Office, such as a letter, is no workbook, and is behind no password.
    assert "password" not in str(read(compound("WordDocument"), tmp_path, name))


def test_dates_say_what_comes_first():
    assert [order_of(day) for day in ("31/12/2026", "12.31.26", "1/2/2026", "2026-01-02")] == [
        "day_first", "month_first", None, None,
    ]  # fmt: skip
