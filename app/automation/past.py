"""Records as they were: taken back, line by line, through the history that was recorded of them.

Roll-ups and formulas are worked out anew from what was there. What history does not keep stays as
it is now: questions to other records, roles, the rules themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from app.automation.context import RuleContext
from app.database import system
from app.database.statements import Statement
from app.definitions.catalog import Entity, Field
from app.fields.base import FieldError
from app.records.rows import EntityRows
from app.records.work import Work

_history = system.history
_lines = Statement(
    sa.select(
        _history.c.record_id,
        _history.c.happened_at,
        _history.c.action,
        _history.c.user_id,
        _history.c.before,
        _history.c.after,
    )
    .where(
        _history.c.entity == sa.bindparam("entity", type_=sa.SmallInteger),
        _history.c.record_id == sa.func.any(sa.bindparam("ids", type_=sa.ARRAY(sa.BigInteger))),
    )
    .order_by(_history.c.record_id, _history.c.id)
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a record's history."""

    at: datetime
    action: str
    user_id: int | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(slots=True)
class _Kept:
    """A record as it is now, and its lines, the oldest first."""

    row: Mapping[str, Any]
    lines: list[Line] = field(default_factory=list)


class Past:
    """Records as they were at any moment."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self._kept: dict[tuple[str, int], _Kept | None] = {}
        self._children: dict[tuple[str, str, int], tuple[int, ...]] = {}
        self._reading = work.reading(strict=True)

    def load(self, entity: str, ids: Iterable[int]) -> None:
        """Read records and their lines, those that are in the bin included."""
        wanted = [one for one in set(ids) if (entity, one) not in self._kept]
        if not wanted:
            return
        rows = self.work.rows[entity].read(self.work.connection, wanted)
        for number in wanted:
            found = rows.get(number)
            self._kept[entity, number] = None if found is None else _Kept(found)
        values = {"entity": self.work.number(entity), "ids": wanted}
        for record_id, *line in _lines.run(self.work.connection, values):
            kept = self._kept.get((entity, record_id))
            if kept is not None:
                kept.lines.append(Line(*line))

    def lines(self, entity: str, record_id: int) -> list[Line]:
        """Return what happened to a record, the oldest first."""
        self.load(entity, [record_id])
        kept = self._kept[entity, record_id]
        return kept.lines if kept is not None else []

    def row_at(
        self, entity: str, record_id: int, moment: datetime, *, before: bool = False
    ) -> dict[str, Any] | None:
        """Return a record's columns as they were, in the bin or not; None: it was not there.

        Args:
            before: as they were just before what happened at that very moment.
        """
        self.load(entity, [record_id])
        kept = self._kept[entity, record_id]
        if kept is None:
            return None
        born = kept.row.get("created_at")
        if born is not None and (born > moment or (before and born == moment)):
            return None
        row, rows = dict(kept.row), self.work.rows[entity]
        changed: set[str] = set()
        left = len(kept.lines)
        for line in reversed(kept.lines):
            if line.at < moment or (line.at == moment and not before):
                break
            if line.action == "create":
                return None
            self._take_back(rows, row, line)
            changed |= line.before.keys()
            left -= 1
        _date_back(rows, row, changed, kept.lines[:left])
        return row

    def _take_back(self, rows: EntityRows, row: dict[str, Any], line: Line) -> None:
        if line.action in ("delete", "restore") and rows.has_bin:
            row["deleted_at"] = None if line.action == "delete" else line.at
        for name, value in line.before.items():
            one = rows.entity.fields.get(name)
            if one is None or name not in rows.columns or one.is_worked_out:
                continue
            row |= self._columns(rows, one, value)

    def _columns(self, rows: EntityRows, one: Field, value: Any) -> dict[str, Any]:
        if value is None:
            return rows.column_values({one.name: None})
        try:
            parsed = one.type.parse(one, value, self._reading)
        except FieldError:
            # The field takes other values by now; what it held then is unknown.
            parsed = None
        return {
            name: found
            for name, found in one.type.to_columns(one, parsed).items()
            if name in rows.columns
        }

    def children(self, entity: str, link: str, parent: tuple[str, int]) -> tuple[int, ...]:
        """Return the records of *entity* that name a record in *link* now."""
        key = (entity, link, parent[1])
        if key not in self._children:
            table = self.work.release.tables[entity]
            if link not in table.c:
                # Links of many stand in a table of their own.
                return ()
            chosen = sa.select(table.c.id).where(table.c[link] == sa.bindparam("_id"))
            if f"{link}__entity" in table.c:
                number = self.work.number(parent[0])
                chosen = chosen.where(table.c[f"{link}__entity"] == sa.literal(number))
            found = Statement(chosen).run(self.work.connection, {"_id": parent[1]})
            self._children[key] = tuple(row[0] for row in found)
            self.load(entity, self._children[key])
        return self._children[key]

    def context(
        self,
        entity: Entity,
        row: Mapping[str, Any],
        moment: datetime,
        old: Mapping[str, Any] | None = None,
    ) -> PastContext:
        """Return what expressions saw of a record at a moment."""
        work = replace(self.work, now=moment, parameters=None, bound=None)
        return PastContext(self, work, PastLinked(self, moment), entity, row, old)


class PastLinked:
    """Rows that links lead to, as they were."""

    def __init__(self, past: Past, moment: datetime) -> None:
        self._past = past
        self._moment = moment

    def entity(self, name: str) -> EntityRows:
        """Return an entity's rows."""
        return self._past.work.rows[name]

    def row(self, entity: str, record_id: int) -> dict[str, Any] | None:
        """Return a linked row; None if it was not there, or in the bin."""
        row = self._past.row_at(entity, record_id, self._moment)
        return row if row is None or row.get("deleted_at") is None else None


