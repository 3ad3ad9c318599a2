"""Read the text of one YAML file into plain data that knows where everything stands.

Scalars stay text, since only the key they stand under tells what they are: `no`, `010` and `09:00`
are what the author sees. The only other value is ``None``, for a key with nothing behind it.
Nothing here knows which keys there are.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from app.definitions.catalog import Place
from app.definitions.events import Parser
from app.definitions.problems import Code, Problem, Severity
from app.definitions.syntax import comments_in_texts, explain_syntax, unquoted_value

DEEPEST = 50
BIGGEST = 1_000_000

Mark = tuple[int, int, int, int]
"""Line and column of the first character and of the one behind the last, all from 0."""


class Spot:
    """Where one value stands, and everything in it.

    ``keys`` and ``inside`` of a mapping are by key, ``inside`` of a list by index. The tree has the
    shape of the data beside it.
    """

    __slots__ = ("file", "flow", "inside", "keys", "mark", "quoted")

    def __init__(self, file: str, mark: Mark, quoted: bool = False, flow: bool = False) -> None:
        self.file = file
        self.mark = mark
        #: A scalar in quotes or as a block; it is text whatever it looks like.
        self.quoted = quoted
        #: Written with `{ }` or `[ ]`.
        self.flow = flow
        self.keys: dict[str, tuple[str, Mark]] | None = None
        self.inside: dict[Any, Spot] | list[Spot] | None = None

    def find(self, path: Sequence[Any]) -> Spot | None:
        """Return the spot of the value at *path*, or None."""
        spot: Spot | None = self
        for step in path:
            if spot is None or spot.inside is None:
                return None
            spot = spot._child(step)
        return spot

    def _child(self, step: Any) -> Spot | None:
        if isinstance(self.inside, list):
            return self.inside[step] if isinstance(step, int) and step < len(self.inside) else None
        return None if self.inside is None else self.inside.get(step)

    def at_value(self, path: Sequence[Any]) -> tuple[str, Mark]:
        """Return where the value at *path* stands, or the nearest that is around it."""
        spot = self
        for step in path:
            below = spot._child(step)
            if below is None:
                break
            spot = below
        return spot.file, spot.mark

    def at_key(self, path: Sequence[Any]) -> tuple[str, Mark]:
        """Return where the key of the value at *path* stands; of a list item, the item itself."""
        if not path:
            return self.file, (*self.mark[:2], self.mark[0], self.mark[1] + 1)
        around = self.find(path[:-1])
        if around is None:
            return self.at_key(path[:-1])
        if around.keys is not None and path[-1] in around.keys:
            return around.keys[path[-1]]
        if around.keys is not None:
            return self.at_key(path[:-1])
        return self.at_value(path)


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One definition as it was written: its data, and where each part stands."""

    file: str
    data: Any
    spot: Spot
    #: Which of the file's documents it is, from 0.
    index: int = 0
    #: The name of the pack it belongs to; empty for one's own.
    pack: str = ""
    #: SHA-256 of the whole file's text: an equal one need not be checked again.
    digest: str = field(default="", repr=False)

    def place(self, path: Sequence[Any] = (), *, key: bool = False) -> Place:
        """Return the place of a value, or of its key."""
        file, mark = self.spot.at_key(path) if key else self.spot.at_value(path)
        return Place(file, mark[0] + 1, mark[1] + 1)


def problem_at(
    code: Code | str,
    where: tuple[str, Mark],
    message: str,
    hint: str = "",
    suggestions: Sequence[str] = (),
    severity: Severity = Severity.error,
    told: Mapping[str, str] | None = None,
) -> Problem:
    """Return a problem at a mark; *told* is the message in other languages."""
    file, (line, column, end_line, end_column) = where
    return Problem(
        code=code,
        severity=severity,
        place=Place(file, line + 1, column + 1),
        message=message,
        hint=hint,
        suggestions=tuple(suggestions),
        end_line=end_line + 1,
        end_column=end_column + 1,
        told=told or {},
    )


