"""The work bench: what waits for the visitor, tile by tile, done in place.

Which views stand here is written in the configuration (`bench:` of a view); public seas and
approvals bring their own tiles. Everything is asked of the door: one statement for all tiles, one
for the rows of each entity that has any.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from flask import Response, request
from markupsafe import Markup

from app.automation.approvals.lists import by_entity
from app.automation.leaving_soon import Departure, leaving_soon
from app.definitions.automation import Pool
from app.definitions.catalog import Bench, Entity
from app.records.bench import MOST_COUNTED, Heap, Stacked, Whose, of_person
from app.records.results import Record
from app.screens.bench_rows import Row, bench_fields, row_of
from app.screens.frame import Choice
from app.screens.marks import Mark, mark_of
from app.screens.moments import time_tag
from app.screens.navigation import begins_at, in_sentence, plural, readable_entities
from app.screens.record_blocks import title_of
from app.screens.visit import Visit

#: Rows of a section before "all of them", which is a list of its own.
SHOWN = 6
#: Approvals beside the sections.
_ASKS = 5


@dataclass(slots=True)
class Section:
    """One tile with its rows."""

    name: str
    label: str
    count: int = 0
    is_capped: bool = False
    rows: list[Row] = field(default_factory=list)
    #: (what they are called, where all of them are)
    all: list[tuple[str, str]] = field(default_factory=list)
    #: careful: they leave soon; bad: the date has passed
    mood: str = ""

    @property
    def number(self) -> str:
        return f"{self.count - 1}+" if self.is_capped else str(self.count)


@dataclass(frozen=True, slots=True)
class Ask:
    """One approval that waits."""

    run: int
    title: str
    href: str
    by: Mark
    when: Markup
    version: int | None


@dataclass(slots=True)
class BenchView:
    """Everything `bench.html` shows."""

    greeting: str
    day: str
    whose: str
    switch: Sequence[Choice]
    sections: list[Section]
    asks: Sequence[Ask] = ()
    asks_more: int = 0
    has_approvals: bool = False
    #: nothing is written in the configuration, or nothing of it may be seen
    is_bare: bool = False
    first_href: str = ""
    href: str = "/"

    @property
    def open_count(self) -> int:
        return sum(one.count for one in self.sections)


def bench_of(entity: Entity, name: str) -> Bench | None:
    """Return how a view of an entity stands on the bench; the first one's without a name."""
    views = entity.screens.views
    if name in views:
        return views[name].bench
    return next((view.bench for view in views.values() if view.bench is not None), None)


def bench_page(visit: Visit) -> Response:
    """Return the work bench: the page somebody arrives at."""
    view = read_bench(visit)
    page = visit.page(visit.wording.say("Home"), "home")
    return visit.render("bench.html", page=page, view=view)


def bench_part(visit: Visit) -> Response:
    """Return the work bench alone, for the page that is open."""
    return visit.render(
        "bench_part.html",
        page=visit.page(visit.wording.say("Home"), "home"),
        view=read_bench(visit),
    )


def bench_href(visit: Visit, whose: Whose = "mine") -> str:
    """Return the address of the work bench, which is home to most."""
    path = "/day" if begins_at(visit.catalog, visit.policy) else "/"
    return f"{path}?whose=team" if whose == "team" else path


def whose_of(visit: Visit) -> Whose:
    """Return whether the visitor looks at their own work or at that of their people."""
    asked = request.args.get("whose") or request.form.get("whose")
    return "team" if asked == "team" and _has_team(visit) else "mine"


def _has_team(visit: Visit) -> bool:
    return any(one != visit.principal.user_id for one in visit.principal.subordinates)


def read_bench(visit: Visit) -> BenchView:
    """Return the bench of the visitor."""
    say, whose = visit.wording.say, whose_of(visit)
    readable = readable_entities(visit.catalog, visit.policy)
    sections = _sections(visit, readable, whose)
    asks, more = _asks(visit) if whose == "mine" else ([], 0)
    switch = [
        Choice("mine", say("Mine"), whose == "mine", href=bench_href(visit)),
        Choice("team", say("My team"), whose == "team", href=bench_href(visit, "team")),
    ]
    return BenchView(
        greeting=_greeting(visit),
        day=_day(visit),
        whose=whose,
        switch=switch if _has_team(visit) else (),
        sections=sections,
        asks=asks,
        asks_more=more,
        has_approvals=whose == "mine" and _has_approvals(visit),
        is_bare=not sections,
        first_href=f"/crm/{readable[0].name}/" if readable else "/me",
        href=bench_href(visit),
    )


