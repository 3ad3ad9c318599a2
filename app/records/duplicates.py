"""The same thing twice: records that share a value, or whose names are nearly the same.

``duplicates`` of an entity says what to look for and whether to refuse or to warn. Who may not read
a record, or the field it is found by, is never told which one it is; of a mere warning nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.database import system
from app.definitions.catalog import DuplicateRule, Entity, Field
from app.errors import NotFound
from app.fields.normal import normal, normal_sql
from app.records.checking import closed_ids, lock_for, visible_ids
from app.records.drafts import Draft, Problems
from app.records.kinship import kin
from app.records.pairs import Met, told_apart
from app.records.statements import Statement
from app.records.work import Work
from app.texts import Label, say

#: Records that are named for each rule.
MOST = 5
#: The part of all records, in percent, that is asked whether a text is in many; more than so
#: many, and being like it says nothing. It takes some hundred thousand records to come to that.
SAMPLE, OFTEN = "0.1", 3

_titles = Statement(
    sa.select(system.search.c.record_id, system.search.c.title).where(
        system.search.c.entity == sa.bindparam("entity"),
        system.search.c.record_id == sa.func.any(sa.bindparam("ids", type_=ARRAY(sa.BigInteger))),
    )
)


def _often_statement() -> Statement:
    text, search = sa.bindparam("_text", type_=sa.Text), system.search
    # What `<%` takes for alike, to the end of the transaction. A statement of its own: that of the
    # candidates is planned by it. Rows are looked at beside it, so after it.
    least = sa.func.set_config(
        "pg_trgm.word_similarity_threshold", sa.bindparam("_least", type_=sa.Text), sa.true()
    )
    told = sa.select(least.label("least")).subquery("told")
    sample = sa.tablesample(
        search, sa.func.system(sa.literal_column(SAMPLE)), "sample", sa.literal_column("1")
    )
    alike = text.op("<%", is_comparison=True)(sample.c.search)
    found = sa.select(sample.c.record_id).where(told.c.least.is_not(None), alike).lateral("found")
    return Statement(
        sa.select(sa.func.count(found.c.record_id))
        .select_from(told)
        .join(found, sa.true(), isouter=True)
    )


_often = _often_statement()


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A record that may be the same thing. Without ``id`` it is one the asker may not see."""

    entity: str
    id: int | None
    title: str | None
    #: the field of the record at hand by which it was found
    field: str
    #: whether a save is refused, not only warned about
    refuses: bool
    #: whether the value is the same, not only similar
    same: bool

    def as_json(self) -> dict[str, Any]:
        """Return it as the API writes it."""
        return {
            "entity": self.entity,
            "id": self.id,
            "title": self.title,
            "field": self.field,
            "refuses": self.refuses,
            "same": self.same,
        }


def check_duplicates(work: Work, draft: Draft, problems: Problems) -> list[Label]:
    """Look for duplicates by the fields a save changes; return what is only to be warned about."""
    if not draft.entity.duplicates:
        return []
    changed = {name for name in draft.changes if draft.changed(name)}
    warnings: list[Label] = []
    met: list[Met] = []
    after = draft.after()
    for found in find_duplicates(work, draft.entity, after, changed, draft.id, hold=True, met=met):
        if found.refuses:
            problems.add(found.field, _sentence(work, draft.entity, found))
        elif found.id is not None:
            warnings.append(_sentence(work, draft.entity, found))
    if met:
        # A new record has its number once it is written.
        draft.met.extend(met)
    return warnings


def _sentence(work: Work, entity: Entity, found: Duplicate) -> Label:
    field = entity.fields[found.field].label
    if found.id is None:
        return say(
            "A record you may not see has the same {field}.",
            "您无权查看的一条记录使用了相同的{field}。",
            field=field,
        )
    kind = work.release.catalog.entities[found.entity].label
    if found.same:
        return say(
            "{entity} “{title}” has the same {field}.",
            "{entity}“{title}”的{field}与此相同。",
            entity=kind,
            title=found.title,
            field=field,
        )
    return say(
        "{entity} “{title}” has a similar {field}.",
        "{entity}“{title}”的{field}与此相似。",
        entity=kind,
        title=found.title,
        field=field,
    )


def find_duplicates(
    work: Work,
    entity: Entity,
    values: Mapping[str, Any],
    concerned: set[str],
    exclude: int | None = None,
    *,
    hold: bool = False,
    met: list[Met] | None = None,
) -> Iterator[Duplicate]:
    """Yield the records that may be the same as one with *values*, each once a rule.

    Args:
        concerned: the fields to look by; rules about others are passed over.
        exclude: the record itself.
        hold: keep others from saving the same value until the transaction ends.
        met: takes what is only warned about, whoever may see it.
    """
    for rule in entity.duplicates:
        if hold and not rule.refuse and work.origin == "import":
            # Nobody reads the warnings of thousands of rows; they are asked for many at once.
            continue
        seen: set[tuple[str, int | None]] = set()
        for found in _by_rule(work, entity, rule, values, concerned, exclude, hold=hold, met=met):
            if (found.entity, found.id) not in seen:
                seen.add((found.entity, found.id))
                yield found


