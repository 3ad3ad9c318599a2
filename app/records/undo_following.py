"""What comes back with an owner and with a stage: since when, and what was there before that."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from app.database import system
from app.database.automation_tables import stage_time
from app.definitions.catalog import Entity
from app.records.stages import leave
from app.records.statements import Statement, json_text, rows_of_json
from app.records.undo_plans import Net
from app.records.work import Work

_history, _stays = system.history, stage_time
_ENTITY = sa.bindparam("entity", type_=sa.SmallInteger)
_asked = rows_of_json(
    "_asked",
    {"record_id": sa.BigInteger(), "first": sa.BigInteger(), "owner": sa.BigInteger()},
)
_OWNER: sa.ColumnElement[str] = sa.literal_column("'owner'")
_by_undo = sa.exists().where(
    system.change_set.c.id == _history.c.change_set, system.change_set.c.kind == "undo"
)
#: of each record the newest line that gave it to the owner, other than by undoing something
_gained = Statement(
    sa.select(
        _history.c.record_id,
        _history.c.happened_at,
        sa.cast(_history.c.before[_OWNER].as_string(), sa.BigInteger).label("previous"),
    )
    .select_from(_history.join(_asked, _history.c.record_id == _asked.c.record_id))
    .where(
        _history.c.entity == _ENTITY,
        _history.c.id < _asked.c.first,
        sa.cast(_history.c.after[_OWNER].as_string(), sa.BigInteger) == _asked.c.owner,
        sa.not_(_by_undo),
    )
    .ext(distinct_on(_history.c.record_id))
    .order_by(_history.c.record_id, _history.c.id.desc())
)
_left = Statement(
    sa.select(
        _stays.c.id, _stays.c.record_id, _stays.c.stage, _stays.c.entered_at, _stays.c.left_at
    )
    .where(
        _stays.c.entity == _ENTITY,
        _stays.c.record_id == sa.func.any(sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger))),
        _stays.c.field == sa.bindparam("field", type_=sa.Text),
    )
    .order_by(_stays.c.id)
)
_forget = Statement(
    sa.delete(_stays).where(
        _stays.c.id == sa.func.any(sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger)))
    )
)


def owners_back(
    work: Work, entity: Entity, nets: Mapping[int, Net], rows: Mapping[int, Mapping[str, Any]]
) -> dict[int, dict[str, Any]]:
    """Return the columns of owners that come back, by record."""
    asked = [
        {"record_id": number, "first": net.first, "owner": net.before["owner"]}
        for number, net in nets.items()
    ]
    values = {"entity": work.number(entity.name), "_asked": json_text(asked)}
    gained = {row[0]: (row[1], row[2]) for row in _gained.run(work.connection, values)}
    found = {}
    for number, net in nets.items():
        owner = net.before["owner"]
        since, previous = gained.get(number, (rows[number].get("created_at"), None))
        found[number] = {
            "owner": owner,
            "owner_department": work.department_of(owner),
            "owner_since": since if owner is not None else None,
            "previous_owner": previous,
        }
    return found


def stages_back(
    work: Work,
    entity: Entity,
    name: str,
    nets: Mapping[int, Net],
    rows: Mapping[int, Mapping[str, Any]],
) -> dict[int, dict[str, Any]]:
    """Return since when stages that come back were what they are again, by record.

    That it left them is forgotten: the time in a stage counts on as if it had never been left.
    """
    values = {"entity": work.number(entity.name), "_ids": sorted(nets), "field": name}
    stays: dict[int, list[tuple[int, str, datetime]]] = {}
    for number, record_id, stage, entered, _left_at in _left.run(work.connection, values):
        stays.setdefault(record_id, []).append((number, stage, entered))
    columns = work.rows[entity.name].columns
    since: datetime
    found: dict[int, dict[str, Any]] = {}
    forgotten: list[int] = []
    for record_id, net in nets.items():
        mine = stays.get(record_id, [])
        stage, row = net.before[name], rows[record_id]
        place = next((n for n in reversed(range(len(mine))) if mine[n][1] == stage), None)
        if place is not None:
            since, before = mine[place][2], mine[place - 1][1] if place else None
            forgotten += [one[0] for one in mine[place:]]
        else:
            # It goes on to where it had been taken back from.
            since, before = work.now, row.get(name)
            leave(work, entity, {**row, name: stage}, row)
        told = {f"{name}__since": since, f"{name}__previous": before}
        found[record_id] = {key: value for key, value in told.items() if key in columns}
    if forgotten:
        _forget.do(work.connection, {"_ids": forgotten})
    return found
