"""Patterns for ``matches`` and ``extract``: a small, safe subset of regular expressions.

A pattern is searched in time proportional to the text, whatever it is (no ``(a+)+$`` can stall the
server), and finds the same place in Python and in PostgreSQL: the leftmost, and there the longest.
Look-around, back references and non-greedy repetition are therefore not part of it.
"""

from dataclasses import dataclass
from functools import lru_cache

#: Repetitions are written out, so a pattern may not grow beyond this many steps.
MOST_STEPS = 500
#: Only the beginning of a text is searched, in both back ends.
LONGEST_TEXT = 20_000
_MOST_REPEATS = 255

_Ranges = tuple[tuple[int, int], ...]
_DIGITS: _Ranges = ((48, 57),)
_WORD: _Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE: _Ranges = ((9, 13), (32, 32))
_SETS = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_LAST = 0x10FFFF


def _outside(ranges: _Ranges) -> _Ranges:
    outside, begins = [], 0
    for low, high in sorted(ranges):
        if low > begins:
            outside.append((begins, low - 1))
        begins = max(begins, high + 1)
    return (*outside, (begins, _LAST)) if begins <= _LAST else tuple(outside)


@dataclass(frozen=True)
class _One:
    """One character out of ranges."""

    ranges: _Ranges


@dataclass(frozen=True)
class _Edge:
    """The beginning or the end of the text."""

    sign: str


@dataclass(frozen=True)
class _Chain:
    parts: tuple["_Part", ...]


@dataclass(frozen=True)
class _Either:
    parts: tuple["_Part", ...]


@dataclass(frozen=True)
class _Repeat:
    part: "_Part"
    least: int
    #: None: without end.
    most: int | None


_Part = _One | _Edge | _Chain | _Either | _Repeat
#: What leads from one state to others: a set of characters, an edge of the text, or nothing.
_Move = tuple[_Ranges | str | None, tuple[int, ...]]


@dataclass(frozen=True)
class Pattern:
    """A pattern that has been read."""

    text: str
    #: The same pattern as PostgreSQL writes it.
    sql: str
    moves: tuple[_Move, ...]
    start: int
    accept: int

    def find(self, text: str) -> str | None:
        """Return the leftmost place that fits, as long as possible; None when there is none."""
        text = text[:LONGEST_TEXT]
        best: tuple[int, int] | None = None
        threads: dict[int, int] = {}
        for place in range(len(text) + 1):
            if best is None:
                threads.setdefault(self.start, place)
            self._follow(threads, place, len(text))
            begun = threads.get(self.accept)
            if begun is not None and (best is None or begun <= best[0]):
                best = (begun, place)
            if best:
                threads = {state: since for state, since in threads.items() if since <= best[0]}
            if place == len(text) or not (threads or best is None):
                break
            threads = self._step(threads, ord(text[place]))
        return text[best[0] : best[1]] if best else None

    def _follow(self, threads: dict[int, int], place: int, length: int) -> None:
        """Add the states that are reached without a character, each with its earliest beginning."""
        waiting = sorted(threads, key=threads.__getitem__)
        while waiting:
            state = waiting.pop(0)
            what, targets = self.moves[state]
            is_free = (
                what is None or (what == "^" and not place) or (what == "$" and place == length)
            )
            for target in targets if is_free else ():
                if target not in threads or threads[state] < threads[target]:
                    threads[target] = threads[state]
                    waiting.append(target)

    def _step(self, threads: dict[int, int], letter: int) -> dict[int, int]:
        after: dict[int, int] = {}
        for state, since in threads.items():
            what, targets = self.moves[state]
            if isinstance(what, tuple) and any(low <= letter <= high for low, high in what):
                for target in targets:
                    after[target] = min(since, after.get(target, since))
        return after


