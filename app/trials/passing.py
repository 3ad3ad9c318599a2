"""Time passes in a test: whatever comes due meanwhile happens at its own minute.

The clock jumps from one due moment to the next; between them nothing could happen. At each, what a
scheduler claims is claimed and what a worker runs is run, by the same functions.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.automation.approvals.door import Approvals
from app.automation.claiming import Timing, claim_due
from app.automation.engine import Engine
from app.automation.registry import RuleNumbers
from app.database.automation_tables import approval_task, reminder, task
from app.errors import TrellisError
from app.jobs.leases import HANDED, begin_tasks, lease_tasks, new_token
from app.texts import say
from app.trials.ground import Ground

#: So many due moments may lie in one step; a rule that comes every minute for a year is no test.
MOST_MOMENTS = 5_000
#: Rounds at one moment: a chain of rules that wake each other ends.
_MOST_ROUNDS = 100
_BATCH = 1_000

_NOW = sa.bindparam("now", type_=sa.DateTime(timezone=True))
#: What is still due now although it was settled stays so, so only what comes later is looked for.
_NEXT = (
    sa.select(sa.func.min(reminder.c.due_at)).where(
        ~reminder.c.suspended, reminder.c.due_at > _NOW
    ),
    sa.select(sa.func.min(task.c.due_at)).where(task.c.problem.is_(None), task.c.due_at > _NOW),
    sa.select(sa.func.min(approval_task.c.due_at)).where(
        approval_task.c.state == "waiting", ~approval_task.c.late, approval_task.c.due_at > _NOW
    ),
)


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
            self.settle()
            following = self._following(clock.moment)
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

    def settle(self) -> None:
        """Run what is due now, and what comes of it at once."""
        now = self._ground.clock.moment
        for _ in range(_MOST_ROUNDS):
            claimed = self._claim(now)
            ran = self._run(now)
            looked = self._approvals.look(now)
            if not (claimed or ran or looked):
                return
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

    def _following(self, now: datetime) -> datetime | None:
        """Return the next moment at which anything is due."""
        with self._ground.pools.engine.connect() as connection:
            found = [connection.execute(one, {"now": now}).scalar() for one in _NEXT]
        return min((one for one in found if one is not None), default=None)
