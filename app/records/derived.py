"""Stored formulas and roll-ups: right after any write, by any path, under concurrent writers.

Parents are locked in one order and then worked out in a new statement, which sees what others
committed before the lock; without the lock first, two writers would each write the numbers of an
old snapshot. What is worked out bumps no version and leaves no history: it follows from the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from app.access.sources import TableSource, environment
from app.definitions.catalog import Entity
from app.expressions import Checked, SQLEnvironment, to_sql
from app.records import journal
from app.records.asking import parameters_of_app
from app.records.clocks import advance_clocks
from app.records.dependencies import Dependencies, Reader, RollUp, Step
from app.records.reactions import tell
from app.records.rows import EntityRows
from app.records.statements import Statement
from app.records.work import Work

_IDS = sa.bindparam("_ids", type_=ARRAY(sa.BigInteger))
#: Formulas of formulas of roll-ups … end here; the definitions refuse circles, so this is a guard.
_DEEPEST = 32


def initial_columns(rows: EntityRows) -> dict[str, Any]:
    """Return what a new record holds in fields that nobody writes.

    Before there is any child a count and a sum of nothing are 0; before it was submitted a record
    is a draft to its approval.
    """
    columns: dict[str, Any] = {
        field.name: 0
        for field in rows.stored
        if field.rollup is not None and field.rollup.function in ("count", "sum")
    }
    if "approval" in rows.entity.fields:
        columns["approval"] = "draft"
    return columns


def formulas_statement(rows: EntityRows, condition: sa.ColumnElement[bool]) -> Statement:
    """Return the statement that works out every stored formula of the chosen rows."""
    table = rows.table
    values = rows.formulas.values(rows.formulas.all, table)
    differs = sa.or_(*(table.c[name].is_distinct_from(value) for name, value in values.items()))
    return Statement(sa.update(table).where(condition, differs).values(values).returning(*table.c))


def work_out_own(
    work: Work, entity: Entity, row: Mapping[str, Any], *, lines_changed: bool = True
) -> dict[str, Any]:
    """Work out what could not be while the row was written; return the row as it is now.

    That is the formulas of its lines that ask for the record around them, then its own that ask for
    its lines.
    """
    rows = work.rows[entity.name]
    if lines_changed or entity.lines_of is None:
        _work_out_lines(work, entity, int(row["id"]))
    if not rows.formulas.afterwards:
        return dict(row)
    changed = work_out_formulas(work, rows, [row["id"]])
    return changed[0] if changed else dict(row)


def work_out_formulas(work: Work, rows: EntityRows, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Work out every stored formula of some records; return the rows that are others now."""
    statement = work.rows.cached(
        ("formulas", rows.entity.name),
        lambda: formulas_statement(rows, rows.table.c.id == sa.func.any(_IDS)),
    )
    return statement.rows(work.connection, {"_ids": ids, **parameters_of_app(work)})


def _work_out_lines(work: Work, entity: Entity, record_id: int) -> None:
    """Work out formulas of lines that ask for their record's values."""
    for field in work.rows[entity.name].lists.lines:
        rows = work.rows[f"{entity.name}.{field.name}"]
        if not rows.formulas.all:
            continue
        statement = work.rows.cached(
            ("lines-formulas", rows.entity.name),
            partial(formulas_statement, rows, rows.table.c.parent == sa.func.any(_IDS)),
        )
        for row in statement.rows(
            work.connection, {"_ids": [record_id], **parameters_of_app(work)}
        ):
            # What they were is known no more, so whatever counts them is worked out anew.
            touch_parents(work, rows.entity, None, row)


def dependencies(work: Work) -> Dependencies:
    """Return the map of the release, made on first use."""
    return work.rows.dependencies


def touch_parents(
    work: Work, entity: Entity, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
) -> None:
    """Remember whose roll-ups and formulas a write of one row changes.

    *old* is None for a new or restored row, *new* for one that went into the bin.
    """
    known = dependencies(work)
    for roll_up in known.roll_ups_over.get(entity.name, ()):
        if _differs(roll_up.reads, old, new):
            for row in (old, new):
                if row is not None:
                    work.touch(roll_up.parent, *_named(work, roll_up, row))
    record = new or old
    assert record is not None
    for roll_up in known.roll_ups.get(entity.name, ()):
        if old is not None and new is not None and _differs(roll_up.reads_of_record, old, new):
            work.touch(entity.name, int(record["id"]))
    for reader in known.readers.get(entity.name, ()):
        if _differs(reader.fields, old, new):
            _touch_readers(work, reader, entity.name, [int(record["id"])])


