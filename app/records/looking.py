"""The half of the door that shows many records at once in shapes other than a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from app.access.principal import Principal
from app.records.bench import Benches, Heap, Stacked, Whose
from app.records.boards import Boards, Lanes
from app.records.planning import Question
from app.records.questions import FieldNames, question_of
from app.records.reading import Reader
from app.records.results import Page
from app.records.taking import Everything, Takings

Result = TypeVar("Result")


class Looking:
    """What `Records` answers to the work bench, to boards and to exports."""

    reader: Reader
    benches: Benches
    boards: Boards
    takings: Takings

    def _asked(self, ask: Callable[[], Result]) -> Result:
        raise NotImplementedError

    def is_large(self, principal: Principal, entity: str) -> bool:
        """Whether an entity has so many records that nobody should wait for a figure over all."""
        return self._asked(lambda: self.reader.is_large(self.reader.desk(principal), entity))

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

    @contextmanager
    def everything(
        self,
        principal: Principal,
        entity: str,
        *,
        fields: Sequence[str] | None = None,
        filter: str | None = None,  # noqa: A002 - the word of the URL.
        where: Mapping[str, Any] | None = None,
        sort: str | None = None,
        view: str | None = None,
        search: str | None = None,
        right: str = "read",
        within: str | None = None,
        theirs: Sequence[int] = (),
    ) -> Iterator[Everything]:
        """Yield all of a list as it is at one moment; arguments as in `query`.

        Args:
            fields: fields, parts, and fields behind links; None for all that may be read.
            right: what the asker must be allowed to do with them.
            within: a link, or ``parent`` of lines: only what it leads to *theirs* from.
        """
        question, given = _whole(entity, right, filter, where, sort, view, search)

        def opened() -> tuple[ExitStack, Everything]:
            with ExitStack() as stack:
                found = stack.enter_context(
                    self.takings.open(
                        principal, question, fields, within=within, theirs=theirs, **given
                    )
                )
                return stack.pop_all(), found

        stack, found = self._asked(opened)
        with stack:
            yield found

    def how_many(
        self,
        principal: Principal,
        entity: str,
        *,
        right: str = "read",
        filter: str | None = None,  # noqa: A002 - the word of the URL.
        where: Mapping[str, Any] | None = None,
        sort: str | None = None,
        view: str | None = None,
        search: str | None = None,
    ) -> int:
        """Return how many records of a list the asker has a right on."""
        question, given = _whole(entity, right, filter, where, sort, view, search)
        return self._asked(
            lambda: self.reader.count(principal, question, mode="exact", **given)
        ).number

    def holds_more(
        self,
        principal: Principal,
        entity: str,
        than: int,
        *,
        right: str = "read",
        filter: str | None = None,  # noqa: A002 - the word of the URL.
        where: Mapping[str, Any] | None = None,
        sort: str | None = None,
        view: str | None = None,
        search: str | None = None,
    ) -> bool:
        """Return whether a list has more than so many records; no more of them are looked at."""
        question, given = _whole(entity, right, filter, where, sort, view, search)
        found = self._asked(
            lambda: self.reader.matching(principal, question, most=than + 1, **given)
        )
        return len(found) > than


def _whole(
    entity: str,
    right: str,
    filter_text: str | None,
    where: Mapping[str, Any] | None,
    sort: str | None,
    view: str | None,
    search: str | None,
) -> tuple[Question, dict[str, Any]]:
    """Return the question for all of a list that the asker has a right on."""
    question, given = question_of(
        entity, "values", None, filter_text, where, sort, None, view, search
    )
    return replace(question, right=right), given
