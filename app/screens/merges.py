"""Several records put side by side, so that somebody chooses what stays, and made one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from flask import Response, redirect, request
from markupsafe import Markup, escape

from app.definitions.catalog import Entity
from app.errors import Conflict, InvalidInput, NotFound, RuleFailed
from app.records.side_by_side import ALL, MOST, Choice, SideBySide
from app.screens.bulk import ticked
from app.screens.change_undo import way_back
from app.screens.controls import Control
from app.screens.forms import sentences
from app.screens.navigation import in_sentence, plural
from app.screens.pickers import OFFERED, Offer, marked
from app.screens.timeline import show_json, titles_for
from app.screens.visit import Visit, leave_toast

#: The choice for a field: ``take.phones`` is the number of a record, or ``all``.
TAKE, VERSION = "take.", "version."


@dataclass(frozen=True, slots=True)
class Side:
    """One of the records."""

    id: int
    title: str
    href: str
    version: int
    kept: bool
    #: where it is the one that stays, and where all is taken from it
    keep_href: str
    from_href: str
    #: what hangs on it, in words
    hanging: str


@dataclass(frozen=True, slots=True)
class Option:
    """A value that may stay."""

    value: str
    html: str
    who: str
    on: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A field in which the records differ."""

    name: str
    label: str
    options: Sequence[Option]
    #: all values together, where the field holds several
    together: Option | None
    errors: Sequence[str] = ()


@dataclass(slots=True)
class MergeView:
    """Everything `merge.html` shows."""

    title: str
    sentence: str
    action: str
    back_href: str
    back_label: str
    ids: str
    sides: Sequence[Side]
    rows: Sequence[Row]
    same: str
    moves: str
    go: str
    refused: str = ""
    errors: Sequence[str] = field(default_factory=list)


def merge_page(visit: Visit, name: str) -> Response:
    """Return the page that asks what stays of the records in the address."""
    entity = visit.entity(name)
    ids = list(ticked(request.args.get("ids", "")))
    if len(ids) == 1:
        return redirect(f"/crm/{name}/{ids[0]}/merge", 302)  # type: ignore[return-value]
    keep = ticked(request.args.get("keep", ""))
    source = ticked(request.args.get("from", ""))
    try:
        found = visit.records.side_by_side(visit.principal, name, ids, keep[0] if keep else None)
    except InvalidInput as problem:
        leave_toast(visit.words(problem.message))  # type: ignore[arg-type]
        return redirect(f"/crm/{name}/", 303)  # type: ignore[return-value]
    chosen = {one.field: one.proposed for one in found.choices}
    if source and source[0] in found.ids:
        chosen = dict.fromkeys(chosen, source[0])
    return _show(visit, entity, found, chosen)


def merge(visit: Visit, name: str) -> Response:
    """Make the records one as it was chosen, and show the one that stays."""
    entity = visit.entity(name)
    ids = list(ticked(request.form.get("ids", "")))
    keep = next(iter(ticked(request.form.get("keep", ""))), 0)
    take = _taken()
    versions = {
        int(key.removeprefix(VERSION)): int(value)
        for key, value in request.form.items()
        if key.startswith(VERSION) and _is_number(key.removeprefix(VERSION)) and _is_number(value)
    }
    gone = [one for one in ids if one != keep]
    try:
        visit.records.merge(
            visit.principal, name, keep, gone, take=take, versions=versions, origin="screen"
        )
    except (InvalidInput, RuleFailed, Conflict) as problem:
        if keep not in ids or not 2 <= len(ids) <= MOST:
            leave_toast(visit.words(problem.message))  # type: ignore[arg-type]
            return redirect(f"/crm/{name}/", 303)  # type: ignore[return-value]
        found = visit.records.side_by_side(visit.principal, name, ids, keep)
        return _show(visit, entity, found, take, problem)
    title = _titles(visit, name, [keep])[keep]
    count = len(gone)
    words = visit.wording.count(
        "%(number)s record was merged into %(title)s",
        "%(number)s records were merged into %(title)s",
        count,
        title=title,
    )
    leave_toast(words, **way_back(visit, name, keep))
    return redirect(f"/crm/{name}/{keep}", 303)  # type: ignore[return-value]


