"""Records as the receiver of a message may read them, inside the transaction that tells of them.

Hidden fields are empty, masked ones masked, titles of links that he may not read are empty. What a
template does not name is not asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from app.access.principal import SYSTEM, Principal
from app.definitions.catalog import Entity, Field
from app.fields.base import FieldError, ParseContext
from app.fields.worked_out import as_result, result_of
from app.notifications.readers import Needs, Readers
from app.notifications.shown import Shown
from app.records.results import Record
from app.records.select import is_link
from app.records.work import Work


@dataclass(frozen=True, slots=True)
class View:
    """What one receiver sees, in his language; makes the values of templates."""

    readers: Readers
    work: Work
    person: Principal
    language: str
    time_zone: str
    #: where people reach Trellis, before a path
    address: str = ""

    def record(
        self,
        entity: str,
        record_id: int,
        needs: Needs,
        shared: dict[Any, Record] | None = None,
    ) -> Shown | None:
        """Return a record for a template; None: he may not read it. *shared*: see `Readers`."""
        one = self._entity(entity)
        names = self._names(one, needs)
        found = self.readers.record(self.work, self.person, entity, record_id, names, shared)
        return None if found is None else self.shown(one, found, needs)

    def shown(self, entity: Entity, record: Record, needs: Needs) -> Shown:
        """Return a record that was read for a template."""
        reach = partial(self._value, entity, record, needs)
        return Shown(record.id, self.title(entity, record), reach)

    def title(self, entity: Entity, record: Record) -> str:
        """Return what names a record, as far as the receiver may know."""
        if entity.title is None or entity.title not in entity.fields:
            return f"#{record.id}"
        found = self._value(entity, record, {}, entity.title)
        return str(found) if found is not None else ""

    def _entity(self, name: str) -> Entity:
        return self.work.release.catalog.entities[name]

    def _names(self, entity: Entity, needs: Needs) -> tuple[str, ...]:
        readable = self.readers.desk(self.work, self.person).policy.readable(entity.name)
        wanted: dict[str, None] = {}
        if entity.title is not None and entity.title in readable:
            wanted[entity.title] = None
        for name, inner in needs.items():
            field = entity.fields.get(name)
            if field is None or name not in readable or field.type.name == "lines":
                continue
            wanted[name] = None
            currency = field.settings.get("currency")
            if isinstance(currency, str) and currency in readable:
                wanted[currency] = None
            parts = {part.name for part in field.type.parts(field)}
            if parts and not is_link(field):
                wanted.update((f"{name}.{part}", None) for part in inner if part in parts)
        return tuple(wanted)

    # -- values ------------------------------------------------------------------------------------

    def _value(self, entity: Entity, record: Record, needs: Needs, name: str) -> Any:
        """Return what stands behind ``record.`` under a name; None: nothing."""
        if name not in entity.fields:
            return self._of_every_record(entity, record, name)
        field = entity.fields[name]
        if field.type.name == "lines":
            return self._lines(entity, record, needs.get(name, {}), name)
        value = record.values.get(name)
        if value is None or value in ("", []):
            return None
        if name in record.masked:
            return Shown(str(value), str(value))
        if name in record.links:
            return self._linked(field, record.links[name], needs.get(name, {}))
        return self._plain(field, record, value)

    def _of_every_record(self, entity: Entity, record: Record, name: str) -> Any:
        if name == "id":
            return record.id
        if name == "title":
            return self.title(entity, record)
        if name in ("link", "url") and entity.lines_of is None:
            return f"{self.address}/crm/{entity.name}/{record.id}"
        return None

    def before(self, entity: str, row: Mapping[str, Any], needs: Needs) -> Shown:
        """Return a record as its columns were, as far as the receiver may read its fields."""
        one = self._entity(entity)
        policy = self.readers.desk(self.work, self.person).policy
        values = {
            name: field.type.from_columns(field, row)
            for name in needs
            if (field := one.fields.get(name)) is not None
            and policy.is_readable(entity, name)
            and field.type.name not in ("lines", "through")
            and name in row
        }

        def reach(name: str) -> Any:
            value = values.get(name)
            if value is None or value in ("", []):
                return None
            targets = one.fields[name].type.targets(one.fields[name])
            if targets and isinstance(value, int):
                return self.record(targets[0], value, needs.get(name, {}))
            record = Record(entity, row.get("id", 0), values)
            return self._plain(one.fields[name], record, value)

        return Shown(row.get("id"), "", reach)

    def _plain(self, field: Field, record: Record, value: Any) -> Any:
        type_, seen = field.type, field
        if type_.name == "through":
            result, seen = result_of(field)  # type: ignore[assignment]
            try:
                value = result.parse(seen, value, ParseContext(strict=True))
            except FieldError:
                return Shown(value, str(value))
            type_ = result
        elif type_.name in ("formula", "rollup"):
            type_, seen = result_of(field)  # type: ignore[assignment]
            value = as_result(type_, value)
            if currency := field.settings.get("currency"):
                seen = replace(seen, settings={**seen.settings, "currency": currency})
        text = type_.display(seen, value, self.language, self.time_zone, record.values)
        if isinstance(value, datetime):
            value = value.astimezone(ZoneInfo(self.time_zone))
        if isinstance(value, list | tuple):
            return Shown(list(value), text, None)
        return Shown(value, text, partial(self._part, record, field.name))

    def _part(self, record: Record, name: str, part: str) -> Any:
        value = record.values.get(f"{name}.{part}")
        return None if value is None else Shown(value, str(value))

    def _linked(self, field: Field, linked: Any, needs: Needs) -> Any:
        if isinstance(linked, list):
            return [self._one_linked(field, each, needs) for each in linked]
        return self._one_linked(field, linked, needs)

    def _one_linked(self, field: Field, linked: Mapping[str, Any], needs: Needs) -> Shown:
        if "name" in linked:
            return Shown(linked["id"], str(linked["name"]))
        targets = field.type.targets(field)
        target = linked.get("entity", targets[0] if targets else "")
        reach = _Lazy(self, target, linked["id"], needs)
        return Shown(linked["id"], str(linked.get("title") or ""), reach)

    def _lines(self, entity: Entity, record: Record, needs: Needs, name: str) -> list[Shown]:
        rows = f"{entity.name}.{name}"
        if rows not in self.work.release.catalog.entities:
            return []
        one = self._entity(rows)
        names = self._names(one, needs)
        found = self.readers.rows(self.work, self.person, rows, record.id, names)
        return [self.shown(one, each, needs) for each in found]


class _Lazy:
    """What stands behind a link: read when a template first asks for it."""

    __slots__ = ("_asked", "_found", "_id", "_needs", "_target", "_view")

    def __init__(self, view: View, target: str, record_id: int, needs: Needs) -> None:
        self._view = view
        self._target = target
        self._id = record_id
        self._needs = needs
        self._asked = False
        self._found: Shown | None = None

    def __call__(self, name: str) -> Any:
        if not self._asked:
            self._asked = True
            if self._target in self._view.work.release.catalog.entities:
                self._found = self._view.record(self._target, self._id, self._needs)
        return self._found.template_value(name) if self._found is not None else None


def view_of(readers: Readers, work: Work, person: Principal | None, address: str = "") -> View:
    """Return what somebody sees; without a person that of an outsider, who is told what is said."""
    app = work.release.catalog.app
    if person is None:
        return View(readers, work, SYSTEM, app.languages[0], app.time_zone, address)
    return View(readers, work, person, person.language, person.time_zone, address)