_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_documents(file: str, text: str) -> tuple[list[Document], list[Problem]]:
    """Return the documents of one file and warnings, or none and what is wrong with it.

    A file whose YAML is broken gives one problem: what stands behind the break cannot be known.
    Duplicate keys, anchors and tags are all listed.
    """
    text = text.removeprefix("\ufeff")
    if len(text) > BIGGEST:
        return [], [_whole_file(Code.too_big, file, TOO_BIG_MESSAGE.format(size=len(text)))]
    if found := _UNPRINTABLE.search(text):
        return [], [_unprintable(file, text, found.start())]
    digest = hashlib.sha256(text.encode()).hexdigest()
    reader = _Reader(file, text)
    try:
        reader.read()
    except _StopReading:
        return [], reader.problems
    except yaml.MarkedYAMLError as error:
        # Duplicate keys and tags before the break are worth telling at the same time.
        broken = explain_syntax(file, text, error)
        known = any(broken.place == one.place for one in reader.problems)
        return [], reader.problems if known else [*reader.problems, broken]
    if reader.problems:
        return [], reader.problems
    warnings = list(comments_in_texts(file, text))
    return [
        Document(file, data, spot, index, digest=digest)
        for index, (data, spot) in enumerate(reader.documents)
    ], warnings


TOO_BIG_MESSAGE = "The file has {size:,} characters; a configuration file may have 1,000,000."


def _whole_file(code: Code, file: str, message: str, hint: str = "") -> Problem:
    return problem_at(code, (file, (0, 0, 0, 1)), message, hint)


def _unprintable(file: str, text: str, index: int) -> Problem:
    line = text.count("\n", 0, index)
    column = index - (text.rfind("\n", 0, index) + 1)
    name = f"U+{ord(text[index]):04X}"
    return problem_at(
        Code.control_character,
        (file, (line, column, line, column + 1)),
        f"The file holds the character {name}, which is no text.",
        "Remove it, or save the file as text in UTF-8.",
    )


class _StopReading(Exception):
    pass


class _Frame:
    """A mapping or list that is being read."""

    __slots__ = ("data", "inside", "key_event", "keys", "previous", "spot")

    def __init__(self, spot: Spot, *, is_mapping: bool) -> None:
        self.spot = spot
        self.data: Any = {} if is_mapping else []
        self.inside: Any = {} if is_mapping else []
        self.keys: dict[str, tuple[str, Mark]] | None = {} if is_mapping else None
        spot.inside, spot.keys = self.inside, self.keys
        #: Of a mapping: the key whose value comes next.
        self.key_event: Any = None
        #: The value event before this key, for commas that quotes should have kept in a text.
        self.previous: Any = None


