"""Markdown as HTML that cannot do harm, for whoever shows it.

HTML inside the Markdown is shown as text; what is made of the Markdown is cleaned once more, so
that a fault in one library is no hole. Links lead to ``http``, ``https`` and ``mailto`` only.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_TEXT_TAGS = ("a", "br", "code", "del", "em", "s", "strong")
_BLOCK_TAGS = ("blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "ul")
_TABLE_TAGS = ("table", "tbody", "td", "th", "thead", "tr")
_TAGS = frozenset((*_TEXT_TAGS, *_BLOCK_TAGS, *_TABLE_TAGS))
_SCHEMES = frozenset({"http", "https", "mailto"})
#: Markdown nested deeper than this is shown as plain text.
_DEEPEST = 20


def to_html(text: str) -> str:
    """Return Markdown as clean HTML; an image becomes a link, since pages load nothing foreign."""
    import nh3

    return nh3.clean(
        _reader().render(text),
        tags=set(_TAGS),
        attributes={"a": {"href", "title"}, "ol": {"start"}, "td": {"align"}, "th": {"align"}},
        url_schemes=set(_SCHEMES),
        link_rel="noopener noreferrer nofollow",
    )


def to_text(text: str) -> str:
    """Return Markdown without its signs, on one line: for lists and messages."""
    import html

    import nh3

    bare = nh3.clean(_reader().render(text), tags=set())
    return " ".join(html.unescape(bare).split())


@cache
def _reader() -> MarkdownIt:
    # Made once and never changed: it holds rules, no text.
    from markdown_it import MarkdownIt

    options = {"html": False, "linkify": False, "maxNesting": _DEEPEST}
    return MarkdownIt("commonmark", options).enable(["table", "strikethrough"]).disable("image")