def touch_many(
    work: Work,
    entity: Entity,
    pairs: Sequence[Pair],
) -> None:
    """Remember whose roll-ups and formulas writes of many rows change: one statement for each way.

    Of each pair the first is the row before, the second the row now; see `touch_parents`.
    """
    known, columns = dependencies(work), work.rows[entity.name].columns
    for roll_up in known.roll_ups_over.get(entity.name, ()):
        for pair in _differing(pairs, columns, roll_up.reads):
            for row in pair:
                if row is not None:
                    work.touch(roll_up.parent, *_named(work, roll_up, row))
    for roll_up in known.roll_ups.get(entity.name, ()):
        for old, new in _differing(pairs, columns, roll_up.reads_of_record):
            if old is not None and new is not None:
                work.touch(entity.name, int(new["id"]))
    for reader in known.readers.get(entity.name, ()):
        found = _differing(pairs, columns, reader.fields)
        if found:
            ids = [int((new or old or {})["id"]) for old, new in found]
            _touch_readers(work, reader, entity.name, ids)


def touch_new(work: Work, entity: Entity, rows: Iterable[Mapping[str, Any]]) -> None:
    """Remember whose roll-ups new records change; nobody can read them through links yet."""
    over = dependencies(work).roll_ups_over.get(entity.name, ())
    for row in rows if over else ():
        for roll_up in over:
            work.touch(roll_up.parent, *_named(work, roll_up, row))


Pair = tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]


def _differing(
    pairs: Sequence[Pair], columns: Iterable[str], fields: Iterable[str]
) -> Sequence[Pair]:
    """Return the pairs that differ in one of *fields*; which columns those are is asked once."""
    wanted = set(fields)
    names = [name for name in columns if name.partition("__")[0] in wanted]
    return [
        (old, new)
        for old, new in pairs
        if old is None or new is None or any(old[name] != new[name] for name in names)
    ]


def _differs(
    fields: Iterable[str], old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
) -> bool:
    if old is None or new is None:
        return True
    return any(
        old.get(column) != new.get(column) for column in new if column.partition("__")[0] in fields
    )


def _named(work: Work, roll_up: RollUp, row: Mapping[str, Any]) -> list[int]:
    """Return the ids of the parents a child row names."""
    value = row.get(roll_up.asks.link)
    if value is None:
        return []
    kind = row.get(f"{roll_up.asks.link}__entity")
    if kind is not None and kind != work.number(roll_up.parent):
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _touch_readers(work: Work, reader: Reader, entity: str, ids: list[int]) -> None:
    """Walk a way back from changed records and remember who stands at its end."""
    for step in reader.way:
        statement = work.rows.cached(("readers", step), partial(_readers_statement, work, step))
        ids = [row[0] for row in statement.run(work.connection, {"_ids": ids})]
        if not ids:
            return
        entity = step.entity
    if reader.roll_up is None:
        work.touch(entity, *ids)
        return
    for row in work.rows[entity].read(work.connection, ids).values():
        parents = _named(work, reader.roll_up, row)
        work.touch(reader.roll_up.parent, *parents)


def _readers_statement(work: Work, step: Step) -> Statement:
    table = work.release.tables[step.entity]
    chosen = sa.select(table.c.id).where(table.c[step.link] == sa.func.any(_IDS))
    if f"{step.link}__entity" in table.c:
        chosen = chosen.where(table.c[f"{step.link}__entity"] == work.number(step.target))
    return Statement(chosen)


def settle(work: Work) -> None:
    """Work out everything that was touched, and what follows from that, before the commit."""
    for _ in range(_DEEPEST):
        if not work.touched:
            return
        touched, work.touched = work.touched, {}
        for name in work.release.catalog.entities:  # one order for everybody who locks
            if name in touched:
                _settle_entity(work, work.rows[name], sorted(touched[name]))
    raise RuntimeError("Worked-out fields do not come to rest.")


def _settle_entity(work: Work, rows: EntityRows, ids: Sequence[int]) -> None:
    before = rows.lock(work.connection, ids)
    if not before:
        return
    parameters = {"_ids": sorted(before), **parameters_of_app(work)}
    changed: dict[int, dict[str, Any]] = {}
    if dependencies(work).roll_ups.get(rows.entity.name):
        statement = work.rows.cached(
            ("roll-ups", rows.entity.name), lambda: roll_ups_statement(work, rows)
        )
        changed.update((row["id"], row) for row in statement.rows(work.connection, parameters))
    if rows.formulas.all:
        statement = work.rows.cached(
            ("formulas", rows.entity.name),
            lambda: formulas_statement(rows, rows.table.c.id == sa.func.any(_IDS)),
        )
        changed.update((row["id"], row) for row in statement.rows(work.connection, parameters))
    searched = any(
        rows.entity.fields[name].type.name in ("formula", "rollup")
        for name in journal.searched_fields(rows.entity)
    )
    if rows.lists.clocks:
        for record_id, row in before.items():
            now = changed.get(record_id, row)
            moved = advance_clocks(work, rows, now, row)
            if moved is not now:
                changed[record_id] = moved
    for record_id, row in changed.items():
        touch_parents(work, rows.entity, before[record_id], row)
        if rows.has_bin and row.get("deleted_at") is None:
            tell(work, rows.entity, "worked_out", before[record_id], row)
        if rows.entity.lines_of is not None:
            work.touch(rows.entity.lines_of[0], row["parent"])
        if searched and row.get("deleted_at") is None and rows.has_bin:
            journal.write_search_row(work, rows.entity, record_id, rows.values(row))


