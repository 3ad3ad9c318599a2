"""Text files of values: their encoding and delimiter, and their rows."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, BinaryIO

from app.texts import say
from app.transfer.tables.found import (
    LONGEST_VALUE,
    LOOKED_AT,
    MOST_COLUMNS,
    UnreadableFile,
    too_long,
)

#: Encodings a person may choose; what is found by itself is among them.
ENCODINGS = ("utf-8", "utf-16", "gb18030", "cp1252", "big5", "shift_jis")
DELIMITERS = (",", ";", "\t", "|")
QUOTES = ('"', "'", "none")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PART = 1 << 20
#: Signs before which a CSV for people has an apostrophe.
_GUARDED = frozenset("=+-@\t\r\n＝＋－＠")
#: The bytes of letters beyond ASCII, and how many of them make a line tell its encoding.
_HIGH = bytes(range(0x80, 0x100))
_TELLING = 6


def find_encoding(stream: BinaryIO) -> tuple[str, bool]:
    """Return the encoding of a text, and whether that is sure.

    A mark at the beginning says it; UTF-8 is never valid by chance. Of the others, Chinese text has
    two high bytes for each character, where a Western one has single ones among ASCII.
    """
    stream.seek(0)
    head = stream.read(_PART)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, True
    zeros = head[:4096].count(0)
    if zeros > len(head[:4096]) // 5:
        # Every second byte of Latin text is zero: the first of two in big endian.
        first = sum(byte == 0 for byte in head[:4096:2])
        return ("utf-16-be" if first * 2 > zeros else "utf-16-le"), False
    stream.seek(0)
    if _decodes(stream, "utf-8"):
        return "utf-8", True
    _refuse_mixed(stream)
    stream.seek(0)
    if _pairs(head) >= 0.6 and _decodes(stream, "gb18030"):
        return "gb18030", False
    return "cp1252", False


def _refuse_mixed(stream: BinaryIO) -> None:
    """Refuse a text some of whose lines are UTF-8 and others are not.

    Only lines with several letters beyond ASCII tell; few such lines are UTF-8 by chance.
    """
    stream.seek(0)
    utf8: int | None = None
    other: int | None = None
    for number, line in enumerate(stream, start=1):
        if len(line) - len(line.translate(None, _HIGH)) < _TELLING:
            continue
        try:
            line.decode("utf-8")
            utf8 = utf8 or number
        except UnicodeDecodeError:
            other = other or number
        if utf8 and other:
            raise UnreadableFile(
                say(
                    "Line {one} is in UTF-8, line {other} is not. Save the file in one encoding.",
                    "第 {one} 行是 UTF-8 编码，第 {other} 行不是。请用同一种编码保存文件。",
                    one=utf8,
                    other=other,
                )
            )


def _decodes(stream: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with suppress(UnicodeDecodeError):
        while part := stream.read(_PART):
            decoder.decode(part)
        decoder.decode(b"", final=True)
        return True
    return False


def _pairs(head: bytes) -> float:
    """Return which share of the high bytes stand in pairs as GB 2312 writes a character."""
    place = high = paired = 0
    while place < len(head):
        if head[place] < 0x80:
            place += 1
            continue
        if place + 1 < len(head) and head[place] >= 0xA1 and head[place + 1] >= 0xA1:
            high, paired, place = high + 2, paired + 2, place + 2
        else:
            high, place = high + 1, place + 1
    return paired / high if high else 0.0


def find_delimiter(stream: BinaryIO, encoding: str) -> str:
    """Return what stands between the values: whatever cuts most rows into equally many."""
    lines = _first_lines(stream, encoding)
    best, score = ",", 0.0
    csv.field_size_limit(LONGEST_VALUE)
    for delimiter in DELIMITERS:
        widths = _widths(lines, delimiter)
        if not widths:
            continue
        usual = max(set(widths), key=widths.count)
        found = (usual > 1) * widths.count(usual) / len(widths) * min(usual, 20) ** 0.25
        if found > score:
            best, score = delimiter, found
    return best


def _widths(lines: list[str], delimiter: str) -> list[int]:
    """Return how many values each line has, up to one that cannot be cut."""
    widths: list[int] = []
    with suppress(csv.Error):
        widths.extend(len(row) for row in csv.reader(lines, delimiter=delimiter) if row)
    return widths


def find_quote(stream: BinaryIO, encoding: str, delimiter: str) -> str:
    """Return what stands around values: an apostrophe only where every heading has one."""
    lines = [line.strip() for line in _first_lines(stream, encoding) if line.strip()]
    heads = next(csv.reader(lines[:1], delimiter=delimiter, quotechar="'"), [])
    # Cut so, and written again with apostrophes, it is what it was.
    again = delimiter.join("'" + one.replace("'", "''") + "'" for one in heads)
    return "'" if heads and lines[0] == again else '"'


def _first_lines(stream: BinaryIO, encoding: str) -> list[str]:
    stream.seek(0)
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(stream.read(_PART))
    return text.splitlines(keepends=True)[:LOOKED_AT]


def text_rows(
    stream: BinaryIO, encoding: str, delimiter: str, quote: str = '"'
) -> Iterator[tuple[int, Sequence[Any]]]:
    """Yield the rows with the number of the line each begins at; empty values are None.

    Raises:
        UnreadableFile: a quotation mark is never closed, or a letter is not of the encoding.
    """
    stream.seek(0)
    text = io.TextIOWrapper(stream, encoding=encoding, newline="")
    csv.field_size_limit(LONGEST_VALUE)
    if quote == "none":
        # Then a quotation mark is a sign like others.
        reader = csv.reader(text, delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=True)
    else:
        reader = csv.reader(text, delimiter=delimiter, quotechar=quote, strict=True)
    begins = 1
    try:
        for values in reader:
            if len(values) > MOST_COLUMNS:
                raise _too_wide(begins)
            # Most begin with a letter, and need no closer look.
            yield (
                begins,
                [
                    value if value > "(" and not value.isspace() else _value(value)
                    for value in values
                ],
            )
            begins = reader.line_num + 1
    except csv.Error as error:
        if "field limit" in str(error):
            sentence = say(
                "Line {line}: {what}", "第 {line} 行：{what}", line=begins, what=too_long()
            )
            raise UnreadableFile(sentence) from error
        raise UnreadableFile(
            say(
                "From line {line} on the file cannot be cut into values. Is a quotation mark not "
                "closed there?",
                "从第 {line} 行起无法拆分为列，该处的引号是否未闭合？",
                line=begins,
            )
        ) from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            say(
                "After line {line} there are letters that are not in the encoding {encoding}. "
                "Choose another one.",
                "第 {line} 行之后有不属于编码 {encoding} 的字符，请选择其他编码。",
                line=begins,
                encoding=encoding,
            )
        ) from error
    finally:
        # The stream is not ours to close.
        text.detach()


def _value(text: str) -> str | None:
    """Return a value, without the apostrophe that an export puts before what may be a formula."""
    if text[:1] == "'" and text[1:2] in _GUARDED:
        return text[1:]
    return text if text.strip() else None


def _too_wide(line: int) -> UnreadableFile:
    return UnreadableFile(
        say(
            "Line {line} has more than {most} columns.",
            "第 {line} 行超过 {most} 列。",
            line=line,
            most=MOST_COLUMNS,
        )
    )
