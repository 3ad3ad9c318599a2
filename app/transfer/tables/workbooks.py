"""Workbooks: .xlsx, .xls and .ods, read by calamine."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import Any, BinaryIO

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetVisibleEnum,
    XmlError,
    ZipError,
)

from app.texts import Label, say
from app.transfer.tables.found import (
    LONGEST_VALUE,
    MOST_COLUMNS,
    BadCell,
    UnreadableFile,
    letters,
    too_long,
)
from app.transfer.tables.sheet_xml import SheetMarks, sheet_marks

#: What a workbook may hold unpacked; a sheet of a million rows has about a third of that.
BIGGEST_UNPACKED = 400 * 1024 * 1024
MOST_PARTS = 10_000
#: Text of cells repeats, but not a hundred times over.
HIGHEST_RATIO = 100
#: Packed bytes; deflate makes at most a thousand times as much of them.
_HARMLESS = 64 * 1024
#: So much of the directory of a compound file is read, in bytes: a workbook has few parts.
_DIRECTORY = 4096
#: Spreadsheet programs keep fifteen digits of a number.
_MOST_EXACT = 1e15


def check_archive(stream: BinaryIO) -> None:
    """Refuse what would fill the memory once unpacked, by the archive's own directory.

    Raises:
        UnreadableFile: too many parts, too large, or packed too well to be true.
    """
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise broken() from error
    unpacked = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts) or 1
    if (
        len(parts) > MOST_PARTS
        or unpacked > BIGGEST_UNPACKED
        or (unpacked > 50 * 1024 * 1024 and unpacked / packed > HIGHEST_RATIO)
    ):
        raise UnreadableFile(
            say(
                "The file is too large once unpacked. Save it in smaller parts, or as .csv.",
                "文件解压后过大，请拆分后上传，或另存为 .csv。",
            )
        )


def check_sizes(stream: BinaryIO) -> None:
    """Refuse an archive whose directory says less than what its parts unpack to.

    What is small even at the highest ratio there is is not unpacked for this.

    Raises:
        UnreadableFile: a part is longer than it says, or damaged.
    """
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            for part in archive.infolist():
                if part.compress_size > _HARMLESS:
                    with archive.open(part) as content:
                        while content.read(1 << 20):
                            pass
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, zlib.error) as error:
        raise broken() from error


def broken() -> UnreadableFile:
    """Return the refusal of a damaged file."""
    return UnreadableFile(
        say(
            "The file is damaged or not of the format its name says.",
            "文件已损坏，或与扩展名所示格式不符。",
        )
    )


def _is_encrypted(stream: BinaryIO) -> bool:
    """Return whether a compound file is an envelope round an encrypted .xlsx.

    Its directory, found by the head of the file, has a stream of a name that tells.
    """
    stream.seek(0)
    head = stream.read(512)
    if len(head) < 512:
        return False
    shift, first = int.from_bytes(head[30:32], "little"), int.from_bytes(head[48:52], "little")
    if shift not in (9, 12):
        return False
    stream.seek((first + 1) << shift)
    return "EncryptedPackage".encode("utf-16-le") in stream.read(_DIRECTORY)


def _locked() -> UnreadableFile:
    return UnreadableFile(
        say(
            "The file is protected by a password. Save it without one.",
            "文件有密码保护，请取消密码后再上传。",
        )
    )


class Workbook:
    """An open workbook."""

    def __init__(self, stream: BinaryIO, *, is_packed: bool) -> None:
        if is_packed:
            check_archive(stream)
        elif _is_encrypted(stream):
            raise _locked()
        stream.seek(0)
        self._stream, self._is_packed = stream, is_packed
        try:
            self._book = CalamineWorkbook.from_filelike(stream)
        except PasswordError as error:
            raise _locked() from error
        except (CalamineError, XmlError, ZipError, ValueError, OSError) as error:
            raise broken() from error
        self.sheets: tuple[str, ...] = tuple(
            each.name
            for each in self._book.sheets_metadata
            if each.visible == SheetVisibleEnum.Visible
        )
        self._marks_by_sheet: dict[str, SheetMarks] = {}
        if not self.sheets:
            raise UnreadableFile(
                say(
                    "The file has no sheet that can be read. Save it as an ordinary .xlsx or .csv.",
                    "文件中没有可读取的工作表，请另存为普通的 .xlsx 或 .csv。",
                )
            )

    def rows(self, sheet: str, most: int | None = None) -> Iterator[tuple[int, Sequence[Any]]]:
        """Yield the rows of a sheet, empty ones included, with their numbers from 1.

        A cell in error is a `BadCell`; one that is merged downwards has its value in every row.

        Raises:
            UnreadableFile: too many columns, or a formula nobody has worked out.
        """
        try:
            found = self._book.get_sheet_by_name(sheet)
        except (CalamineError, XmlError, ZipError) as error:
            raise broken() from error
        if found.total_width > MOST_COLUMNS * 4:
            raise UnreadableFile(
                say(
                    "The sheet {sheet} has more than {most} columns.",
                    "工作表“{sheet}”超过 {most} 列。",
                    sheet=sheet,
                    most=MOST_COLUMNS * 4,
                )
            )
        merged = _Merged(found) if found.merged_cell_ranges else None
        marks = self._marks(sheet)
        for number, values in _rows_of(found, most):
            if merged is not None:
                merged.fill(number, values)
            if marks.errors:
                _put_errors(number, values, marks)
            yield number, values

    def _marks(self, sheet: str) -> SheetMarks:
        if not self._is_packed:
            return SheetMarks()
        if sheet not in self._marks_by_sheet:
            self._marks_by_sheet[sheet] = sheet_marks(self._stream, sheet)
        marks = self._marks_by_sheet[sheet]
        if marks.unsolved is not None:
            raise UnreadableFile(
                say(
                    "The sheet {sheet} has formulas that were never worked out, the first in "
                    "{cell}. Open the file in a spreadsheet program, save it and upload it again.",
                    "工作表“{sheet}”中有尚未计算的公式（第一处在 {cell}）。请用表格软件打开并保存后"
                    "重新上传。",
                    sheet=sheet,
                    cell=marks.unsolved,
                )
            )
        return marks

    def fullest(self) -> str:
        """Return the sheet a person most likely means: the first with more than a title."""
        for sheet in self.sheets:
            filled = sum(
                any(value is not None for value in values) for _, values in self.rows(sheet, 3)
            )
            if filled > 1:
                return sheet
        return self.sheets[0]


class _Merged:
    """Cells that are merged over several rows: their value belongs to each of them."""

    def __init__(self, sheet: CalamineSheet) -> None:
        self._ranges: dict[int, list[tuple[int, int]]] = {}
        for (first, column), (last, _) in sheet.merged_cell_ranges or ():
            if last > first:
                self._ranges.setdefault(column, []).append((first + 1, last + 1))
        self._values: dict[tuple[int, int], Any] = {}

    def fill(self, number: int, values: list[Any]) -> None:
        """Put values into a row that holds anything else."""
        is_filled = any(value is not None for value in values)
        for column, ranges in self._ranges.items():
            for first, last in ranges:
                if number == first and column < len(values):
                    self._values[(column, first)] = values[column]
                elif is_filled and first < number <= last and column < len(values):
                    values[column] = self._values.get((column, first))


def _put_errors(number: int, values: list[Any], marks: SheetMarks) -> None:
    for place, value in enumerate(values):
        if value is None and (error := marks.errors.get((number, place))):
            sentence = say(
                "The cell {cell} holds the error {error}; mend its formula.",
                "单元格 {cell} 的值是错误 {error}，请修正公式。",
                cell=f"{letters(place)}{number}",
                error=error,
            )
            values[place] = BadCell(error, sentence)


def _rows_of(sheet: CalamineSheet, most: int | None) -> Iterator[tuple[int, list[Any]]]:
    for number, values in enumerate(sheet.iter_rows(), start=1):
        if most is not None and number > most:
            return
        yield number, [_plain(value) for value in values]


def _rounded() -> Label:
    return say(
        "A number of more than 15 digits is rounded by spreadsheet programs: its last digits are "
        "lost. Make the column text and enter it again.",
        "超过 15 位的数字会被表格软件截断，末尾几位已丢失。请将该列设为文本后重新填写。",
    )


def _plain(value: Any) -> Any:
    """Return a cell's value: empty is None, whole numbers are whole, a day has no time."""
    if isinstance(value, str):
        if len(value) > LONGEST_VALUE:
            return BadCell(value[:100], too_long())
        return value if value.strip() else None
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        if abs(value) >= _MOST_EXACT:
            return BadCell(format(value, ".0f") if abs(value) < 1e30 else repr(value), _rounded())
        return int(value) if value.is_integer() else value
    if isinstance(value, datetime):
        return value.date() if value.time() == time.min else value
    if isinstance(value, timedelta):
        return str(value)
    return value
