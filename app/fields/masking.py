"""What a role sees of a value that is masked for it: in SQL, and the same in Python.

A hidden run is always four stars, so that they do not tell its length.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

#: What is seen of a value of which nothing is shown.
HIDDEN = "****"

#: The words `mask:` takes: which part is hidden.
MASKS = ("middle", "first", "last", "all")

_HIDDEN_SQL = sa.literal(HIDDEN, sa.Text(), literal_execute=True)

Expression = sa.ColumnElement[Any]


def hide(column: Expression) -> Expression:
    """Return the SQL that hides a value of any kind whole; empty stays empty."""
    return sa.case((column.is_(None), sa.null()), else_=_HIDDEN_SQL)


def hide_text(column: Expression, mask: str) -> Expression:
    """Return the SQL of a text with the part *mask* names hidden; see `hidden_text`."""
    length = sa.func.char_length(column)
    start, end = _shown_sql(length, mask)
    shown = sa.func.left(column, start).concat(_HIDDEN_SQL).concat(sa.func.right(column, end))
    return sa.case(
        (column.is_(None), sa.null()),
        (start + end >= length, _HIDDEN_SQL),
        else_=shown,
    )


def hidden_text(text: str, mask: str) -> str:
    """Return *text* with its ``middle``, ``first`` or ``last`` part hidden, or ``all`` of it.

    Shown is a quarter of the signs at the end that stays, four at the most. With a hidden middle it
    is a quarter at either end, or three and four where there are eleven signs or more:
    ``138****6021``.
    """
    start, end = _shown(len(text), mask)
    if start + end >= len(text):
        return HIDDEN
    return text[:start] + HIDDEN + (text[-end:] if end else "")


def _shown(length: int, mask: str) -> tuple[int, int]:
    quarter = min(length // 4, 4)
    if mask == "first":
        return 0, quarter
    if mask == "last":
        return quarter, 0
    if mask == "middle":
        return (3, 4) if length >= 11 else (length // 4, length // 4)
    return 0, 0


def _shown_sql(length: Expression, mask: str) -> tuple[Expression, Expression]:
    none, three, four, eleven = (sa.literal(n, literal_execute=True) for n in (0, 3, 4, 11))
    # `//` of two whole numbers stays whole; `/` would make a fraction of it.
    quarter: Expression = length // four
    if mask == "first":
        return none, sa.func.least(quarter, four)
    if mask == "last":
        return sa.func.least(quarter, four), none
    if mask == "middle":
        is_long = length >= eleven
        return sa.case((is_long, three), else_=quarter), sa.case((is_long, four), else_=quarter)
    return none, none
