"""The statements on the tables of imports."""

from __future__ import annotations

import sqlalchemy as sa

from app.database.statements import Statement
from app.database.system import file as _file
from app.database.transfer_tables import import_fault, import_run

_r, _f = import_run, import_fault
insert = Statement(
    sa.insert(_r)
    .values(
        entity=sa.bindparam("entity"),
        user_id=sa.bindparam("user"),
        name=sa.bindparam("name"),
        sha256=sa.bindparam("sha256"),
        plan=sa.cast(sa.bindparam("plan", type_=sa.Text), _r.c.plan.type),
    )
    .returning(_r.c.id)
)
get = Statement(sa.select(_r).where(_r.c.id == sa.bindparam("run")))
lock = Statement(
    sa.select(_r.c.state, _r.c.mark, _r.c.counts, _r.c.change_set)
    .where(_r.c.id == sa.bindparam("run"))
    .with_for_update()
)
#: The COMMIT of this transaction waits for no disk.
unhurried = Statement(sa.select(sa.func.set_config("synchronous_commit", "off", True)))
replan = Statement(
    sa.update(_r)
    .where(_r.c.id == sa.bindparam("run"), _r.c.state == "draft")
    .values(plan=sa.cast(sa.bindparam("plan", type_=sa.Text), _r.c.plan.type))
)
advance = Statement(
    sa.update(_r)
    .where(_r.c.id == sa.bindparam("run"))
    .values(
        mark=sa.bindparam("mark"),
        counts=sa.cast(sa.bindparam("counts", type_=sa.Text), _r.c.counts.type),
        change_set=sa.bindparam("change_set", type_=sa.BigInteger),
        beat_at=sa.func.now(),
    )
)
move = Statement(
    sa.update(_r)
    .where(
        _r.c.id == sa.bindparam("run"),
        _r.c.state == sa.func.any(sa.bindparam("from_", type_=sa.ARRAY(sa.Text))),
    )
    .values(
        state=sa.bindparam("to"),
        beat_at=sa.func.now(),
        started_at=sa.func.coalesce(
            _r.c.started_at, sa.case((sa.bindparam("to") != "draft", sa.func.now()))
        ),
        ended_at=sa.case(
            (
                sa.bindparam("to").in_(
                    [sa.literal_column(f"'{one}'") for one in ("done", "failed", "cancelled")]
                ),
                sa.func.now(),
            )
        ),
        problem=sa.cast(sa.bindparam("problem", type_=sa.Text), _r.c.problem.type),
    )
)
set_total = Statement(
    sa.update(_r).where(_r.c.id == sa.bindparam("run")).values(total=sa.bindparam("total"))
)
silent = Statement(
    sa.select(_r.c.id)
    .where(
        _r.c.state.in_([sa.literal_column("'waiting'"), sa.literal_column("'running'")]),
        _r.c.beat_at < sa.bindparam("before", type_=_r.c.beat_at.type),
    )
    .order_by(_r.c.id)
)
mine = Statement(
    sa.select(_r)
    .where(sa.or_(_r.c.user_id == sa.bindparam("user"), sa.bindparam("all", type_=sa.Boolean)))
    .order_by(_r.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
add_fault = Statement(
    sa.insert(_f).values(
        run=sa.bindparam("_run"),
        row=sa.bindparam("_row"),
        values=sa.cast(sa.bindparam("_values", type_=sa.Text), _f.c["values"].type),
        reasons=sa.cast(sa.bindparam("_reasons", type_=sa.Text), _f.c.reasons.type),
    )
)
faults = Statement(
    sa.select(_f.c.row, _f.c["values"].label("cells"), _f.c.reasons)
    .where(_f.c.run == sa.bindparam("run"), _f.c.row > sa.bindparam("after", type_=sa.BigInteger))
    .order_by(_f.c.row)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
earlier = Statement(
    sa.select(_r.c.plan)
    .where(
        _r.c.user_id.is_not_distinct_from(sa.bindparam("user", type_=sa.BigInteger)),
        _r.c.entity == sa.bindparam("entity"),
        _r.c.started_at.is_not(None),
    )
    .order_by(_r.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_other = _r.alias()


def _is_over(run: sa.FromClause) -> sa.ColumnElement[bool]:
    """Return whether nobody goes on with an import, and nobody has for long."""
    last = sa.func.coalesce(run.c.ended_at, run.c.beat_at, run.c.made_at)
    busy: list[sa.ColumnElement[str]] = [
        sa.literal_column(f"'{state}'") for state in ("waiting", "running", "paused")
    ]
    before = sa.bindparam("before", type_=_r.c.made_at.type)
    return sa.and_(run.c.state.not_in(busy), last < before)


#: Files of imports that nobody will read again, and that nothing else needs.
swept = Statement(
    sa.select(_r.c.sha256)
    .distinct()
    .where(
        _is_over(_r),
        ~sa.exists().where(_other.c.sha256 == _r.c.sha256, ~_is_over(_other)),
        ~sa.exists().where(_file.c.sha256 == _r.c.sha256),
    )
)
