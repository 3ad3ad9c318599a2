"""Links that let somebody choose a password: invitations, and resets of a forgotten one.

A ticket is good once, for a while, for one person, and only for choosing a password; the newest of
a person is the only good one. The table keeps its checksum. The e-mail carrying it is a delivery
like others, in which the link is sealed; the host of the link is the one of the settings.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import psycopg
import sqlalchemy as sa

from app.access.organisation import Organisation, Person
from app.automation.waking import wake
from app.clock import Clock
from app.database import audit
from app.database.security_tables import ticket
from app.database.statements import Statement
from app.notifications.outbox import NewDelivery, queue_deliveries
from app.notifications.sealed import seal_path
from app.security.people import set_password
from app.settings import Settings
from app.texts import Label, say

Purpose = Literal["invitation", "reset"]

LASTS: dict[Purpose, timedelta] = {
    "invitation": timedelta(days=7),
    "reset": timedelta(hours=1),
}
_moment = sa.DateTime(timezone=True)
_now = sa.bindparam("now", type_=_moment)
_checksum = sa.bindparam("checksum", type_=sa.Text)
_user: sa.BindParameter[int] = sa.bindparam("user", type_=sa.BigInteger)

_add = Statement(
    sa.insert(ticket).values(
        checksum=_checksum,
        user_id=_user,
        purpose=sa.bindparam("purpose", type_=sa.Text),
        made_by=sa.bindparam("by", type_=sa.BigInteger),
        made_at=_now,
        ends_at=sa.bindparam("ends", type_=_moment),
    )
)
_end_others = Statement(sa.delete(ticket).where(ticket.c.user_id == _user))
_is_good = sa.and_(
    ticket.c.checksum == sa.bindparam("_checksum", type_=sa.Text),
    ticket.c.used_at.is_(None),
    ticket.c.ends_at > sa.bindparam("_now", type_=_moment),
)
_find = Statement(sa.select(ticket.c.user_id, ticket.c.purpose).where(_is_good))
_use = Statement(
    sa.update(ticket)
    .where(_is_good)
    .values(used_at=_now)
    .returning(ticket.c.user_id, ticket.c.purpose)
)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a link lets somebody do."""

    person: Person
    purpose: Purpose


