"""Taking persons out of records: fields, history, search, texts about them, files; for good.

Checks, lifecycles and rules are not asked: what the law demands cannot wait for a telephone number.
What follows from the fields (formulas, roll-ups, reminders) is worked out anew. Nothing here knows
who may; that is the caller's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.database import system
from app.database.statements import Statement
from app.database.transfer_tables import export_run
from app.definitions.catalog import Entity, Field
from app.errors import InvalidInput
from app.records import derived
from app.records.asking import parameters_of_app
from app.records.deleting import pointers_to, points_at
from app.records.fieldlists import FILE_TYPES
from app.records.journal import Entry, write_entries, write_search_row
from app.records.legal_holds import require_free
from app.records.money import fill_base_amounts
from app.records.personal_fields import forget, personal_in_lines
from app.records.reactions import tell
from app.records.traces import Words, black_out, blacked_out, leaves
from app.records.work import Work
from app.texts import say

_IDS = sa.bindparam("_ids", type_=ARRAY(sa.BigInteger))
_ENTITY = sa.bindparam("entity", type_=sa.SmallInteger)
_NAMES = sa.bindparam("names", type_=ARRAY(sa.Text))
_history, _file = system.history, system.file
#: Files that went then are swept with the next housekeeping.
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
#: Looking through tables of millions takes longer than a page may.
_PATIENCE = "600000"
#: Fields that are free text, in which people write about persons.
TEXTS = frozenset({"text", "longtext", "markdown"})

_of_records = sa.and_(_history.c.entity == _ENTITY, _history.c.record_id == sa.func.any(_IDS))
_past = Statement(sa.select(_history.c.before, _history.c.after).where(_of_records))
_drop_files = Statement(
    sa.update(_file)
    .where(
        _file.c.entity == _ENTITY,
        _file.c.record_id == sa.func.any(_IDS),
        sa.or_(
            sa.and_(_file.c.field.is_(None), sa.bindparam("whole", type_=sa.Boolean)),
            _file.c.field == sa.func.any(_NAMES),
        ),
    )
    .values(deleted_at=_LONG_AGO, name=sa.literal("****"))
)


_expire_exports = Statement(
    sa.update(export_run)
    .where(
        export_run.c.state == "done",
        sa.or_(
            export_run.c.kind == "all",
            export_run.c.wanted["entity"].astext == sa.bindparam("name", type_=sa.Text),
        ),
    )
    .values(expires_at=sa.bindparam("now", type_=export_run.c.expires_at.type))
)


@dataclass(slots=True)
class Forgotten:
    """What became of it."""

    records: int = 0
    #: records in whose texts the person was blacked out
    texts: int = 0
    files: int = 0
    #: rows by place, see `traces.PLACES`
    places: Counter[str] = field(default_factory=Counter)

    def add(self, other: Forgotten) -> None:
        """Count another one in."""
        self.records += other.records
        self.texts += other.texts
        self.files += other.files
        self.places.update(other.places)

    def as_json(self) -> dict[str, int]:
        """Return how much of what, for the register."""
        own = {"records": self.records, "texts": self.texts, "files": self.files}
        return {name: count for name, count in {**own, **self.places}.items() if count}


def anonymise(
    work: Work,
    entity: Entity,
    ids: Iterable[int],
    names: Iterable[str],
    *,
    has_files: bool = True,
    is_again: bool = False,
) -> Forgotten:
    """Take the values of fields away from records, wherever they were written down.

    Args:
        names: the fields; see `personal_fields`.
        has_files: the files on the records go as well.
        is_again: it was done before, and a backup brought it back: holds of then are not asked.

    Raises:
        InvalidInput: a record is held, or a field that is required has nothing to stand in.
    """
    wanted, fields = sorted(set(ids)), [entity.fields[name] for name in names]
    if not is_again:
        require_free(work, entity, wanted)
    patience = sa.select(sa.func.set_config("statement_timeout", _PATIENCE, sa.true()))
    Statement(patience).run(work.connection)
    found, rows = Forgotten(), work.rows[entity.name].lock(work.connection, wanted)
    words = _words_of(work, entity, rows, fields)
    for record_id, row in rows.items():
        values = {one.name: _instead(one, record_id) for one in fields if one.type.name != "lines"}
        _write(work, entity, row, values)
    found.records = len(rows)
    for one in fields:
        if one.type.name == "lines":
            _empty_lines(work, work.release.catalog.entities[f"{entity.name}.{one.name}"], wanted)
    _expire_exports.run(work.connection, {"name": entity.name, "now": work.now})
    about = {"entity": work.number(entity.name), "_ids": wanted}
    forget(work, entity, wanted, [one.name for one in fields])
    held_by = [one.name for one in fields if one.type.name in FILE_TYPES]
    if has_files or held_by:
        gone = {**about, "names": held_by, "whole": has_files}
        found.files = _drop_files.run(work.connection, gone).rowcount
    around: dict[str, set[int]] = {entity.name: set(wanted)}
    if words.all:
        for name, number, changed in _black_out_around(work, entity.name, wanted, words):
            around.setdefault(name, set()).add(number)
            found.texts += changed
    apart = _black_out_everywhere(work, words.own) if words.own else {}
    found.texts += sum(map(len, apart.values()))
    found.places.update(black_out(work, around, apart, words))
    return found


def _words_of(
    work: Work, entity: Entity, rows: Mapping[int, Mapping[str, Any]], fields: list[Field]
) -> Words:
    """Return what the fields say now and said before."""
    words, own = Words(), work.rows[entity.name]
    told = []
    for row in rows.values():
        values = own.values(row)
        told.append({one.name: _as_json(one, values.get(one.name)) for one in fields})
    about = {"entity": work.number(entity.name), "_ids": sorted(rows)}
    for before, after in _past.run(work.connection, about):
        told += [before, after]
    for one in fields:
        for values in told:
            for text in leaves(one, values.get(one.name)):
                words.add(text)
    return words


def _as_json(one: Field, value: Any) -> Any:
    return None if value is None else one.type.to_json(one, value)


def _instead(one: Field, record_id: int) -> Any:
    """Return what stands in the field afterwards: nothing, where that may be.

    Raises:
        InvalidInput: the field is required, and nothing can stand in for it.
    """
    if one.required is not True:
        return None
    stand_ins = {
        "email": f"{record_id}@anonymised.invalid",
        "phone": f"+000{record_id:06d}",
        "url": f"https://anonymised.invalid/{record_id}",
    }
    if one.type.name in TEXTS:
        return f"#{record_id}"
    if one.type.name in stand_ins:
        return stand_ins[one.type.name]
    raise InvalidInput(
        {
            one.name: [
                say(
                    "{label} is required, and there is nothing that could stand in for it. Let it "
                    "be required only under a condition.",
                    "{label}为必填项，且无法用其他内容代替。请将其改为有条件必填。",
                    label=one.label,
                )
            ]
        }
    )


def _write(work: Work, entity: Entity, row: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Give a record other values; nothing is checked, what follows from them is worked out."""
    own, record_id = work.rows[entity.name], int(row["id"])
    columns = own.column_values(values)
    fill_base_amounts(work, own, columns, row)
    columns |= {"updated_at": work.now, "updated_by": work.user_id}
    new: Mapping[str, Any]
    new = own.update(work.connection, record_id, columns, parameters_of_app(work))
    new = derived.work_out_own(work, entity, new)
    write_entries(work, entity, [Entry(record_id, "anonymise", new["version"], {}, {})])
    if row.get("deleted_at") is not None:
        return
    write_search_row(work, entity, record_id, own.values(new))
    derived.touch_parents(work, entity, row, new)
    notes = work.shared.notes
    before = notes.get("rules")
    # What waits for a date follows; no rule fires, nobody is told.
    notes["rules"] = "off"
    tell(work, entity, "update", row, new)
    notes["rules"] = before
    if entity.name in ("user", "department"):
        work.people_changed()


