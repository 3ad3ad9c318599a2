"""The statements on the table of exports in the background."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from app.database.statements import Statement
from app.database.transfer_tables import export_run

_r = export_run
_ID = _r.c.id == sa.bindparam("id", type_=sa.BigInteger)
_NOW = sa.bindparam("now", type_=_r.c.made_at.type)
_BEFORE = sa.bindparam("before", type_=_r.c.made_at.type)
_USER = sa.bindparam("user", type_=sa.BigInteger)
_WAITING: Any = sa.literal_column("'waiting'")
_RUNNING: Any = sa.literal_column("'running'")
_DONE: Any = sa.literal_column("'done'")
_OPEN = _r.c.state.in_([_WAITING, _RUNNING])
_SILENT = sa.or_(_r.c.state == _WAITING, _r.c.beat_at < _BEFORE)

insert = Statement(
    sa.insert(_r)
    .values(
        kind=sa.bindparam("kind"),
        user_id=_USER,
        name=sa.bindparam("name"),
        form=sa.bindparam("form"),
        wanted=sa.cast(sa.bindparam("wanted", type_=sa.Text), _r.c.wanted.type),
        address=sa.bindparam("address"),
        made_at=_NOW,
        beat_at=_NOW,
    )
    .returning(_r.c.id)
)
get = Statement(sa.select(_r).where(_ID))
mine = Statement(
    sa.select(_r)
    .where(_r.c.user_id == _USER)
    .order_by(_r.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
#: Those who begin at the same moment are counted one after the other.
counting = Statement(
    sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(sa.bindparam("name"), 0)))
)
open_of = Statement(
    sa.select(sa.func.count())
    .select_from(_r)
    .where(_r.c.user_id.is_not_distinct_from(_USER), _OPEN)
)
claim = Statement(
    sa.update(_r)
    .where(_ID, _OPEN, _SILENT)
    .values(
        state=_RUNNING,
        attempts=_r.c.attempts + 1,
        beat_at=_NOW,
        started_at=sa.func.coalesce(_r.c.started_at, _NOW),
    )
    .returning(_r.c.attempts)
)
beat = Statement(
    sa.update(_r)
    .where(
        _ID,
        _r.c.state == _RUNNING,
        _r.c.attempts == sa.bindparam("attempt", type_=sa.SmallInteger),
    )
    .values(done=sa.bindparam("done", type_=sa.BigInteger), beat_at=_NOW)
)
set_total = Statement(
    sa.update(_r).where(_ID).values(total=sa.bindparam("total", type_=sa.BigInteger))
)
_attempt = sa.bindparam("attempt", type_=sa.SmallInteger)
_state = sa.bindparam("state", type_=sa.Text)
end = Statement(
    sa.update(_r)
    .where(_ID, _OPEN, sa.or_(_attempt.is_(None), _r.c.attempts == _attempt))
    .values(
        state=_state,
        done=sa.func.coalesce(sa.bindparam("done", type_=sa.BigInteger), _r.c.done),
        size=sa.bindparam("size", type_=sa.BigInteger),
        problem=sa.cast(sa.bindparam("problem", type_=sa.Text), _r.c.problem.type),
        ended_at=_NOW,
        expires_at=sa.case((_state == _DONE, sa.bindparam("expires", type_=_r.c.made_at.type))),
    )
)
silent = Statement(sa.select(_r.c.id).where(_OPEN, _r.c.beat_at < _BEFORE).order_by(_r.c.id))
expire = Statement(
    sa.update(_r)
    .where(_r.c.state == _DONE, _r.c.expires_at < _NOW)
    .values(state=sa.literal_column("'expired'"))
    .returning(*_r.c)
)