def _by_rule(
    work: Work,
    entity: Entity,
    rule: DuplicateRule,
    values: Mapping[str, Any],
    concerned: set[str],
    exclude: int | None,
    *,
    hold: bool,
    met: list[Met] | None,
) -> Iterator[Duplicate]:
    for path in rule.same or (rule.similar or "",):
        name, _, part = path.partition(".")
        if name not in concerned:
            continue
        asked = compared(entity.fields[name], part, values.get(name))
        if not asked:
            continue
        if hold and rule.refuse and rule.same:
            # Two who save the same value at the same moment must see each other.
            for each in sorted(str(one) for one in asked):
                lock_for(work, f"duplicate:{each}")
        for other, other_path in ((entity.name, path), *rule.also_in):
            found = (
                same_records(work, other, other_path, asked)
                if rule.same
                else _similar(work, other, other_path, str(asked[0]), rule.at_least)
            )
            if other == entity.name:
                found = [each for each in found if each != exclude]
            if found and not rule.refuse:
                apart = kin(work, entity.name, values, exclude, other, found)
                if exclude is not None:
                    apart |= told_apart(work, entity.name, exclude, other, found)
                found = [each for each in found if each not in apart]
            if met is not None and not rule.refuse and found:
                met.append(Met(rule, path, other, other_path, found[:MOST]))
            yield from _shown(work, rule, name, other, other_path, found[:MOST])


def duplicates_of(work: Work, entity: Entity, record_id: int) -> list[Duplicate]:
    """Return the records that may be the same as one that is there.

    By fields the asker may not read nothing is looked for.
    """
    row = work.rows[entity.name].read(work.connection, [record_id]).get(record_id)
    if row is None or not visible_ids(work, entity.name, [record_id]):
        raise NotFound
    concerned = {name for name in entity.fields if work.policy.is_readable(entity.name, name)}
    concerned -= {n for n in concerned if closed_ids(work, entity.name, [record_id], n)}
    values = work.rows[entity.name].values(row)
    return list(find_duplicates(work, entity, values, concerned, record_id))


def compared(field: Field, part: str, value: Any) -> list[Any]:
    """Return what a value is compared by: texts normalised, each of several by itself."""
    if value is None:
        return []
    if part:
        value = field.type.to_columns(field, value).get(f"{field.name}__{part}")
    key = getattr(field.type, "key", None)
    several = list(value) if isinstance(value, list | tuple | set) else [value]
    singles = [one[key] if key and isinstance(one, Mapping) else one for one in several]
    found = [normal(one) if isinstance(one, str) else one for one in singles]
    return [one for one in found if one is not None and one != ""]


def same_records(work: Work, entity: str, path: str, asked: list[Any]) -> list[int]:
    """Return records, not in the bin, that have one of the values."""
    statement = work.rows.cached(
        ("same", entity, path), lambda: _same_statement(work, entity, path)
    )
    if not is_text(work, entity, path):
        asked = [one for one in asked if not isinstance(one, str)]
    else:
        asked = [str(one) for one in asked]
    return [row[0] for row in statement.run(work.connection, {"_values": asked})]


def column_of(path: str, table: Any) -> Any:
    """Return the column of a field, or of a part of one."""
    return table.c[path.replace(".", "__")]


def is_text(work: Work, entity: str, path: str) -> bool:
    """Return whether a field is compared as text."""
    column = column_of(path, work.release.tables[entity])
    kind = column.type.item_type if isinstance(column.type, ARRAY) else column.type
    return isinstance(kind, sa.Text | sa.String | JSONB)


