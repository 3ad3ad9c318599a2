"""An e-mail becomes an event of the record it is about, once, whichever way it came.

Its Message-ID is what makes it this one. Whether it is kept, what it set off and the line that says
so are one transaction. The sender may be anybody: an e-mail acts as the mailbox's user, never as
whoever it says it comes from.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.access.principal import SYSTEM, Principal
from app.automation.acting_for import named
from app.automation.mailboxes.attaching import attach
from app.automation.mailboxes.reading import Mail, read_mail
from app.automation.steps import reason_of
from app.database.mail_tables import mail
from app.definitions.integrations import ADDRESSES, Mailbox
from app.errors import Forbidden, NotFound, TrellisError
from app.records.checking import visible_ids
from app.records.door import Records
from app.records.duplicates import compared, same_records
from app.records.reactions import tell
from app.records.statements import Statement, json_text
from app.records.work import Work
from app.texts import Label, say

_log = logging.getLogger(__name__)
_names = ("mailbox", "message_id", "sender", "subject", "state", "received_at")
_put = insert(mail).values({one: sa.bindparam(one, type_=mail.c[one].type) for one in _names})
#: What failed may be handed over again; everything else counts once.
_take = Statement(
    _put.on_conflict_do_update(
        index_elements=["message_id"],
        set_={"state": _put.excluded.state, "problem": sa.null()},
        where=mail.c.state == "failed",
    ).returning(mail.c.id)
)
_end = Statement(
    sa.update(mail)
    .where(mail.c.id == sa.bindparam("_id", type_=sa.BigInteger))
    .values(
        entity=sa.bindparam("_entity", type_=sa.SmallInteger),
        record_id=sa.bindparam("_record", type_=sa.BigInteger),
        problem=sa.cast(sa.bindparam("_problem", type_=sa.Text), mail.c.problem.type),
    )
)
_answered = Statement(
    sa.select(mail.c.entity, mail.c.record_id)
    .where(
        mail.c.message_id == sa.func.any(sa.bindparam("ids", type_=sa.ARRAY(sa.Text))),
        mail.c.record_id.is_not(None),
    )
    .order_by(mail.c.id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Received:
    """What became of an e-mail."""

    #: kept | unknown | automatic | failed | known (it came before)
    state: str
    entity: str | None = None
    record_id: int | None = None
    problem: Label | None = None


class Receiver:
    """Takes e-mails of the mailboxes of the configuration."""

    def __init__(self, records: Records) -> None:
        """Take the door the records are behind."""
        self._records = records

    def take(self, name: str, raw: bytes) -> Received:
        """Take one e-mail of a mailbox.

        Raises:
            NotFound: the configuration has no such mailbox.
            Malformed: it is no e-mail.
        """
        found = read_mail(raw)
        try:
            return self._records.transact(
                SYSTEM, lambda work: _receive(work, mailbox_of(work, name), found), origin="email"
            )
        except NotFound:
            raise
        except TrellisError as error:
            # A rule could not do its part, so nothing was kept but that.
            _log.warning("E-mail %s of mailbox %s: %s", found.id, name, error)
            why = reason_of(error)
            return self._records.transact(
                SYSTEM, lambda work: _note_failure(work, name, found, why), origin="email"
            )


def mailbox_of(work: Work, name: str) -> Mailbox:
    """Return a mailbox by its name.

    Raises:
        NotFound: there is none.
    """
    found: Mailbox | None = work.release.catalog.integrations.get(name)
    if found is None:
        known = ", ".join(work.release.catalog.integrations) or "-"
        raise NotFound(
            say(
                "There is no mailbox `{name}`. There are: {known}.",
                "没有邮箱“{name}”。可用的有：{known}。",
                name=name[:100],
                known=known,
            )
        )
    return found


def _receive(work: Work, box: Mailbox, found: Mail) -> Received:
    if found.is_automatic:
        state, target = "automatic", None
    else:
        target = _record_of(work, box, found)
        state = "kept" if target else "unknown"
    number = _note(work, box.name, found, state)
    if number is None:
        return Received("known")
    if target is None:
        return Received(state)
    entity, record_id = target
    left = attach(work, box.name, entity, record_id, found.files)
    _end.do(
        work.connection,
        {
            "_id": number,
            "_entity": work.number(entity),
            "_record": record_id,
            "_problem": json_text(dict(left.texts)) if left else None,
        },
    )
    said = {
        "from": found.sender,
        "to": ", ".join(found.receivers)[:500],
        "subject": found.subject,
        "text": found.text,
    }
    acting = work.acting_as(_reader(work, box), origin="email", cause=box.name)
    email_came(acting, entity, record_id, said)
    return Received(state, entity, record_id, left)


def email_came(work: Work, entity: str, record_id: int, said: Mapping[str, str]) -> None:
    """Tell rules that an e-mail about a record came: ``from to subject text``."""
    row = work.rows[entity].lock(work.connection, [record_id])[record_id]
    words = {one: said.get(one, "") for one in ("from", "to", "subject", "text")}
    tell(work, work.release.catalog.entities[entity], "email", row, row, said=words)


def _note(work: Work, box: str, found: Mail, state: str) -> int | None:
    """Write down that an e-mail came; None where it came before."""
    row = _take.run(
        work.connection,
        {
            "mailbox": box,
            "message_id": found.id,
            "sender": found.sender,
            "subject": found.subject,
            "state": state,
            "received_at": work.now,
        },
    ).fetchone()
    return int(row[0]) if row else None


def _note_failure(work: Work, box: str, found: Mail, why: Label) -> Received:
    number = _note(work, box, found, "failed")
    if number is None:
        return Received("known")
    problem = json_text(dict(why.texts))
    _end.do(work.connection, {"_id": number, "_entity": None, "_record": None, "_problem": problem})
    return Received("failed", problem=why)


def _reader(work: Work, box: Mailbox) -> Principal:
    """Return as whom a mailbox's e-mails act.

    Raises:
        Forbidden: the user it names does not work here any more.
    """
    principal = named(work, box.as_) if box.as_ else SYSTEM
    if principal is None:
        raise Forbidden(
            say(
                "The mailbox “{box}” acts as {who}, who does not work here any more.",
                "邮箱“{box}”以 {who} 的身份执行，但此人已不在职。",
                box=box.label,
                who=box.as_,
            )
        )
    return principal


def _record_of(work: Work, box: Mailbox, found: Mail) -> tuple[str, int] | None:
    """Return the record an e-mail is about: its sender's, a receiver's, or what it answers."""
    seen = work.acting_as(_reader(work, box), origin="email", cause=box.name)
    for address in (found.sender, *found.receivers):
        for entity in box.find:
            for record_id in _with_address(seen, entity, address):
                return entity, record_id
    row = _answered.run(work.connection, {"ids": list(found.answers)}).fetchone()
    if row is None:
        return None
    names = {number: name for name, number in work.release.numbers.items()}
    answered = names.get(row[0])
    if answered is None or not visible_ids(seen, answered, [row[1]]):
        return None
    return answered, int(row[1])


def _with_address(seen: Work, entity: str, address: str) -> Iterable[int]:
    """Yield records with an address that the mailbox's user may read, the oldest first."""
    for field in seen.release.catalog.entities[entity].fields.values():
        if field.type.name not in ADDRESSES or field.removed:
            continue
        ids: list[int] = same_records(seen, entity, field.name, compared(field, "", address))
        may: Any = visible_ids(seen, entity, ids) if ids else ()
        yield from sorted(may)
