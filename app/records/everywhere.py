"""Search in everything the asker may read, within a time that does not grow with the tables.

Where a table is large it is surveyed first which entities hold the words at all, whoever's records
they are: what nobody has is answered at once, and the rules of the other entities need not be
planned. The rest is asked of the index, for a while, and what it gave until then is kept. A word
that very many records hold is looked for among the first records of each of the asker's lists, and
in the index only if that is not enough. Mistyped words are looked for when there is nothing else.
How the statements look is `searching`'s business.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from app.access.principal import Principal
from app.database.statements import Statement
from app.records import finding
from app.records.planning import Desk
from app.records.reading import Reader
from app.records.refusals import entity_of
from app.records.results import Hit
from app.records.searching import (
    CANDIDATES,
    COMMON,
    build_recent_search,
    build_search,
    build_survey,
    shown_title,
)

#: How long the index is asked for words, in seconds, where a table is large; and elsewhere.
PATIENCE = 0.04
PATIENCE_FOR_SMALL = 2.0
#: How long is surveyed; what takes longer is a common word.
PATIENCE_FOR_SURVEY = 0.02
#: What is only similar is not asked for any more when so long has gone by.
WHOLE = 0.06
#: How many records of a list are its first.
WINDOW = 1_000
#: How alike a word must be to count as misspelt …
LIKENESS = "0.5"
#: … and how many Latin letters there must be to compare.
LETTERS = 5

_limits = Statement(
    sa.select(
        sa.func.set_config("statement_timeout", sa.bindparam("patience", type_=sa.Text), sa.true()),
        sa.func.set_config("pg_trgm.word_similarity_threshold", LIKENESS, sa.true()),
    )
)


class Statements:
    """The statements of one desk."""

    def __init__(self, desk: Desk) -> None:
        self._context = desk.context
        self.whole: Callable[..., Statement] = lru_cache(64)(self._whole)
        self.recent: Callable[..., Statement] = lru_cache(64)(self._recent)
        self.survey: Callable[..., Statement] = lru_cache(64)(build_survey)

    def _whole(
        self, entities: tuple[str, ...], kinds: finding.Kinds, fuzzy: bool = False
    ) -> Statement:
        return build_search(self._context, entities, kinds, fuzzy=fuzzy)

    def _recent(
        self, entities: tuple[str, ...], kinds: finding.Kinds, fuzzy: bool = False
    ) -> Statement:
        return build_recent_search(self._context, entities, kinds, fuzzy=fuzzy)


class Everywhere:
    """Finds records by words, for whoever asks."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        # They live as long as their desk, which ends with its release.
        self._statements: WeakKeyDictionary[Desk, Statements] = WeakKeyDictionary()

    def statements(self, desk: Desk) -> Statements:
        """Return the statements of a desk."""
        found = self._statements.get(desk)
        if found is None:
            found = self._statements[desk] = Statements(desk)
        return found

    def search(
        self, principal: Principal, typed: str, entities: Sequence[str] | None, limit: int
    ) -> list[Hit]:
        """Return what the words find in the entities the asker may read, the best first."""
        desk = self._reader.desk(principal)
        chosen = self._chosen(desk, entities)
        words = finding.read_words(typed)
        if not words.kinds or not chosen:
            return []
        hunt = _Hunt(self._reader, desk, principal, self.statements(desk), chosen, words, limit)
        rows = hunt.rows()
        names = desk.release.names
        return [
            Hit(names[kind], number, title if shown_title(desk.context, names[kind]) else None)
            for kind, number, title, *_ in sorted(rows, key=_order)[:limit]
        ]

    def _chosen(self, desk: Desk, entities: Sequence[str] | None) -> tuple[str, ...]:
        catalog = desk.release.catalog
        for name in entities or ():
            entity_of(catalog, name)
        return tuple(
            name
            for name in (entities if entities is not None else catalog.entities)
            if catalog.entities[name].lines_of is None
            and name in desk.release.numbers
            and desk.policy.may("read", name)
        )


