"""HTML of messages: as plain text, and plain text as HTML."""

from __future__ import annotations

import re
from html import escape, unescape

_TAG = re.compile(r"<[^<>]{0,2000}>")
_BLOCK_END = re.compile(r"(?i)<br ?/?>|</(?:p|div|tr|li|h\d|table)>")
_UNSEEN = re.compile(r"(?is)<(style|script|head)\b.*?</\1>")
_BREAKS = re.compile(r"\n{3,}")
_ADDRESS = re.compile(r"https?://[^\s<>\"'，。；、）]{1,500}")


def text_of_html(html: str) -> str:
    """Return what an HTML text says, without its marks."""
    bare = _TAG.sub("", _BLOCK_END.sub("\n", _UNSEEN.sub("", html)))
    lines = (" ".join(line.split()) for line in unescape(bare).splitlines())
    return _BREAKS.sub("\n\n", "\n".join(lines)).strip()


def html_of_text(text: str) -> str:
    """Return a plain text as HTML: its lines, and its addresses as links."""
    parts, at = [], 0
    for found in _ADDRESS.finditer(text):
        address = escape(found[0])
        parts += [escape(text[at : found.start()]), f'<a href="{address}">{address}</a>']
        at = found.end()
    return "".join([*parts, escape(text[at:])]).replace("\n", "<br>\n")
