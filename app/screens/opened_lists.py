"""A list as somebody opens it: which view, which columns and widths, in which order and groups.

What the address says comes first, then what the visitor arranged, then the view, then the list of
the configuration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.access.policy import Policy
from app.definitions.catalog import Entity, View
from app.errors import Text
from app.records.arrangements import NOTHING, Arrangement
from app.records.results import Count, Page
from app.records.saved_views import ALL
from app.records.view_drafts import SavedView
from app.screens.columns import list_paths
from app.screens.list_view import NO_GROUP, Act, Asked
from app.screens.visit import Visit

#: Rows of a page.
ROWS = 25


@dataclass(slots=True)
class OpenedList:
    """One list of one visit."""

    entity: Entity
    asked: Asked
    #: of the configuration, and saved ones, as the visitor is offered them
    views: Sequence[View]
    saved: Sequence[SavedView]
    #: the view that is open: of the configuration, or saved
    view: View | None = None
    own: SavedView | None = None
    #: columns, widths, density, sort and group that hold
    arrangement: Arrangement = NOTHING
    #: the saved view without what it asks in vain
    settings: Arrangement = NOTHING
    left_out: Sequence[Text] = ()
    #: the view that was asked for is not there
    missing: str = ""
    #: with which view the visitor's list opens
    default: str = ""
    #: what may be done with several of its records, once it was asked
    acts: Sequence[Act] | None = None
    #: which columns were chosen, by whomever
    chosen: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """The view, as an address names it; empty for the whole list."""
        return str(self.own.id) if self.own else self.view.name if self.view else ""


def views_of(entity: Entity, policy: Policy) -> list[View]:
    """Return the views of the configuration somebody is offered."""
    roles = set(policy.roles)
    return [
        view
        for view in entity.screens.views.values()
        if not view.for_ or policy.is_admin or roles & set(view.for_)
    ]


def open_list(visit: Visit, entity: Entity, arguments: Mapping[str, str]) -> OpenedList:
    """Return the list an address asks for; without a view, with the visitor's default."""
    asked = Asked.of(entity.name, arguments)
    store = visit.records.views.views
    opened = OpenedList(
        entity,
        asked,
        views_of(entity, visit.policy),
        store.of(visit.principal, entity.name),
        default=store.default(visit.principal, entity.name),
    )
    if not asked.view and not asked.filter and not asked.search and opened.default not in ("", ALL):
        asked = replace(asked, view=opened.default)
        if not _find(opened, asked.view):
            asked = replace(asked, view="")
    elif asked.view not in ("", ALL) and not _find(opened, asked.view):
        opened.missing = asked.view
        asked = replace(asked, view="")
    opened.asked = asked
    _arrange(visit, opened)
    return opened


def _find(opened: OpenedList, name: str) -> bool:
    opened.view = next((one for one in opened.views if one.name == name), None)
    opened.own = next((one for one in opened.saved if str(one.id) == name), None)
    return opened.view is not None or opened.own is not None


def _arrange(visit: Visit, opened: OpenedList) -> None:
    entity, asked, own = opened.entity, opened.asked, opened.own
    views = visit.records.views
    whole = views.views.choice(visit.principal, entity.name, "")
    choice = views.views.choice(visit.principal, entity.name, opened.name) if opened.name else whole
    if own is not None:
        desk = visit.records.reader.desk(visit.principal)
        found = views.open(desk, entity.name, own)
        opened.settings, opened.left_out = found.settings, found.left_out
    settings = opened.settings
    of_view = settings.columns or (opened.view.columns if opened.view else ())
    columns = choice.columns or of_view or whole.columns
    opened.chosen = tuple(list_paths(entity, columns, visit.policy)) if columns else ()
    group = asked.group or settings.group
    opened.arrangement = Arrangement(
        settings.filter,
        asked.sort or settings.sort,
        "" if group == NO_GROUP else group,
        choice.density or settings.density or whole.density,
        opened.chosen,
        {**whole.widths, **settings.widths, **choice.widths},
    )


def read_page(
    visit: Visit,
    opened: OpenedList,
    fields: Sequence[str],
    after: str | None = None,
    *,
    filter: str | None = None,  # noqa: A002 - the word of the URL.
    limit: int = ROWS,
) -> Page:
    """Return one page of a list as it was opened; *filter* stands instead of the address's own."""
    asked = opened.asked
    page: Page = visit.records.query(
        visit.principal,
        asked.entity,
        fields=tuple(fields),
        filter=filter if filter is not None else asked.filter or None,
        view=view_asked(opened),
        search=asked.search or None,
        sort=opened.arrangement.sort or None,
        after=after or None,
        limit=limit,
        count=None if after else "capped",
    )
    return page


def view_asked(opened: OpenedList) -> str | None:
    """Return the view as the door takes it."""
    return None if opened.asked.view in ("", ALL) else opened.name or None


def shown_count(visit: Visit, opened: OpenedList) -> Count:
    """Return how many records a list has."""
    asked = opened.asked
    count: Count = visit.records.count(
        visit.principal,
        asked.entity,
        filter=asked.filter or None,
        view=view_asked(opened),
        search=asked.search or None,
        mode="capped",
    )
    return count
