"""What the configuration folder holds and is not applied: a plan that waits, or problems.

Kept in the database, so that every process can tell an administrator. One row, or none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.database.plan import Plan
from app.database.system import pending
from app.definitions.problems import Problem

Kind = Literal["waiting", "problems"]


@dataclass(frozen=True, slots=True)
class Pending:
    """What waits for an administrator."""

    kind: Kind
    noticed_at: datetime
    fingerprint: str | None
    #: `Plan.as_json`, for ``waiting``
    plan: Mapping[str, Any] | None
    #: `Problem.as_json` each, for ``problems``
    problems: Sequence[Mapping[str, Any]]


def remember_plan(connection: sa.Connection, plan: Plan) -> None:
    """Note that *plan* waits for somebody to apply it."""
    _remember(connection, kind="waiting", fingerprint=plan.fingerprint, plan=plan.as_json())


def remember_problems(connection: sa.Connection, problems: Sequence[Problem]) -> None:
    """Note that the files cannot be used; what was applied before goes on serving."""
    _remember(connection, kind="problems", problems=[each.as_json() for each in problems])


def forget_pending(connection: sa.Connection) -> None:
    """Note that nothing waits: the folder is what serves."""
    connection.execute(sa.delete(pending))


def find_pending(connection: sa.Connection) -> Pending | None:
    """Return what waits, or None."""
    row = connection.execute(
        sa.select(
            pending.c.kind,
            pending.c.noticed_at,
            pending.c.fingerprint,
            pending.c.plan,
            pending.c.problems,
        )
    ).first()
    if row is None:
        return None
    return Pending(row.kind, row.noticed_at, row.fingerprint, row.plan, row.problems or ())


def _remember(connection: sa.Connection, **values: Any) -> None:
    row = {"fingerprint": None, "plan": sa.null(), "problems": sa.null(), **values}
    row["noticed_at"] = sa.func.clock_timestamp()
    statement = insert(pending).values(id=1, **row)
    connection.execute(statement.on_conflict_do_update(index_elements=[pending.c.id], set_=row))
