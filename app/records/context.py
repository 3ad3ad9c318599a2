"""What a statement that reads is built from: the release, what the asker may do, which rows.

One context per release and role set; everything built from it can be kept and shared by everybody
with the same roles, since what differs between people is bound under fixed names.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import sqlalchemy as sa

from app.access.policy import Policy
from app.access.sources import Release, TableSource
from app.access.visibility import Visibility
from app.definitions.catalog import Catalog, Entity


class ReadContext:
    """One release, seen by one role set."""

    def __init__(
        self,
        release: Release,
        policy: Policy,
        *,
        has_shares: bool = True,
        has_pools: bool = True,
    ) -> None:
        self.release = release
        self.policy = policy
        #: False where the asker is in no pool, which is cheaper as well.
        self.has_pools = has_pools
        #: False where nothing at all is shared with the asker: the common, cheaper case.
        self.has_shares = has_shares

    @property
    def catalog(self) -> Catalog:
        return self.release.catalog

    @cached_property
    def visibility(self) -> Visibility:
        return Visibility(self.release, self.policy, has_pools=self.has_pools)

    def entity(self, name: str) -> Entity:
        return self.release.catalog.entities[name]

    def rows(self, entity: str, table: sa.FromClause) -> sa.ColumnElement[bool]:
        """Return the condition under which a row may be read, deleted or not (`sources.Guard`)."""
        return self.visibility.rows(entity, table, has_shares=self.has_shares)

    def source(self, entity: str, table: sa.FromClause) -> TableSource:
        """Return a row as the asker's expressions see it: closed behind links."""
        return TableSource(self.release, entity, table, self)

    def table(self, entity: str, alias: str | None = None) -> sa.FromClause:
        """Return the entity's table under an alias.

        What a pool hides from the asker is empty in it, so nothing can be selected, compared,
        sorted, grouped or found by that.
        """
        table = self.release.tables[entity].alias(alias)
        veils = self.veils(entity, table)
        if not veils:
            return table
        columns = []
        for column in table.c:
            veil = veils.get(column.name.partition("__")[0])
            shown = column if veil is None else sa.case((sa.not_(veil), column))
            columns.append(shown.label(column.name) if veil is not None else shown)
        return sa.select(*columns).subquery(alias)

    def veils(self, entity: str, table: sa.FromClause) -> dict[str, sa.ColumnElement[bool]]:
        """Return, by field, when it is closed to the asker since the record lies in a pool."""
        return self.visibility.veils(entity, table, has_shares=self.has_shares)

    def living(self, table: sa.FromClause) -> list[sa.ColumnElement[bool]]:
        """Return the condition that a row is not in the bin; lines have none."""
        return [table.c.deleted_at.is_(None)] if "deleted_at" in table.c else []

    def title(self, entity: str, table: sa.FromClause) -> sa.ColumnElement[Any]:
        """Return what names a record, as text; NULL where the asker may not read it.

        Whether the row itself may be read is not asked here.
        """
        one = self.entity(entity)
        if one.title is None or one.title not in one.fields:
            return sa.cast(table.c.id, sa.Text)
        field = one.fields[one.title]
        right = self.policy.field_right(entity, field.name)
        if right == "hidden":
            return sa.null()
        column = TableSource(self.release, entity, table).value(field.name)
        if right == "masked":
            column = field.type.mask(field, column)
        return column if isinstance(column.type, sa.Text) else sa.cast(column, sa.Text)
