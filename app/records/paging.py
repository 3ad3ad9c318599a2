"""Where a page begins and ends: cursors, and the conditions that continue behind one.

A page is found by the values of its last row, never by counting rows. Empty values sort last in
both directions, so a list that is continued is a union of branches, each of which an index can
walk; a condition with ``OR`` would have it read everything (docs/decisions).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from app.errors import Malformed
from app.texts import say


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page (or its first, for the page before): sort values as text, and id."""

    values: tuple[str | None, ...]
    id: int

    @property
    def empties(self) -> tuple[bool, ...]:
        """Say for each sort value whether it is empty; this is a part of the statement's shape."""
        return tuple(value is None for value in self.values)

    def parameters(self) -> dict[str, Any]:
        """Return the values by the names that `branches` binds."""
        named: dict[str, Any] = {f"after_{n}_is": value for n, value in enumerate(self.values)}
        named["after_id"] = self.id
        return named


class Cursors:
    """Writes and reads the opaque text of a cursor.

    It carries a keyed digest over what it was made for (the entity and the sort), so that one that
    was invented or belongs to another list is refused.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.blake2b(secret, digest_size=32, person=b"trellis-cursor").digest()

    def write(self, list_key: str, cursor: Cursor) -> str:
        """Return the text that stands for *cursor* in the list *list_key*."""
        body = orjson.dumps([*cursor.values, cursor.id])
        return base64.urlsafe_b64encode(self._digest(list_key, body) + body).decode().rstrip("=")

    def read(self, list_key: str, text: str, size: int) -> Cursor:
        """Return the cursor that *text* stands for.

        Raises:
            Malformed: it was not made by `write` for this very list.
        """
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            digest, body = raw[:9], raw[9:]
            if not hmac.compare_digest(digest, self._digest(list_key, body)):
                raise _not_a_cursor()
            *values, last = orjson.loads(body)
        except (ValueError, TypeError) as error:
            raise _not_a_cursor() from error
        if len(values) != size:
            raise _not_a_cursor()
        return Cursor(tuple(values), last)

    def _digest(self, list_key: str, body: bytes) -> bytes:
        return hashlib.blake2b(
            list_key.encode() + b"\0" + body, digest_size=9, key=self._key
        ).digest()


def _not_a_cursor() -> Malformed:
    return Malformed(
        say(
            "This is not a place in this list. Take `after` from the answer before, "
            "with the same sort.",
            "这不是该列表中的位置。请使用上一次返回的 after，且排序保持不变。",
        )
    )


@dataclass(frozen=True, slots=True)
class SortColumn:
    """One column a list is sorted by."""

    expression: sa.ColumnElement[Any]
    descending: bool = False
    #: It may be empty; the id never is.
    nullable: bool = True

    def ordered(self, *, backward: bool) -> sa.ColumnElement[Any]:
        """Return the ORDER BY of this column: empty values last, first when read backward."""
        one = self.expression.desc() if self.descending != backward else self.expression.asc()
        if not self.nullable:
            return one
        return one.nulls_first() if backward else one.nulls_last()


@dataclass(frozen=True, slots=True)
class Branch:
    """A part of a list that an index can walk on its own."""

    conditions: tuple[sa.ColumnElement[bool], ...]
    order: tuple[sa.ColumnElement[Any], ...]


def order_of(columns: Sequence[SortColumn], *, backward: bool = False) -> tuple[Any, ...]:
    """Return the whole ORDER BY."""
    return tuple(column.ordered(backward=backward) for column in columns)


def branches(
    columns: Sequence[SortColumn],
    empties: Sequence[bool] | None = None,
    *,
    backward: bool = False,
) -> list[Branch]:
    """Return the branches whose union is the list, or what is left of it behind a cursor.

    They come in the order of the list: no row of one comes before any row of the branch before it.
    *columns* end with the id. *empties* says which of the cursor's values are empty; None is the
    first page. Values are bound as text under ``after_0_is`` … and ``after_id`` and cast to the
    column's type, as the cursor holds them.
    """
    if empties is None:
        return _opened(columns, (), backward=backward)
    if _is_one_direction(columns) and len(columns) == 2 and not empties[0]:
        return _behind_a_value(columns, backward=backward)
    found: list[Branch] = []
    # What agrees with the cursor in more of the columns comes sooner.
    for position in reversed(range(len(columns))):
        equal = tuple(_equal(columns[n], n, empty=empties[n]) for n in range(position))
        found.extend(_beyond(columns, position, equal, empties, backward=backward))
    return found


def _behind_a_value(columns: Sequence[SortColumn], *, backward: bool) -> list[Branch]:
    """One column and the id, both in one direction: a row comparison is one walk of an index."""
    first, last = columns
    pair = sa.tuple_(first.expression, last.expression)
    bound = sa.tuple_(_bound(first, 0), _bound_id())
    further = pair < bound if first.descending != backward else pair > bound
    found = [Branch((further,), _order_without_empties(columns, backward=backward))]
    if first.nullable and not backward:
        found.append(_all_empty(columns, backward=backward))
    return found


def _beyond(
    columns: Sequence[SortColumn],
    position: int,
    equal: tuple[sa.ColumnElement[bool], ...],
    empties: Sequence[bool],
    *,
    backward: bool,
) -> list[Branch]:
    """Rows that agree with the cursor before *position* and lie behind it there."""
    column = columns[position]
    is_id = position == len(columns) - 1
    order = order_of(columns, backward=backward)
    if not is_id and empties[position]:
        # Nothing is behind empty; before it is everything that is not.
        return [Branch((*equal, column.expression.is_not(None)), order)] if backward else []
    bound = _bound_id() if is_id else _bound(column, position)
    further = (
        column.expression < bound if column.descending != backward else column.expression > bound
    )
    found = [Branch((*equal, further), order)]
    if column.nullable and not is_id and not backward:
        found.append(Branch((*equal, column.expression.is_(None)), order))
    return found


def _opened(
    columns: Sequence[SortColumn], equal: tuple[sa.ColumnElement[bool], ...], *, backward: bool
) -> list[Branch]:
    first = columns[0]
    if first.nullable and first.descending and len(columns) == 2:
        # A plain index holds empty values last in ascending order: two walks of it give them last
        # in descending order as well.
        filled = Branch(
            (*equal, first.expression.is_not(None)),
            _order_without_empties(columns, backward=backward),
        )
        empty = _all_empty(columns, backward=backward)
        return [empty, filled] if backward else [filled, empty]
    return [Branch(equal, order_of(columns, backward=backward))]


def _all_empty(columns: Sequence[SortColumn], *, backward: bool) -> Branch:
    return Branch(
        (columns[0].expression.is_(None),), _order_without_empties(columns, backward=backward)
    )


def _order_without_empties(columns: Sequence[SortColumn], *, backward: bool) -> tuple[Any, ...]:
    """Within a branch the first column is never, or always, empty: say nothing of empty values."""
    return tuple(
        column.expression.desc() if column.descending != backward else column.expression.asc()
        for column in columns
    )


def _equal(column: SortColumn, number: int, *, empty: bool) -> sa.ColumnElement[bool]:
    if empty:
        return column.expression.is_(None)
    return column.expression == _bound(column, number)


def _bound(column: SortColumn, number: int) -> sa.ColumnElement[Any]:
    return sa.cast(sa.bindparam(f"after_{number}_is", type_=sa.Text), column.expression.type)


def _bound_id() -> sa.ColumnElement[Any]:
    return sa.bindparam("after_id", type_=sa.BigInteger)


def _is_one_direction(columns: Sequence[SortColumn]) -> bool:
    return len({column.descending for column in columns}) == 1
