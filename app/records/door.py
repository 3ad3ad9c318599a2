"""The one door to business data.

Screens, API, jobs, imports and plugins ask `Records` and nothing else; every question names who is
asking. The door is thin: the reading half answers questions, the writing half changes records, and
here both are repeated once when the catalog changed under them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from app.access.policy import Policy
from app.access.principal import Principal
from app.clock import Clock
from app.database.release import Release
from app.definitions.catalog import Field
from app.errors import Unavailable
from app.records.bench import Benches
from app.records.boards import Boards
from app.records.everywhere import Everywhere
from app.records.figures import Figures
from app.records.files import FileStore
from app.records.looking import Looking
from app.records.lookups import Lookups
from app.records.moves import Possible
from app.records.news import News
from app.records.opened_views import OpenedViews
from app.records.previews import Previews
from app.records.questions import FieldNames, names_of, page_size, question_of
from app.records.reactions import Reactions
from app.records.reading import Reader
from app.records.results import Count, Hit, JSONPage, JSONRecord, Page, Record
from app.records.running import STALE
from app.records.saved_views import SavedViews
from app.records.showing import Showing
from app.records.stages import Stay
from app.records.streams import Moment, Streams
from app.records.taking import Takings
from app.records.writer import Hooks, Writer
from app.records.writing import Writing
from app.texts import say

Result = TypeVar("Result")


class Live(Protocol):
    """The part of ``database.live.Live`` the door uses."""

    @property
    def release(self) -> Release: ...

    def reload(self) -> bool: ...


class Records(Writing, Looking):
    """Reads and writes records for whoever asks."""

    def __init__(
        self,
        pools: Any,
        live: Live,
        organisation: Any,
        clock: Clock,
        *,
        secret: bytes,
        hooks: Hooks | None = None,
        files: FileStore | None = None,
        reactions: Reactions | None = None,
    ) -> None:
        """Wire both halves; *secret* is the key by which cursors are recognised."""
        self._live = live
        self.reader = Reader(pools, lambda: live.release, clock, secret)
        self.views = OpenedViews(SavedViews(pools, lambda: live.release))
        self.reader.views = self.views
        self.news = News(pools, clock)
        self.lookups = Lookups(self.reader, clock)
        self.everywhere = Everywhere(self.reader)
        self.benches = Benches(self.reader)
        self.streams = Streams(self.reader)
        self.boards = Boards(self.reader)
        self.takings = Takings(self.reader, pools)
        self.previews = Previews(pools, live, organisation, clock)
        self.figures = Figures(self.reader, self.lookups, pools, organisation, clock, self._asked)
        self.writer = Writer(pools, live, organisation, clock, hooks, files, reactions)

    def _asked(self, ask: Callable[[], Result]) -> Result:
        """Ask; once more if the tables were not those of the catalog this process knew.

        Nothing of the first attempt was committed: the statement that fails so ends its
        transaction.

        Raises:
            Unavailable: the tables changed twice in a row.
        """
        try:
            return ask()
        except STALE:
            self._live.reload()
        try:
            return ask()
        except STALE as error:
            raise Unavailable(
                say(
                    "The configuration is being changed. Try again in a moment.",
                    "系统配置正在更新，请稍后再试。",
                )
            ) from error

    def policy(self, principal: Principal) -> Policy:
        """Return what the asker may do with which entity and field."""
        return self.reader.desk(principal).policy

    # -- reading -----------------------------------------------------------------------------------

    def query(
        self,
        principal: Principal,
        entity: str,
        *,
        fields: FieldNames = None,
        filter: str | None = None,  # noqa: A002 - the word of the URL.
        where: Mapping[str, Any] | None = None,
        sort: str | None = None,
        limit: int | str = 25,
        after: str | None = None,
        before: str | None = None,
        view: str | None = None,
        search: str | None = None,
        count: str | None = None,
    ) -> Page:
        """Return one page of a list as Python values with the titles of links.

        Args:
            fields: names, also of parts (``address.city``); None for all that may be read.
            filter: a condition of the expression language.
            where: shortcuts, value by field: one value, a list for any of them, None for empty.
            sort: ``-amount,name``; without it the view's or the list's own.
            limit: at most 100.
            after: a page's ``next``; before: its ``previous``.
            search: words to find.
            count: ``exact``, ``capped`` (to 10,000) or ``none``.

        Raises:
            NotFound: there is no such entity.
            Forbidden: the asker may not read it, or a field is masked.
            Malformed: a name, value or condition cannot be read.
        """
        question, given = question_of(
            entity, "values", fields, filter, where, sort, None, view, search
        )
        size = page_size(limit)
        page = self._asked(
            lambda: self.reader.page(
                principal, question, limit=size, after=after, before=before, count=count, **given
            )
        )
        assert isinstance(page, Page)
        return page

    def query_json(
        self,
        principal: Principal,
        entity: str,
        *,
        fields: FieldNames = None,
        filter: str | None = None,  # noqa: A002 - the word of the URL.
        where: Mapping[str, Any] | None = None,
        sort: str | None = None,
        limit: int | str = 25,
        after: str | None = None,
        before: str | None = None,
        expand: FieldNames = None,
        view: str | None = None,
        search: str | None = None,
        count: str | None = None,
    ) -> JSONPage:
        """Return one page of a list as JSON that PostgreSQL built; arguments as in `query`.

        *expand* names links to open: ``customer``, ``customer.level``, ``lines.product``.
        """
        question, given = question_of(
            entity, "json", fields, filter, where, sort, expand, view, search
        )
        size = page_size(limit)
        page = self._asked(
            lambda: self.reader.page(
                principal, question, limit=size, after=after, before=before, count=count, **given
            )
        )
        assert isinstance(page, JSONPage)
        return page

    def count(
        self,
        principal: Principal,
        entity: str,
        *,
        filter: str | None = None,  # noqa: A002 - the word of the URL.
        where: Mapping[str, Any] | None = None,
        view: str | None = None,
        search: str | None = None,
        mode: str = "exact",
    ) -> Count:
        """Return how many records a list has; with ``capped`` counting stops at 10,000."""
        question, given = question_of(entity, "json", None, filter, where, None, None, view, search)
        return self._asked(lambda: self.reader.count(principal, question, mode=mode, **given))

    def matching(
        self,
        principal: Principal,
        entity: str,
        *,
        filter: str | None = None,  # noqa: A002 - the word of the URL.
        where: Mapping[str, Any] | None = None,
        view: str | None = None,
        search: str | None = None,
        in_bin: bool = False,
        most: int = 100_000,
    ) -> list[int]:
        """Return the ids of all records of a list, the lowest first, at most *most*."""
        question, given = question_of(
            entity, "json", "id", filter, where, None, None, view, search, in_bin=in_bin
        )
        return self._asked(lambda: self.reader.matching(principal, question, most=most, **given))

    def get(
        self,
        principal: Principal,
        entity: str,
        record_id: object,
        *,
        fields: FieldNames = None,
        in_bin: bool = False,
    ) -> Record:
        """Return one record as Python values, with the rows of its lines.

        Raises:
            NotFound: it does not exist, or the asker may not read it.
        """
        names = names_of(fields)
        return self._asked(
            lambda: self.reader.get(principal, entity, record_id, names, in_bin=in_bin)
        )

    def showing(self, principal: Principal, entity: str) -> Showing:
        """Return what reads a record in the transaction that writes it; see `Reader.showing`."""
        return self._asked(lambda: self.reader.showing(principal, entity))

    def get_json(
        self,
        principal: Principal,
        entity: str,
        record_id: object,
        *,
        fields: FieldNames = None,
        expand: FieldNames = None,
        in_bin: bool = False,
    ) -> JSONRecord:
        """Return one record as JSON that PostgreSQL built, and its version.

        Raises:
            NotFound: it does not exist, or the asker may not read it.
        """
        names, opened = names_of(fields), names_of(expand)
        return self._asked(
            lambda: self.reader.get_json(principal, entity, record_id, names, opened, in_bin=in_bin)
        )

    def moves(self, principal: Principal, entity: str, record_id: object) -> list[Possible]:
        """Return the stages a record may move to, and those refused with the reason.

        Raises:
            NotFound: it does not exist, or the asker may not read it.
        """
        number = self.get(principal, entity, record_id, fields=("id",)).id
        return self._asked(lambda: self.previews.moves(principal, entity, number))

    def stays(self, principal: Principal, entity: str, record_id: object) -> list[Stay]:
        """Return how long a record was in which stage, in order.

        Raises:
            NotFound: it does not exist, or the asker may not read it.
        """
        number = self.get(principal, entity, record_id, fields=("id",)).id
        return self._asked(lambda: self.previews.stays(principal, entity, number))

    def bin(
        self,
        principal: Principal,
        entity: str,
        *,
        fields: FieldNames = None,
        limit: int | str = 25,
        after: str | None = None,
        before: str | None = None,
        count: str | None = None,
    ) -> Page:
        """Return one page of deleted records that the asker may restore, the latest first."""
        question, given = question_of(
            entity, "values", fields, None, None, None, None, None, None, in_bin=True
        )
        size = page_size(limit)
        page = self._asked(
            lambda: self.reader.page(
                principal, question, limit=size, after=after, before=before, count=count, **given
            )
        )
        assert isinstance(page, Page)
        return page

    def titles(
        self, principal: Principal, entity: str, ids: Iterable[int]
    ) -> dict[int, str | None]:
        """Return what names records, by id; those the asker may not read are left out."""
        wanted = list(ids)
        return self._asked(lambda: self.lookups.titles(principal, entity, wanted))

    def rights(self, principal: Principal, entity: str, record_id: object) -> frozenset[str]:
        """Return the rights the asker has on one record, for the buttons of its page.

        Raises:
            NotFound: it does not exist, or the asker may not read it.
        """
        return self._asked(lambda: self.lookups.rights(principal, entity, record_id))

    def pick(
        self,
        principal: Principal,
        entity: str,
        field: str,
        text: str = "",
        values: Mapping[str, Any] | None = None,
        *,
        target: str | None = None,
        limit: int = 20,
    ) -> list[dict[str, Any]]:
        """Return what a link field offers: ``{"id", "title"}``, the best first.

        Args:
            values: what stands in the form so far, for a ``where`` that asks ``record.``.
            target: of an ``any_link``: the entity to offer.
        """
        return self._asked(
            lambda: self.lookups.pick(
                principal, entity, field, text, values or {}, target, min(limit, 50)
            )
        )

    def offer(
        self,
        principal: Principal,
        entity: str,
        field: Field,
        text: str = "",
        values: Mapping[str, Any] | None = None,
        *,
        limit: int = 20,
    ) -> list[dict[str, Any]]:
        """Return what a link offers that a button asks for; see `Lookups.offer`."""
        return self._asked(
            lambda: self.lookups.offer(principal, entity, field, text, values or {}, min(limit, 50))
        )

    def search(
        self,
        principal: Principal,
        text: str,
        entities: Iterable[str] | None = None,
        *,
        limit: int = 20,
    ) -> list[Hit]:
        """Return the records of any entity that the words find, the best first."""
        chosen = None if entities is None else tuple(entities)
        return self._asked(
            lambda: self.everywhere.search(principal, text, chosen, page_size(limit))
        )

    def stream(
        self, principal: Principal, entity: str, record_id: object, **said: Any
    ) -> list[Moment]:
        """Return what happened around a record, the newest first; see `Streams.look`."""
        return self._asked(lambda: self.streams.look(principal, entity, record_id, **said))

    def aggregate(
        self,
        principal: Principal,
        entity: str,
        *,
        group_by: FieldNames = None,
        measures: FieldNames = "count",
        filter: str | None = None,  # noqa: A002 - the word of the URL.
        where: Mapping[str, Any] | None = None,
        view: str | None = None,
        search: str | None = None,
    ) -> bytes:
        """Return figures as a JSON array, one object for each group, keyed as they were asked for.

        Args:
            group_by: up to three of ``stage``, ``address.city``, ``customer`` (with its title),
                ``year quarter month week day(created_at)``.
            measures: ``count``, ``sum(amount)``, ``avg``, ``min``, ``max``.
        """
        question, given = question_of(entity, "json", "id", filter, where, None, None, view, search)
        return self._asked(
            lambda: self.lookups.aggregate(principal, question, group_by, measures, **given)
        )
