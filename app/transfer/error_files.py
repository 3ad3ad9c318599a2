"""Rows that were left out, as a file like the one they came in, with the reasons behind.

Mended, the file can be imported just so: the column of reasons goes nowhere.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import IO, Any

from app.texts import Label, say
from app.transfer.workbooks import write_workbook

WHY = say("Why it was left out", "未导入的原因")


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
    """Write the file; return its ending: workbooks come back as workbooks, all else as CSV."""
    rows = ([*cells, reasons_text(reasons, language)] for _, cells, reasons in faults)
    first = [*headings, WHY.in_language(language)]
    if kind in ("xlsx", "xls", "ods"):
        write_workbook(target, first, rows)
        return "xlsx"
    text = io.TextIOWrapper(target, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(first)
    writer.writerows(rows)
    text.detach()
    return "csv"
