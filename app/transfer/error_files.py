"""Rows that were left out, as a file of the format they came in, with the reasons behind.

Mended, the file can be imported just so: the columns with the row's number and the reasons go
nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import IO, Any

from app.texts import Label, say
from app.transfer.sheets import CSVSheets, JSONSheets, Sheets
from app.transfer.workbooks import write_workbook

WHY = say("Why it was left out", "未导入的原因")
ROW = say("Row in the file", "文件中的行号")
#: Headings that are ours and lead to no field.
OWN = frozenset(text for label in (WHY, ROW) for text in label)
_BLOCK = 1_000


def reasons_text(reasons: Iterable[dict[str, Any]], language: str) -> str:
    """Return why a row was left out, in one cell."""
    parts = []
    for one in reasons:
        sentence = Label(one["say"]).in_language(language)
        parts.append(f"{one['column']}: {sentence}" if one["column"] else sentence)
    return " ".join(parts)


def write_errors(
    target: IO[bytes],
    kind: str,
    headings: Sequence[str],
    faults: Iterable[tuple[int, list[Any], Any]],
    language: str,
) -> str:
    """Write the file; return its ending. Old and open workbooks come back as ``.xlsx``."""
    kept = [place for place, one in enumerate(headings) if one not in OWN]
    rows = (
        [*(cells[place] for place in kept), number, reasons_text(reasons, language)]
        for number, cells, reasons in faults
    )
    first = [*(headings[place] for place in kept), ROW.in_language(language)]
    first.append(WHY.in_language(language))
    if kind in ("xlsx", "xls", "ods"):
        write_workbook(target, first, rows)
        return "xlsx"
    made: Sheets = JSONSheets(target) if kind == "jsonl" else CSVSheets(target)
    with made as sheets:
        table = sheets.begin("", first, first)
        while block := list(islice(rows, _BLOCK)):
            sheets.add(table, list(zip(*block, strict=True)))
    return "jsonl" if kind == "jsonl" else "csv"
