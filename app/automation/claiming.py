"""Turn what is due into firings: each once, however many schedulers look.

One statement takes due reminders, skipping those another scheduler holds, writes them into the
ledger under the occurrence that makes them unique, and a task for each. Its cost follows what is
due. What comes again (repeats, yearly dates, cron) gets its next moment in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from app.automation import again
from app.automation.occurrences import occurrence
from app.automation.registry import RuleNumbers
from app.automation.timed import Timetable, make_timetable
from app.database.automation_tables import firing, reminder, rule, task
from app.database.release import Release
from app.expressions.sql_functions import MOMENT
from app.records.statements import Statement
from app.texts import say

#: What is later than this has been missed: the scheduler was down.
GRACE = timedelta(minutes=5)

_MISSED = say(
    "It was missed: the scheduler was not running when it was due.",
    "已错过：到期时调度程序未在运行。",
)


@dataclass(frozen=True, slots=True)
class Due:
    """A reminder that was claimed and may come again."""

    rule: int
    entity: int
    record_id: int
    base: datetime
    due_at: datetime
    repeats: int


class Timing:
    """What claiming needs to know of a release; made once for it."""

    def __init__(self, release: Release, numbers: RuleNumbers) -> None:
        """Look every rule up."""
        self.release = release
        self.numbers = numbers
        self.timetable: Timetable = make_timetable(release.catalog)
        self.again = again.Again(release, numbers, self.timetable)
        rules = release.catalog.automation.rules.values()
        self.skips = [numbers.number(each.name) for each in rules if not each.catch_up]
        self.once = [numbers.number(each.name) for each in rules if each.once]


def claim_due(
    connection: psycopg.Connection[Any],
    release: Release,
    numbers: RuleNumbers,
    now: datetime,
    limit: int = 1000,
    timing: Timing | None = None,
    only: int | None = None,
) -> int:
    """Turn what is due into firings with a task each, once; return how many rows were due.

    Args:
        connection: in autocommit mode, or in a transaction that this becomes a part of.
        limit: at most so many; come again at once if that many were due.
        timing: what was found out for this release before.
        only: claim what is due of this rule.
    """
    known = timing or Timing(release, numbers)
    with connection.transaction():
        answer = _claim.run(
            connection,
            {
                "now": now,
                "limit": limit,
                "only": only,
                "missed_before": now - GRACE,
                "skips": known.skips,
                "once": known.once,
                "deferred": known.again.deferred,
                "again": known.again.numbers,
                "missed": orjson.dumps(dict(_MISSED.texts)).decode(),
            },
        )
        count, back = 0, []
        for row in answer:
            count = row[0]
            if row[1] is not None:
                back.append(Due(*row[1:]))
        if back:
            known.again.settle(connection, now, back)
    return count


def _numbers(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=sa.ARRAY(sa.Integer))


def _claiming() -> sa.Select[Any]:
    now = sa.bindparam("now", type_=MOMENT)
    only = sa.bindparam("only", type_=sa.Integer)
    own = reminder.c
    due = (
        sa.select(own.rule, own.entity, own.record_id, own.base, own.due_at, own.repeats)
        .where(own.due_at <= now, ~own.suspended, sa.or_(only.is_(None), own.rule == only))
        .order_by(own.due_at)
        .limit(sa.bindparam("limit", type_=sa.BigInteger))
        .with_for_update(skip_locked=True)
        .cte("due")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    moved = (
        sa.update(reminder)
        .where(
            own.rule == due.c.rule,
            own.entity == due.c.entity,
            own.record_id == due.c.record_id,
        )
        .values(due_at=None, fired_for=due.c.base)
        .cte("moved")
    )
    missed = sa.and_(
        due.c.due_at < sa.bindparam("missed_before", type_=MOMENT),
        due.c.rule == sa.func.any(_numbers("skips")),
    )
    is_once = due.c.rule == sa.func.any(_numbers("once"))
    chosen = (
        sa.select(
            due.c.rule,
            rule.c.digest,
            sa.case((due.c.entity == 0, "every"), else_="timed"),
            due.c.entity,
            due.c.record_id,
            sa.case((is_once, "once"), else_=occurrence(due.c.base, due.c.repeats)),
            due.c.due_at,
            now,
            sa.case((missed, "skipped"), else_="due"),
            sa.case((missed, sa.cast(sa.bindparam("missed", type_=sa.Text), JSONB))),
            sa.case((missed, now)),
        )
        .select_from(due.join(rule, rule.c.number == due.c.rule))
        # A removed rule drops all; what its reminders still hold is swept away.
        .where(rule.c.digest.is_not(None), due.c.rule != sa.func.all(_numbers("deferred")))
    )
    columns = [
        "rule", "digest", "cause", "entity", "record_id", "occurrence", "due_at", "happened_at",
        "state", "reason", "ended_at",
    ]  # fmt: skip
    fired = (
        insert(firing)
        .from_select(columns, chosen)
        .on_conflict_do_nothing(index_elements=["rule", "entity", "record_id", "occurrence"])
        .returning(firing.c.id, firing.c.state)
        .cte("fired")
    )
    tasks = (
        sa.insert(task)
        .from_select(
            ["firing", "step", "due_at"],
            sa.select(fired.c.id, sa.literal_column("''"), now).where(fired.c.state == "due"),
        )
        .cte("tasks")
    )
    count = sa.select(sa.func.count().label("n")).select_from(due).subquery("all_due")
    comes_again = due.c.rule == sa.func.any(_numbers("again"))
    return (
        sa.select(
            count.c.n,
            due.c.rule,
            due.c.entity,
            due.c.record_id,
            due.c.base,
            due.c.due_at,
            due.c.repeats,
        )
        .select_from(count.outerjoin(due, comes_again))
        .add_cte(moved, tasks)
    )


_claim = Statement(_claiming())


_rules_due = Statement(
    sa.select(reminder.c.rule)
    .where(reminder.c.due_at <= sa.bindparam("now", type_=MOMENT), ~reminder.c.suspended)
    .distinct()
)


def rules_due(connection: psycopg.Connection[Any], now: datetime) -> list[int]:
    """Return the rules of which something is due."""
    return sorted(row[0] for row in _rules_due.run(connection, {"now": now}))
