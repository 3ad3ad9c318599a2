"""Which existing records break a new rule of ``checks``: told in the plan, asked when next saved.

How a condition becomes SQL over a table is another room's knowledge, and handed in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import sqlalchemy as sa

from app.database.constraint_operations import BreakCheck
from app.database.counting import SAMPLES
from app.database.outline import Outline
from app.database.pairing import Pairs
from app.database.release import Release, make_release, read_numbers
from app.definitions.catalog import Catalog, Check
from app.expressions.tree import Checked


class Holds(Protocol):
    """Returns the SQL of whether a condition holds for a row of an entity's table."""

    def __call__(
        self, release: Release, entity: str, table: sa.FromClause, condition: Checked
    ) -> sa.ColumnElement[bool]: ...


def broken_checks(
    connection: sa.Connection, catalog: Catalog, old: Outline, pairs: Pairs, holds: Holds
) -> Iterator[BreakCheck]:
    """Yield the new checks that existing records break.

    Left out are checks that only a write can answer, and those that ask fields which are not there
    before the apply.
    """
    asked = list(_new_checks(catalog, old, pairs))
    if not asked:
        return
    release = make_release(catalog, 0, read_numbers(connection))
    for name, check in asked:
        found = _break(connection, release, name, check, holds)
        if found is not None and found.lost:
            yield found


def _new_checks(catalog: Catalog, old: Outline, pairs: Pairs) -> Iterator[tuple[str, Check]]:
    for name, entity in catalog.entities.items():
        before = old["entities"].get(pairs.entities.get(name, ""))
        if before is None:
            continue
        for check in entity.checks:
            if check.must.text not in before["rules"] and _can_be_asked(check):
                yield name, check


def _can_be_asked(check: Check) -> bool:
    parts = [part for part in (check.must, check.if_) if part is not None]
    return not any(part.is_volatile or part.uses_old for part in parts)


def _break(
    connection: sa.Connection, release: Release, entity: str, check: Check, holds: Holds
) -> BreakCheck | None:
    table = release.tables[entity].alias()
    broken: sa.ColumnElement[bool] = sa.func.coalesce(
        holds(release, entity, table, check.must), sa.false()
    ).is_(False)
    if check.if_ is not None:
        broken = sa.and_(holds(release, entity, table, check.if_), broken)
    if "deleted_at" in table.c:
        broken = sa.and_(table.c.deleted_at.is_(None), broken)
    ids = sa.select(table.c.id).where(broken)
    try:
        with connection.begin_nested():
            number = connection.execute(sa.select(sa.func.count()).select_from(ids.subquery()))
            some = connection.execute(ids.order_by(table.c.id).limit(SAMPLES)).scalars()
            return BreakCheck(
                subject=entity,
                rule=check.must.text,
                lost=int(number.scalar_one()),
                samples=tuple(some),
            )
    except sa.exc.ProgrammingError:
        # A field it asks is new, or has another name or type until the apply.
        return None
