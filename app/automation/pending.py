"""What becomes of firings under way when records change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.automation.firings import MERGED, NEVER, Ended, Later, add_firings, add_tasks, label_text
from app.automation.index import RuleIndex
from app.automation.registry import RuleNumbers
from app.automation.running import Firing
from app.automation.steps import Run
from app.automation.waking import wake
from app.database.automation_tables import firing, task
from app.definitions.automation import Step
from app.records.reactions import Change
from app.records.statements import Statement, json_text
from app.records.work import Work
from app.texts import say

#: More records than this are not done in the write that concerns them, but by workers.
MOST_AT_ONCE = 500

_rule = sa.bindparam("rule", type_=sa.Integer)
_step = sa.bindparam("step", type_=sa.Text)
_entity = sa.bindparam("entity", type_=sa.SmallInteger)
_record = sa.bindparam("record_id", type_=sa.BigInteger)
_now = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_made = sa.bindparam("made", type_=sa.Text)
_gone = sa.bindparam("gone", type_=sa.ARRAY(sa.BigInteger))

_of_record = sa.and_(firing.c.entity == _entity, firing.c.record_id == _record)


def _wake_waits(condition: sa.ColumnElement[bool]) -> Statement:
    waiting = sa.and_(
        task.c.firing == firing.c.id,
        task.c.step == _step,
        task.c.problem.is_(None),
        firing.c.rule == _rule,
        firing.c.state == "waiting",
        condition,
    )
    return Statement(
        sa.update(task).where(waiting).values(due_at=_now, leased_until=None, attempts=0)
    )


_wake_own = _wake_waits(_of_record)
_wake_made = _wake_waits(firing.c.made.op("@>")(sa.cast(_made, JSONB)))
_resume = Statement(
    sa.update(task)
    .where(task.c.firing == firing.c.id, _of_record, task.c.due_at == sa.literal(NEVER))
    .values(due_at=_now)
)
_drop_tasks = Statement(sa.delete(task).where(task.c.firing == firing.c.id, _of_record))
_drop_firings = Statement(
    sa.update(firing)
    .where(_of_record, firing.c.state.in_(("due", "waiting")))
    .values(
        state="dropped",
        ended_at=_now,
        reason=sa.cast(sa.bindparam("reason", type_=sa.Text), JSONB),
    )
)
_other = firing.alias()
_is_taken = sa.exists().where(
    _other.c.rule == firing.c.rule,
    _other.c.entity == firing.c.entity,
    _other.c.record_id == _record,
    _other.c.occurrence == firing.c.occurrence,
)
#: What happened to both alike is told apart by the record it came from.
_take_along = Statement(
    sa.update(firing)
    .where(
        firing.c.entity == _entity,
        firing.c.record_id == sa.func.any(_gone),
        firing.c.state.in_(("due", "waiting")),
    )
    .values(
        record_id=_record,
        occurrence=sa.case(
            (_is_taken, sa.func.concat(firing.c.occurrence, MERGED, firing.c.record_id)),
            else_=firing.c.occurrence,
        ),
    )
)
_fired = Statement(
    sa.select(firing.c.id)
    .where(firing.c.rule == _rule, _of_record, firing.c.occurrence == "once")
    .limit(1)
)


class Pending:
    """Keeps what waits in step with the records it is about."""

    def __init__(self, numbers: RuleNumbers) -> None:
        self._numbers = numbers

    def has_fired(self, work: Work, one: Firing, number: int) -> bool:
        """Return whether a rule that fires once has fired for its record."""
        values = {"rule": number, "record_id": one.record_id, **self._entity(work, one.entity)}
        return _fired.run(work.connection, values).fetchone() is not None

    def follow(self, work: Work, index: RuleIndex, change: Change) -> None:
        """Have steps that wait follow what happened to a record."""
        name = change.entity.name
        record = {"entity": work.number(name), "record_id": change.record_id, "now": work.now}
        if change.action == "restore":
            if _resume.run(work.connection, record).rowcount:
                wake(work.connection)
        elif change.action == "purge":
            self._drop(work, record)
        elif change.action == "merge" and change.merged:
            _take_along.run(work.connection, {**record, "gone": list(change.merged)})
        if name in index.awaited and change.action not in ("delete", "merged", "purge"):
            self._wake(work, index, change, record)

    def _wake(self, work: Work, index: RuleIndex, change: Change, record: dict[str, Any]) -> None:
        woken = 0
        for awaited in index.awaited[change.entity.name]:
            values = {**record, "rule": self._numbers.number(awaited.rule), "step": awaited.step}
            if awaited.made:
                made = {awaited.made: [change.entity.name, change.record_id]}
                answer = _wake_made.run(work.connection, {**values, "made": json_text(made)})
            else:
                answer = _wake_own.run(work.connection, values)
            woken += answer.rowcount
        if woken:
            wake(work.connection)

    def _drop(self, work: Work, record: dict[str, Any]) -> None:
        _drop_tasks.run(work.connection, record)
        reason = say("Its record was removed for good.", "其记录已被彻底删除。")
        _drop_firings.run(work.connection, {**record, "reason": label_text(reason)})

    def fire_many(
        self,
        work: Work,
        runs: list[tuple[Run, list[Step]]],
        fire: Callable[[Work, list[tuple[Run, list[Step]]]], None],
    ) -> None:
        """Fire for many records: the first here and now, the rest by workers."""
        fire(work, runs[:MOST_AT_ONCE])
        rest = [run for run, _ in runs[MOST_AT_ONCE:] if run.reason is None]
        if not rest:
            return
        new = add_firings(work, [Ended(run.firing, "due") for run in rest])
        add_tasks(work, [Later(row.firing.id, "", work.now) for row, _ in new])
        wake(work.connection)

    def _entity(self, work: Work, name: str | None) -> dict[str, int]:
        return {"entity": work.number(name) if name else 0}
