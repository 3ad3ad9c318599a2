"""Numbers for many new records: ids from their sequence, serial numbers in blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from app.definitions.catalog import Entity, Field
from app.records.drafts import Draft
from app.records.rows import EntityRows
from app.records.serials import take_block
from app.records.statements import Statement
from app.records.work import Work


def ids_for(work: Work, rows: EntityRows, count: int) -> list[int]:
    """Return that many ids for new records, the lowest first."""
    return next_of(work, rows.table, count)


def next_of(work: Work, table: sa.Table, count: int) -> list[int]:
    """Return the next ids of a table."""
    statement = work.rows.cached(("ids", table.fullname), lambda: _ids(table))
    return [row[0] for row in statement.run(work.connection, {"_count": count})]


def _ids(table: sa.Table) -> Statement:
    sequence = sa.select(
        sa.func.pg_get_serial_sequence(f"{table.schema}.{table.name}", "id")
    ).scalar_subquery()
    series = sa.func.generate_series(1, sa.bindparam("_count", type_=sa.Integer))
    given = series.table_valued(sa.column("number", sa.Integer), name="given").render_derived()
    return Statement(sa.select(sa.func.nextval(sa.cast(sequence, _RegClass()))).select_from(given))


class _RegClass(sa.types.UserDefinedType[Any]):
    """The name of a relation."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return what PostgreSQL calls it."""
        return "regclass"


def number_all(work: Work, entity: Entity, drafts: Sequence[Draft]) -> None:
    """Fill the serial fields that hold nothing yet, in the order of the drafts."""
    for field in work.rows[entity.name].lists.serials:
        groups: dict[tuple[str, str], list[Draft]] = {}
        day = work.calendar.day(work.now)
        left = [draft for draft in drafts if draft.changes.get(field.name) is None]
        is_one = not field.settings.get("per")
        for one in left[:1] if is_one else left:
            key = field.type.counter_key(field, day, one.changes)  # type: ignore[attr-defined]
            groups.setdefault(key, []).extend(left if is_one else [one])
        for key, group in groups.items():
            _number(work, entity, field, key, group)


def _number(
    work: Work, entity: Entity, field: Field, key: tuple[str, str], group: Iterable[Draft]
) -> None:
    drafts = list(group)
    day = work.calendar.day(work.now)
    first = take_block(work, entity, field, key, len(drafts))
    render = field.type.renderer(field, day)  # type: ignore[attr-defined]
    for number, draft in enumerate(drafts, start=first):
        draft.changes[field.name] = render(number, draft.changes)
