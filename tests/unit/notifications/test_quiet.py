"""Quiet hours and digests go by the company's clocks, also where those are moved."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from app.definitions.catalog import App
from app.notifications.quiet import after_quiet, digest_at

NIGHT = ((time(21), time(8)),)


def app(zone: str = "Europe/Berlin", quiet: object = NIGHT) -> App:
    return App(time_zone=zone, calendar={"quiet": quiet, "hours": ((time(9), time(18)),)})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "wanted"),
    [
        ("2026-03-10 19:59", "2026-03-10 19:59"),
        ("2026-03-10 20:00", "2026-03-11 07:00"),
        ("2026-03-11 06:59", "2026-03-11 07:00"),
        ("2026-03-11 07:00", "2026-03-11 07:00"),
        # The clocks go forward in this night, so that it is an hour shorter.
        ("2026-03-28 20:00", "2026-03-29 06:00"),
        ("2026-10-24 19:00", "2026-10-25 07:00"),
    ],
)
def test_quiet_hours_end_in_the_morning(moment, wanted):
    assert after_quiet(app(), at(moment)) == at(wanted)


def test_spans_that_meet_are_one_and_none_is_none():
    spans = ((time(12), time(13)), (time(13), time(14)))
    assert after_quiet(app(quiet=spans), at("2026-03-10 11:30")) == at("2026-03-10 13:00")
    moment = at("2026-03-10 02:00")
    assert after_quiet(app(quiet=None), moment) == moment


@pytest.mark.parametrize(
    ("moment", "rhythm", "wanted"),
    [
        ("2026-03-10 07:59", "daily", "2026-03-10 08:00"),
        ("2026-03-10 08:00", "daily", "2026-03-11 08:00"),
        ("2026-03-10 08:00", "weekly", "2026-03-16 08:00"),
        ("2026-03-16 08:00", "weekly", "2026-03-23 08:00"),
    ],
)
def test_a_digest_comes_when_work_begins(moment, rhythm, wanted):
    assert digest_at(app(), at(moment), rhythm) == at(wanted)
