"""The whole days of a week, laid out so that what lasts several days is one bar.

It only arranges what `calendars` drew: each record keeps one lane over all of its days, and lanes
that do not fit are counted day by day. It reads nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.screens.calendars import Chip


@dataclass(slots=True)
class _Bar:
    """The days of a row on which one record stands without a gap."""

    first: int
    chips: list[Chip]

    @property
    def last(self) -> int:
        return self.first + len(self.chips) - 1

    @property
    def rank(self) -> tuple[bool, int, int]:
        """What begins or ends here stands above what goes on and on; then what comes first."""
        return (all(one.is_between for one in self.chips), self.first, -len(self.chips))


def lay_out(days: Sequence[Sequence[Chip]], most: int) -> tuple[list[list[Chip | None]], list[int]]:
    """Return the lanes of each day, None where one is free, and how many a day does not show.

    Args:
        days: the chips of each day of a week.
        most: so many lanes are shown.
    """
    lanes: list[list[Chip | None]] = [[] for _ in days]
    hidden = [0 for _ in days]
    ends: list[list[_Bar]] = []
    for bar in sorted(_bars(days), key=lambda one: one.rank):
        lane = _free_lane(ends, bar, most)
        while lane is None and bar.chips:
            # Where there is no room yet it is counted; it is shown from the day there is.
            hidden[bar.first] += 1
            bar.first, bar.chips = bar.first + 1, bar.chips[1:]
            lane = _free_lane(ends, bar, most) if bar.chips else None
        for offset, chip in enumerate(bar.chips):
            day = bar.first + offset
            assert lane is not None
            lanes[day] += [None] * (lane + 1 - len(lanes[day]))
            width = len(bar.chips) if offset == 0 else 0
            lanes[day][lane] = replace(chip, width=width, goes_on=day < bar.last)
    return lanes, hidden


def _bars(days: Sequence[Sequence[Chip]]) -> list[_Bar]:
    done: list[_Bar] = []
    running: dict[str, _Bar] = {}
    for index, chips in enumerate(days):
        here: dict[str, _Bar] = {}
        for chip in chips:
            bar = running.get(chip.moves_href)
            if bar is None:
                bar = _Bar(index, [])
                done.append(bar)
            bar.chips.append(chip)
            here[chip.moves_href] = bar
        running = here
    return done


def _free_lane(lanes: list[list[_Bar]], bar: _Bar, most: int) -> int | None:
    """Take the first lane that is free on every day of a bar; None when there is no such lane."""
    if len(lanes) < most:
        lanes.append([])
    for number, taken in enumerate(lanes):
        if all(bar.last < one.first or bar.first > one.last for one in taken):
            taken.append(bar)
            return number
    return None
