"""What stands on a calendar: records by their dates, of one entity or of all that have dates.

The configuration says which fields those are: `calendar` of an entity's screens, and the dates the
work bench puts off, such as the next contact. Each source is one statement, whatever the stretch of
time; nothing here decides how a day looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from app.access.policy import Policy
from app.access.principal import Principal
from app.definitions.catalog import Catalog, Entity
from app.records.boards import Days
from app.records.looking import Looking
from app.records.results import Record

#: Records of one day that are read of one source.
MOST_A_DAY = 30
#: Records of one source that last, in the whole stretch.
MOST_LASTING = 300
#: Days that can be asked for at once.
MOST_DAYS = 62


@dataclass(frozen=True, slots=True)
class Source:
    """A date of an entity by which its records stand on a calendar."""

    entity: str
    begin: str
    end: str | None = None
    #: all of them take whole days; or the switch that says so
    all_day: bool | str = False
    #: the person whose day it is
    of: str | None = None
    #: the dates have a time of day
    is_timed: bool = False

    @property
    def name(self) -> str:
        """What it is called in addresses."""
        return f"{self.entity}.{self.begin}"

    @property
    def lasts(self) -> bool:
        """Whether records may last from one day to another."""
        return self.end is not None and self.end != self.begin


@dataclass(frozen=True, slots=True)
class Entry:
    """A record on the calendar."""

    source: Source
    record: Record
    begin: date | datetime
    end: date | datetime | None = None
    is_all_day: bool = True


@dataclass(slots=True)
class Agenda:
    """The entries of some days; a day that has more than were read is named in ``fuller``."""

    days: dict[date, list[Entry]] = field(default_factory=dict)
    fuller: set[date] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Asked:
    """What narrows a source: whose days, and what narrows a list."""

    #: ``me``, ``team``, the number of a person, or empty for everybody's
    person: str = ""
    filter: str | None = None
    view: str | None = None
    search: str | None = None


def calendar_source(entity: Entity, policy: Policy, by: str | None = None) -> Source | None:
    """Return the source that the configuration names, or one by the date *by*."""
    written = entity.screens.calendar or {}
    begin = by or written.get("from")
    if begin is None or not _is_readable(entity, policy, begin):
        return None
    is_written = begin == written.get("from")
    end = written.get("to") if is_written else None
    if end is not None and (end == begin or not _is_readable(entity, policy, end)):
        end = None
    is_timed = entity.fields[begin].type.name == "datetime"
    switch = written.get("all_day") if is_written else None
    all_day: bool | str = not is_timed or switch == "yes"
    if not all_day and switch and _is_readable(entity, policy, switch):
        all_day = str(switch)
    return Source(entity.name, begin, end, all_day, _person_of(entity, begin, end), is_timed)


def sources(catalog: Catalog, policy: Policy) -> Iterator[Source]:
    """Yield the dates of all entities that somebody's roles may read."""
    for entity in catalog.entities.values():
        if entity.lines_of is not None or not policy.may("read", entity.name):
            continue
        found = calendar_source(entity, policy) if entity.screens.calendar else None
        taken = set()
        if found is not None:
            taken = {found.begin, found.end}
            yield found
        for view in entity.screens.views.values():
            later = view.bench.later if view.bench is not None else None
            if later is None or later in taken:
                continue
            taken.add(later)
            put_off = calendar_source(entity, policy, later)
            if put_off is not None:
                yield replace(put_off, end=None)


def _is_readable(entity: Entity, policy: Policy, name: str) -> bool:
    one = entity.fields.get(name)
    return (
        one is not None
        and not one.removed
        and policy.field_right(entity.name, name) in ("read", "edit")
    )


def _person_of(entity: Entity, begin: str, end: str | None) -> str | None:
    """Return whose day it is: whose work it is on the bench, else the owner's."""
    for view in entity.screens.views.values():
        if view.bench is not None and view.bench.later in (begin, end):
            return view.bench.of
    return "owner" if entity.owned else None


def read_days(
    records: Looking,
    principal: Principal,
    source: Source,
    title: str | None,
    days: Sequence[date],
    zone: tzinfo,
    asked: Asked,
    most: int = MOST_A_DAY,
) -> Agenda:
    """Return the entries of one source on *days*, which follow each other.

    Args:
        title: the field that names a record, where it may be read.
        zone: whose midnight parts the days.
        most: how many of each day are read.

    Raises:
        Malformed: a condition cannot be read.
        Forbidden: the asker may not read a field.
    """
    where, condition = _of_person(source, asked.person)
    filters = [f"({one})" for one in (asked.filter, condition) if one]
    fields = [title, source.begin, source.end]
    if isinstance(source.all_day, str):
        fields.append(source.all_day)
    first, last = days[0], days[-1]
    begins = [first] if source.lasts else list(days)
    ends = [last + timedelta(days=1)] if source.lasts else [one + timedelta(days=1) for one in days]
    limit = MOST_LASTING if source.lasts else most
    found = records.board(
        principal,
        source.entity,
        Days(
            source.begin,
            _edges(begins, source, zone),
            _edges(ends, source, zone),
            source.end if source.lasts else None,
        ),
        fields=tuple(dict.fromkeys(one for one in fields if one)),
        filter=" and ".join(filters) or None,
        where=where,
        sort=source.begin,
        view=asked.view,
        search=asked.search,
        limit=limit,
    )
    agenda = Agenda()
    for lane, page in found.items():
        day = lane.astimezone(zone).date() if isinstance(lane, datetime) else lane
        if page.next is not None:
            agenda.fuller.add(day)
        for record in page.rows:
            entry = _entry(source, record)
            if entry is not None:
                _spread(agenda, entry, days, zone)
    return agenda


def _of_person(source: Source, person: str) -> tuple[Mapping[str, Any] | None, str | None]:
    if not person or source.of is None:
        return None, None
    if person == "me":
        return None, f"{source.of} == me"
    if person == "team":
        return None, f"{source.of} in my.subordinates"
    return {source.of: person}, None


def _edges(days: Sequence[date], source: Source, zone: tzinfo) -> Any:
    if not source.is_timed:
        return tuple(days)
    return tuple(datetime.combine(one, time(), zone) for one in days)


def _entry(source: Source, record: Record) -> Entry | None:
    begin = record.values.get(source.begin)
    end = record.values.get(source.end) if source.end else None
    if begin is None and end is None:
        return None
    is_all_day = source.all_day if isinstance(source.all_day, bool) else False
    if isinstance(source.all_day, str):
        is_all_day = bool(record.values.get(source.all_day))
    start: date | datetime = begin if begin is not None else end  # type: ignore[assignment]
    return Entry(source, record, start, end, is_all_day)


def day_of(moment: date | datetime, zone: tzinfo) -> date:
    """Return the day a moment falls on."""
    return moment.astimezone(zone).date() if isinstance(moment, datetime) else moment


def _spread(agenda: Agenda, entry: Entry, days: Sequence[date], zone: tzinfo) -> None:
    """Put an entry on each of its days that is asked for."""
    first = day_of(entry.begin, zone)
    last = max(day_of(entry.end, zone), first) if entry.end is not None else first
    day = max(first, days[0])
    while day <= min(last, days[-1]):
        agenda.days.setdefault(day, []).append(entry)
        day += timedelta(days=1)
