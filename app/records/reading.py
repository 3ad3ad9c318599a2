"""Answer what somebody asks: pages of lists, single records, counts, titles.

The way of a page: understand the question once (`planning`), bind the values of this asker, run one
statement, hand the rows on. JSON rows pass through as the bytes PostgreSQL wrote.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import sqlalchemy as sa
from psycopg.pq.abc import PGresult
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
from app.records.pages import Pager, record_builder
from app.records.personal_reads import LISTS, PersonalReads
from app.records.planning import (
    COUNT_CAP,
    Cold,
    Compiled,
    Desk,
    Names,
    Plan,
    Question,
    continued,
    narrowed_first,
)
from app.records.prepared import PreparedStatement, Rows
from app.records.results import Count, JSONPage, JSONRecord, Page, Record
from app.records.running import Pools, Runner, TooSlow
from app.records.showing import Showing, json_record
from app.texts import say

MOST_ROWS = 100
#: Smaller tables are read whole sooner than a fence would be reached.
FENCED_FROM = 50_000
#: Seconds for which the known sizes of tables are good.
_SIZES_FOR = 60.0

_tables = sa.table(
    "pg_class", sa.column("relname"), sa.column("reltuples"), sa.column("relnamespace")
)
_schemas = sa.table("pg_namespace", sa.column("oid"), sa.column("nspname"))
_sizes = Statement(
    sa.select(_tables.c.relname, _tables.c.reltuples)
    .join(_schemas, _schemas.c.oid == _tables.c.relnamespace)
    .where(_schemas.c.nspname == "crm")
)


class Planner(Protocol):
    """Understands questions whose view is none of the configuration's."""

    def planned(self, desk: Desk, principal: Principal, question: Question) -> Plan: ...


