"""What many records look like, for rules about duplicates that only warn: asked by sets of values.

A save asks for each record by itself. Whoever wrote thousands asks here, afterwards: a statement
for some hundred values, and names by likeness as long as there is time for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, array

from app.database import system
from app.definitions.catalog import DuplicateRule, Entity
from app.fields.normal import normal_sql
from app.records.duplicates import MOST, OFTEN, SAMPLE, column_of, compared, is_text
from app.records.kinship import kin
from app.records.pairs import Met, told_apart
from app.records.statements import Statement
from app.records.work import Work

#: Values of one statement; names are looked for a few at a time, so that one can stop in between.
_VALUES, _NAMES = 500, 50
Rows = Mapping[int, Mapping[str, Any]]


def warned_about(
    work: Work,
    entity: Entity,
    ids: Iterable[int],
    has_time: Callable[[], bool] = lambda: True,
) -> Iterator[tuple[int, Met]]:
    """Yield what rules that only warn find of records that are there: the record, and what it met.

    Whoever may see it; what was told apart and what names each other is none.

    Args:
        has_time: asked before names are compared by likeness; those left are not compared.
    """
    rules = [rule for rule in entity.duplicates if not rule.refuse]
    if not rules:
        return
    own = work.rows[entity.name]
    there = own.read(work.connection, ids).items()
    values = {number: own.values(row) for number, row in there if row.get("deleted_at") is None}
    for rule in rules:
        for path in rule.same or (rule.similar or "",):
            asked = _asked(entity, path, values)
            for other, other_path in ((entity.name, path), *rule.also_in):
                found = (
                    _same(work, other, other_path, list(asked))
                    if rule.same
                    else _similar(work, other, other_path, list(asked), rule.at_least, has_time)
                )
                yield from _met(work, entity, rule, path, (other, other_path), values, asked, found)


def _asked(entity: Entity, path: str, values: Rows) -> dict[Any, list[int]]:
    """Return the records by the values they are compared by."""
    name, _, part = path.partition(".")
    found: dict[Any, list[int]] = {}
    for number, one in values.items():
        for value in compared(entity.fields[name], part, one.get(name)):
            found.setdefault(value, []).append(number)
    return found


def _met(
    work: Work,
    entity: Entity,
    rule: DuplicateRule,
    path: str,
    other: tuple[str, str],
    values: Rows,
    asked: Mapping[Any, Sequence[int]],
    found: Iterable[tuple[Any, int]],
) -> Iterator[tuple[int, Met]]:
    by_record: dict[int, list[int]] = {}
    for value, record_id in found:
        for mine in asked[value]:
            if (entity.name, mine) != (other[0], record_id):
                by_record.setdefault(mine, []).append(record_id)
    for mine, several in by_record.items():
        ids = list(dict.fromkeys(several))
        apart = kin(work, entity.name, values[mine], mine, other[0], ids)
        apart |= told_apart(work, entity.name, mine, other[0], ids)
        if left := [each for each in ids if each not in apart][:MOST]:
            yield mine, Met(rule, path, *other, left)


def _parts(values: Sequence[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(values)
    while part := list(islice(rest, size)):
        yield part


def _same(work: Work, entity: str, path: str, values: list[Any]) -> Iterator[tuple[Any, int]]:
    text = is_text(work, entity, path)
    wanted = [str(one) for one in values] if text else [
        one for one in values if not isinstance(one, str)
    ]  # fmt: skip
    named = dict(zip(wanted, values, strict=True)) if text else {one: one for one in wanted}
    statement = work.rows.cached(
        ("same-many", entity, path), lambda: _same_statement(work, entity, path)
    )
    for part in _parts(wanted, _VALUES):
        for value, record_id in statement.run(work.connection, {"_values": part}):
            yield named[value], record_id


def _same_statement(work: Work, entity: str, path: str) -> Statement:
    table = work.release.tables[entity].alias()
    column = column_of(path, table)
    item = column.type.item_type if isinstance(column.type, ARRAY) else column.type
    kind = sa.Text() if is_text(work, entity, path) else item
    given = sa.func.unnest(sa.bindparam("_values", type_=ARRAY(kind)))
    each = given.table_valued(sa.column("value", kind), name="given").render_derived()
    value = each.c.value
    holds: Any
    if isinstance(column.type, JSONB):
        field = work.release.catalog.entities[entity].fields[path]
        key = sa.literal(field.type.key, sa.Text)  # type: ignore[attr-defined]
        one = sa.func.jsonb_build_object(key, value, type_=JSONB())
        holds = column.contains(sa.func.jsonb_build_array(one, type_=JSONB()))
    elif isinstance(column.type, ARRAY):
        holds = column.contains(array([value]))
    elif is_text(work, entity, path):
        holds = normal_sql(column) == value
    else:
        holds = column == value
    # One more than is kept: the record itself is among them.
    found = sa.select(table.c.id).where(holds, table.c.deleted_at.is_(None)).limit(MOST + 1)
    met = found.lateral("found")
    return Statement(sa.select(value, met.c.id).select_from(each).join(met, sa.true()))


def _similar(
    work: Work,
    entity: str,
    path: str,
    texts: list[Any],
    at_least: float,
    has_time: Callable[[], bool],
) -> Iterator[tuple[Any, int]]:
    if not is_text(work, entity, path):
        return
    statement = work.rows.cached(
        ("similar-many", entity, path), lambda: _similar_statement(work, entity, path)
    )
    _likeness.run(work.connection, {"_least": str(at_least)})
    least = Decimal(str(at_least))
    for part in _parts([str(one) for one in texts], _NAMES):
        if not has_time():
            return
        often = {row[0] for row in _often.run(work.connection, {"_texts": part})}
        values = {"_texts": [one for one in part if one not in often], "_at_least": least}
        yield from statement.run(work.connection, values)


#: What ``<%`` takes for alike, to the end of the transaction.
_likeness = Statement(
    sa.select(
        sa.func.set_config(
            "pg_trgm.word_similarity_threshold", sa.bindparam("_least", type_=sa.Text), sa.true()
        )
    )
)


def _texts() -> Any:
    given = sa.func.unnest(sa.bindparam("_texts", type_=ARRAY(sa.Text)))
    return given.table_valued(sa.column("value", sa.Text), name="given").render_derived()


def _often_statement() -> Statement:
    """Return the statement for those texts that so many records hold that it says nothing."""
    each, search = _texts(), system.search
    sample = sa.tablesample(
        search, sa.func.system(sa.literal_column(SAMPLE)), "sample", sa.literal_column("1")
    )
    alike = each.c.value.op("<%", is_comparison=True)(sample.c.search)
    held = sa.select(sa.func.count().label("often")).where(alike).lateral("held")
    return Statement(
        sa.select(each.c.value).select_from(each).join(held, sa.true()).where(held.c.often > OFTEN)
    )


_often = _often_statement()


def _similar_statement(work: Work, entity: str, path: str) -> Statement:
    table, search, each = work.release.tables[entity].alias(), system.search, _texts()
    text = each.c.value
    candidates = (
        sa.select(search.c.record_id)
        # As where one record is saved: only the index of the words leads to few rows.
        .where(
            search.c.entity + sa.literal_column("0") == work.number(entity),
            text.op("<%", is_comparison=True)(search.c.search),
        )
        .offset(sa.literal_column("0"))
        .lateral("candidates")
    )
    alike = sa.func.similarity(normal_sql(column_of(path, table)), text)
    found = (
        sa.select(table.c.id)
        .select_from(candidates)
        .join(table, table.c.id == candidates.c.record_id)
        .where(table.c.deleted_at.is_(None), alike >= sa.bindparam("_at_least", type_=sa.Numeric))
        .order_by(alike.desc(), table.c.id)
        .limit(MOST + 1)
        .lateral("found")
    )
    return Statement(sa.select(text, found.c.id).select_from(each).join(found, sa.true()))
