from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.screens.moments import exact, in_words, time_tag
from app.screens.wording import read_wordings

NOW = datetime(2026, 11, 24, 7, 30, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
EN, ZH = read_wordings()["en"], read_wordings()["zh"]


@pytest.mark.parametrize(
    ("ago", "english", "chinese"),
    [
        (timedelta(seconds=5), "just now", "刚刚"),
        (timedelta(minutes=12), "12 min ago", "12 分钟前"),
        (timedelta(hours=3), "today, 12:30", "今天 12:30"),
        (timedelta(hours=20), "yesterday, 19:30", "昨天 19:30"),
        (timedelta(days=9), "9 d ago", "9 天前"),
        (timedelta(days=40), "15 Oct", "10-15"),
        (timedelta(days=400), "20 Oct 2025", "2025-10-20"),
        (timedelta(hours=-20), "tomorrow, 11:30", "明天 11:30"),
        (timedelta(days=-3), "Fri, 15:30", "周五, 15:30"),
    ],
)
def test_a_moment_is_said_as_people_say_it(ago, english, chinese):
    assert in_words(NOW - ago, NOW, EN, SHANGHAI) == english
    assert in_words(NOW - ago, NOW, ZH, SHANGHAI) == chinese


def test_the_exact_moment_stands_behind_the_words():
    assert exact(NOW, EN, SHANGHAI) == "Tue 24 Nov 2026, 15:30"
    assert exact(NOW, ZH, SHANGHAI) == "2026-11-24 周二 15:30"
    assert time_tag(NOW, NOW, EN, SHANGHAI) == (
        '<time datetime="2026-11-24T07:30:00+00:00" title="Tue 24 Nov 2026, 15:30">just now</time>'
    )
