"""The pieces by which search finds text that has no word boundaries.

PostgreSQL's trigrams cannot be asked for two Chinese characters, so every run of them is cut into
pairs here, in Python; a title's pinyin stands beside them as whole words and their beginnings.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from operator import add

from app.fields.normal import normal

#: Ideographs, kana and hangul: the scripts written without blanks, or searched inside a word.
_run = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\U00020000-\U0003134f]+")

_number, _not_digit = re.compile(r"[+\d\s()-]{5,}"), re.compile(r"\D")
#: Longest beginning of a pinyin word that is kept: nobody types more without choosing.
_LONGEST_BEGINNING = 12
_ENDS = tuple(range(1, _LONGEST_BEGINNING + 1))
#: Titles longer than this get pinyin for their first characters only.
_PINYIN_CHARACTERS = 12


def runs_of(text: str) -> list[str]:
    """Return the runs of characters that are cut into pairs."""
    return _run.findall(text)


def pairs_of(text: str) -> list[str]:
    """Return every two neighbouring characters of every run; a run of one is itself."""
    if text.isascii():
        return []
    pairs: list[str] = []
    for run in runs_of(text):
        pairs.extend([run] if len(run) == 1 else map(add, run, run[1:]))
    return list(dict.fromkeys(pairs))


def _syllables(run: str) -> tuple[str, ...]:
    return tuple(part for part in map(_syllable, run) if part)


@lru_cache(maxsize=16384)
def _syllable(character: str) -> str:
    # Phrases are not loaded: they cost 40 MB in each process, and a title is found by the usual
    # reading of its characters as well, each by itself.
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    from pypinyin import lazy_pinyin

    return "".join(part for part in lazy_pinyin(character, errors="ignore") if part.isascii())


def pinyin_of(title: str) -> list[str]:
    """Return the pinyin words of a title: in full and the initials, with their beginnings."""
    words: list[str] = []
    for run in () if title.isascii() else runs_of(title):
        syllables = _syllables(run[:_PINYIN_CHARACTERS])
        if not syllables:
            continue
        full, initials = "".join(syllables), "".join([part[0] for part in syllables])
        for word in (full, initials):
            words += [word[:end] for end in _ENDS[: len(word)]]
            if len(word) > _LONGEST_BEGINNING:
                words.append(word)
    return list(dict.fromkeys(words))


def pinyin_span(title: str, word: str) -> tuple[int, int] | None:
    """Return where in a title the characters stand whose pinyin begins with a word; None: nowhere.

    The word is in small letters; it may be the beginning of the syllables, or of their initials.
    """
    for found in _run.finditer(title):
        readings = [next(iter(_syllables(one)), "") for one in found[0][:_PINYIN_CHARACTERS]]
        for parts in (readings, [part[:1] for part in readings]):
            whole = "".join(parts)
            if not whole.startswith(word):
                continue
            size = covered = 0
            while covered < len(word):
                covered += len(parts[size])
                size += 1
            return found.start(), found.start() + size
    return None


def search_row(title: str, others: list[str]) -> tuple[str, str, list[str]]:
    """Return title, searched text and pieces of one record, as trellis.search holds them.

    *others* are the texts of the fields that say ``search: yes``, beside the title.
    """
    text = normal(" ".join(part for part in (title, *others) if part))
    # Phone numbers are typed with blanks and dashes or without: both are found.
    digits = [_not_digit.sub("", part) for part in others if _number.fullmatch(part)]
    more = [part for part in digits if part and part not in text]
    searched = " ".join([text, *more]) if more else text
    return title, searched, [*pairs_of(searched), *pinyin_of(title)]
