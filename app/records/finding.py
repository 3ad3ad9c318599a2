"""How typed words find rows of ``trellis.search``.

Which index can answer depends on the word: pairs of Chinese characters, trigrams of Latin letters
and digits, or a beginning. The kind of each word belongs to the statement, the word is bound.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.access.sources import TableSource
from app.database.system import search
from app.errors import Malformed
from app.fields.normal import normal, normal_sql
from app.records.context import ReadContext
from app.records.grams import pairs_of, runs_of
from app.texts import say

#: More words than these narrow nothing further.
MOST_WORDS = 5
LONGEST = 200
#: What is typed of a number, with what stands between its parts.
_number = re.compile(r"\+?[\d\s()/-]+")
_SHORTEST_NUMBER = 5

#: pairs: Chinese of two characters; run: longer, or mixed with other letters; first: a single
#: character, with which something must begin; short: two or three, with which a word must begin;
#: long: four and more, anywhere; within: short, beside another word that finds enough by itself.
#: ``letters`` behind it: Latin letters alone, so it may be pinyin as well.
Kinds = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Typed text, ready to be searched."""

    text: str
    kinds: Kinds
    parameters: Mapping[str, Any]


def read_words(typed: str) -> Wanted:
    """Cut typed text into words and find out how each is searched.

    Raises:
        Malformed: it is too long, or holds what no text may hold.
    """
    if len(typed) > LONGEST or "\0" in typed:
        raise Malformed(
            say(
                "A search is a text of at most {most} characters.",
                "搜索内容最多 {most} 个字符。",
                most=LONGEST,
            )
        )
    try:
        typed.encode()
    except UnicodeEncodeError as error:
        raise Malformed(say("A search is a text.", "搜索内容必须是文本。")) from error
    text = normal(typed)
    kinds: list[str] = []
    parameters: dict[str, Any] = {}
    words = _number_of(text) or text.split()[:MOST_WORDS]
    selective = any(_is_selective(word) for word in words)
    # In an order of their own, so that fewer statements serve all that is typed.
    pairs = sorted((_kind(word, alone=not selective), word) for word in words)
    for number, (kind, word) in enumerate(pairs):
        kinds.append(kind)
        escaped = re.sub(r"([\\%_])", r"\\\1", word)
        first = kind.split()[0]
        parameters[f"word_{number}_is"] = (
            f"{escaped}%" if first in ("first", "short") else f"%{escaped}%"
        )
        if first == "short":
            parameters[f"inside_{number}_is"] = f"% {escaped}%"
        if first in ("pairs", "run"):
            parameters[f"pieces_{number}_are"] = [pair for pair in pairs_of(word) if len(pair) > 1]
        elif kind.endswith("letters"):
            parameters[f"pieces_{number}_are"] = [word]
    return Wanted(text, tuple(kinds), parameters)


def _number_of(text: str) -> list[str]:
    """Return a telephone number as it is kept, however it was typed; nothing for other texts.

    Kept is the number with the code of its country, so the nought before an area is left out.
    """
    digits = re.sub(r"\D", "", text)
    if len(digits) < _SHORTEST_NUMBER or not _number.fullmatch(text):
        return []
    return [digits[1:] if digits[0] == "0" and digits[1] != "0" else digits]


def _is_selective(word: str) -> bool:
    """Whether an index finds the word wherever it stands."""
    return len(word) > 3 or any(len(run) > 1 for run in runs_of(word))


def _kind(word: str, *, alone: bool) -> str:
    runs = runs_of(word)
    if any(len(run) > 1 for run in runs):
        return "pairs" if word in runs and len(word) == 2 else "run"
    letters = " letters" if word.isascii() and word.isalpha() else ""
    if len(word) > 3:
        return f"long{letters}"
    if not alone:
        return f"within{letters}"
    return f"{'first' if len(word) == 1 else 'short'}{letters}"


def found(kinds: Kinds, row: sa.FromClause = search) -> sa.ColumnElement[bool]:
    """Return the condition that a row of ``trellis.search`` holds every word."""
    return sa.and_(*(_word(kind, number, row) for number, kind in enumerate(kinds)))


def _word(kind: str, number: int, row: sa.FromClause) -> sa.ColumnElement[bool]:
    like = _like(row, f"word_{number}_is")
    pieces = row.c.grams.op("@>", is_comparison=True)(
        sa.bindparam(f"pieces_{number}_are", type_=ARRAY(sa.Text))
    )
    if kind == "pairs":
        return pieces
    if kind == "run":
        return sa.and_(pieces, like)
    ways = [like]
    if kind.startswith("short"):
        ways.append(_like(row, f"inside_{number}_is"))
    if kind.endswith("letters"):
        ways.append(pieces)
    return sa.or_(*ways)


def _like(row: sa.FromClause, parameter: str) -> sa.ColumnElement[bool]:
    return row.c.search.like(sa.bindparam(parameter, type_=sa.Text), escape="\\")


def shows_hidden_fields(context: ReadContext, entity: str, *, veiled: bool = True) -> bool:
    """Whether ``trellis.search`` holds something of this entity that the asker may not read.

    Without *veiled* what some pool hides is left out: only what no record shows the asker counts.
    """
    one = context.entity(entity)
    searched = {name for name, field in one.fields.items() if field.search and not field.removed}
    if one.title is not None:
        searched.add(one.title)
    if veiled and veiled_fields(context, entity) & searched:
        return True
    return not all(context.policy.is_readable(entity, name) for name in searched)


def veiled_fields(context: ReadContext, entity: str) -> set[str]:
    """Return the fields that some pool hides from the asker."""
    return set(context.veils(entity, context.release.tables[entity]))


def proven(context: ReadContext, source: TableSource, kinds: Kinds) -> sa.ColumnElement[bool]:
    """Return the condition that the words stand in fields the asker may read.

    Only asked where `shows_hidden_fields`: a phone number that is hidden must not be found by.
    Pinyin is made of the title alone, so such a hit stands if the title may be read.
    """
    entity = source.entity
    readable = [
        name
        for name, field in entity.fields.items()
        if (field.search or name == entity.title)
        and not field.removed
        and context.policy.is_readable(entity.name, name)
    ]
    if not readable:
        return sa.false()
    texts = [sa.cast(source.value(name), sa.Text) for name in readable]
    held = normal_sql(sa.func.concat_ws(" ", *texts, type_=sa.Text))
    conditions = []
    for number, kind in enumerate(kinds):
        pattern = sa.bindparam(f"word_{number}_is", type_=sa.Text)
        anywhere = held.like(sa.literal("%").concat(pattern), escape="\\")
        if kind.endswith("letters") and entity.title in readable:
            pieces = sa.bindparam(f"pieces_{number}_are", type_=ARRAY(sa.Text))
            row = search.alias()
            pinyin = sa.exists(
                sa.select(1)
                .select_from(row)
                .where(
                    row.c.entity == context.release.numbers[entity.name],
                    row.c.record_id == source.table.c.id,
                    row.c.grams.op("@>", is_comparison=True)(pieces),
                )
                .correlate(source.table)
            )
            conditions.append(sa.or_(anywhere, pinyin))
        else:
            conditions.append(anywhere)
    return sa.and_(*conditions)
