"""The parts around the rows of a list: tabs, chips of the filter, heads and orders of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote_plus

from app.definitions.catalog import Entity, Field
from app.expressions.joints import Joint, read_joints
from app.expressions.problems import ExpressionProblem
from app.records.results import Count, Page
from app.records.saved_views import ALL
from app.screens.columns import Columns, is_listable
from app.screens.conditions import path_label
from app.screens.filter_tree import Titles, named_records, read_tree, say_parts
from app.screens.frame import DENSITIES, Choice
from app.screens.list_view import NO_GROUP, Act, Asked, Empty, Head, ListView, Tab
from app.screens.navigation import in_sentence
from app.screens.opened_lists import OpenedList
from app.screens.visit import Visit
from app.screens.wording import Wording

_GROUPED = frozenset({"choice", "stage", "link", "user", "department", "boolean", "rating"})
_BY_MONTH = frozenset({"date", "datetime"})
#: The width of a column nobody sized, beside others that are.
USUAL_WIDTH = 140


def count_words(count: Count | None) -> str:
    """Return how many there are, and whether that is all of it."""
    if count is None:
        return ""
    if count.estimated:
        return f"≈ {count.number:,}"
    return f"{count.number:,}{'+' if count.capped else ''}"


def is_much(count: Count | None) -> bool:
    """Whether a list is so long that its sums wait until somebody asks for them."""
    return count is not None and (count.capped or count.estimated)


def loaded_words(page: Page, wording: Wording) -> str:
    """Return how many rows stand on the page, where there are more."""
    if page.count is None or not page.next:
        return ""
    return wording.say("%(number)s loaded", number=len(page.rows))


def tabs_of(opened: OpenedList, wording: Wording) -> list[Tab]:
    """Return the views as tabs: of the configuration first, then saved ones."""
    # A tab is a fresh look: what was filtered and typed belongs to the one that is left.
    asked = opened.asked
    href = Asked(asked.entity).href
    is_whole = not (opened.name or asked.filter) or asked.view == ALL
    everything = ALL if opened.default not in ("", ALL) else ""
    tabs = [Tab(wording.say("All"), href(view=everything), on=is_whole and not asked.filter)]
    tabs += [
        Tab(view.label.in_language(wording.language), href(view=view.name), opened.view is view)
        for view in opened.views
    ]
    for saved in opened.saved:
        shared = saved.is_shared
        tabs.append(
            Tab(
                saved.name,
                href(view=str(saved.id)),
                saved is opened.own,
                icon="users" if shared else "",
                hint=wording.say("Shared view") if shared else "",
            )
        )
    return tabs


def titles_of(visit: Visit, entity: Entity, text: str) -> Titles:
    """Return the titles of the records a filter names: one statement for each entity of them."""
    try:
        conditions = list(read_tree(entity, text).conditions())
    except ExpressionProblem:
        return {}
    found: dict[tuple[str, str], str] = {}
    for target, fields in named_records(entity, conditions).items():
        numbers = set().union(*fields.values())
        titles = visit.records.titles(visit.principal, target, numbers)
        for name, wanted in fields.items():
            for number in wanted:
                found[name, str(number)] = titles.get(number) or f"#{number}"
    return found


def chips_of(visit: Visit, entity: Entity, asked: Asked) -> list[Choice]:
    """Return the conditions of the address, each with the way to the list without it."""
    if not asked.filter:
        return []
    wording = visit.wording
    try:
        joint = read_joints(asked.filter)
    except ExpressionProblem:
        return [Choice("0", asked.filter, on=True, href=asked.href(filter=""))]
    whole = joint if joint.word == "and" else Joint("and", (joint,))
    found = []
    for text, first, last in say_parts(
        entity, whole, wording, titles_of(visit, entity, asked.filter)
    ):
        others = Joint("and", (*whole.parts[:first], *whole.parts[last:])).written()
        found.append(Choice(str(first), text, on=True, href=asked.href(filter=others)))
    return found


def sort_of(opened: OpenedList) -> tuple[str, bool] | None:
    """Return what the list is sorted by first."""
    text = opened.arrangement.sort
    if text:
        name = text.partition(",")[0].strip()
        return name.lstrip("-+"), name.startswith("-")
    view = opened.view
    sort = (view.sort if view and view.sort else None) or opened.entity.screens.sort
    return sort[0] if sort else None


def sort_label(columns: Columns, sort: tuple[str, bool] | None, wording: Wording) -> str:
    """Return what the button that sorts says."""
    if sort is not None:
        for column in columns.columns:
            if column.path == sort[0]:
                return column.label
    return wording.say("Sort")


def _next_sort(path: str, end: bool, sort: tuple[str, bool] | None) -> str:
    """Return what a click on a column sorts by: numbers begin with the highest."""
    if sort is not None and sort[0] == path:
        return path if sort[1] else f"-{path}"
    return f"-{path}" if end else path


def sort_hrefs(asked: Asked, columns: Columns, sort: tuple[str, bool] | None) -> dict[str, str]:
    """Return where a click on each column leads."""
    start = asked.href(sort="-")
    return {
        column.path: start.replace("sort=-", f"sort={_next_sort(column.path, column.end, sort)}")
        for column in columns.columns
        if column.sortable
    }


def sorts_of(
    columns: Columns, sort: tuple[str, bool] | None, hrefs: Mapping[str, str]
) -> list[Choice]:
    """Return the orders a list offers."""
    found = []
    for column in columns.columns:
        if column.sortable:
            on = sort is not None and sort[0] == column.path
            icon = ("arrow-down" if sort[1] else "arrow-up") if on and sort else ""
            found.append(Choice(column.path, column.label, on, icon=icon, href=hrefs[column.path]))
    return found


def heads_of(
    columns: Columns,
    sort: tuple[str, bool] | None,
    hrefs: Mapping[str, str],
    widths: Mapping[str, int],
) -> list[Head]:
    """Return the heads of the columns; once one of them has a width, all have."""
    heads = []
    sized = any(column.path in widths for column in columns.columns)
    for column in columns.columns:
        width = widths.get(column.path, USUAL_WIDTH) if sized else None
        if not column.sortable:
            edits = column.editable
            heads.append(Head(column.label, column.end, "", "", column.path, width, edits))
            continue
        on = sort is not None and sort[0] == column.path
        state = ("descending" if sort[1] else "ascending") if on and sort else "none"
        href = hrefs[column.path]
        heads.append(
            Head(column.label, column.end, href, state, column.path, width, column.editable)
        )
    return heads


def groups_by(visit: Visit, opened: OpenedList, offered: Sequence[tuple[str, str]]) -> list[Choice]:
    """Return what a list may be grouped by, as ways there; first to none of it."""
    asked, now = opened.asked, opened.arrangement.group
    none = NO_GROUP if opened.settings.group else ""
    found = [Choice("", visit.wording.say("No groups"), not now, href=asked.href(group=none))]
    # As for the orders: an address is made once, thirty of them would be a tenth of the page.
    start = asked.href(group="-")
    for key, label in offered:
        href = start.replace("group=-", f"group={quote_plus(key)}")
        found.append(Choice(key, label, key == now, href=href))
    return found


def group_keys(visit: Visit, entity: Entity) -> list[tuple[str, str]]:
    """Return what an entity's list may be grouped by, ordered by how it is called."""
    found = []
    for name, field in entity.fields.items():
        if visit.policy.is_readable(entity.name, name) and is_listable(field):
            found += _group_keys(field, path_label(entity, name, visit.language), visit)
    return sorted(found, key=lambda one: one[1])


