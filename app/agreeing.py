"""Agreeing to a configuration before it is applied: who may, and for whom.

What is asked for and what was said is kept by ``database.agreements``; who somebody is, is known to
``access``; those who are asked find it in their inbox. Nothing here applies anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from app.access.membership import is_among
from app.access.organisation import Snapshot
from app.access.principal import SYSTEM
from app.automation.outgoing import Outbox
from app.automation.people import Recipient
from app.database.agreements import Standing, agree, propose, standing_of, withdraw
from app.database.pools import Pools
from app.definitions.agreements import confirmer
from app.errors import Forbidden, InvalidInput
from app.notifications.telling import Notice, Teller
from app.records.work import Work
from app.texts import say

_ASKED = say(
    "{{ facts.who }} asks you to agree to a change of the configuration: {{ facts.page }}",
    "{{ facts.who }}请您同意一项配置更改：{{ facts.page }}",
)
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


def tell_those_asked(records: Any, teller: Teller, standing: Standing, who: str) -> None:
    """Put word of a change into the inboxes of those who have not agreed to it yet.

    The same words about the same files are told once.
    """
    persons = [person for entry in standing.open if (person := confirmer(entry)) is not None]
    said = hashlib.sha256(repr(sorted(standing.said.items())).encode()).hexdigest()[:16]

    def tell(work: Work) -> None:
        snapshot = work.organisation.snapshot()
        asked = [
            Recipient(number)
            for number, person in sorted(snapshot.people.items())
            if is_among(snapshot, persons, person)
        ]
        outbox = Outbox()
        notice = Notice(
            kind="system",
            key=f"agreement/{standing.fingerprint}/{standing.base}/{said}",
            to=asked,
            text=_ASKED,
            facts={"who": who, "page": f"{teller.address}/setup/agree"},
        )
        teller.tell(work, outbox, notice)
        outbox.flush(work)

    records.transact(SYSTEM, tell)


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
