"""A chunk of rows by its columns: what comes again in one is cleaned, or read, once.

Knows neither fields nor rows that are refused; see `rows`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from app.transfer.cell_texts import plain
from app.transfer.tables import Row

#: Passes items on, and after so many of them gives others a turn.
Turns = Callable[[Iterable[Any], int], Iterable[Any]]
Column = Sequence[Any]
#: After so many cells others may have a turn: a millisecond or two.
_CELLS = 500
_TEXTS = frozenset({str, type(None)})


def straight_on(items: Iterable[Any], _each: int) -> Iterable[Any]:
    """Pass items on, and give nobody a turn."""
    return items


def columns_of(rows: Sequence[Row], width: int) -> list[Column]:
    """Return the columns of some rows, cells as a person would type them."""
    if not rows:
        return [()] * width
    columns = zip(*[row.values for row in rows], strict=True)
    return [one if _TEXTS.issuperset(map(type, one)) else list(map(plain, one)) for one in columns]


def each_once(make: Callable[[Any], Any], column: Column, turns: Turns) -> list[Any]:
    """Return what *make* makes of the values of a column; of texts that are alike once."""
    if not _TEXTS.issuperset(map(type, column)):
        return [make(value) for value in turns(column, _CELLS)]
    made: dict[Any, Any] = dict.fromkeys(column)
    for value in turns(made, _CELLS):
        made[value] = make(value)
    return list(map(made.__getitem__, column))


def filled(names: Sequence[str], cells: Iterable[Any]) -> dict[str, Any]:
    """Return the cells that hold something, by name."""
    return {name: cell for name, cell in zip(names, cells, strict=True) if cell is not None}


def over(first: Column | None, last: Column) -> Column:
    """Return a column, with what stood there first where it holds nothing."""
    if first is None:
        return last
    return [one if one is not None else before for before, one in zip(first, last, strict=True)]
