"""Words by which a person is known, and the places beside the records where they may stand.

History, comments, messages, e-mails, the ledger, imports: what is anonymised is blacked out there
as well. Numbers and addresses are one person's, so they are looked for wherever they may be; names
are many people's, so they are looked for only around the person's own records.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from psycopg.types.json import Jsonb

from app.database import automation_tables as told
from app.database import change_tables, mail_tables, system, transfer_tables, view_tables
from app.database.statements import Statement
from app.definitions.catalog import Field
from app.fields.masking import HIDDEN
from app.records.work import Work

#: Types whose values are words of a person; a date or a choice is many people's.
WORDED = frozenset(
    {"text", "longtext", "markdown", "email", "emails", "phone", "phones", "url", "urls", "address"}
)
_E164 = re.compile(r"\+\d{6,15}(;ext=\d+)?\Z")
#: Longer ones are no names: they go with their field.
_LONGEST = 200
#: Signs people write between digits, and how few digits are nobody's number.
_BETWEEN, _FEWEST_DIGITS = r"[ ()-]*", 7
_IDS = sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger))


def leaves(one: Field, value: Any) -> Iterator[str]:
    """Yield the texts in a value of history's JSON that say something of a person."""
    if value is None or one.type.name not in WORDED:
        return
    for each in value if isinstance(value, list) else [value]:
        key = "street" if one.type.name == "address" else getattr(one.type, "key", None)
        text = each.get(key) if isinstance(each, Mapping) else each
        if isinstance(text, str) and text:
            yield text


@dataclass(slots=True)
class Words:
    """What names a person."""

    #: digits of telephone numbers, and e-mail addresses
    numbers: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def add(self, text: str) -> None:
        """Take a text in as what it looks like."""
        if _E164.match(text):
            digits = text[1:].partition(";")[0]
            self.numbers |= {digits, _national(text)}
        elif "@" in text and " " not in text:
            self.addresses.add(text)
        elif not text.startswith("#") and len(text) <= _LONGEST and len(text) >= 2 + text.isascii():
            self.names.add(text)

    @property
    def own(self) -> list[str]:
        """The patterns of what is one person's alone."""
        numbers = [one for one in self.numbers if len(one) >= _FEWEST_DIGITS]
        return [_BETWEEN.join(one) for one in sorted(numbers, key=len, reverse=True)] + [
            re.escape(one) for one in sorted(self.addresses)
        ]

    @property
    def all(self) -> list[str]:
        """The patterns of everything."""
        longest = sorted(self.names, key=len, reverse=True)
        return self.own + [re.escape(one) for one in longest]


def _national(text: str) -> str:
    import phonenumbers

    try:
        return str(phonenumbers.parse(text.partition(";")[0]).national_number)
    except phonenumbers.NumberParseException:
        return text[1:].partition(";")[0]


def blacked_out(value: Any, patterns: Iterable[str]) -> Any:
    """Return a text, or JSON of any depth, with what the patterns find hidden."""
    each = "|".join(patterns)
    # No number within a longer one, no name within another word.
    found = re.compile(rf"(?<![A-Za-z0-9_])\+?(?:{each})(?![A-Za-z0-9_])", re.IGNORECASE)
    return _hidden(value, found)