def roll_ups_statement(work: Work, rows: EntityRows) -> Statement:
    """Return the statement that works out every roll-up of the records ``_ids``."""
    parent = rows.table
    ids = sa.func.unnest(_IDS).table_valued(sa.column("id", sa.BigInteger), name="i")
    ids = ids.render_derived()
    record = parent.alias("record")
    known = environment(
        work.release.catalog, {"record": TableSource(work.release, rows.entity.name, record)}
    )
    found = [
        each
        for each in dependencies(work).roll_ups[rows.entity.name]
        if each.field.name in rows.columns
    ]
    source: Any = ids.join(record, record.c.id == ids.c.id)
    columns: dict[str, sa.ColumnElement[Any]] = {}
    for child, link in dict.fromkeys((each.asks.entity, each.asks.link) for each in found):
        group = [each for each in found if (each.asks.entity, each.asks.link) == (child, link)]
        lateral = _children(work, rows.entity, group, ids, known).lateral(f"x{len(columns)}")
        source = source.outerjoin(lateral, sa.true())
        columns |= {each.field.name: lateral.c[each.field.name] for each in group}
    worked_out = sa.select(ids.c.id, *columns.values()).select_from(source).subquery("x")
    values = {name: sa.cast(worked_out.c[name], parent.c[name].type) for name in columns}
    differs = sa.or_(*(parent.c[name].is_distinct_from(value) for name, value in values.items()))
    return Statement(
        sa.update(parent)
        .where(parent.c.id == worked_out.c.id, differs)
        .values(values)
        .returning(*parent.c)
    )


def _children(
    work: Work, parent: Entity, group: Sequence[RollUp], ids: Any, known: SQLEnvironment
) -> sa.Select[Any]:
    """Return one row of aggregates over the children of the record ``ids.id``."""
    child = work.rows[group[0].asks.entity]
    table = child.table.alias()
    source = TableSource(work.release, child.entity.name, table)
    link = group[0].asks.link
    column = table.c[link]
    field = child.entity.fields.get(link)
    conditions: list[sa.ColumnElement[bool]] = [
        ids.c.id == sa.func.any(column)
        if field is not None and field.type.many
        else column == ids.c.id
    ]
    if f"{link}__entity" in table.c:
        conditions.append(table.c[f"{link}__entity"] == work.number(parent.name))
    if child.has_bin:
        conditions.append(table.c.deleted_at.is_(None))
    elif child.entity.lines_of is not None:
        conditions.append(_record_is_there(work, child.entity, table))
    return sa.select(
        *(_aggregate(each, source, known).label(each.field.name) for each in group)
    ).where(*conditions)


def _record_is_there(work: Work, entity: Entity, lines: Any) -> sa.ColumnElement[bool]:
    """Return that the record which holds a row of lines is not in the bin."""
    assert entity.lines_of is not None
    record = work.release.tables[entity.lines_of[0]].alias()
    return sa.exists().where(record.c.id == lines.c.parent, record.c.deleted_at.is_(None))


def _aggregate(
    roll_up: RollUp, source: TableSource, known: SQLEnvironment
) -> sa.ColumnElement[Any]:
    asks = roll_up.asks
    where = to_sql(asks.where, source, known) if asks.where is not None else None

    def only(aggregate: Any) -> Any:
        return aggregate.filter(where) if where is not None else aggregate

    if asks.value is None:
        return only(sa.func.count())  # type: ignore[no-any-return]
    value = _in_base_currency(asks.value, source)
    if value is None:
        value = to_sql(asks.value, source, known)
    if asks.function == "sum":
        return sa.func.coalesce(only(sa.func.sum(value)), 0)
    if asks.function == "avg":
        return sa.func.round(only(sa.func.avg(value)), 6)
    if asks.function == "list":
        return only(sa.func.array_agg(sa.distinct(value)))  # type: ignore[no-any-return]
    if asks.function in ("lowest", "highest") or asks.by is None:
        smallest = asks.function in ("lowest", "earliest")
        return only(sa.func.min(value) if smallest else sa.func.max(value))  # type: ignore[no-any-return]
    by, tie = to_sql(asks.by, source, known), source.table.c.id
    first = asks.function == "earliest"
    order = (by.asc() if first else by.desc()).nulls_last()
    ordered = aggregate_order_by(value, order, tie.asc() if first else tie.desc())
    # What is empty is passed over: the newest note is the newest that says something.
    filled = value.is_not(None)
    found = sa.func.array_agg(ordered, type_=ARRAY(value.type)).filter(
        filled if where is None else sa.and_(where, filled)
    )
    return sa.type_coerce(found, ARRAY(value.type))[1]


def _in_base_currency(value: Checked, source: TableSource) -> sa.ColumnElement[Any] | None:
    """Return the base amount of a plain money field; sums over records are in that currency."""
    base = f"{value.text.strip()}__base"
    return source.table.c.get(base, None)
