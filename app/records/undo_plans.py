"""What a change set did to each record, all in all: the lines of history put together.

Of several lines about one field the first tells what was there, the last what was left. Nothing
here writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from app.database import system
from app.definitions.catalog import Entity, Field
from app.records.drafts import KEPT_BY_THE_SYSTEM
from app.records.rows import EntityRows
from app.records.statements import Statement
from app.records.work import Work

_history = system.history
_IDS = sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger))
_shown = (
    _history.c.id,
    _history.c.record_id,
    _history.c.action,
    _history.c.version,
    _history.c.happened_at,
    _history.c.before,
    _history.c.after,
)
_of_set = Statement(
    sa.select(*_shown)
    .where(
        _history.c.entity == sa.bindparam("entity", type_=sa.SmallInteger),
        _history.c.record_id == sa.func.any(_IDS),
        _history.c.change_set == sa.bindparam("change_set", type_=sa.BigInteger),
    )
    .order_by(_history.c.id)
)
_of_lines = Statement(
    sa.select(*_shown)
    .where(
        _history.c.entity == sa.bindparam("entity", type_=sa.SmallInteger),
        _history.c.record_id == sa.func.any(_IDS),
        _history.c.id == sa.func.any(sa.bindparam("lines", type_=sa.ARRAY(sa.BigInteger))),
    )
    .order_by(_history.c.id)
)
#: Types whose value follows from something else, or is given once.
_FOLLOWING = frozenset({"serial", "approval", "clock"})
#: What lines of history name that is no field.
_BESIDE = frozenset({"merged_into", "attachments", "comment"})


@dataclass(frozen=True, slots=True)
class Source:
    """What is taken back: a change set, or lines of history that belong to none."""

    change_set: int | None = None
    lines: tuple[int, ...] = ()
    #: who did it
    author: int | None = None
    happened_at: datetime | None = None


@dataclass(slots=True)
class Net:
    """What became of one record."""

    record_id: int
    #: the first and the last line
    first: int
    last: int
    #: its version after the last line, and when that was
    version: int
    happened_at: datetime
    #: whether it was made
    born: bool = False
    #: whether it was in the bin before and afterwards; None: nothing was said about that
    was_binned: bool | None = None
    is_binned: bool | None = None
    is_purged: bool = False
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    #: files put on and taken off: action, name, when
    files: list[tuple[str, str, datetime]] = field(default_factory=list)

    def add(self, line: Mapping[str, Any]) -> None:
        """Take a further line in."""
        self.last, self.version = line["id"], line["version"]
        self.happened_at = line["happened_at"]
        action = line["action"]
        if action == "create":
            self.born = True
        elif action in ("delete", "restore"):
            self.is_binned = action == "delete"
            if self.was_binned is None:
                self.was_binned = not self.is_binned
        elif action == "purge":
            self.is_purged = True
        elif action in ("attach", "detach"):
            name = (line["after"] if action == "attach" else line["before"]).get("attachments")
            self.files.append((action, str(name), line["happened_at"]))
            return
        for name, value in line["after"].items():
            self.before.setdefault(name, line["before"].get(name))
            self.after[name] = value

    @property
    def comes_back(self) -> bool:
        """Whether it was put into the bin, and so is to come out of it."""
        return self.is_binned is True and self.was_binned is False and not self.born

    def lost(self, entity: Entity) -> bool:
        """Return whether it changed nothing but fields that are no more."""
        names = self.after.keys() - _BESIDE
        is_only = not self.born and self.is_binned is None and bool(names)
        return is_only and all(
            one is None or one.removed for one in (entity.fields.get(name) for name in names)
        )

    @property
    def goes(self) -> bool:
        """Whether it was made or came out of the bin, and so is to go there."""
        if self.born:
            return not self.is_binned
        return self.is_binned is False and self.was_binned is True


def nets_of(work: Work, entity: Entity, ids: Sequence[int], source: Source) -> dict[int, Net]:
    """Return what became of records, by id."""
    values: dict[str, Any] = {"entity": work.number(entity.name), "_ids": sorted(set(ids))}
    if source.change_set is not None:
        statement, values["change_set"] = _of_set, source.change_set
    else:
        statement, values["lines"] = _of_lines, list(source.lines)
    found: dict[int, Net] = {}
    former = {was: one.name for one in entity.fields.values() for was in one.was}
    for line in statement.rows(work.connection, values):
        if former:
            # Lines keep the names that fields had then.
            for part in ("before", "after"):
                line[part] = {former.get(name, name): each for name, each in line[part].items()}
        number = line["record_id"]
        net = found.get(number)
        if net is None:
            net = Net(number, line["id"], line["id"], line["version"], line["happened_at"])
            found[number] = net
        net.add(line)
    return found


def changed_fields(entity: Entity, net: Net) -> list[Field]:
    """Return the fields that are to be as they were, worked-out ones left out."""
    if net.born:
        return []
    return [
        one
        for name in net.after
        if (one := entity.fields.get(name)) is not None
        and net.before.get(name) != net.after[name]
        and can_come_back(one)
    ]


def can_come_back(one: Field) -> bool:
    """Whether a field holds what somebody gave it, and not what follows from something else."""
    if one.removed or one.is_worked_out or one.type.name in _FOLLOWING:
        return False
    return one.name in ("owner", "pool") or one.name not in KEPT_BY_THE_SYSTEM


def json_of(one: Field, value: Any) -> Any:
    """Return a value as history keeps it."""
    if value is None:
        return None
    return orjson.loads(orjson.dumps(one.type.to_json(one, value)))


def same(one: Field, lines: EntityRows | None, left: Any, right: Any) -> bool:
    """Whether two values of history's JSON are the same; of rows, what people give in them."""
    if lines is None or not isinstance(left, list) or not isinstance(right, list):
        return bool((left or None) == (right or None)) if one.type.many else bool(left == right)
    return given_rows(lines, left) == given_rows(lines, right)


def given_rows(lines: EntityRows, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what people give in rows of lines: neither ids nor what is worked out."""
    names = [
        each.name
        for each in lines.entity.fields.values()
        if not each.built_in and each.type.writable and not each.removed
    ]
    return [{name: row.get(name) for name in names} for row in rows]
