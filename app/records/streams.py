"""What happened around one record, in order.

That is its history, comments on it, the rules that met it, and what was written about it, such as
follow-ups and tasks. One statement finds the newest moments among all of these, as far as the asker
may read each of them. It gives where something stands and when it was; values of records are asked
of the door.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.access.policy import Policy
from app.access.principal import Principal
from app.access.sources import is_any_link, targets_of
from app.database.automation_tables import comment, firing
from app.database.mail_tables import mail
from app.database.statements import Statement
from app.database.system import history
from app.definitions.catalog import Catalog, Entity, Field
from app.errors import Malformed
from app.records.context import ReadContext
from app.records.planning import Desk
from app.records.reading import Reader, record_number
from app.records.refusals import entity_of, require
from app.texts import say

#: Moments of a page.
MOST = 100
#: What a history line is about, by its action; everything else is a change.
FILE_ACTIONS = ("attach", "detach")
APPROVAL_ACTIONS = (
    "submit", "approve", "approved", "reject", "withdraw", "send_back", "delegate",
    "add_approver", "late",
)  # fmt: skip
#: Kinds that every entity may have; beside them stand entities by name.
HISTORY_KINDS = ("change", "move", "file", "approval")
KINDS = (*HISTORY_KINDS, "comment", "rule", "email")

_ID, _AT = sa.BigInteger(), sa.DateTime(timezone=True)
_RECORD = sa.bindparam("record_id", type_=_ID)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HISTORY_COLUMNS = (
    "action", "version", "user_id", "origin", "cause", "change_set", "before", "after",
)  # fmt: skip
_COMMENT_COLUMNS = ("user_id", "text", "origin", "cause")
_MAIL_COLUMNS = ("sender", "subject")


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened."""

    #: history | comment | rule | email | the name of an entity
    source: str
    id: int
    at: datetime
    #: of history, comments and e-mails: what the line holds
    data: Mapping[str, Any] | None
    #: where to go on behind it
    cursor: str


@dataclass(frozen=True, slots=True)
class About:
    """An entity whose records are written about others: how they point at one, and when."""

    entity: str
    links: tuple[str, ...]
    at: str


def written_about(catalog: Catalog, policy: Policy, entity: str) -> list[About]:
    """Return the entities whose records stand in the timeline of what they are about.

    They are those with an ``any_link`` that may lead here: what can be about anything is no part
    of one record, it is something that happened around it.
    """
    found = []
    for other in catalog.entities.values():
        if other.lines_of is not None or not policy.may("read", other.name):
            continue
        links = [
            one.name
            for one in other.fields.values()
            if not one.removed
            and not one.built_in
            and one.type.name in ("link", "any_link")
            and entity in targets_of(one)
            and policy.is_readable(other.name, one.name)
        ]
        if any(is_any_link(other.fields[name]) for name in links):
            found.append(About(other.name, tuple(links), moment_field(other, policy)))
    return found


def moment_field(entity: Entity, policy: Policy) -> str:
    """Return the field that says when something was: one that must be filled, else its making."""
    for one in entity.fields.values():
        is_moment = one.type.name == "datetime" and one.required is True
        is_own = not one.built_in and not one.removed
        if is_moment and is_own and policy.is_readable(entity.name, one.name):
            return one.name
    return "created_at"


def stage_fields(entity: Entity, policy: Policy) -> list[str]:
    """Return the stage fields of an entity that may be read."""
    return [
        one.name
        for one in entity.fields.values()
        if one.type.name == "stage"
        and not one.removed
        and policy.is_readable(entity.name, one.name)
    ]


def kinds_of(catalog: Catalog, policy: Policy, entity: str) -> list[str]:
    """Return what a record's timeline may be narrowed to."""
    found = [one.entity for one in written_about(catalog, policy, entity)]
    found += ["comment", *(["email"] if catalog.integrations else [])]
    if policy.may("history", entity):
        one = catalog.entities[entity]
        found += ["move"] if stage_fields(one, policy) else []
        found += ["change", "file"]
        found += ["approval"] if catalog.automation.approvals_of(entity) else []
        if catalog.automation.pools_of(entity) or any(
            entity in rule.entities for rule in catalog.automation.rules.values()
        ):
            found.append("rule")
    return found


