"""What every world of the integration tests begins with: a catalog out of texts, and its people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.definitions.catalog import Catalog
from app.definitions.load import load_files
from app.fields.registry import field_types
from app.records.door import Records
from app.security.people import add_user

PASSWORD = "long-enough-1"


def catalog_from(files: Mapping[str, str], **known: Any) -> Catalog:
    """Return the catalog of files given as text; what is wrong with them fails the test."""
    loaded = load_files(files, field_types(), **known)
    assert loaded.catalog is not None, [str(one) for one in loaded.problems]
    return loaded.catalog


def hire(records: Records, people: Mapping[str, tuple[str, str | None]]) -> dict[str, int]:
    """Add people, each with a role and below a manager who stands before; return their ids."""
    ids: dict[str, int] = {}
    for name, (role, manager) in people.items():
        values: dict[str, Any] = {"name": name.title()}
        if manager:
            values["manager"] = ids[manager]
        ids[name] = add_user(records, login=name, password=PASSWORD, roles=[role], values=values)
    return ids
