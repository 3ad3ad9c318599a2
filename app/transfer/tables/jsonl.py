"""Records as lines of JSON: the columns are the keys of the first lines, in their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import orjson

from app.texts import say
from app.transfer.tables.found import (
    LONGEST_VALUE,
    LOOKED_AT,
    MOST_COLUMNS,
    BadCell,
    UnreadableFile,
    too_long,
)

_LONGEST_LINE = 16_000_000


def json_rows(stream: BinaryIO) -> Iterator[tuple[int, Sequence[Any]]]:
    """Yield the headings as row 0, then a row for each line.

    A value within a value has a dotted heading: ``address.city``. Lists stay lists.

    Raises:
        UnreadableFile: a line is no JSON object.
    """
    stream.seek(0)
    first: list[tuple[int, dict[str, Any]]] = []
    lines = _objects(stream)
    for number, record in lines:
        first.append((number, record))
        if len(first) == LOOKED_AT:
            break
    columns = list(dict.fromkeys(name for _, record in first for name in record))[:MOST_COLUMNS]
    yield 0, columns
    for number, record in first:
        yield number, [record.get(name) for name in columns]
    for number, record in lines:
        others = [name for name in record if name not in columns]
        yield number, [*(record.get(name) for name in columns), *(record[name] for name in others)]


def _objects(stream: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(_lines(stream), start=1):
        text = line.removeprefix(b"\xef\xbb\xbf").strip()
        if not text:
            continue
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise _no_record(number) from error
        if not isinstance(value, dict):
            raise _no_record(number)
        yield number, dict(_flat(value))


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    number = 0
    while line := stream.readline(_LONGEST_LINE + 1):
        number += 1
        if len(line) > _LONGEST_LINE:
            raise UnreadableFile(
                say(
                    "Line {line} is longer than {most} MB.",
                    "第 {line} 行超过 {most} MB。",
                    line=number,
                    most=_LONGEST_LINE // 1_000_000,
                )
            )
        yield line


def _flat(value: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, dict) and before.count(".") < 2:
            yield from _flat(inner, f"{before}{name}.")
        else:
            is_long = isinstance(inner, str) and len(inner) > LONGEST_VALUE
            if is_long:
                yield f"{before}{name}", BadCell(str(inner)[:100], too_long())
            else:
                yield f"{before}{name}", None if inner == "" else inner


def _no_record(number: int) -> UnreadableFile:
    return UnreadableFile(
        say(
            "Line {line} is no record; each line holds one, as `{example}`.",
            "第 {line} 行不是记录；每行应为一条，如 {example}。",
            line=number,
            example='{"name": "Acme"}',
        )
    )
