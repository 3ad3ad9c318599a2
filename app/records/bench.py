"""What stands on somebody's work bench: of each view how many records, and the first of them.

One statement answers for all views of all entities; the rows are asked of the door afterwards, so
that fields and rights are those of any list. Which views stand there is written in the
configuration; nothing here decides how they look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from app.access.principal import Principal
from app.database.statements import Statement
from app.errors import RequestError
from app.records.listing import Narrowed
from app.records.planning import Desk, Question
from app.records.reading import Reader
from app.records.sorting import sort_columns

#: Counting stops here: a heap of work of a hundred is a heap.
MOST_COUNTED = 100
Whose = Literal["mine", "team"]


@dataclass(frozen=True, slots=True)
class Heap:
    """One view on the bench: where it is written, and whose work it is."""

    entity: str
    view: str
    #: the field of the person
    of: str


@dataclass(frozen=True, slots=True)
class Stacked:
    """How much there is of one heap, and the first of it in the view's order."""

    heap: Heap
    #: `MOST_COUNTED` stands for that many and more
    count: int
    ids: tuple[int, ...]

    @property
    def is_capped(self) -> bool:
        return self.count >= MOST_COUNTED


def of_person(heap: Heap, whose: Whose) -> str:
    """Return the condition that the work is the asker's own, or that of people below."""
    return f"{heap.of} == me" if whose == "mine" else f"{heap.of} in my.subordinates"


@dataclass(frozen=True, slots=True)
class _Built:
    """The heaps that a desk's roles may look at, and the statement over them."""

    heaps: tuple[Heap, ...]
    statement: Statement | None


class Benches:
    """Looks at the heaps of whoever asks."""

    #: sets of heaps kept for each desk
    most = 64

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        # They live as long as their desk, which ends with its release.
        self._built: WeakKeyDictionary[Desk, dict[tuple[Any, ...], _Built]] = WeakKeyDictionary()

    def look(
        self, principal: Principal, heaps: Sequence[Heap], whose: Whose, shown: int
    ) -> list[Stacked]:
        """Return what lies on each heap, with at most *shown* ids each: one statement in all.

        Heaps whose records or condition the asker's roles may not read are left out.
        """
        desk = self._reader.desk(principal)
        kept = self._built.setdefault(desk, {})
        key = (tuple(heaps), whose)
        built = kept.get(key)
        if built is None:
            if len(kept) >= self.most:
                kept.clear()
            built = kept[key] = _build(desk, heaps, whose)
        if built.statement is None:
            return []
        values = self._reader.runner.values(built.statement, principal, desk.release.catalog)
        values["shown"] = shown
        counts: dict[int, int] = {}
        ids: dict[int, list[int]] = {}
        for number, record_id, count in self._reader.runner.run(built.statement, values).fetchall():
            counts[number] = count
            ids.setdefault(number, []).append(record_id)
        return [
            Stacked(heap, counts.get(number, 0), tuple(ids.get(number, ())))
            for number, heap in enumerate(built.heaps)
        ]


def _build(desk: Desk, heaps: Sequence[Heap], whose: Whose) -> _Built:
    offered: list[Heap] = []
    parts: list[sa.Select[Any]] = []
    for heap in heaps:
        try:
            parts.append(_part(desk, heap, whose, len(offered)))
        except RequestError:
            # The roles have no right to the entity, the view or a field of its condition.
            continue
        offered.append(heap)
    if not parts:
        return _Built((), None)
    whole = sa.union_all(*(part.subquery(f"u{n}").select() for n, part in enumerate(parts)))
    return _Built(tuple(offered), Statement(whole))


def _part(desk: Desk, heap: Heap, whose: Whose, number: int) -> sa.Select[Any]:
    """Return the first ids of one heap in its order, each beside how many there are."""
    question = Question(heap.entity, "values", ("id",), of_person(heap, whose), view=heap.view)
    plan = desk.plan(question)
    narrowed = Narrowed(desk.context, plan.narrowing)
    *values, last = sort_columns(desk.context, narrowed.source, plan.shape.sort)
    named = [column.expression.label(f"s{n}") for n, column in enumerate(values)]
    inside = [
        (column.expression.desc() if column.descending else column.expression.asc()).nulls_last()
        for column in values
    ]
    found = (
        sa.select(last.expression.label("id"), *named)
        .where(*narrowed.filters(), narrowed.rule())
        .order_by(*inside, last.expression)
        .limit(MOST_COUNTED)
        .subquery(f"f{number}")
    )
    outside = [
        (found.c[f"s{n}"].desc() if column.descending else found.c[f"s{n}"].asc()).nulls_last()
        for n, column in enumerate(values)
    ]
    return (
        sa.select(
            sa.literal(number, sa.Integer).label("heap"),
            found.c.id,
            sa.func.count().over().label("many"),
        )
        .order_by(*outside, found.c.id)
        .limit(sa.bindparam("shown", type_=sa.Integer))
    )
