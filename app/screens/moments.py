"""Moments in words, as people say them: "2 d ago", "in 25 days", "Thu, 10:00".

The exact moment always stands beside the words, for the pointer and for screen readers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from functools import cache
from html import escape

from babel import Locale
from babel.dates import format_date
from markupsafe import Markup

from app.screens.wording import Wording

_LOCALES = {"zh": "zh_Hans_CN", "en": "en_GB"}


def locale_of(language: str) -> str:
    """Return the Babel locale that dates and numbers follow."""
    return _LOCALES.get(language, language)


def exact(moment: datetime, wording: Wording, zone: tzinfo) -> str:
    """Return the moment in full."""
    local = moment.astimezone(zone)
    weekday = _names("days", wording.language)[local.weekday()]
    if wording.language == "zh":
        return f"{local.date().isoformat()} {weekday} {_clock(local)}"
    months = _names("months", wording.language)
    return f"{weekday} {local.day} {months[local.month]} {local.year}, {_clock(local)}"


def _clock(local: datetime) -> str:
    """Return hours and minutes; ``strftime`` would take ten times as long."""
    return f"{local.hour:02}:{local.minute:02}"


@cache
def _names(kind: str, language: str) -> Mapping[int, str]:
    """Return the short names of months or weekdays; asking Babel each time costs a list page."""
    locale = Locale.parse(locale_of(language))
    names = locale.days if kind == "days" else locale.months
    return dict(names["format"]["abbreviated"])


def in_words(moment: datetime, now: datetime, wording: Wording, zone: tzinfo) -> str:
    """Return the moment as one says it now."""
    local, here = moment.astimezone(zone), now.astimezone(zone)
    gone = (now - moment).total_seconds()
    days = here.toordinal() - local.toordinal()
    clock = _clock(local)
    if 0 <= gone < 60:
        return wording.say("just now")
    if 0 <= gone < 3600:
        return wording.say("%(minutes)s min ago", minutes=int(gone // 60))
    if days == 0:
        return wording.say("today, %(time)s", time=clock)
    if days == 1:
        return wording.say("yesterday, %(time)s", time=clock)
    if 1 < days < 31:
        return wording.say("%(days)s d ago", days=days)
    if days == -1:
        return wording.say("tomorrow, %(time)s", time=clock)
    if -7 < days < 0:
        return f"{_names('days', wording.language)[local.weekday()]}, {clock}"
    return day(local.date(), here.date(), wording)


def day(value: date, today: date, wording: Wording) -> str:
    """Return a day, the year only where it is another one."""
    if wording.language == "zh":
        return f"{value:%m-%d}" if value.year == today.year else f"{value:%Y-%m-%d}"
    month_name = _names("months", wording.language)[value.month]
    year = "" if value.year == today.year else f" {value.year}"
    return f"{value.day} {month_name}{year}"


def month(moment: datetime, wording: Wording, zone: tzinfo) -> str:
    """Return the month a timeline puts above its entries."""
    pattern = "y年M月" if wording.language == "zh" else "MMMM y"
    return format_date(moment.astimezone(zone), pattern, locale=locale_of(wording.language))


def time_html(moment: datetime, now: datetime, wording: Wording, zone: tzinfo) -> str:
    """Return the words with the exact moment behind them, as HTML in a plain text."""
    words = escape(in_words(moment, now, wording, zone))
    return (
        f'<time datetime="{moment.isoformat(timespec="seconds")}"'
        f' title="{escape(exact(moment, wording, zone))}">{words}</time>'
    )


def time_tag(moment: datetime, now: datetime, wording: Wording, zone: tzinfo) -> Markup:
    """Return the words with the exact moment behind them, for a template."""
    return Markup(time_html(moment, now, wording, zone))  # noqa: S704 - every part is escaped.
