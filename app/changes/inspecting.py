"""Looking at change sets: who changed what, when and through what, and what became of it since.

One sees one's own and those of the people below; administrators see all. Of the records in them
only those whose history one may read, with the fields one may read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.access.principal import Principal
from app.database.statements import Statement
from app.database.system import change_set, history
from app.definitions.catalog import Entity
from app.records.checking import visible_ids
from app.records.chronicle import shown
from app.records.door import Records
from app.records.undo_checks import Judge
from app.records.undo_plans import Net, Source, nets_of
from app.records.work import Work

#: Records of one set are counted up to here.
COUNTED = 20_000
_c, _h = change_set, history
_ID = sa.bindparam("change_set", type_=sa.BigInteger)


def _records(condition: sa.ColumnElement[bool]) -> Any:
    """Return the records of a set, each once, so many that counting them is cheap."""
    lines = sa.select(_h.c.entity, _h.c.record_id).where(condition).correlate(_c)
    return lines.limit(sa.literal_column(str(COUNTED + 1))).subquery()


_several = _records(_h.c.change_set == _c.c.id)
_is_group = (
    sa.select(sa.func.count(sa.distinct(sa.tuple_(_several.c.entity, _several.c.record_id))) > 1)
    .correlate(_c)
    .scalar_subquery()
)
_undo = sa.alias(_c, "undo")
_again = sa.alias(_c, "again")
#: undone in turn, it does not count
_stands = ~sa.exists().where(_again.c.undoes == _undo.c.id)
_undone_by = (
    sa.select(sa.func.max(_undo.c.id)).where(_undo.c.undoes == _c.c.id, _stands).correlate(_c)
).scalar_subquery()
_undone = (
    sa.select(_h.c.entity, _h.c.record_id)
    .join(_undo, _undo.c.id == _h.c.change_set)
    .where(_undo.c.undoes == _c.c.id, _stands)
    .correlate(_c)
    .distinct()
    .limit(sa.literal_column(str(COUNTED + 1)))
    .subquery()
)
_how_many = sa.select(sa.func.count()).select_from(_undone).correlate(_c).scalar_subquery()
_columns = (
    _c.c.id, _c.c.happened_at, _c.c.user_id, _c.c.origin, _c.c.note, _c.c.kind, _c.c.undoes,
    _undone_by.label("undone_by"), _how_many.label("undone"),
)  # fmt: skip
_list = Statement(
    sa.select(*_columns)
    .where(
        sa.or_(
            sa.bindparam("all", type_=sa.Boolean),
            _c.c.user_id == sa.func.any(sa.bindparam("users", type_=sa.ARRAY(sa.BigInteger))),
        ),
        sa.or_(
            sa.bindparam("by", type_=sa.BigInteger).is_(None),
            _c.c.user_id == sa.bindparam("by", type_=sa.BigInteger),
        ),
        sa.or_(
            sa.bindparam("kind", type_=sa.Text).is_(None),
            sa.func.coalesce(_c.c.kind, _c.c.origin) == sa.bindparam("kind", type_=sa.Text),
        ),
        sa.or_(
            sa.bindparam("after", type_=sa.BigInteger).is_(None),
            _c.c.id < sa.bindparam("after", type_=sa.BigInteger),
        ),
        sa.exists().where(_h.c.change_set == _c.c.id),
        # A single save that set rules off is found by its record, or when it is asked for.
        sa.or_(
            _c.c.kind.is_not(None),
            _c.c.origin == sa.literal_column("'import'"),
            sa.and_(sa.bindparam("kind", type_=sa.Text).is_not(None), _is_group),
        ),
    )
    .order_by(_c.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_one = Statement(sa.select(*_columns).where(_c.c.id == _ID))
_wanted = sa.func.unnest(sa.bindparam("ids", type_=sa.ARRAY(sa.BigInteger))).table_valued(
    sa.column("id", sa.BigInteger), name="w"
).render_derived()  # fmt: skip
_lines = (
    sa.select(_h.c.entity, _h.c.record_id)
    .where(_h.c.change_set == _wanted.c.id)
    .limit(sa.literal_column(str(COUNTED + 1)))
    .lateral("l")
)
_counts = Statement(
    sa.select(_wanted.c.id, _lines.c.entity, sa.func.count(sa.distinct(_lines.c.record_id)))
    .select_from(_wanted.join(_lines, sa.true()))
    .group_by(_wanted.c.id, _lines.c.entity)
    .order_by(_wanted.c.id, sa.func.count().desc())
)
_ids = Statement(
    sa.select(_h.c.record_id)
    .where(
        _h.c.change_set == _ID,
        _h.c.entity == sa.bindparam("entity", type_=sa.SmallInteger),
        _h.c.record_id > sa.bindparam("after", type_=sa.BigInteger),
    )
    .group_by(_h.c.record_id)
    .order_by(_h.c.record_id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """One change set as it is listed."""

    id: int
    happened_at: datetime
    user_id: int | None
    origin: str
    note: str | None
    kind: str
    #: the one it takes back, and the newest that takes this one back
    undoes: int | None
    undone_by: int | None
    #: how many of its records were taken back
    undone: int = 0
    #: records by entity; more than `COUNTED` are not counted on
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many records there are."""
        return sum(self.counts.values())

    @property
    def is_more(self) -> bool:
        """Whether there are more than were counted."""
        return self.total > COUNTED

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {
            "id": self.id,
            "happened_at": self.happened_at,
            "user": self.user_id,
            "origin": self.origin,
            "kind": self.kind,
            "note": self.note,
            "records": dict(self.counts),
            "is_more": self.is_more,
            "undoes": self.undoes,
            "undone_by": self.undone_by,
            "undone": self.undone,
        }


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change set did to one record, and how that stands now."""

    entity: str
    id: int
    title: str | None
    #: created | deleted | restored | changed
    what: str
    #: (before, after) by field, in the API's JSON
    changes: Mapping[str, tuple[Any, Any]]
    #: left: as the change set left it | undone | edited | gone | right: it cannot go back
    state: str
    in_bin: bool

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {
            "entity": self.entity,
            "id": self.id,
            "title": self.title,
            "what": self.what,
            "changes": {
                name: {"before": before, "after": after}
                for name, (before, after) in self.changes.items()
            },
            "state": self.state,
            "in_bin": self.in_bin,
        }


class Inspecting:
    """Lists change sets and shows their records."""

    _records: Records
    _pools: Any
    _live: Any

    def sees(self, principal: Principal, author: int | None) -> bool:
        """Return whether somebody may look at what a person changed."""
        if principal.is_system or self._records.policy(principal).is_admin:
            return True
        return author is not None and author in {principal.user_id, *principal.subordinates}

    def sets(
        self,
        principal: Principal,
        *,
        after: int | None = None,
        limit: int = 25,
        by: int | None = None,
        kind: str | None = None,
    ) -> list[ChangeSet]:
        """Return change sets, the newest first.

        Args:
            after: the id of the last one that is known.
            by: of this person alone.
            kind: of this kind alone, see `ChangeSet`.
        """
        values = {
            "all": principal.is_system or self._records.policy(principal).is_admin,
            "users": [one for one in (principal.user_id, *principal.subordinates) if one],
            "by": by,
            "kind": kind,
            "after": after,
            "limit": limit,
        }
        with self._pools.read.connection() as connection:
            rows = _list.rows(connection, values)
            counts = _counts.run(connection, {"ids": [row["id"] for row in rows]}).fetchall()
        return [self._set_of(row, counts) for row in rows]

    def _set_of(self, row: Mapping[str, Any], counts: Iterable[tuple[int, int, int]]) -> ChangeSet:
        names = {number: name for name, number in self._live.release.numbers.items()}
        mine = {
            names[entity]: count
            for number, entity, count in counts
            if number == row["id"] and entity in names
        }
        return ChangeSet(**{**row, "kind": row["kind"] or row["origin"]}, counts=mine)

    def one_set(self, principal: Principal, number: int) -> ChangeSet | None:
        """Return one change set; None: there is none, or it is another's."""
        with self._pools.read.connection() as connection:
            rows = _one.rows(connection, {"change_set": number})
            counts = _counts.run(connection, {"ids": [number]}).fetchall()
        if not rows or not self.sees(principal, rows[0]["user_id"]):
            return None
        return self._set_of(rows[0], counts)

    def changed(
        self, principal: Principal, one: ChangeSet, entity: str, *, after: int = 0, limit: int = 50
    ) -> tuple[list[Changed], int, int | None]:
        """Return records of a change set, how many are out of sight, and where to go on."""
        kind = self._live.release.catalog.entities[entity]
        with self._records.previews.work(principal) as work:
            asked = {"change_set": one.id, "entity": work.number(entity)}
            values = {**asked, "after": after, "limit": limit + 1}
            ids = [row[0] for row in _ids.run(work.connection, values)]
            more = ids[limit - 1] if len(ids) > limit else None
            ids = ids[:limit]
            source = Source(one.id, (), one.user_id, one.happened_at)
            seen = self._seen(work, entity, ids)
            rows = work.rows[entity].read(work.connection, seen)
            nets = nets_of(work, kind, sorted(seen), source)
            judge = Judge(work, kind, source, nets, rows)
            states = {number: _state(judge, number) for number in nets}
            changes = {number: _changes(work, kind, net) for number, net in nets.items()}
        titles = self._records.titles(principal, entity, sorted(seen))
        found = [
            Changed(
                entity,
                number,
                titles.get(number),
                _what(net),
                changes[number],
                states[number],
                rows[number].get("deleted_at") is not None,
            )
            for number, net in sorted(nets.items())
            if number in rows
        ]
        return found, len(ids) - len(found), more

    @staticmethod
    def _seen(work: Work, entity: str, ids: list[int]) -> set[int]:
        return visible_ids(work, entity, ids, "history") | visible_ids(
            work, entity, ids, "history", deleted=True
        )


