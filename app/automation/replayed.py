"""What a rule would have done: the firings of a replay, counted and put into words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.texts import Label, say

#: So many firings are listed; all are counted.
MOST_LISTED = 500


@dataclass(frozen=True, slots=True)
class Replayed:
    """One firing that would have been."""

    at: datetime
    title: str
    entity: str | None = None
    record_id: int | None = None
    to: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as ``--format json`` gives it."""
        return {
            "at": self.at.isoformat(),
            "entity": self.entity,
            "id": self.record_id,
            "title": self.title,
            "to": list(self.to),
        }


@dataclass(slots=True)
class Backtest:
    """What a rule would have done within a window."""

    rule: str
    since: datetime
    until: datetime
    firings: list[Replayed] = field(default_factory=list)
    total: int = 0
    #: times its moment came and its condition did not hold
    skipped: int = 0
    #: records that were replayed
    looked_at: int = 0
    by_person: Counter[str] = field(default_factory=Counter)
    by_day: Counter[str] = field(default_factory=Counter)
    records: set[tuple[str, int]] = field(default_factory=set)
    #: what could not be known
    notes: list[Label] = field(default_factory=list)

    def note(self, label: Label) -> None:
        """Say what could not be known, once."""
        if label not in self.notes:
            self.notes.append(label)

    def add(self, one: Replayed, day: str) -> None:
        """Count a firing."""
        self.total += 1
        self.by_person.update(one.to)
        self.by_day[day] += 1
        if one.entity is not None and one.record_id is not None:
            self.records.add((one.entity, one.record_id))
        self.firings.append(one)

    def finish(self) -> None:
        """Put the firings in order and keep the last."""
        self.firings.sort(key=lambda one: one.at)
        self.firings = self.firings[-MOST_LISTED:]

    def summary(self) -> Iterator[Label]:
        """Yield how often, to whom, on which day most, and what could not be known."""
        yield say(
            "{total} firings for {records} records in {days} days; {skipped} times its condition "
            "did not hold. {looked} records were replayed.",
            "{days} 天内对 {records} 条记录触发 {total} 次；条件不成立 {skipped} 次。"
            "共回放 {looked} 条记录。",
            total=self.total,
            records=len(self.records),
            days=(self.until - self.since).days,
            skipped=self.skipped,
            looked=self.looked_at,
        )
        if self.by_person:
            people = ", ".join(f"{name} {count}" for name, count in self.by_person.most_common(10))
            yield say("By person: {people}.", "按人员：{people}。", people=people)
        if self.by_day:
            day, count = self.by_day.most_common(1)[0]
            yield say(
                "The busiest day: {day}, {count}.",
                "最多的一天：{day}，{count} 次。",
                day=day,
                count=count,
            )
        yield from self.notes

    def as_json(self) -> dict[str, Any]:
        """Return it as ``--format json`` gives it."""
        return {
            "rule": self.rule,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "total": self.total,
            "skipped": self.skipped,
            "records": len(self.records),
            "looked_at": self.looked_at,
            "by_person": dict(self.by_person.most_common()),
            "by_day": dict(sorted(self.by_day.items())),
            "notes": [str(one) for one in self.notes],
            "firings": [one.as_json() for one in self.firings],
        }
