"""The statement that brings reminders up to what their records say now.

It writes a row only where something differs, so it may be run over any records at any time. One
shape serves a single write, a batch, and a whole entity after an apply.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.visitors import iterate

from app.automation.due_sql import base_and_due
from app.automation.timed import Timed
from app.database.automation_tables import reminder
from app.database.release import Release
from app.expressions.sql_functions import MOMENT

#: The ids of records that are alike; no field can have this name.
_ALIKE = "@ids"
#: Parameters that say which records.
IDS = sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger))
AFTER = sa.bindparam("_after", type_=sa.BigInteger)
UP_TO = sa.bindparam("_up_to", type_=sa.BigInteger)


def parameters(release: Release, now: datetime) -> dict[str, Any]:
    """Return what the statement asks for beside the records: the moment and shared numbers."""
    app = release.catalog.app
    return {
        **{f"app_{name}": value for name, value in app.values.items()},
        "now": now,
        # Firings are exact to the minute: what is due in this one is not past.
        "minute": now.replace(second=0, microsecond=0),
        "today": app.business_calendar.day(now),
        "me": None,
    }


def upsert(
    release: Release,
    numbers: Mapping[str, int],
    rules: Sequence[Timed],
    *,
    ranged: bool = False,
) -> sa.Executable:
    """Return the statement that moves the rows of *rules*, all over one entity.

    Args:
        numbers: the numbers of the rules.
        ranged: the records are those after ``_after`` up to ``_up_to``, else those in ``_ids``.
    """
    return _writing(_state(release, numbers, rules, ranged=ranged))


def upsert_given() -> sa.Executable:
    """Return the statement that moves rows of one record whose dates are given."""
    kinds: dict[str, Any] = {
        "rule": sa.Integer(),
        "fire": sa.Boolean(),
        "base": MOMENT,
        "due": MOMENT,
    }
    arrays: list[Any] = [
        sa.bindparam(f"_{name}", type_=sa.ARRAY(kind)) for name, kind in kinds.items()
    ]
    given = (
        sa.func.unnest(*arrays)
        .table_valued(*(sa.column(name, kind) for name, kind in kinds.items()), name="given")
        .render_derived()
    )
    entity = sa.bindparam("_entity", type_=sa.SmallInteger)
    record = sa.bindparam("_id", type_=sa.BigInteger)
    old, said = reminder.alias("r"), given.c
    joined = given.outerjoin(
        old, sa.and_(old.c.rule == said.rule, old.c.entity == entity, old.c.record_id == record)
    )
    state = sa.select(
        said.rule,
        entity.label("entity"),
        record.label("id"),
        said.fire,
        said.base,
        said.due,
        sa.bindparam("_gone", type_=sa.Boolean).label("gone"),
        _is_kept(old, said.base, said.due, said.fire).label("is_kept"),
        *_old(old),
    ).select_from(joined)
    return _writing(state.subquery("s"))


def insert_new(
    release: Release, numbers: Mapping[str, int], rules: Sequence[Timed]
) -> sa.Executable:
    """Return the statement that writes the rows of *rules* for records ``_ids`` that have none yet.

    It gives what `upsert` would, without looking for rows that cannot be there. Records made
    together have most dates in common: moments are worked out once for all that are alike in
    what the rules read.
    """
    alike = _alike(release, rules)
    rows = []
    # PostgreSQL would work the moments out anew wherever they are named.
    one = sa.select(alike.c[_ALIKE], *_moments(release, rules, alike))
    record = one.offset(sa.literal_column("0")).subquery("o")
    ids = sa.func.unnest(record.c[_ALIKE]).table_valued(
        sa.column("id", sa.BigInteger), name="i"
    ).render_derived().lateral()  # fmt: skip
    for place, rule in enumerate(rules):
        moments = record.c[f"base{place}"], record.c[f"due{place}"]
        rows.append((numbers[rule.name], rule.backlog, *moments))
    kinds: dict[str, Any] = {
        "rule": sa.Integer(), "fire": sa.Boolean(), "base": MOMENT, "due": MOMENT,
    }  # fmt: skip
    said = sa.values(*(sa.column(name, kind) for name, kind in kinds.items()), name="k")
    known = said.data(rows).lateral()
    late = sa.case((known.c.fire, sa.bindparam("now", type_=MOMENT)))
    past = known.c.due < sa.bindparam("minute", type_=MOMENT)
    entity: Any = sa.literal_column(str(release.numbers[rules[0].entity]))
    due_at = sa.case((past, late), else_=known.c.due)
    chosen = (
        sa.select(known.c.rule, entity, ids.c.id, known.c.base, due_at)
        .select_from(record.join(known, sa.true()).join(ids, sa.true()))
        .where(known.c.base.is_not(None))
        .order_by(known.c.rule, ids.c.id)
    )
    names = ["rule", "entity", "record_id", "base", "due_at"]
    return insert(reminder).from_select(names, chosen)


def _alike(release: Release, rules: Sequence[Timed]) -> sa.Subquery:
    """Return what *rules* read of the records ``_ids``, once each, with the ids of all alike."""
    table = release.tables[rules[0].entity].alias("c")
    read: set[str] = {
        part.key  # type: ignore[attr-defined]
        for moment in _moments(release, rules, table)
        for part in iterate(moment)
        if getattr(part, "table", None) is table
    }
    columns = [table.c[name] for name in sorted(read)]
    ids = sa.func.array_agg(table.c.id, type_=sa.ARRAY(sa.BigInteger)).label(_ALIKE)
    chosen = sa.select(ids, *columns).where(table.c.id == sa.func.any(IDS)).group_by(*columns)
    if "deleted_at" in table.c:
        chosen = chosen.where(table.c.deleted_at.is_(None))
    return chosen.subquery("c")


def _moments(release: Release, rules: Sequence[Timed], table: sa.FromClause) -> list[sa.Label[Any]]:
    found = []
    for place, rule in enumerate(rules):
        base, due = base_and_due(release, rule, table)
        found.append(sa.type_coerce(base, MOMENT).label(f"base{place}"))
        found.append(sa.type_coerce(due, MOMENT).label(f"due{place}"))
    return found


def _writing(state: Any) -> sa.Executable:
    """Return the statement that writes what differs between the rows there are and *state*."""
    gone, kept = state.c.gone, state.c.is_kept
    there = state.c.old_rule.is_not(None)
    minute = sa.bindparam("minute", type_=MOMENT)
    past = state.c.due < minute
    late = sa.case((state.c.fire, sa.bindparam("now", type_=MOMENT)))
    new_due = sa.case((past, late), else_=state.c.due)
    # Out of the bin it goes on where it was, unless that is over by now.
    resumed = sa.case((state.c.old_due >= minute, state.c.old_due))
    chosen = sa.select(
        state.c.rule,
        state.c.entity,
        state.c.id,
        sa.case((gone, state.c.old_base), else_=state.c.base),
        sa.case((gone, state.c.old_due), (kept, resumed), else_=new_due),
        sa.case((sa.or_(gone, kept), state.c.repeats), else_=0),
        gone,
    ).where(
        sa.case(
            (there, sa.case((gone, ~state.c.suspended), else_=sa.or_(state.c.suspended, ~kept))),
            else_=sa.and_(~gone, state.c.base.is_not(None)),
        )
    )
    # One order for everybody who locks.
    chosen = chosen.order_by(state.c.rule, state.c.id)
    columns = ["rule", "entity", "record_id", "base", "due_at", "repeats", "suspended"]
    new = insert(reminder).from_select(columns, chosen)
    return new.on_conflict_do_update(
        index_elements=["rule", "entity", "record_id"],
        set_={name: new.excluded[name] for name in columns[3:]},
    )


def _is_kept(old: Any, base: Any, due: Any, fire: Any) -> sa.ColumnElement[bool]:
    """Return whether the row there is says what the record does.

    One firing per record and date: what has fired for this date stays as it is.
    """
    late = sa.and_(old.c.due_at.is_(None), due < sa.bindparam("minute", type_=MOMENT))
    return sa.and_(
        old.c.base.is_not_distinct_from(base),
        sa.or_(
            old.c.fired_for.is_not_distinct_from(base),
            old.c.due_at.is_not_distinct_from(due),
            sa.and_(late, ~fire),
        ),
    )


def _old(old: Any) -> list[sa.ColumnElement[Any]]:
    return [
        old.c.rule.label("old_rule"),
        old.c.base.label("old_base"),
        old.c.due_at.label("old_due"),
        sa.func.coalesce(old.c.repeats, 0).label("repeats"),
        sa.func.coalesce(old.c.suspended, sa.false()).label("suspended"),
    ]


def _state(
    release: Release, numbers: Mapping[str, int], rules: Sequence[Timed], *, ranged: bool
) -> Any:
    """Return what each rule says of each record now, beside the row there is."""
    table = release.tables[rules[0].entity].alias("c")
    known = sa.values(
        sa.column("rule", sa.Integer), sa.column("fire", sa.Boolean), name="k", literal_binds=True
    ).data([(numbers[rule.name], rule.backlog) for rule in rules])
    old = reminder.alias("r")
    entity: Any = sa.literal_column(str(release.numbers[rules[0].entity]))
    bases, dues = [], []
    for rule in rules:
        base, due = base_and_due(release, rule, table, old)
        which = known.c.rule == sa.literal_column(str(numbers[rule.name]))
        bases.append((which, base))
        dues.append((which, due))
    said = (
        sa.select(
            sa.type_coerce(sa.case(*bases), MOMENT).label("base"),
            sa.type_coerce(sa.case(*dues), MOMENT).label("due"),
        )
        .correlate_except(sa.table("nothing"))
        # PostgreSQL would work it out anew wherever it is named.
        .offset(sa.literal_column("0"))
        .lateral("d")
    )
    gone = table.c.deleted_at.is_not(None) if "deleted_at" in table.c else sa.false()
    joined = (
        table.join(known, sa.true())
        .outerjoin(
            old,
            sa.and_(
                old.c.rule == known.c.rule,
                old.c.entity == entity,
                old.c.record_id == table.c.id,
            ),
        )
        .join(said, sa.true())
    )
    which = (
        sa.and_(table.c.id > AFTER, table.c.id <= UP_TO)
        if ranged
        else table.c.id == sa.func.any(IDS)
    )
    return (
        sa.select(
            known.c.rule,
            sa.cast(entity, sa.SmallInteger).label("entity"),
            table.c.id,
            known.c.fire,
            said.c.base,
            said.c.due,
            gone.label("gone"),
            _is_kept(old, said.c.base, said.c.due, known.c.fire).label("is_kept"),
            *_old(old),
        )
        .select_from(joined)
        .where(which)
        .subquery("s")
    )
