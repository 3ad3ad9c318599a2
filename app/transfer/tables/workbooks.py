"""Workbooks: .xlsx, .xls and .ods, read by calamine."""

from __future__ import annotations

import zipfile
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

from app.texts import say
from app.transfer.tables.found import MOST_COLUMNS, UnreadableFile

#: What a workbook may hold unpacked; a sheet of a million rows has about a third of that.
BIGGEST_UNPACKED = 400 * 1024 * 1024
MOST_PARTS = 10_000
#: Text of cells repeats, but not a hundred times over.
HIGHEST_RATIO = 100


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


def broken() -> UnreadableFile:
    """Return the refusal of a damaged file."""
    return UnreadableFile(
        say(
            "The file is damaged or not of the format its name says.",
            "文件已损坏，或与扩展名所示格式不符。",
        )
    )


class Workbook:
    """An open workbook."""

    def __init__(self, stream: BinaryIO, *, is_packed: bool) -> None:
        if is_packed:
            check_archive(stream)
        stream.seek(0)
        try:
            self._book = CalamineWorkbook.from_filelike(stream)
        except PasswordError as error:
            raise UnreadableFile(
                say(
                    "The file is protected by a password. Save it without one.",
                    "文件有密码保护，请取消密码后再上传。",
                )
            ) from error
        except (CalamineError, XmlError, ZipError, ValueError, OSError) as error:
            raise broken() from error
        self.sheets: tuple[str, ...] = tuple(
            each.name
            for each in self._book.sheets_metadata
            if each.visible == SheetVisibleEnum.Visible
        )
        if not self.sheets:
            raise UnreadableFile(
                say(
                    "The file has no sheet that can be read. Save it as an ordinary .xlsx or .csv.",
                    "文件中没有可读取的工作表，请另存为普通的 .xlsx 或 .csv。",
                )
            )

    def rows(self, sheet: str, most: int | None = None) -> Iterator[tuple[int, Sequence[Any]]]:
        """Yield the rows of a sheet, empty ones included, with their numbers from 1."""
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
        yield from _rows_of(found, most)

    def fullest(self) -> str:
        """Return the sheet a person most likely means: the first with more than a title."""
        for sheet in self.sheets:
            filled = sum(
                any(value is not None for value in values) for _, values in self.rows(sheet, 3)
            )
            if filled > 1:
                return sheet
        return self.sheets[0]


def _rows_of(sheet: CalamineSheet, most: int | None) -> Iterator[tuple[int, Sequence[Any]]]:
    for number, values in enumerate(sheet.iter_rows(), start=1):
        if most is not None and number > most:
            return
        yield number, [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    """Return a cell's value: empty is None, whole numbers are whole, a day has no time."""
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    if isinstance(value, datetime):
        return value.date() if value.time() == time.min else value
    if isinstance(value, timedelta):
        return str(value)
    return value
