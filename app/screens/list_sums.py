"""What a list adds up to, and which condition costs it most: asked once its page is there."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, request
from markupsafe import Markup, escape

from app.errors import Forbidden, Malformed, Unavailable
from app.expressions.joints import Joint, read_joints
from app.expressions.problems import ExpressionProblem
from app.records.results import Count
from app.screens.filter_tree import say_parts
from app.screens.grouping import ask, measures_of, shown_figure
from app.screens.list_parts import count_words, titles_of
from app.screens.opened_lists import OpenedList, open_list, view_asked
from app.screens.visit import Visit

#: Conditions that are tried without, one after the other.
_TRIED = 6


def sums(visit: Visit, name: str) -> Response:
    """Return the cells of the foot of a list, behind its first: what each column adds up to."""
    entity = visit.entity(name)
    opened = open_list(visit, entity, request.args)
    columns = visit.screens.lists.columns_of(visit, opened)
    measures = measures_of(entity, columns, visit.policy.masked(name))
    try:
        row = ask(visit, opened, tuple(measures.values()))[0] if measures else {}
    except (Malformed, Forbidden, Unavailable):
        # The list itself says what is wrong with it; more rows than can be added up have no sum.
        row = {}
    html = []
    for column in columns.columns[1:]:
        text = shown_figure(visit, entity, column, measures, row)
        name_ = f' class="{escape(column.css)}"' if column.css else ""
        html.append(f"<td{name_}>{f'<b>{escape(text)}</b>' if text else ''}</td>")
    body = Markup("".join(html))  # noqa: S704 - every part is escaped where it is made.
    return visit.render("list_more.html", view={"rows": body})


@dataclass(frozen=True, slots=True)
class Without:
    """A condition, and what the list would hold without it."""

    text: str
    count: str
    href: str


def nearly(visit: Visit, name: str) -> Response:
    """Return the condition of a filter that costs most, with the way to the list without it."""
    entity = visit.entity(name)
    opened = open_list(visit, entity, request.args)
    found = _costliest(visit, opened)
    return visit.render("list_nearly.html", found=found)


def _costliest(visit: Visit, opened: OpenedList) -> Without | None:
    asked, entity = opened.asked, opened.entity
    try:
        joint = read_joints(asked.filter)
    except ExpressionProblem:
        return None
    whole = joint if joint.word == "and" else Joint("and", (joint,))
    best: tuple[int, Without] | None = None
    titles = titles_of(visit, entity, asked.filter)
    for text, first, last in say_parts(entity, whole, visit.wording, titles)[:_TRIED]:
        others = Joint("and", (*whole.parts[:first], *whole.parts[last:])).written()
        try:
            count: Count = visit.records.count(
                visit.principal,
                entity.name,
                filter=others or None,
                view=view_asked(opened),
                search=asked.search or None,
                mode="capped",
            )
        except (Malformed, Forbidden, Unavailable):
            continue
        if count.number and (best is None or count.number > best[0]):
            best = (count.number, Without(text, count_words(count), asked.href(filter=others)))
    return best[1] if best is not None else None
