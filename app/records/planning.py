"""From what somebody asks for (texts of a URL, names from a screen) to statements kept for reuse.

A `Desk` belongs to one release and one role set. Whatever it has compiled answers everybody with
the same roles; the caches are bounded, so that a stream of new filters cannot fill the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from app.access.policy import Policy
from app.access.sources import Release, targets_of
from app.database.statements import Statement
from app.definitions.catalog import Entity
from app.errors import Malformed
from app.records import finding
from app.records.context import ReadContext
from app.records.counting import Explain
from app.records.filters import ShortcutKey
from app.records.listing import Ahead, Listing, Narrowed, Narrowing, Shape
from app.records.prepared import PreparedStatement
from app.records.refusals import entity_of, field_of, require, unknown_field
from app.records.select import WHOLE, Expansion, Selector, is_link
from app.records.sorting import Sort, own_sort, parse_sort, written
from app.texts import say

#: Counting stops here: nobody pages further, and more costs time.
COUNT_CAP = 10_000
_PLANS = 256
_STATEMENTS = 512
#: Expansions may go through this many links.
DEEPEST = 3

Names = str | tuple[str, ...] | None
Kind = TypeVar("Kind", Statement, PreparedStatement)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a list, as it was asked; equal questions share a plan."""

    entity: str
    form: str
    fields: Names = None
    filter: str | None = None
    where: tuple[ShortcutKey, ...] = ()
    sort: str | None = None
    expand: Names = None
    view: str | None = None
    words: finding.Kinds = ()
    in_bin: bool = False
    #: the condition of a saved view
    kept: str | None = None
    #: the right that is asked for
    right: str = "read"


@dataclass(frozen=True, slots=True)
class Plan:
    """A question that was understood and allowed; pages of it differ only in where they begin."""

    shape: Shape
    #: what a cursor of this list is made for
    list_key: str
    #: how many sort values a cursor holds
    size: int

    @property
    def narrowing(self) -> Narrowing:
        return self.shape.narrowing


class Compiled(Generic[Kind]):
    """A statement and how the values of its shortcuts are read."""

    __slots__ = ("ahead", "readers", "statement")

    def __init__(
        self,
        statement: Kind,
        readers: Sequence[Callable[[Any], dict[str, Any]]] = (),
        ahead: Ahead | None = None,
    ) -> None:
        self.statement: Kind = statement
        self.readers = tuple(readers)
        #: of a list: what may answer in its place
        self.ahead = ahead


#: Read as libpq's result; read through psycopg's cursor.
Hot = Compiled[PreparedStatement]
Cold = Compiled[Statement]


