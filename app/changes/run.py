"""What a change of many records is, as it is asked for and as it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.texts import Label

#: States of a run that is still to be done, or under way.
OPEN = ("waiting", "running")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which records: those that are named, or all of a list but those that are left out."""

    ids: tuple[int, ...] | None = None
    filter: str | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    view: str | None = None
    search: str | None = None
    without: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Run:
    """A change of many records as it is kept."""

    id: int
    kind: str
    entity: str | None
    user_id: int | None
    origin: str
    note: str | None
    doing: Mapping[str, Any]
    state: str
    mark: int
    total: int
    #: changed, unchanged, skipped, and by why they were skipped
    counts: Mapping[str, Any]
    change_set: int | None
    problem: Label | None
    made_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    beat_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it is still to be done, or under way."""
        return self.state in OPEN

    def count(self, what: str) -> int:
        """Return how many were ``changed``, ``unchanged`` or ``skipped``."""
        return int(self.counts.get(what, 0))

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {
            "id": self.id,
            "kind": self.kind,
            "entity": self.entity,
            "state": self.state,
            "total": self.total,
            "done": self.mark,
            "changed": self.count("changed"),
            "unchanged": self.count("unchanged"),
            "skipped": self.count("skipped"),
            "why": dict(self.counts.get("why", {})),
            "change_set": self.change_set,
            "problem": dict(self.problem.texts) if self.problem else None,
            "begun_at": self.made_at,
            "ended_at": self.ended_at,
        }


def run_of(row: Mapping[str, Any]) -> Run:
    """Return a run as its row tells it."""
    return Run(
        **{name: row[name] for name in Run.__slots__ if name != "problem"},
        problem=Label(row["problem"]) if row["problem"] else None,
    )
