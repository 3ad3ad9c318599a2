"""The ledger of applies: versions, their steps, how far each has come.

Written in the transaction of the work it speaks of, so that it is right whenever an apply dies.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa

from app.database.agreements import Standing
from app.database.plan import Plan
from app.database.system import apply_step, config_version
from app.definitions.catalog import Catalog
from app.texts import Label


def record(
    connection: sa.Connection,
    plan: Plan,
    catalog: Catalog,
    who: str,
    reason: str | None,
    standing: Standing,
) -> int:
    """Write down a version that is being applied, with every step, and return its number."""
    number: int = connection.execute(
        sa.insert(config_version)
        .values(
            fingerprint=catalog.fingerprint,
            applied_by=who,
            reason=reason,
            files=dict(catalog.files),
            plan=plan.as_json(),
            outline=plan.outline,
            state="applying",
            base=plan.base_number,
            changes=dict(catalog.app.changes),
            said=dict(standing.said),
            agreed=[one.as_json() for one in standing.agreed],
        )
        .returning(config_version.c.number)
    ).scalar_one()
    steps = [
        {"version": number, "position": position, "operation": operation.as_json()}
        for position, operation in enumerate(plan.operations)
    ]
    if steps:
        connection.execute(sa.insert(apply_step), steps)
    return number


def give_up_dead_ones(connection: sa.Connection) -> None:
    """Mark versions whose apply died; whoever holds the lock knows that nobody else is at work."""
    connection.execute(
        sa.update(config_version).where(config_version.c.state == "applying").values(state="failed")
    )


def fail(connection: sa.Connection, number: int) -> None:
    """Mark a version that could not become live."""
    connection.execute(
        sa.update(config_version).where(config_version.c.number == number).values(state="failed")
    )


def done(connection: sa.Connection, version: int, position: int) -> None:
    """Mark a step as done."""
    connection.execute(
        _step(version, position).values(done_at=datetime.now(UTC), problem=sa.null())
    )


def note_problem(connection: sa.Connection, version: int, position: int, problem: Label) -> None:
    """Note why a step could not be done; the next apply tries it again."""
    connection.execute(_step(version, position).values(problem=dict(problem.texts)))


def marker(version: int, position: int) -> Callable[[sa.Connection, int], None]:
    """Return what notes, within a batch's transaction, up to which id a step has come."""

    def mark(connection: sa.Connection, last: int) -> None:
        connection.execute(_step(version, position).values(mark={"after": last}))

    return mark


def _step(version: int, position: int) -> sa.Update:
    return sa.update(apply_step).where(
        apply_step.c.version == version, apply_step.c.position == position
    )
