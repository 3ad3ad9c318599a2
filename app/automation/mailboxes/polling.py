"""Mailboxes looked at again and again: what is new is handed on, and how far it got is kept.

A new mailbox begins with what comes from then on. An e-mail that was handed on and not noted any
more comes again, and counts once all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.automation.mailboxes.imap import Place, Reader, opened
from app.automation.mailboxes.receiving import Receiver
from app.clock import Clock
from app.database.live import Live
from app.database.mail_tables import mailbox
from app.database.pools import Pools
from app.definitions.integrations import Mailbox
from app.errors import Malformed
from app.notifications.failing import SendFailed
from app.records.statements import Statement, json_text
from app.texts import Label, say

_log = logging.getLogger(__name__)
#: So many mailboxes are talked to at the same time.
_READERS = 4
_c = mailbox.c
_find = Statement(
    sa.select(_c.validity, _c.last_uid, _c.looked_at).where(
        _c.name == sa.bindparam("name", type_=sa.Text)
    )
)
_all = Statement(sa.select(_c.name, _c.looked_at, _c.problem))
_put = insert(mailbox).values(
    name=sa.bindparam("name", type_=sa.Text),
    validity=sa.bindparam("validity", type_=sa.BigInteger),
    last_uid=sa.bindparam("last_uid", type_=sa.BigInteger),
    looked_at=sa.bindparam("looked_at", type_=_c.looked_at.type),
    problem=sa.cast(sa.bindparam("problem", type_=sa.Text), _c.problem.type),
)
_keep = Statement(
    _put.on_conflict_do_update(
        index_elements=["name"],
        set_={one: _put.excluded[one] for one in ("validity", "last_uid", "looked_at", "problem")},
    )
)
#: A mailbox that was never open has no place; its problem is told all the same.
_complain = Statement(
    _put.on_conflict_do_update(index_elements=["name"], set_={"problem": _put.excluded.problem})
)


@dataclass(frozen=True, slots=True)
class MailboxRead:
    """How reading a mailbox went the last time."""

    looked_at: datetime | None
    problem: Mapping[str, str] | None


def mailboxes_read(connection: psycopg.Connection[Any]) -> dict[str, MailboxRead]:
    """Return how reading went, by the mailbox's name."""
    return {name: MailboxRead(*rest) for name, *rest in _all.run(connection)}


class Poller:
    """Looks at the mailboxes of the configuration."""

    def __init__(
        self,
        pools: Pools,
        live: Live,
        receiver: Receiver,
        clock: Clock,
        environment: Mapping[str, str],
        allowed_hosts: frozenset[str] = frozenset(),
        alarm: Callable[[Label], None] | None = None,
    ) -> None:
        """Take where secrets stand by name, and which hosts of the inner network are allowed.

        Args:
            alarm: told when a mailbox cannot be read any more, or for another reason than before.
        """
        self._pools, self._live, self._receiver = pools, live, receiver
        self._alarm = alarm
        self._clock, self._environment, self._allowed = clock, environment, allowed_hosts

    def look(self) -> int:
        """Take what is new in every mailbox; return how many e-mails that was.

        One that cannot be read is noted with its problem and holds up no other.
        """
        boxes = [one for one in self._live.release.catalog.integrations.values() if one.server]
        if not boxes:
            return 0
        with ThreadPoolExecutor(_READERS, thread_name_prefix="trellis-mailbox") as readers:
            return sum(readers.map(self._look_at, boxes))

    def _look_at(self, box: Mailbox) -> int:
        password = self._environment.get(box.secret, "")
        if not password:
            self._note_problem(
                box,
                say(
                    "{secret} is not set in the environment.",
                    "环境变量 {secret} 未设置。",
                    secret=box.secret,
                ),
            )
            return 0
        assert box.server is not None
        try:
            with opened(box.server, box.user, password, allowed_hosts=self._allowed) as reader:
                return self._take_new(box, reader)
        except SendFailed as error:
            self._note_problem(box, error.sentence)
            return 0

    def _take_new(self, box: Mailbox, reader: Reader) -> int:
        with self._pools.write.connection() as connection:
            known = _find.run(connection, {"name": box.name}).fetchone()
        newest, now = reader.newest(), self._clock.now()
        if known is None or known[2] is None:
            self._note_place(box, newest, now)
            return 0
        place, since = Place(known[0], known[1]), None
        if place.validity != newest.validity:
            # The server counts anew; what came before the last look is known.
            place, since = Place(newest.validity, 0), known[2].date()
        count = 0
        for uid, raw in reader.after(place, since):
            if raw:
                self._take(box, raw)
                count += 1
            elif raw is None:
                _log.warning("Mailbox %s: e-mail %s is too large and was left out.", box.name, uid)
            self._note_place(box, Place(newest.validity, uid), now)
        if not count:
            last = place.last_uid if since is None else newest.last_uid
            self._note_place(box, Place(newest.validity, last), now)
        return count

    def _take(self, box: Mailbox, raw: bytes) -> None:
        try:
            self._receiver.take(box.name, raw)
        except Malformed as error:
            _log.warning("Mailbox %s: an e-mail was left out: %s", box.name, error)

    def _note_place(self, box: Mailbox, place: Place, now: datetime) -> None:
        self._write(
            _keep,
            {
                "name": box.name,
                "validity": place.validity,
                "last_uid": place.last_uid,
                "looked_at": now,
                "problem": None,
            },
        )

    def _note_problem(self, box: Mailbox, why: Label) -> None:
        _log.warning("Mailbox %s: %s", box.name, why)
        with self._pools.write.connection() as connection:
            before = mailboxes_read(connection).get(box.name)
        self._write(
            _complain,
            {
                "name": box.name,
                "validity": 0,
                "last_uid": 0,
                "looked_at": None,
                "problem": json_text(dict(why.texts)),
            },
        )
        is_news = before is None or before.problem != dict(why.texts)
        if self._alarm is not None and is_news:
            self._alarm(
                say(
                    "The mailbox {name} cannot be read: {why}",
                    "邮箱 {name} 无法读取：{why}",
                    name=box.name,
                    why=why,
                )
            )

    def _write(self, statement: Statement, values: Mapping[str, Any]) -> None:
        with self._pools.write.connection() as connection:
            statement.do(connection, values)
