"""What people and rules say about a record; each comment is an event for rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.database.automation_tables import comment
from app.definitions.catalog import Entity
from app.errors import InvalidInput
from app.records.reactions import tell
from app.records.statements import Statement
from app.records.work import Work
from app.texts import say

#: A comment is no document.
LONGEST = 10_000

_names = ("entity", "record_id", "user_id", "text", "origin", "cause", "happened_at")
_put = Statement(
    sa.insert(comment)
    .values({name: sa.bindparam(name, type_=comment.c[name].type) for name in _names})
    .returning(comment.c.id)
)
_of_record = sa.and_(
    comment.c.entity == sa.bindparam("entity", type_=sa.SmallInteger),
    comment.c.record_id == sa.bindparam("record_id", type_=sa.BigInteger),
)
_list = Statement(
    sa.select(
        comment.c.id,
        comment.c.user_id,
        comment.c.text,
        comment.c.origin,
        comment.c.cause,
        comment.c.happened_at,
    )
    .where(_of_record, comment.c.deleted_at.is_(None))
    .order_by(comment.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_KEEP = sa.bindparam("keep", type_=sa.BigInteger)
_move = Statement(
    sa.update(comment)
    .where(
        comment.c.entity == sa.bindparam("entity", type_=sa.SmallInteger),
        comment.c.record_id == sa.func.any(sa.bindparam("ids", type_=sa.ARRAY(sa.BigInteger))),
    )
    .values(record_id=_KEEP)
)
_copied = ("user_id", "text", "origin", "cause", "happened_at")
_copy = Statement(
    sa.insert(comment).from_select(
        ["entity", "record_id", *_copied],
        sa.select(
            sa.bindparam("to_entity", type_=sa.SmallInteger),
            sa.bindparam("to_record", type_=sa.BigInteger),
            *(comment.c[name] for name in _copied),
        )
        .where(_of_record, comment.c.deleted_at.is_(None))
        .order_by(comment.c.id),
    )
)


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment."""

    id: int
    user_id: int | None
    text: str
    origin: str
    #: the rule that said it
    cause: str | None
    happened_at: datetime


def add_comment(work: Work, entity: Entity, record_id: int, text: str) -> int:
    """Keep a comment and tell the rules; the caller has seen to it that the record may be read.

    Raises:
        InvalidInput: it says nothing, or too much.
    """
    said = text.strip()
    if not said or len(said) > LONGEST:
        raise InvalidInput(
            {
                "text": [
                    say(
                        "A comment has 1 to {most} characters.",
                        "评论应为 1 至 {most} 个字符。",
                        most=LONGEST,
                    )
                ]
            }
        )
    values = {
        "entity": work.number(entity.name),
        "record_id": record_id,
        "user_id": work.user_id,
        "text": said,
        "origin": work.origin,
        "cause": work.cause,
        "happened_at": work.now,
    }
    row = _put.run(work.connection, values).fetchone()
    assert row is not None
    if work.reactions.concerns(work, entity.name):
        record = work.rows[entity.name].read(work.connection, [record_id])[record_id]
        words = {"from": work.principal.name, "subject": "", "text": said}
        tell(work, entity, "comment", record, record, said=words)
    return int(row[0])


def comments_of(work: Work, entity: Entity, record_id: int, limit: int = 100) -> list[Comment]:
    """Return the comments on a record, the newest first."""
    values = {"entity": work.number(entity.name), "record_id": record_id, "limit": limit}
    return [Comment(**row) for row in _list.rows(work.connection, values)]


def move_comments(work: Work, entity: Entity, keep: int, ids: Iterable[int]) -> None:
    """Give the comments on records that were merged to the one that stays."""
    _move.do(
        work.connection, {"entity": work.number(entity.name), "keep": keep, "ids": sorted(ids)}
    )


def copy_comments(work: Work, source: tuple[str, int], target: tuple[str, int]) -> None:
    """Have what was said about one record stand on another as well."""
    values: dict[str, Any] = {
        "entity": work.number(source[0]),
        "record_id": source[1],
        "to_entity": work.number(target[0]),
        "to_record": target[1],
    }
    _copy.do(work.connection, values)
