"""Time passes in a test: whatever comes due meanwhile happens at its own minute.

The clock jumps from one due moment to the next; between them nothing could happen. At each, what a
scheduler claims is claimed and what a worker runs is run, by the same functions.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.automation.approvals.door import Approvals
from app.automation.claiming import Timing, claim_due
from app.automation.engine import Engine
from app.automation.registry import RuleNumbers
from app.database.automation_tables import approval_task, reminder, task
from app.errors import TrellisError
from app.jobs.leases import HANDED, begin_tasks, lease_tasks, new_token
from app.records.statements import Statement
from app.texts import say
from app.trials.ground import Ground

#: So many due moments may lie in one step; a rule that comes every minute for a year is no test.
MOST_MOMENTS = 5_000
#: Rounds at one moment: a chain of rules that wake each other ends.
_MOST_ROUNDS = 100
_BATCH = 1_000

_NOW = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_waiting = (reminder.c.due_at, ~reminder.c.suspended)
_open = (task.c.due_at, sa.and_(task.c.problem.is_(None), task.c.leased_until.is_(None)))
_asked = (
    approval_task.c.due_at,
    sa.and_(approval_task.c.state == "waiting", ~approval_task.c.late),
)


def _question() -> sa.Select[*tuple[Any, ...]]:
    """Return what is due now (reminders, tasks, deadlines), and when the next is."""
    kinds = (_waiting, _open, _asked)
    now = [
        sa.exists(sa.select(sa.literal(1)).where(due <= _NOW, condition))
        for due, condition in kinds
    ]
    later = [
        sa.select(sa.func.min(due)).where(due > _NOW, met).scalar_subquery() for due, met in kinds
    ]
    return sa.select(*now, sa.func.least(*later))


_ASK = Statement(_question())


class TooMuch(TrellisError):
    """A step in which more comes due than a test should wait for."""


class Passing:
    """Lets time pass over the ground."""

    def __init__(
        self, ground: Ground, engine: Engine, numbers: RuleNumbers, approvals: Approvals
    ) -> None:
        """Take what runs what is due."""
        self._ground = ground
        self._engine = engine
        self._numbers = numbers
        self._approvals = approvals
        self._timing: Timing | None = None

    def until(self, moment: datetime) -> None:
        """Let everything happen that is due up to a moment, which is now afterwards.

        Raises:
            TooMuch: more is due than a test should wait for.
        """
        clock = self._ground.clock
        for _ in range(MOST_MOMENTS):
            following = self.settle()
            if following is None or following > moment:
                clock.moment = max(clock.moment, moment)
                return
            clock.moment = following
        raise TooMuch(
            say(
                "More than {most} moments are due in this step. Let less time pass.",
                "此步骤中有超过 {most} 个到期时刻，请缩短经过的时间。",
                most=MOST_MOMENTS,
            )
        )

    def settle(self) -> datetime | None:
        """Run what is due now and what comes of it at once; return when the next is due."""
        now = self._ground.clock.moment
        self._approvals.look(now)
        for _ in range(_MOST_ROUNDS):
            with self._ground.pools.read.connection() as connection:
                row = _ASK.run(connection, {"now": now}).fetchone()
            assert row is not None
            reminders, tasks, deadlines, following = row
            done = 0
            if reminders:
                done += self._claim(now)
            if reminders or tasks:
                done += self._run(now)
            if deadlines:
                done += self._approvals.look(now)
            if not done:
                # Something that stays due although nobody takes it is not waited for.
                found: datetime | None = following
                return found
        raise TooMuch(say("What is due here never ends.", "此处的到期任务无法结束。"))

    def _claim(self, now: datetime) -> int:
        release = self._ground.live.release
        if self._timing is None or self._timing.release is not release:
            self._timing = Timing(release, self._numbers)
        with self._ground.pools.write.connection() as connection:
            return claim_due(connection, release, self._numbers, now, _BATCH, self._timing)

    def _run(self, now: datetime) -> int:
        """Run the tasks that are due, as a worker does; return how many."""
        token = new_token()
        with self._ground.pools.write.connection() as connection:
            fresh, tried = lease_tasks(connection, now, _BATCH, token)
            ours = begin_tasks(connection, [*fresh, *tried], token, HANDED)
        if ours:
            self._engine.run_tasks(ours, token)
        return len(ours)
