"""What an apply does to steps that wait: those of changed and removed rules are looked at again.

A changed rule moves what is pending, so each such step is looked at at once: the worker puts it off
to its moment under the rule of now, or runs it, or drops it. Waits under way keep their version and
are left alone, unless the rule is gone.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.database.automation_tables import firing, rule, task


def wake_changed(connection: sa.Connection, now: datetime) -> int:
    """Have the pending steps of changed and removed rules looked at; return how many."""
    noted = firing.c.steps[task.c.step]["action"].astext
    changed = sa.and_(rule.c.digest.is_not(None), rule.c.digest != firing.c.digest, noted != "wait")
    update = (
        sa.update(task)
        .where(
            task.c.firing == firing.c.id,
            firing.c.rule == rule.c.number,
            firing.c.state.in_(("due", "waiting")),
            task.c.due_at > now,
            sa.or_(rule.c.digest.is_(None), changed),
        )
        .values(due_at=now, leased_until=None, attempts=0)
    )
    return connection.execute(update).rowcount
