"""The half of the door that shows many records at once in shapes other than a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from app.access.principal import Principal
from app.records.bench import Benches, Heap, Stacked, Whose
from app.records.boards import Boards, Lanes
from app.records.questions import FieldNames, question_of
from app.records.results import Page

Result = TypeVar("Result")


class Looking:
    """What `Records` answers to the work bench and to boards."""

    benches: Benches
    boards: Boards

    def _asked(self, ask: Callable[[], Result]) -> Result:
        raise NotImplementedError

    def bench(
        self, principal: Principal, heaps: Sequence[Heap], whose: Whose, *, shown: int
    ) -> list[Stacked]:
        """Return how much work lies on each heap and the first of it; see `Benches.look`."""
        return self._asked(lambda: self.benches.look(principal, heaps, whose, shown))

    def board(
        self,
        principal: Principal,
        entity: str,
        lanes: Lanes,
        *,
        fields: FieldNames = None,
        filter: str | None = None,  # noqa: A002 - the word of the URL.
        sort: str | None = None,
        view: str | None = None,
        search: str | None = None,
        where: Mapping[str, Any] | None = None,
        limit: int = 20,
        after: str | None = None,
    ) -> dict[Any, Page]:
        """Return the first records of each lane: of each value of a field, or each of some days.

        A page's ``next`` continues as *after* with that lane alone; in `query`, too, with the same
        sort and ``where={by: value}``.
        """
        question, given = question_of(
            entity, "values", fields, filter, where, sort, None, view, search
        )
        return self._asked(
            lambda: self.boards.look(principal, question, lanes, limit=limit, after=after, **given)
        )