def _empty_lines(work: Work, lines: Entity, parents: list[int]) -> None:
    own, table = work.rows[lines.name], work.rows[lines.name].table
    chosen = sa.select(table.c.id).where(table.c.parent == sa.func.any(_IDS))
    for (number,) in Statement(chosen).run(work.connection, {"_ids": parents}).fetchall():
        values = {one.name: _instead(one, number) for one in personal_in_lines(lines)}
        own.put(work.connection, number, own.column_values(values), parameters_of_app(work))


def _black_out_around(
    work: Work, name: str, ids: list[int], words: Words
) -> Iterator[tuple[str, int, bool]]:
    """Black a person out in the texts of records that link to theirs.

    Yields each of those records, and whether something was found in it.
    """
    for pointer in pointers_to(work.release.catalog, name):
        own = work.rows[pointer.entity.name]
        if own.has_bin:
            points = points_at(work, pointer, own.table, name)
            for number, changed in _black_out_texts(work, pointer.entity, points, ids, words.all):
                yield pointer.entity.name, number, changed


def _black_out_everywhere(work: Work, patterns: list[str]) -> dict[str, set[int]]:
    """Black numbers and addresses out in the texts of all records; return which changed."""
    found: dict[str, set[int]] = {}
    for entity in work.release.catalog.entities.values():
        own = work.rows[entity.name]
        texts = _texts_of(work, entity)
        if own.has_bin and texts:
            says = _matches(own.table, texts, patterns)
            rows = _black_out_texts(work, entity, says, [], patterns)
            if ids := {number for number, changed in rows if changed}:
                found[entity.name] = ids
    return found


def _matches(table: Any, texts: list[str], patterns: list[str]) -> sa.ColumnElement[bool]:
    said = sa.func.concat_ws(sa.literal("\n"), *(table.c[one] for one in texts))
    return said.op("~*", is_comparison=True)(sa.literal("|".join(patterns), sa.Text()))


def _black_out_texts(
    work: Work,
    entity: Entity,
    condition: sa.ColumnElement[bool],
    ids: list[int],
    patterns: list[str],
) -> Iterator[tuple[int, bool]]:
    table, texts = work.rows[entity.name].table, _texts_of(work, entity)
    matches = _matches(table, texts, patterns) if texts else sa.false()
    chosen = sa.select(table, matches.label("_matches")).where(condition).order_by(table.c.id)
    found = Statement(chosen.with_for_update(key_share=True))
    for row in found.rows(work.connection, {"_ids": ids}):
        changed: dict[str, Any] = {}
        if row.pop("_matches"):
            new = {one: blacked_out(row[one], patterns) for one in texts}
            changed = {one: text for one, text in new.items() if text != row[one]}
        if changed:
            _write(work, entity, row, changed)
        yield int(row["id"]), bool(changed)


def _texts_of(work: Work, entity: Entity) -> list[str]:
    """Return the fields in which people write, those of a link's own words left alone."""
    columns = work.rows[entity.name].columns
    return [
        one.name
        for one in entity.fields.values()
        if one.type.name in TEXTS and one.name in columns and not one.is_worked_out
    ]
