"""Where a cursor stands in a text of YAML that is being written, and so is seldom whole.

A parser refuses what is half written; here the lines are read one by one, and what cannot be
understood is passed over. What the keys mean is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_KEY = re.compile(r"(\"[^\"]*\"|'[^']*'|[^\s\"'\[\]{},&*!|>%@`#:][^:#{}\[\],\"']*?)\s*:(?=\s|$)")
_WORD = re.compile(r"[\w.]*\Z")
ITEM = "-"


@dataclass(slots=True)
class Frame:
    """Something that is open at the cursor: the value of a key, an item, brackets."""

    #: key | item | { | [
    kind: str
    indent: int
    key: str = ""
    #: keys that stand in it, with their values as far as they are simple
    known: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Spot:
    """Where the cursor stands."""

    #: keys and ``-`` for items, from the outside in
    path: tuple[str, ...]
    #: what is known of the container at each step: of the document, then of each path's value
    around: tuple[dict[str, str], ...]
    #: whether a key is written here, else a value
    is_key: bool
    #: where the word begins that is being written
    begin: int
    #: what stands of the value before the cursor
    value: str = ""
    is_quoted: bool = False
    is_comment: bool = False


class Reader:
    """Reads lines, and knows what is open behind each."""

    def __init__(self) -> None:
        self.root = Frame("key", -1)
        self.frames: list[Frame] = [self.root]
        #: every key by the path of what it stands in
        self.keys: dict[tuple[str, ...], list[str]] = {}
        self.quote = ""
        self._token = ""

    @property
    def is_flow(self) -> bool:
        """Whether a bracket is open."""
        return self.frames[-1].kind in "{["

    def path(self) -> tuple[str, ...]:
        """Return the keys and items that are open."""
        found: list[str] = []
        for frame in self.frames[1:]:
            if frame.kind in ("item", "["):
                found.append(ITEM)
            elif frame.kind == "{":
                if frame.key:
                    found.append(frame.key)
            else:
                found.append(frame.key)
        return tuple(found)

    def around(self) -> tuple[dict[str, str], ...]:
        """Return what is known of the container at each step of the path."""
        found = [self.root.known]
        for frame in self.frames[1:]:
            if frame.kind == "{":
                # The braces are the value of the key around them.
                found[-1] = frame.known
                if frame.key:
                    found.append({})
            else:
                found.append(frame.known)
        return tuple(found)

    def line(self, text: str) -> None:
        """Read a whole line."""
        if self.is_flow or self.quote:
            self._flow(text)
            return
        if text.startswith("---"):
            self.__init__()  # type: ignore[misc]
            return
        content = text.lstrip(" ")
        if not content.strip() or content.startswith("#"):
            return
        indent, content = self.open_items(len(text) - len(content), content)
        found = _KEY.match(content)
        if found is None:
            self._flow(content)
            return
        self.open_key(indent, _bare(found[1]), content[found.end() :])

    def open_items(self, indent: int, content: str) -> tuple[int, str]:
        """Open the items a line begins with; return where its content stands, and the content."""
        while content.startswith("- ") or content.strip() == "-":
            self.close(indent + 1)
            if self.frames[-1].kind == "item" and self.frames[-1].indent == indent:
                self.frames.pop()
            self.frames.append(Frame("item", indent))
            rest = content[1:].lstrip(" ")
            indent += len(content) - len(rest)
            content = rest
        return indent, content

    def open_key(self, indent: int, key: str, rest: str) -> None:
        """Open a key's value."""
        self.close(indent)
        self.note(key, rest.strip())
        self.frames.append(Frame("key", indent, key))
        self._flow(rest)

    def note(self, key: str, value: str) -> None:
        """Note a key in the container that is open."""
        self.frames[-1].known[key] = _bare(value.partition(" #")[0].strip())
        self.keys.setdefault(self.path(), []).append(key)

    def close(self, indent: int) -> None:
        """Close what stands as far to the right as *indent*, or further."""
        while len(self.frames) > 1 and self.frames[-1].indent >= indent:
            self.frames.pop()

    def _flow(self, text: str) -> None:
        """Read what stands in brackets, or a plain value, up to the end of a line."""
        for index, sign in self._signs(text):
            top = self.frames[-1]
            if sign in "{[":
                if self.is_flow or not self._token.strip():
                    self.frames.append(Frame(sign, 10**6))
                    self._token = ""
            elif not self.is_flow:
                continue
            elif sign in "}]":
                self._end_value(top)
                self.frames.pop()
                self._token = ""
            elif sign == ",":
                self._end_value(top)
                top.key, self._token = "", ""
            elif (
                sign == ":"
                and top.kind == "{"
                and not top.key
                and text[index + 1 :][:1] in ("", " ")
            ):
                top.key, self._token = _bare(self._token.strip()), ""
                key, top.key = top.key, ""
                self.keys.setdefault(self.path(), []).append(key)
                top.key = key
        if not self.is_flow:
            self._token = ""

    def _end_key(self, top: Frame) -> None:
        if top.kind == "{" and not top.key:
            key, self._token = _bare(self._token.strip()), ""
            self.keys.setdefault(self.path(), []).append(key)
            top.key = key

    def _end_value(self, top: Frame) -> None:
        if top.kind == "{" and top.key:
            top.known[top.key] = _bare(self._token.strip())

    def _signs(self, text: str) -> Iterator[tuple[int, str]]:
        """Yield the signs outside of quotes and comments; the others add to the token."""
        for index, sign in enumerate(text):
            if self.quote:
                self._token += sign
                if sign == self.quote:
                    self.quote = ""
                continue
            if sign == "#" and text[max(0, index - 1)] in " \t":
                return
            if sign in "\"'" and not self._token.strip():
                self.quote = sign
                self._token += sign
                continue
            if sign in "{}[],:":
                yield index, sign
                if sign == ":" and self._token:
                    self._token += sign
                continue
            self._token += sign
        if not self.is_flow:
            # A quoted value ends with its line at the latest, unless it is in brackets.
            self.quote = ""


