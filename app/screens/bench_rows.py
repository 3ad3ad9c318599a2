"""One record on the work bench: what its row says, and what can be done with it there.

What a column is decides where it stands: an option beside the title, words below it, a number and
a moment at the end. So the configuration says nothing about places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from urllib.parse import urlencode

from markupsafe import Markup

from app.definitions.catalog import Bench, Entity
from app.records.results import Record
from app.screens.cells import EMPTY, Look, show_value, shown_type
from app.screens.columns import is_listable
from app.screens.moments import time_tag
from app.screens.record_blocks import title_of
from app.screens.visit import Visit

_MOMENTS = ("date", "datetime")
_OPTIONS = ("choice", "stage")
_WORDS = ("longtext", "text", "markdown")


@dataclass(frozen=True, slots=True)
class Row:
    """One record on the bench."""

    key: str
    title: str
    href: str
    kind: str
    options: Sequence[Markup] = ()
    #: what stands below the title
    words: Markup | str = ""
    figure: Markup | str = ""
    when: Markup | str = ""
    #: the moment as seconds, to sort by
    at: float | None = None
    is_late: bool = False
    mood: str = ""
    #: whose it is, where people look at others' work
    owner: str = ""
    log_href: str = ""
    later_href: str = ""
    done_href: str = ""

    def leaving(self, at: datetime, look: Look) -> Row:
        """Return the row with the moment at which it goes into a public sea."""
        when = time_tag(at, look.now, look.wording, look.zone)
        return replace(self, when=when, at=at.timestamp(), is_late=False, mood="warn")


def bench_fields(visit: Visit, entity: Entity, view: str) -> list[str]:
    """Return the fields a row shows, as far as the visitor may read them."""
    views = entity.screens.views
    chosen = view if view in views else next((n for n, v in views.items() if v.bench), "")
    columns = (views[chosen].columns if chosen else ()) or entity.screens.columns
    readable = set(visit.policy.readable(entity.name))
    wanted = [*([entity.title] if entity.title else []), *columns, "owner"]
    names = [name for name in dict.fromkeys(wanted) if name in readable and "." not in name]
    money = [str(entity.fields[name].settings.get("currency") or "") for name in names]
    return [*names, *(name for name in dict.fromkeys(money) if name in readable)] or ["id"]


def row_of(
    visit: Visit, entity: Entity, bench: Bench | None, view: str, record: Record, whose: str
) -> Row:
    """Return one record as a row."""
    names = [one for one in bench_fields(visit, entity, view) if one in record.values]
    base = f"{entity.name}/{record.id}?{urlencode({'view': view, 'whose': whose})}"
    may_change = visit.policy.may("update", entity.name)
    writable = visit.policy.writable(entity.name) if may_change else ()
    log = bench.log if bench is not None and bench.log_link is not None else None
    later = bench.later if bench is not None else None
    done = [name for name, _ in bench.done] if bench is not None else []
    at, is_late = _moment(entity, names, record, visit.look)
    owner = (record.links.get("owner") or {}).get("title") or ""
    return Row(
        key=f"{entity.name}-{record.id}",
        title=title_of(entity, record, visit),
        href=f"/crm/{entity.name}/{record.id}",
        kind=entity.label.in_language(visit.language),
        options=_options(visit, entity, names, record),
        words=_words(visit, entity, names, record),
        figure=_figure(visit, entity, names, record),
        when=_when(visit, entity, names, record),
        at=at,
        is_late=is_late,
        mood="bad" if is_late else "",
        owner=owner if whose == "team" else "",
        log_href=f"/bench/log/{base}" if log and visit.policy.may("create", log) else "",
        later_href=f"/bench/later/{base}" if later and later in writable else "",
        done_href=f"/bench/done/{base}" if done and all(n in writable for n in done) else "",
    )


def _kind(entity: Entity, name: str) -> str:
    return shown_type(entity.fields[name]).name


def _show(visit: Visit, entity: Entity, name: str, record: Record) -> Markup | None:
    masked = name in record.masked
    html = show_value(entity, name, record, visit.look, masked=masked, full=False)
    return None if html == EMPTY else html


def _options(visit: Visit, entity: Entity, names: list[str], record: Record) -> list[Markup]:
    found = [
        _show(visit, entity, name, record) for name in names if _kind(entity, name) in _OPTIONS
    ]
    return [one for one in found if one is not None]


def _words(visit: Visit, entity: Entity, names: list[str], record: Record) -> Markup | str:
    """Return words and links of the record, one after the other."""
    found = []
    for name in names:
        one = entity.fields[name]
        is_link = bool(one.type.targets(one)) and name != "owner" and is_listable(one)
        if name != entity.title and (is_link or _kind(entity, name) in _WORDS):
            html = _show(visit, entity, name, record)
            if html is not None:
                found.append(html)
    return Markup(" · ").join(found)


def _figure(visit: Visit, entity: Entity, names: list[str], record: Record) -> Markup | str:
    for name in names:
        kind = shown_type(entity.fields[name])
        if kind.align == "end" and kind.name not in _MOMENTS:
            # Nothing to earn or to collect is no figure worth a look.
            return (_show(visit, entity, name, record) or "") if record.values.get(name) else ""
    return ""


def _moment_field(entity: Entity, names: list[str]) -> str | None:
    return next((name for name in reversed(names) if _kind(entity, name) in _MOMENTS), None)


def _when(visit: Visit, entity: Entity, names: list[str], record: Record) -> Markup | str:
    name = _moment_field(entity, names)
    return (_show(visit, entity, name, record) or "") if name is not None else ""


def _moment(
    entity: Entity, names: list[str], record: Record, look: Look
) -> tuple[float | None, bool]:
    """Return the moment of a row and whether it is on a day that is over."""
    name = _moment_field(entity, names)
    value = record.values.get(name) if name is not None else None
    today = look.now.astimezone(look.zone).date()
    is_plan = name is not None and not entity.fields[name].built_in
    if isinstance(value, datetime):
        return value.timestamp(), is_plan and value.astimezone(look.zone).date() < today
    if isinstance(value, date):
        start = datetime.combine(value, time(), look.zone)
        return start.timestamp(), is_plan and value < today
    return None, False
