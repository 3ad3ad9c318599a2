"""Make a page of what a list statement gave: its rows, and where the pages beside it begin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.pq.abc import PGresult

from app.errors import Malformed
from app.fields.base import FieldType
from app.records.paging import Cursor, Cursors
from app.records.planning import Desk, Plan
from app.records.prepared import Rows
from app.records.results import Count, JSONPage, Page, Record
from app.records.select import link_columns
from app.texts import say


@dataclass(frozen=True, slots=True)
class Place:
    """Which page of a list is asked for."""

    limit: int
    #: the row it begins behind; None for the first page
    cursor: Cursor | None = None
    #: the page before the cursor instead of the one behind it
    backward: bool = False


class Pager:
    """Reads cursors and makes pages."""

    def __init__(self, secret: bytes) -> None:
        self._cursors = Cursors(secret)

    def place(self, plan: Plan, limit: int, after: str | None, before: str | None) -> Place:
        """Return which page is asked for.

        Raises:
            Malformed: a cursor is none of this list, or there are two.
        """
        if not after and not before:
            return Place(limit)
        if after and before:
            raise Malformed(
                say(
                    "`after` and `before` cannot be used together.",
                    "after 与 before 不能同时使用。",
                )
            )
        cursor = self._cursors.read(plan.list_key, after or before or "", plan.size)
        return Place(limit, cursor, bool(before))

    def json_page(
        self, plan: Plan, result: PGresult, place: Place, count: Count | None
    ) -> JSONPage:
        """Return the page as JSON: the rows as they came, with commas between."""
        rows, following, preceding = self._cut(plan, result, place, 1)
        take = result.get_value
        body = b",".join([take(row, 0) or b"null" for row in rows])
        return JSONPage(b"[" + body + b"]", following, preceding, count)

    def values_page(
        self,
        desk: Desk,
        plan: Plan,
        answer: Rows,
        place: Place,
        count: Count | None,
    ) -> Page:
        """Return the page as records."""
        names, values = answer.names, answer.values
        rows, following, preceding = self._cut(
            plan, answer.result, place, len(names) - plan.size - 1
        )
        build = record_builder(desk, plan.narrowing.entity, plan.shape.fields, names)
        found = [build(dict(zip(names, values[row], strict=True))) for row in rows]
        return Page(found, following, preceding, count)

    def lane_pages(
        self, desk: Desk, plan: Plan, answer: Rows, limit: int, lane: str
    ) -> dict[Any, Page]:
        """Return the first page of each lane of a board, by the value in the column *lane*."""
        names = answer.names
        at, first = names.index(lane), len(names) - plan.size - 2
        lanes: dict[Any, list[int]] = {}
        for number, values in enumerate(answer.values):
            lanes.setdefault(values[at], []).append(number)
        build = record_builder(desk, plan.narrowing.entity, plan.shape.fields, names)
        pages = {}
        for value, rows in lanes.items():
            shown = rows[:limit]
            found = [build(dict(zip(names, answer.values[row], strict=True))) for row in shown]
            more = len(rows) > limit
            following = self._at(plan, answer.result, shown[-1], first) if more else None
            pages[value] = Page(found, following, None, None)
        return pages

    def _cut(
        self, plan: Plan, result: PGresult, place: Place, first: int
    ) -> tuple[list[int], str | None, str | None]:
        """Return the result rows of the page, in order, and the cursors of its neighbours.

        *first* is the column with the first sort value.
        """
        number = result.ntuples
        has_more = number > place.limit
        rows = list(range(min(number, place.limit)))
        if not rows:
            return [], None, None
        came_from = place.cursor is not None
        if place.backward:
            rows.reverse()
        beyond, behind = (came_from, has_more) if place.backward else (has_more, came_from)
        return (
            rows,
            self._at(plan, result, rows[-1], first) if beyond else None,
            self._at(plan, result, rows[0], first) if behind else None,
        )

    def _at(self, plan: Plan, result: PGresult, row: int, first: int) -> str:
        texts = [result.get_value(row, first + number) for number in range(plan.size + 1)]
        values = tuple(None if text is None else bytes(text).decode() for text in texts[:-1])
        return self._cursors.write(plan.list_key, Cursor(values, int(texts[-1] or 0)))


def record_builder(
    desk: Desk, entity: str, names: Sequence[str], columns: Sequence[str]
) -> Callable[[Mapping[str, Any]], Record]:
    """Return what makes a `Record` of a row, with *columns*, that `Selector.values` gave."""
    fields = desk.context.entity(entity).fields
    masked = desk.policy.masked(entity)
    plain: list[tuple[str, Callable[[Mapping[str, Any]], Any] | None]] = []
    for name in names:
        one = fields[name.partition(".")[0]]
        if one.type.name == "lines":
            continue
        is_raw = one.name in masked or "." in name or one.type.name == "through"
        given = one.name if one.name in masked else name
        # Most types keep their value in one column as it is; those need no call.
        is_plain = is_raw or type(one.type).from_columns is FieldType.from_columns
        plain.append((given, None if is_plain else one.type.reader(one)))

    links = link_columns(columns)

    def build(row: Mapping[str, Any]) -> Record:
        values = {name: row[name] if read is None else read(row) for name, read in plain}
        titles = {name: row[column] for name, column in links}
        return Record(entity, row["id"], values, titles, row.get("version"), masked)

    return build
