"""Writing workbooks: typed cells, block by block onto the disk, and never a formula.

The sheets are written as the XML they are, a column of a block at a time: a cell costs a tenth of
what a library for all that workbooks can be takes for it (docs/decisions/exports.md).
"""

from __future__ import annotations

import math
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import IO, Any, Self
from xml.sax.saxutils import escape, quoteattr

#: What a cell holds at most, in characters.
_LONGEST = 32_767
#: Numbers of more digits than this are texts: a workbook would round them.
_EXACT = 10**15
#: What a sheet holds at most: in rows, by the format; in bytes, by what an archive takes unasked.
_MOST_ROWS, _MOST_BYTES = 1_048_576, 1_500_000_000
_BLOCK = 2_000
#: Days are counted from here; before the second a workbook counts a day that never was.
_EPOCH, _FIRST_DAY = date(1899, 12, 30).toordinal(), date(1900, 3, 1)
_BOLD, _DAY, _MOMENT = 1, 2, 3
# What XML cannot hold is written as `_x0001_`, so a text that looks like that is written so too.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_OUTER_BLANKS = re.compile(r"\A\s|\s\Z|\n")
_BARRED = re.compile(r"[\[\]:*?/\\]")

_SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_CONTENT = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_RELATED = "application/vnd.openxmlformats-package.relationships+xml"
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_SPREADSHEET}">'
    '<numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>"
)


class WorkbookWriter:
    """A workbook under way; its sheets may be written in turns."""

    def __init__(self, target: IO[bytes]) -> None:
        """Take where it goes, which is left open."""
        self._archive = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._tables: list[_Table] = []
        self._names: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_rest: object) -> None:
        if kind is None:
            self._finish()
        for table in self._tables:
            table.close()
        # What was broken off is given away by nobody; it only lets go of what is open.
        self._archive.close()

    def begin(self, name: str, headings: Sequence[str]) -> int:
        """Begin a table with a row of headings; return its number."""
        self._tables.append(_Table(self, name, headings))
        return len(self._tables) - 1

    def add(self, table: int, columns: Sequence[Sequence[Any]]) -> None:
        """Add a block: for each column its texts, numbers, days, moments; None for empty."""
        self._tables[table].add(columns)

    def open_sheet(self, name: str, *, directly: bool) -> IO[bytes]:
        """Return where the next sheet is written: into the archive, or beside it for later."""
        self._names.append(_sheet_name(name, self._names))
        return self.part(len(self._names)) if directly else tempfile.TemporaryFile()

    def part(self, number: int) -> IO[bytes]:
        """Return the part of the archive for a sheet."""
        return self._archive.open(f"xl/worksheets/sheet{number}.xml", "w")

    def is_first(self) -> bool:
        """Whether no sheet has been opened yet: that one is written directly."""
        return not self._names

    @property
    def sheets(self) -> int:
        """How many sheets were opened."""
        return len(self._names)

    def _finish(self) -> None:
        for table in self._tables:
            table.finish()
        for name, text in _parts(self._names).items():
            self._archive.writestr(name, text)


def _parts(names: Sequence[str]) -> dict[str, str]:
    """Return what a workbook has beside its sheets."""
    sheets = list(enumerate(names, 1))
    listed = "".join(f'<sheet name={quoteattr(n)} sheetId="{i}" r:id="rId{i}"/>' for i, n in sheets)
    related = [(f"rId{i}", "worksheet", f"worksheets/sheet{i}.xml") for i, _ in sheets]
    related.append((f"rId{len(sheets) + 1}", "styles", "styles.xml"))
    typed = [(f"worksheets/sheet{i}.xml", "worksheet") for i, _ in sheets]
    types = "".join(
        f'<Override PartName="/xl/{name}" ContentType="{_CONTENT}.{kind}+xml"/>'
        for name, kind in (*typed, ("workbook.xml", "sheet.main"), ("styles.xml", "styles"))
    )
    return {
        "xl/styles.xml": _STYLES,
        "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{_SPREADSHEET}" xmlns:r="{_RELATIONS}">'
        f"<sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": _relations(related),
        "_rels/.rels": _relations([("rId1", "officeDocument", "xl/workbook.xml")]),
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        f'<Default Extension="rels" ContentType="{_RELATED}"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{types}</Types>',
    }


