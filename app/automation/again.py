"""What comes again once it was claimed: repeats, the next year, the next moment of a cron rule.

Also what pools do by themselves: asked again each day until its conditions hold, and noted in the
ledger only then, so that a customer who is exempt for years leaves no line for each day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.access.sources import TableSource, environment
from app.automation import cron
from app.automation.due_sql import at_its_time
from app.automation.occurrences import occurrence
from app.automation.registry import RuleNumbers, cron_rules
from app.automation.reminder_rows import parameters, upsert
from app.automation.timed import Timed, Timetable
from app.database.automation_tables import firing, reminder, rule, task
from app.database.release import Release
from app.definitions.automation import RuleDefinition
from app.expressions import to_sql, to_where
from app.expressions.sql_functions import MOMENT
from app.expressions.tree import Arithmetic, Path
from app.expressions.types import DATETIME
from app.records.statements import Statement

if TYPE_CHECKING:
    from app.automation.claiming import Due

_NOW = sa.bindparam("now", type_=MOMENT)
_RULE = sa.bindparam("_rule", type_=sa.Integer)
_IDS = sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger))
_DUES = sa.bindparam("_dues", type_=sa.ARRAY(MOMENT))
_TOLERANCE = timedelta(minutes=5)
#: What stands for the moment that something was due last; no field can have this name.
_LAST = "@last"


class Again:
    """The second half of claiming, for one release."""

    def __init__(self, release: Release, numbers: RuleNumbers, timetable: Timetable) -> None:
        """Sort the rules by what they need."""
        self._release = release
        self._number = numbers.number
        self._timed: dict[tuple[int, int], Timed] = {}
        for each in timetable.rules:
            number = numbers.number(each.name)
            self._timed[number, release.numbers[each.entity]] = each
        self._cron: dict[int, RuleDefinition] = {
            numbers.number(each.name): each for each in cron_rules(release.catalog)
        }
        self._statements: dict[object, Statement] = {}

    @cached_property
    def numbers(self) -> list[int]:
        """The rules that come again."""
        timed = {
            number
            for (number, _), each in self._timed.items()
            if each.yearly or each.repeat_times or each.daily
        }
        return sorted(timed | self._cron.keys())

    @cached_property
    def deferred(self) -> list[int]:
        """The rules whose firings are written here and not by the claim itself."""
        daily = {number for (number, _), each in self._timed.items() if each.daily}
        return sorted(daily | {n for n, each in self._cron.items() if each.entities})

    def settle(
        self, connection: psycopg.Connection[Any], now: datetime, rows: Sequence[Due]
    ) -> None:
        """Give claimed rows their next moment."""
        groups: dict[tuple[int, int], list[Due]] = {}
        for row in rows:
            groups.setdefault((row.rule, row.entity), []).append(row)
        for (number, entity), found in groups.items():
            if number in self._cron:
                self._tick(connection, now, number, found[0])
                continue
            timed = self._timed.get((number, entity))
            if timed is None:
                continue
            if timed.daily:
                self._ask_daily(connection, now, number, timed, found)
                continue
            left = [row for row in found if row.repeats < timed.repeat_times]
            if left:
                self._repeat(connection, now, number, timed, left)
            over = [row for row in found if row.repeats >= timed.repeat_times]
            if timed.yearly and over:
                self._next_year(connection, now, number, timed, over)

    # -- repeats -----------------------------------------------------------------------------------

    def _repeat(
        self,
        connection: psycopg.Connection[Any],
        now: datetime,
        number: int,
        timed: Timed,
        rows: Sequence[Due],
    ) -> None:
        """Set the next repeat; those that would be past too were missed and are not made up for."""
        statement = self._kept("repeat", timed, lambda: self._repeat_statement(timed))
        ids, dues = [row.record_id for row in rows], [row.due_at for row in rows]
        known = parameters(self._release, now)
        for _ in range(timed.repeat_times):
            answer = statement.run(
                connection, {**known, "_rule": number, "_ids": ids, "_dues": dues}
            )
            missed = [row for row in answer if row[1] is not None and row[1] <= now]
            if not missed:
                break
            ids, dues = [row[0] for row in missed], [row[1] for row in missed]

    def _repeat_statement(self, timed: Timed) -> Statement:
        """Return the statement that counts one repeat on and returns ids with what is due."""
        assert timed.repeat_every is not None
        table = self._release.tables[timed.entity].alias("c")
        given = _given()
        known = environment(self._release.catalog)
        last = Path(type=DATETIME, name=_LAST)
        moved = Arithmetic(type=DATETIME, operator="+", left=last, right=timed.repeat_every.root)
        source = _LastSource(self._release, timed.entity, table, given.c.due)
        due = at_its_time(known, to_sql(moved, source, known), timed.at, before=False, day=False)
        own = reminder.c
        more = own.repeats < sa.literal_column(str(timed.repeat_times))
        return Statement(
            sa.update(reminder)
            .where(
                own.rule == _RULE,
                own.entity == sa.literal_column(str(self._release.numbers[timed.entity])),
                own.record_id == given.c.id,
                table.c.id == given.c.id,
            )
            .values(
                due_at=sa.case((more, due)),
                repeats=own.repeats + sa.case((more, 1), else_=0),
            )
            .returning(own.record_id, own.due_at)
        )

    def _next_year(
        self,
        connection: psycopg.Connection[Any],
        now: datetime,
        number: int,
        timed: Timed,
        rows: Sequence[Due],
    ) -> None:
        statement = self._kept(
            "year", timed, lambda: Statement(upsert(self._release, {timed.name: number}, [timed]))
        )
        known = parameters(self._release, now)
        # What is due in this minute has been.
        known["minute"] += timedelta(minutes=1)
        statement.do(connection, {**known, "_ids": sorted(row.record_id for row in rows)})

    # -- rules about no record ---------------------------------------------------------------------

    def _tick(
        self, connection: psycopg.Connection[Any], now: datetime, number: int, row: Due
    ) -> None:
        asked = self._cron[number]
        if asked.entities:
            for entity in asked.entities:
                self._fire_for_each(connection, now, number, asked, entity, row)
        following = next_tick(self._release, asked, max(now, row.base))
        _set_tick.do(connection, {"_rule": number, "_next": following})

    def _fire_for_each(
        self,
        connection: psycopg.Connection[Any],
        now: datetime,
        number: int,
        asked: RuleDefinition,
        entity: str,
        row: Due,
    ) -> None:
        """Fire a cron rule once for each record of its entity for which its condition holds."""
        condition = asked.if_.get(entity)
        holds = (condition,) if condition is not None else ()

        def build() -> Statement:
            table = self._release.tables[entity].alias("c")
            conditions = self._conditions(entity, table, holds, ())
            due = sa.bindparam("_due", type_=MOMENT).label("due")
            one = sa.select(table.c.id, due, sa.literal_column("0").label("count"))
            chosen = one.where(*conditions).subquery("x")
            return Statement(self._fires(entity, chosen, cause="every"))

        statement = self._kept("each", (number, entity), build)
        known = parameters(self._release, now)
        statement.do(connection, {**known, "_rule": number, "_due": row.base})

    # -- what pools do -----------------------------------------------------------------------------

    def _ask_daily(
        self,
        connection: psycopg.Connection[Any],
        now: datetime,
        number: int,
        timed: Timed,
        rows: Sequence[Due],
    ) -> None:
        def build() -> Statement:
            table = self._release.tables[timed.entity].alias("c")
            given = _given()
            conditions = self._conditions(timed.entity, table, timed.holds, timed.unless)
            if "owner" in table.c:
                conditions.append(table.c.owner.is_not(None))
            if timed.warned is not None:
                conditions.append(self._was_warned(timed, table, given))
            days = sa.cast(sa.extract("day", _NOW - given.c.due), sa.Integer)
            asked = days if timed.insists else sa.literal_column("0")
            one = sa.select(table.c.id, given.c.due, asked.label("count"))
            one = one.where(table.c.id == given.c.id, *conditions)
            return Statement(self._fires(timed.entity, one.subquery("x"), cause="timed"))

        statement = self._kept("daily", timed, build)
        known = parameters(self._release, now)
        ids = [row.record_id for row in rows]
        asked = {"_rule": number, "_ids": ids, "_dues": [row.base for row in rows]}
        statement.do(connection, {**known, **asked})
        entity = self._release.numbers[timed.entity]
        _set_daily.do(
            connection,
            {"_rule": number, "_entity": entity, "_ids": ids, "_next": now + timedelta(days=1)},
        )

    def _was_warned(self, timed: Timed, table: Any, given: Any) -> sa.ColumnElement[bool]:
        """Return that somebody was warned of it long enough before."""
        assert timed.warned is not None
        name, length = timed.warned
        source = _LastSource(self._release, timed.entity, table, _NOW)
        now = Path(type=DATETIME, name=_LAST)
        before = Arithmetic(type=DATETIME, operator="-", left=now, right=length.root)
        known = environment(self._release.catalog)
        # The one is claimed a moment earlier or later after its minute than the other.
        latest = to_sql(before, source, known) + sa.literal(_TOLERANCE, sa.Interval())
        entity: Any = sa.literal_column(str(self._release.numbers[timed.entity]))
        return sa.exists().where(
            firing.c.rule == sa.literal_column(str(self._number(name))),
            firing.c.entity == entity,
            firing.c.record_id == table.c.id,
            firing.c.occurrence == occurrence(given.c.due, sa.literal_column("0")),
            firing.c.happened_at <= latest,
        )

    def _conditions(
        self, entity: str, table: Any, holds: Iterable[Any], unless: Iterable[Any]
    ) -> list[Any]:
        source, known = (
            TableSource(self._release, entity, table),
            environment(self._release.catalog),
        )
        found = [to_where(each, source, known) for each in holds]
        found += [sa.not_(to_sql(each, source, known)) for each in unless]
        return [table.c.deleted_at.is_(None), *found] if "deleted_at" in table.c else found

    def _fires(self, entity: str, chosen: Any, *, cause: str) -> sa.Executable:
        """Return what fires chosen records, each with ``id due count``."""
        columns = ["rule", "digest", "cause", "entity", "record_id", "occurrence", "due_at",
                   "happened_at", "state"]  # fmt: skip
        number: Any = sa.literal_column(str(self._release.numbers[entity]))
        rows = sa.select(
            rule.c.number,
            rule.c.digest,
            sa.literal_column(f"'{cause}'"),
            number,
            chosen.c.id,
            occurrence(chosen.c.due, chosen.c.count),
            chosen.c.due,
            _NOW,
            sa.literal_column("'due'"),
        ).select_from(rule.join(chosen, sa.true()))
        fired = (
            insert(firing)
            .from_select(columns, rows.where(rule.c.number == _RULE, rule.c.digest.is_not(None)))
            .on_conflict_do_nothing(index_elements=["rule", "entity", "record_id", "occurrence"])
            .returning(firing.c.id)
            .cte("fired")
        )
        return sa.insert(task).from_select(
            ["firing", "step", "due_at"], sa.select(fired.c.id, sa.literal_column("''"), _NOW)
        )

    def _kept(self, kind: str, key: object, build: Any) -> Statement:
        found = self._statements.get((kind, key if isinstance(key, tuple) else id(key)))
        if found is None:
            found = build()
            self._statements[kind, key if isinstance(key, tuple) else id(key)] = found
        return found


class _LastSource(TableSource):
    """A row of an entity, beside the moment at which a rule was due for it last."""

    def __init__(self, release: Release, entity: str, table: sa.FromClause, last: Any) -> None:
        super().__init__(release, entity, table)
        self._last = last

    def value(self, name: str) -> sa.ColumnElement[Any]:
        return self._last if name == _LAST else super().value(name)


def next_tick(release: Release, asked: RuleDefinition, after: datetime) -> datetime | None:
    """Return when a cron rule comes next; None: never."""
    assert asked.when.every is not None
    calendar = release.catalog.app.business_calendar
    return cron.next_moment(asked.when.every, asked.when.at, calendar, after)


def _given() -> Any:
    """Return the claimed records and when they were due, as a table of ``id due``."""
    return (
        sa.func.unnest(_IDS, _DUES)
        .table_valued(sa.column("id", sa.BigInteger), sa.column("due", MOMENT), name="given")
        .render_derived()
    )


_NEXT = sa.bindparam("_next", type_=MOMENT)
_set_tick = Statement(
    sa.update(reminder)
    .where(reminder.c.rule == _RULE, reminder.c.entity == 0, reminder.c.record_id == 0)
    .values(base=sa.func.coalesce(_NEXT, reminder.c.base), due_at=_NEXT)
)
_set_daily = Statement(
    sa.update(reminder)
    .where(
        reminder.c.rule == _RULE,
        reminder.c.entity == sa.bindparam("_entity", type_=sa.Integer),
        reminder.c.record_id == sa.func.any(_IDS),
        reminder.c.due_at.is_(None),
    )
    # Not fired for this date, whatever the claim has noted: it is asked again.
    .values(due_at=_NEXT, fired_for=None)
)
