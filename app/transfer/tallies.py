"""What became of rows, as it is counted and shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app.transfer.rows import Reason

SAMPLES = 5
OUTCOMES = ("created", "updated", "unchanged", "skipped", "faulty")


@dataclass(frozen=True, slots=True)
class Fault:
    """A row that was left out."""

    row: int
    values: list[Any]
    reasons: tuple[Reason, ...]


@dataclass(slots=True)
class Tally:
    """What became of rows."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    #: second records that were made
    others: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    #: titles of records that were made because rows named them, by entity; counted in ``others``
    parents: dict[str, set[str]] = field(default_factory=dict)
    #: by outcome: row, and the record's title
    samples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    #: rows by the number of their record
    rows: dict[int, int] = field(default_factory=dict)
    #: rows that look like a record that is there; only counted by a dry run
    alike: int = 0
    #: whether all names were compared by likeness
    is_compared: bool = True

    def add(self, other: Tally) -> None:
        """Add what became of further rows."""
        for name, count in other.counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        for name, count in other.others.items():
            self.others[name] = self.others.get(name, 0) + count
        for name, titles in other.parents.items():
            known = self.parents.setdefault(name, set())
            # A dry run takes each chunk back, so a parent is missed by each.
            self.others[name] -= len(known & titles)
            known |= titles
        self.faults += other.faults
        self.rows |= other.rows
        self.alike += other.alike
        self.is_compared = self.is_compared and other.is_compared
        for name, samples in other.samples.items():
            kept = self.samples.setdefault(name, [])
            kept += samples[: SAMPLES - len(kept)]

    def note(self, outcome: str, sample: dict[str, Any]) -> None:
        """Count a row, and keep it to be shown if it is among the first of its kind."""
        self.counts[outcome] += 1
        if sample.get("id") is not None:
            self.rows[sample["id"]] = sample["row"]
        kept = self.samples.setdefault(outcome, [])
        if len(kept) < SAMPLES:
            kept.append(sample)
