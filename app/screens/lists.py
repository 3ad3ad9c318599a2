"""The list of one entity: views, search, filter, sort, a page of rows at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import Response, request
from markupsafe import Markup

from app.access.policy import Policy
from app.definitions.catalog import Entity, View
from app.errors import Forbidden, Malformed
from app.records.results import Count, Page
from app.screens import pools
from app.screens.buttons import list_actions
from app.screens.columns import Columns, list_paths, make_columns
from app.screens.conditions import read_filter, say_condition, write_filter
from app.screens.frame import Choice
from app.screens.list_view import Act, Asked, Empty, Head, ListView, Tab
from app.screens.navigation import in_sentence, plural
from app.screens.pickers import person_control
from app.screens.visit import Visit
from app.screens.wording import Wording

ROWS = 25


class Lists:
    """Lists, and what is kept of them between requests."""

    #: columns kept at a time
    most = 2_000

    def __init__(self) -> None:
        self._columns: dict[tuple[Any, ...], Columns] = {}

    def columns(
        self, visit: Visit, entity: Entity, view: View | None, chosen: tuple[str, ...] = ()
    ) -> Columns:
        """Return the columns of a view, as the visitor's roles, language and choice have them."""
        policy = visit.policy
        key = (
            visit.catalog.fingerprint,
            entity.name,
            view.name if view else "",
            policy.roles,
            policy.is_admin,
            visit.language,
            chosen,
        )
        columns = self._columns.get(key)
        if columns is None:
            if len(self._columns) >= self.most or (
                self._columns and next(iter(self._columns))[0] != key[0]
            ):
                self._columns = {}
            named = chosen or (view.columns if view else ()) or entity.screens.columns
            paths = list_paths(entity, named, policy)
            columns = self._columns[key] = make_columns(entity, paths, policy, visit.language)
        return columns

    def answer(self, visit: Visit, name: str, arguments: Mapping[str, str]) -> Response:
        """Return the page of a list, or the next rows of one."""
        entity = visit.entity(name)
        asked = Asked.of(name, arguments)
        views = views_of(entity, visit.policy)
        view = next((one for one in views if one.name == asked.view), None)
        if asked.view and view is None:
            asked = replace(asked, view="")
        chosen = chosen_columns(entity, visit)
        columns = self.columns(visit, entity, view, chosen)
        try:
            page = read_page(visit, asked, columns.fields, arguments.get("after"))
        except (Malformed, Forbidden) as problem:
            shown = self._view(visit, entity, asked, views, columns, None)
            shown.problem = visit.words(problem.message)  # type: ignore[arg-type]
            answer = self._page(visit, shown, name)
            answer.status_code = problem.status
            return answer
        rows = self._rows(visit, entity, asked, columns, page)
        if arguments.get("part") == "rows":
            return visit.render("list_more.html", view={"rows": rows})
        shown = self._view(visit, entity, asked, views, columns, page)
        shown.rows = rows
        return self._page(visit, shown, name)

    def head(self, visit: Visit, entity: Entity, asked: Asked) -> ListView:
        """Return what stands above the records, for a page that shows them in another shape."""
        views = views_of(entity, visit.policy)
        view = next((one for one in views if one.name == asked.view), None)
        columns = self.columns(visit, entity, view, chosen_columns(entity, visit))
        return self._view(visit, entity, asked, views, columns, None)

    @staticmethod
    def _page(visit: Visit, shown: ListView, name: str) -> Response:
        return visit.render("list.html", page=visit.page(shown.title, name), view=shown)

    def _rows(
        self, visit: Visit, entity: Entity, asked: Asked, columns: Columns, page: Page
    ) -> str:
        ticked = bool(actions_for(visit, entity, asked))
        rows = columns.rows(page.rows, visit.look, ticked=ticked)
        if page.next:
            span = len(columns.columns) + ticked
            rows += Markup(
                '<tr class="list-end"><td colspan="{}"><a class="btn btn-s" href="{}"'
                ' hx-get="{}" hx-target="closest tr" hx-swap="outerHTML">{}</a></td></tr>'
            ).format(
                span,
                asked.href(after=page.next),
                asked.href(after=page.next, part="rows"),
                visit.wording.say("Load more"),
            )
        return rows

    def _view(
        self,
        visit: Visit,
        entity: Entity,
        asked: Asked,
        views: Sequence[View],
        columns: Columns,
        page: Page | None,
    ) -> ListView:
        wording, policy = visit.wording, visit.policy
        title = plural(entity, visit.language)
        label = entity.label.in_language(visit.language)
        sort = _sort_of(entity, asked, views)
        hrefs = _sort_hrefs(asked, columns, sort)
        view = ListView(
            title=title,
            href=f"/crm/{entity.name}/",
            search=asked.search,
            tabs=[*_tabs(asked, views, wording), *pools.pool_tabs(visit, entity, asked)],
            chips=_chips(entity, asked, wording),
            clear_href=asked.href(filter=""),
            filter_href=asked.href("filter"),
            bulk_href=asked.href("do"),
            sort_label=_sort_label(columns, sort, wording),
            sorts=_sorts(columns, sort, hrefs),
            kept=[
                (key, value)
                for key, value in (
                    ("view", asked.view),
                    ("filter", asked.filter),
                    ("sort", asked.sort),
                )
                if value
            ],
            columns=_heads(columns, sort, hrefs),
            actions=actions_for(visit, entity, asked),
            columns_href=asked.href("columns"),
        )
        if policy.may("create", entity.name) and not (entity.single and page and page.rows):
            view.new_href = f"/crm/{entity.name}/new"
            view.new_label = wording.say("New %(thing)s", thing=in_sentence(label, visit.language))
        if policy.may("import", entity.name):
            view.import_href = f"/crm/{entity.name}/import"
        if policy.may("restore", entity.name):
            view.bin_href = f"/bin?entity={entity.name}"
        if any(action.name == "transfer" for action in view.actions):
            view.transfer = person_control("owner", wording.say("New owner"), entity.name)
        if any(action.name == "release" for action in view.actions):
            seas = visit.catalog.automation.pools_of(entity.name)
            view.release = pools.release_form(visit, seas, view.bulk_href)
        if page is not None:
            view.count = count_words(page.count)
            view.foot = _foot(page, wording)
            if not page.rows:
                view.empty = _empty(asked, view, title, wording)
        return view


