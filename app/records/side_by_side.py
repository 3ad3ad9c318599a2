"""Several records that are to become one, field by field: what differs, and which value stays.

Whoever merges sees and takes only what they may read of every record and write in the one that
stays. Nothing is written here; `merging` does that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from app.access.visibility import Visibility, visible
from app.database import system
from app.database.automation_tables import comment
from app.definitions.catalog import Entity, Field
from app.errors import Forbidden, InvalidInput
from app.fields.normal import normal
from app.records.checking import closed_ids, is_empty
from app.records.deleting import pointers_to, points_at
from app.records.drafts import no_such_field
from app.records.files import find_files
from app.records.linesets import load_lines
from app.records.saving import line_as_json
from app.records.statements import Statement, json_text
from app.records.undo_plans import given_rows
from app.records.work import Work
from app.texts import Label, say

#: The values of all records together, in a field that holds several.
ALL = "all"
#: Records that are put side by side.
MOST = 10
#: Fields whose values are put together, unless somebody wants it otherwise.
_JOINED = frozenset({
    "tags", "choices", "links", "users", "departments", "phones", "emails", "urls", "files",
    "images", "lines", "longtext", "markdown",
})  # fmt: skip
_TEXTS = frozenset({"longtext", "markdown"})
_FILES = frozenset({"file", "files", "image", "images", "signature"})
#: What the kept record has of these stays unless somebody says so: its name, its place in a
#: lifecycle and whose it is are what it was chosen for.
_ITS_OWN = frozenset({"stage"})

Take = Mapping[str, int | str]

_entry = system.history
_changed = Statement(
    sa.select(
        _entry.c.record_id,
        sa.func.jsonb_object_keys(_entry.c.after).label("name"),
        _entry.c.happened_at,
    )
    .where(
        _entry.c.entity == sa.bindparam("entity", type_=sa.SmallInteger),
        _entry.c.record_id == sa.func.any(sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger))),
    )
    .order_by(_entry.c.id)
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A field in which the records differ."""

    field: str
    #: by record, as the API has it
    values: Mapping[int, Any]
    #: the record whose value is proposed, or `ALL`
    proposed: int | str
    #: whether the values of all may stay together
    joins: bool


@dataclass(frozen=True, slots=True)
class SideBySide:
    """What several records of an entity hold."""

    entity: str
    keep: int
    #: the kept one first
    ids: Sequence[int]
    versions: Mapping[int, int]
    choices: Sequence[Choice]
    #: fields that are filled, and the same in all
    same: Sequence[str]
    #: how many records that may be read hang on each: entity -> record -> number
    hanging: Mapping[str, Mapping[int, int]]
    #: names of files that values hold
    files: Mapping[int, str]

    def as_json(self) -> dict[str, Any]:
        """Return it as the API writes it."""
        return {
            "keep": self.keep,
            "records": [{"id": one, "version": self.versions[one]} for one in self.ids],
            "fields": [
                {
                    "field": one.field,
                    "values": {str(number): value for number, value in one.values.items()},
                    "proposed": one.proposed,
                    "joins": one.joins,
                }
                for one in self.choices
            ],
            "same": list(self.same),
            "hanging": {
                name: {str(number): count for number, count in counts.items()}
                for name, counts in self.hanging.items()
            },
        }


def check_open(work: Work, entity: Entity, ids: Sequence[int]) -> None:
    """Refuse records of which a public sea hides something: merged, they would show it.

    Raises:
        Forbidden: one of them is not open.
    """
    table = work.release.tables[entity.name].alias()
    veils = Visibility(work.release, work.policy).veils(entity.name, table)
    if any(closed_ids(work, entity.name, ids, name) for name in ("", *veils)):
        raise Forbidden(
            say(
                "Claim them first: a public sea hides part of what you want to merge.",
                "请先领取：公海隐藏了所选记录的部分内容，无法合并。",
            )
        )


