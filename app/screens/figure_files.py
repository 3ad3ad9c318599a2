"""A dashboard as a workbook: its single figures on a sheet, each table and chart on one of its own.

It holds what the page shows, over the same records and for the same people, as numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import Any

from flask import Response, request, send_file

from app.records.figure_results import Answer, Looked, Number
from app.screens.card_shapes import Card
from app.screens.figure_cards import card_of
from app.screens.figure_words import period_words
from app.screens.visit import Visit
from app.transfer.sheets import FORMS
from app.transfer.workbooks import WorkbookWriter

_IN_MEMORY = 4 * 2**20


def dashboard_workbook(visit: Visit, looked: Looked) -> Response:
    """Return the figures of a dashboard as a workbook; who took them along is noted."""
    target = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - It is given away open.
    title = visit.words(looked.dashboard.label)
    cards = [(card_of(visit, number, one), one) for number, one in looked.answers.items()]
    with WorkbookWriter(target) as book:
        _tiles(visit, book, title, [(card, one) for card, one in cards if card.is_tile], looked)
        count = sum(_table(visit, book, card, one) for card, one in cards if not card.is_tile)
    visit.core.exports.note_figures(
        visit.principal, looked.dashboard.name, count, request.remote_addr
    )
    target.seek(0)
    answer = send_file(
        target,
        mimetype=FORMS["xlsx"][0],
        as_attachment=True,
        download_name=f"{title} {visit.look.now:%Y-%m-%d}.xlsx",
    )
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _tiles(
    visit: Visit,
    book: WorkbookWriter,
    title: str,
    tiles: Sequence[tuple[Card, Answer]],
    looked: Looked,
) -> None:
    say = visit.wording.say
    heads = [say("Figure"), say("Value"), say("Before"), say("Target"), say("Period")]
    rows = [
        (
            card.label,
            card.refused or _number(one.value),
            _number(one.before),
            _number(one.target.first if one.target else None),
            period_words(one.span or looked.span, visit.wording),
        )
        for card, one in tiles
    ]
    sheet = book.begin(title, heads)
    if rows:
        book.add(sheet, list(zip(*rows, strict=True)))


def _table(visit: Visit, book: WorkbookWriter, card: Card, answer: Answer) -> int:
    """Add the rows of one figure; return how many there are."""
    if card.refused or card.empty or not card.lines:
        # What lists records is exported from its list.
        return 0
    say = visit.wording.say
    unit = card.heads[0] if card.heads else say("Value")
    columns: list[tuple[str, list[Any]]] = [
        (card.label, [line.label for line in card.lines]),
        (unit, [_number(row.value) for row in answer.rows]),
    ]
    if card.has_also:
        also = card.heads[1] if len(card.heads) > 1 else say("Also")
        columns.append((also, [_number(row.also) for row in answer.rows]))
    if answer.before_span is not None:
        columns.append((say("Before"), [_number(row.before) for row in answer.rows]))
    targets = [_number(row.target.first if row.target else None) for row in answer.rows]
    if any(one is not None for one in targets):
        columns.append((say("Target"), targets))
    sheet = book.begin(card.label, [head for head, _ in columns])
    book.add(sheet, [cells for _, cells in columns])
    return len(card.lines)


def _number(value: Number) -> Any:
    """Return a figure as a cell: averages have more digits than anybody reads."""
    return round(value, 4) if isinstance(value, Decimal) else value