def _relations(listed: Sequence[tuple[str, str, str]]) -> str:
    each = "".join(
        f'<Relationship Id="{number}" Type="{_RELATIONS}/{kind}" Target="{target}"/>'
        for number, kind, target in listed
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{each}</Relationships>'


class _Table:
    """A table: one sheet, or several where it is longer than a sheet may be."""

    def __init__(self, book: WorkbookWriter, name: str, headings: Sequence[str]) -> None:
        self._book, self._name, self._headings = book, name, headings
        self._letters = [_letters(place) for place in range(len(headings))]
        #: sheets that wait for their turn: number in the book -> where they lie
        self._waiting: dict[int, IO[bytes]] = {}
        self._direct = book.is_first()
        self._open()

    def _open(self) -> None:
        self._out = self._book.open_sheet(self._name, directly=self._direct)
        if not self._direct:
            self._waiting[self._book.sheets] = self._out
        widths = "".join(
            f'<col min="{n}" max="{n}" width="{max(10, min(40, 2 * len(one)))}" customWidth="1"/>'
            for n, one in enumerate(self._headings, 1)
        )
        heads = "".join(
            f'<c r="{letters}1" s="{_BOLD}" t="inlineStr"><is><t>{_text(one)}</t></is></c>'
            for letters, one in zip(self._letters, self._headings, strict=True)
        )
        self._rows = self._bytes = 0
        self._write(
            f'{_HEAD}<worksheet xmlns="{_SPREADSHEET}"><sheetViews><sheetView workbookViewId="0">'
            '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView>'
            f"</sheetViews>{f'<cols>{widths}</cols>' if widths else ''}<sheetData>"
            f'<row r="1">{heads}</row>'
        )
        self._rows = 1

    def add(self, columns: Sequence[Sequence[Any]]) -> None:
        count = len(columns[0]) if columns else 0
        if self._rows + count > _MOST_ROWS or self._bytes > _MOST_BYTES:
            self._close_sheet()
            self._open()
        first = self._rows + 1
        numbers = [str(number) for number in range(first, first + count)]
        cells = [
            _cells(letters, numbers, column)
            for letters, column in zip(self._letters, columns, strict=True)
        ]
        rows = [
            f'<row r="{number}">{"".join(row)}</row>'
            for number, row in zip(numbers, zip(*cells, strict=True), strict=True)
        ]
        self._write("".join(rows))
        self._rows += count

    def _write(self, text: str) -> None:
        data = text.encode()
        self._bytes += len(data)
        self._out.write(data)

    def _close_sheet(self) -> None:
        self._write("</sheetData></worksheet>")
        if self._direct:
            self._out.close()
            # Another may be open by then.
            self._direct = False

    def finish(self) -> None:
        self._close_sheet()
        for number, part in self._waiting.items():
            part.seek(0)
            with self._book.part(number) as target:
                shutil.copyfileobj(part, target, 2**20)

    def close(self) -> None:
        for part in (self._out, *self._waiting.values()):
            part.close()


def write_workbook(
    target: IO[bytes], headings: Sequence[str], rows: Iterable[Sequence[Any]]
) -> int:
    """Write one sheet with a row of headings; return how many rows followed.

    Args:
        rows: texts, numbers, booleans, days, moments without a zone; None for empty.
    """
    count = 0
    with WorkbookWriter(target) as book:
        table = book.begin("Sheet1", headings)
        left = iter(rows)
        while block := list(islice(left, _BLOCK)):
            book.add(table, list(zip(*block, strict=True)))
            count += len(block)
    return count


# -- cells ---------------------------------------------------------------------------------------


def _cells(letters: str, numbers: Sequence[str], column: Sequence[Any]) -> list[str]:
    """Return the cells of a column, empty texts for those that are empty."""
    write, is_ = _cell, f'<c r="{letters}'
    kinds = set(map(type, column)) - {type(None)}
    if kinds == {str}:
        write = _text_cell
    elif kinds <= {int, Decimal} and kinds:
        write = _number_cell
    elif kinds == {datetime}:
        write = _moment_cell
    return [
        "" if value is None else f"{is_}{number}{write(value)}"
        for number, value in zip(numbers, column, strict=True)
    ]


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return f'" t="b"><v>{int(value)}</v></c>'
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value)
    return _text_cell(str(value))


def _text_cell(value: str) -> str:
    kept = ' xml:space="preserve"' if _OUTER_BLANKS.search(value) else ""
    return f'" t="inlineStr"><is><t{kept}>{_text(value)}</t></is></c>'


def _text(value: str) -> str:
    if len(value) > _LONGEST:
        value = value[:_LONGEST]
    if _UNWRITABLE.search(value):
        value = _UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", value)
    return escape(value)


def _number_cell(value: float | Decimal) -> str:
    if not math.isfinite(value) or not -_EXACT < value < _EXACT:
        return _text_cell(f"{value:f}" if isinstance(value, Decimal) else str(value))
    return f'"><v>{value}</v></c>'


def _moment_cell(value: datetime) -> str:
    if value.date() < _FIRST_DAY:
        return _text_cell(value.isoformat(" "))
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    return f'" s="{_MOMENT}"><v>{value.toordinal() - _EPOCH + seconds / 86_400!r}</v></c>'


def _day_cell(value: date) -> str:
    if value < _FIRST_DAY:
        return _text_cell(value.isoformat())
    return f'" s="{_DAY}"><v>{value.toordinal() - _EPOCH}</v></c>'


#: In this order: a moment is a day as well.
_WRITERS: tuple[tuple[type | tuple[type, ...], Callable[[Any], str]], ...] = (
    (str, _text_cell),
    ((int, float, Decimal), _number_cell),
    (datetime, _moment_cell),
    (date, _day_cell),
)


def _letters(place: int) -> str:
    """Return how a column is called: A, B … Z, AA."""
    name, rest = "", place + 1
    while rest:
        rest, letter = divmod(rest - 1, 26)
        name = chr(65 + letter) + name
    return name


def _sheet_name(name: str, taken: Sequence[str]) -> str:
    """Return a name that a sheet may have and none of the others has."""
    wanted = _BARRED.sub(" ", _UNWRITABLE.sub(" ", name)).strip(" '")[:31] or "Sheet"
    used = {one.casefold() for one in taken} | {"history"}
    found, number = wanted, 1
    while found.casefold() in used:
        number += 1
        found = f"{wanted[: 28 - len(str(number))]} ({number})"
    return found
