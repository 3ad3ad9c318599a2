"""Where what was written under former names stands under a configuration of today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.definitions.catalog import Catalog, Entity


class Former:
    """Puts tables and columns of a manifest into the names of a catalog."""

    def __init__(self, told: Mapping[str, Any], catalog: Catalog) -> None:
        """Take the manifest's entities and the catalog that is applied."""
        self._entities: dict[str, Entity] = {}
        for name, one in told.items():
            found = self._entity(name, one, catalog)
            if found is not None:
                self._entities[one["table"]] = found

    def _entity(self, name: str, told: Mapping[str, Any], catalog: Catalog) -> Entity | None:
        if told["of"] is None:
            return catalog.entities.get(catalog.former.get(name, name))
        outer, field = told["of"]
        owner = catalog.entities.get(catalog.former.get(outer, outer))
        if owner is None:
            return None
        return catalog.entities.get(f"{owner.name}.{owner.former.get(field, field)}")

    def table(self, name: str) -> str:
        """Return what a table is called now."""
        entity = self._entities.get(name)
        return name if entity is None else f"crm.{entity.table}"

    def column(self, table: str, name: str) -> str:
        """Return what a column of a table is called now."""
        entity = self._entities.get(table)
        if entity is None:
            return name
        field, mark, part = name.partition("__")
        return f"{entity.former.get(field, field)}{mark}{part}"