def put_side_by_side(
    work: Work, entity: Entity, rows: Mapping[int, Mapping[str, Any]], keep: int | None = None
) -> SideBySide:
    """Return what records hold, by their rows; without *keep* the one most hangs on is kept."""
    check_open(work, entity, list(rows))
    hanging = _hanging(work, entity, sorted(rows))
    if keep is None:
        weight = {number: sum(by.get(number, 0) for by in hanging.values()) for number in rows}
        keep = min(rows, key=lambda number: (-weight[number], number))
    ids = [keep, *sorted(number for number in rows if number != keep)]
    held = {number: _values_of(work, entity, number, rows[number]) for number in ids}
    changed = _changes(work, entity, ids)
    choices, same = [], []
    for one in _offered(work, entity):
        values = {
            number: _without_itself(entity, one, held[number].get(one.name), ids) for number in ids
        }
        if all(is_empty(value) for value in values.values()):
            continue
        if all(_bare(value) == _bare(values[keep]) for value in values.values()):
            same.append(one.name)
            continue
        joins = one.type.name in _JOINED
        proposed = _proposed(entity, one, values, keep, changed, joins=joins)
        choices.append(Choice(one.name, values, proposed, joins))
    named = [one for choice in choices if entity.fields[choice.field].type.name in _FILES
             for value in choice.values.values() for one in _several(value)]  # fmt: skip
    files = {number: str(row["name"]) for number, row in find_files(work.connection, named).items()}
    versions = {number: int(rows[number]["version"]) for number in ids}
    return SideBySide(entity.name, keep, ids, versions, choices, same, hanging, files)


def _offered(work: Work, entity: Entity) -> list[Field]:
    """Return the fields about which something is to be chosen."""
    policy = work.policy
    writable = policy.writable(entity.name)
    return [
        one
        for name, one in entity.fields.items()
        if not one.removed
        and one.type.writable
        and one.readonly is not True
        and name in writable
        and policy.is_readable(entity.name, name)
        and (name != "owner" or policy.may("transfer", entity.name))
    ]


