"""When rules come that follow the clock alone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.automation.cron import moments, next_moment
from app.definitions.automation import At, Cron
from app.expressions.calendar import Calendar

BERLIN = Calendar(
    time_zone="Europe/Berlin", holidays=frozenset({date(2026, 4, 3), date(2026, 4, 6)})
)
SHANGHAI = Calendar(time_zone="Asia/Shanghai")


def local(text: str, calendar: Calendar = BERLIN) -> datetime:
    return calendar.moment(datetime.fromisoformat(text))


def following(cron: Cron, at: At | None, after: str, count: int, calendar: Calendar = BERLIN):
    found, moment = [], local(after, calendar)
    for _ in range(count):
        moment = next_moment(cron, at, calendar, moment)
        found.append(moment.astimezone(ZoneInfo(calendar.time_zone)).strftime("%Y-%m-%d %H:%M"))
    return found


NINE = At(9 * 60)


@pytest.mark.parametrize(
    ("cron", "at", "after", "expected"),
    [
        (Cron("minutes", 15), None, "2026-03-02 08:50", ["2026-03-02 09:00", "2026-03-02 09:15"]),
        (Cron("minutes", 15), None, "2026-03-02 09:00", ["2026-03-02 09:15"]),
        (Cron("hours", 6), None, "2026-03-02 19:00", ["2026-03-03 00:00", "2026-03-03 06:00"]),
        (Cron("day"), NINE, "2026-03-02 09:00", ["2026-03-03 09:00", "2026-03-04 09:00"]),
        (Cron("day", 2), NINE, "2026-03-02 10:00", ["2026-03-03 09:00", "2026-03-05 09:00"]),
        (Cron("working day"), NINE, "2026-04-02 09:00", ["2026-04-07 09:00"]),
        (Cron("week", weekday=4), NINE, "2026-03-02 09:00", ["2026-03-06 09:00", "2026-03-13 09:00"]),
        (Cron("week"), None, "2026-03-02 00:00", ["2026-03-09 00:00"]),
        (Cron("month", day=1), NINE, "2026-03-02 09:00", ["2026-04-01 09:00", "2026-05-01 09:00"]),
        (Cron("month", day=31), None, "2026-01-31 12:00", ["2026-02-28 00:00", "2026-03-31 00:00"]),
        (Cron("month", day="last"), NINE, "2026-01-31 09:00", ["2026-02-28 09:00"]),
        (Cron("month", day="last working day"), NINE, "2026-02-01 00:00",
         ["2026-02-27 09:00", "2026-03-31 09:00", "2026-04-30 09:00", "2026-05-29 09:00"]),
        (Cron("month", day="first working day"), NINE, "2026-04-01 10:00",
         ["2026-05-01 09:00", "2026-06-01 09:00"]),
        (Cron("quarter", day="last"), None, "2026-03-02 00:00", ["2026-03-31 00:00", "2026-06-30 00:00"]),
        (Cron("year", day=1), NINE, "2026-03-02 00:00", ["2027-01-01 09:00"]),
        # A day off waits for the next working day.
        (Cron("month", day=4), At(540, working_days=True), "2026-03-05 00:00", ["2026-04-07 09:00"]),
        (Cron("day"), At(540, working_days=True), "2026-04-02 09:00", ["2026-04-07 09:00", "2026-04-08 09:00"]),
    ],
)  # fmt: skip
def test_the_next_moments(cron, at, after, expected):
    assert following(cron, at, after, len(expected)) == expected


def test_j15_f24_once_a_day_where_clocks_are_moved():
    half_past_two = At(2 * 60 + 30)
    # On 29 March there is no half past two, on 25 October there are two.
    assert following(Cron("day"), half_past_two, "2026-03-27 12:00", 3) == [
        "2026-03-28 02:30",
        "2026-03-29 03:30",
        "2026-03-30 02:30",
    ]
    assert following(Cron("day"), half_past_two, "2026-10-23 12:00", 3) == [
        "2026-10-24 02:30",
        "2026-10-25 02:30",
        "2026-10-26 02:30",
    ]
    first = local("2026-10-24 12:00")
    found = list(moments(Cron("day"), half_past_two, BERLIN, first, first + timedelta(days=3)))
    assert [each.astimezone(UTC).strftime("%d %H:%M") for each in found] == [
        "25 01:30",
        "26 01:30",
        "27 01:30",
    ]
    # Every quarter of an hour is one that passes: 92 of them, and 100.
    for day, count in ((29, 92), (28, 96)):
        begin = local(f"2026-03-{day}")
        end = local(f"2026-03-{day + 1}")
        assert len(list(moments(Cron("minutes", 15), None, BERLIN, begin, end))) == count


@given(
    st.sampled_from(
        [
            Cron("minutes", 7),
            Cron("minutes", 30),
            Cron("hours", 5),
            Cron("day"),
            Cron("working day"),
            Cron("month", day="last working day"),
            Cron("quarter", day=1),
        ]
    ),
    st.sampled_from([None, At(150), At(540, working_days=True)]),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001
)
def test_it_always_goes_on_and_never_back(cron, at, after):
    begin = after.replace(tzinfo=UTC)
    for calendar in (BERLIN, SHANGHAI):
        moment = next_moment(cron, at, calendar, begin)
        assert moment is not None
        assert moment > begin
        # From anywhere before it, it is the same moment.
        between = begin + (moment - begin) / 2
        assert next_moment(cron, at, calendar, between) == moment


def test_a_rule_that_never_comes_is_never_due():
    never = Calendar(weekdays=frozenset())
    assert next_moment(Cron("working day"), None, never, datetime(2026, 1, 1, tzinfo=UTC)) is None
