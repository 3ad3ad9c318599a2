"""What a list is asked for, and what its page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from app.screens.controls import Control
from app.screens.frame import Choice


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of a list asks for."""

    entity: str
    view: str = ""
    search: str = ""
    filter: str = ""
    sort: str = ""

    @classmethod
    def of(cls, entity: str, arguments: Mapping[str, str]) -> Asked:
        """Read the parameters of an address, or of a form that repeats them."""
        return cls(
            entity,
            arguments.get("view", ""),
            arguments.get("q", "").strip(),
            arguments.get("filter", "").strip(),
            arguments.get("sort", ""),
        )

    def href(self, path: str = "", **changed: str) -> str:
        """Return the address of this list, or of a page about it, with some things changed."""
        asked = replace(self, **{name: changed.pop(name) for name in list(changed) if name in _OWN})
        pairs = {
            "view": asked.view,
            "q": asked.search,
            "filter": asked.filter,
            "sort": asked.sort,
            **changed,
        }
        query = urlencode({name: value for name, value in pairs.items() if value})
        return f"/crm/{self.entity}/{path}{'?' if query else ''}{query}"


_OWN = ("view", "search", "filter", "sort")


@dataclass(frozen=True, slots=True)
class Tab:
    """One view of a list."""

    label: str
    href: str
    on: bool
    count: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The head of one column."""

    label: str
    end: bool
    href: str = ""
    sort: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """Something to do: with the selected rows, or on an empty page."""

    label: str
    name: str = ""
    icon: str = ""
    opens: str = ""
    href: str = ""
    main: bool = False


@dataclass(frozen=True, slots=True)
class Empty:
    """What an empty list says."""

    title: str
    sentence: str
    actions: Sequence[Act]


@dataclass(slots=True)
class ListView:
    """Everything `list.html` shows."""

    title: str
    href: str
    search: str
    tabs: Sequence[Tab]
    chips: Sequence[Choice]
    clear_href: str
    filter_href: str
    bulk_href: str
    sort_label: str
    sorts: Sequence[Choice]
    kept: Sequence[tuple[str, str]]
    columns: Sequence[Head]
    rows: str = ""
    count: str = ""
    foot: str = ""
    problem: str = ""
    empty: Empty | None = None
    new_href: str = ""
    new_label: str = ""
    bin_href: str = ""
    #: the switch between list, board, calendar and tree
    looks: Sequence[Choice] = ()
    import_href: str = ""
    actions: Sequence[Act] = ()
    transfer: Control | None = None
    columns_href: str = ""
    #: the form that puts the selected into a public sea
    release: Any = None