def _values_of(work: Work, entity: Entity, number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a record holds, as the API has it."""
    values = work.rows[entity.name].values(row)
    found = {
        name: entity.fields[name].type.to_json(entity.fields[name], value)
        for name, value in values.items()
        if value is not None and name in entity.fields
    }
    # As they come back from the database, so that a value is equal to itself.
    return {**orjson.loads(json_text(found)), **_lines_of(work, entity, number)}


def _lines_of(work: Work, entity: Entity, number: int) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of lines of a record with what whoever merges may give in one."""
    found = {}
    for name, rows in load_lines(work, entity, number).items():
        own = work.rows[f"{entity.name}.{name}"]
        writable = work.policy.writable(own.entity.name)
        as_json = orjson.loads(json_text([line_as_json(own, row) for row in rows]))
        given = given_rows(own, as_json)
        found[name] = [
            {"id": row["id"], **{key: value for key, value in one.items() if key in writable}}
            for row, one in zip(as_json, given, strict=True)
        ]
    return found


def _without_itself(entity: Entity, one: Field, value: Any, ids: Sequence[int]) -> Any:
    """Return a value without the records that become one: none can name itself."""
    if value is None or entity.name not in one.type.targets(one):
        return value
    if one.type.name == "any_link":
        return None if value["entity"] == entity.name and value["id"] in ids else value
    if one.type.many:
        return [each for each in value if each not in ids]
    return None if value in ids else value


def _several(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _changes(work: Work, entity: Entity, ids: Sequence[int]) -> dict[tuple[int, str], datetime]:
    """Return when each field of each record was written last."""
    given = {"entity": work.number(entity.name), "_ids": list(ids)}
    return {(row[0], row[1]): row[2] for row in _changed.run(work.connection, given)}


def _proposed(
    entity: Entity,
    one: Field,
    values: Mapping[int, Any],
    keep: int,
    changed: Mapping[tuple[int, str], datetime],
    *,
    joins: bool,
) -> int | str:
    """Return whose value is proposed: one that is filled, of several the newest, else the kept."""
    filled = [number for number, value in values.items() if not is_empty(value)]
    if joins and len(filled) > 1:
        return ALL
    its_own = one.name in ("owner", entity.title) or one.type.name in _ITS_OWN
    if len(filled) == 1 or (its_own and keep in filled):
        return keep if its_own and keep in filled else filled[0]
    newest = max((changed[n, one.name] for n in filled if (n, one.name) in changed), default=None)
    at_newest = [n for n in filled if newest is not None and changed.get((n, one.name)) == newest]
    if keep in filled and (not at_newest or keep in at_newest):
        return keep
    return (at_newest or filled)[0]


def _hanging(work: Work, entity: Entity, ids: Sequence[int]) -> dict[str, dict[int, int]]:
    """Return how many records, comments and files hang on each, as far as they may be read."""
    given = sa.func.unnest(sa.bindparam("_each", type_=sa.ARRAY(sa.BigInteger)))
    each = given.table_valued(sa.column("id", sa.BigInteger), name="each").render_derived()
    parts = []
    for pointer in pointers_to(work.release.catalog, entity.name):
        other = pointer.entity
        if other.lines_of is not None or not work.policy.may("read", other.name):
            continue
        if not work.policy.is_readable(other.name, pointer.field.name):
            continue
        table: Any = work.rows[other.name].table.alias()
        column = table.c[pointer.field.name]
        named = each.c.id == sa.func.any(column) if pointer.field.type.many else column == each.c.id
        parts.append(
            sa.select(sa.literal(other.name, sa.Text), each.c.id, sa.func.count())
            .select_from(each.join(table, named))
            .where(
                points_at(work, pointer, table, entity.name),
                table.c.deleted_at.is_(None),
                visible(work.release, other.name, table, work.policy),
            )
            .group_by(each.c.id)
        )
    for word, beside in (("comment", comment), ("file", system.file)):
        mine = sa.and_(beside.c.entity == work.number(entity.name), beside.c.record_id == each.c.id)
        parts.append(
            sa.select(sa.literal(f"-{word}", sa.Text), each.c.id, sa.func.count())
            .select_from(each.join(beside, mine))
            .where(beside.c.deleted_at.is_(None))
            .group_by(each.c.id)
        )
    values = {"_each": list(ids), "_ids": list(ids), **work.asker}
    found: dict[str, dict[int, int]] = {}
    for name, number, count in Statement(sa.union_all(*parts)).run(work.connection, values):
        by_record = found.setdefault(name, {})
        by_record[number] = by_record.get(number, 0) + count
    return found


# -- what was chosen -------------------------------------------------------------------------------


def taken(
    work: Work, entity: Entity, keep: int, rows: Mapping[int, Mapping[str, Any]], take: Take
) -> dict[str, Any]:
    """Return the values the kept record takes over, as JSON, by the records they are taken from.

    Raises:
        InvalidInput: a field is not there or may not be written, or names no record of these.
    """
    offered = {one.name: one for one in _offered(work, entity)}
    problems: dict[str, list[Label]] = {}
    held = {number: _values_of(work, entity, number, rows[number]) for number in rows}
    others = sorted(number for number in rows if number != keep)
    values: dict[str, Any] = {}
    for name, source in take.items():
        one = offered.get(name)
        if one is None:
            problems[name] = [_why_not(work, entity, name)]
        elif source == ALL and one.type.name in _JOINED:
            parts = [held[number].get(name) for number in (keep, *others)]
            kept_apart = [_without_itself(entity, one, part, [*rows]) for part in parts]
            values[name] = _joined(one, kept_apart)
        elif source in rows and not isinstance(source, str):
            value = _without_itself(entity, one, held[source].get(name), [*rows])
            if source != keep:
                values[name] = _bare(value)
        else:
            problems[name] = [_no_source(one)]
    if problems:
        raise InvalidInput(problems)
    return values


def _why_not(work: Work, entity: Entity, name: str) -> Label:
    one = entity.fields.get(name)
    if one is None or one.removed or work.policy.field_right(entity.name, name) == "hidden":
        return no_such_field(entity, name, work.policy)
    return say(
        "{label} cannot be taken over: you may not read or not change it.",
        "“{label}”不能取用：您无权查看或修改。",
        label=one.label,
    )


def _no_source(one: Field) -> Label:
    if one.type.name in _JOINED:
        return say(
            'The number of one of the records, or "all".',
            "应为其中一条记录的编号，或 all。",
        )
    return say("The number of one of the records.", "应为其中一条记录的编号。")


def _joined(one: Field, parts: Sequence[Any]) -> Any:
    """Return the values of several records together, each once, those of the kept one first."""
    filled = [part for part in parts if not is_empty(part)]
    if one.type.name in _TEXTS:
        return "\n\n".join(dict.fromkeys(str(part).strip() for part in filled)) or None
    if one.type.name == "lines":
        kept, *rest = parts
        # Of a row that stays nothing is given but which it is.
        there = [{"id": row["id"]} for row in kept or ()]
        return [*there, *(row for part in rest for row in _bare(part or []))]
    key = getattr(one.type, "key", None)
    found: dict[Any, Any] = {}
    for part in filled:
        for each in part:
            value = each.get(key) if key and isinstance(each, Mapping) else each
            found.setdefault(normal(value) if isinstance(value, str) else value, each)
    return list(found.values()) or None


def _bare(value: Any) -> Any:
    """Return rows of lines without their ids, so that they are new; anything else as it is."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        return value
    return [{name: each for name, each in row.items() if name != "id"} for row in value]
