"""Repetition: reading it, saying it, the days it gives."""

from __future__ import annotations

from datetime import date
from itertools import islice

import pytest

from app.fields.repeat import occurrences
from tests.unit.fields.samples import FORM, make_field, parse

FIELD = make_field("repeat")


def days(raw, first, count=5):
    value = parse(FIELD, raw, FORM)
    return [day.isoformat() for day in islice(occurrences(value, date.fromisoformat(first)), count)]


@pytest.mark.parametrize(
    ("raw", "first", "expected"),
    [
        ({"every": "day"}, "2026-02-27", ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02", "2026-03-03"]),
        ({"every": "day", "step": 10, "times": 2}, "2026-02-27", ["2026-02-27", "2026-03-09"]),
        ({"every": "week"}, "2026-03-09", ["2026-03-09", "2026-03-16", "2026-03-23", "2026-03-30", "2026-04-06"]),
        ({"every": "week", "step": 2, "on": ["fri", "mon"]}, "2026-03-10", ["2026-03-10", "2026-03-13", "2026-03-23", "2026-03-27", "2026-04-06"]),
        ({"every": "month"}, "2026-01-31", ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
        ({"every": "year"}, "2024-02-29", ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
        ({"every": "month", "until": "2026-03-15"}, "2026-01-15", ["2026-01-15", "2026-02-15", "2026-03-15"]),
        ({"every": "year", "step": 99}, "9900-01-01", ["9900-01-01", "9999-01-01"]),
        ({"every": "week", "on": ["mon"]}, "9999-12-27", ["9999-12-27"]),
        ("每月", "2026-01-15", ["2026-01-15", "2026-02-15", "2026-03-15", "2026-04-15", "2026-05-15"]),
        ('{"every": "day", "times": "2"}', "2026-01-15", ["2026-01-15", "2026-01-16"]),
    ],
)  # fmt: skip
def test_a_series_has_these_days(raw, first, expected):
    assert days(raw, first) == expected


@pytest.mark.parametrize(
    ("raw", "english", "chinese"),
    [
        ({"every": "day"}, "every day", "每天"),
        ({"every": "month", "step": 3, "until": "2026-12-31"}, "every 3 months until 2026-12-31", "每3个月，至 2026-12-31"),
        ({"every": "week", "on": ["sun", "mon"], "times": 4}, "every week on mon, sun, 4 times", "每周（周一、日），共 4 次"),
    ],
)  # fmt: skip
def test_a_series_is_said_in_words(raw, english, chinese):
    value = parse(FIELD, raw)
    assert FIELD.type.display(FIELD, value, "en") == english
    assert FIELD.type.display(FIELD, value, "zh_CN") == chinese
