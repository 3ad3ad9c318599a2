"""Find or do: records of every entity, acts, pages, and what was seen lately.

Records are found by the door's search, so row and field rights are part of the statement. What
somebody saw lately is kept in their session on this device as entity and number; its titles are
asked for when they are shown, so nothing is named that may not be read any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlencode

from flask import Flask, Response, request, session
from markupsafe import Markup, escape

from app.definitions.catalog import Entity
from app.errors import Malformed
from app.records.figures import dashboards_for
from app.records.grams import pinyin_span
from app.screens.navigation import icon_names, icon_of, in_sentence, plural, readable_entities
from app.screens.visit import Visit

_SEEN = "trellis.seen"
_MOST_SEEN = 8
_MOST_FOUND = 12
_MOST_ACTS = 6
#: What stands before the words to see acts alone.
ACTS = ">"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: something to open or to do."""

    label: Markup | str
    href: str
    icon: str
    note: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of one kind under a heading."""

    label: str
    entries: Sequence[Entry]


def answer(visit: Visit) -> Response:
    """Return what the typed words find, as the lines of the palette."""
    typed = request.args.get("q", "").strip()[:100]
    only_acts = typed.startswith(ACTS)
    words = typed.removeprefix(ACTS).strip()
    readable = readable_entities(visit.catalog, visit.policy)
    groups: list[Group] = []
    first: Entry | None = None
    if not only_acts:
        groups = _found(visit, words) if words else _seen(visit)
        first = groups[0].entries[0] if groups and words else None
    groups.append(_acts(visit, readable, words, first, every=only_acts))
    if not only_acts:
        groups.append(_pages(visit, readable, words))
    groups = [group for group in groups if group.entries]
    return visit.render("palette_options.html", groups=groups, words=words)


# -- records ---------------------------------------------------------------------------------------


def _found(visit: Visit, words: str) -> list[Group]:
    try:
        hits = visit.records.search(visit.principal, words, limit=_MOST_FOUND)
    except Malformed:
        return []
    icons = icon_names(visit.screens.renderer)
    by_entity: dict[str, list[Entry]] = {}
    for hit in hits:
        entity = visit.catalog.entities[hit.entity]
        title = marked(hit.title or f"#{hit.id}", words)
        entry = Entry(title, f"/crm/{hit.entity}/{hit.id}", icon_of(entity, icons))
        by_entity.setdefault(hit.entity, []).append(entry)
    return [
        Group(plural(visit.catalog.entities[name], visit.language), entries)
        for name, entries in by_entity.items()
    ]


def marked(title: str, words: str) -> Markup:
    """Return a title with what was typed in bold, also where it was typed in pinyin."""
    lower = title.casefold()
    if len(lower) != len(title):
        return escape(title)
    whole = [words.casefold()] if words.casefold() in lower else words.casefold().split()
    bold: set[int] = set()
    for word in whole:
        at = lower.find(word)
        span = (at, at + len(word)) if at >= 0 else pinyin_span(title, word)
        bold.update(range(*span) if span else ())
    shown = Markup()
    for is_bold, letters in groupby(range(len(title)), bold.__contains__):
        text = escape("".join(title[one] for one in letters))
        shown += Markup("<b>{}</b>").format(text) if is_bold else text
    return shown


def _seen(visit: Visit) -> list[Group]:
    """Return the records the visitor opened last; one statement for each entity among them."""
    pairs = [
        (name, number)
        for name, number in _kept()
        if name in visit.catalog.entities and visit.policy.may("read", name)
    ]
    icons = icon_names(visit.screens.renderer)
    titles = {
        name: visit.records.titles(
            visit.principal, name, [number for kind, number in pairs if kind == name]
        )
        for name in dict.fromkeys(name for name, _ in pairs)
    }
    entries = []
    for name, number in pairs:
        if number in titles[name]:
            entity = visit.catalog.entities[name]
            label = titles[name][number] or f"#{number}"
            note = entity.label.in_language(visit.language)
            entries.append(Entry(label, f"/crm/{name}/{number}", icon_of(entity, icons), note))
    return [Group(visit.wording.say("Seen lately"), entries)] if entries else []


def _kept() -> list[tuple[str, int]]:
    kept = session.get(_SEEN)
    if not isinstance(kept, list):
        return []
    return [(one[0], one[1]) for one in kept if isinstance(one, list | tuple) and len(one) == 2]


def note_seen(answered: Response) -> Response:
    """Keep which record was opened, after its page was given."""
    if request.endpoint == "RecordsView.show" and answered.status_code == 200:
        here = (str((request.view_args or {}).get("entity")), int(request.view_args["number"]))  # type: ignore[index]
        others = [one for one in _kept() if one != here]
        session[_SEEN] = [list(one) for one in (here, *others)][:_MOST_SEEN]
    return answered


def remember_what_is_seen(app: Flask) -> None:
    """Have every record page noted for its visitor."""
    app.after_request(note_seen)


# -- acts and pages --------------------------------------------------------------------------------


def _fits(words: str, *texts: str) -> bool:
    """Whether every typed word stands in one of the texts."""
    whole = " ".join(texts).casefold()
    return all(word in whole for word in words.casefold().split())


def _acts(
    visit: Visit, readable: Sequence[Entity], words: str, first: Entry | None, *, every: bool
) -> Group:
    say, language = visit.wording.say, visit.language
    entries: list[Entry] = []
    if first is not None and (log := _log_of(visit, first)) is not None:
        entries.append(log)
    new = [one for one in readable if visit.policy.may("create", one.name) and not one.single]
    for entity in new:
        label = entity.label.in_language(language)
        text = say("New %(thing)s", thing=in_sentence(label, language))
        if not words or _fits(words, text, entity.name.replace("_", " "), str(entity.label)):
            entries.append(Entry(text, f"/crm/{entity.name}/new", "plus"))
    # A name that was looked for and is not there is what one wants to enter.
    if words and not every:
        named = [one for one in new if one.title and one.fields[one.title].type.name == "text"]
        for entity in named[:2]:
            label = in_sentence(entity.label.in_language(language), language)
            text = say("New %(thing)s “%(words)s”", thing=label, words=words)
            query = urlencode({entity.title or "": words})
            entries.append(Entry(text, f"/crm/{entity.name}/new?{query}", "plus"))
    return Group(say("Do"), entries if every else entries[:_MOST_ACTS])


def _log_of(visit: Visit, hit: Entry) -> Entry | None:
    """Return the act that logs something about the record found first."""
    parts = hit.href.strip("/").split("/")
    entity = visit.catalog.entities[parts[1]]
    for view in entity.screens.views.values():
        bench = view.bench
        if bench is None or not bench.log or not bench.log_link:
            continue
        if not visit.policy.may("create", bench.log):
            return None
        thing = visit.catalog.entities[bench.log].label.in_language(visit.language)
        label = visit.wording.say(
            "Log %(thing)s: %(title)s", thing=in_sentence(thing, visit.language), title=hit.label
        )
        query = urlencode({"view": view.name})
        return Entry(label, f"/bench/log/{entity.name}/{parts[2]}?{query}", "message-2")
    return None


def _pages(visit: Visit, readable: Sequence[Entity], words: str) -> Group:
    say = visit.wording.say
    icons = icon_names(visit.screens.renderer)
    pages = [
        Entry(say("Home"), "/", "home", key="G H"),
        Entry(say("Inbox"), "/inbox", "inbox", key="G I"),
    ]
    pages += [
        Entry(visit.words(one.label), f"/dashboards/{one.name}", "chart-bar")
        for one in dashboards_for(visit.catalog, visit.policy)
    ]
    if any(not one.off for one in visit.catalog.automation.approvals.values()):
        pages.append(Entry(say("Approvals"), "/approvals", "checkup-list"))
    for entity in readable:
        icon = icon_of(entity, icons)
        pages.append(Entry(plural(entity, visit.language), f"/crm/{entity.name}/", icon))
        pages += _views(visit, entity, icon) if words else []
    pages.append(Entry(say("Recycle bin"), "/bin", "trash"))
    pages.append(Entry(say("Changes"), "/changes", "history"))
    pages.append(Entry(say("Duplicates"), "/duplicates", "git-compare"))
    pages.append(Entry(say("Is it there already?"), "/duplicates/check", "search"))
    pages.append(Entry(say("Your account"), "/me", "user-circle"))
    if visit.policy.is_admin:
        pages += [
            Entry(say("People"), "/people", "users"),
            Entry(say("Jobs"), "/jobs", "clock"),
            Entry(say("Setup"), "/setup", "settings"),
        ]
    if not words:
        return Group(say("Pages"), pages[:6])
    fitting: Callable[[Entry], bool] = lambda one: _fits(words, str(one.label), one.note, one.href)  # noqa: E731
    return Group(say("Pages"), [one for one in pages if fitting(one)][:6])


def _views(visit: Visit, entity: Entity, icon: str) -> list[Entry]:
    from app.screens.opened_lists import views_of

    kind = plural(entity, visit.language)
    return [
        Entry(
            view.label.in_language(visit.language),
            f"/crm/{entity.name}/?view={view.name}",
            icon,
            kind,
        )
        for view in views_of(entity, visit.policy)
    ]
