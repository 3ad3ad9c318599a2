"""The list of one entity: views, search, filter, sort, groups, a page of rows at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Response
from markupsafe import Markup

from app.definitions.catalog import Entity, View
from app.errors import Forbidden, Malformed, Unavailable
from app.records.results import Page
from app.screens import pools
from app.screens.bulk import actions_for
from app.screens.columns import Columns, list_paths, make_columns
from app.screens.exports import export_choices
from app.screens.grouping import groups_of
from app.screens.list_parts import (
    chips_of,
    count_words,
    densities_of,
    empty_of,
    group_keys,
    groups_by,
    heads_of,
    is_much,
    loaded_words,
    sort_hrefs,
    sort_label,
    sort_of,
    sorts_of,
    tabs_of,
)
from app.screens.list_view import Asked, ListView
from app.screens.looks import switch
from app.screens.navigation import in_sentence, plural
from app.screens.opened_lists import OpenedList, open_list, read_page, shown_count
from app.screens.pickers import person_control
from app.screens.visit import Visit


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
            made = make_columns(entity, paths, policy, visit.language)
            columns = self._columns[key] = replace(made, groups=group_keys(visit, entity))
        return columns

    def columns_of(self, visit: Visit, opened: OpenedList) -> Columns:
        """Return the columns of a list as it was opened."""
        return self.columns(visit, opened.entity, opened.view, opened.chosen)

    def answer(self, visit: Visit, name: str, arguments: Mapping[str, str]) -> Response:
        """Return the page of a list, or the next rows of one."""
        entity = visit.entity(name)
        opened = open_list(visit, entity, arguments)
        columns = self.columns_of(visit, opened)
        grouped = bool(opened.arrangement.group) and arguments.get("part") != "rows"
        try:
            if grouped:
                shown = self._view(visit, opened, columns)
                shown.groups = groups_of(visit, opened, columns, self.rows)
                count = shown_count(visit, opened)
                shown.count, shown.sums_wait = count_words(count), is_much(count)
                shown.all_label = visit.wording.say("all %(count)s", count=shown.count)
                return self._page(visit, shown, name)
            page = read_page(visit, opened, columns.fields, arguments.get("after"))
        except (Malformed, Forbidden, Unavailable) as problem:
            shown = self._view(visit, opened, columns)
            shown.problem = visit.words(problem.message)  # type: ignore[arg-type]
            answer = self._page(visit, shown, name)
            answer.status_code = problem.status
            return answer
        rows = self.rows(visit, opened, columns, page)
        if arguments.get("part") == "rows":
            return visit.render("list_more.html", view={"rows": rows})
        shown = self._view(visit, opened, columns)
        self._fill(visit, opened, shown, page)
        shown.rows = rows
        return self._page(visit, shown, name)

    def head(self, visit: Visit, entity: Entity, asked: Asked) -> ListView:
        """Return what stands above the records, for a page that shows them in another shape."""
        opened = open_list(visit, entity, {"q": asked.search, **dict(asked.kept)})
        return self._view(visit, opened, self.columns_of(visit, opened))

    @staticmethod
    def _page(visit: Visit, shown: ListView, name: str) -> Response:
        return visit.render("list.html", page=visit.page(shown.title, name), view=shown)

    def rows(self, visit: Visit, opened: OpenedList, columns: Columns, page: Page) -> str:
        """Return rows as the table shows them, with the way to those that follow."""
        ticked = bool(actions_for(visit, opened))
        rows = columns.rows(page.rows, visit.look, ticked=ticked)
        if page.next:
            span = len(columns.columns) + ticked
            asked = opened.asked
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

    def _view(self, visit: Visit, opened: OpenedList, columns: Columns) -> ListView:
        wording, entity, asked = visit.wording, opened.entity, opened.asked
        title = plural(entity, visit.language)
        sort = sort_of(opened)
        hrefs = sort_hrefs(asked, columns, sort)
        widths = opened.arrangement.widths
        view = ListView(
            title=title,
            href=f"/crm/{entity.name}/",
            search=asked.search,
            tabs=[*tabs_of(opened, wording), *pools.pool_tabs(visit, entity, asked)],
            chips=chips_of(visit, entity, asked),
            clear_href=asked.href(filter=""),
            filter_href=asked.href("filter"),
            bulk_href=asked.href("do"),
            sort_label=sort_label(columns, sort, wording),
            sorts=sorts_of(columns, sort, hrefs),
            kept=asked.kept,
            columns=heads_of(columns, sort, hrefs, widths),
            actions=actions_for(visit, opened),
            columns_href=asked.href("columns"),
            density=opened.arrangement.density,
            sized=any(column.path in widths for column in columns.columns),
            arrange_href=asked.href("arrange"),
            menu_href=asked.href("views/menu"),
            save_href=asked.href("views/new"),
            sums_href=asked.href("sums"),
            pulse_href=f"/crm/{entity.name}/pulse",
            rows_href=asked.href("rows"),
        )
        view.looks = switch(visit, entity, asked, "list")
        view.densities = densities_of(visit, view.density)
        view.groups_by = groups_by(visit, opened, columns.groups)
        view.group_label = next((one.label for one in view.groups_by if one.on and one.name), "")
        view.notes = _notes(visit, opened)
        _add_edits(view, visit, opened)
        _add_ways(view, visit, opened)
        if any(action.name == "transfer" for action in view.actions):
            view.transfer = person_control("owner", wording.say("New owner"), entity.name)
        if any(action.name == "release" for action in view.actions):
            seas = visit.catalog.automation.pools_of(entity.name)
            view.release = pools.release_form(visit, seas, view.bulk_href)
        return view

    @staticmethod
    def _fill(visit: Visit, opened: OpenedList, view: ListView, page: Page) -> None:
        """Say how much there is, and what helps where there is nothing."""
        entity, wording = opened.entity, visit.wording
        view.count = count_words(page.count)
        view.sums_wait = is_much(page.count)
        view.loaded = loaded_words(page, wording)
        if page.next and page.count is not None:
            view.all_label = wording.say("all %(count)s", count=view.count)
        if entity.single and page.rows:
            view.new_href = ""
        if not page.rows:
            view.nearly_href = opened.asked.href("nearly") if opened.asked.filter else ""
            view.empty = empty_of(opened, view, view.title, wording)


def _add_ways(view: ListView, visit: Visit, opened: OpenedList) -> None:
    """Add the ways to make, bring in, take along and take back records."""
    wording, policy, entity = visit.wording, visit.policy, opened.entity
    label = entity.label.in_language(visit.language)
    if policy.may("create", entity.name):
        view.new_href = f"/crm/{entity.name}/new"
        view.new_label = wording.say("New %(thing)s", thing=in_sentence(label, visit.language))
    if policy.may("import", entity.name):
        view.import_href = f"/crm/{entity.name}/import"
    if policy.may("export", entity.name):
        view.exports = export_choices(opened.asked, wording)
    if policy.may("restore", entity.name):
        view.bin_href = f"/bin?entity={entity.name}"


def _add_edits(view: ListView, visit: Visit, opened: OpenedList) -> None:
    """Offer to keep a changed filter in the saved view it came from."""
    asked = opened.asked
    number = asked.edits if asked.edits.isdigit() else ""
    saved = next((one for one in opened.saved if str(one.id) == number), None)
    if saved is None or not saved.may_change(visit.principal):
        return
    view.edits = saved.name
    view.edits_href = asked.href(f"views/{saved.id}/rows", edits="")
    view.back_href = Asked(asked.entity, view=number).href()


def _notes(visit: Visit, opened: OpenedList) -> list[str]:
    """Say what of a view could not be asked."""
    notes = []
    if opened.missing:
        notes.append(
            visit.wording.say(
                "The view %(name)s is not there any more, or is not shared with you: here is "
                "everything.",
                name=opened.missing[:80],
            )
        )
    if opened.left_out:
        parts = ("、" if visit.language == "zh" else ", ").join(
            visit.words(one)  # type: ignore[arg-type]
            for one in opened.left_out
        )
        notes.append(
            visit.wording.say(
                "This view also asks for what is not there any more or what you may not see; it "
                "was left out: %(parts)s.",
                parts=parts,
            )
        )
    return notes