class Streams:
    """Finds the moments of records for whoever asks."""

    #: statements kept for each desk
    most = 256

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        # They live as long as their desk, which ends with its release.
        self._built: WeakKeyDictionary[Desk, dict[tuple[Any, ...], tuple[Statement, list[str]]]]
        self._built = WeakKeyDictionary()

    def look(
        self,
        principal: Principal,
        entity: str,
        record_id: object,
        kinds: Iterable[str] = (),
        *,
        limit: int = 15,
        after: str | None = None,
    ) -> list[Moment]:
        """Return the newest moments, at most *limit*: one statement.

        Args:
            kinds: of `kinds_of`, nothing for all of them.
            after: a moment's ``cursor``.

        Raises:
            Forbidden: the entity may not be read.
            Malformed: there is no such kind, or the cursor is none.
        """
        desk = self._reader.desk(principal)
        entity_of(desk.release.catalog, entity)
        require(desk.policy, "read", entity)
        wanted = _checked(kinds, kinds_of(desk.release.catalog, desk.policy, entity))
        kept = self._built.setdefault(desk, {})
        key = (entity, wanted, after is not None)
        if key not in kept:
            if len(kept) >= self.most:
                kept.clear()
            kept[key] = _build(desk.context, entity, wanted, has_cursor=after is not None)
        statement, sources = kept[key]
        values = self._reader.runner.values(statement, principal, desk.release.catalog)
        values |= {"record_id": record_number(record_id), "limit": max(1, min(limit, MOST))}
        if after is not None:
            values |= _read_cursor(after)
        rows = self._reader.runner.run(statement, values).fetchall()
        return [
            Moment(sources[rank], number, at, data, _cursor(at, rank, number))
            for rank, number, at, data in rows
        ]


