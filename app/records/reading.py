"""Answer what somebody asks: pages of lists, single records, counts, titles.

The way of a page: understand the question once (`planning`), bind the values of this asker, run one
statement, hand the rows on. JSON rows pass through as the bytes PostgreSQL wrote.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.rows import dict_row

from app.access.policy import Policies, Policy
from app.access.principal import Principal
from app.access.sources import Release
from app.clock import Clock
from app.database.statements import Statement
from app.errors import Malformed, NotFound
from app.records import finding
from app.records.counting import guessed_rows
from app.records.listing import Narrowing, Shape
from app.records.paging import Cursor, Cursors
from app.records.planning import COUNT_CAP, Compiled, Desk, Names, Plan, Question, narrowed_first
from app.records.results import Count, JSONPage, JSONRecord, Page, Record
from app.records.running import Pools, Runner, TooSlow
from app.records.select import links_of
from app.texts import say

MOST_ROWS = 100
#: Smaller tables are read whole sooner than a fence would be reached.
FENCED_FROM = 50_000
#: Seconds for which the known sizes of tables are good.
_SIZES_FOR = 60.0

_sizes = Statement(
    sa.select(sa.column("relname"), sa.column("reltuples"))
    .select_from(sa.table("pg_class", schema="pg_catalog"))
    .where(sa.column("relnamespace") == sa.cast(sa.literal("crm"), sa.dialects.postgresql.REGCLASS))
)


class ReleaseDesks:
    """The desks of one release, one for each role set in use."""

    def __init__(self, release: Release) -> None:
        self.release = release
        self.policies = Policies(release.catalog)
        self._desks: dict[tuple[Policy, bool], Desk] = {}

    def of(self, principal: Principal) -> Desk:
        """Return the desk of the asker's roles."""
        key = (self.policies.of(principal), bool(principal.shared))
        desk = self._desks.get(key)
        if desk is None:
            desk = Desk(self.release, key[0], has_shares=key[1])
            if len(self._desks) >= Policies.most:
                self._desks.clear()
            self._desks[key] = desk
        return desk