class ReleaseDesks:
    """The desks of one release, one for each role set in use."""

    def __init__(self, release: Release) -> None:
        self.release = release
        self.policies = Policies(release.catalog)
        self._desks: dict[tuple[Policy, bool, bool], Desk] = {}

    def of(self, principal: Principal) -> Desk:
        """Return the desk of the asker's roles."""
        key = (self.policies.of(principal), bool(principal.shared), bool(principal.pools))
        desk = self._desks.get(key)
        if desk is None:
            desk = Desk(self.release, key[0], has_shares=key[1], has_pools=key[2])
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
        self.pager = Pager(secret)
        self._desks: ReleaseDesks | None = None
        self._sizes: dict[str, float] = {}
        self._sizes_until = 0.0
        self._lock = threading.Lock()
        #: opens views that people saved
        self.views: Planner | None = None
        #: who read personal data
        self.reads = PersonalReads(pools, clock)

    def desk(self, principal: Principal) -> Desk:
        """Return what is compiled for the asker's roles under the release that serves now."""
        release = self._release()
        desks = self._desks
        if desks is None or desks.release is not release:
            desks = self._desks = ReleaseDesks(release)
        return desks.of(principal)

    def plan(self, desk: Desk, principal: Principal, question: Question) -> Plan:
        """Return the plan of a question; views that people saved are opened for the asker."""
        if self.views is None or question.view is None:
            return desk.plan(question)
        return self.views.planned(desk, principal, question)

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
        plan = self.plan(desk, principal, question)
        place = self.pager.place(plan, limit, after, before)
        shape = plan.shape
        given: dict[str, Any] = {"limit": limit + 1}
        if place.cursor is not None:
            shape = continued(shape, place.cursor.empties, backward=place.backward)
            given.update(place.cursor.parameters())
        if words is not None:
            given.update(words.parameters)
        answer = self._list(desk, principal, shape, where, given)
        shown = min(_number_of(answer), limit)
        self.reads.note(desk, principal, question.entity, question.fields, LISTS, shown)
        counted = self._count(desk, principal, plan.narrowing, where, words, count)
        if isinstance(answer, Rows):
            return self.pager.values_page(desk, plan, answer, place, counted)
        return self.pager.json_page(plan, answer, place, counted)

    def _list(
        self,
        desk: Desk,
        principal: Principal,
        shape: Shape,
        where: Mapping[str, Any],
        given: Mapping[str, Any],
    ) -> Rows | PGresult:
        """Run a list; one that turns out slow is stopped and asked in another form."""
        fenced = (
            shape.narrowing.is_filtered
            and not shape.narrow_first
            and self.is_large(desk, shape.narrowing.entity)
        )
        compiled = desk.listing(shape)
        values = self.bound(desk, principal, compiled, shape.narrowing, where)
        values.update(given)
        run = self.runner.run_prepared if shape.form == "json" else self.runner.rows_prepared
        ahead = compiled.ahead
        try:
            if ahead is not None and ahead.is_likely:
                found = run(ahead.statement, values, fenced=fenced)
                is_filled = _number_of(found) == given["limit"]
                ahead.note(filled=is_filled)
                if is_filled:
                    return found
            found = run(compiled.statement, values, fenced=fenced)
        except TooSlow:
            return self._list(desk, principal, narrowed_first(shape), where, given)
        if ahead is not None and _number_of(found) == given["limit"]:
            ahead.note(filled=True)
        return found

    def bound(
        self,
        desk: Desk,
        principal: Principal,
        compiled: Compiled[Any],
        narrowing: Narrowing,
        where: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Return the values of a statement: the asker's, and those of the shortcuts."""
        values = self.runner.values(compiled.statement, principal, desk.release.catalog)
        for key, read in zip(narrowing.where, compiled.readers, strict=True):
            values.update(read(where[key.path]))
        return values

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
        narrowing = self.plan(desk, principal, question).narrowing
        found = self._count(desk, principal, narrowing, where, words, mode)
        assert found is not None
        return found

    def matching(
        self,
        principal: Principal,
        question: Question,
        *,
        where: Mapping[str, Any],
        words: finding.Wanted | None,
        most: int,
    ) -> list[int]:
        """Return the ids of everything a list holds, at most *most* of them."""
        desk = self.desk(principal)
        narrowing = self.plan(desk, principal, question).narrowing
        compiled = desk.matching(narrowing)
        values = self.bound(desk, principal, compiled, narrowing, where)
        values["limit"] = most
        if words is not None:
            values.update(words.parameters)
        return [row[0] for row in self.runner.rows_prepared(compiled.statement, values).values]

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
        compiled = desk.counting(narrowing, mode == "capped")
        values = self.bound(desk, principal, compiled, narrowing, where)
        if words is not None:
            values.update(words.parameters)
        fenced = (
            mode == "capped" and narrowing.is_filtered and self.is_large(desk, narrowing.entity)
        )
        try:
            result = self.runner.run_prepared(compiled.statement, values, fenced=fenced)
        except TooSlow:
            guess = desk.guessing(narrowing).statement
            answer = self.runner.run(guess, {**guess.fixed, **values}).fetchone()
            return Count(guessed_rows(answer), estimated=True)
        number = int(result.get_value(0, 0) or 0)
        if mode == "capped" and number > COUNT_CAP:
            return Count(COUNT_CAP, capped=True)
        return Count(number)

    def is_large(self, desk: Desk, entity: str) -> bool:
        """Whether an entity has so many records that what no index serves must be stopped."""
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
        statement, values = self._single_json(principal, entity, fields, expand, in_bin=in_bin)
        values["id"] = record_number(record_id)
        found = json_record(self.runner.run_prepared(statement, values))
        if found is None:
            raise NotFound
        self.reads.note(self.desk(principal), principal, entity, fields, values["id"])
        return found

    def showing(self, principal: Principal, entity: str) -> Showing:
        """Return what reads a record as the API writes it, together with the write's COMMIT.

        Raises:
            NotFound: the asker may read no such record.
        """
        return Showing(*self._single_json(principal, entity, None, None, in_bin=False))

    def _single_json(
        self, principal: Principal, entity: str, fields: Names, expand: Names, *, in_bin: bool
    ) -> tuple[PreparedStatement, dict[str, Any]]:
        desk = self.desk(principal)
        statement = desk.single_json(entity, fields, expand, in_bin).statement
        return statement, self.runner.values(statement, principal, desk.release.catalog)

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
        compiled = desk.single(entity, fields, in_bin)
        number = record_number(record_id)
        row = self._one(desk, principal, compiled, {"id": number})
        self.reads.note(desk, principal, entity, fields, number)
        names = desk.fields(desk.context.entity(entity), fields, "record")
        record = record_builder(desk, entity, names, list(row))(row)
        lines = {
            name: self._lines(desk, principal, f"{entity}.{name}", number)
            for name in names
            if f"{entity}.{name}" in desk.release.catalog.entities
        }
        return Record(
            entity, record.id, record.values, record.links, record.version, record.masked, lines
        )

    def _one(
        self, desk: Desk, principal: Principal, compiled: Cold, given: Mapping[str, Any]
    ) -> dict[str, Any]:
        rows = self._rows(desk, principal, compiled, given)
        if not rows:
            raise NotFound
        return rows[0]

    def _rows(
        self, desk: Desk, principal: Principal, compiled: Cold, given: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        values = self.runner.values(compiled.statement, principal, desk.release.catalog)
        values.update(given)
        cursor = self.runner.run(compiled.statement, values)
        cursor.row_factory = dict_row
        return cursor.fetchall()

    def _lines(
        self, desk: Desk, principal: Principal, entity: str, record_id: int
    ) -> Sequence[Record]:
        rows = self._rows(desk, principal, desk.lines(entity), {"id": record_id})
        if not rows:
            return []
        build = record_builder(desk, entity, desk.policy.readable(entity), list(rows[0]))
        return [build(row) for row in rows]


def _number_of(found: Rows | PGresult) -> int:
    return len(found.values) if isinstance(found, Rows) else found.ntuples


def record_number(record_id: object) -> int:
    """Return the number of a record as it came from a URL.

    Raises:
        NotFound: no record can have it.
    """
    text = str(record_id)
    if not text.isascii() or not text.isdigit() or not 0 < len(text) < 19:
        raise NotFound
    return int(text)