@lru_cache(maxsize=500)
def read_pattern(text: str) -> Pattern:
    """Return the pattern that *text* is.

    Raises:
        ValueError: it is none; the sentence says why.
    """
    reader = _Reader(text)
    part = reader.either()
    if reader.place < len(text):
        raise ValueError(f"The pattern `{text}` has a `)` that closes nothing.")
    moves: list[_Move] = [(None, ())]
    start = _build(part, 0, moves)
    return Pattern(text, _to_sql(part), tuple(moves), start, 0)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def _next(self) -> str:
        return self.text[self.place : self.place + 1]

    def _take(self) -> str:
        sign = self._next()
        if not sign:
            raise ValueError(f"The pattern `{self.text}` ends too early.")
        self.place += 1
        return sign

    def either(self) -> _Part:
        parts = [self._chain()]
        while self._next() == "|":
            self._take()
            parts.append(self._chain())
        return parts[0] if len(parts) == 1 else _Either(tuple(parts))

    def _chain(self) -> _Part:
        parts: list[_Part] = []
        while self._next() not in ("", "|", ")"):
            parts.append(self._repeated(self._single()))
        return _Chain(tuple(parts))

    def _single(self) -> _Part:
        sign = self._take()
        if sign == "(":
            if self._next() == "?":
                self._take()
                if self._take() != ":":
                    raise ValueError(f"`(?…` in the pattern `{self.text}` is not known here.")
            inner = self.either()
            if self._next() != ")":
                raise ValueError(f"A `(` in the pattern `{self.text}` is never closed.")
            self._take()
            return inner
        if sign in "*+?{":
            raise ValueError(f"`{sign}` in the pattern `{self.text}` repeats nothing.")
        if sign in "^$":
            return _Edge(sign)
        if sign == ".":
            return _One(((0, _LAST),))
        if sign == "[":
            return _One(self._set())
        if sign == "\\":
            return _One(self._escaped())
        return _One(((ord(sign), ord(sign)),))

    def _escaped(self) -> _Ranges:
        sign = self._take()
        if sign in _SETS:
            return _SETS[sign]
        if sign.lower() in _SETS:
            return _outside(_SETS[sign.lower()])
        plain = {"n": "\n", "t": "\t", "r": "\r"}.get(sign, sign)
        if plain == sign and sign.isascii() and sign.isalnum():
            raise ValueError(f"`\\{sign}` in the pattern `{self.text}` is not known here.")
        return ((ord(plain), ord(plain)),)

    def _set(self) -> _Ranges:
        is_outside = self._next() == "^"
        if is_outside:
            self._take()
        found: list[tuple[int, int]] = []
        while self._next() != "]" or not found:
            sign = self._take()
            ranges = self._escaped() if sign == "\\" else ((ord(sign), ord(sign)),)
            is_range = self._next() == "-" and self.text[self.place + 1 : self.place + 2] != "]"
            if is_range and len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
                self._take()
                last = self._take()
                end = self._escaped()[0][0] if last == "\\" else ord(last)
                if end < ranges[0][0]:
                    raise ValueError(f"A range in the pattern `{self.text}` ends before it begins.")
                ranges = ((ranges[0][0], end),)
            found.extend(ranges)
        self._take()
        return _outside(tuple(found)) if is_outside else tuple(found)

    def _repeated(self, part: _Part) -> _Part:
        sign = self._next()
        if sign not in ("*", "+", "?", "{"):
            return part
        self._take()
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(sign) or self._counts()
        if self._next() in ("*", "+", "?", "{"):
            raise ValueError(f"The pattern `{self.text}` repeats a repetition.")
        if isinstance(part, _Edge):
            raise ValueError(f"The pattern `{self.text}` repeats `{part.sign}`.")  # noqa: TRY004 - shown to authors.
        return _Repeat(part, least, most)

    def _counts(self) -> tuple[int, int | None]:
        closing = self.text.find("}", self.place)
        numbers = self.text[self.place : closing].split(",") if closing > 0 else []
        if not 1 <= len(numbers) <= 2 or not numbers[0].isdecimal():
            raise ValueError(f"A `{{` in the pattern `{self.text}` holds no count like `{{2,5}}`.")
        self.place = closing + 1
        least = int(numbers[0])
        most = least if len(numbers) == 1 else int(numbers[1]) if numbers[1].isdecimal() else None
        if max(least, most or 0) > _MOST_REPEATS or (most is not None and most < least):
            raise ValueError(f"A count in the pattern `{self.text}` is not from 0 to 255.")
        return least, most


def _build(part: _Part, after: int, moves: list[_Move]) -> int:
    """Add the states for *part*, which leads on to *after*, and return the one it begins with."""
    if len(moves) > MOST_STEPS:
        raise ValueError("The pattern is too long once its repetitions are written out.")
    if isinstance(part, _Chain):
        for piece in reversed(part.parts):
            after = _build(piece, after, moves)
        return after
    if isinstance(part, _Repeat):
        return _build_repeat(part, after, moves)
    if isinstance(part, _Either):
        moves.append((None, tuple(_build(piece, after, moves) for piece in part.parts)))
    else:
        moves.append((part.ranges if isinstance(part, _One) else part.sign, (after,)))
    return len(moves) - 1


def _build_repeat(part: _Repeat, after: int, moves: list[_Move]) -> int:
    if part.most is None:
        moves.append((None, ()))
        loop = len(moves) - 1
        moves[loop] = (None, (_build(part.part, loop, moves), after))
        after = loop
    for _ in range((part.most or part.least) - part.least):
        inner = _build(part.part, after, moves)
        moves.append((None, (inner, after)))
        after = len(moves) - 1
    for _ in range(part.least):
        after = _build(part.part, after, moves)
    return after


def _to_sql(part: _Part) -> str:
    if isinstance(part, _Chain):
        return "".join(_to_sql(piece) for piece in part.parts)
    if isinstance(part, _Either):
        return f"(?:{'|'.join(_to_sql(piece) for piece in part.parts)})"
    if isinstance(part, _Edge):
        return part.sign
    if isinstance(part, _Repeat):
        most = "" if part.most is None else part.most
        return f"(?:{_to_sql(part.part)}){{{part.least},{most}}}"
    if part.ranges == ((0, _LAST),):
        return "."
    if len(part.ranges) == 1 and part.ranges[0][0] == part.ranges[0][1]:
        return _sign(part.ranges[0][0])
    # PostgreSQL has no zero character, so a range from there begins with the next.
    return "[" + "".join(f"{_sign(max(low, 1))}-{_sign(high)}" for low, high in part.ranges) + "]"


def _sign(code: int) -> str:
    letter = chr(code)
    if code >= 0x80:
        return f"\\U{code:08x}"
    # PostgreSQL would add hexadecimal digits that follow to `x` and its two digits.
    return letter if letter.isalnum() else f"\\u{code:04x}"
