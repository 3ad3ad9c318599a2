"""The columns of a board and the days of a calendar: the first records of each, in one statement.

Each is a list of its own, in the order of the list it is made of, so that a cursor of it continues
in that list. How many there are and what they add up to is `aggregate`; nothing here decides how a
card looks or where it may go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from app.access.principal import Principal
from app.records import finding
from app.records.context import ReadContext
from app.records.listing import Listing, Shape
from app.records.paging import SortColumn
from app.records.planning import Compiled, Desk, Question, continued
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

    def lanes(self) -> sa.TableValuedAlias:
        """Return the lanes as rows: what each is called in ``id``."""
        kind = self.narrowed.source.value(self._by).type
        bound = sa.bindparam("lanes", type_=sa.ARRAY(kind))
        return sa.func.unnest(bound).table_valued(sa.column("id", kind), name="o").render_derived()

    def in_lane(self, lanes: sa.TableValuedAlias) -> sa.ColumnElement[bool]:
        """Return that a row belongs to a lane."""
        return self.narrowed.source.value(self._by) == lanes.c.id

    def _page(self, columns: list[SortColumn]) -> sa.Select[Any]:
        """Return the first ids of each lane, beside the lane's value."""
        lanes = self.lanes()
        conditions = [*self.narrowed.filters(), self.narrowed.rule(), self.in_lane(lanes)]
        parts = [part.correlate(lanes) for part in self._branches(columns, conditions)]
        each = self._merged(parts, columns).lateral("k")
        return sa.select(*each.c, lanes.c.id.label("lane")).select_from(lanes.join(each, sa.true()))

    def _rows(self, page: sa.Subquery, columns: Sequence[SortColumn]) -> sa.Select[Any]:
        return super()._rows(page, columns).add_columns(page.c.lane.label(_LANE))


class DayListing(LaneListing):
    """A list that begins anew for each of some days, each from its beginning to its end.

    With a second field a row belongs to every lane that any time between the two falls into; with
    one of them empty, to that of the other.
    """

    def __init__(self, context: ReadContext, shape: Shape, by: str, until: str | None) -> None:
        self._until = until
        if until is not None:
            field_of(context, shape.narrowing.entity, until)
        super().__init__(context, shape, by)

    def lanes(self) -> sa.TableValuedAlias:
        """Return the days as rows: the beginning of each, and its end, which is outside."""
        kind = self.narrowed.source.value(self._by).type
        named = [sa.bindparam(name, type_=sa.ARRAY(kind)) for name in ("lanes", "lane_ends")]
        columns = (sa.column("id", kind), sa.column("end", kind))
        return sa.func.unnest(*named).table_valued(*columns, name="o").render_derived()

    def in_lane(self, lanes: sa.TableValuedAlias) -> sa.ColumnElement[bool]:
        """Return that a row begins in a lane, or is under way in it."""
        begins = self.narrowed.source.value(self._by)
        if self._until is None:
            return sa.and_(begins >= lanes.c.id, begins < lanes.c.end)
        ends = self.narrowed.source.value(self._until)
        return sa.and_(
            sa.func.coalesce(begins, ends) < lanes.c.end,
            sa.func.coalesce(ends, begins) >= lanes.c.id,
        )


class RootListing(LaneListing):
    """The rows that have none above them, or none that the asker may see: one lane."""

    def in_lane(self, lanes: sa.TableValuedAlias) -> sa.ColumnElement[bool]:
        """Return that there is nothing above a row."""
        entity, context = self.shape.narrowing.entity, self._context
        above, link = context.table(entity, "above"), self.narrowed.source.value(self._by)
        seen: sa.Select[Any] = (
            sa.select(sa.literal_column("1"))
            .select_from(above)
            .where(above.c.id == link, *context.living(above), context.rows(entity, above))
            .correlate(self.narrowed.table)
        )
        return sa.and_(lanes.c.id == 0, sa.or_(link.is_(None), sa.not_(sa.exists(seen))))


@dataclass(frozen=True, slots=True)
class Roots:
    """The one lane of records that have nothing above them by a link."""

    by: str


@dataclass(frozen=True, slots=True)
class Values:
    """A lane for each of some values of a field."""

    by: str
    #: options of a choice, or numbers of linked records
    values: tuple[str, ...] | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Days:
    """Stretches of time to fill: where each begins and, outside of it, where it ends."""

    by: str
    begin: tuple[date, ...] | tuple[datetime, ...]
    end: tuple[date, ...] | tuple[datetime, ...]
    #: the field that holds the end, where records last
    until: str | None = None


Lanes = Values | Days | Roots


class Boards:
    """Reads boards for whoever asks."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        # They live as long as their desk, which ends with its release.
        self._compiled: WeakKeyDictionary[Desk, Callable[..., Compiled[Any]]] = WeakKeyDictionary()

    def look(
        self,
        principal: Principal,
        question: Question,
        lanes: Lanes,
        *,
        where: Mapping[str, Any],
        words: finding.Wanted | None,
        limit: int,
        after: str | None = None,
    ) -> dict[Any, Page]:
        """Return the first page of each lane; lanes without records are left out.

        *after* continues behind a page's ``next``; it goes with a single lane.

        Raises:
            Malformed: a name or condition cannot be read.
            Forbidden: the asker may not read the field.
        """
        desk = self._reader.desk(principal)
        plan = self._reader.plan(desk, principal, question)
        place = self._reader.pager.place(plan, limit, after, None)
        shape = plan.shape
        if place.cursor is not None:
            shape = continued(shape, place.cursor.empties, backward=False)
        compiled = self._for(desk)(
            shape, type(lanes), lanes.by, lanes.until if isinstance(lanes, Days) else None
        )
        values = self._reader.bound(desk, principal, compiled, plan.narrowing, where)
        values |= {"limit": limit + 1, **_bound(lanes)}
        if place.cursor is not None:
            values.update(place.cursor.parameters())
        if words is not None:
            values.update(words.parameters)
        rows = self._reader.runner.rows_prepared(compiled.statement, values)
        return self._reader.pager.lane_pages(desk, plan, rows, limit, _LANE)

    def _for(self, desk: Desk) -> Callable[..., Compiled[Any]]:
        found = self._compiled.get(desk)
        if found is not None:
            return found

        @lru_cache(_MOST)
        def compiled(shape: Shape, kind: type, by: str, until: str | None) -> Compiled[Any]:
            context = desk.context
            if kind is Days:
                listing: LaneListing = DayListing(context, shape, by, until)
            else:
                listing = (RootListing if kind is Roots else LaneListing)(context, shape, by)
            return Compiled(listing.statement, listing.narrowed.readers())

        self._compiled[desk] = compiled
        return compiled


def _bound(lanes: Lanes) -> dict[str, Any]:
    """Return what is bound for the lanes themselves."""
    if isinstance(lanes, Days):
        return {"lanes": list(lanes.begin), "lane_ends": list(lanes.end)}
    return {"lanes": list(lanes.values) if isinstance(lanes, Values) else [0]}