def _hidden(value: Any, found: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return found.sub(HIDDEN, value)
    if isinstance(value, list):
        return [_hidden(one, found) for one in value]
    if isinstance(value, dict):
        return {key: _hidden(one, found) for key, one in value.items()}
    return value


@dataclass(frozen=True, slots=True)
class Place:
    """Columns of a system table in which words of a person may stand."""

    name: str
    table: sa.Table
    columns: tuple[str, ...]
    #: the columns that name the record a row is about
    of_record: bool = True
    #: whether numbers and addresses are looked for in rows about other records too
    everywhere: bool = True


PLACES = (
    Place("history", system.history, ("before", "after"), everywhere=False),
    Place("comments", told.comment, ("text",)),
    Place("messages", told.message, ("text",)),
    Place("deliveries", told.delivery, ("target", "content", "tried")),
    Place("emails", mail_tables.mail, ("sender", "subject", "problem")),
    Place("rules", told.firing, ("input", "reason", "steps")),
    Place("approvals", told.approval, ("comment",)),
    Place("files", system.file, ("name",)),
    Place("merges", change_tables.change_moved, ("data",)),
    Place("changes", change_tables.change_run, ("doing", "note"), of_record=False),
    Place("imports", transfer_tables.import_fault, ("values", "reasons"), of_record=False),
    Place("exports", transfer_tables.export_run, ("wanted", "name"), of_record=False),
    Place("audit", system.audit, ("details",), of_record=False),
    Place("views", view_tables.saved_view, ("settings", "name"), of_record=False),
    Place("arrangements", view_tables.view_choice, ("settings",), of_record=False),
    Place("answers", system.idempotency, ("answer",), of_record=False),
)


#: ids by entity
Ids = Mapping[str, Iterable[int]]


def black_out(work: Work, around: Ids, apart: Ids, words: Words) -> dict[str, int]:
    """Hide a person's words beside the records; return how many rows changed, by place.

    Args:
        around: the person's records and those about them: names are hidden as well.
        apart: others in whose texts numbers and addresses were hidden.
    """
    counts: dict[str, int] = {}
    for place in PLACES:
        count = 0
        if place.of_record:
            for ids, patterns in ((around, words.all), (apart, words.own)):
                count += _black_out_of(work, place, ids, patterns)
        if place.everywhere and words.own:
            count += _black_out(work, place, sa.true(), {}, words.own)
        if count:
            counts[place.name] = count
    return counts


def _black_out_of(work: Work, place: Place, records: Ids, patterns: list[str]) -> int:
    count = 0
    for entity, ids in records.items() if patterns else ():
        mine = sa.and_(
            place.table.c.entity == work.number(entity),
            place.table.c.record_id == sa.func.any(_IDS),
        )
        count += _black_out(work, place, mine, {"_ids": sorted(ids)}, patterns)
    return count


def mentions(place: Place, patterns: Iterable[str]) -> sa.ColumnElement[bool]:
    """Return whether a row of a place may hold one of the patterns; `blacked_out` is exact."""
    texts = [sa.cast(place.table.c[name], sa.Text) for name in place.columns]
    pattern = sa.literal("|".join(patterns), sa.Text())
    return sa.func.concat_ws(sa.literal("\n"), *texts).op("~*", is_comparison=True)(pattern)


def _black_out(
    work: Work,
    place: Place,
    condition: sa.ColumnElement[bool],
    values: Mapping[str, Any],
    patterns: list[str],
) -> int:
    table, keys = place.table, [column.name for column in place.table.primary_key]
    chosen = sa.select(*(table.c[name] for name in (*keys, *place.columns)))
    rows = Statement(chosen.where(condition, mentions(place, patterns)).with_for_update()).rows(
        work.connection, values
    )
    written = Statement(
        sa.update(table)
        .where(*(table.c[key] == sa.bindparam(f"_{key}") for key in keys))
        .values({name: sa.bindparam(f"new_{name}") for name in place.columns})
    )
    changed = []
    for row in rows:
        new = {name: blacked_out(row[name], patterns) for name in place.columns}
        if any(new[name] != row[name] for name in place.columns):
            told_ = {f"new_{name}": _as_written(table.c[name], one) for name, one in new.items()}
            changed.append({**{f"_{key}": row[key] for key in keys}, **told_})
    if changed:
        written.many(work.connection, changed)
    return len(changed)


def _as_written(column: sa.Column[Any], value: Any) -> Any:
    return Jsonb(value) if isinstance(column.type, sa.JSON) and value is not None else value
