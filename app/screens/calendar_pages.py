"""The pages of calendars: of one entity, in the frame of its list; and one's own, over all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Response, request

from app.definitions.catalog import Entity
from app.errors import Forbidden, Malformed, NotFound
from app.records.agenda import Asked as Narrowed
from app.records.agenda import Source, calendar_source, sources
from app.screens.calendars import (
    Drawing,
    Stretch,
    new_of,
    source_label,
)
from app.screens.frame import Choice
from app.screens.looks import by_choices, day_fields, switch
from app.screens.opened_lists import open_list
from app.screens.visit import Visit

#: People a manager may choose from in one's own calendar.
_MOST_PEOPLE = 200


def calendar_answer(
    visit: Visit, entity: Entity, arguments: Mapping[str, str], by: str
) -> Response:
    """Return the page of an entity's calendar."""
    asked = open_list(visit, entity, arguments).asked
    fields = day_fields(entity, visit.policy)
    chosen = next((one for one in fields if one.name == by), None)
    source = calendar_source(entity, visit.policy, chosen.name if chosen else None)
    if source is None:
        source = calendar_source(entity, visit.policy, fields[0].name)
    if source is None:
        raise NotFound
    here = {"as": "calendar"} | ({"by": source.begin} if chosen else {})
    stretch = Stretch.of(arguments, visit.look.now.astimezone(visit.look.zone).date())
    drawing = Drawing(visit, stretch, lambda **more: asked.href(**here, **more))
    narrowed = Narrowed("", asked.filter or None, asked.view or None, asked.search or None)
    problem = _read(visit, drawing, [(source, 0)], narrowed)
    shown = drawing.view(new_of(visit, source))
    head = visit.screens.lists.head(visit, entity, asked)
    head.looks = switch(visit, entity, asked, "calendar")
    head.problem = shown.problem = problem
    label = entity.fields[source.begin].label.in_language(visit.language)
    answer = visit.render(
        "calendar_list.html",
        page=visit.page(head.title, entity.name),
        view=head,
        calendar=shown,
        bys=by_choices(visit, fields, asked, "calendar", source.begin),
        by_label=label,
    )
    if problem:
        answer.status_code = 400
    return answer


def _read(
    visit: Visit, drawing: Drawing, shown: Sequence[tuple[Source, int]], narrowed: Narrowed
) -> str:
    """Read the sources; return what could not be read."""
    try:
        for source, shade in shown:
            label = source_label(visit, source) if len(shown) > 1 else ""
            drawing.add(source, narrowed, shade, label)
    except (Malformed, Forbidden) as problem:
        return visit.words(problem.message)  # type: ignore[arg-type]
    return ""


# -- one's own -------------------------------------------------------------------------------------


@dataclass(slots=True)
class MineView:
    """What stands above one's own calendar."""

    sources: Sequence[Choice]
    people: Sequence[Choice]
    person: str = ""
    new: Sequence[Choice] = ()


def my_calendar(visit: Visit) -> Response:
    """Return one's own calendar, or that of people below, over all entities with dates."""
    offered = list(sources(visit.catalog, visit.policy))
    hidden = {one for one in request.args.get("hide", "").split(",") if one}
    people = _people(visit)
    person = request.args.get("person", "me")
    if person not in {one.name for one in people}:
        person = "me"
    today = visit.look.now.astimezone(visit.look.zone).date()
    stretch = Stretch.of(request.args, today, "week")
    kept = {
        "hide": ",".join(sorted(hidden)),
        "person": "" if person == "me" else person,
        "span": stretch.kind,
        "on": request.args.get("on", ""),
    }

    def href(**changed: str) -> str:
        pairs = {**kept, "on": "", **changed}
        query = urlencode({name: value for name, value in pairs.items() if value})
        return f"/calendar{'?' if query else ''}{query}"

    drawing = Drawing(visit, stretch, href)
    shown = [(one, n) for n, one in enumerate(offered) if one.name not in hidden]
    problem = _read(visit, drawing, shown, Narrowed(person))
    view = drawing.view(_first_new(visit, shown))
    view.problem = problem
    toggles = []
    for number, one in enumerate(offered):
        now = hidden ^ {one.name}
        toggles.append(
            Choice(
                one.name,
                source_label(visit, one),
                one.name not in hidden,
                tag=f"sh{number % 6}",
                href=href(hide=",".join(sorted(now)), on=kept["on"]),
            )
        )
    chosen = [
        Choice(
            one.name,
            one.label,
            one.name == person,
            href=href(person="" if one.name == "me" else one.name, on=kept["on"]),
        )
        for one in people
    ]
    mine = MineView(
        toggles, chosen, next(one.label for one in chosen if one.on), _news(visit, shown)
    )
    title = visit.wording.say("Calendar")
    return visit.render(
        "calendar.html", page=visit.page(title, "calendar"), calendar=view, mine=mine
    )


def _people(visit: Visit) -> list[Choice]:
    """Return whose calendar may be looked at: one's own, and those of people below."""
    say, below = visit.wording.say, visit.principal.subordinates
    found = [Choice("me", say("Mine"), on=False)]
    if not below:
        return found
    found.append(Choice("team", say("My team"), on=False))
    named = visit.records.titles(visit.principal, "user", below[:_MOST_PEOPLE])
    for number, name in sorted(named.items(), key=lambda one: one[1] or ""):
        if number != visit.principal.user_id:
            found.append(Choice(str(number), name or str(number), on=False))
    return found


def _news(visit: Visit, shown: Sequence[tuple[Source, int]]) -> list[Choice]:
    """Return what may be made on a day, each entity once."""
    found: dict[str, Choice] = {}
    for source, _ in shown:
        made = new_of(visit, source)
        if made is not None and source.entity not in found:
            entity, name = made
            label = entity.label.in_language(visit.language)
            found[source.entity] = Choice(name, label, on=False, href=f"/crm/{entity.name}/new")
    return list(found.values())


def _first_new(visit: Visit, shown: Sequence[tuple[Source, int]]) -> tuple[Entity, str] | None:
    """Return what a click on a day makes: a task where there are some, they are what is planned."""
    made = [one for source, _ in shown if (one := new_of(visit, source)) is not None]
    return next((one for one in made if one[0].name == "task"), made[0] if made else None)
