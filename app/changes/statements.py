"""The statements on the table of runs."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert

from app.database.change_tables import change_run, change_skip
from app.database.statements import Statement
from app.database.system import change_set, history

_r, _s, _c, _h = change_run, change_skip, change_set, history
_RUN = sa.bindparam("run", type_=sa.BigInteger)
_SHOWN = [column for column in _r.c if column.name not in ("ids", "entities")]
_ENDS: tuple[sa.ColumnElement[str], ...] = tuple(
    sa.literal_column(f"'{one}'") for one in ("done", "failed", "cancelled")
)

insert_run = Statement(
    sa.insert(_r)
    .values(
        kind=sa.bindparam("kind"),
        entity=sa.bindparam("entity", type_=sa.Text),
        user_id=sa.bindparam("user", type_=sa.BigInteger),
        origin=sa.bindparam("origin"),
        note=sa.bindparam("note", type_=sa.Text),
        doing=sa.cast(sa.bindparam("doing", type_=sa.Text), _r.c.doing.type),
        ids=sa.bindparam("ids", type_=_r.c.ids.type),
        entities=sa.bindparam("entities", type_=_r.c.entities.type),
        total=sa.bindparam("total", type_=sa.BigInteger),
        beat_at=sa.func.now(),
    )
    .returning(_r.c.id)
)
get = Statement(sa.select(*_SHOWN).where(_r.c.id == _RUN))
mine = Statement(
    sa.select(*_SHOWN)
    .where(
        sa.or_(
            _r.c.user_id == sa.bindparam("user", type_=sa.BigInteger),
            sa.bindparam("all", type_=sa.Boolean),
        )
    )
    .order_by(_r.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
#: the state, the mark, and the next records; held until the transaction ends
_from = _r.c.mark + 1
_to = _r.c.mark + sa.bindparam("size", type_=sa.BigInteger)
lock = Statement(
    sa.select(
        _r.c.state,
        _r.c.mark,
        _r.c.counts,
        _r.c.change_set,
        _r.c.ids[_from:_to].label("ids"),
        _r.c.entities[_from:_to].label("entities"),
    )
    .where(_r.c.id == _RUN)
    .with_for_update()
)
advance = Statement(
    sa.update(_r)
    .where(_r.c.id == _RUN)
    .values(
        mark=_r.c.mark + sa.bindparam("done", type_=sa.BigInteger),
        counts=sa.cast(sa.bindparam("counts", type_=sa.Text), _r.c.counts.type),
        change_set=sa.bindparam("change_set", type_=sa.BigInteger),
        beat_at=sa.func.now(),
    )
)
_is_over = sa.bindparam("to").in_(_ENDS)
move = Statement(
    sa.update(_r)
    .where(
        _r.c.id == _RUN, _r.c.state == sa.func.any(sa.bindparam("from_", type_=sa.ARRAY(sa.Text)))
    )
    .values(
        state=sa.bindparam("to"),
        beat_at=sa.func.now(),
        started_at=sa.func.coalesce(_r.c.started_at, sa.func.now()),
        ended_at=sa.case((_is_over, sa.func.now())),
        problem=sa.cast(sa.bindparam("problem", type_=sa.Text), _r.c.problem.type),
        # Which they were is told by what became of them.
        ids=sa.case((_is_over, sa.cast(sa.literal("{}"), _r.c.ids.type)), else_=_r.c.ids),
        entities=sa.case((_is_over, sa.null()), else_=_r.c.entities),
    )
)
silent = Statement(
    sa.select(_r.c.id)
    .where(
        _r.c.state.in_([sa.literal_column("'waiting'"), sa.literal_column("'running'")]),
        _r.c.beat_at < sa.bindparam("before", type_=_r.c.beat_at.type),
    )
    .order_by(_r.c.id)
)
_skip = insert(_s).values(
    run=_RUN,
    entity=sa.bindparam("_entity", type_=sa.SmallInteger),
    record_id=sa.bindparam("_record", type_=sa.BigInteger),
    why=sa.bindparam("_why", type_=sa.Text),
    reasons=sa.cast(sa.bindparam("_reasons", type_=sa.Text), _s.c.reasons.type),
)
add_skip = Statement(
    _skip.on_conflict_do_update(
        index_elements=["run", "entity", "record_id"],
        set_={"why": _skip.excluded.why, "reasons": _skip.excluded.reasons},
    )
)
skips = Statement(
    sa.select(_s.c.entity, _s.c.record_id, _s.c.why, _s.c.reasons)
    .where(
        _s.c.run == _RUN,
        sa.tuple_(_s.c.entity, _s.c.record_id)
        > sa.tuple_(
            sa.bindparam("after_entity", type_=sa.SmallInteger),
            sa.bindparam("after", type_=sa.BigInteger),
        ),
    )
    .order_by(_s.c.entity, _s.c.record_id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_SET = sa.bindparam("change_set", type_=sa.BigInteger)
change = Statement(sa.select(_c).where(_c.c.id == _SET))
forget_empty = Statement(
    sa.delete(_c).where(_c.c.id == _SET, ~sa.exists().where(_h.c.change_set == _SET))
)
_made = sa.func.bool_or(_h.c.action == "create")
_gone = sa.func.bool_or(_h.c.action == "delete")
_back = sa.func.bool_or(_h.c.action == "restore")
#: what a change set did to which record, in the order it is taken back: what was deleted comes
#: first, what was made goes last, and of that the latest first, since it may name what is older
_phase = sa.case((_made, 2), (sa.and_(_back, sa.not_(_gone)), 2), (_gone, 0), else_=1)
_known = _h.c.entity == sa.func.any(sa.bindparam("known", type_=sa.ARRAY(sa.SmallInteger)))
_done_to = (
    sa.select(
        _h.c.entity,
        _h.c.record_id,
        _phase.label("phase"),
        sa.func.max(_h.c.id).label("last"),
    )
    .where(_h.c.change_set == _SET, _known)
    .group_by(_h.c.entity, _h.c.record_id)
)
targets = Statement(_done_to.order_by("phase", sa.desc("last")))


def _insert_undo() -> sa.Insert:
    """Return the statement that begins undoing a whole set; its records never leave PostgreSQL."""
    t = _done_to.subquery("t")
    given = {
        name: sa.cast(sa.bindparam(name, type_=sa.Text), _r.c[name].type)
        for name in ("origin", "note", "doing")
    }
    order = (t.c.phase, t.c.last.desc())
    chosen = sa.select(
        sa.literal("undo").label("kind"),
        sa.cast(sa.bindparam("user", type_=sa.BigInteger), sa.BigInteger).label("user_id"),
        *(each.label(name) for name, each in given.items()),
        sa.func.array_agg(aggregate_order_by(t.c.record_id, *order)).label("ids"),
        sa.func.array_agg(aggregate_order_by(t.c.entity, *order)).label("entities"),
        sa.func.count().label("total"),
        sa.func.now().label("beat_at"),
    ).having(sa.func.count() > 0)
    names = [column.name for column in chosen.selected_columns]
    return sa.insert(_r).from_select(names, chosen).returning(_r.c.id, _r.c.total)


insert_undo = Statement(_insert_undo())
line = Statement(
    sa.select(
        _h.c.id, _h.c.entity, _h.c.record_id, _h.c.user_id, _h.c.happened_at, _h.c.change_set
    ).where(
        _h.c.id == sa.bindparam("line", type_=sa.BigInteger),
        _h.c.entity == sa.bindparam("entity", type_=sa.SmallInteger),
        _h.c.record_id == sa.bindparam("record_id", type_=sa.BigInteger),
    )
)
last_line = Statement(
    sa.select(_h.c.id, _h.c.change_set)
    .where(
        _h.c.entity == sa.bindparam("entity", type_=sa.SmallInteger),
        _h.c.record_id == sa.bindparam("record_id", type_=sa.BigInteger),
        _h.c.user_id == sa.bindparam("user", type_=sa.BigInteger),
    )
    .order_by(_h.c.id.desc())
    .limit(1)
)