class Desk:
    """Plans and statements of one release and one role set."""

    def __init__(
        self, release: Release, policy: Policy, *, has_shares: bool, has_pools: bool = True
    ) -> None:
        self.context = ReadContext(release, policy, has_shares=has_shares, has_pools=has_pools)
        self.policy = policy
        self.release = release
        # Bounded by the least recently used, per desk; exceptions are not kept.
        self.plan: Callable[[Question], Plan] = lru_cache(_PLANS)(self._plan)
        self.listing: Callable[[Shape], Compiled[Any]] = lru_cache(_STATEMENTS)(self._listing)
        self.counting: Callable[[Narrowing, bool], Hot] = lru_cache(_PLANS)(self._counting)
        self.matching: Callable[[Narrowing], Hot] = lru_cache(_PLANS)(self._matching)
        self.guessing: Callable[[Narrowing], Cold] = lru_cache(_PLANS)(self._guessing)
        self.single_json: Callable[..., Hot] = lru_cache(_PLANS)(self._single_json)
        self.single: Callable[..., Cold] = lru_cache(_PLANS)(self._single)
        self.lines: Callable[[str], Cold] = lru_cache(_PLANS)(self._lines)

    # -- understanding -----------------------------------------------------------------------------

    def _plan(self, question: Question) -> Plan:
        entity = entity_of(self.context.catalog, question.entity)
        right = "restore" if question.in_bin else question.right
        require(self.policy, right, entity.name)
        filters, view_sort = self._of_view(entity, question.view)
        if question.kept:
            filters.append(question.kept)
        if question.filter:
            filters.append(question.filter)
        sort = self._sort(entity, question.sort, view_sort)
        narrowing = Narrowing(
            entity.name, question.where, tuple(filters), question.words, question.in_bin, right
        )
        shape = Shape(
            narrowing,
            question.form,
            self.fields(entity, question.fields, question.form),
            self.expansion(entity.name, question.expand),
            sort,
        )
        size = len([name for name, _ in sort if name != "id"])
        return Plan(shape, f"{entity.name}|{written(sort)}", size)

    def fields(self, entity: Entity, names: Names, form: str) -> tuple[str, ...]:
        """Return the fields to give; without *names* all that may be read, lines left out.

        Raises:
            Malformed: a name is no field, as far as the asker may know.
        """
        readable = self.policy.readable(entity.name)
        if names is None:
            if form == "record":
                return readable
            return tuple(name for name in readable if entity.fields[name].type.name != "lines")
        chosen = _split(names)
        for name in chosen:
            first, _, part = name.partition(".")
            if first not in readable:
                raise unknown_field(self.context, entity.name, first)
            if part and self.policy.field_right(entity.name, first) != "masked":
                field_of(self.context, entity.name, name)
        return tuple(dict.fromkeys(chosen))

    def expansion(self, entity: str, names: Names) -> Expansion:
        """Return the tree of what to open of linked records.

        Raises:
            Malformed: a name is no link, or is too deep.
        """
        if names is None:
            return Expansion()
        expansion = Expansion.of(_split(names))
        self._check_expansion(entity, expansion, DEEPEST, top=True)
        return expansion

    def _check_expansion(
        self, entity: str, expansion: Expansion, depth: int, *, top: bool = False
    ) -> None:
        fields = self.context.entity(entity).fields
        for name, branch in expansion.branches:
            one = fields.get(name)
            if one is None or one.removed or name not in self.policy.readable(entity):
                raise unknown_field(self.context, entity, name)
            opens = is_link(one) or one.type.name == "lines"
            if not opens and (top or branch.branches):
                raise Malformed(
                    say(
                        "`{name}` is no link: there is nothing to expand.",
                        "“{name}”不是关联字段，无法展开。",
                        name=name,
                    )
                )
            if not branch.branches:
                continue
            targets = targets_of(one) or (f"{entity}.{name}",)
            if depth <= 1 or len(targets) != 1:
                raise Malformed(
                    say(
                        "`expand` goes through at most {most} links, each to one entity.",
                        "expand 最多经过 {most} 层关联，且每层只能指向一个实体。",
                        most=DEEPEST,
                    )
                )
            self._check_expansion(targets[0], branch, depth - 1)

    def _of_view(self, entity: Entity, name: str | None) -> tuple[list[str], Sort]:
        if name is None:
            return [], ()
        view = entity.screens.views.get(name)
        roles = set(self.policy.roles)
        if view is None or (view.for_ and not roles & set(view.for_) and not self.policy.is_admin):
            raise Malformed(
                say("There is no view `{name}`.", "没有名为“{name}”的视图。", name=name)
            )
        return ([view.where.text] if view.where is not None else []), view.sort

    def _sort(self, entity: Entity, asked: str | None, view_sort: Sort) -> Sort:
        if asked:
            return parse_sort(asked)
        return own_sort(self.context, entity.name, view_sort)

    # -- statements --------------------------------------------------------------------------------

    def _listing(self, shape: Shape) -> Compiled[Any]:
        listing = Listing(self.context, shape)
        return Compiled(listing.statement, listing.narrowed.readers(), listing.ahead)

    def _counting(self, narrowing: Narrowing, capped: bool) -> Hot:
        narrowed = Narrowed(self.context, narrowing)
        rows = _bare_rows(narrowed)
        if capped:
            rows = rows.limit(COUNT_CAP + 1)
        counted = sa.select(sa.func.count()).select_from(rows.subquery("x"))
        return Compiled(PreparedStatement(counted), narrowed.readers())

    def _matching(self, narrowing: Narrowing) -> Hot:
        """Compile the ids of everything a list holds."""
        narrowed = Narrowed(self.context, narrowing)
        table = narrowed.table
        conditions = [*narrowed.filters(), narrowed.rule()]
        limit = sa.bindparam("limit", type_=sa.Integer)
        chosen = sa.select(table.c.id).where(*conditions).order_by(table.c.id).limit(limit)
        return Compiled(PreparedStatement(chosen), narrowed.readers())

    def _guessing(self, narrowing: Narrowing) -> Cold:
        """Compile the plan of a count, to guess from."""
        narrowed = Narrowed(self.context, narrowing)
        return Compiled(Statement(Explain(_bare_rows(narrowed))), narrowed.readers())

    def _record(
        self, entity: str, *, in_bin: bool
    ) -> tuple[Narrowed, list[sa.ColumnElement[bool]]]:
        """Return one record by its id, if the asker may read it, and the conditions of that."""
        entity_of(self.context.catalog, entity)
        narrowing = Narrowing(entity, in_bin=in_bin, right="restore" if in_bin else "read")
        require(self.policy, narrowing.right, entity)
        narrowed = Narrowed(self.context, narrowing)
        is_it = narrowed.table.c.id == sa.bindparam("id", type_=sa.BigInteger)
        return narrowed, [is_it, *narrowed.filters(), narrowed.rule()]

    def _single(self, entity: str, fields: Names, in_bin: bool) -> Cold:
        narrowed, conditions = self._record(entity, in_bin=in_bin)
        names = self.fields(self.context.entity(entity), fields, "record")
        columns = Selector(self.context, narrowed.source).values(names)
        return Compiled(Statement(sa.select(*columns).where(*conditions)))

    def _single_json(self, entity: str, fields: Names, expand: Names, in_bin: bool) -> Hot:
        narrowed, conditions = self._record(entity, in_bin=in_bin)
        names = self.fields(self.context.entity(entity), fields, "record")
        selector = Selector(self.context, narrowed.source)
        columns = selector.record(names, self.expansion(entity, expand))
        record = sa.select(*columns).correlate(narrowed.table).lateral(WHOLE)
        text = sa.cast(sa.func.row_to_json(record.table_valued()), sa.Text)
        table = narrowed.table
        version = table.c.version if "version" in table.c else sa.cast(sa.null(), sa.Integer)
        joined = table.join(record, sa.true())
        row = sa.select(text, version).select_from(joined).where(*conditions)
        return Compiled(PreparedStatement(row))

    def _lines(self, entity: str) -> Cold:
        table = self.context.table(entity, "l")
        selector = Selector(self.context, self.context.source(entity, table))
        columns = selector.values(self.policy.readable(entity))
        rows = (
            sa.select(*columns)
            .where(table.c.parent == sa.bindparam("id", type_=sa.BigInteger))
            .order_by(table.c.position, table.c.id)
        )
        outer, name = self.context.entity(entity).lines_of or ("", "")
        parent = self.context.release.tables[outer].alias("p")
        veil = self.context.veils(outer, parent).get(name)
        if veil is not None:
            closed = sa.exists(sa.select(1).where(parent.c.id == table.c.parent, veil))
            rows = rows.where(sa.not_(closed))
        return Compiled(Statement(rows))


def _bare_rows(narrowed: Narrowed) -> sa.Select[Any]:
    return (
        sa.select(sa.literal_column("1"))
        .select_from(narrowed.table)
        .where(*narrowed.filters(), narrowed.rule())
    )


def _split(names: str | Sequence[str]) -> list[str]:
    found = names.split(",") if isinstance(names, str) else list(names)
    return [name.strip() for name in found if name.strip()]


def continued(shape: Shape, empties: tuple[bool, ...], *, backward: bool) -> Shape:
    """Return the list from a cursor on."""
    return replace(shape, empties=empties, backward=backward)


def narrowed_first(shape: Shape) -> Shape:
    """Return the form of a list for filters that find few rows where no index is of help."""
    return replace(shape, narrow_first=True)