def spot_at(text: str, offset: int) -> Spot:
    """Return where a cursor stands."""
    reader = Reader()
    lines = text[:offset].split("\n")
    for line in lines[:-1]:
        reader.line(line)
    return _last(reader, lines[-1], offset)


def keys_in(text: str) -> dict[tuple[str, ...], list[str]]:
    """Return every key of a text by the path of what it stands in, of its last document."""
    reader = Reader()
    for line in text.split("\n"):
        reader.line(line)
    return reader.keys


def _last(reader: Reader, line: str, offset: int) -> Spot:
    """Read the line with the cursor, as far as it."""
    if not reader.is_flow:
        content = line.lstrip(" ")
        indent, content = reader.open_items(len(line) - len(content), content)
        found = _KEY.match(content)
        if found is None and not content.startswith(("{", "[", '"', "'")):
            reader.close(indent)
            begin = offset - len(content)
            is_comment = content.startswith("#")
            return Spot(reader.path(), reader.around(), True, begin, content, False, is_comment)
        if found is None:
            reader._flow(content)
        else:
            reader.open_key(indent, _bare(found[1]), content[found.end() :])
            if not reader.is_flow:
                value = content[found.end() :].lstrip()
                return _value(reader, value, offset)
    else:
        reader._flow(line)
    top = reader.frames[-1]
    token = reader._token.lstrip()
    if top.kind == "{" and not top.key:
        begin = offset - len(token)
        return Spot(reader.path(), reader.around(), True, begin, token, bool(reader.quote))
    return _value(reader, token, offset)


def _value(reader: Reader, value: str, offset: int) -> Spot:
    word = _WORD.search(value)
    begin = offset - (len(word[0]) if word else 0)
    quoted = bool(reader.quote) or value.startswith(('"', "'"))
    comment = " #" in value or value.startswith("#")
    return Spot(reader.path(), reader.around(), False, begin, value, quoted, comment)


def _bare(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text
