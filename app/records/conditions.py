"""Conditions on one record while it is written, worked out in Python on its values.

What asks other records (``count(contact, …)``) is left to the database, see ``checking``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.access.sources import targets_of
from app.definitions.catalog import Entity, Field
from app.expressions.calendar import Calendar
from app.expressions.tree import Ask
from app.expressions.types import Kind
from app.fields.clock import Clock
from app.records.rows import EntityRows
from app.records.work import Work


class Linked:
    """Rows that links lead to, read once in a transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._found: dict[tuple[str, int], dict[str, Any] | None] = {}

    def entity(self, name: str) -> EntityRows:
        return self._work.rows[name]

    def put(self, entity: str, record_id: int, row: Mapping[str, Any] | None) -> None:
        """Let a record be seen as *row*: as it was before something happened to it."""
        self._found[(entity, record_id)] = None if row is None else dict(row)

    def row(self, entity: str, record_id: int) -> dict[str, Any] | None:
        """Return a linked row; None if it is gone or in the bin."""
        key = (entity, record_id)
        if key not in self._found:
            row = self._work.rows[entity].read(self._work.connection, [record_id]).get(record_id)
            self._found[key] = row if row is None or row.get("deleted_at") is None else None
        return self._found[key]


class WriteContext:
    """What expressions see while one record is written.

    ``row`` holds the record's columns as they will be, ``old`` as they were; a new record has no
    ``old``. Paths lead through links into other records.
    """

    def __init__(
        self,
        work: Work,
        linked: Linked,
        entity: Entity,
        row: Mapping[str, Any],
        old: Mapping[str, Any] | None = None,
        parent: tuple[Entity, Mapping[str, Any]] | None = None,
    ) -> None:
        self.work = work
        self.linked = linked
        self.entity = entity
        self.row = row
        self.old_row = old or {}
        self.parent = parent
        self.now: datetime = work.now
        self.calendar: Calendar = work.calendar
        self.today: date = self.calendar.day(work.now)

    def value(self, path: str) -> Any:
        """Return the value at a dotted path, None when it is empty."""
        first, _, rest = path.partition(".")
        if first == "record":
            return self._walk(self.entity, self.row, rest) if rest else self.row.get("id")
        if first == "old":
            return self._walk(self.entity, self.old_row, rest) if rest else self.old_row.get("id")
        if first == "parent" and self.parent is not None:
            entity, row = self.parent
            return self._walk(entity, row, rest) if rest else row.get("id")
        if first == "me":
            return self._user(rest)
        if first == "my":
            return self.work.principal.my.get(rest)
        if first == "app":
            return self.work.release.catalog.app.values.get(rest)
        if first == "origin":
            return self.work.origin
        return self._walk(self.entity, self.row, path)

    def _user(self, rest: str) -> Any:
        user_id = self.work.principal.user_id
        if not rest or user_id is None:
            return user_id
        row = self.linked.row("user", user_id)
        return self._walk(self.linked.entity("user").entity, row, rest) if row else None

    def _walk(self, entity: Entity, row: Mapping[str, Any], path: str) -> Any:
        name, _, rest = path.partition(".")
        field = entity.fields.get(name)
        if field is None:
            return None
        through = field.settings.get("from") if field.type.name == "through" else None
        if through:
            return self._walk(entity, row, f"{through}.{rest}" if rest else str(through))
        value = self._held(field, entity, row)
        if not rest:
            return value
        target = _target(field, value)
        if target is not None:
            entity_name, record_id = target
            linked = self.linked.row(entity_name, record_id)
            if linked is None:
                return None
            return self._walk(self.linked.entity(entity_name).entity, linked, rest)
        if isinstance(value, Clock):
            return _part_of_clock(value, rest, self.now)
        return _part(field, value, row, rest)

    def _held(self, field: Field, entity: Entity, row: Mapping[str, Any]) -> Any:
        """Return the value of a field: out of its columns, or worked out where it has none."""
        if field.name in row:
            return field.type.from_columns(field, row)
        if field.expression is None or not field.is_volatile or not row:
            return None
        # It asks for today, now or me, so it stands in no column.
        context = WriteContext(
            self.work, self.linked, entity, row, parent=self._around(entity, row)
        )
        return self.work.rows.closures.of(field.expression)(context)

    def _around(
        self, entity: Entity, row: Mapping[str, Any]
    ) -> tuple[Entity, Mapping[str, Any]] | None:
        """Return the record around a row of lines; None where there is none, or none yet."""
        if row is self.row or entity.lines_of is None or "parent" not in row:
            return self.parent
        record = self.linked.row(entity.lines_of[0], row["parent"])
        return None if record is None else (self.linked.entity(entity.lines_of[0]).entity, record)

    def changed(self, name: str) -> bool:
        """Return whether the write changes a field; on create every filled one counts."""
        field = self.entity.fields[name]
        new = self._held(field, self.entity, self.row)
        if not self.old_row:
            return new is not None
        return bool(new != self._held(field, self.entity, self.old_row))

    def ask(self, question: Ask) -> Any:
        """Ask other records, in SQL, inside the transaction."""
        from app.records.asking import ask

        return ask(self.work, self.entity, self.row, question)

    def split(self, total: Decimal, share: Decimal) -> Decimal:
        """Return a share outside any series: there is no rest to leave to anybody."""
        from app.expressions.runtime import split_amount

        return split_amount(total, [share])[0]


def _target(field: Field, value: Any) -> tuple[str, int] | None:
    """Return entity and id that a link's value leads to; None for other fields."""
    if value is None:
        return None
    if isinstance(value, tuple) and field.type.name == "any_link":
        return (value[0], value[1])
    # A roll-up or formula may lead to a record as a link does.
    targets = (
        () if field.value is None or field.value.kind is not Kind.record else targets_of(field)
    )
    return (targets[0], value) if targets else None


def _part_of_clock(clock: Clock, part: str, now: datetime) -> Any:
    """Return what a clock says at a moment; when it is due does not depend on it."""
    if part == "state":
        return clock.state_at(now)
    return clock.left_at(now) if part == "left" else clock.due_at


def _part(field: Field, value: Any, row: Mapping[str, Any], part: str) -> Any:
    """Return a part of a value: a column of its own, a key, or what the options say."""
    column = f"{field.name}__{part}"
    if column in row:
        return row[column]
    if isinstance(value, Mapping):
        return value.get(part)
    if field.options and part in ("final", "probability"):
        option = next((each for each in field.options if each.name == value), None)
        return getattr(option, part) if option else None
    if part == "base":  # money in one currency is its own base
        return value
    return None