def _taken() -> dict[str, int | str]:
    found: dict[str, int | str] = {}
    for key, value in request.form.items():
        if key.startswith(TAKE):
            found[key.removeprefix(TAKE)] = int(value) if _is_number(value) else ALL
    return found


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _titles(visit: Visit, name: str, ids: Sequence[int]) -> dict[int, str]:
    found = visit.records.titles(visit.principal, name, ids)
    return {number: found.get(number) or f"#{number}" for number in ids}


# -- how it is shown -------------------------------------------------------------------------------


def _show(
    visit: Visit,
    entity: Entity,
    found: SideBySide,
    chosen: Mapping[str, int | str],
    problem: InvalidInput | RuleFailed | Conflict | None = None,
) -> Response:
    say, language = visit.wording.say, visit.language
    titles = _titles(visit, entity.name, found.ids)
    errors = sentences(problem.fields, visit) if problem is not None else {}
    rows = _rows(visit, entity, found, titles, chosen, errors)
    shown = {one.name for one in rows}
    things = in_sentence(plural(entity, language), language)
    same = [entity.fields[name].label.in_language(language) for name in found.same]
    view = MergeView(
        title=say("Merge %(things)s", things=things),
        sentence=say(
            "Choose what stays, field by field. The others go into the recycle bin, and everything "
            "that hangs on them hangs on the one that stays. It can be undone."
        ),
        action=f"/crm/{entity.name}/merge",
        back_href=f"/crm/{entity.name}/",
        back_label=plural(entity, language),
        ids=",".join(map(str, found.ids)),
        sides=[_side(visit, entity, found, titles, number) for number in found.ids],
        rows=rows,
        same=("、" if language == "zh" else ", ").join(same),
        moves=_moves(visit, found),
        go=say("Merge %(count)s into one", count=len(found.ids)),
    )
    if problem is not None:
        view.errors = [one for key, many in errors.items() if key not in shown for one in many]
        if not errors or isinstance(problem, Conflict):
            view.refused = visit.words(problem.message)  # type: ignore[arg-type]
    response = visit.render("merge.html", page=visit.page(view.title, entity.name), view=view)
    if problem is not None:
        response.status_code = problem.status
    return response


def _side(
    visit: Visit, entity: Entity, found: SideBySide, titles: Mapping[int, str], number: int
) -> Side:
    base, ids = f"/crm/{entity.name}/merge", ",".join(map(str, found.ids))
    keep = urlencode({"ids": ids, "keep": number}, safe=",")
    source = urlencode({"ids": ids, "keep": found.keep, "from": number}, safe=",")
    return Side(
        number,
        titles[number],
        f"/crm/{entity.name}/{number}",
        found.versions[number],
        number == found.keep,
        f"{base}?{keep}",
        f"{base}?{source}",
        _hanging(visit, found, [number]),
    )


def _rows(
    visit: Visit,
    entity: Entity,
    found: SideBySide,
    titles: Mapping[int, str],
    chosen: Mapping[str, int | str],
    errors: Mapping[str, Sequence[str]],
) -> list[Row]:
    linked = titles_for(
        visit,
        entity,
        [(one.field, value) for one in found.choices for value in one.values.values()],
    )
    rows = []
    for one in found.choices:
        now = chosen.get(one.field, found.keep)
        options = [
            Option(
                str(number),
                _value(visit, entity, found, one, number, linked),
                titles[number] if len(found.ids) > 2 else "",
                now == number,
            )
            for number in found.ids
        ]
        together = None
        if one.joins:
            words = visit.wording.say("All together")
            together = Option(ALL, words, "", now == ALL)
        label = entity.fields[one.field].label.in_language(visit.language)
        rows.append(Row(one.field, label, options, together, errors.get(one.field, ())))
    return rows


def _value(
    visit: Visit,
    entity: Entity,
    found: SideBySide,
    choice: Choice,
    number: int,
    linked: Mapping[tuple[str, int], str | None],
) -> str:
    one, value = entity.fields[choice.field], choice.values[number]
    if value in (None, [], {}):
        return Markup('<span class="mut">–</span>')
    if one.type.name in ("file", "files", "image", "images", "signature"):
        several = value if isinstance(value, list) else [value]
        return escape(", ".join(found.files.get(each, f"#{each}") for each in several))
    return Markup(show_json(visit, entity, one, value, linked))  # noqa: S704 - made of cells.