def chosen_columns(entity: Entity, visit: Visit) -> tuple[str, ...]:
    """Return the columns somebody chose for a list on this device; empty for the usual ones."""
    kept = request.cookies.get(f"columns.{entity.name}", "")
    paths = tuple(one.replace("-", ".") for one in kept.split(".") if one)
    return tuple(list_paths(entity, paths, visit.policy)) if paths else ()


def read_page(
    visit: Visit, asked: Asked, fields: Sequence[str], after: str | None = None, limit: int = ROWS
) -> Page:
    """Return one page of records."""
    page: Page = visit.records.query(
        visit.principal,
        asked.entity,
        fields=tuple(fields),
        filter=asked.filter or None,
        view=asked.view or None,
        search=asked.search or None,
        sort=asked.sort or None,
        after=after or None,
        limit=limit,
        count=None if after else "capped",
    )
    return page


def views_of(entity: Entity, policy: Policy) -> list[View]:
    """Return the views somebody is offered."""
    roles = set(policy.roles)
    return [
        view
        for view in entity.screens.views.values()
        if not view.for_ or policy.is_admin or roles & set(view.for_)
    ]


def actions_of(entity: Entity, policy: Policy, wording: Wording) -> list[Act]:
    """Return what may be done with several records at once."""
    actions = []
    if entity.owned and policy.may("transfer", entity.name):
        actions.append(
            Act(wording.say("Hand over"), "transfer", "arrows-right-left", opens="transfer")
        )
    if policy.may("delete", entity.name):
        actions.append(Act(wording.say("Delete"), "delete", "trash"))
    return actions


def actions_for(visit: Visit, entity: Entity, asked: Asked) -> list[Act]:
    """Return what the visitor may do with several records of a list at once."""
    own = actions_of(entity, visit.policy, visit.wording)
    return [*pools.pool_actions(visit, entity, asked), *list_actions(visit, entity), *own]


def count_words(count: Count | None) -> str:
    """Return how many there are, and whether that is all of it."""
    if count is None:
        return ""
    if count.estimated:
        return f"≈ {count.number:,}"
    return f"{count.number:,}{'+' if count.capped else ''}"


