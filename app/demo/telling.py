"""What every part of the demo's story shares: chance, days, people and the steps told so far."""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.demo.names import Inventor
from app.demo.organisation import DemoOrganisation, demo_organisation
from app.demo.steps import Person, Reference, Step

ZONE = ZoneInfo("Asia/Shanghai")
EAST = "sales_east"
ABROAD = "sales_international"


class Telling:
    """One telling of the story, from a seed, up to the evening before a day."""

    def __init__(self, seed: int, today: date) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a demo must be the same every time.
        self.today = today
        self.inventor = Inventor(self.chance)
        self.organisation: DemoOrganisation = demo_organisation()
        #: nothing is told that happens later
        self.end = datetime.combine(today - timedelta(days=1), time(18), ZONE)
        self._steps: list[Step] = []
        self._counts: dict[str, int] = {}

    def ago(self, days: int) -> datetime:
        """Return a moment in working hours so many days before today, or just before."""
        day = self.today - timedelta(days=days)
        day -= timedelta(days=max(0, day.weekday() - 4))
        minutes = self.chance.randrange(9 * 60)
        return datetime.combine(day, time(8, 30), ZONE) + timedelta(minutes=minutes)

    def after(self, moment: datetime, least: int, most: int) -> datetime:
        """Return a moment in working hours that many days after another, always later than it."""
        day = moment.date() + timedelta(days=self.chance.randint(least, most))
        if day == moment.date():
            return moment + timedelta(minutes=self.chance.randint(5, 60))
        day += timedelta(days=(0, 0, 0, 0, 0, 2, 1)[day.weekday()])
        minutes = self.chance.randrange(9 * 60)
        return datetime.combine(day, time(8, 30), ZONE) + timedelta(minutes=minutes)

    def has_happened(self, moment: datetime) -> bool:
        """Return whether a moment lies before the story's end."""
        return moment <= self.end

    def likely(self, percent: int) -> bool:
        """Return True that many times out of a hundred."""
        return self.chance.randrange(100) < percent

    def seller(self, department: str) -> str:
        """Return the login of somebody who sells; a manager has few records of their own."""
        sellers = self.organisation.sellers(department)
        weights = [1 if login == sellers[-1] else 4 for login in sellers]
        return self.chance.choices(sellers, weights)[0]

    def add(self, at: datetime, by: str, entity: str, values: dict[str, Any]) -> Reference:
        """Tell that a record was made; return the reference to it."""
        number = self._counts[entity] = self._counts.get(entity, 0) + 1
        key = f"{entity}-{number}"
        self._steps.append(Step(at, by, entity, key, values))
        return Reference(key)

    def owned(
        self, at: datetime, owner: str, entity: str, values: dict[str, Any], by: str | None = None
    ) -> Reference:
        """Tell that a record was made that belongs to somebody, who also made it unless *by*."""
        return self.add(at, by or owner, entity, {"owner": Person(owner), **values})

    def change(self, at: datetime, by: str, record: Reference, values: dict[str, Any]) -> None:
        """Tell that a record was changed."""
        entity = record.key.rpartition("-")[0]
        self._steps.append(Step(at, by, entity, record.key, values, is_new=False))

    def submit(self, at: datetime, by: str, record: Reference) -> None:
        """Tell that a record was handed in for approval."""
        entity = record.key.rpartition("-")[0]
        self._steps.append(Step(at, by, entity, record.key, {}, is_new=False, act="submit"))

    def agree(self, at: datetime, record: Reference) -> None:
        """Tell that whoever was asked about a record said yes; of nothing where nobody was."""
        entity = record.key.rpartition("-")[0]
        self._steps.append(Step(at, "", entity, record.key, {}, is_new=False, act="agree"))

    def in_order(self) -> list[Step]:
        """Return all steps by time; those of one moment in the order they were told."""
        return sorted(self._steps, key=lambda step: step.at)
