"""Calendars: the records of one entity by a date of theirs, and one's own over all entities.

A month is a table of days, a week one of days and hours, an agenda a list of days that have
something. Only the days in sight are read. Moving a record to another day is `calendar_moves`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from babel.dates import format_date

from app.access.sources import calendar_of
from app.definitions.catalog import Entity
from app.records.agenda import Agenda, Asked, Entry, Source, day_of, read_days
from app.screens.calendar_lanes import lay_out
from app.screens.frame import Choice
from app.screens.moments import locale_of
from app.screens.navigation import in_sentence, plural
from app.screens.record_blocks import title_of
from app.screens.visit import Visit

SPANS = ("week", "month", "agenda")
#: Entries of a day that are shown, of a week those of whole days; the rest is a number.
SHOWN = {"month": 4, "week": 8, "agenda": 30}
#: Entries of a day and source that are read, to be shown or counted.
READ = {"month": 12, "week": 30, "agenda": 31}
#: Days of an agenda.
AGENDA_DAYS = 14
#: The hours a week always shows.
HOURS = (8, 18)
#: Shades of sources, as classes of the style sheet.
SHADES = 6
_FIRST, _LAST = date(1901, 1, 1), date(2199, 12, 31)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The days a calendar shows."""

    kind: str
    on: date
    days: tuple[date, ...]

    @classmethod
    def of(cls, arguments: Mapping[str, str], today: date, usual: str = "month") -> Stretch:
        """Read the parameters of an address; what cannot be read is today."""
        kind = arguments.get("span", "")
        kind = kind if kind in SPANS else usual
        try:
            on = date.fromisoformat(arguments.get("on", ""))
        except ValueError:
            on = today
        on = min(max(on, _FIRST), _LAST)
        if kind == "agenda":
            return cls(kind, on, _from(on, AGENDA_DAYS))
        if kind == "week":
            return cls(kind, on, _from(on - timedelta(days=on.weekday()), 7))
        first = on.replace(day=1)
        begin = first - timedelta(days=first.weekday())
        weeks = ((_next_month(on) - begin).days + 6) // 7
        return cls(kind, on, _from(begin, 7 * weeks))

    def beside(self, step: int) -> date:
        """Return the day to go to for what comes next, or was before."""
        if self.kind == "month":
            first = self.on.replace(day=1)
            return _next_month(first) if step > 0 else (first - timedelta(days=1)).replace(day=1)
        return self.on + timedelta(days=step * (7 if self.kind == "week" else AGENDA_DAYS))


def _from(first: date, count: int) -> tuple[date, ...]:
    return tuple(first + timedelta(days=n) for n in range(count))


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


@dataclass(frozen=True, slots=True)
class Chip:
    """One record on one day."""

    title: str
    href: str
    #: where it is moved, and what proves that nobody changed it meanwhile
    moves_href: str
    version: str
    day: str
    shade: str
    time: str = ""
    sub: str = ""
    is_movable: bool = False
    is_end: bool = False
    #: it began before and goes on after
    is_between: bool = False
    #: of a week: the days its bar is long, 0 where it only goes on; whether it goes on from here
    width: int = 1
    goes_on: bool = False


@dataclass(slots=True)
class Cell:
    """A day of a calendar."""

    day: str
    number: str
    label: str
    css: str = ""
    new_href: str = ""
    new_label: str = ""
    chips: Sequence[Chip] = ()
    #: how many are not shown
    more: str = ""
    more_href: str = ""
    #: of a week: the entries of each hour
    hours: dict[int, list[Chip]] = field(default_factory=dict)
    all_day: Sequence[Chip | None] = ()
    weekday: str = ""
    off: str = ""


@dataclass(slots=True)
class CalendarView:
    """What `calendar_part.html` shows."""

    kind: str
    title: str
    previous_href: str
    next_href: str
    today_href: str
    spans: Sequence[Choice]
    weekdays: Sequence[str]
    cells: Sequence[Cell] = ()
    hours: Sequence[int] = ()
    is_timed: bool = False
    problem: str = ""
    empty: str = ""

    @property
    def weeks(self) -> list[Sequence[Cell]]:
        return [self.cells[n : n + 7] for n in range(0, len(self.cells), 7)]


