"""Agreeing to a configuration before it is applied: who may, and for whom.

What is asked for and what was said is kept by ``database.agreements``; who somebody is, is known to
``access``. Nothing here applies anything.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.access.membership import is_among
from app.access.organisation import Snapshot
from app.database.agreements import Standing, agree, propose, standing_of, withdraw
from app.database.pools import Pools
from app.definitions.agreements import confirmer
from app.errors import Forbidden, InvalidInput
from app.texts import say

#: The longest that may be said for one name.
LONGEST = 2_000


def entries_of(snapshot: Snapshot, standing: Standing, user_id: int | None) -> tuple[str, ...]:
    """Return the entries of `confirm` for which a user may agree."""
    user = snapshot.people.get(user_id) if user_id is not None else None
    if user is None:
        return ()
    persons = ((entry, confirmer(entry)) for entry in standing.confirm)
    return tuple(
        entry for entry, person in persons if person and is_among(snapshot, [person], user)
    )


def said_by(pools: Pools, standing: Standing, said: Mapping[str, str], who: str,
            user_id: int | None = None) -> Standing:  # fmt: skip
    """Keep what is said with a configuration and return where it stands then.

    Raises:
        InvalidInput: something that must be said is not, or is too long.
    """
    wrong = {
        f"said.{name}": [
            say(
                "Say this in 1 to {most} characters.",
                "请用 1 到 {most} 个字符说明。",
                most=LONGEST,
            )
        ]
        for name in standing.needs
        if not 1 <= len(said.get(name, "").strip()) <= LONGEST or "\0" in said[name]
    }
    if wrong:
        raise InvalidInput(wrong)
    with pools.engine.begin() as connection:
        propose(connection, standing, said, who, user_id)
        return standing_of(connection, standing.fingerprint, standing.base)


def agree_as(
    pools: Pools, snapshot: Snapshot, standing: Standing, user_id: int | None, who: str
) -> Standing:
    """Agree for everything a user may agree for, and return where it stands then.

    Raises:
        Forbidden: the user is none of those who are asked.
        InvalidInput: nobody has said yet what must be said.
    """
    entries = entries_of(snapshot, standing, user_id)
    if not entries or user_id is None:
        raise Forbidden(
            say(
                "Those who are asked are {entries}.",
                "需要征得同意的是：{entries}。",
                entries=", ".join(standing.confirm) or "-",
            )
        )
    unsaid = standing.unsaid()
    if unsaid:
        raise InvalidInput(
            {f"said.{name}": [say("Nobody has said this yet.", "尚未说明。")] for name in unsaid}
        )
    with pools.engine.begin() as connection:
        for entry in entries:
            agree(connection, standing, entry, who, user_id)
        return standing_of(connection, standing.fingerprint, standing.base)


def take_back(pools: Pools, standing: Standing, user_id: int) -> Standing:
    """Take back what a user agreed to, and return where it stands then."""
    with pools.engine.begin() as connection:
        withdraw(connection, standing, user_id)
        return standing_of(connection, standing.fingerprint, standing.base)
