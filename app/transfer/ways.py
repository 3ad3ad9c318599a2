"""What somebody chose for a column beside where it goes: the keys a saved mapping has, checked.

As in a file of ``imports/`` a column is a path, or an object with ``field`` and how it is read. No
expressions here: what is worked out stands in files, which are checked as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from app.definitions.automation import Given
from app.definitions.imports import CLEANING, LEFT_OUT, TOLD_BY, ImportColumn
from app.errors import InvalidInput
from app.texts import Label, say

#: More than this no column needs.
_MOST = 1_000


def read_columns(
    said: Mapping[str, Any],
    columns_before: Mapping[str, str],
    ways_before: Mapping[str, Mapping[str, Any]],
) -> tuple[dict[str, str], dict[str, Mapping[str, Any]]]:
    """Return where columns go, and how they are read where that was said.

    A column that goes where it went before keeps how it is read, unless it is an object.

    Raises:
        InvalidInput: by heading, what is not understood.
    """
    columns: dict[str, str] = {}
    ways: dict[str, Mapping[str, Any]] = {}
    for heading, one in said.items():
        if not isinstance(one, Mapping):
            if not isinstance(one, str):
                raise _wrong(heading, say("Give a field, or an object.", "请填写字段或对象。"))
            columns[heading] = one
            if heading in ways_before and columns_before.get(heading, LEFT_OUT) == one:
                ways[heading] = ways_before[heading]
            continue
        way = dict(one)
        goes_to = way.pop("field", LEFT_OUT)
        if not isinstance(goes_to, str):
            raise _wrong(heading, say("`field` is a text.", "field 应为文本。"))
        columns[heading] = goes_to
        if way:
            check_way(heading, way)
            ways[heading] = way
    return columns, ways


def check_way(heading: str, way: Mapping[str, Any]) -> None:
    """Refuse what no column can be read by.

    Raises:
        InvalidInput: under the heading, with what may stand there.
    """
    for key, value in way.items():
        if key not in _KINDS:
            words = ", ".join(("field", *_KINDS))
            raise _wrong(
                heading,
                say(
                    "`{key}` is nothing a column has. There are: {words}.",
                    "列没有 {key} 这一项，可用：{words}。",
                    key=key[:40],
                    words=words,
                ),
            )
        fits, takes = _KINDS[key]
        if not fits(value):
            sentence = say("`{key}` takes {what}.", "{key} 应为{what}。", key=key, what=takes)
            raise _wrong(heading, sentence)


def _wrong(heading: str, sentence: Label) -> InvalidInput:
    return InvalidInput({heading: [sentence]})


def with_way(column: ImportColumn, way: Mapping[str, Any]) -> ImportColumn:
    """Return a column read as was chosen for it; what nobody chose stays."""
    changes: dict[str, Any] = {key: way[key] for key in _KEPT if key in way}
    changes |= {key: tuple(way[key]) for key in _LISTS if key in way}
    if "split" in changes:
        changes["split"] = changes["split"] or None
    if "take" in way:
        changes["take"] = 0 if way["take"] == "all" else int(way["take"])
    for key, name in (("else", "otherwise"), ("default", "default")):
        if key in way:
            changes[name] = None if way[key] in (None, "") else Given(raw=way[key])
    return replace(column, **changes) if changes else column


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _MOST


def _is_plain(value: Any) -> bool:
    return value is None or (isinstance(value, str | int | float | bool) and _is_text(str(value)))


def _are_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) <= _MOST and all(map(_is_text, value))


def _are_steps(value: Any) -> bool:
    return _are_texts(value) and all(one in CLEANING for one in value)


def _is_table(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and len(value) <= _MOST
        and all(_is_text(key) and _is_plain(one) for key, one in value.items())
    )


def _is_part(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return value == "all" or (isinstance(value, int) and 0 < abs(value) <= _MOST)


_TEXT = say("a text", "文本")
_TEXTS = say("a list of texts", "文本列表")
_KINDS: Mapping[str, tuple[Callable[[Any], bool], Label]] = {
    "clean": (
        _are_steps,
        say("steps among {steps}", "以下步骤的列表：{steps}", steps=", ".join(CLEANING)),
    ),
    "map": (_is_table, say("an object of texts", "以文本为键和值的对象")),
    "else": (_is_plain, say("a text or a number", "文本或数字")),
    "default": (_is_plain, say("a text or a number", "文本或数字")),
    "by": (
        lambda value: value in TOLD_BY,
        say("one of {words}", "{words} 之一", words=", ".join(TOLD_BY)),
    ),
    "split": (lambda value: value == "" or value is None or _is_text(value), _TEXT),
    "take": (_is_part, say("a number or `all`", "数字或 all")),
    "join": (_are_texts, _TEXTS),
    "between": (_is_text, _TEXT),
    "create": (lambda value: isinstance(value, bool), say("true or false", "true 或 false")),
    "skip_if": (_are_texts, _TEXTS),
}
_KEPT = ("map", "by", "split", "between", "create")
_LISTS = ("clean", "join", "skip_if")
