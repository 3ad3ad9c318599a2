"""Work out the reminders of rules that are new or whose dates follow from something else now.

In batches of records, each a transaction of its own, so that nobody waits long. A batch sees one
state of the database and is repeated if a writer came in between: what writers wrote stands. How
far it has come is kept with the rule, so whoever finds an apply that was broken off goes on there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import orjson
import psycopg
import sqlalchemy as sa
from psycopg import errors as pg
from sqlalchemy.dialects.postgresql import JSONB

from app.access.policy import Policy
from app.access.principal import SYSTEM
from app.automation.due_sql import is_in_sql
from app.automation.given_dates import Given
from app.automation.reminder_rows import AFTER, UP_TO, parameters, upsert
from app.automation.timed import Timed, make_timetable
from app.database.automation_tables import reminder, rule
from app.database.release import Release
from app.database.statements import Statement
from app.records.rows import RowStatements
from app.records.work import Work

#: Rows in one transaction, over all rules of an entity that are worked out together.
BATCH = 20_000
#: Records in one transaction, however many rules there are.
LEAST = 1_000
#: Only one process works at this at a time.
_LOCK = 0x7265_6D69
_WORTH_REPEATING = (pg.SerializationFailure, pg.DeadlockDetected, pg.LockNotAvailable)
_ATTEMPTS = 20
#: Works out the records after an id up to another one.
Step = Callable[[int, int], None]


def recompute(
    connection: psycopg.Connection[Any],
    release: Release,
    now: datetime,
    on_batch: Callable[[int], None] | None = None,
    *,
    wait: bool = True,
) -> int:
    """Work out the rows of marked rules in batches; return how many records were looked at.

    Args:
        connection: in autocommit mode; each batch is a transaction.
        on_batch: called after each batch with the last id it did.
        wait: for another process that is at it; otherwise leave it to that one.
    """
    with _alone(connection, wait=wait) as is_ours:
        if not is_ours:
            return 0
        marked = {row[0]: row for row in _marked.run(connection)}
        if not marked:
            return 0
        return _Recomputing(connection, release, marked, now, on_batch or _nobody).run()


def is_pending(connection: psycopg.Connection[Any]) -> bool:
    """Return whether reminders of some rule are not what they should be yet."""
    return _marked.run(connection).fetchone() is not None


def mark_all(connection: psycopg.Connection[Any]) -> None:
    """Mark every rule, after records were written past the rules."""
    _mark_all.run(connection)


def _nobody(_last: int) -> None:
    """Tell nobody."""


@contextmanager
def _alone(connection: psycopg.Connection[Any], *, wait: bool) -> Any:
    connection.execute(
        "SELECT set_config('TimeZone', 'UTC', false), set_config('jit', 'off', false), "
        "set_config('synchronous_commit', 'off', false)"
    )
    if wait:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        is_ours = True
    else:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
        is_ours = bool(row and row[0])
    try:
        yield is_ours
    finally:
        if is_ours and not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))


class _Recomputing:
    """One run over all marked rules."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        release: Release,
        marked: dict[str, Any],
        now: datetime,
        on_batch: Callable[[int], None],
    ) -> None:
        self._connection = connection
        self._release = release
        self._numbers = {name: row[1] for name, row in marked.items()}
        self._marks = {name: row[2] for name, row in marked.items()}
        self._now = now
        self._on_batch = on_batch

    def run(self) -> int:
        table = make_timetable(self._release.catalog)
        moving = [each for each in table.rules if each.name in self._numbers]
        count = 0
        for entity in dict.fromkeys(each.entity for each in moving):
            count += self._over(entity, [each for each in moving if each.entity == entity])
        for name, number in self._numbers.items():
            entities = [self._release.numbers[each.entity] for each in table.named(name)]
            self._sweep(number, entities)
            _at_rest.run(self._connection, {"_rule": number})
        return count

    def _over(self, entity: str, rules: Sequence[Timed]) -> int:
        """Work out *rules* over the records of an entity; return how many those were."""
        table, key = self._release.tables[entity], str(self._release.numbers[entity])
        after = min(int(self._marks[each.name].get(key, 0)) for each in rules)
        size = max(LEAST, BATCH // len(rules))
        step = self._step(entity, rules)
        ids = sa.select(table.c.id).where(table.c.id > sa.bindparam("_after", type_=sa.BigInteger))
        some = ids.order_by(table.c.id).limit(size).subquery()
        bound = Statement(sa.select(sa.func.max(some.c.id), sa.func.count()))
        numbers = [self._numbers[each.name] for each in rules]
        count = 0
        while True:
            row = bound.run(self._connection, {"_after": after}).fetchone()
            assert row is not None
            last, found = row
            if not found:
                return count
            self._batch(step, numbers, key, after, last)
            self._on_batch(last)
            count, after = count + found, last

    def _step(self, entity: str, rules: Sequence[Timed]) -> Step:
        """Return what works out *rules* over the records of a batch."""
        known = [each for each in rules if is_in_sql(self._release, each)]
        left = {each.name for each in rules if each not in known}
        statement = None
        if known:
            statement = Statement(upsert(self._release, self._numbers, known, ranged=True))

        def step(after: int, last: int) -> None:
            if statement is not None:
                values = {**parameters(self._release, self._now), "_after": after, "_up_to": last}
                asked = {name: one for name, one in values.items() if name in statement.fixed}
                statement.run(self._connection, asked)
            if left:
                self._in_python(entity, left, after, last)

        return step

    def _in_python(self, entity: str, rules: set[str], after: int, last: int) -> None:
        """Work out what a statement cannot know, one record after the other."""
        work = Work(
            connection=self._connection,
            release=self._release,
            rows=RowStatements(self._release),
            organisation=None,  # type: ignore[arg-type]  # nobody is asked for here
            principal=SYSTEM,
            policy=Policy(self._release.catalog, is_system=True),
            now=self._now,
            origin="system",
            cause="apply",
        )
        given = Given(work, self._numbers.__getitem__)
        table = self._release.tables[entity]
        chosen = sa.select(table).where(table.c.id > AFTER, table.c.id <= UP_TO)
        values = {"_after": after, "_up_to": last}
        for row in Statement(chosen).rows(self._connection, values):
            given.move(entity, row["id"], row, rules, force=True)

    def _batch(self, step: Step, numbers: Sequence[int], key: str, after: int, last: int) -> None:
        mark = orjson.dumps({key: last}).decode()
        values = {"_rules": list(numbers), "_mark": mark}

        def once() -> None:
            with self._connection.transaction():
                self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                step(after, last)
                _mark.run(self._connection, values)

        again(once)

    def _sweep(self, number: int, entities: Sequence[int]) -> None:
        """Drop the rows of a rule over entities it does not concern any more."""
        while True:
            dropped = _drop.run(
                self._connection,
                {"_rule": number, "_entities": list(entities), "_limit": BATCH},
            )
            if dropped.rowcount < BATCH:
                return


def again(step: Callable[[], None]) -> None:
    """Do a batch, again while writers come in between."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return step()
        except _WORTH_REPEATING:
            if attempt == _ATTEMPTS:
                raise
            time.sleep(0.02 * attempt)
    return None


_marked = Statement(
    sa.select(rule.c.name, rule.c.number, rule.c.moving)
    .where(rule.c.moving.is_not(None))
    .order_by(rule.c.number)
)
_mark = Statement(
    sa.update(rule)
    .where(rule.c.number == sa.func.any(sa.bindparam("_rules", type_=sa.ARRAY(sa.Integer))))
    .values(
        moving=sa.func.coalesce(rule.c.moving, sa.cast("{}", JSONB)).op("||")(
            sa.cast(sa.bindparam("_mark", type_=sa.Text), JSONB)
        )
    )
)
_mark_all = Statement(sa.update(rule).values(moving=sa.cast("{}", JSONB)))
_RULE = sa.bindparam("_rule", type_=sa.Integer)
_at_rest = Statement(sa.update(rule).where(rule.c.number == _RULE).values(moving=sa.null()))


def _dropping() -> sa.Delete:
    own = reminder.c
    some = (
        sa.select(own.rule, own.entity, own.record_id)
        .where(
            own.rule == _RULE,
            own.entity > 0,
            own.entity != sa.func.all(sa.bindparam("_entities", type_=sa.ARRAY(sa.SmallInteger))),
        )
        .limit(sa.bindparam("_limit", type_=sa.BigInteger))
    )
    return sa.delete(reminder).where(sa.tuple_(own.rule, own.entity, own.record_id).in_(some))


_drop = Statement(_dropping())