def _checked(kinds: Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
    asked = set(kinds)
    unknown = sorted(asked - set(known))
    if unknown:
        raise Malformed(
            say(
                "`{kind}` is nothing a timeline can be narrowed to. There are {kinds}.",
                "时间线不能按“{kind}”筛选，可用：{kinds}。",
                kind=unknown[0][:40],
                kinds=", ".join(known),
            )
        )
    return tuple(one for one in known if not asked or one in asked)


def _cursor(at: datetime, rank: int, number: int) -> str:
    return f"{(at - _EPOCH) // timedelta(microseconds=1)}-{rank}-{number}"


def _read_cursor(text: str) -> dict[str, Any]:
    parts = text.split("-")
    if len(parts) != 3 or not all(
        one.isascii() and one.isdigit() and len(one) < 18 for one in parts
    ):
        raise Malformed(
            say(
                "`after` is the `next` of an answer, not `{value}`.",
                "after 应取自返回结果的 next，不能是“{value}”。",
                value=text[:40],
            )
        )
    at, rank, number = (int(one) for one in parts)
    try:
        moment = _EPOCH + timedelta(microseconds=at)
    except OverflowError as error:
        raise Malformed from error
    return {"after_at": moment, "after_rank": rank % 1000, "after_id": number}


# -- the statement ---------------------------------------------------------------------------------


def _build(
    context: ReadContext, entity: str, kinds: Sequence[str], *, has_cursor: bool
) -> tuple[Statement, list[str]]:
    """Return the statement and what its ranks stand for."""
    sources: list[str] = ["history", "comment", "rule", "email"]
    branches: list[sa.Select[Any]] = []
    of_history = [kind for kind in kinds if kind in HISTORY_KINDS]
    if of_history:
        known = set(HISTORY_KINDS) & set(kinds_of(context.catalog, context.policy, entity))
        # Of everything no line is left out, also none of a kind that is no more.
        narrowed = [] if known <= set(of_history) else of_history
        branches.append(_history_branch(context, entity, narrowed))
    if "comment" in kinds:
        branches.append(_comment_branch(context, entity))
    if "rule" in kinds:
        branches.append(_rule_branch(context, entity))
    if "email" in kinds:
        branches.append(_mail_branch(context, entity))
    for about in written_about(context.catalog, context.policy, entity):
        sources.append(about.entity)
        if about.entity in kinds:
            rank = len(sources) - 1
            branches += [_about_branch(context, entity, about, link, rank) for link in about.links]
    limit = sa.bindparam("limit", type_=sa.Integer)
    parts = []
    for number, branch in enumerate(branches):
        inner = branch.subquery(f"b{number}")
        chosen = sa.select(inner)
        if has_cursor:
            chosen = chosen.where(_behind(inner))
        newest = chosen.order_by(inner.c.at.desc(), inner.c.rank.desc(), inner.c.id.desc())
        parts.append(sa.select(newest.limit(limit).subquery(f"n{number}")))
    # A follow-up may point here by two links; a union names it once.
    whole = sa.union(*parts).subquery("moments")
    rows = (
        sa.select(whole.c.rank, whole.c.id, whole.c.at, whole.c.data)
        .order_by(whole.c.at.desc(), whole.c.rank.desc(), whole.c.id.desc())
        .limit(limit)
    )
    return Statement(rows), sources


def _behind(rows: sa.FromClause) -> sa.ColumnElement[bool]:
    place = sa.tuple_(
        sa.bindparam("after_at", type_=_AT),
        sa.bindparam("after_rank", type_=sa.Integer),
        sa.bindparam("after_id", type_=_ID),
    )
    return sa.tuple_(rows.c.at, rows.c.rank, rows.c.id) < place


def _columns(
    rank: int, number: Any, at: Any, data: sa.ColumnElement[Any]
) -> tuple[sa.ColumnElement[Any], ...]:
    return (
        sa.literal(rank, sa.Integer).label("rank"),
        sa.cast(number, _ID).label("id"),
        sa.cast(at, _AT).label("at"),
        data.label("data"),
    )


def _held(columns: Iterable[sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
    pairs = [part for one in columns for part in (sa.literal(one.key, sa.Text), one)]
    return sa.cast(sa.func.jsonb_build_object(*pairs), JSONB)


def _of_record(
    context: ReadContext, entity: str, rows: sa.Table, right: str
) -> list[sa.ColumnElement[bool]]:
    """Return the condition that a row is about the record and the asker has the right on that."""
    table = context.release.tables[entity].alias()
    seen = context.visibility.rows(entity, table, right, has_shares=context.has_shares)
    closed = context.visibility.closed(entity, table, has_shares=context.has_shares)
    if closed is not None:
        # What people wrote may tell what a pool hides.
        seen = sa.and_(seen, sa.not_(closed))
    return [
        rows.c.entity == context.release.numbers[entity],
        rows.c.record_id == _RECORD,
        sa.exists(sa.select(1).select_from(table).where(table.c.id == _RECORD, seen)),
    ]


def _history_branch(context: ReadContext, entity: str, kinds: Sequence[str]) -> sa.Select[Any]:
    one, policy = context.entity(entity), context.policy
    rows = history
    conditions = _of_record(context, entity, rows, "history")
    if kinds:
        conditions.append(sa.or_(*(_is_kind(rows, one, policy, kind) for kind in kinds)))
    hidden = [name for name in one.fields if policy.field_right(entity, name) == "hidden"]
    if hidden:
        # That something changed is for those who may read what.
        shown = rows.c.after.op("-")(sa.literal(hidden, sa.ARRAY(sa.Text)))
        told = sa.cast(shown, sa.Text) != "{}"
        conditions.append(sa.or_(rows.c.action != "update", told))
    data = _held(rows.c[name] for name in _HISTORY_COLUMNS)
    return sa.select(*_columns(0, rows.c.id, rows.c.happened_at, data)).where(*conditions)


def _is_kind(rows: sa.Table, entity: Entity, policy: Policy, kind: str) -> sa.ColumnElement[bool]:
    stages = sa.literal(stage_fields(entity, policy), sa.ARRAY(sa.Text))
    moved = sa.and_(rows.c.action == "update", rows.c.after.op("?|")(stages))
    if kind == "file":
        return rows.c.action.in_(FILE_ACTIONS)
    if kind == "approval":
        return rows.c.action.in_(APPROVAL_ACTIONS)
    if kind == "move":
        return moved
    return sa.and_(rows.c.action.not_in((*FILE_ACTIONS, *APPROVAL_ACTIONS)), sa.not_(moved))


def _comment_branch(context: ReadContext, entity: str) -> sa.Select[Any]:
    rows = comment
    data = _held(rows.c[name] for name in _COMMENT_COLUMNS)
    return sa.select(*_columns(1, rows.c.id, rows.c.happened_at, data)).where(
        *_of_record(context, entity, rows, "read"), rows.c.deleted_at.is_(None)
    )


def _rule_branch(context: ReadContext, entity: str) -> sa.Select[Any]:
    rows = firing
    return sa.select(*_columns(2, rows.c.id, rows.c.happened_at, sa.cast(sa.null(), JSONB))).where(
        *_of_record(context, entity, rows, "history")
    )


def _mail_branch(context: ReadContext, entity: str) -> sa.Select[Any]:
    rows = mail
    data = _held(rows.c[name] for name in _MAIL_COLUMNS)
    return sa.select(*_columns(3, rows.c.id, rows.c.received_at, data)).where(
        *_of_record(context, entity, rows, "read")
    )


def _about_branch(
    context: ReadContext, entity: str, about: About, link: str, rank: int
) -> sa.Select[Any]:
    table = context.table(about.entity)
    source = context.source(about.entity, table)
    field: Field = context.entity(about.entity).fields[link]
    points = [table.c[link] == _RECORD]
    if is_any_link(field):
        points.append(table.c[f"{link}__entity"] == context.release.numbers[entity])
    at = source.value(about.at)
    return sa.select(*_columns(rank, table.c.id, at, sa.cast(sa.null(), JSONB))).where(
        *points, *context.living(table), context.rows(about.entity, table), at.is_not(None)
    )
