"""The statements on the tables of exchanges."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from app.database.automation_tables import delivery, firing
from app.database.exchange_tables import exchange, exchange_run
from app.database.transfer_tables import import_run
from app.records.statements import Statement

_e, _r = exchange.c, exchange_run.c
_NAME = sa.bindparam("name", type_=sa.Text)
_NAMES = sa.bindparam("names", type_=ARRAY(sa.Text))
_NOW = sa.bindparam("now", type_=_r.began_at.type)
_PROBLEM = sa.cast(sa.bindparam("problem", type_=sa.Text), _r.problem.type)


def _moment(name: str) -> sa.BindParameter[object]:
    return sa.bindparam(name, type_=_r.began_at.type)


_put = insert(exchange).values(
    name=_NAME, rhythm=sa.bindparam("rhythm", type_=sa.Text), next_at=_moment("next_at")
)
#: A new one, or one that comes otherwise than before, begins with its next moment.
keep = Statement(
    _put.on_conflict_do_update(
        index_elements=["name"],
        set_={"rhythm": _put.excluded.rhythm, "next_at": _put.excluded.next_at},
        where=_e.rhythm != _put.excluded.rhythm,
    )
)
#: Whoever looks at one holds it; nobody waits.
hold = Statement(
    sa.select(_e.next_at, _e.retry_at, _e.attempts, _e.asked_at, _e.asked_by)
    .where(
        _e.name == _NAME,
        sa.or_(_e.next_at <= _NOW, _e.retry_at <= _NOW, _e.asked_at.is_not(None)),
        ~sa.exists().where(_r.name == _e.name, _r.ended_at.is_(None)),
    )
    .with_for_update(skip_locked=True)
)
begin = Statement(
    sa.insert(exchange_run)
    .values(
        name=_NAME,
        due_at=_moment("due_at"),
        missed=sa.bindparam("missed", type_=sa.Integer),
        user_id=sa.bindparam("user", type_=sa.BigInteger),
        state=sa.literal("fetching"),
        began_at=_NOW,
    )
    .returning(_r.id)
)
taken = Statement(
    sa.update(exchange)
    .where(_e.name == _NAME)
    .values(next_at=_moment("next_at"), retry_at=sa.null(), asked_at=sa.null(), asked_by=sa.null())
)
ask = Statement(
    sa.update(exchange)
    .where(_e.name == _NAME)
    .values(asked_at=_NOW, asked_by=sa.bindparam("user", type_=sa.BigInteger))
)
again = Statement(
    sa.update(exchange)
    .where(_e.name == _NAME)
    .values(retry_at=_moment("retry_at"), attempts=sa.bindparam("attempts", type_=sa.SmallInteger))
)
attempts = Statement(sa.select(_e.attempts).where(_e.name == _NAME))
fetched = Statement(
    sa.update(exchange_run)
    .where(_r.id == sa.bindparam("run", type_=sa.BigInteger), _r.ended_at.is_(None))
    .values(
        state=sa.literal("importing"),
        rows=sa.bindparam("count", type_=sa.Integer),
        import_run=sa.bindparam("import_run", type_=sa.BigInteger),
    )
)
end = Statement(
    sa.update(exchange_run)
    .where(_r.id == sa.bindparam("run", type_=sa.BigInteger), _r.ended_at.is_(None))
    .values(state=sa.bindparam("state", type_=sa.Text), problem=_PROBLEM, ended_at=_NOW)
    .returning(_r.id)
)
#: What is under way, with the import of its rows.
under_way = Statement(
    sa.select(
        _r.id, _r.name, _r.state, _r.began_at,
        import_run.c.state.label("import_state"), import_run.c.counts,
        import_run.c.problem.label("import_problem"),
    )
    .select_from(exchange_run.outerjoin(import_run, import_run.c.id == _r.import_run))
    .where(_r.ended_at.is_(None))
)  # fmt: skip
#: The problem of the run before.
problem_before = Statement(
    sa.select(_r.problem)
    .where(_r.name == _NAME, _r.ended_at.is_not(None),
           _r.id < sa.bindparam("run", type_=sa.BigInteger))
    .order_by(_r.id.desc())
    .limit(1)
)  # fmt: skip
_numbered = sa.select(
    exchange_run,
    sa.func.row_number().over(partition_by=_r.name, order_by=_r.id.desc()).label("place"),
).where(_r.name == sa.func.any(_NAMES)).subquery("numbered")  # fmt: skip
#: The latest runs of each.
latest = Statement(
    sa.select(*(_numbered.c[one.name] for one in exchange_run.c), import_run.c.counts)
    .select_from(
        _numbered.outerjoin(import_run, import_run.c.id == _numbered.c.import_run)
    )
    .where(_numbered.c.place <= sa.bindparam("most", type_=sa.Integer))
    .order_by(_numbered.c.id.desc())
)  # fmt: skip
standing = Statement(
    sa.select(_e.name, _e.next_at, _e.retry_at, _e.asked_at, _e.told).where(
        _e.name == sa.func.any(_NAMES)
    )
)
_of_rules = firing.c.rule == sa.func.any(sa.bindparam("rules", type_=ARRAY(sa.Integer)))
#: Calls of rules, by state.
calls = Statement(
    sa.select(
        firing.c.rule, delivery.c.state, sa.func.count().label("count"),
        sa.func.max(delivery.c.sent_at).label("sent_at"),
    )
    .select_from(delivery.join(firing, firing.c.id == delivery.c.firing))
    .where(_of_rules, delivery.c.channel == sa.literal_column("'call'"),
           delivery.c.created_at > _moment("since"))
    .group_by(firing.c.rule, delivery.c.state)
)  # fmt: skip
_told = insert(exchange).values(
    name=_NAME, rhythm=sa.literal(""), told=sa.bindparam("told", type_=sa.Integer)
)
tell = Statement(
    _told.on_conflict_do_update(index_elements=["name"], set_={"told": _told.excluded.told})
)
forget = Statement(
    sa.delete(exchange_run).where(_r.ended_at < _moment("before"))
)  # fmt: skip
