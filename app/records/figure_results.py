"""What looking at a dashboard gives back: plain values, for screens and the API alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.definitions.dashboards import Dashboard, Figure
from app.definitions.periods import Span
from app.records.results import Count, Page
from app.texts import Label

Number = Decimal | int | None


@dataclass(frozen=True, slots=True)
class People:
    """Whose records are counted."""

    #: mine | subordinates | department | all | user | department_of
    mode: str
    #: of `user` and `department_of`: which one
    number: int = 0

    @property
    def written(self) -> str:
        """How it stands in an address."""
        if self.mode == "user":
            return f"user:{self.number}"
        return f"department:{self.number}" if self.mode == "department_of" else self.mode


@dataclass(frozen=True, slots=True)
class Drill:
    """The records behind a figure: a list with a filter."""

    entity: str
    filter: str = ""
    view: str = ""


@dataclass(slots=True)
class Reached:
    """What was to be reached, by level in the levels' order."""

    levels: dict[str, Decimal] = field(default_factory=dict)

    @property
    def first(self) -> Decimal | None:
        """The lowest level, by which attainment is told; None where nothing is typed in."""
        return next(iter(self.levels.values()), None)


@dataclass(slots=True)
class Row:
    """One group of a figure."""

    #: an option, a number, a switch, a text, or the signs of a period; None where it is empty
    key: Any
    #: what people read, where the key is a record; None where it may not be read
    title: str | None = None
    value: Number = None
    also: Number = None
    before: Number = None
    #: so many places up, against the period before; None where it was not there
    moved: int | None = None
    #: of a funnel: its share of the stage before, and how often it stands there now
    share: Decimal | None = None
    target: Reached | None = None
    #: how deep it lies, in a table of departments
    depth: int = 0
    kind: str = ""
    drill: Drill | None = None


@dataclass(slots=True)
class Answer:
    """One figure, worked out."""

    figure: Figure
    span: Span | None = None
    before_span: Span | None = None
    value: Number = None
    also: Number = None
    before: Number = None
    target: Reached | None = None
    rows: list[Row] = field(default_factory=list)
    #: what the keys of the rows are: time, choice, user, department, link, boolean, text
    row_kind: str = ""
    #: of time: its unit
    unit: str = ""
    #: there are more groups than are shown
    more: int = 0
    drill: Drill | None = None
    #: the share of the period's working days that have passed, in per cent
    pace: int | None = None
    page: Page | None = None
    #: of the records listed: their fields
    columns: tuple[str, ...] = ()
    count: Count | None = None
    #: why it is not shown
    refused: Label | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """A dashboard, looked at by one person."""

    dashboard: Dashboard
    span: Span
    people: People
    at: datetime
    answers: Mapping[int, Answer]