class Reader:
    """The reading half of the one door."""

    def __init__(
        self, pools: Pools, release: Callable[[], Release], clock: Clock, secret: bytes
    ) -> None:
        """Take the pools, a way to the release that serves now, the clock, a key for cursors."""
        self._release = release
        self.runner = Runner(pools, clock)
        self._cursors = Cursors(secret)
        self._desks: ReleaseDesks | None = None
        self._sizes: dict[str, float] = {}
        self._sizes_until = 0.0
        self._lock = threading.Lock()

    def desk(self, principal: Principal) -> Desk:
        """Return what is compiled for the asker's roles under the release that serves now."""
        release = self._release()
        desks = self._desks
        if desks is None or desks.release is not release:
            desks = self._desks = ReleaseDesks(release)
        return desks.of(principal)

    # -- lists -------------------------------------------------------------------------------------

    def page(
        self,
        principal: Principal,
        question: Question,
        *,
        where: Mapping[str, Any],
        words: finding.Wanted | None,
        limit: int,
        after: str | None,
        before: str | None,
        count: str | None,
    ) -> JSONPage | Page:
        """Answer one page of a list, in the form the question asks for."""
        desk = self.desk(principal)
        plan = desk.plan(question)
        cursor = self._cursor(plan, after, before)
        shape = plan.shape
        if cursor is not None:
            shape = _continued(shape, cursor, backward=before is not None)
        given = {"limit": limit + 1}
        if cursor is not None:
            given.update(cursor.parameters())
        if words is not None:
            given.update(words.parameters)
        answer = self._list(desk, principal, shape, where, given)
        counted = self._count(desk, principal, plan.narrowing, where, words, count)
        if question.form == "values":
            return self._values_page(plan, answer, limit, cursor, before, counted, desk)
        return self._json_page(plan, answer, limit, cursor, before, counted)

    def _list(
        self,
        desk: Desk,
        principal: Principal,
        shape: Shape,
        where: Mapping[str, Any],
        given: Mapping[str, Any],
    ) -> psycopg.Cursor[Any]:
        compiled = desk.listing(shape)
        values = self.bound(desk, principal, compiled, shape.narrowing, where)
        values.update(given)
        if not (shape.narrowing.is_filtered and self._is_large(desk, shape.narrowing.entity)):
            return self.runner.run(compiled.statement, values)
        try:
            return self.runner.run(compiled.statement, values, fenced=True)
        except TooSlow:
            return (
                self._list(desk, principal, narrowed_first(shape), where, given)
                if (not shape.narrow_first)
                else self.runner.run(compiled.statement, values)
            )

    def bound(
        self,
        desk: Desk,
        principal: Principal,
        compiled: Compiled,
        narrowing: Narrowing,
        where: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Return the values of a statement: the asker's, and those of the shortcuts."""
        values = self.runner.values(compiled.statement, principal, desk.release.catalog)
        for key, read in zip(narrowing.where, compiled.readers, strict=True):
            values.update(read(where[key.path]))
        return values

    def _cursor(self, plan: Plan, after: str | None, before: str | None) -> Cursor | None:
        if after and before:
            raise Malformed(
                say(
                    "`after` and `before` cannot be used together.",
                    "after 与 before 不能同时使用。",
                )
            )
        text = after or before
        return self._cursors.read(plan.list_key, text, plan.size) if text else None

    def _ends(
        self,
        plan: Plan,
        result: Any,
        limit: int,
        cursor: Cursor | None,
        before: str | None,
        first_column: int,
    ) -> tuple[list[int], str | None, str | None]:
        """Return which result rows make the page, in order, and where its neighbours begin."""
        number = result.ntuples
        has_more = number > limit
        places = list(range(min(number, limit)))
        if before is not None:
            places.reverse()
        if not places:
            return [], None, None
        following = has_more if before is None else True
        preceding = cursor is not None if before is None else has_more
        return (
            places,
            self._cursor_at(plan, result, places[-1], first_column) if following else None,
            self._cursor_at(plan, result, places[0], first_column) if preceding else None,
        )

    def _cursor_at(self, plan: Plan, result: Any, place: int, first_column: int) -> str:
        texts = [result.get_value(place, first_column + number) for number in range(plan.size + 1)]
        values = tuple(None if text is None else text.decode() for text in texts[:-1])
        return self._cursors.write(plan.list_key, Cursor(values, int(texts[-1])))

    def _json_page(
        self,
        plan: Plan,
        answer: psycopg.Cursor[Any],
        limit: int,
        cursor: Cursor | None,
        before: str | None,
        count: Count | None,
    ) -> JSONPage:
        result = answer.pgresult
        assert result is not None
        places, following, preceding = self._ends(plan, result, limit, cursor, before, 1)
        take = result.get_value
        rows = b"[" + b",".join([take(place, 0) or b"null" for place in places]) + b"]"
        return JSONPage(rows, following, preceding, count)

    def _values_page(
        self,
        plan: Plan,
        answer: psycopg.Cursor[Any],
        limit: int,
        cursor: Cursor | None,
        before: str | None,
        count: Count | None,
        desk: Desk,
    ) -> Page:
        result = answer.pgresult
        assert result is not None
        assert answer.description is not None
        first = len(answer.description) - plan.size - 1
        places, following, preceding = self._ends(plan, result, limit, cursor, before, first)
        names = [column.name for column in answer.description]
        rows = answer.fetchall()
        build = record_builder(desk, plan.narrowing.entity, plan.shape.fields)
        found = [build(dict(zip(names, rows[place], strict=True))) for place in places]
        return Page(found, following, preceding, count)

    # -- counts ------------------------------------------------------------------------------------

    def count(
        self,
        principal: Principal,
        question: Question,
        *,
        where: Mapping[str, Any],
        words: finding.Wanted | None,
        mode: str,
    ) -> Count:
        """Answer how many records a list has."""
        desk = self.desk(principal)
        narrowing = desk.plan(question).narrowing
        found = self._count(desk, principal, narrowing, where, words, mode)
        assert found is not None
        return found

    def _count(
        self,
        desk: Desk,
        principal: Principal,
        narrowing: Narrowing,
        where: Mapping[str, Any],
        words: finding.Wanted | None,
        mode: str | None,
    ) -> Count | None:
        if mode in (None, "none"):
            return None
        if mode not in ("exact", "capped"):
            raise Malformed(
                say(
                    "`count` is `exact`, `capped` or `none`, not `{mode}`.",
                    "count 只能是 exact、capped 或 none，不能是“{mode}”。",
                    mode=str(mode)[:40],
                )
            )
        compiled = desk.counting(narrowing, mode)
        values = self.bound(desk, principal, compiled, narrowing, where)
        if words is not None:
            values.update(words.parameters)
        fenced = mode == "capped" and self._is_large(desk, narrowing.entity)
        try:
            row = self.runner.run(compiled.statement, values, fenced=fenced).fetchone()
        except TooSlow:
            guess = desk.counting(narrowing, "guess").statement
            plan = self.runner.run(guess, {**guess.fixed, **values}).fetchone()
            return Count(guessed_rows(plan), estimated=True)
        assert row is not None
        number = row[0]
        if mode == "capped" and number > COUNT_CAP:
            return Count(COUNT_CAP, capped=True)
        return Count(number)

    def _is_large(self, desk: Desk, entity: str) -> bool:
        if time.monotonic() >= self._sizes_until:
            with self._lock:
                if time.monotonic() >= self._sizes_until:
                    rows = self.runner.run(_sizes, _sizes.fixed).fetchall()
                    self._sizes = {name: float(number) for name, number in rows}
                    self._sizes_until = time.monotonic() + _SIZES_FOR
        table = desk.release.catalog.entities[entity].table
        return self._sizes.get(table, 0.0) >= FENCED_FROM

    # -- single records ----------------------------------------------------------------------------

    def get_json(
        self,
        principal: Principal,
        entity: str,
        record_id: object,
        fields: Names,
        expand: Names,
        *,
        in_bin: bool = False,
    ) -> JSONRecord:
        """Answer one record as the API writes it.

        Raises:
            NotFound: it does not exist, or may not be seen.
        """
        desk = self.desk(principal)
        compiled = desk.single(entity, "json", fields, expand, in_bin)
        values = self.runner.values(compiled.statement, principal, desk.release.catalog)
        values["id"] = record_number(record_id)
        result = self.runner.run(compiled.statement, values).pgresult
        assert result is not None
        if result.ntuples == 0:
            raise NotFound
        row, version = result.get_value(0, 0), result.get_value(0, 1)
        assert row is not None
        return JSONRecord(row, None if version is None else int(version))

    def get(
        self,
        principal: Principal,
        entity: str,
        record_id: object,
        fields: Names,
        *,
        in_bin: bool = False,
    ) -> Record:
        """Answer one record as Python takes it, with the rows of its lines.

        Raises:
            NotFound: it does not exist, or may not be seen.
        """
        desk = self.desk(principal)
        compiled = desk.single(entity, "values", fields, None, in_bin)
        number = record_number(record_id)
        row = self._one(desk, principal, compiled, {"id": number})
        names = desk.fields(desk.context.entity(entity), fields, "record")
        record = record_builder(desk, entity, names)(row)
        lines = {
            name: self._lines(desk, principal, f"{entity}.{name}", number)
            for name in names
            if f"{entity}.{name}" in desk.release.catalog.entities
        }
        return Record(
            entity, record.id, record.values, record.links, record.version, record.masked, lines
        )

    def _one(
        self, desk: Desk, principal: Principal, compiled: Compiled, given: Mapping[str, Any]
    ) -> dict[str, Any]:
        rows = self._rows(desk, principal, compiled, given)
        if not rows:
            raise NotFound
        return rows[0]

    def _rows(
        self, desk: Desk, principal: Principal, compiled: Compiled, given: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        values = self.runner.values(compiled.statement, principal, desk.release.catalog)
        values.update(given)
        cursor = self.runner.run(compiled.statement, values)
        cursor.row_factory = dict_row  # type: ignore[assignment]
        return cursor.fetchall()

    def _lines(
        self, desk: Desk, principal: Principal, entity: str, record_id: int
    ) -> Sequence[Record]:
        rows = self._rows(desk, principal, desk.lines(entity), {"id": record_id})
        build = record_builder(desk, entity, desk.policy.readable(entity))
        return [build(row) for row in rows]


def _continued(shape: Shape, cursor: Cursor, *, backward: bool) -> Shape:
    return Shape(
        shape.narrowing,
        shape.form,
        shape.fields,
        shape.expand,
        shape.sort,
        cursor.empties,
        backward,
    )


def record_number(record_id: object) -> int:
    """Return the number of a record as it came from a URL.

    Raises:
        NotFound: no record can have it.
    """
    text = str(record_id)
    if not text.isascii() or not text.isdigit() or not 0 < len(text) < 19:
        raise NotFound
    return int(text)


def record_builder(
    desk: Desk, entity: str, names: Sequence[str]
) -> Callable[[Mapping[str, Any]], Record]:
    """Return what makes a `Record` of a row that `Selector.values` gave."""
    fields = desk.context.entity(entity).fields
    masked = desk.policy.masked(entity)
    plain: list[tuple[str, Any]] = []
    for name in names:
        one = fields[name.partition(".")[0]]
        if one.type.name == "lines":
            continue
        is_raw = one.name in masked or "." in name or one.type.name == "through"
        plain.append((one.name if one.name in masked else name, None if is_raw else one))

    def build(row: Mapping[str, Any]) -> Record:
        values = {
            name: row[name] if one is None else one.type.from_columns(one, row)
            for name, one in plain
        }
        return Record(entity, row["id"], values, links_of(row), row.get("version"), masked)

    return build
