"""The rows of the ledger and of what waits, written many at a time.

A firing is there once for its occurrence, whoever tries a second time; a task is gone with the
transaction that ran it. Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert

from app.automation.running import Firing
from app.database.automation_tables import firing, task
from app.records.statements import Statement, json_text
from app.records.work import Work
from app.texts import Label

#: The record of a waiting step is in the bin: until it comes back, or for good.
NEVER = datetime.fromisoformat("9999-01-01T00:00:00+00:00")

#: Stands in an occurrence before the record a firing was of before a merge.
MERGED = "~"

_NEW = (
    "rule", "digest", "cause", "entity", "record_id", "occurrence", "user_id", "due_at",
    "happened_at", "state", "reason", "input", "made", "steps", "ended_at",
)  # fmt: skip
_KEY = ("rule", "entity", "record_id", "happened_at")
_ENDED = ("id", "state", "reason", "made", "steps", "ended_at", "digest")


def _given(table: sa.Table, names: Sequence[str]) -> Any:
    """Return rows given as one array per column."""
    arrays, columns = [], []
    for name in names:
        kind = table.c[name].type
        given = sa.Text() if isinstance(kind, JSONB) else kind
        arrays.append(sa.bindparam(name, type_=ARRAY(given)))
        columns.append(sa.column(name, given))
    return sa.func.unnest(*arrays).table_valued(*columns, name="given").render_derived()


def _values(table: sa.Table, names: Sequence[str], given: Any) -> list[Any]:
    return [
        sa.cast(given.c[name], JSONB) if isinstance(table.c[name].type, JSONB) else given.c[name]
        for name in names
    ]


def _insert_firings() -> Statement:
    given = _given(firing, _NEW)
    rows = sa.select(*_values(firing, _NEW, given))
    other = firing.alias()
    # SQLAlchemy would put the table itself into the FROM of the subquery.
    own: dict[str, Any] = {name: sa.literal_column(f"{firing}.{name}") for name in _KEY}
    lately = (
        sa.select(sa.func.count())
        .where(
            *(other.c[name] == own[name] for name in ("rule", "entity", "record_id")),
            other.c.happened_at > own["happened_at"] - sa.text("interval '1 minute'"),
        )
        .scalar_subquery()
    )
    new = insert(firing).from_select(list(_NEW), rows).on_conflict_do_nothing()
    key = (firing.c.rule, firing.c.entity, firing.c.record_id, firing.c.occurrence)
    return Statement(new.returning(firing.c.id, *key, lately.label("lately")))


def _end_firings() -> Statement:
    given = _given(firing, _ENDED)
    update = (
        sa.update(firing)
        .where(firing.c.id == given.c.id)
        .values(
            state=given.c.state,
            reason=sa.cast(given.c.reason, JSONB),
            made=sa.func.coalesce(sa.cast(given.c.made, JSONB), firing.c.made),
            steps=firing.c.steps.op("||")(sa.cast(given.c.steps, JSONB)),
            ended_at=given.c.ended_at,
            digest=sa.func.coalesce(given.c.digest, firing.c.digest),
        )
    )
    return Statement(update)


def _insert_tasks() -> Statement:
    names = ("firing", "step", "due_at")
    given = _given(task, names)
    new = insert(task).from_select(list(names), sa.select(*(given.c[name] for name in names)))
    return Statement(
        new.on_conflict_do_update(
            index_elements=["firing", "step"],
            set_={
                "due_at": new.excluded.due_at,
                "leased_until": None,
                "token": task.c.token + 1,
                "attempts": 0,
            },
        )
    )


_new = _insert_firings()
_end = _end_firings()
_wait = _insert_tasks()
_IDS = sa.bindparam("ids", type_=ARRAY(sa.BigInteger))
_drop_tasks = Statement(sa.delete(task).where(task.c.id == sa.func.any(_IDS)))
_drop_tasks_of = Statement(sa.delete(task).where(task.c.firing == sa.func.any(_IDS)))
_still_waiting = Statement(
    sa.select(task.c.firing).where(task.c.firing == sa.func.any(_IDS)).distinct()
)


@dataclass(slots=True)
class Ended:
    """How a firing stands after what was run of it."""

    firing: Firing
    #: due | waiting | done | skipped | failed | dropped
    state: str
    reason: Label | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """A step that waits for its time."""

    firing: int
    step: str
    due_at: datetime


def add_firings(work: Work, rows: Sequence[Ended]) -> list[tuple[Ended, int]]:
    """Write firings that are not there yet and give them their ids.

    Returns those that are new, each with how often its rule met its record within a minute.
    """
    if not rows:
        return []
    values: dict[str, list[Any]] = {name: [] for name in _NEW}
    for row in rows:
        for name, value in _new_values(work, row).items():
            values[name].append(value)
    made = {tuple(row[1:5]): (row[0], row[5]) for row in _new.run(work.connection, values)}
    found = []
    for index, row in enumerate(rows):
        key = tuple(values[name][index] for name in ("rule", "entity", "record_id", "occurrence"))
        if key in made:
            row.firing.id, lately = made[key]
            found.append((row, lately))
    return found


def _new_values(work: Work, row: Ended) -> dict[str, Any]:
    one = row.firing
    return {
        "rule": one.rule,
        "digest": one.digest,
        "cause": one.cause,
        "entity": work.number(one.entity) if one.entity else 0,
        "record_id": one.record_id or 0,
        "occurrence": one.occurrence,
        "user_id": one.user_id,
        "due_at": one.due_at,
        "happened_at": one.happened_at or work.now,
        "state": row.state,
        "reason": label_text(row.reason),
        "input": json_text(one.input) if one.input else None,
        "made": json_text(one.made) if one.made else None,
        "steps": json_text(one.steps),
        "ended_at": None if row.state in ("due", "waiting") else work.now,
    }


def end_firings(work: Work, rows: Iterable[Ended]) -> None:
    """Write how firings stand now, their new outcomes added to the old ones."""
    values: dict[str, list[Any]] = {name: [] for name in _ENDED}
    for row in rows:
        one = row.firing
        values["id"].append(one.id)
        values["state"].append(row.state)
        values["reason"].append(label_text(row.reason))
        values["made"].append(json_text(one.made) if one.made else None)
        values["steps"].append(json_text(one.steps))
        values["ended_at"].append(None if row.state in ("due", "waiting") else work.now)
        values["digest"].append(one.digest)
    if values["id"]:
        _end.do(work.connection, values)


def add_tasks(work: Work, rows: Sequence[Later]) -> None:
    """Have steps wait for their time."""
    if rows:
        values = {
            "firing": [row.firing for row in rows],
            "step": [row.step for row in rows],
            "due_at": [row.due_at for row in rows],
        }
        _wait.do(work.connection, values)


def drop_tasks(work: Work, ids: Iterable[int]) -> None:
    """Take away tasks that were run."""
    if wanted := list(ids):
        _drop_tasks.do(work.connection, {"ids": wanted})


def drop_tasks_of(work: Work, firings: Iterable[int]) -> None:
    """Take away everything that waits for a firing."""
    if wanted := list(firings):
        _drop_tasks_of.do(work.connection, {"ids": wanted})


def still_waiting(work: Work, firings: Iterable[int]) -> set[int]:
    """Return those firings of which some step still waits."""
    wanted = list(firings)
    if not wanted:
        return set()
    return {row[0] for row in _still_waiting.run(work.connection, {"ids": wanted})}


def label_text(label: Label | None) -> str | None:
    """Return a sentence as the ledger keeps it."""
    return None if label is None else json_text(dict(label.texts))


def as_label(stored: Any) -> Label | None:
    """Return a sentence that the ledger kept."""
    return (
        Label({str(k): str(v) for k, v in stored.items()}) if isinstance(stored, Mapping) else None
    )


def row_as_firing(row: Mapping[str, Any], names: Mapping[int, str]) -> Firing:
    """Return a row of the ledger as it runs; *names* are the entities by number."""
    return Firing(
        id=row["id"],
        rule=row["rule"],
        digest=row["digest"],
        cause=row["cause"],
        occurrence=row["occurrence"],
        entity=names.get(row["entity"]) if row["entity"] else None,
        record_id=row["record_id"] or None,
        user_id=row["user_id"],
        due_at=row["due_at"],
        happened_at=row["happened_at"],
        input=dict(row["input"] or {}),
        made={name: (made[0], int(made[1])) for name, made in (row["made"] or {}).items()},
        steps={},
    )
