"""The business calendar."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.expressions.calendar import Calendar, working_day_rows

BERLIN = Calendar(
    time_zone="Europe/Berlin",
    hours=((time(9), time(12)), (time(13), time(17))),
    holidays=frozenset({date(2026, 4, 3), date(2026, 4, 6), date(2026, 4, 4)}),
    extra_days=frozenset({date(2026, 4, 11), date(2026, 4, 13)}),
)
DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))


def test_midnight_follows_summer_time():
    assert BERLIN.midnight(date(2026, 3, 29)) == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert BERLIN.midnight(date(2026, 3, 30)) == datetime(2026, 3, 29, 22, tzinfo=UTC)


def test_skipped_and_double_times_are_read_as_postgresql_does():
    skipped = BERLIN.moment(datetime(2026, 3, 29, 2, 30))  # noqa: DTZ001 - a wall time.
    assert skipped == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    twice = BERLIN.moment(datetime(2026, 10, 25, 2, 30))  # noqa: DTZ001 - a wall time.
    assert twice == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 4, 2), True),
        (date(2026, 4, 3), False),
        (date(2026, 4, 5), False),
        (date(2026, 4, 11), True),
        (date(2026, 4, 13), True),
    ],
)
def test_holidays_and_extra_days(day, works):
    assert BERLIN.is_working_day(day) is works


@given(DAYS, DAYS)
def test_working_days_between_counts_the_days(first, last):
    step = 1 if last >= first else -1
    low, high = sorted((first, last))
    days = [low + timedelta(days=n) for n in range(1, (high - low).days + 1)]
    assert BERLIN.working_days_between(first, last) == step * sum(map(BERLIN.is_working_day, days))


@given(DAYS, st.integers(-40, 40).filter(bool))
def test_adding_working_days_is_counted_back(day, count):
    moved = BERLIN.add_working_days(day, count)
    assert moved
    assert BERLIN.is_working_day(moved)
    distance = BERLIN.working_days_between(day, moved)
    # Counted backwards, the first step from a day off reaches the day the count begins with.
    expected = count if count > 0 or BERLIN.is_working_day(day) else count + 1
    assert distance == expected


@given(
    st.datetimes(datetime(2026, 3, 20), datetime(2026, 4, 20), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(1, 3_000),
)
def test_adding_working_time_is_measured_back(moment, minutes):
    length = timedelta(minutes=minutes)
    later = BERLIN.add_working_time(moment, length)
    assert later
    assert BERLIN.working_time_between(moment, later) == length
    earlier = BERLIN.add_working_time(moment, -length)
    assert earlier
    assert BERLIN.working_time_between(moment, earlier) == -length


def test_a_company_that_never_works_is_not_searched_for_ever():
    never = Calendar(weekdays=frozenset())
    assert never.next_working_day(date(2026, 1, 1)) is None
    assert never.add_working_days(date(2026, 1, 1), 3) is None
    assert never.add_working_time(datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=1)) is None


def test_the_ends_of_time_are_no_error():
    shanghai = Calendar(time_zone="Asia/Shanghai")
    assert shanghai.midnight(date.min).year == 1
    assert shanghai.day(datetime.max.replace(tzinfo=UTC)) == date.max
    assert shanghai.next_working_day(date.max) is None


def test_table_of_working_days_runs_on():
    rows = list(working_day_rows(BERLIN, date(2026, 4, 1), date(2026, 4, 8)))
    assert rows == [
        (date(2026, 4, 1), 1),
        (date(2026, 4, 2), 2),
        (date(2026, 4, 7), 3),
        (date(2026, 4, 8), 4),
    ]