def _group_keys(field: Field, label: str, visit: Visit) -> list[tuple[str, str]]:
    kind = field.type.name
    if kind in _GROUPED and not field.type.many:
        return [(field.name, label)]
    if kind in _BY_MONTH:
        words = visit.wording.say("%(field)s, by month", field=label)
        return [(f"month({field.name})", words)]
    return []


def densities_of(visit: Visit, now: str) -> list[Choice]:
    """Return how high rows may be."""
    say = visit.wording.say
    labels = {
        "compact": say("Compact rows"),
        "regular": say("Regular rows"),
        "relaxed": say("Relaxed rows"),
    }
    shown = now or visit.preferences.get("density") or "regular"
    return [Choice(name, labels[name], name == shown) for name in DENSITIES]


def empty_of(opened: OpenedList, view: ListView, title: str, wording: Wording) -> Empty:
    """Return what a list without rows says, and the ways out of it."""
    asked = opened.asked
    things = in_sentence(title, wording.language)
    new = [Act(view.new_label, icon="plus", href=view.new_href, main=True)] if view.new_href else []
    if asked.search or asked.filter:
        actions = []
        if asked.filter:
            actions.append(Act(wording.say("Drop the filter"), href=asked.href(filter="")))
        if asked.search:
            actions.append(Act(wording.say("Clear the search"), href=asked.href(search="")))
        if asked.search and asked.filter:
            sentence = wording.say("Nothing that you may see fits the search and all conditions.")
        elif asked.search:
            sentence = wording.say("Nothing that you may see fits the search.")
        else:
            sentence = wording.say("Nothing that you may see fits all conditions.")
        return Empty(wording.say("No match among %(things)s", things=things), sentence, actions)
    if opened.name:
        whole = Asked(asked.entity).href(view=ALL if opened.default not in ("", ALL) else "")
        return Empty(
            wording.say("Nothing here now"),
            wording.say("No record fits this view at the moment."),
            [Act(wording.say("Show all %(things)s", things=things), href=whole)],
        )
    if new:
        sentence = wording.say(
            "The first one you enter, or one that is handed to you, shows up here."
        )
    else:
        sentence = wording.say("What others hand to you or share with you shows up here.")
    return Empty(wording.say("No %(things)s yet", things=things), sentence, new)