class _Reader:
    """Walks the events of one file once; never recurses, so depth costs nothing."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.problems: list[Problem] = []
        self.documents: list[tuple[Any, Spot]] = []
        self.stack: list[_Frame] = []

    def read(self) -> None:
        next_event = Parser(self.text).get_event
        scalar, file, stack = yaml.ScalarEvent, self.file, self.stack
        while (event := next_event()) is not None:
            kind = type(event)
            if kind is scalar:
                if event.anchor or event.tag:
                    self._refuse_properties(event)
                value, quoted = event.value, bool(event.style)
                frame = stack[-1] if stack else None
                if frame is not None and frame.keys is not None and frame.key_event is None:
                    if value == "<<" and not quoted:
                        self._refuse_merge_key(event)
                    frame.key_event = event
                    continue
                start, end = event.start_mark, event.end_mark
                mark = (start.line, start.column, end.line, end.column)
                self._take(value if value or quoted else None, Spot(file, mark, quoted), event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self._open(event, kind is yaml.MappingStartEvent)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                frame = self.stack.pop()
                mark = frame.spot.mark
                frame.spot.mark = (mark[0], mark[1], event.end_mark.line, event.end_mark.column)
                self._take(frame.data, frame.spot, event)
            elif kind is yaml.AliasEvent:
                self._refuse_alias(event)

    def _open(self, event: Any, is_mapping: bool) -> None:
        if event.anchor or event.tag:
            self._refuse_properties(event)
        if len(self.stack) >= DEEPEST:
            self._stop(Code.too_deep, event, f"This is nested more than {DEEPEST} levels deep.")
        frame = self.stack[-1] if self.stack else None
        if frame is not None and frame.keys is not None and frame.key_event is None:
            self._stop(
                Code.key_not_a_word,
                event,
                "A key must be a word, not a list or a mapping.",
                'If this is meant as text, put quotes around it: `"{{ … }}"`.',
            )
        start = event.start_mark
        spot = Spot(
            self.file,
            (start.line, start.column, start.line, start.column + 1),
            flow=bool(event.flow_style),
        )
        self.stack.append(_Frame(spot, is_mapping=is_mapping))

    def _refuse_merge_key(self, event: Any) -> None:
        self._add(
            Code.anchor,
            event,
            "`<<` (a merge key) is not part of the language.",
            "Write the keys out, or use `extend:`.",
        )

    def _take(self, value: Any, spot: Spot, event: Any) -> None:
        """Put a finished value where it belongs."""
        if not self.stack:
            self.documents.append((value, spot))
            return
        frame = self.stack[-1]
        keys, data = frame.keys, frame.data
        if keys is None:
            data.append(value)
            frame.inside.append(spot)
            return
        key_event = frame.key_event
        if value is None and frame.spot.flow and self._is_swallowed(frame, event):
            frame.key_event = None
            return
        frame.key_event, frame.previous = None, event
        key, start, end = key_event.value, key_event.start_mark, key_event.end_mark
        mark = (start.line, start.column, end.line, end.column)
        if key in data:
            self._duplicate(keys, key, mark)
            return
        data[key] = value
        keys[key] = (self.file, mark)
        frame.inside[key] = spot

    def _is_swallowed(self, frame: _Frame, event: Any) -> bool:
        """Report a word between `{ }` that no `:` follows: a comma that belongs to a text."""
        end = frame.key_event.end_mark.index
        if self.text[end : event.start_mark.index].lstrip()[:1] == ":":
            return False
        if type(frame.previous) is not yaml.ScalarEvent or frame.previous.style:
            return False
        value = unquoted_value(self.text, frame.previous.start_mark.index)
        mark = frame.previous.start_mark
        where = Place(self.file, mark.line + 1, mark.column + 1)
        if self.problems and self.problems[-1].place == where:
            # One text without quotes may hold several commas.
            return True
        self.problems.append(
            problem_at(
                Code.missing_quotes,
                (self.file, (mark.line, mark.column, mark.line, mark.column + len(value))),
                f"Inside `{{ }}` a comma ends the value, so `{frame.key_event.value}` "
                "was taken for a key.",
                f'Put quotes around the whole value: `"{value}"`.',
                (f'"{value}"',),
            )
        )
        return True

    def _duplicate(self, keys: dict[str, tuple[str, Mark]], key: str, mark: Mark) -> None:
        _, first = keys[key]
        self.problems.append(
            problem_at(
                Code.duplicate_key,
                (self.file, mark),
                f"`{key}` is defined twice; the first is at {first[0] + 1}:{first[1] + 1}.",
                "Rename or remove one of them.",
            )
        )

    def _refuse_alias(self, event: Any) -> None:
        self._add(
            Code.anchor,
            event,
            f"`*{event.anchor}` (an alias) is not part of the language.",
            "Write the value out; a text that begins with `*` needs quotes.",
        )
        start = event.start_mark
        frame = self.stack[-1] if self.stack else None
        if frame is not None and frame.keys is not None and frame.key_event is None:
            frame.key_event = yaml.ScalarEvent(
                None, None, (True, False), f"*{event.anchor}", start, event.end_mark
            )
            return
        mark = (start.line, start.column, event.end_mark.line, event.end_mark.column)
        self._take("", Spot(self.file, mark), event)

    def _refuse_properties(self, event: Any) -> None:
        if event.anchor:
            self._add(
                Code.anchor,
                event,
                f"`&{event.anchor}` (an anchor) is not part of the language.",
                "Write the value where it is needed; a text that begins with `&` needs quotes.",
            )
        if event.tag:
            self._add(
                Code.tag,
                event,
                f"`{self._written_tag(event)}` (a tag) is not part of the language: a value is "
                "what its key asks for.",
                "Remove it; a text that begins with `!` needs quotes.",
            )

    def _written_tag(self, event: Any) -> str:
        return self.text[event.start_mark.index :].split(None, 1)[0][:60] or str(event.tag)

    def _add(self, code: Code, event: Any, message: str, hint: str = "") -> None:
        start, end = event.start_mark, event.end_mark
        mark = (start.line, start.column, end.line, max(end.column, start.column + 1))
        self.problems.append(problem_at(code, (self.file, mark), message, hint))

    def _stop(self, code: Code, event: Any, message: str, hint: str = "") -> None:
        self._add(code, event, message, hint)
        raise _StopReading
