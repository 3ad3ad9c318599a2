"""Versions of the configuration as they were applied: who, when, why, the files, the plan.

The newest live version is the one that serves. Going back is applying the files of an older one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.database.operations import Operation, operation_from_json
from app.database.outline import EMPTY, Outline
from app.database.system import apply_step, config_version
from app.errors import NotFound
from app.texts import Label, say


@dataclass(frozen=True, slots=True)
class AppliedVersion:
    """One version, without its files."""

    number: int
    fingerprint: str
    applied_at: datetime
    applied_by: str
    reason: str | None
    #: applying | live | failed
    state: str
    #: the version it was planned against
    base: int | None = None
    #: what could not be finished, in words; it is tried again by the next apply
    problems: tuple[Label, ...] = ()
    #: False where there was nothing to do and no version was written
    is_new: bool = True
    #: what was said with it, by name, and who agreed: ``entry by at`` each
    said: Mapping[str, str] = field(default_factory=dict)
    agreed: Sequence[Mapping[str, str]] = ()


_COLUMNS = (
    config_version.c.number,
    config_version.c.fingerprint,
    config_version.c.applied_at,
    config_version.c.applied_by,
    config_version.c.reason,
    config_version.c.state,
    config_version.c.base,
    config_version.c.said,
    config_version.c.agreed,
)


def versions(connection: sa.Connection, limit: int = 50) -> list[AppliedVersion]:
    """Return the newest versions, the newest first."""
    query = sa.select(*_COLUMNS).order_by(config_version.c.number.desc()).limit(limit)
    return [AppliedVersion(**row._mapping) for row in connection.execute(query)]


def find_live_version(connection: sa.Connection) -> AppliedVersion | None:
    """Return the version that serves; None before the first apply."""
    query = (
        sa.select(*_COLUMNS)
        .where(config_version.c.state == "live")
        .order_by(config_version.c.number.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else AppliedVersion(**row._mapping)


def find_version(connection: sa.Connection, number: int) -> AppliedVersion:
    """Return a version by its number.

    Raises:
        NotFound: there is no such version.
    """
    row = connection.execute(
        sa.select(*_COLUMNS).where(config_version.c.number == number)
    ).one_or_none()
    if row is None:
        raise _unknown(number)
    return AppliedVersion(**row._mapping)


def files_of(connection: sa.Connection, number: int) -> dict[str, str]:
    """Return the files of a version: path to text.

    Raises:
        NotFound: there is no such version.
    """
    return dict(_one(connection, config_version.c.files, number))


def file_of(connection: sa.Connection, number: int, path: str) -> str:
    """Return the text of one file of a version; nothing if it has no such file."""
    query = sa.select(config_version.c.files[path].astext).where(config_version.c.number == number)
    return connection.scalar(query) or ""


def plan_of(connection: sa.Connection, number: int) -> dict[str, Any]:
    """Return the plan of a version as it was carried out, as data.

    Raises:
        NotFound: there is no such version.
    """
    return dict(_one(connection, config_version.c.plan, number))


def _one(connection: sa.Connection, column: sa.Column[Any], number: int) -> Mapping[str, Any]:
    query = sa.select(column).where(config_version.c.number == number)
    found: Mapping[str, Any] | None = connection.execute(query).scalar_one_or_none()
    if found is None:
        raise _unknown(number)
    return found


def _unknown(number: int) -> NotFound:
    return NotFound(
        say(
            "There is no version {number} of the configuration.",
            "配置没有第 {number} 版。",
            number=number,
        )
    )


def outline_of_version(connection: sa.Connection, number: int | None) -> Outline:
    """Return the outline of a version; an empty one for None."""
    return EMPTY if number is None else _one(connection, config_version.c.outline, number)


def newest_number(connection: sa.Connection) -> int:
    """Return the number of the newest version, be it live or not; every apply writes one first."""
    query = sa.select(sa.func.coalesce(sa.func.max(config_version.c.number), 0))
    return int(connection.execute(query).scalar_one())


@dataclass(frozen=True, slots=True)
class UnfinishedStep:
    """An operation of a version that serves and is not done yet."""

    version: int
    position: int
    operation: Operation
    mark: Mapping[str, Any] | None
    #: why it could not be done when it was tried
    problem: Label | None

    def words(self) -> Label:
        """Return what is still to be done, and why it is not done yet."""
        words = self.operation.words()
        if self.problem is None:
            return say("to be finished: {words}", "有待完成：{words}", words=words)
        return say(
            "to be finished: {words}: {problem}",
            "有待完成：{words}：{problem}",
            words=words,
            problem=self.problem,
        )


def unfinished_steps(connection: sa.Connection, number: int) -> list[UnfinishedStep]:
    """Return what a version still owes, in its order."""
    table = apply_step.c
    query = (
        sa.select(table.version, table.position, table.operation, table.mark, table.problem)
        .where(table.version == number, table.done_at.is_(None))
        .order_by(table.position)
    )
    return [
        UnfinishedStep(
            version,
            position,
            operation_from_json(operation),
            mark,
            None if problem is None else Label(problem),
        )
        for version, position, operation, mark, problem in connection.execute(query)
    ]
