"""Reading a record's history: who changed what, when and through what.

A line shows only fields the asker may read; what is masked for a role is masked here as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.access.policy import Policy
from app.access.visibility import visible
from app.database import system
from app.database.release import Release
from app.database.statements import Statement
from app.definitions.catalog import Entity

_history = system.history


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a history. ``changes`` holds (before, after) by field, in the API's JSON."""

    id: int
    action: str
    version: int
    happened_at: datetime
    user_id: int | None
    origin: str
    cause: str | None
    change_set: int | None
    changes: Mapping[str, tuple[Any, Any]]

    def as_json(self) -> dict[str, Any]:
        """Return it as the API writes it."""
        return {
            "id": self.id,
            "action": self.action,
            "version": self.version,
            "happened_at": self.happened_at,
            "user": self.user_id,
            "origin": self.origin,
            "cause": self.cause,
            "change_set": self.change_set,
            "changes": {
                name: {"before": before, "after": after}
                for name, (before, after) in self.changes.items()
            },
        }


def history_statement(release: Release, policy: Policy, entity: str) -> Statement:
    """Return the statement for one record's lines, the newest first; nothing if it may not be seen.

    Parameters: ``record_id``, ``before`` (a line's id, or empty), ``limit``, and the asker's.
    """
    table = release.tables[entity].alias()
    before = sa.bindparam("before", type_=sa.BigInteger)
    record_id = sa.bindparam("record_id", type_=sa.BigInteger)
    return Statement(
        sa.select(
            _history.c.id,
            _history.c.action,
            _history.c.version,
            _history.c.happened_at,
            _history.c.user_id,
            _history.c.origin,
            _history.c.cause,
            _history.c.change_set,
            _history.c.before,
            _history.c.after,
        )
        .where(
            _history.c.entity == release.numbers[entity],
            _history.c.record_id == record_id,
            sa.or_(before.is_(None), _history.c.id < before),
            sa.exists(
                sa.select(1)
                .select_from(table)
                .where(
                    table.c.id == record_id,
                    visible(release, entity, table, policy, "history"),
                )
            ),
        )
        .order_by(_history.c.id.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )


def read_line(row: Mapping[str, Any], entity: Entity, policy: Policy) -> Line:
    """Return a line with the fields this policy may see."""
    before, after = row["before"], row["after"]
    changes = {
        name: (shown(entity, policy, name, before), shown(entity, policy, name, after))
        for name in dict.fromkeys([*before, *after])
        if name not in entity.fields or policy.field_right(entity.name, name) != "hidden"
    }
    return Line(
        row["id"],
        row["action"],
        row["version"],
        row["happened_at"],
        row["user_id"],
        row["origin"],
        row["cause"],
        row["change_set"],
        changes,
    )


def shown(entity: Entity, policy: Policy, name: str, values: Mapping[str, Any]) -> Any:
    """Return a value of history as far as this policy may see it."""
    value = values.get(name)
    field = entity.fields.get(name)
    if field is None or value is None:
        return value
    if policy.field_right(entity.name, name) == "masked":
        return field.type.masked(field, value)
    if field.type.name == "lines" and isinstance(value, list):
        lines = f"{entity.name}.{name}"
        return [
            {
                key: each
                for key, each in row.items()
                if key == "id" or policy.field_right(lines, key) in ("read", "edit")
            }
            for row in value
        ]
    return value
