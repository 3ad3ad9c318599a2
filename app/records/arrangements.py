"""How a list is arranged: which rows, which columns, how wide, in which order, in which groups.

What is kept of it is only words; whether they mean something to somebody is found out when the
list is opened, since fields come and go and rights differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.errors import InvalidInput
from app.texts import Label, say

DENSITIES = ("", "compact", "regular", "relaxed")
MOST_COLUMNS = 30
NARROWEST, WIDEST = 40, 900
_LONGEST = {"filter": 2_000, "sort": 300, "group": 120}
_KEYS = ("filter", "sort", "group", "density", "columns", "widths")


@dataclass(frozen=True, slots=True)
class Arrangement:
    """One way to look at a list; what is empty is as the configuration has it."""

    filter: str = ""
    #: ``-amount,name``
    sort: str = ""
    #: ``stage``, ``month(created_at)``
    group: str = ""
    #: ``compact``, ``regular``, ``relaxed``
    density: str = ""
    columns: tuple[str, ...] = ()
    #: by column, in pixels
    widths: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return what is said, as the API writes it and the database keeps it."""
        found: dict[str, Any] = {
            "filter": self.filter,
            "sort": self.sort,
            "group": self.group,
            "density": self.density,
            "columns": list(self.columns),
            "widths": dict(self.widths),
        }
        return {name: value for name, value in found.items() if value}


NOTHING = Arrangement()


def kept_arrangement(raw: Mapping[str, Any]) -> Arrangement:
    """Return what the database kept; it was read before it was written."""
    return Arrangement(
        raw.get("filter", ""),
        raw.get("sort", ""),
        raw.get("group", ""),
        raw.get("density", ""),
        tuple(raw.get("columns", ())),
        raw.get("widths", {}),
    )


def read_arrangement(raw: object) -> Arrangement:
    """Read what was sent.

    Raises:
        InvalidInput: with a sentence for each key that cannot be read.
    """
    if not isinstance(raw, dict):
        raise InvalidInput({"settings": [say("An object such as {}.", "应为对象，例如 {}。")]})
    problems: dict[str, list[Label]] = {}
    for name in sorted(set(raw) - set(_KEYS)):
        problems[str(name)[:60]] = [
            say(
                "There is no such key here. Known are {names}.",
                "这里没有这个键。可用的键：{names}。",
                names=", ".join(_KEYS),
            )
        ]
    found = {
        "filter": _text(raw, "filter", problems),
        "sort": _text(raw, "sort", problems),
        "group": _text(raw, "group", problems),
        "density": _density(raw, problems),
        "columns": _columns(raw, problems),
        "widths": _widths(raw, problems),
    }
    if problems:
        raise InvalidInput(problems)
    return kept_arrangement(found)


def is_clean(text: object) -> bool:
    """Whether something is a text the database can keep."""
    return (
        isinstance(text, str)
        and "\0" not in text
        and not any(0xD800 <= ord(c) < 0xE000 for c in text)
    )


def _text(raw: Mapping[str, Any], name: str, problems: dict[str, list[Label]]) -> str:
    value = raw.get(name) or ""
    if not is_clean(value) or len(value) > _LONGEST[name]:
        problems[name] = [
            say(
                "A text of at most {most} characters.",
                "应为文本，最多 {most} 个字符。",
                most=_LONGEST[name],
            )
        ]
        return ""
    return str(value).strip()


def _density(raw: Mapping[str, Any], problems: dict[str, list[Label]]) -> str:
    value = raw.get("density") or ""
    if value in DENSITIES:
        return str(value)
    words = ", ".join(DENSITIES[1:])
    problems["density"] = [say("One of {words}.", "应为 {words} 之一。", words=words)]
    return ""


def _columns(raw: Mapping[str, Any], problems: dict[str, list[Label]]) -> list[str]:
    value = raw.get("columns") or []
    if (
        isinstance(value, list)
        and len(value) <= MOST_COLUMNS
        and all(is_clean(one) and 0 < len(one) <= 120 for one in value)
    ):
        return list(dict.fromkeys(value))
    problems["columns"] = [
        say(
            "A list of at most {most} names of fields.",
            "应为字段名列表，最多 {most} 个。",
            most=MOST_COLUMNS,
        )
    ]
    return []


def _widths(raw: Mapping[str, Any], problems: dict[str, list[Label]]) -> dict[str, int]:
    value = raw.get("widths") or {}
    if (
        isinstance(value, dict)
        and len(value) <= 2 * MOST_COLUMNS
        and all(is_clean(name) and 0 < len(name) <= 120 for name in value)
        and all(_is_width(width) for width in value.values())
    ):
        return dict(value)
    problems["widths"] = [
        say(
            "Whole numbers of pixels from {least} to {most}, by column.",
            "应为各列的像素宽度，{least} 到 {most} 的整数。",
            least=NARROWEST,
            most=WIDEST,
        )
    ]
    return {}


def _is_width(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and NARROWEST <= value <= WIDEST