@dataclass(frozen=True, slots=True)
class _Met:
    """What a survey met: entities that may hold the words, whoever's their records are."""

    entities: frozenset[str]
    #: there are too many records to tell which entities have none
    is_common: bool = False
    #: the time was over first
    is_cut: bool = False


class _Hunt:
    """One search."""

    def __init__(
        self,
        reader: Reader,
        desk: Desk,
        principal: Principal,
        statements: Statements,
        entities: tuple[str, ...],
        words: finding.Wanted,
        limit: int,
    ) -> None:
        self._reader, self._desk, self._principal = reader, desk, principal
        self._statements, self._entities, self._words = statements, entities, words
        self._limit = limit
        self._large = tuple(name for name in entities if reader.is_large(desk, name))
        self._small = tuple(name for name in entities if name not in self._large)
        self._until = time.monotonic() + WHOLE

    def rows(self) -> list[Any]:
        """Return what was found; of words only similar, if nothing was."""
        found = self._found(self._words.kinds, fuzzy=False)
        in_time = not self._large or time.monotonic() < self._until
        if not found and in_time and may_be_misspelt(self._words.text):
            found = self._found((), fuzzy=True)
        return found

    def _found(self, kinds: finding.Kinds, *, fuzzy: bool) -> list[Any]:
        whole = self._statements.whole
        if not self._large:
            return self._ask(whole(self._entities, kinds, fuzzy), PATIENCE_FOR_SMALL)[0]
        met = self._survey(self._entities, kinds, fuzzy=fuzzy)
        large = tuple(name for name in self._large if name in met.entities)
        rows: list[Any] = []
        if met.is_common:
            rows = self._recent(large, kinds, fuzzy=fuzzy)
            # What is only similar is found all at once or not at all.
            if len(rows) < self._limit and not (fuzzy and met.is_cut):
                rows += self._ask(whole(large, kinds, fuzzy), PATIENCE)[0]
            met = self._survey(self._small, kinds, fuzzy=fuzzy)
        elif large:
            rows, is_cut = self._ask(whole(large, kinds, fuzzy), PATIENCE)
            if is_cut or len(rows) >= CANDIDATES:
                # They came in no order: the first of the asker's lists must be among them.
                rows += self._recent(large, kinds, fuzzy=fuzzy)
        if small := tuple(name for name in self._small if name in met.entities):
            rows += self._ask(whole(small, kinds, fuzzy), PATIENCE)[0]
        return list({row[:2]: row for row in rows}.values())

    def _recent(self, entities: tuple[str, ...], kinds: finding.Kinds, *, fuzzy: bool) -> list[Any]:
        return self._ask(self._statements.recent(entities, kinds, fuzzy), PATIENCE)[0]

    def _survey(self, entities: Sequence[str], kinds: finding.Kinds, *, fuzzy: bool) -> _Met:
        release = self._desk.release
        numbers = [release.numbers[name] for name in entities]
        survey = self._statements.survey(kinds, fuzzy=fuzzy)
        rows, is_cut = self._ask(survey, PATIENCE_FOR_SURVEY, entities=numbers)
        if is_cut or sum(count for _, count in rows) >= COMMON:
            return _Met(frozenset(entities), is_common=True, is_cut=is_cut)
        return _Met(frozenset(release.names[number] for number, _ in rows))

    def _ask(self, statement: Statement, patience: float, **more: Any) -> tuple[list[Any], bool]:
        runner = self._reader.runner
        values = runner.values(statement, self._principal, self._desk.release.catalog)
        values |= {"typed": self._words.text, "limit": WINDOW, **self._words.parameters, **more}
        values["patience"] = f"{round(patience * 1000)}ms"
        return runner.stream(statement, values, _limits)


def _order(row: Any) -> tuple[Any, ...]:
    """Return the order of hits: alike, equal, beginning so, the rest; short and new ones first."""
    _, number, title, rank, alike = row
    return (-alike, rank, len(title), -number)


def may_be_misspelt(typed: str) -> bool:
    """Whether it is worth looking for words that are only similar."""
    return sum(one.isascii() and one.isalpha() for one in typed) >= LETTERS