def _hanging(visit: Visit, found: SideBySide, ids: Sequence[int]) -> str:
    """Return what hangs on records, in words: ``3 contacts, 1 comment``."""
    wording, language = visit.wording, visit.language
    parts = []
    for name, by_record in found.hanging.items():
        count = sum(by_record.get(number, 0) for number in ids)
        if not count:
            continue
        if name == "-comment":
            words = wording.count("%(number)s comment", "%(number)s comments", count)
        elif name == "-file":
            words = wording.count("%(number)s file", "%(number)s files", count)
        else:
            other = visit.catalog.entities[name]
            label = other.label.in_language(language) if count == 1 else plural(other, language)
            words = wording.say("%(count)s %(things)s", count=count,
                                things=in_sentence(label, language))  # fmt: skip
        parts.append(words)
    return ("、" if language == "zh" else ", ").join(parts)


def _moves(visit: Visit, found: SideBySide) -> str:
    moving = _hanging(visit, found, [one for one in found.ids if one != found.keep])
    return visit.wording.say("Moves along: %(what)s.", what=moving) if moving else ""


# -- finding the others ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WithView:
    """Everything `merge_with.html` shows."""

    title: str
    back_href: str
    back_label: str
    action: str
    id: int
    picker: Control
    alike: Sequence[tuple[int, str, str]]


def merge_with(visit: Visit, name: str, number: int) -> Response:
    """Return the page where somebody says with which others a record is merged."""
    entity = visit.entity(name)
    if "merge" not in visit.records.rights(visit.principal, name, number):
        raise NotFound
    say = visit.wording.say
    more = [one for text in request.args.getlist("with") for one in ticked(text)]
    if more:
        ids = ",".join(map(str, dict.fromkeys([number, *more])))
        return redirect(f"/crm/{name}/merge?ids={ids}", 303)  # type: ignore[return-value]
    title = _titles(visit, name, [number])[number]
    view = WithView(
        say("Merge %(title)s", title=title),
        f"/crm/{name}/{number}",
        title,
        f"/crm/{name}/{number}/merge",
        number,
        Control(
            "links",
            "with",
            say("The same as"),
            id="pick-with",
            input_name="with",
            many=True,
            span=12,
            search=f"/crm/{name}/merge/pick?without={number}",
            chosen=[],
        ),
        alike(visit, entity, number),
    )
    return visit.render("merge_with.html", page=visit.page(view.title, name), view=view)


def alike(visit: Visit, entity: Entity, number: int) -> list[tuple[int, str, str]]:
    """Return records of the same entity that look like one: number, title, and why."""
    found: list[tuple[int, str, str]] = []
    for one in visit.records.duplicates_of(visit.principal, entity.name, number):
        if one.id is None or one.entity != entity.name:
            continue
        label = in_sentence(entity.fields[one.field].label.in_language(visit.language),
                            visit.language)  # fmt: skip
        why = (
            visit.wording.say("the same %(field)s", field=label)
            if one.same
            else visit.wording.say("a similar %(field)s", field=label)
        )
        if one.id not in [each[0] for each in found]:
            found.append((one.id, one.title or f"#{one.id}", why))
    return found


def pick_other(visit: Visit, name: str) -> Response:
    """Return records that what is typed finds, for the picker of the page above."""
    visit.entity(name)
    words = request.form.get("_q", "").strip()[:200]
    without = ticked(request.args.get("without", ""))
    hits = visit.records.search(visit.principal, words, [name], limit=OFFERED) if words else []
    offers = [
        Offer(one.id, one.title or f"#{one.id}", marked(one.title or f"#{one.id}", words))
        for one in hits
        if one.id not in without
    ]
    none = (
        visit.wording.say("Nothing found that you may choose")
        if words
        else visit.wording.say("Type a name, a phone number or a code")
    )
    return visit.render(
        "picker_options.html", options=offers, nothing=none, new_href="", new_label=""
    )