def _same_statement(work: Work, entity: str, path: str) -> Statement:
    table = work.release.tables[entity].alias()
    column = column_of(path, table)
    text = is_text(work, entity, path)
    item = column.type.item_type if isinstance(column.type, ARRAY) else column.type
    given = sa.bindparam("_values", type_=ARRAY(sa.Text() if text else item))
    chosen = sa.select(table.c.id)
    if isinstance(column.type, JSONB):
        field = work.release.catalog.entities[entity].fields[path]
        values = sa.func.unnest(given).table_valued(sa.column("value", sa.Text), name="given")
        values = values.render_derived()
        key = sa.literal(field.type.key, sa.Text)  # type: ignore[attr-defined]
        each = sa.func.jsonb_build_object(key, values.c.value, type_=JSONB())
        holds = column.contains(sa.func.jsonb_build_array(each, type_=JSONB()))
        chosen = chosen.join_from(values, table, holds)
    elif isinstance(column.type, ARRAY):
        chosen = chosen.where(column.op("&&")(given))
    elif text:
        chosen = chosen.where(normal_sql(column) == sa.any_(given))
    else:
        chosen = chosen.where(column == sa.any_(given))
    # By itself: the first by number would be looked for in the order of numbers, through them all.
    found = chosen.where(table.c.deleted_at.is_(None)).cte("found")
    found = found.prefix_with("MATERIALIZED", dialect="postgresql")
    return Statement(sa.select(found.c.id).distinct().order_by(found.c.id).limit(MOST + 1))


def _similar(work: Work, entity: str, path: str, text: str, at_least: float) -> list[int]:
    """Return records, not in the bin, whose text is at least so similar, the most similar first."""
    if not is_text(work, entity, path):
        return []
    often = _often.run(work.connection, {"_text": text, "_least": str(at_least)}).fetchone()
    if often is None or often[0] > OFTEN:
        return []
    statement = work.rows.cached(
        ("similar", entity, path), lambda: _similar_statement(work, entity, path)
    )
    parameters = {"_text": text, "_at_least": Decimal(str(at_least))}
    return [row[0] for row in statement.run(work.connection, parameters)]


def _similar_statement(work: Work, entity: str, path: str) -> Statement:
    table, search = work.release.tables[entity].alias(), system.search
    text = sa.bindparam("_text", type_=sa.Text)
    # The index of search knows the words of a record; only candidates are compared exactly. All of
    # them, with no limit here: it would have the planner read the table until it has so many.
    candidates = (
        sa.select(search.c.record_id)
        .where(
            # Hidden from the index of entities: only that of the words leads to few rows.
            search.c.entity + sa.literal_column("0") == work.number(entity),
            text.op("<%", is_comparison=True)(search.c.search),
        )
        .cte("candidates")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    alike = sa.func.similarity(normal_sql(column_of(path, table)), text)
    return Statement(
        sa.select(table.c.id)
        .select_from(candidates)
        .join(table, table.c.id == candidates.c.record_id)
        .where(table.c.deleted_at.is_(None), alike >= sa.bindparam("_at_least", type_=sa.Numeric))
        .order_by(alike.desc(), table.c.id)
        .limit(MOST + 1)
    )


def _shown(
    work: Work, rule: DuplicateRule, field: str, entity: str, path: str, ids: list[int]
) -> Iterator[Duplicate]:
    """Yield what was found, as far as the asker may know of it."""
    if not ids:
        return
    refuses, same = rule.refuse, bool(rule.same)
    seen, titles = _seen(work, entity, path, ids)
    for each in ids:
        if each in seen:
            yield Duplicate(entity, each, titles.get(each) or f"#{each}", field, refuses, same)
        elif refuses:
            yield Duplicate(entity, None, None, field, refuses, same)


def shown_many(work: Work, met: Iterable[tuple[int, Met]]) -> Iterator[tuple[int, Duplicate]]:
    """Yield what many records met, as far as the asker may know of it: one question a field."""
    groups: dict[tuple[str, str, str, bool], list[tuple[int, list[int]]]] = {}
    for number, one in met:
        key = (one.entity, one.other_path, one.path.partition(".")[0], bool(one.rule.same))
        groups.setdefault(key, []).append((number, list(one.ids)))
    for (entity, path, field, same), found in groups.items():
        seen, titles = _seen(work, entity, path, {each for _, ids in found for each in ids})
        for number, ids in found:
            for each in (one for one in ids if one in seen):
                title = titles.get(each) or f"#{each}"
                yield number, Duplicate(entity, each, title, field, refuses=False, same=same)


def _seen(
    work: Work, entity: str, path: str, ids: Iterable[int]
) -> tuple[set[int], dict[int, str]]:
    """Return the records whose value of a field the asker may know, with their titles."""
    name = path.partition(".")[0]
    seen = visible_ids(work, entity, ids) if work.policy.is_readable(entity, name) else set()
    # Whose number it is would tell what a pool hides.
    seen -= closed_ids(work, entity, seen, name)
    return seen, _titles_of(work, entity, seen)


def _titles_of(work: Work, entity: str, ids: set[int]) -> dict[int, str]:
    title = work.release.catalog.entities[entity].title
    if not ids or title is None or not work.policy.is_readable(entity, title):
        return {}
    parameters = {"entity": work.number(entity), "ids": sorted(ids)}
    return {row[0]: row[1] for row in _titles.run(work.connection, parameters)}
