"""What a person is looked for by, and the records in whose fields they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.access.visibility import visible
from app.database import system
from app.database.statements import Statement
from app.definitions.business_calendar import country_of
from app.definitions.catalog import Entity, Field
from app.errors import Malformed
from app.fields.base import FieldError
from app.fields.normal import normal, normal_sql
from app.fields.reaching import read_phone
from app.records.grams import pairs_of
from app.records.journal import searched_fields
from app.records.traces import WORDED, Words
from app.records.work import Work
from app.texts import say

RIGHT = "anonymise"
#: Lists are short; here a table may be read by several at once, to the end of the transaction.
_together = Statement(
    sa.select(sa.func.set_config("max_parallel_workers_per_gather", "2", sa.true()))
)
_PHONE = re.compile(r"\+?[\d ()/.-]{7,}\Z")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person is looked for by."""

    text: str
    #: as texts are compared
    plain: str
    #: digits of a telephone number without country code, if it is one
    digits: str
    #: the same with it, as telephone numbers are kept
    number: str
    words: Words

    @property
    def patterns(self) -> list[str]:
        """What it looks like within longer texts."""
        return self.words.all


def asked(work: Work, text: str) -> Asked:
    """Return what somebody typed: a name, a telephone number or an e-mail address.

    Raises:
        Malformed: it is too short to be anybody's.
    """
    text = text.replace("\x00", "").strip()
    plain, words, digits, number = normal(text), Words(), "", ""
    if _PHONE.match(text):
        try:
            number = read_phone(text, country_of(work.release.catalog.app.calendar))
        except FieldError:
            number = "+" + re.sub(r"\D", "", text)
        words.add(number)
        digits = min(words.numbers, key=len, default="")
    else:
        words.add(text)
    if not words.all or len(text) > 200:
        raise Malformed(
            say(
                "Give a name, a telephone number or an e-mail address: at least two characters, "
                "at most 200.",
                "请输入姓名、电话或邮箱：至少两个字符，最多 200 个。",
            )
        )
    return Asked(text, plain, digits, number, words)


def _searched(work: Work, entity: Entity) -> Iterator[tuple[Field, bool]]:
    """Yield the fields that name a person and may be seen: the title is one, marked or not.

    With each, whether it is masked: then only who has the whole value finds by it, or the mask
    could be guessed away a digit at a time.
    """
    for name, one in entity.fields.items():
        is_meant = one.personal or name == entity.title
        is_worded = not one.removed and one.type.stored and one.type.name in WORDED
        right = work.policy.field_right(entity.name, name)
        if is_meant and is_worded and right != "hidden":
            yield one, right == "masked"


def _holds(
    one: Field, table: Any, wanted: Asked, *, as_whole: bool
) -> sa.ColumnElement[bool] | None:
    is_phone = one.type.name in ("phone", "phones")
    needle = wanted.digits if is_phone else wanted.plain
    if not needle:
        return None
    column = _column(one, table)
    if column is None:
        return None
    text = sa.cast(column, sa.Text) if not isinstance(column.type, sa.Text) else column
    # Numbers are kept in one form; making others alike costs more than looking at them.
    plain = text if is_phone else normal_sql(text)
    if as_whole:
        needle = wanted.number if is_phone else needle
        if column is text:
            return plain == needle
        return plain.contains(f'"{needle}"', autoescape=True)
    return plain.contains(needle, autoescape=True)


def _column(one: Field, table: Any) -> sa.ColumnElement[Any] | None:
    column: sa.ColumnElement[Any] | None = table.c.get(one.name)
    return column if column is not None else table.c.get(f"{one.name}__street")


def in_fields(
    work: Work, entity: Entity, wanted: Asked, most: int
) -> tuple[dict[int, tuple[str, ...]], set[int]]:
    """Return the records in whose fields a person stands, each with these fields, and the binned.

    What search knows is found by its index. What it does not, and what is in the bin, is read
    through once, all such fields put together.
    """
    table = work.release.tables[entity.name].alias()
    ways = {
        one.name: way
        for one, is_masked in _searched(work, entity)
        if (way := _holds(one, table, wanted, as_whole=is_masked)) is not None
    }
    if not ways:
        return {}, set()
    mine = visible(work.release, entity.name, table, work.policy, RIGHT)
    _together.run(work.connection)
    any_way = sa.or_(*ways.values())
    known = set(searched_fields(entity))
    parts = []
    if known & ways.keys():
        parts.append(sa.select(table.c.id).where(_known_to_search(work, entity, table, wanted)))
        # The bin is in no search.
        parts.append(sa.select(table.c.id).where(table.c.deleted_at.is_not(None), any_way))
    if left := [name for name in ways if name not in known]:
        parts.append(sa.select(table.c.id).where(_holds_any(entity, left, table, wanted)))
    each = [part.where(any_way, mine).limit(most + 1) for part in parts]
    ids = sa.union(*(one.order_by(table.c.id) for one in each)).subquery("ids")
    labels = [way.label(f"by_{number}") for number, way in enumerate(ways.values())]
    chosen = (
        sa.select(table.c.id, table.c.deleted_at, *labels)
        .join(ids, ids.c.id == table.c.id)
        .order_by(table.c.deleted_at.is_not(None), table.c.id)
        .limit(most)
    )
    rows = Statement(chosen).run(work.connection, work.asker).fetchall()
    told = {
        row[0]: tuple(name for name, holds in zip(ways, row[2:], strict=True) if holds)
        for row in rows
    }
    return told, {row[0] for row in rows if row[1] is not None}


def _known_to_search(
    work: Work, entity: Entity, table: Any, wanted: Asked
) -> sa.ColumnElement[bool]:
    """Return whether search knows the words of a record; which field holds them is asked of it."""
    row = system.search.alias()
    said = []
    for text in filter(None, (wanted.plain, wanted.digits)):
        holds = [row.c.search.contains(text, autoescape=True)]
        if pairs := [pair for pair in pairs_of(text) if len(pair) > 1]:
            # The index of trigrams knows nothing of two characters.
            holds.append(row.c.grams.contains(pairs))
        said.append(sa.and_(*holds))
    found = sa.select(row.c.record_id).where(
        # As for names that are alike: only the words lead to few rows.
        row.c.entity + sa.literal_column("0") == work.number(entity.name),
        sa.or_(*said),
    )
    first = found.cte("found").prefix_with("MATERIALIZED", dialect="postgresql")
    is_found: sa.ColumnElement[bool] = table.c.id.in_(sa.select(first.c.record_id))
    return is_found


def _holds_any(
    entity: Entity, names: Iterable[str], table: Any, wanted: Asked
) -> sa.ColumnElement[bool]:
    """Return whether one of some fields may hold it: all of them in one text, made alike once."""
    fields = [entity.fields[name] for name in names]
    texts = [
        sa.cast(column, sa.Text) for one in fields if (column := _column(one, table)) is not None
    ]
    plain = normal_sql(sa.func.concat_ws(sa.literal("\n"), *texts, type_=sa.Text()))
    needles = {wanted.plain, wanted.digits} - {""}
    return sa.or_(*(plain.contains(one, autoescape=True) for one in sorted(needles)))
