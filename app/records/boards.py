"""The columns of a board: of each option of a field the first records, all in one statement.

Each column is a list of its own, in the order of the list the board is of, so that a cursor of it
continues in that list. How many there are and what they add up to is `aggregate`; nothing here
decides how a card looks or where it may go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from app.access.principal import Principal
from app.records import finding
from app.records.context import ReadContext
from app.records.listing import Listing, Shape
from app.records.paging import SortColumn
from app.records.planning import Compiled, Desk, Question
from app.records.reading import Reader
from app.records.refusals import field_of
from app.records.results import Page

#: boards compiled for each desk
_MOST = 64
_LANE = "lane:"


class LaneListing(Listing):
    """A list that begins anew for each value of a field."""

    def __init__(self, context: ReadContext, shape: Shape, by: str) -> None:
        field_of(context, shape.narrowing.entity, by)
        self._by = by
        super().__init__(context, shape)

    def _page(self, columns: list[SortColumn]) -> sa.Select[Any]:
        """Return the first ids of each lane, beside the lane's value."""
        value = self.narrowed.source.value(self._by)
        bound = sa.bindparam("lanes", type_=sa.ARRAY(value.type))
        lanes = sa.func.unnest(bound).table_valued(sa.column("id", value.type), name="o")
        lanes = lanes.render_derived()
        conditions = [*self.narrowed.filters(), self.narrowed.rule(), value == lanes.c.id]
        parts = [part.correlate(lanes) for part in self._branches(columns, conditions)]
        each = self._merged(parts, columns).lateral("k")
        return sa.select(*each.c, lanes.c.id.label("lane")).select_from(lanes.join(each, sa.true()))

    def _rows(self, page: sa.Subquery, columns: Sequence[SortColumn]) -> sa.Select[Any]:
        return super()._rows(page, columns).add_columns(page.c.lane.label(_LANE))


class Boards:
    """Reads boards for whoever asks."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        # They live as long as their desk, which ends with its release.
        self._compiled: WeakKeyDictionary[Desk, Callable[[Shape, str], Compiled[Any]]]
        self._compiled = WeakKeyDictionary()

    def look(
        self,
        principal: Principal,
        question: Question,
        by: str,
        lanes: Sequence[str],
        *,
        where: Mapping[str, Any],
        words: finding.Wanted | None,
        limit: int,
    ) -> dict[str, Page]:
        """Return the first page of each lane; lanes without records are left out.

        Raises:
            Malformed: a name or condition cannot be read.
            Forbidden: the asker may not read the field.
        """
        desk = self._reader.desk(principal)
        plan = self._reader.plan(desk, principal, question)
        compiled = self._for(desk)(plan.shape, by)
        values = self._reader.bound(desk, principal, compiled, plan.narrowing, where)
        values |= {"limit": limit + 1, "lanes": list(lanes)}
        if words is not None:
            values.update(words.parameters)
        rows = self._reader.runner.rows_prepared(compiled.statement, values)
        return self._reader.pager.lane_pages(desk, plan, rows, limit, _LANE)

    def _for(self, desk: Desk) -> Callable[[Shape, str], Compiled[Any]]:
        found = self._compiled.get(desk)
        if found is not None:
            return found

        @lru_cache(_MOST)
        def compiled(shape: Shape, by: str) -> Compiled[Any]:
            listing = LaneListing(desk.context, shape, by)
            return Compiled(listing.statement, listing.narrowed.readers())

        self._compiled[desk] = compiled
        return compiled
