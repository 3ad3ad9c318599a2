"""One export in the background, as it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

OPEN = ("waiting", "running")


@dataclass(frozen=True, slots=True)
class ExportRun:
    """An export as it is kept."""

    id: int
    #: list | all
    kind: str
    user_id: int | None
    name: str
    form: str
    wanted: Mapping[str, Any]
    address: str | None
    state: str
    attempts: int
    done: int
    total: int | None
    size: int | None
    problem: Any
    made_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it waits or is under way."""
        return self.state in OPEN

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {
            "id": self.id,
            "kind": self.kind,
            "entity": self.wanted.get("entity"),
            "file": self.name,
            "format": self.form,
            "state": self.state,
            "rows": self.done,
            "total": self.total,
            "size": self.size,
            "made_at": self.made_at,
            "ended_at": self.ended_at,
            "expires_at": self.expires_at,
            "problem": self.problem,
        }


def run_of(row: Mapping[str, Any]) -> ExportRun:
    """Return a row of the table as an export."""
    return ExportRun(**{one.name: row[one.name] for one in fields(ExportRun)})
