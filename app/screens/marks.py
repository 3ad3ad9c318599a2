"""How people and records are marked: the round avatar with initials and a shade of its own."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from html import escape

#: As many shades as the style sheet has classes `hue0` … `hue11`.
SHADES = 12


@dataclass(frozen=True, slots=True)
class Mark:
    """Somebody's name with what stands in the avatar."""

    name: str
    initials: str
    hue: int
    department: str = ""


def mark_of(name: str, department: str = "") -> Mark:
    """Return the mark; the same name always has the same shade."""
    return Mark(name, initials_of(name), zlib.crc32(name.encode()) % SHADES, department)


def initials_of(name: str) -> str:
    """Return the first letters of two words, or the last character of a Chinese name."""
    words = name.split()
    if not words:
        return "?"
    if "\u4e00" <= words[-1][-1] <= "\u9fff":
        return words[-1][-1]
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else words[0][1:2])
    return letters.upper()


def avatar(mark: Mark, size: str = "s") -> str:
    """Return the avatar as HTML, for cells of lists."""
    return (
        f'<span class="av {size} hue{mark.hue}" aria-hidden="true">{escape(mark.initials)}</span>'
    )
