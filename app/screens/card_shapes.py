"""What a figure is drawn from: plain texts and lengths, ready for the templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from app.screens.marks import Mark


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside a figure: how it differs from before."""

    mood: str
    icon: str
    difference: str
    words: str
    title: str


@dataclass(slots=True)
class Line:
    """One row of bars or of a table."""

    label: str
    value: str
    href: str = ""
    also: str = ""
    before: str = ""
    #: how long its bar is, in per cent
    long: str = "0"
    #: how deep its colour is
    deep: str = "1"
    share: str = ""
    mark: Mark | None = None
    is_me: bool = False
    moved: str = ""
    moved_mood: str = "mut"
    target: str = ""
    reached: str = ""
    reached_mood: str = ""
    reached_long: str = "0"
    depth: int = 0
    is_whole: bool = False


@dataclass(slots=True)
class Card:
    """One figure, ready to be drawn."""

    number: int
    kind: str
    label: str
    help: str = ""
    width: int = 12
    href: str = ""
    value: str = ""
    full: str = ""
    period: str = ""
    beside: Beside | None = None
    lines: list[Line] = field(default_factory=list)
    heads: Sequence[str] = ()
    has_also: bool = False
    has_before: bool = False
    chart: str = ""
    levels: Sequence[tuple[str, str, str, str]] = ()
    pace: int | None = None
    more: str = ""
    rows: Markup = field(default_factory=Markup)
    columns: Sequence[Any] = ()
    refused: str = ""
    empty: bool = False

    @property
    def is_tile(self) -> bool:
        return self.kind == "tile"
