"""One's calendar over HTTP: the records of all entities with dates, by day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from flask import Response
from flask_appbuilder.api import BaseApi, expose

from app.access.sources import calendar_of
from app.api.answers import answers, as_json
from app.api.requests import asker, only, parameters, services
from app.errors import Malformed
from app.records.agenda import MOST_DAYS, Asked, Entry, Source, read_days, sources
from app.texts import say

_ASKED = frozenset({"from", "to", "person", "dates"})


class CalendarApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/calendar``."""

    route_base = "/api/v1"
    resource_name = "calendar"
    csrf_exempt = False
    openapi_spec_tag = "General"

    @expose("/calendar", methods=["GET"])
    @answers
    def calendar(self) -> Response:
        """Return what stands on some days, each record once for each of its dates."""
        principal, known = asker(), services()
        named = only(*parameters(_ASKED), ", ".join(sorted(_ASKED)))
        catalog = known.live.release.catalog
        calendar = calendar_of(catalog)
        days = _days(named, calendar.day(known.clock.now()))
        policy = known.records.policy(principal)
        person = _person(named.get("person", "me"))
        rows: list[dict[str, Any]] = []
        more: list[dict[str, str]] = []
        for source in _chosen(list(sources(catalog, policy)), named.get("dates", "")):
            title = catalog.entities[source.entity].title
            shown = title if title in policy.readable(source.entity) else None
            found = read_days(
                known.records, principal, source, shown, days, calendar.zone, Asked(person)
            )
            more += [{"dates": source.name, "day": day.isoformat()} for day in sorted(found.fuller)]
            seen: set[int] = set()
            for day in sorted(found.days):
                for entry in found.days[day]:
                    if entry.record.id not in seen:
                        seen.add(entry.record.id)
                        rows.append(_row(entry, shown))
        rows.sort(key=lambda row: (str(row["begin"]), row["entity"], row["id"]))
        return as_json({"rows": rows, "more": more})


def _days(named: Mapping[str, str], today: date) -> list[date]:
    """Return the days that are asked for; without any, a week from today."""
    first = _day(named, "from") or today
    last = _day(named, "to") or first + timedelta(days=6)
    if not 0 <= (last - first).days < MOST_DAYS:
        raise Malformed(
            say(
                "`to` is the day of `from` or up to {most} days later.",
                "to 必须与 from 同日或晚于 from，最多 {most} 天。",
                most=MOST_DAYS - 1,
            )
        )
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _day(named: Mapping[str, str], name: str) -> date | None:
    text = named.get(name, "")
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
        if len(text) == len("2026-01-31") and 1901 <= found.year <= 2199:
            return found
    except ValueError:
        pass
    raise Malformed(
        say(
            "`{name}` is a day of the years 1901 to 2199 such as 2026-01-31, not `{value}`.",
            "{name} 是 1901 至 2199 年的日期，如 2026-01-31，不能是“{value}”。",
            name=name,
            value=text[:40],
        )
    )


def _person(text: str) -> str:
    """Return whose calendar is asked for: ``me``, ``team``, everybody's, or a person's number."""
    if text in ("me", "team"):
        return text
    if text == "all":
        return ""
    if text.isascii() and text.isdigit() and 0 < len(text) < 19:
        return text
    raise Malformed(
        say(
            "`person` is `me`, `team`, `all` or the number of a person, not `{value}`.",
            "person 只能是 me、team、all 或人员编号，不能是“{value}”。",
            value=text[:40],
        )
    )


def _chosen(offered: list[Source], names: str) -> list[Source]:
    wanted = [one.strip() for one in names.split(",") if one.strip()]
    if not wanted:
        return offered
    by_name = {one.name: one for one in offered}
    for name in wanted:
        if name not in by_name:
            raise Malformed(
                say(
                    "`{name}` is none of the dates of your calendar: {known}.",
                    "“{name}”不是您日历中的日期：{known}。",
                    name=name[:60],
                    known=", ".join(by_name) or "–",
                )
            )
    return [by_name[name] for name in dict.fromkeys(wanted)]


def _row(entry: Entry, title: str | None) -> dict[str, Any]:
    named = entry.record.values.get(title) if title else None
    return {
        "entity": entry.source.entity,
        "id": entry.record.id,
        "title": None if named is None else str(named),
        "field": entry.source.begin,
        "begin": _text(entry.begin),
        "end": _text(entry.end),
        "all_day": entry.is_all_day,
    }


def _text(value: date | datetime | None) -> str | None:
    return None if value is None else value.isoformat()
