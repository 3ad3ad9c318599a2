"""The lines of a record's timeline, as their template takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from app.automation.news import named_in
from app.screens.frame import Choice
from app.screens.marks import Mark
from app.screens.timeline import Change


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline."""

    kind: str
    sentence: Markup | str
    when: Markup
    month: str = ""
    person: Mark | None = None
    icon: str = "git-commit"
    #: fields before and after; several of them are folded
    changes: Sequence[Change] = ()
    folded: str = ""
    #: words in a card, and what stands below them
    body: Markup | str = ""
    foot: Sequence[tuple[str, Markup | str]] = ()
    tone: str = ""
    links: Sequence[tuple[str, str]] = ()
    #: where the change is taken back, and the line of the history it is
    undo: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Happenings:
    """Lines of a timeline, what it can be narrowed to, and where earlier ones are."""

    entries: Sequence[Entry]
    href: str
    choices: Sequence[Choice] = ()
    chosen: str = ""
    more_href: str = ""


def with_mentions(text: str, people: Any) -> Markup:
    """Return a comment with the names of those it mentions set off."""
    html, end = Markup(), 0
    for start, stop, _ in named_in(text, people):
        html += escape(text[end:start]) + Markup('<b class="brand">{}</b>').format(text[start:stop])
        end = stop
    return html + escape(text[end:])
