"""People who are away, and who stands in for them.

An absence is a span of time with an optional deputy. Whoever reads it here knows who is away at the
moment of a transaction; nothing here decides what an absence means for a rule or an approval.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.database.automation_tables import absence
from app.errors import Forbidden, InvalidInput, NotFound
from app.records.statements import Statement
from app.records.work import Work
from app.texts import Label, say

_moment = absence.c.since.type
_away = Statement(
    sa.select(absence.c.user_id, absence.c.deputy)
    .where(
        absence.c.since <= sa.bindparam("now", type_=_moment),
        sa.or_(absence.c.until.is_(None), absence.c.until > sa.bindparam("now", type_=_moment)),
    )
    .order_by(absence.c.id)
)
_columns = (absence.c.id, absence.c.user_id, absence.c.since, absence.c.until, absence.c.deputy)
_ahead = Statement(
    sa.select(*_columns)
    .where(
        sa.or_(
            absence.c.until.is_(None),
            absence.c.until > sa.bindparam("now", type_=_moment),
        ),
        sa.or_(
            sa.bindparam("user", type_=sa.BigInteger).is_(None),
            absence.c.user_id == sa.bindparam("user", type_=sa.BigInteger),
        ),
    )
    .order_by(absence.c.since, absence.c.id)
)
_one = Statement(
    sa.select(*_columns).where(absence.c.id == sa.bindparam("id", type_=sa.BigInteger))
)
_add = Statement(
    sa.insert(absence)
    .values(
        user_id=sa.bindparam("user"),
        since=sa.bindparam("since"),
        until=sa.bindparam("until"),
        deputy=sa.bindparam("deputy"),
    )
    .returning(absence.c.id)
)
_drop = Statement(sa.delete(absence).where(absence.c.id == sa.bindparam("id")))


def away_now(work: Work) -> Mapping[int, int | None]:
    """Return everybody who is away at the moment of a transaction, with the deputy."""
    found = work.shared.notes.get("absences")
    if found is None:
        found = dict(_away.run(work.connection, {"now": work.now}))
        work.shared.notes["absences"] = found
    return dict(found)


def is_here(work: Work, user_id: int) -> bool:
    """Return whether a person works here and is not away."""
    return work.is_active(user_id) and user_id not in away_now(work)


def deputy_of(work: Work, user_id: int) -> int | None:
    """Return who stands in for an absent person now, following deputies who are away themselves.

    None where the line ends with somebody who is away, has left, or closes a circle.
    """
    away, seen = away_now(work), {user_id}
    current = away.get(user_id)
    while current is not None and current not in seen:
        if is_here(work, current):
            return current
        seen.add(current)
        current = away.get(current)
    return None


def absences_ahead(work: Work, user_id: int | None = None) -> list[dict[str, Any]]:
    """Return absences that are not over, the next first: ``id user_id since until deputy``.

    Args:
        user_id: of one person; None: of everybody.
    """
    return _ahead.rows(work.connection, {"now": work.now, "user": user_id})


def add_absence(
    work: Work,
    user_id: int,
    since: datetime | None,
    until: datetime | None,
    deputy: int | None,
) -> int:
    """Note that a person is away; return the number of the absence.

    Raises:
        Forbidden: it is somebody else, and whoever asks is neither an administrator nor above.
        InvalidInput: with sentences by field.
    """
    _may_arrange(work, user_id)
    problems: dict[str, list[Label | str]] = {}
    if since is None:
        problems["since"] = [say("Say since when.", "请填写开始时间。")]
    elif until is not None and until <= since:
        problems["until"] = [
            say(
                "The end must be after the beginning. Leave it empty if it is not known.",
                "结束时间必须晚于开始时间；未知时请留空。",
            )
        ]
    if not work.is_active(user_id):
        problems["user"] = [say("There is no such active user.", "没有这样的在职用户。")]
    if deputy is not None and (deputy == user_id or not work.is_active(deputy)):
        problems["deputy"] = [
            say(
                "The deputy must be somebody else who works here.",
                "代理人必须是其他在职用户。",
            )
        ]
    if problems:
        raise InvalidInput(problems)
    values = {"user": user_id, "since": since, "until": until, "deputy": deputy}
    row = _add.run(work.connection, values).fetchone()
    assert row is not None
    work.shared.notes.pop("absences", None)
    return int(row[0])


def drop_absence(work: Work, number: int) -> None:
    """Take an absence back.

    Raises:
        NotFound: there is none of this number.
        Forbidden: it is somebody else's, see `add_absence`.
    """
    found = _one.rows(work.connection, {"id": number})
    if not found:
        raise NotFound
    _may_arrange(work, found[0]["user_id"])
    _drop.run(work.connection, {"id": number})
    work.shared.notes.pop("absences", None)


def _may_arrange(work: Work, user_id: int) -> None:
    principal = work.principal
    if principal.is_system or principal.is_admin or user_id in principal.subordinates:
        return
    if user_id != principal.user_id:
        raise Forbidden(
            say(
                "You may note absences of yourself and of those who report to you.",
                "您只能登记自己和下属的缺勤。",
            )
        )
