"""The half of the door that shows many records at once in shapes other than a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from app.access.principal import Principal
from app.records.bench import Benches, Heap, Stacked, Whose
from app.records.boards import Boards, Lanes
from app.records.questions import FieldNames, question_of
from app.records.reading import Reader
from app.records.results import Page

Result = TypeVar("Result")


class Looking:
    """What `Records` answers to the work bench, to boards and to exports."""

    reader: Reader
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

    def walk(
        self,
        principal: Principal,
        entity: str,
        *,
        fields: FieldNames = None,
        filter: str | None = None,  # noqa: A002 - the word of the URL.
        where: Mapping[str, Any] | None = None,
        sort: str | None = None,
        view: str | None = None,
        search: str | None = None,
        right: str = "read",
        size: int = 1_000,
    ) -> Iterator[Page]:
        """Yield all of a list in large pages; arguments as in `query`.

        Each page is as its records are when it is asked for, so one that moves within the order
        meanwhile may come twice or not at all.

        Args:
            right: what the asker must be allowed to do with them.
        """
        question, given = question_of(
            entity, "values", fields, filter, where, sort, None, view, search
        )
        question = replace(question, right=right)

        def page_after(start: str | None) -> Any:
            return self._asked(
                lambda: self.reader.page(
                    principal, question, limit=size, after=start, before=None, count=None, **given
                )
            )

        page = page_after(None)
        yield page
        while page.next is not None:
            page = page_after(page.next)
            yield page
