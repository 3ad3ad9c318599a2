"""Clocks: what a write makes of them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from app.expressions.calendar import Calendar
from app.expressions.moments import Duration
from app.fields.base import FieldError
from app.fields.clock import Clock, advance
from tests.unit.fields.samples import FORM, make_field

#: Monday to Friday, 9 to 17, in UTC.
OFFICE = Calendar(hours=((time(9), time(17)),))
MONDAY = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
TWO_HOURS = Duration(microseconds=2 * 3600 * 1_000_000)
TWO_WORKING_HOURS = Duration(working_microseconds=2 * 3600 * 1_000_000)


def go(old, hours, *, runs=True, done=False, restarted=False, since=MONDAY, limit=TWO_HOURS):
    """Return what a write so many hours after Monday, 9 o'clock makes of a clock."""
    return advance(
        old,
        since=since,
        limit=limit,
        runs=runs,
        done=done,
        restarted=restarted,
        now=MONDAY + hours * HOUR,
        calendar=OFFICE,
    )


def test_a_clock_runs_until_it_is_done():
    begun = go(None, 0)
    assert begun == Clock("running", MONDAY + 2 * HOUR)
    assert go(begun, 1.5, done=True) == Clock("met", MONDAY + 2 * HOUR, HOUR / 2)


def test_without_a_beginning_or_a_limit_there_is_no_clock():
    begun = go(None, 0)
    assert go(begun, 1, since=None) is None
    assert go(begun, 1, limit=None) is None


def test_what_is_done_too_late_is_missed_for_good():
    begun = go(None, 0)
    missed = go(begun, 2, done=True)
    assert missed == Clock("missed", MONDAY + 2 * HOUR, timedelta())
    assert go(missed, 3, done=True) == missed
    assert go(missed, 3, done=False) == missed


def test_time_that_passes_makes_it_missed_without_a_write():
    begun = go(None, 0)
    due = MONDAY + 2 * HOUR
    assert begun.state_at(due - HOUR) == "running"
    assert begun.left_at(due - HOUR) == HOUR
    assert begun.state_at(due) == "missed"
    assert begun.left_at(due + HOUR) == timedelta()


def test_a_clock_that_rests_keeps_what_is_left():
    begun = go(None, 0)
    paused = go(begun, 0.5, runs=False)
    assert paused == Clock("paused", None, 1.5 * HOUR)
    assert paused.state_at(MONDAY + 100 * HOUR) == "paused"
    assert go(paused, 50, runs=False) == paused
    assert go(paused, 10) == Clock("running", MONDAY + 11.5 * HOUR)
    assert go(paused, 10, done=True) == Clock("met", MONDAY + 11.5 * HOUR, 1.5 * HOUR)


def test_a_clock_that_was_met_runs_on_when_it_is_undone():
    met = go(go(None, 0), 1, done=True)
    assert go(met, 1.5) == Clock("running", MONDAY + 2 * HOUR)
    assert go(met, 3) == Clock("missed", MONDAY + 2 * HOUR, timedelta())
    assert go(met, 9, done=True) == met


def test_a_clock_begins_anew_when_its_beginning_or_limit_changed():
    missed = go(go(None, 0), 5)
    assert missed.state == "missed"
    later = MONDAY + 4 * HOUR
    assert go(missed, 5, restarted=True, since=later) == Clock("running", later + 2 * HOUR)
    assert go(missed, 5, restarted=True, runs=False, since=later) == Clock("paused", None, HOUR)


def test_working_hours_follow_the_calendar():
    # Monday 16:00 to Tuesday 10:00 are two working hours.
    begun = go(None, 7, since=MONDAY + 7 * HOUR, limit=TWO_WORKING_HOURS)
    assert begun == Clock("running", MONDAY + 25 * HOUR)
    at_night = go(begun, 14, runs=False, since=MONDAY + 7 * HOUR, limit=TWO_WORKING_HOURS)
    assert at_night == Clock("paused", None, HOUR)
    # Taken up on Saturday, the last hour is worked on Monday.
    resumed = go(at_night, 24 * 5 + 3, since=MONDAY + 7 * HOUR, limit=TWO_WORKING_HOURS)
    assert resumed == Clock("running", MONDAY + timedelta(days=7) + HOUR)


def test_a_clock_of_calendar_days_keeps_the_time_of_day():
    assert go(None, 0, limit=Duration(days=2)) == Clock("running", MONDAY + timedelta(days=2))
    assert go(None, 0, limit=timedelta(hours=3)) == Clock("running", MONDAY + 3 * HOUR)


def test_an_old_record_is_judged_by_when_it_began():
    assert go(None, 100) == Clock("missed", MONDAY + 2 * HOUR, timedelta())


def test_nobody_writes_a_clock():
    field = make_field("clock")
    with pytest.raises(FieldError, match="cannot be set"):
        field.type.parse(field, "2026-01-01", FORM)


def test_a_clock_is_shown_in_words():
    field = make_field("clock")
    due = datetime.now(UTC) + timedelta(hours=2, minutes=5, seconds=30)
    assert field.type.display(field, Clock("running", due), "en") == "running · 2 h 5 min"
    assert field.type.display(field, Clock("running", due), "zh") == "进行中 · 2小时5分钟"
    assert field.type.display(field, Clock("missed", due), "zh") == "已超时"
    assert field.type.display(field, Clock("paused", None, HOUR), "en") == "paused · 1 h"
    assert field.type.display(field, None, "en") == ""