def _what(net: Net) -> str:
    if net.born:
        return "created"
    if net.is_binned is not None:
        return "deleted" if net.is_binned else "restored"
    return "changed"


def _state(judge: Judge, number: int) -> str:
    """Return how a record stands to what the change set left of it."""
    net, row = judge.nets[number], judge.rows.get(number)
    if row is None:
        return "gone"
    binned = row.get("deleted_at") is not None
    why = None
    if net.goes:
        if binned:
            return "undone"
        why = judge.why_not_go(number)
    elif net.comes_back:
        if not binned:
            return "undone"
        why = judge.why_not_return(number)
    else:
        fields = judge.fields(number)
        left = [one for one in fields if not judge.is_back(number, one)]
        if fields and not left:
            return "undone"
        why = judge.why_not_fields(number, left)
    return "left" if why is None else why.why


def _changes(work: Work, entity: Entity, net: Net) -> dict[str, tuple[Any, Any]]:
    found = {}
    for name, after in net.after.items():
        one = entity.fields.get(name)
        if one is None or one.removed or work.policy.field_right(entity.name, name) == "hidden":
            continue
        before = net.before.get(name)
        if before == after and not net.born:
            continue
        found[name] = (
            shown(entity, work.policy, name, {name: before}),
            shown(entity, work.policy, name, {name: after}),
        )
    return found
