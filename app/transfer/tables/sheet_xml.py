"""What calamine does not tell of a sheet of an .xlsx: cells in error, formulas without a result.

A program that writes formulas without working them out leaves cells that look empty; an error would
come in as an empty cell too. Only the tags of cells are looked at; nothing is parsed as XML, so no
entity is ever resolved.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

_SHEET = re.compile(rb"<(?:\w+:)?sheet\b[^>]*>")
_NAME = re.compile(rb'\bname="([^"]*)"')
_ID = re.compile(rb'\b\w+:id="([^"]*)"')
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b[^>]*>")
_OWN_ID, _TARGET = re.compile(rb'\bId="([^"]*)"'), re.compile(rb'\bTarget="([^"]*)"')
_ERROR = re.compile(
    rb'<(?:\w+:)?c\b([^>]*\bt="e"[^>]*)>.{0,8000}?<(?:\w+:)?v>([^<]{1,20})<', re.DOTALL
)
_PLACE = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
#: A cell with a formula and nothing behind it: `<c r="C2"><f>A1+1</f></c>`, also `<f …/>`.
_UNSOLVED = re.compile(
    rb"<(?:\w+:)?c\b([^>]*)>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*</(?:\w+:)?c>"
)
_PART = 1 << 20
#: A cell whose tag is cut by the end of a part is seen with the next one.
_OVERLAP = 16 * 1024
_MOST_ERRORS = 50_000


@dataclass(slots=True)
class SheetMarks:
    """What stands in the cells of a sheet and is no value."""

    #: by row from 1 and column from 0: `#N/A`
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    #: the first cell with a formula that nobody worked out
    unsolved: str | None = None


def sheet_marks(stream: BinaryIO, sheet: str) -> SheetMarks:
    """Return the marks of a sheet; a workbook that is written in another way has none."""
    found = SheetMarks()
    stream.seek(0)
    with zipfile.ZipFile(stream) as archive:
        part = _part_of(archive, sheet)
        if part is None:
            return found
        with archive.open(part) as content:
            for text in _windows(content):
                _look(text, found)
                if len(found.errors) > _MOST_ERRORS:
                    break
    stream.seek(0)
    return found


def _windows(content: object) -> Iterator[bytes]:
    before = b""
    while part := content.read(_PART):  # type: ignore[attr-defined]
        yield before + part
        before = (before + part)[-_OVERLAP:]


def _look(text: bytes, found: SheetMarks) -> None:
    if b't="e"' in text:
        for match in _ERROR.finditer(text):
            if place := _PLACE.search(match[1]):
                row, column = int(place[2]), _column(place[1])
                found.errors[(row, column)] = match[2].decode("ascii", "replace")
    if found.unsolved is None and b"<f" in text:
        for match in _UNSOLVED.finditer(text):
            if place := _PLACE.search(match[1]):
                found.unsolved = f"{place[1].decode()}{place[2].decode()}"
                return


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """Return the part of the archive that holds a sheet, by its name."""
    names = set(archive.namelist())
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
        return None
    wanted = _escaped(sheet)
    relation = next(
        (
            match_id[1]
            for tag in _SHEET.findall(archive.read("xl/workbook.xml"))
            if (name := _NAME.search(tag)) and name[1] == wanted and (match_id := _ID.search(tag))
        ),
        None,
    )
    for tag in _RELATION.findall(archive.read("xl/_rels/workbook.xml.rels")):
        own, target = _OWN_ID.search(tag), _TARGET.search(tag)
        if own and target and own[1] == relation:
            path = target[1].decode("utf-8", "replace")
            path = path.removeprefix("/") if path.startswith("/") else f"xl/{path}"
            return path if path in names else None
    return None


def _escaped(text: str) -> bytes:
    for sign, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(sign, written)
    return text.encode()
