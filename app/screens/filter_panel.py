"""The filter of a list: rows in groups, the expression they make, and how many records it finds.

The form is a tree told in order: ``n`` says where a group begins and ends and where a row stands.
What cannot be shown as rows is edited as text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Response, redirect, request

from app.definitions.catalog import Entity
from app.errors import Forbidden, Malformed
from app.expressions.joints import read_joints
from app.expressions.problems import ExpressionProblem
from app.screens.conditions import Condition, field_of, find_operator, operators_for, path_label
from app.screens.controls import Chosen, Typed, first
from app.screens.filter_rows import Row, draw_row
from app.screens.filter_tree import FilterGroup, read_tree, write_tree
from app.screens.form_state import as_typed
from app.screens.list_parts import count_words
from app.screens.list_view import Asked
from app.screens.navigation import in_sentence, plural
from app.screens.opened_lists import OpenedList, open_list, view_asked
from app.screens.visit import Visit

#: So many conditions are laid out before anybody adds one.
_READY = 4
#: Groups within groups; the language allows more, people do not read them.
DEEPEST = 6
_MOST_ROWS = 200


@dataclass(slots=True)
class GroupView:
    """One group of a filter, as the panel draws it."""

    number: str
    join: str
    items: list[Any] = field(default_factory=list)
    depth: int = 0


@dataclass(frozen=True, slots=True)
class TextRow:
    """A condition that no row can show."""

    number: str
    text: str


def panel(visit: Visit, name: str) -> Response:
    """Return the panel for the filter of the address, what is usual in this list at hand."""
    entity = visit.entity(name)
    opened = open_list(visit, entity, request.args)
    asked = opened.asked
    tree: FilterGroup | None
    try:
        tree = read_tree(entity, asked.filter)
    except ExpressionProblem:
        tree = None
    return _panel(visit, opened, tree, asked.filter, ready=True)


def switch(visit: Visit, name: str) -> Response:
    """Return the panel for what was typed as text, or the text of what was clicked."""
    entity = visit.entity(name)
    opened = open_list(visit, entity, request.args)
    text = _posted(entity)
    if request.form.get("to") == "text":
        return _panel(visit, opened, None, text)
    try:
        tree: FilterGroup | None = read_tree(entity, text)
    except ExpressionProblem:
        tree = None
    return _panel(visit, opened, tree, text)


def _panel(
    visit: Visit, opened: OpenedList, tree: FilterGroup | None, text: str, *, ready: bool = False
) -> Response:
    entity, asked = opened.entity, opened.asked
    paths = filter_paths(visit, entity)
    group = None
    if tree is not None:
        if ready:
            _lay_out(entity, tree)
        group = _Drawing(visit, entity, paths).group(tree)
    base = asked.href("filter/apply", filter="")
    return visit.render(
        "filter.html",
        group=group,
        text=text,
        action=base,
        preview=asked.href("filter/preview", filter=""),
        switch=asked.href("filter/switch", filter=""),
        add=f"/crm/{entity.name}/filter/row?add=1",
        add_group=f"/crm/{entity.name}/filter/row?group=1",
        things=in_sentence(plural(entity, visit.language), visit.language),
        csrf=visit.csrf,
        **_state(visit, opened, text),
    )


def _lay_out(entity: Entity, tree: FilterGroup) -> None:
    """Add rows for what this list is usually filtered by."""
    used = {one.path for one in tree.conditions()}
    if tree.join != "and":
        return
    for path in entity.screens.filters:
        if tree.size() >= _READY:
            return
        asking = _asking(entity, path)
        if path not in used and asking:
            tree.items.append(Condition(path, asking))


def _asking(entity: Entity, path: str) -> str:
    """Return the first operator that asks for a value: the others would filter at once."""
    offered = operators_for(entity, path)
    return next((one.name for one in offered if one.value != "none"), "")


class _Drawing:
    """Numbers rows and groups while they are drawn."""

    def __init__(self, visit: Visit, entity: Entity, paths: Sequence[Chosen]) -> None:
        self._visit, self._entity, self._paths = visit, entity, paths
        self._last = 0

    def _next(self) -> str:
        self._last += 1
        return str(self._last)

    def group(self, tree: FilterGroup, depth: int = 0) -> GroupView:
        view = GroupView(self._next(), tree.join, depth=depth)
        for item in tree.items:
            if isinstance(item, FilterGroup):
                view.items.append(self.group(item, depth + 1))
                continue
            number = self._next()
            row: Row | None = None
            if isinstance(item, Condition):
                row = draw_row(self._visit, self._entity, item, number, self._paths)
            text = (
                item
                if isinstance(item, str)
                else write_tree(self._entity, FilterGroup("and", [item]))
            )
            if row is not None or text:
                view.items.append(row or TextRow(number, text))
        return view


def row(visit: Visit, name: str) -> Response:
    """Return one row anew: another field or operator was chosen, or a row or group was added."""
    entity = visit.entity(name)
    paths = filter_paths(visit, entity)
    typed = {key: request.args.getlist(key) for key in request.args}
    number = first(typed, "r")
    fresh = str(visit.look.now.microsecond + 1000)
    blank = Condition(paths[0].name, "")
    if "group" in request.args:
        rows = [draw_row(visit, entity, blank, f"{fresh}{n}", paths) for n in (1, 2)]
        group = GroupView(fresh, "or", [one for one in rows if one is not None], 1)
        return visit.render(
            "filter_group_only.html",
            group=group,
            add=f"/crm/{name}/filter/row?add=1",
            add_group=f"/crm/{name}/filter/row?group=1",
        )
    if "add" in request.args or not number.isdigit():
        made = draw_row(visit, entity, blank, fresh, paths)
    else:
        condition = Condition(first(typed, f"f-{number}"), first(typed, f"op-{number}"))
        made = draw_row(visit, entity, condition, number, paths)
        made = made or draw_row(visit, entity, blank, number, paths)
    return visit.render("filter_row_only.html", row=made)


def preview(visit: Visit, name: str) -> Response:
    """Return the expression of what is chosen, and how many records it lets through."""
    entity = visit.entity(name)
    opened = open_list(visit, entity, request.args)
    text = _posted(entity)
    return visit.render("filter_state_only.html", **_state(visit, opened, text))


def apply(visit: Visit, name: str) -> Response:
    """Go to the list with what was chosen."""
    entity = visit.entity(name)
    asked = Asked.of(name, request.args)
    return redirect(asked.href(filter=_posted(entity)), 303)  # type: ignore[return-value]


def _state(visit: Visit, opened: OpenedList, text: str) -> dict[str, Any]:
    problem = count = ""
    asked = opened.asked
    try:
        found = visit.records.count(
            visit.principal,
            asked.entity,
            filter=text or None,
            view=view_asked(opened),
            search=asked.search or None,
            mode="capped",
        )
        number = 1 if found.number == 1 and not found.capped else 2
        count = visit.wording.count(
            "%(count)s record", "%(count)s records", number, count=count_words(found)
        )
    except (Malformed, Forbidden) as refused:
        problem = visit.words(refused.message)  # type: ignore[arg-type]
    return {
        "expression": text,
        "problem": problem,
        "count": count,
        "clear": asked.href(filter=""),
        "save": asked.href("views/new", filter=""),
    }


# -- what was posted -------------------------------------------------------------------------------


def _posted(entity: Entity) -> str:
    """Return the expression of a posted panel: the text, or what its rows make."""
    typed = as_typed(request.form)
    if "text" in typed:
        return " ".join(first(typed, "text").split())[:4_000]
    return write_tree(entity, posted_tree(entity, typed))


def posted_tree(entity: Entity, typed: Typed) -> FilterGroup:
    """Return the tree that the marks of a form tell in order: ``(7``, ``r8``, ``t9``, ``)``."""
    top = FilterGroup()
    open_groups: list[FilterGroup] = []
    for mark in list(typed.get("n", ()))[: 3 * _MOST_ROWS]:
        what, number = mark[:1], mark[1:]
        if what == "(":
            group = FilterGroup("or" if first(typed, f"j-{number}") == "or" else "and")
            if open_groups and len(open_groups) <= DEEPEST:
                open_groups[-1].items.append(group)
            elif not open_groups:
                top = group
            open_groups.append(group)
        elif what == ")" and len(open_groups) > 1:
            open_groups.pop()
        elif open_groups and what == "r":
            open_groups[-1].items.append(_condition(entity, typed, number))
        elif open_groups and what == "t":
            open_groups[-1].items.append(_text(first(typed, f"t-{number}")))
    return top


def _text(text: str) -> str:
    """Return a condition that was written by hand, so that it stands as one part."""
    if not text.strip():
        return ""
    try:
        several = len(read_joints(text).parts) > 1
    except ExpressionProblem:
        return text
    return f"({text.strip()})" if several else text


def _condition(entity: Entity, typed: Typed, number: str) -> Condition:
    return Condition(
        first(typed, f"f-{number}"),
        first(typed, f"op-{number}"),
        tuple(_typed_values(entity, typed, number)),
    )


def _typed_values(entity: Entity, typed: Mapping[str, Sequence[str]], number: str) -> list[str]:
    """Return the values of a row, whatever control they were typed into."""
    path, name = first(typed, f"f-{number}"), f"v-{number}"
    known = field_of(entity, path)
    operator = find_operator(entity, path, first(typed, f"op-{number}"))
    if known is None or operator is None:
        return []
    if operator.value == "two":
        return [first(typed, name), first(typed, f"{name}-2")]
    return [one for one in typed.get(name, ()) if one]


def filter_paths(visit: Visit, entity: Entity) -> list[Chosen]:
    """Return what a list may be filtered by: fields, and the parts of addresses."""
    found = []
    for name in entity.fields:
        if field_of(entity, name) is None or not visit.policy.is_readable(entity.name, name):
            continue
        found.append(Chosen(name, path_label(entity, name, visit.language)))
    named = {one.name for one in found}
    for path in entity.screens.filters:
        first_name = path.partition(".")[0]
        if path not in named and visit.policy.is_readable(entity.name, first_name):
            found.append(Chosen(path, path_label(entity, path, visit.language)))
    return sorted(found, key=lambda one: one.label)