class Drawing:
    """Draws the days of a calendar for one visitor."""

    def __init__(self, visit: Visit, stretch: Stretch, href: Any) -> None:
        """*href* returns the address of this calendar with some parameters changed."""
        self.visit, self.stretch, self._href = visit, stretch, href
        self.zone = visit.look.zone
        self.today = visit.look.now.astimezone(self.zone).date()
        self._locale = locale_of(visit.language)
        self._entries: list[tuple[Agenda, int, str]] = []
        self._timed = False

    def add(self, source: Source, asked: Asked, shade: int, label: str = "") -> None:
        """Read one source.

        Raises:
            Malformed: a condition cannot be read.
            Forbidden: it names what the visitor may not read.
        """
        visit = self.visit
        entity = visit.catalog.entities[source.entity]
        title = entity.title if entity.title in visit.policy.readable(entity.name) else None
        agenda = read_days(
            visit.records,
            visit.principal,
            source,
            title,
            self.stretch.days,
            self.zone,
            asked,
            READ[self.stretch.kind],
        )
        self._timed = self._timed or source.is_timed
        self._entries.append((agenda, shade, label))

    # -- the whole ---------------------------------------------------------------------------------

    def view(self, new: tuple[Entity, str] | None) -> CalendarView:
        """Return everything the calendar shows.

        Args:
            new: the entity of which a click on a day makes a record, and its date.
        """
        stretch, say = self.stretch, self.visit.wording.say
        labels = {"month": say("Month"), "week": say("Week"), "agenda": say("Agenda")}
        view = CalendarView(
            stretch.kind,
            self._title(),
            self._href(span=stretch.kind, on=stretch.beside(-1).isoformat()),
            self._href(span=stretch.kind, on=stretch.beside(1).isoformat()),
            self._href(span=stretch.kind),
            [
                Choice(
                    one,
                    labels[one],
                    one == stretch.kind,
                    href=self._href(span=one, on=stretch.on.isoformat()),
                )
                for one in SPANS
            ],
            [format_date(day, "EEE", locale=self._locale) for day in stretch.days[:7]],
            is_timed=self._timed,
        )
        view.cells = [self._cell(day, new) for day in stretch.days]
        if stretch.kind == "week":
            self._lay_out_week(view.cells)
        if stretch.kind == "week" and self._timed:
            used = [hour for cell in view.cells for hour in cell.hours]
            view.hours = range(min([HOURS[0], *used]), max([HOURS[1], *used]) + 1)
        if not any(cell.chips for cell in view.cells):
            view.empty = say("Nothing stands on these days.")
        return view

    def _title(self) -> str:
        on, locale = self.stretch.on, self._locale
        if self.stretch.kind == "agenda":
            last = self.stretch.days[-1]
            pattern = "M月d日" if self.visit.language == "zh" else "d MMM"
            begin, end = (format_date(one, pattern, locale=locale) for one in (on, last))
            return f"{begin} – {end}"
        pattern = "y年M月" if self.visit.language == "zh" else "MMMM y"
        title = format_date(on, pattern, locale=locale)
        if self.stretch.kind == "week":
            week = self.visit.wording.say("week %(number)s", number=on.isocalendar()[1])
            return f"{title} · {week}"
        return title

    # -- one day -----------------------------------------------------------------------------------

    def _cell(self, day: date, new: tuple[Entity, str] | None) -> Cell:
        language = self.visit.language
        full = "M月d日EEEE" if language == "zh" else "EEEE d MMMM"
        cell = Cell(
            day.isoformat(), str(day.day), format_date(day, full, locale=self._locale),
            weekday=format_date(day, "EEE", locale=self._locale),
        )  # fmt: skip
        self._mark(cell, day)
        if new is not None:
            entity, name = new
            cell.new_href = f"/crm/{entity.name}/new?{name}={day.isoformat()}"
            label = in_sentence(entity.label.in_language(language), language)
            cell.new_label = self.visit.wording.say(
                "New %(thing)s on %(day)s", thing=label, day=cell.label
            )
        self._fill(cell, day)
        return cell

    def _fill(self, cell: Cell, day: date) -> None:
        """Put the entries of a day where they stand: a few of them, and how many more there are."""
        found: list[tuple[tuple[int, float, int], Entry, int, str]] = []
        is_fuller = False
        for agenda, shade, label in self._entries:
            is_fuller = is_fuller or day in agenda.fuller
            found += [
                (self._order(entry, day), entry, shade, label)
                for entry in agenda.days.get(day, ())
                if not self._is_left_out(entry, day)
            ]
        found.sort(key=lambda one: one[0])
        timed = []
        if self.stretch.kind == "week":
            timed = [one for one in found if one[0][0] == 1]
            found = [one for one in found if one[0][0] != 1]
        most = SHOWN[self.stretch.kind]
        # A day that is one too long by one entry shows that entry; a week is laid out as a whole.
        shown = most if len(found) > most + 1 or is_fuller else most + 1
        if self.stretch.kind == "week":
            shown = len(found)
            cell.more = "+" if is_fuller else ""
        all_day = [self._chip(one, day, shade, label) for _, one, shade, label in found[:shown]]
        cell.all_day = all_day
        by_hour: list[Chip] = []
        for _, entry, shade, label in timed:
            assert isinstance(entry.begin, datetime)
            chip = self._chip(entry, day, shade, label)
            cell.hours.setdefault(entry.begin.astimezone(self.zone).hour, []).append(chip)
            by_hour.append(chip)
        cell.chips = [*all_day, *by_hour]
        if len(found) > shown:
            rest = len(found) - shown
            cell.more = f"{rest}+" if is_fuller else str(rest)
            cell.more_href = self._href(span="agenda", on=day.isoformat())

    def _lay_out_week(self, cells: Sequence[Cell]) -> None:
        """Make one bar of what lasts, and count what does not fit."""
        days = [[one for one in cell.all_day if one] for cell in cells]
        lanes, hidden = lay_out(days, SHOWN["week"])
        for cell, chips, lane, rest in zip(cells, days, lanes, hidden, strict=True):
            by_hour = cell.chips[len(chips) :]
            cell.all_day = lane
            cell.chips = [*(one for one in lane if one), *by_hour]
            is_fuller = cell.more
            cell.more = f"{rest}{is_fuller}" if rest else ""
            if rest:
                cell.more_href = self._href(span="agenda", on=cell.day)

    def _mark(self, cell: Cell, day: date) -> None:
        css = []
        if not calendar_of(self.visit.catalog).is_working_day(day):
            css.append("off")
            cell.off = self.visit.wording.say("day off")
        if day == self.today:
            css.append("now")
        if self.stretch.kind == "month" and day.month != self.stretch.on.month:
            css.append("out")
        cell.css = " ".join(css)

    def _is_between(self, entry: Entry, day: date) -> bool:
        """Whether an entry neither begins nor ends on a day."""
        if entry.end is None or not entry.source.lasts:
            return False
        return day_of(entry.begin, self.zone) < day < day_of(entry.end, self.zone)

    def _is_left_out(self, entry: Entry, day: date) -> bool:
        """Whether an agenda names an entry elsewhere: once where it begins, once where it ends."""
        is_first = day == self.stretch.days[0]
        return self.stretch.kind == "agenda" and not is_first and self._is_between(entry, day)

    def _order(self, entry: Entry, day: date) -> tuple[int, float, int]:
        """Return where an entry stands: whole days, then by the clock, then what goes on and on."""
        begin = entry.begin
        if self._is_between(entry, day):
            return (2, 0.0, entry.record.id)
        is_here = isinstance(begin, datetime) and day_of(begin, self.zone) == day
        if entry.is_all_day or not isinstance(begin, datetime) or not is_here:
            return (0, 0.0, entry.record.id)
        return (1, begin.timestamp(), entry.record.id)

    def _chip(self, entry: Entry, day: date, shade: int, label: str) -> Chip:
        visit, source, record = self.visit, entry.source, entry.record
        entity = visit.catalog.entities[source.entity]
        clock = ""
        if not entry.is_all_day and isinstance(entry.begin, datetime):
            clock = entry.begin.astimezone(self.zone).strftime("%H:%M")
            if isinstance(entry.end, datetime) and entry.end != entry.begin:
                clock += f"–{entry.end.astimezone(self.zone):%H:%M}"
        last = day_of(entry.end, self.zone) if entry.end is not None else None
        return Chip(
            title_of(entity, record, visit),
            f"/crm/{entity.name}/{record.id}",
            f"/crm/{entity.name}/{record.id}/day?by={source.begin}",
            "" if record.version is None else str(record.version),
            day.isoformat(),
            f"sh{shade % SHADES}",
            clock,
            label,
            is_movable=is_movable(visit, source),
            is_end=last is not None and source.lasts and last == day,
            is_between=self._is_between(entry, day),
        )


def is_movable(visit: Visit, source: Source) -> bool:
    """Whether the visitor's roles may change the date of a source at all."""
    return visit.policy.may("update", source.entity) and source.begin in visit.policy.writable(
        source.entity
    )


def new_of(visit: Visit, source: Source) -> tuple[Entity, str] | None:
    """Return what a click on an empty day makes; None where the visitor may not."""
    entity = visit.catalog.entities[source.entity]
    writable = visit.policy.writable(entity.name)
    date_field = source.begin if source.begin in writable else source.end
    if not visit.policy.may("create", entity.name) or date_field not in writable:
        return None
    return entity, str(date_field)


def source_label(visit: Visit, source: Source) -> str:
    """Return what a source is called: its records, and the date where that is not theirs."""
    entity = visit.catalog.entities[source.entity]
    written = (entity.screens.calendar or {}).get("from")
    label = plural(entity, visit.language)
    if source.begin == written:
        return label
    one = entity.fields[source.begin].label.in_language(visit.language)
    return visit.wording.say("%(things)s: %(field)s", things=label, field=one)
