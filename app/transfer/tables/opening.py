"""Find out what a file is, and open it as a table."""

from __future__ import annotations

import zipfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from app.texts import say
from app.transfer.tables.found import (
    LOOKED_AT,
    Kind,
    Shape,
    Table,
    UnreadableFile,
    find_header,
)
from app.transfer.tables.jsonl import json_rows
from app.transfer.tables.text_files import find_delimiter, find_encoding, find_quote, text_rows
from app.transfer.tables.workbooks import Workbook, broken, check_archive, check_sizes

_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
ENDINGS = (".xlsx", ".xlsm", ".xls", ".ods", ".csv", ".tsv", ".txt", ".jsonl", ".ndjson")


def find_shape(path: Path, **chosen: Any) -> Shape:
    """Return how a file is to be read; what is in *chosen* is taken as said.

    Args:
        chosen: ``member``, ``sheet``, ``encoding``, ``delimiter``, ``quote``, ``header``.

    Raises:
        UnreadableFile: it is empty, damaged, protected, too large, or of another format.
    """
    with _opened(path, chosen.get("member")) as (stream, kind, member):
        shape = Shape(kind, member=member, header=None)
        if kind in ("xlsx", "xls", "ods"):
            if kind != "xls":
                check_sizes(stream)
            book = Workbook(stream, is_packed=kind != "xls")
            shape = replace(shape, sheet=_chosen_sheet(book, chosen.get("sheet")))
        elif kind == "csv":
            encoding, is_certain = find_encoding(stream)
            if chosen.get("encoding"):
                encoding, is_certain = str(chosen["encoding"]), True
            delimiter = chosen.get("delimiter") or find_delimiter(stream, encoding)
            quote = chosen.get("quote") or find_quote(stream, encoding, delimiter)
            shape = replace(
                shape, encoding=encoding, delimiter=delimiter, quote=quote, is_certain=is_certain
            )
        if "header" in chosen:
            return replace(shape, header=chosen["header"])
        if kind == "jsonl":
            return replace(shape, header=0)
        first = list(islice(_rows(stream, shape), LOOKED_AT))
        return replace(shape, header=find_header(first))


def sheets_of(path: Path, member: str | None = None) -> tuple[str, ...]:
    """Return the names of the sheets a person can see; none where the file has no sheets."""
    with _opened(path, member) as (stream, kind, _):
        if kind not in ("xlsx", "xls", "ods"):
            return ()
        return Workbook(stream, is_packed=kind != "xls").sheets


@contextmanager
def open_table(path: Path, shape: Shape) -> Iterator[Table]:
    """Open a file for reading its rows, once, from the first to the last."""
    with _opened(path, shape.member) as (stream, _, _):
        rows = _rows(stream, shape)
        with closing(rows) if isinstance(rows, Generator) else nullcontext():
            yield Table(shape, rows)


def _rows(stream: BinaryIO, shape: Shape) -> Iterator[tuple[int, Sequence[Any]]]:
    if shape.kind == "jsonl":
        return json_rows(stream)
    if shape.kind == "csv":
        return text_rows(
            stream, shape.encoding or "utf-8", shape.delimiter or ",", shape.quote or '"'
        )
    return Workbook(stream, is_packed=shape.kind != "xls").rows(shape.sheet or "")


def _chosen_sheet(book: Workbook, chosen: str | None) -> str:
    if chosen is None:
        return book.fullest()
    if chosen in book.sheets:
        return chosen
    raise UnreadableFile(
        say(
            "There is no sheet {sheet}. There are: {sheets}.",
            "没有工作表“{sheet}”，现有：{sheets}。",
            sheet=chosen[:100],
            sheets=", ".join(book.sheets),
        )
    )


@contextmanager
def _opened(path: Path, member: str | None) -> Iterator[tuple[BinaryIO, Kind, str | None]]:
    """Open a file, or the one within an archive, and say what it is."""
    with path.open("rb") as stream:
        head = stream.read(4)
        if head not in (_ZIP, _EMPTY_ZIP):
            yield stream, _kind_of(stream, path.name), None
            return
        check_archive(stream)
        stream.seek(0)
        with zipfile.ZipFile(stream) as archive:
            names = archive.namelist()
            if "xl/workbook.xml" in names or "xl/workbook.bin" in names:
                yield stream, "xlsx", None
                return
            if "mimetype" in names and b"opendocument.spreadsheet" in archive.read("mimetype"):
                yield stream, "ods", None
                return
            inner = _member(archive, member)
            # Workbooks want to go back and forth, which an archive's stream does slowly.
            with TemporaryFile() as unpacked:
                try:
                    with archive.open(inner) as packed:
                        while part := packed.read(1 << 20):
                            unpacked.write(part)
                except (zipfile.BadZipFile, RuntimeError, OSError) as error:
                    raise broken() from error
                yield unpacked, _kind_of(unpacked, inner), inner


def members_of(path: Path) -> tuple[str, ...]:
    """Return the tables an archive holds, the largest first; none where the file is no archive."""
    with path.open("rb") as stream:
        if stream.read(4) not in (_ZIP, _EMPTY_ZIP):
            return ()
        check_archive(stream)
        stream.seek(0)
        with zipfile.ZipFile(stream) as archive:
            if {"xl/workbook.xml", "xl/workbook.bin", "mimetype"} & set(archive.namelist()):
                return ()
            return _tables_in(archive)


def _tables_in(archive: zipfile.ZipFile) -> tuple[str, ...]:
    found = [
        part
        for part in archive.infolist()
        if part.filename.lower().endswith(ENDINGS) and not part.filename.startswith("__MACOSX/")
    ]
    return tuple(one.filename for one in sorted(found, key=lambda one: -one.file_size))


def _member(archive: zipfile.ZipFile, wanted: str | None) -> str:
    """Return the file of an archive that holds the table: the largest, unless one was chosen."""
    tables = _tables_in(archive)
    if wanted is None and tables:
        return tables[0]
    if wanted in tables:
        return str(wanted)
    if not tables:
        raise UnreadableFile(
            say(
                "The archive holds no table. Known are {endings}.",
                "压缩包中没有表格文件，支持 {endings}。",
                endings=", ".join(ENDINGS),
            )
        )
    raise UnreadableFile(
        say(
            "There is no file {name} in the archive. There are: {names}.",
            "压缩包中没有文件 {name}，现有：{names}。",
            name=str(wanted)[:100],
            names=", ".join(tables[:20]),
        )
    )


def _kind_of(stream: BinaryIO, name: str) -> Kind:
    """Return what a file is by its content; only text is told apart by its name."""
    stream.seek(0)
    head = stream.read(4096)
    stream.seek(0)
    if not head.strip():
        raise UnreadableFile(say("The file is empty.", "文件为空。"))
    if head.startswith(_OLD_OFFICE):
        return "xls"
    if head.startswith(_ZIP):
        check_archive(stream)
        stream.seek(0)
        with zipfile.ZipFile(stream) as archive:
            kind: Kind = "xlsx" if any(n.startswith("xl/") for n in archive.namelist()) else "ods"
        stream.seek(0)
        return kind
    if head.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"Rar!", b"7z\xbc\xaf")):
        raise UnreadableFile(
            say(
                "This is no table. Known are {endings}, zipped or not.",
                "这不是表格文件，支持 {endings}，可压缩为 zip。",
                endings=", ".join(ENDINGS),
            )
        )
    if name.lower().endswith((".jsonl", ".ndjson")) or head.lstrip(b"\xef\xbb\xbf \r\n").startswith(
        b"{"
    ):
        return "jsonl"
    return "csv"
