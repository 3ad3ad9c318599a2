"""The business calendar of ``app.yaml``: working days, working hours, public holidays.

Here the file's words become the one `Calendar` that every room asks; it is made once for each
catalog. Public holidays are data by country and year, and another list can stand in the file
instead. Nothing here knows what the calendar is used for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from app.expressions.calendar import Calendar

#: By country and year: days off, and days worked that are none by the week. China's State Council
#: announces both each autumn for the year to come.
PUBLIC_HOLIDAYS: Mapping[str, Mapping[int, tuple[str, str]]] = {
    "cn": {
        2024: (
            "01-01 02-10:02-17 04-04:04-06 05-01:05-05 06-08:06-10 09-15:09-17 10-01:10-07",
            "02-04 02-18 04-07 04-28 05-11 09-14 09-29 10-12",
        ),
        2025: (
            "01-01 01-28:02-04 04-04:04-06 05-01:05-05 05-31:06-02 10-01:10-08",
            "01-26 02-08 04-27 09-28 10-11",
        ),
        2026: (
            "01-01:01-03 02-15:02-23 04-04:04-06 05-01:05-05 06-19:06-21 09-25:09-27 10-01:10-07",
            "01-04 02-14 02-28 05-09 09-20 10-10",
        ),
    }
}
#: Holidays on the same days each year, for years nothing was announced for yet. Those that follow
#: the moon, and the days that are moved, are not known before.
EVERY_YEAR: Mapping[str, str] = {"cn": "01-01 05-01:05-02 10-01:10-03"}
_FIRST_YEAR, _LAST_YEAR = 2000, 2100


def build_calendar(said: Mapping[str, Any], time_zone: str) -> Calendar:
    """Return the calendar that ``calendar:`` of app.yaml describes; unsaid parts are the usual."""
    usual = Calendar()
    off: set[date] = set()
    on: set[date] = set()
    days = said.get("days")
    weekdays = usual.weekdays if days is None else frozenset(days)
    for one in _listed(said.get("holidays")):
        if isinstance(one, date):
            off.add(one)
        else:
            country_off, country_on = _country(one)
            off |= country_off
            on |= country_on
    worked = set(_listed(said.get("worked")))
    return Calendar(
        time_zone=time_zone,
        weekdays=weekdays,
        hours=tuple(said.get("hours") or usual.hours),
        holidays=frozenset(off - worked),
        extra_days=frozenset((on - off) | worked),
    )


def country_of(said: Mapping[str, Any]) -> str:
    """Return the country the company works in, as far as its holidays tell; else China."""
    named = (one for one in _listed(said.get("holidays")) if isinstance(one, str))
    return next(named, "cn").upper()


def _listed(value: Any) -> Iterable[Any]:
    if value is None:
        return ()
    return value if isinstance(value, tuple | list) else (value,)


def _country(name: str) -> tuple[set[date], set[date]]:
    off: set[date] = set()
    on: set[date] = set()
    announced = PUBLIC_HOLIDAYS[name]
    for year in range(_FIRST_YEAR, _LAST_YEAR):
        free, worked = announced.get(year, (EVERY_YEAR[name], ""))
        off.update(_days(year, free))
        on.update(_days(year, worked))
    return off, on


def _days(year: int, spans: str) -> Iterator[date]:
    """Yield the days of ``01-28:02-04 05-01``."""
    for span in spans.split():
        first, _, last = span.partition(":")
        day = date.fromisoformat(f"{year}-{first}")
        end = date.fromisoformat(f"{year}-{last or first}")
        while day <= end:
            yield day
            day += timedelta(days=1)
