"""The board of an entity: a column for each option of a field, its cards, what they add up to.

A board is a list in another shape: the same views, filters and words narrow it. One statement
counts and adds up, one gives the first cards of all columns; more of a column is a page of a list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson
from flask import Response, jsonify
from markupsafe import Markup

from app.definitions.catalog import Entity
from app.errors import Forbidden, Malformed, NotFound
from app.records.boards import Values
from app.records.results import Page
from app.screens.amounts import short_amount
from app.screens.cards import Cards, lane_label
from app.screens.frame import Choice
from app.screens.list_view import Asked
from app.screens.looks import asked_of, by_choices, lane_fields, switch
from app.screens.visit import Visit

#: Cards of a column that are shown at first, and with each "more".
SHOWN = 20
#: Shades that say how far along a column is.
_DEPTHS = 5
#: What stands for "without a value" in addresses; no option is called so.
NONE = "-"


@dataclass(slots=True)
class Lane:
    """One column."""

    name: str
    label: str
    #: None until it is counted, after the page has come
    count: int | None = 0
    total: str = ""
    #: class of the mark before the name
    shade: str = ""
    icon: str = ""
    is_folded: bool = False
    open_href: str = ""
    cards: Markup = field(default_factory=Markup)


@dataclass(slots=True)
class BoardView:
    """What `board.html` shows beside the head of the list."""

    lanes: Sequence[Lane]
    by: str
    moves_href: str
    bys: Sequence[Choice] = ()
    by_label: str = ""
    summary: str = ""
    problem: str = ""
    #: where the figures come from that the page did not wait for
    figures_href: str = ""
    #: the parameters of the address, for what is asked from here
    query: str = ""


class Board:
    """One board, asked for by one visitor."""

    def __init__(self, visit: Visit, entity: Entity, asked: Asked, by: str = "") -> None:
        fields = lane_fields(entity, visit.policy)
        if not fields:
            raise NotFound
        self.visit, self.entity, self.asked = visit, entity, asked
        self.fields = fields
        self.by = next((one for one in fields if one.name == by), fields[0])
        self.cards = Cards(visit, entity, self.by)
        self.money = self.cards.money
        #: what an address says to come back to this very board
        self.here = {"as": "board"} | ({"by": by} if by == self.by.name else {})

    # -- figures -----------------------------------------------------------------------------------

    def figures(self) -> dict[str | None, tuple[int, Decimal | None]]:
        """Return how many there are for each value, and what they add up to: one statement."""
        by, asked = self.by.name, self.asked
        measure = f"sum({self.money})"
        found = self.visit.records.aggregate(
            self.visit.principal,
            self.entity.name,
            group_by=(by,),
            measures=("count", measure) if self.money else ("count",),
            filter=asked.filter or None,
            view=asked.view or None,
            search=asked.search or None,
        )
        return {
            row[by]: (
                int(row["count"]),
                Decimal(str(row[measure])) if self.money and row[measure] is not None else None,
            )
            for row in orjson.loads(found)
        }

    def total(self, amount: Decimal | None) -> str:
        """Return what a column adds up to, in few letters; nothing for nothing."""
        if not amount:
            return ""
        return short_amount(amount, self.visit.look.currency, self.visit.language)

    # -- columns -----------------------------------------------------------------------------------

    def lanes(self, opened: Sequence[str], *, count: bool) -> list[Lane]:
        """Return the columns with their first cards; without *count* nothing is counted yet."""
        figures = self.figures() if count else {}
        lanes = self._bare(figures, opened, count=count)
        shown = [one for one in lanes if not one.is_folded and (one.count or not count)]
        wanted = [one.name for one in shown if one.name != NONE]
        pages: dict[Any, Page] = {}
        if wanted:
            pages = self.visit.records.board(
                self.visit.principal,
                self.entity.name,
                Values(self.by.name, tuple(wanted)),
                fields=self.cards.fields,
                filter=self.asked.filter or None,
                sort=self.asked.sort or None,
                view=self.asked.view or None,
                search=self.asked.search or None,
                limit=SHOWN,
            )
        if any(one.name == NONE for one in lanes):
            pages[NONE] = self.page(NONE)
        for lane in lanes:
            if lane.name in pages:
                lane.cards = self._drawn(pages[lane.name], lane.name)
        # Without figures it is the cards that tell whether there are any without a value.
        return [one for one in lanes if one.name != NONE or one.cards]

    def _bare(
        self,
        figures: Mapping[str | None, tuple[int, Decimal | None]],
        opened: Sequence[str],
        *,
        count: bool,
    ) -> list[Lane]:
        """Return the columns without cards: each option in order, and those without a value."""
        options = [one for one in self.by.options if not one.removed or one.name in figures]
        going = [one.name for one in options if not one.final]
        lanes = []
        if None in figures or not count:
            lanes.append(Lane(NONE, lane_label(self.by, None, self.visit), shade="dp0"))
        for option in options:
            lane = Lane(option.name, lane_label(self.by, option.name, self.visit))
            if option.final:
                lane.is_folded = option.name not in opened
                lane.icon = "trophy" if option.color == "green" else "flag"
                others = [one for one in opened if one != option.name]
                now = [*others, option.name] if lane.is_folded else others
                lane.open_href = self.asked.href(**self.here, open=",".join(now))
            lane.shade = _shade(option.color, going, option.name)
            lanes.append(lane)
        for lane in lanes:
            number, amount = figures.get(None if lane.name == NONE else lane.name, (0, None))
            lane.count, lane.total = number if count else None, self.total(amount)
        return lanes

    def page(self, lane: str, after: str | None = None) -> Page:
        """Return more of a column."""
        page: Page = self.visit.records.query(
            self.visit.principal,
            self.entity.name,
            fields=self.cards.fields,
            filter=self.asked.filter or None,
            where={self.by.name: None if lane == NONE else lane},
            view=self.asked.view or None,
            search=self.asked.search or None,
            sort=self.asked.sort or None,
            after=after or None,
            limit=SHOWN,
        )
        return page

    def _drawn(self, page: Page, lane: str) -> Markup:
        cards = self.cards.html(page.rows, lane)
        if not page.next:
            return cards
        more = self.asked.href(**self.here, part="lane", lane=lane, after=page.next)
        return cards + Markup(
            '<li class="kc-more" hx-get="{}" hx-trigger="click, intersect once"'
            ' hx-swap="outerHTML"><button type="button" class="btn btn-quiet btn-s">{}</button>'
            "</li>"
        ).format(more, self.visit.wording.say("Load more"))

    # -- answers -----------------------------------------------------------------------------------

    def more(self, lane: str, after: str) -> Response:
        """Return the next cards of a column."""
        known = {one.name for one in self.by.options} | {NONE}
        if lane not in known:
            raise NotFound
        html = self._drawn(self.page(lane, after), lane)
        return self.visit.render("list_more.html", view={"rows": html})

    def view(self, arguments: Mapping[str, str]) -> BoardView:
        """Return everything the page shows of the board itself."""
        names = {one.name for one in self.by.options}
        opened = [one for one in arguments.get("open", "").split(",") if one in names]
        view = BoardView(
            [],
            self.by.name,
            f"/crm/{self.entity.name}/",
            by_choices(self.visit, self.fields, self.asked, "board", self.by.name),
            self.by.label.in_language(self.visit.language),
            query=self.asked.href(**self.here).partition("?")[2],
        )
        # All matching rows of a large table are added up after its cards are there to look at.
        count = not self.visit.records.is_large(self.visit.principal, self.entity.name)
        try:
            view.lanes = self.lanes(opened, count=count)
        except (Malformed, Forbidden) as problem:
            view.problem = self.visit.words(problem.message)  # type: ignore[arg-type]
            return view
        if count:
            view.summary = self.summary({one.name: one.count or 0 for one in view.lanes})
        else:
            view.figures_href = self.asked.href(**self.here, part="figures")
        return view

    def summary(self, counts: Mapping[str, int]) -> str:
        """Return how many are under way; of a field without an end, how many there are."""
        ends = {one.name for one in self.by.options if one.final}
        count = sum(number for name, number in counts.items() if name not in ends)
        say = self.visit.wording.say
        return say("%(count)s open", count=f"{count:,}") if ends else f"{count:,}"


def _shade(color: str | None, going: Sequence[str], name: str) -> str:
    """Return the class of a column's mark: its own colour, else the deeper the further along."""
    if color and color.isalpha():
        return f"d-{color}"
    if name not in going:
        return "dp0"
    place = going.index(name) + 1
    return f"dp{max(1, round(place * _DEPTHS / max(len(going), 1)))}"


