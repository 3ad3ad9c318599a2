"""What a list is asked for, and what its page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from app.screens.controls import Control
from app.screens.frame import Choice

#: What an address says for a list without groups, where its view has some.
NO_GROUP = "-"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of a list asks for."""

    entity: str
    view: str = ""
    search: str = ""
    filter: str = ""
    sort: str = ""
    #: the field rows are grouped by; ``-`` for none where the view has one
    group: str = ""
    #: the saved view whose filter is being changed
    edits: str = ""

    @classmethod
    def of(cls, entity: str, arguments: Mapping[str, str]) -> Asked:
        """Read the parameters of an address, or of a form that repeats them."""
        return cls(
            entity,
            arguments.get("view", ""),
            arguments.get("q", "").strip(),
            arguments.get("filter", "").strip(),
            arguments.get("sort", ""),
            arguments.get("group", "").strip(),
            arguments.get("edits", ""),
        )

    def href(self, path: str = "", **changed: str) -> str:
        """Return the address of this list, or of a page about it, with some things changed."""
        # A page holds dozens of these: urlencode and a changed copy took a twentieth of it.
        pairs = []
        for name, own in _PARAMETERS:
            value = changed.pop(own, None)
            value = getattr(self, own) if value is None else value
            if value:
                pairs.append(f"{name}={quote_plus(str(value))}")
        pairs += [f"{name}={quote_plus(str(value))}" for name, value in changed.items() if value]
        query = "&".join(pairs)
        return f"/crm/{self.entity}/{path}{'?' if query else ''}{query}"

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What a form about this list repeats, beside the words to find."""
        pairs = {
            "view": self.view,
            "filter": self.filter,
            "sort": self.sort,
            "group": self.group,
            "edits": self.edits,
        }
        return [(name, value) for name, value in pairs.items() if value]


#: parameter of the address -> what it is here
_PARAMETERS = (
    ("view", "view"),
    ("q", "search"),
    ("filter", "filter"),
    ("sort", "sort"),
    ("group", "group"),
    ("edits", "edits"),
)


@dataclass(frozen=True, slots=True)
class Tab:
    """One view of a list."""

    label: str
    href: str
    on: bool
    count: str | None = None
    icon: str = ""
    #: who is meant by the icon
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of one column."""

    label: str
    end: bool
    href: str = ""
    sort: str = ""
    path: str = ""
    #: in pixels
    width: int | None = None
    editable: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """Something to do: with the selected rows, or on an empty page."""

    label: str
    name: str = ""
    icon: str = ""
    opens: str = ""
    href: str = ""
    main: bool = False
    #: the address of a dialog that asks for more
    asks: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Empty:
    """What an empty list says."""

    title: str
    sentence: str
    actions: Sequence[Act]


@dataclass(frozen=True, slots=True)
class Group:
    """The rows that share a value: its head in a grouped list."""

    label: str
    count: str
    #: text and class for each column behind the first
    sums: Sequence[tuple[str, str]]
    rows_href: str
    rows: str = ""
    open: bool = False


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
    #: how many of them are on the page
    loaded: str = ""
    problem: str = ""
    #: what of the view could not be asked
    notes: Sequence[str] = ()
    empty: Empty | None = None
    new_href: str = ""
    new_label: str = ""
    bin_href: str = ""
    #: the switch between list, board, calendar and tree
    looks: Sequence[Choice] = ()
    import_href: str = ""
    #: the list as a file, and more of it
    exports: Sequence[Choice] = ()
    actions: Sequence[Act] = ()
    transfer: Control | None = None
    columns_href: str = ""
    #: the form that puts the selected into a public sea
    release: Any = None
    density: str = ""
    densities: Sequence[Choice] = ()
    #: the widths of the columns are fixed
    sized: bool = False
    arrange_href: str = ""
    menu_href: str = ""
    save_href: str = ""
    #: the view whose filter is being changed, and where to keep the change
    edits: str = ""
    edits_href: str = ""
    back_href: str = ""
    group_label: str = ""
    groups_by: Sequence[Choice] = ()
    groups: Sequence[Group] | None = None
    sums_href: str = ""
    #: adding up reads every row: of very many it waits to be asked
    sums_wait: bool = False
    #: which condition costs most, where nothing is found
    nearly_href: str = ""
    pulse_href: str = ""
    rows_href: str = ""
    #: all records of the list, in words, where there are more than those loaded
    all_label: str = ""
