"""How people want to hear of things: by e-mail or not, at once or in a digest, and of which rules.

The inbox cannot be switched off: a message that nobody can find did not happen. What a person
says here takes effect within seconds in every process.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.database.automation_tables import mute, preference
from app.database.statements import Statement

Mail = Literal["at_once", "daily", "weekly", "never"]
MAILS: tuple[Mail, ...] = ("at_once", "daily", "weekly", "never")

_chosen = Statement(sa.select(preference.c.user_id, preference.c.settings))
_muted = Statement(sa.select(mute.c.user_id, mute.c.rule))
_keep = insert(preference).values(
    user_id=sa.bindparam("user", type_=sa.BigInteger),
    settings=sa.cast(sa.bindparam("settings", type_=sa.Text), preference.c.settings.type),
)
_keep_settings = Statement(
    _keep.on_conflict_do_update(
        index_elements=[preference.c.user_id],
        set_={"settings": preference.c.settings.concat(_keep.excluded.settings)},
    )
)
_user, _rule = (
    sa.bindparam("user", type_=sa.BigInteger),
    sa.bindparam("rule", type_=sa.Integer),
)
_mute = Statement(insert(mute).values(user_id=_user, rule=_rule).on_conflict_do_nothing())
_unmute = Statement(sa.delete(mute).where(mute.c.user_id == _user, mute.c.rule == _rule))


@dataclass(frozen=True, slots=True)
class Choice:
    """What one person chose."""

    mail: Mail = "at_once"
    #: whether chat robots may name this person
    chat: bool = True
    #: rules this person does not want to hear of, by number
    muted: frozenset[int] = field(default_factory=frozenset)


USUAL = Choice()


class Preferences:
    """What everybody chose, as this process knows it."""

    #: seconds after which they are read again
    patience = 2.0

    def __init__(self) -> None:
        self._by_user: Mapping[int, Choice] = {}
        self._read_at = float("-inf")

    def of(self, connection: psycopg.Connection[Any], user_id: int) -> Choice:
        """Return what somebody chose, at most a few seconds old."""
        if time.monotonic() - self._read_at >= self.patience:
            self._by_user = read_choices(connection)
            self._read_at = time.monotonic()
        return self._by_user.get(user_id, USUAL)

    def forget(self) -> None:
        """Read again before the next answer."""
        self._read_at = float("-inf")


def read_choices(connection: psycopg.Connection[Any]) -> dict[int, Choice]:
    """Return what everybody chose who chose something, in two statements."""
    muted: dict[int, set[int]] = {}
    for user_id, rule in _muted.run(connection):
        muted.setdefault(user_id, set()).add(rule)
    chosen = dict(_chosen.run(connection).fetchall())
    return {
        user_id: _choice(chosen.get(user_id) or {}, muted.get(user_id, set()))
        for user_id in {*chosen, *muted}
    }


def _choice(settings: Mapping[str, Any], muted: set[int]) -> Choice:
    mail = settings.get("mail")
    return Choice(
        mail if mail in MAILS else "at_once",
        settings.get("chat") is not False,
        frozenset(muted),
    )


def choose(connection: psycopg.Connection[Any], user_id: int, *, mail: Mail, chat: bool) -> None:
    """Keep what somebody chose."""
    text = orjson.dumps({"mail": mail, "chat": chat}).decode()
    _keep_settings.run(connection, {"user": user_id, "settings": text})


def mute_rule(connection: psycopg.Connection[Any], user_id: int, rule: int) -> None:
    """Have somebody hear no more of a rule."""
    _mute.run(connection, {"user": user_id, "rule": rule})


def unmute_rule(connection: psycopg.Connection[Any], user_id: int, rule: int) -> None:
    """Have somebody hear of a rule again."""
    _unmute.run(connection, {"user": user_id, "rule": rule})
