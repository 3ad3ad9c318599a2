"""What the page of a record shows, as its template takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.screens.approval_block import ApprovalView, OfferView
from app.screens.attachments import Files
from app.screens.buttons import ButtonView
from app.screens.controls import Control
from app.screens.happening_lines import Happenings
from app.screens.list_view import Tab
from app.screens.marks import Mark
from app.screens.moving import Path
from app.screens.pools import PoolView
from app.screens.record_blocks import Block
from app.screens.talk import Talk
from app.screens.why import Why


@dataclass(frozen=True, slots=True)
class Fact:
    """One value with its label."""

    label: str
    html: str
    tall: bool = False
    full: bool = False
    end: bool = False
    #: where it is edited in place, or why it cannot be
    edit_href: str = ""
    why: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class FactSection:
    """A section of the page."""

    label: str
    facts: Sequence[Fact]


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One entry of the record's menu."""

    label: str
    icon: str
    href: str = ""
    opens: str = ""
    post: bool = False
    bad: bool = False
    prints: bool = False
    #: the note that says why it is refused
    why: str = ""


@dataclass(slots=True)
class RecordView:
    """Everything `record.html` shows."""

    title: str
    list_href: str
    list_label: str
    entity: str
    version: int | None
    deleted: bool = False
    edit_href: str = ""
    edit_why: str = ""
    whys: Sequence[Why] = ()
    restore_href: str = ""
    transfer_href: str = ""
    refused: str = ""
    warnings: Sequence[str] = ()
    menu: Sequence[MenuItem] = ()
    under: Sequence[str] = ()
    owner: Mark | None = None
    tags: Sequence[str] = ()
    facts: Sequence[Fact] = ()
    path: Path | None = None
    tabs: Sequence[Tab] = ()
    sections: Sequence[FactSection] = ()
    lines: Sequence[Block] = ()
    #: the lists of records that link here, asked for once the page stands
    related_href: str = ""
    files: Files | None = None
    timeline: Happenings | None = None
    #: what was said, and who reads along
    talk: Talk | None = None
    transfer: Control | None = None
    approval: ApprovalView | None = None
    offers: Sequence[OfferView] = ()
    #: an answer to an approval that was not taken
    typed_comment: str = ""
    #: how it stands with the public seas
    pool: PoolView | None = None
    #: of rules
    buttons: Sequence[ButtonView] = ()
    #: (label, the note that says why)
    refused_buttons: Sequence[tuple[str, str]] = ()
    #: where those who look at it say so
    here_href: str = ""
