"""Problems in the language of whoever reads them.

What is wrong is said in English where it is found; ``translations/<language>.po`` holds the same
sentences in another language, with `{0}`, `{1}` … for what stands in them. Here a sentence that was
said is recognised, and put together anew. What is not recognised is named by its kind and followed
by the English sentence, so that nothing is ever left unsaid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files as package_files
from io import BytesIO

from babel.messages.pofile import read_po

_GAP = re.compile(r"\{(\d)\}")
#: The end of a sentence; not within what an author wrote.
_END = re.compile(r"(?<=[.?!]) +")
#: English prose: two small words side by side.
_PROSE = re.compile(r"\b[A-Za-z]{2,} [a-z]{2,}\b")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence to be recognised, and what it becomes."""

    pattern: re.Pattern[str]
    gaps: tuple[int, ...]
    #: the gaps in which an author's own words stand, whatever they look like
    names: frozenset[int]
    becomes: str
    weight: int

    def prose(self, filled: Mapping[int, str]) -> list[str]:
        """Return what stands in the gaps that hold words of ours."""
        return [text for gap, text in filled.items() if gap not in self.names]

    @classmethod
    def read(cls, said: str, becomes: str) -> Sentence:
        """Read a sentence with its gaps; one between backticks holds no backtick."""
        parts = _GAP.split(said)
        pattern, gaps, names = "", [], set()
        for index, part in enumerate(parts):
            if index % 2 == 0:
                pattern += re.escape(part)
                continue
            gaps.append(int(part))
            is_name = parts[index - 1].endswith("`") and parts[index + 1].startswith("`")
            pattern += "([^`]*)" if is_name else "(.+?)"
            if is_name:
                names.add(int(part))
        weight = sum(len(part) for part in parts[::2])
        return cls(re.compile(pattern, re.DOTALL), tuple(gaps), frozenset(names), becomes, weight)


class Translation:
    """The sentences of one language."""

    def __init__(self, sentences: Mapping[str, str], kinds: Mapping[str, str]) -> None:
        """Take sentences, and what each kind of problem is called, by code."""
        read = [Sentence.read(said, becomes) for said, becomes in sentences.items()]
        # Of two that fit, the one that says more by itself is meant.
        self.sentences = sorted(read, key=lambda one: -one.weight)
        self.kinds = dict(kinds)

    def text(self, said: str) -> str | None:
        """Return what was said, sentence by sentence; None where a part is not known."""
        if not said:
            return ""
        whole = self._whole(said)
        if whole is not None:
            return whole
        parts = list(_parts(said))
        done: list[str] = []
        while parts:
            for count in range(len(parts), 0, -1):
                found = self._whole(" ".join(parts[:count]))
                if found is not None:
                    done.append(found)
                    del parts[:count]
                    break
            else:
                return None
        return "".join(done)

    def named(self, code: str, said: str) -> str:
        """Return what was said; a sentence that is not known is named by its kind."""
        found = self.text(said)
        return found if found is not None else f"{self.kinds.get(code, '')}（{said}）"

    def phrase(self, said: str) -> str:
        """Return a part of a sentence; names and what authors wrote stay as they are."""
        found = self._whole(said)
        return said if found is None else found

    def _whole(self, said: str) -> str | None:
        for one in self.sentences:
            match = one.pattern.fullmatch(said)
            if match is None:
                continue
            filled = {
                gap: text if gap in one.names else self.phrase(text)
                for gap, text in zip(one.gaps, match.groups(), strict=True)
            }
            if any(_PROSE.search(_without_quotes(text)) for text in one.prose(filled)):
                continue
            return _GAP.sub(lambda gap: filled[int(gap[1])], one.becomes)  # noqa: B023 - used here.
        return None


def _parts(said: str) -> Iterator[str]:
    """Yield the sentences of a text; a full stop between backticks ends none."""
    begin = 0
    for end in _END.finditer(said):
        if said.count("`", 0, end.start()) % 2 == 0:
            yield said[begin : end.start()]
            begin = end.end()
    yield said[begin:]


def _without_quotes(text: str) -> str:
    return re.sub("`[^`]*`", "", text)


@cache
def translation(language: str) -> Translation | None:
    """Return the sentences of a language; None for English, and for one that has none."""
    path = package_files("app.definitions") / "translations" / f"{language}.po"
    if not language.isalpha() or not path.is_file():
        return None
    sentences: dict[str, str] = {}
    kinds: dict[str, str] = {}
    for message in read_po(BytesIO(path.read_bytes())):
        if message.id and message.string:
            (kinds if message.context == "kind" else sentences)[str(message.id)] = str(
                message.string
            )
    return Translation(sentences, kinds)