# -- sections --------------------------------------------------------------------------------------


def _sections(visit: Visit, readable: Iterable[Entity], whose: Whose) -> list[Section]:
    """Return the tiles in the menu's order; views of one name share a tile."""
    entities = {entity.name: entity for entity in readable}
    heaps = [
        Heap(entity.name, view.name, view.bench.of)
        for entity in entities.values()
        for view in entity.screens.views.values()
        if view.bench is not None
    ]
    stacked = visit.records.bench(visit.principal, heaps, whose, shown=SHOWN)
    departures = _departures(visit, entities, whose)
    known = _known(visit, entities, stacked, departures)
    found: dict[str, Section] = {}
    places: dict[str, str] = {}
    for one in stacked:
        entity, name = entities[one.heap.entity], one.heap.view
        if name not in found:
            label = entity.screens.views[name].label.in_language(visit.language)
            found[name] = Section(name, label)
        places[entity.name] = name
        _stack(visit, found[name], entity, one, known.get(entity.name, {}), whose)
    for pool, leaving in departures:
        entity = entities[pool.entity]
        section = _of_pool(visit, entity, pool, leaving, known.get(entity.name, {}), whose)
        found = _after(found, places.get(entity.name, ""), section)
    for section in found.values():
        section.rows.sort(key=lambda row: (row.at is None, row.at or 0.0))
        del section.rows[SHOWN:]
        if not section.mood and section.rows and all(row.is_late for row in section.rows):
            section.mood = "bad"
    return list(found.values())


def _known(
    visit: Visit,
    entities: Mapping[str, Entity],
    stacked: Iterable[Stacked],
    departures: Iterable[tuple[Pool, Sequence[Departure]]],
) -> dict[str, dict[int, Record]]:
    """Return the records of all rows by entity and id, one statement for each entity."""
    wanted: dict[str, list[tuple[int, str]]] = {}
    for one in stacked:
        if one.ids:
            pairs = [(number, one.heap.view) for number in one.ids]
            wanted.setdefault(one.heap.entity, []).extend(pairs)
    for pool, leaving in departures:
        if leaving:
            pairs = [(one.record_id, "") for one in leaving[:SHOWN]]
            wanted.setdefault(pool.entity, []).extend(pairs)
    return {name: _records(visit, entities[name], pairs) for name, pairs in wanted.items()}


def _stack(
    visit: Visit,
    section: Section,
    entity: Entity,
    one: Stacked,
    known: Mapping[int, Record],
    whose: Whose,
) -> None:
    """Put one view's records on its tile."""
    name = one.heap.view
    bench = entity.screens.views[name].bench
    section.count += one.count
    section.is_capped = section.is_capped or one.is_capped
    section.rows += [
        row_of(visit, entity, bench, name, known[number], whose)
        for number in one.ids
        if number in known
    ]
    if one.count:
        query = urlencode({"view": name, "filter": of_person(one.heap, whose)})
        kind = (entity.plural or entity.label).in_language(visit.language)
        section.all.append((kind, f"/crm/{entity.name}/?{query}"))


def _after(found: dict[str, Section], place: str, new: Section) -> dict[str, Section]:
    """Return the tiles with a new one behind the last of its entity."""
    names = [*found]
    at = names.index(place) + 1 if place in found else len(names)
    ordered = {name: found[name] for name in names[:at]} | {new.name: new}
    return ordered | {name: found[name] for name in names[at:]}


def _of_pool(
    visit: Visit,
    entity: Entity,
    pool: Pool,
    leaving: Sequence[Departure],
    known: Mapping[int, Record],
    whose: Whose,
) -> Section:
    say = visit.wording.say
    sea = in_sentence(visit.words(pool.label), visit.language)
    label = say("Entering %(sea)s", sea=sea)
    name = f"pool-{pool.name}"
    section = Section(name, label, len(leaving), len(leaving) >= MOST_COUNTED, mood="warn")
    bench = bench_of(entity, "")
    for one in leaving[:SHOWN]:
        if one.record_id in known:
            row = row_of(visit, entity, bench, "", known[one.record_id], whose)
            section.rows.append(row.leaving(one.at, visit.look))
    # Who goes when is told by several dates together, so all of them are a list of these records.
    these = ", ".join(str(one.record_id) for one in leaving)
    query = urlencode({"view": "*", "filter": f"id in ({these})"})
    section.all.append((plural(entity, visit.language), f"/crm/{entity.name}/?{query}"))
    return section