def board_answer(visit: Visit, entity: Entity, arguments: Mapping[str, str], by: str) -> Response:
    """Return the page of a board, or more of one of its columns."""
    asked = asked_of(visit, entity, arguments)
    board = Board(visit, entity, asked, by)
    if arguments.get("part") == "lane":
        return board.more(arguments.get("lane", ""), arguments.get("after", ""))
    if arguments.get("part") == "figures":
        return jsonify(heads(board))
    shown = board.view(arguments)
    head = visit.screens.lists.head(visit, entity, asked)
    head.looks = switch(visit, entity, asked, "board")
    head.count = shown.summary
    head.problem = shown.problem
    answer = visit.render(
        "board.html", page=visit.page(head.title, entity.name), view=head, board=shown
    )
    if shown.problem:
        answer.status_code = 400
    return answer


def heads(board: Board) -> dict[str, Any]:
    """Return the heads of all columns, and of the board, as a script puts them in place."""
    figures = board.figures()
    lanes, counts = {}, {}
    for name in (*(one.name for one in board.by.options), NONE):
        counts[name], amount = figures.get(None if name == NONE else name, (0, None))
        lanes[name] = {"count": f"{counts[name]:,}", "total": board.total(amount)}
    return {"lanes": lanes, "summary": board.summary(counts)}