class PastContext(RuleContext):
    """What expressions saw: roll-ups and formulas are worked out from what was there."""

    def __init__(
        self,
        past: Past,
        work: Work,
        linked: PastLinked,
        entity: Entity,
        row: Mapping[str, Any],
        old: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(work, linked, entity, row, old)  # type: ignore[arg-type]
        self._past = past
        self._working: set[tuple[int, str]] = set()

    def _walk(self, entity: Entity, row: Mapping[str, Any], path: str) -> Any:
        name, _, rest = path.partition(".")
        one = entity.fields.get(name)
        if one is None or rest or (one.expression is None and one.rollup is None):
            return super()._walk(entity, row, path)
        if one.type.name not in ("formula", "rollup") or (id(row), name) in self._working:
            return super()._walk(entity, row, path)
        self._working.add((id(row), name))
        try:
            if one.rollup is not None:
                return self._roll_up(entity, row, one)
            assert one.expression is not None
            around = self._past.context(entity, row, self.now)
            around._working = self._working
            return self.work.rows.closures.of(one.expression)(around)
        finally:
            self._working.discard((id(row), name))

    def _roll_up(self, entity: Entity, row: Mapping[str, Any], one: Field) -> Any:
        asked = one.rollup
        assert asked is not None
        if entity.name not in self.work.release.numbers or asked.entity not in (
            self.work.release.numbers
        ):
            return row.get(one.name)
        closures = self.work.rows.closures
        child_entity = self.work.release.catalog.entities[asked.entity]
        found: list[tuple[Any, Any]] = []
        for number in self._past.children(asked.entity, asked.link, (entity.name, int(row["id"]))):
            child = self._past.row_at(asked.entity, number, self.now)
            if child is None or child.get("deleted_at") is not None:
                continue
            if child.get(asked.link) != row["id"]:
                continue
            context = self._past.context(child_entity, child, self.now)
            context.record = (entity, row, {})
            if asked.where is not None and not closures.of(asked.where)(context):
                continue
            value = closures.of(asked.value)(context) if asked.value is not None else 1
            by = closures.of(asked.by)(context) if asked.by is not None else value
            if value is not None and by is not None:
                found.append((by, value))
        return _TOGETHER[asked.function](found)


def _date_back(rows: EntityRows, row: dict[str, Any], changed: set[str], lines: list[Line]) -> None:
    """Say since when the owner and the stages were what they were, which history does not keep."""
    dated = {"owner": "owner_since"}
    dated |= {name: f"{name}__since" for name in rows.lists.stages}
    for name, since in dated.items():
        if name in changed and since in rows.columns:
            moments = (line.at for line in reversed(lines) if name in line.after)
            row[since] = next(moments, row.get("created_at"))


def _values(found: list[tuple[Any, Any]]) -> list[Any]:
    return [value for _, value in found]


def _listed(found: list[tuple[Any, Any]]) -> list[Any]:
    return list(dict.fromkeys(_values(found)))


_TOGETHER: Mapping[str, Callable[[list[tuple[Any, Any]]], Any]] = {
    "count": lambda found: Decimal(len(found)),
    "sum": lambda found: sum(_values(found), Decimal(0)),
    "avg": lambda found: sum(_values(found), Decimal(0)) / len(found) if found else None,
    "lowest": lambda found: min(_values(found), default=None),
    "highest": lambda found: max(_values(found), default=None),
    "latest": lambda found: max(found, key=lambda one: one[0])[1] if found else None,
    "earliest": lambda found: min(found, key=lambda one: one[0])[1] if found else None,
    "list": _listed,
}