def _departures(
    visit: Visit, entities: Mapping[str, Entity], whose: Whose
) -> list[tuple[Pool, list[Departure]]]:
    """Return what goes into each public sea soon; one statement for each of them."""
    me = visit.principal.user_id
    mine = [me] if me is not None else []
    people = list(visit.principal.subordinates) if whose == "team" else mine
    return [
        (pool, leaving_soon(visit.records, visit.principal, pool, people, visit.look.now))
        for pool in visit.catalog.automation.pools.values()
        if pool.entity in entities and pool.recycle and not pool.off
    ]


def _records(visit: Visit, entity: Entity, wanted: Sequence[tuple[int, str]]) -> dict[int, Record]:
    """Return the records of one entity by id, in one statement, with what their rows show."""
    views = {view for _, view in wanted}
    fields = dict.fromkeys(
        name for view in sorted(views) for name in bench_fields(visit, entity, view)
    )
    listed = ", ".join(str(number) for number in dict.fromkeys(number for number, _ in wanted))
    page = visit.records.query(
        visit.principal, entity.name, fields=[*fields], filter=f"id in ({listed},)", limit=100
    )
    return {record.id: record for record in page.rows}


# -- approvals -------------------------------------------------------------------------------------


def _has_approvals(visit: Visit) -> bool:
    return any(not one.off for one in visit.catalog.automation.approvals.values())


def _asks(visit: Visit) -> tuple[list[Ask], int]:
    """Return the first of what waits for the visitor's answer, and how many more there are."""
    if not _has_approvals(visit):
        return [], 0
    items, _ = visit.core.approvals.listed(visit.principal, "waiting", limit=50)
    names = visit.core.live.release.names
    people = visit.core.organisation.snapshot().people
    records: dict[tuple[int, int], tuple[Entity, Record]] = {}
    for number, ids in by_entity(items[:_ASKS]).items():
        entity = visit.catalog.entities.get(names.get(number, ""))
        if entity is None or not visit.policy.may("read", entity.name):
            continue
        listed = ", ".join(str(one) for one in dict.fromkeys(ids))
        readable = visit.policy.readable(entity.name)
        fields = [one for one in (entity.title, "version") if one and one in readable] or ["id"]
        page = visit.records.query(
            visit.principal, entity.name, fields=fields, filter=f"id in ({listed},)", limit=100
        )
        records |= {(number, one.id): (entity, one) for one in page.rows}
    asks = []
    for item in items[:_ASKS]:
        known = records.get((item.entity, item.record_id))
        if known is None:
            continue
        entity, record = known
        by = people.get(item.submitted_by or 0)
        look = visit.look
        asks.append(
            Ask(
                item.run,
                title_of(entity, record, visit),
                f"/crm/{entity.name}/{record.id}",
                mark_of(by.name if by is not None else visit.wording.say("The system")),
                time_tag(item.asked_at or item.submitted_at, look.now, visit.wording, look.zone),
                record.version,
            )
        )
    return asks, len(items) - len(asks)


# -- words -----------------------------------------------------------------------------------------


def _greeting(visit: Visit) -> str:
    say, hour = visit.wording.say, visit.look.now.astimezone(visit.look.zone).hour
    name = visit.principal.name
    if hour < 12:
        return say("Good morning, %(name)s", name=name)
    if hour < 18:
        return say("Good afternoon, %(name)s", name=name)
    return say("Good evening, %(name)s", name=name)


def _day(visit: Visit) -> str:
    from babel.dates import format_date

    from app.screens.moments import locale_of

    today = visit.look.now.astimezone(visit.look.zone).date()
    pattern = "M月d日 EEEE" if visit.language == "zh" else "EEEE d MMMM"
    return format_date(today, pattern, locale=locale_of(visit.language))
