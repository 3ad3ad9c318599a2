"""Columns that change with a field: since when it is so, and what it was before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.records.drafts import Draft
from app.records.rows import EntityRows
from app.records.work import Work


def owner_columns(work: Work, row: Mapping[str, Any], owner: int | None) -> dict[str, Any]:
    """Return the columns that change with the owner."""
    return {
        "owner": owner,
        "owner_department": work.department_of(owner),
        "owner_since": work.now if owner is not None else None,
        "previous_owner": row["owner"] if row["owner"] is not None else row["previous_owner"],
        "pool": None if owner is not None else row.get("pool"),
        "updated_at": work.now,
        "updated_by": work.user_id,
    }


def stage_columns(
    rows: EntityRows, draft: Draft, changes: Mapping[str, Any], now: Any
) -> dict[str, Any]:
    """Return since when a stage is what it becomes, and what it was before."""
    columns: dict[str, Any] = {}
    for name in rows.lists.stages:
        if name in changes and draft.changed(name):
            columns[f"{name}__since"] = now
            columns[f"{name}__previous"] = draft.old.get(name)
    return {name: value for name, value in columns.items() if name in rows.columns}