class Tickets:
    """The tickets of one installation."""

    def __init__(
        self, pools: Any, organisation: Organisation, clock: Clock, settings: Settings, key: str
    ) -> None:
        """Take, last, the key of the installation."""
        self._pools = pools
        self._organisation = organisation
        self._clock = clock
        self._settings = settings
        self._key = key

    @property
    def can_mail(self) -> bool:
        """Return whether links reach people by e-mail: a server and our own address are set."""
        return bool(self._settings.smtp_host and self._settings.address)

    def send(self, user_id: int, purpose: Purpose, by: int | None, app_name: str) -> str | None:
        """Make a ticket and mail it; return its path where it cannot be mailed.

        Nothing happens to people who may not sign in.
        """
        person = self._organisation.snapshot().people.get(user_id)
        if person is None or not person.active:
            return None
        address = str(person.record.get("email") or "")
        with self._pools.write.connection() as connection, connection.transaction():
            path = self._issue(connection, user_id, purpose, by)
            if not address or not self.can_mail:
                return path
            self._mail(connection, person, address, purpose, by, path, app_name)
        return None

    def make(self, user_id: int, purpose: Purpose, by: int | None) -> str | None:
        """Make a ticket to be handed over in person and return its path.

        None for people who may not sign in.
        """
        person = self._organisation.snapshot().people.get(user_id)
        if person is None or not person.active:
            return None
        with self._pools.write.connection() as connection, connection.transaction():
            return self._issue(connection, user_id, purpose, by)

    def _issue(
        self, connection: psycopg.Connection[Any], user_id: int, purpose: Purpose, by: int | None
    ) -> str:
        token, now = secrets.token_urlsafe(32), self._clock.now()
        _end_others.run(connection, {"user": user_id})
        _add.run(
            connection,
            {
                "checksum": _checksum_of(token),
                "user": user_id,
                "purpose": purpose,
                "by": by,
                "now": now,
                "ends": now + LASTS[purpose],
            },
        )
        audit.note(
            connection,
            f"account.{purpose}.sent",
            user_id=by,
            details={"user": user_id},
        )
        return f"/welcome/{token}"

    def _mail(
        self,
        connection: psycopg.Connection[Any],
        person: Person,
        address: str,
        purpose: Purpose,
        by: int | None,
        path: str,
        app_name: str,
    ) -> None:
        now = self._clock.now()
        inviting = self._organisation.snapshot().people.get(by or 0)
        subject, text = _words(purpose, person, inviting.name if inviting else "", app_name)
        language = person.language or "en"
        key = f"{purpose} {_checksum_of(path)[:32]}"
        content = {
            "subject": subject.in_language(language),
            "text": text.in_language(language),
            "language": language,
            "name": person.name,
            # Whoever reads the table, or the page of deliveries, gets in by it nowhere.
            **seal_path(self._key, key, path),
        }
        delivery = NewDelivery(key, "email", address, content, user_id=person.id)
        queue_deliveries(connection, now, [delivery])
        wake(connection)

    def ask_for_reset(self, name: str, app_name: str) -> None:
        """Mail a link to who has this sign-in name or e-mail address, if anybody has."""
        wanted = name.strip().casefold()
        for person in self._organisation.snapshot().people.values():
            known = {str(person.record.get(one) or "").casefold() for one in ("login", "email")}
            if wanted and person.active and wanted in known and person.record.get("email"):
                self.send(person.id, "reset", None, app_name)
                return

    def look(self, token: str) -> Ticket | None:
        """Return what a ticket is good for; looking uses nothing up: mail servers look, too."""
        with self._pools.read.connection() as connection:
            row = _find.run(
                connection, {"_checksum": _checksum_of(token), "_now": self._clock.now()}
            ).fetchone()
        person = None if row is None else self._organisation.snapshot().people.get(row[0])
        if row is None or person is None or not person.active:
            return None
        return Ticket(person, row[1])

    def use(self, token: str, password: str) -> int | None:
        """Set the password of whose ticket it is, and use it up; None where it is not good.

        Raises:
            InvalidInput: the password is too weak; the ticket stays good.
        """
        known = self.look(token)
        if known is None:
            return None
        now = self._clock.now()
        with self._pools.write.connection() as connection, connection.transaction():
            values = {"_checksum": _checksum_of(token), "_now": now, "now": now}
            row = _use.run(connection, values).fetchone()
            if row is None:
                return None
            set_password(connection, row[0], password, row[0])
            audit.note(
                connection,
                f"account.{row[1]}.used",
                user_id=row[0],
                details={"user": row[0]},
            )
        return int(row[0])


def _checksum_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _words(purpose: Purpose, person: Person, by: str, app_name: str) -> tuple[Label, Label]:
    login = str(person.record.get("login") or "")
    if purpose == "invitation":
        return (
            say("{app}: choose your password", "{app}：请设置密码", app=app_name),
            say(
                "{by} opened an account in {app} for you. Your sign-in name is {login}. "
                "Choose a password by this link; it works once, within seven days.",
                "{by}为您开通了 {app} 账号，登录名为 {login}。"
                "请通过以下链接设置密码，链接七天内有效，只能使用一次。",
                by=by or app_name,
                app=app_name,
                login=login,
            ),
        )
    return (
        say("{app}: a new password", "{app}：重置密码", app=app_name),
        say(
            "Somebody asked for a new password for {login}. Choose it by this link; it works once, "
            "within an hour. If it was not you, do nothing: the old password stays.",
            "有人申请重置 {login} 的密码。请通过以下链接设置新密码，"
            "链接一小时内有效，只能使用一次。"
            "如非本人操作，请忽略此邮件，原密码不变。",
            login=login,
        ),
    )