def _foot(page: Page, wording: Wording) -> str:
    shown, count = len(page.rows), page.count
    if count is None:
        return ""
    if not page.next and not page.previous:
        return wording.count("%(number)s record", "%(number)s records", shown)
    return wording.say("%(shown)s of %(all)s", shown=shown, all=count_words(count))


def _tabs(asked: Asked, views: Sequence[View], wording: Wording) -> list[Tab]:
    # A tab is a fresh look: what was filtered and typed belongs to the one that is left.
    href = Asked(asked.entity).href
    tabs = [Tab(wording.say("All"), href(), on=not (asked.view or asked.filter))]
    tabs += [
        Tab(view.label.in_language(wording.language), href(view=view.name), asked.view == view.name)
        for view in views
    ]
    return tabs


def _chips(entity: Entity, asked: Asked, wording: Wording) -> list[Choice]:
    if not asked.filter:
        return []
    conditions, rest = read_filter(entity, asked.filter)
    texts = [(one, say_condition(entity, one, wording, {})) for one in conditions]

    def without(index: int) -> str:
        kept = write_filter(entity, [one for n, one in enumerate(conditions) if n != index])
        return " and ".join(part for part in (kept, *rest) if part)

    chips = [
        Choice(str(n), text, on=True, href=asked.href(filter=without(n)))
        for n, (_, text) in enumerate(texts)
    ]
    whole = write_filter(entity, conditions)
    for n, part in enumerate(rest):
        others = " and ".join(one for m, one in enumerate([whole, *rest]) if one and m != n + 1)
        chips.append(Choice(f"r{n}", part, on=True, href=asked.href(filter=others)))
    return chips


def _sort_of(entity: Entity, asked: Asked, views: Sequence[View]) -> tuple[str, bool] | None:
    """Return what the list is sorted by first."""
    if asked.sort:
        name = asked.sort.partition(",")[0]
        return name.lstrip("-+"), name.startswith("-")
    view = next((one for one in views if one.name == asked.view), None)
    sort = (view.sort if view and view.sort else None) or entity.screens.sort
    return sort[0] if sort else None


def _sort_label(columns: Columns, sort: tuple[str, bool] | None, wording: Wording) -> str:
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


def _sort_hrefs(asked: Asked, columns: Columns, sort: tuple[str, bool] | None) -> dict[str, str]:
    """Return where a click on each column leads."""
    start = asked.href(sort="-")
    return {
        column.path: start.replace("sort=-", f"sort={_next_sort(column.path, column.end, sort)}")
        for column in columns.columns
        if column.sortable
    }


def _sorts(
    columns: Columns, sort: tuple[str, bool] | None, hrefs: Mapping[str, str]
) -> list[Choice]:
    found = []
    for column in columns.columns:
        if column.sortable:
            on = sort is not None and sort[0] == column.path
            icon = ("arrow-down" if sort[1] else "arrow-up") if on and sort else ""
            found.append(Choice(column.path, column.label, on, icon=icon, href=hrefs[column.path]))
    return found


def _heads(columns: Columns, sort: tuple[str, bool] | None, hrefs: Mapping[str, str]) -> list[Head]:
    heads = []
    for column in columns.columns:
        if not column.sortable:
            heads.append(Head(column.label, column.end))
            continue
        on = sort is not None and sort[0] == column.path
        state = ("descending" if sort[1] else "ascending") if on and sort else "none"
        heads.append(Head(column.label, column.end, hrefs[column.path], state))
    return heads


def _empty(asked: Asked, view: ListView, title: str, wording: Wording) -> Empty:
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
        return Empty(
            wording.say("No match among %(things)s", things=things),
            sentence,
            actions,
        )
    if asked.view:
        return Empty(
            wording.say("Nothing here now"),
            wording.say("No record fits this view at the moment."),
            [Act(wording.say("Show all %(things)s", things=things), href=f"/crm/{asked.entity}/")],
        )
    if new:
        sentence = wording.say(
            "The first one you enter, or one that is handed to you, shows up here."
        )
    else:
        sentence = wording.say("What others hand to you or share with you shows up here.")
    return Empty(wording.say("No %(things)s yet", things=things), sentence, new)
