"""Who and what a test names: users and records by name, and values written with these names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.access.organisation import Organisation
from app.access.principal import SYSTEM, Principal
from app.definitions.catalog import Catalog, Field
from app.errors import InvalidInput, TrellisError
from app.records.door import Records
from app.security.people import add_user
from app.texts import say


@dataclass(slots=True)
class Cast:
    """The records of one test by name."""

    catalog: Catalog
    organisation: Organisation
    #: by name: entity and id
    known: dict[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def system(self) -> Principal:
        """The system, which reads moments as they stand on the company's clocks."""
        return replace(SYSTEM, time_zone=self.catalog.app.time_zone)

    def named(self, entity: str, record_id: int) -> str:
        """Return what the test calls a record, else a description of it."""
        found = (name for name, one in self.known.items() if one == (entity, record_id))
        return next(found, f"{entity} {record_id}")

    def user_named(self, user_id: int | None) -> str:
        """Return what the test calls a user."""
        return "nobody" if user_id is None else self.named("user", user_id)

    def principal(self, name: str | None) -> Principal:
        """Return who acts; without a name the system, which may do everything."""
        if name is None:
            return self.system
        found = self.organisation.principal(self.known[name][1])
        if found is None:
            raise InvalidInput(
                {"as": [say("“{name}” is not active.", "“{name}”未启用。", name=name)]}
            )
        return found

    def values(self, entity: str, written: Mapping[str, Any]) -> dict[str, Any]:
        """Return values as a form would give them, the names of records replaced by these."""
        return self.values_of(self.catalog.entities[entity].fields, written)

    def values_of(self, fields: Mapping[str, Field], written: Mapping[str, Any]) -> dict[str, Any]:
        """Return the same for any fields, those a button asks for among them."""
        return {
            name: self._value(fields[name], one) if name in fields else one
            for name, one in written.items()
        }

    def _value(self, of: Field, written: Any) -> Any:
        if written == "=empty":
            return None
        if isinstance(written, list) and of.type.name == "lines":
            rows = str(of.settings["entity"])
            return [self.values(rows, row) for row in written]
        if not of.type.targets(of):
            return written
        if isinstance(written, list):
            return [self._target(of, one) for one in written]
        return self._target(of, written)

    def _target(self, of: Field, name: Any) -> Any:
        found = self.known.get(str(name))
        if found is None:
            raise InvalidInput(
                {
                    of.name: [
                        say("“{name}” is not given.", "未给出“{name}”。", name=str(name)),
                    ]
                }
            )
        return f"{found[0]}:{found[1]}" if of.type.name == "any_link" else found[1]


class Unordered(TrellisError):
    """Records that are given need each other in a circle."""


def give(
    cast: Cast, records: Records, given: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> None:
    """Write what a test begins with, whichever order it stands in.

    Raises:
        TrellisError: a record cannot be written; its name stands before the sentence.
    """
    waiting = {name: next(iter(one.items())) for name, one in given.items()}
    while waiting:
        ready = [
            name
            for name, (entity, values) in waiting.items()
            if not _needs(cast.catalog, entity, values) & waiting.keys() - {name}
        ]
        if not ready:
            names = ", ".join(sorted(waiting))
            raise Unordered(
                say("These need each other: {names}.", "循环引用：{names}。", names=names)
            )
        for name in ready:
            entity, values = waiting.pop(name)
            cast.known[name] = (entity, _write(cast, records, name, entity, values))
        cast.organisation.expire()


def _needs(catalog: Catalog, entity: str, values: Mapping[str, Any]) -> set[str]:
    """Return the names that values link to."""
    fields, found = catalog.entities[entity].fields, set()
    for name, one in values.items():
        of = fields.get(name)
        if of is None:
            continue
        if of.type.name == "lines":
            for row in one if isinstance(one, list) else ():
                found |= _needs(catalog, str(of.settings["entity"]), row)
        elif of.type.targets(of):
            found |= {str(each) for each in (one if isinstance(one, list) else [one])}
    return found


def _write(cast: Cast, records: Records, name: str, entity: str, values: Mapping[str, Any]) -> int:
    if entity != "user":
        made = records.create(
            cast.system, entity, cast.values(entity, values), origin="system", strict=False
        )
        return int(made.id)
    rest = {key: one for key, one in values.items() if key not in ("roles", "login")}
    roles = values.get("roles", [])
    return add_user(
        records,
        login=str(values.get("login") or name),
        password=None,
        roles=[roles] if isinstance(roles, str) else roles,
        values={"name": name.capitalize(), **cast.values(entity, rest)},
        principal=cast.system,
        strict=False,
    )
