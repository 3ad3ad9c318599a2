"""The tree of an entity whose records hang below each other.

It is opened level by level, and a record is hung elsewhere by dragging. What somebody searches or
filters is a plain list of what fits, each with its path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson
from flask import Response, jsonify, request
from markupsafe import Markup

from app.definitions.catalog import Entity, Field
from app.errors import Forbidden, Malformed, NotFound
from app.records.boards import Roots, Values
from app.records.results import Page, Record
from app.screens.cells import EMPTY, make_cell
from app.screens.columns import list_paths
from app.screens.list_view import Asked
from app.screens.looks import asked_of, switch
from app.screens.moved import save_moved, told_why
from app.screens.record_blocks import title_of
from app.screens.taking_back import is_taken_back, take_back, way_of
from app.screens.visit import Visit

#: Records of a level that are shown at first, and with each "more".
SHOWN = 50
#: Fields beside the title.
_CELLS = 3
#: Levels of a path that are looked up; a longer one begins with dots.
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Node:
    """One record of the tree."""

    id: int
    title: str
    href: str
    version: str
    count: int
    children_href: str
    cells: Sequence[Markup]
    #: of what was searched for: what is above it, from the top
    path: Sequence[str] = ()


@dataclass(slots=True)
class TreeView:
    """What `tree.html` shows beside the head of the list."""

    nodes: Sequence[Node] = ()
    more_href: str = ""
    heads: Sequence[str] = ()
    level: int = 1
    is_movable: bool = False
    is_found: bool = False
    problem: str = ""


class Tree:
    """One tree, asked for by one visitor."""

    def __init__(self, visit: Visit, entity: Entity, asked: Asked) -> None:
        link = entity.screens.tree
        if link is None or not visit.policy.is_readable(entity.name, link):
            raise NotFound
        self.visit, self.entity, self.asked = visit, entity, asked
        self.link: Field = entity.fields[link]
        policy = visit.policy
        named = [one for one in entity.screens.columns if one not in (entity.title, link)]
        paths = [one for one in list_paths(entity, named, policy) if one != entity.title]
        self._paths = [one for one in paths if one in named][:_CELLS]
        masked = policy.masked(entity.name)
        self._cells = [
            make_cell(entity, one, visit.language, masked=one.partition(".")[0] in masked)
            for one in self._paths
        ]
        self.is_movable = policy.may("update", entity.name) and link in policy.writable(entity.name)

    @property
    def fields(self) -> tuple[str, ...]:
        """What must be read of a record."""
        readable = self.visit.policy.readable(self.entity.name)
        names = [self.entity.title, self.link.name, *self._paths]
        currencies = [
            str(one.settings["currency"])
            for path in self._paths
            if (one := self.entity.fields.get(path)) and one.settings.get("currency")
        ]
        return tuple(
            dict.fromkeys(
                one for one in (*names, *currencies) if one and one.partition(".")[0] in readable
            )
        )

    def heads(self) -> list[str]:
        """Return what stands above the fields beside the title."""
        fields = self.entity.fields
        return [
            fields[one.partition(".")[0]].label.in_language(self.visit.language)
            for one in self._paths
        ]

    # -- levels ------------------------------------------------------------------------------------

    def level(self, of: int | None, after: str | None, depth: int) -> TreeView:
        """Return the records below one, or those below none: two statements."""
        lanes = Roots(self.link.name) if of is None else Values(self.link.name, (of,))
        found = self.visit.records.board(
            self.visit.principal,
            self.entity.name,
            lanes,
            fields=self.fields,
            sort=self.asked.sort or None,
            limit=SHOWN,
            after=after,
        )
        page = next(iter(found.values()), Page([]))
        counts = self.counts([one.id for one in page.rows])
        view = TreeView(
            [self.node(one, counts.get(one.id, 0)) for one in page.rows],
            level=depth,
            is_movable=self.is_movable,
        )
        if page.next:
            more = {"of": "" if of is None else str(of), "level": str(depth), "after": page.next}
            view.more_href = self._part(**more)
        return view

    def _part(self, **more: str) -> str:
        return self.asked.href(**{"as": "tree", "part": "children", **more})

    def counts(self, ids: Sequence[int]) -> dict[int, int]:
        """Return how many records each has right below it, as far as the visitor sees them."""
        if not ids:
            return {}
        found = self.visit.records.aggregate(
            self.visit.principal,
            self.entity.name,
            group_by=(self.link.name,),
            measures=("count",),
            where={self.link.name: list(ids)},
        )
        rows = orjson.loads(found)
        return {
            row[self.link.name]["id"]: row["count"]
            for row in rows
            if row[self.link.name] is not None
        }

    def node(self, record: Record, count: int, path: Sequence[str] = ()) -> Node:
        """Return a record as it stands in the tree."""
        cells = [cell(record, self.visit.look) for cell in self._cells]
        return Node(
            record.id,
            title_of(self.entity, record, self.visit),
            f"/crm/{self.entity.name}/{record.id}",
            "" if record.version is None else str(record.version),
            count,
            self._part(of=str(record.id)),
            [Markup("" if one == EMPTY else one) for one in cells],  # noqa: S704 - escaped cells.
            path,
        )

    # -- what was searched for ---------------------------------------------------------------------

    def found(self, after: str | None) -> TreeView:
        """Return what fits the view, filter and words, each with its path."""
        page: Page = self.visit.records.query(
            self.visit.principal,
            self.entity.name,
            fields=self.fields,
            filter=self.asked.filter or None,
            view=self.asked.view or None,
            search=self.asked.search or None,
            sort=self.asked.sort or None,
            after=after or None,
            limit=SHOWN,
        )
        paths = self._ways(page.rows)
        view = TreeView(
            [self.node(one, 0, paths.get(one.id, ())) for one in page.rows],
            is_movable=self.is_movable,
            is_found=True,
        )
        if page.next:
            view.more_href = self._part(after=page.next)
        return view

    def _ways(self, records: Sequence[Record]) -> dict[int, list[str]]:
        """Return what is above each record from the top: one statement for each level."""
        above: dict[int, Record] = {}
        wanted = {up for one in records if (up := self.up(one)) is not None}
        for _ in range(_DEEPEST):
            missing = sorted(wanted - above.keys())[:100]
            if not missing:
                break
            page = self.visit.records.query(
                self.visit.principal,
                self.entity.name,
                fields=tuple(one for one in (self.entity.title, self.link.name) if one),
                where={"id": missing},
                limit=100,
            )
            above.update({one.id: one for one in page.rows})
            wanted = {up for one in page.rows if (up := self.up(one)) is not None}
        return {one.id: self._way(one, above) for one in records}

    def _way(self, record: Record, above: Mapping[int, Record]) -> list[str]:
        names: list[str] = []
        up = self.up(record)
        while up is not None and up in above and len(names) < _DEEPEST:
            names.insert(0, title_of(self.entity, above[up], self.visit))
            up = self.up(above[up])
        if up is not None:
            names.insert(0, "…")
        return names

    def up(self, record: Record) -> int | None:
        """Return the number of what is right above a record."""
        linked = record.links.get(self.link.name)
        return linked["id"] if isinstance(linked, Mapping) else None


def tree_answer(visit: Visit, entity: Entity, arguments: Mapping[str, str]) -> Response:
    """Return the page of a tree, or one more level of it."""
    asked = asked_of(visit, entity, arguments)
    tree = Tree(visit, entity, asked)
    of, after = arguments.get("of", ""), arguments.get("after") or None
    narrowed = bool(asked.search or asked.filter or asked.view)
    if arguments.get("part") == "children":
        level = arguments.get("level", "")
        depth = int(level) if level.isdigit() and len(level) < 4 else 1
        above = int(of) if of.isdigit() and len(of) < 19 else None
        shown = tree.found(after) if narrowed and above is None else tree.level(above, after, depth)
        return visit.render("tree_nodes.html", tree=shown)
    shown = TreeView()
    try:
        shown = tree.found(None) if narrowed else tree.level(None, None, 1)
    except (Malformed, Forbidden) as problem:
        shown.problem = visit.words(problem.message)  # type: ignore[arg-type]
    shown.heads = tree.heads()
    head = visit.screens.lists.head(visit, entity, asked)
    head.looks = switch(visit, entity, asked, "tree")
    label = tree.link.label.in_language(visit.language)
    answer = visit.render(
        "tree.html", page=visit.page(head.title, entity.name), view=head, tree=shown, link=label
    )
    if shown.problem:
        answer.status_code = 400
    return answer


def hang(visit: Visit, name: str, number: str) -> Response:
    """Hang a record below another one, or at the top."""
    entity = visit.entity(name)
    tree = Tree(visit, entity, Asked(name))
    if not tree.is_movable:
        return told_why(visit.words(visit.policy.why("update", name)), 403)
    record = visit.records.get(visit.principal, name, number, fields=tree.fields)
    if is_taken_back():
        done, told = take_back(visit, name, record.id)
        return jsonify(told=told, undo=None) if done else told_why(told, 422)
    to = request.form.get("to", "")
    if to and not (to.isdigit() and len(to) < 19):
        raise NotFound
    refused = save_moved(visit, name, record.id, {tree.link.name: int(to) if to else None})
    if refused is not None:
        return refused
    title = title_of(entity, record, visit)
    if to:
        named = visit.records.titles(visit.principal, name, [int(to)])
        there = named.get(int(to)) or to
        said = visit.wording.say("%(title)s: now below %(other)s", title=title, other=there)
    else:
        said = visit.wording.say("%(title)s: now at the top", title=title)
    return jsonify(told=said, undo=way_of(visit, name, record.id))
