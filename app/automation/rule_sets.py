"""What a timed rule does to many records is one change set a day, so that it can be taken back.

Tasks run in batches, many rules in one transaction; each rule goes on with the change set it began
that day. Rules on events write into the change set of whoever set them off.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from app.database.system import change_set
from app.records.checking import lock_for
from app.records.statements import Statement
from app.records.work import Work

KIND = "rule"
_today = Statement(
    sa.select(sa.func.max(change_set.c.id)).where(
        change_set.c.kind == sa.literal_column(f"'{KIND}'"),
        change_set.c.note == sa.bindparam("rule", type_=sa.Text),
        change_set.c.happened_at >= sa.bindparam("since", type_=change_set.c.happened_at.type),
    )
)


@contextmanager
def rule_set(work: Work, rule: str) -> Iterator[None]:
    """Have what is written inside belong to the rule's change set of the day."""
    before, note = work.shared.change_set, work.note
    known = work.shared.notes.setdefault("rule-sets", {})
    if rule not in known:
        known[rule] = _found(work, rule)
    work.shared.change_set = known[rule]
    try:
        yield
    finally:
        work.shared.change_set, work.note = before, note


def _found(work: Work, rule: str) -> int:
    values = {"rule": rule, "since": work.calendar.midnight(work.today)}
    number = _number(work, values)
    if number is None:
        # Another worker may be about to begin it.
        lock_for(work, f"rule-set:{rule}")
        number = _number(work, values)
    if number is None:
        work.shared.change_set, work.note = None, rule
        number = work.open_change_set(KIND)
    return number


def _number(work: Work, values: dict[str, object]) -> int | None:
    row = _today.run(work.connection, values).fetchone()
    return int(row[0]) if row is not None and row[0] is not None else None
