"""Accounts: adding users with their record, roles, passwords, and everything that ends sessions.

A user is two rows with one number: FAB's account (how one signs in) and the record of the entity
``user`` (who one is). Both are written in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from werkzeug.security import generate_password_hash

from app.access.organisation import touch, touch_people
from app.access.principal import SYSTEM, Principal
from app.database import audit, system
from app.database.statements import Statement
from app.errors import InvalidInput, NotFound
from app.records.door import Records
from app.records.work import Work
from app.security.passwords import check_password
from app.security.sessions import SESSIONS
from app.texts import say

_user = sa.table(
    "ab_user",
    *(
        sa.column(name)
        for name in (
            "id", "first_name", "last_name", "username", "password", "active", "email",
            "created_on", "changed_on", "login_count", "fail_login_count",
        )
    ),
    schema="public",
)  # fmt: skip
_role = sa.table("ab_role", sa.column("id"), sa.column("name"), schema="public")
_user_role = sa.table(
    "ab_user_role",
    sa.column("id"),
    sa.column("user_id"),
    sa.column("role_id"),
    schema="public",
)
_next_user = sa.select(sa.func.nextval("public.ab_user_id_seq").label("id"))
_number = Statement(_next_user)
_add_account = Statement(
    sa.insert(_user).values(
        {
            name: sa.bindparam(name)
            for name in (
                "id", "first_name", "last_name", "username", "password", "active", "email",
                "created_on", "changed_on",
            )
        }
    )
)  # fmt: skip
_taken = Statement(
    sa.select(_user.c.username, _user.c.email).where(
        sa.or_(
            sa.func.lower(_user.c.username) == sa.bindparam("name"),
            sa.func.lower(_user.c.email) == sa.bindparam("mail"),
        )
    )
)
_roles = Statement(
    sa.select(_role.c.name, _role.c.id).where(
        _role.c.name == sa.func.any(sa.bindparam("names", type_=sa.ARRAY(sa.Text)))
    )
)
_drop_roles = Statement(sa.delete(_user_role).where(_user_role.c.user_id == sa.bindparam("user")))
_add_role = Statement(
    sa.insert(_user_role).values(
        id=sa.func.nextval("public.ab_user_role_id_seq"),
        user_id=sa.bindparam("user"),
        role_id=sa.bindparam("role"),
    )
)
_set_password = Statement(
    sa.update(_user)
    .where(_user.c.id == sa.bindparam("_user"))
    .values(password=sa.bindparam("_password"))
    .returning(_user.c.username, _user.c.email)
)
_set_identity = Statement(
    sa.update(_user)
    .where(_user.c.id == sa.bindparam("_user"))
    .values(
        first_name=sa.bindparam("_first"),
        last_name=sa.bindparam("_last"),
        email=sa.func.coalesce(sa.func.nullif(sa.bindparam("_email"), ""), _user.c.email),
    )
)
_has_email = Statement(
    sa.select(_user.c.id).where(
        sa.func.lower(_user.c.email) == sa.bindparam("mail"), _user.c.id != sa.bindparam("user")
    )
)
_set_active = Statement(
    sa.update(_user)
    .where(_user.c.id == sa.bindparam("_user"))
    .values(active=sa.bindparam("_active"))
)
_account = insert(system.account).values(
    user_id=sa.bindparam("user"),
    sessions_since=sa.bindparam("now", type_=sa.DateTime(timezone=True)),
)
_end_sessions = Statement(
    _account.on_conflict_do_update(
        index_elements=["user_id"], set_={"sessions_since": _account.excluded.sessions_since}
    )
)


def add_user(
    records: Records,
    *,
    login: str,
    password: str | None,
    roles: Iterable[str],
    values: Mapping[str, Any],
    principal: Principal = SYSTEM,
    strict: bool = True,
) -> int:
    """Add an account with its record and roles; return the user's number.

    Args:
        password: None for an account that nobody can sign in with.
        values: the record's fields, ``name`` at least, as JSON has them; without *strict* as
            files have them.

    Raises:
        InvalidInput: the login is taken, the password too weak, a role unknown, a value wrong.
    """
    name = str(values.get("name") or login)
    email = str(values.get("email") or f"{login}@no-mail.invalid")
    if password is not None:
        check_password(password, login, name, email)
    wanted = list(roles)

    def account(work: Work) -> dict[str, Any]:
        _check_login(work.connection, login, email)
        row = _number.run(work.connection).fetchone()
        assert row is not None
        now = datetime.now(UTC).replace(tzinfo=None)
        first, _, last = name.partition(" ")
        _add_account.run(
            work.connection,
            {
                "id": row[0],
                "first_name": first[:64],
                "last_name": last[:64],
                "username": login,
                "password": _hash_of(password),
                "active": True,
                "email": email,
                "created_on": now,
                "changed_on": now,
            },
        )
        give_roles(work.connection, row[0], wanted, principal.user_id)
        return {"id": row[0], "login": login}

    written = records.create(
        principal, "user", values, origin="system", columns=account, strict=strict
    )
    return int(written.id)


_TAKEN = say("Another user has this already.", "已有其他用户使用。")


def _hash_of(password: str | None) -> str:
    """Return what is kept of a password; without one, what no password gives."""
    return "!" if password is None else generate_password_hash(password)


def _check_login(connection: psycopg.Connection[Any], login: str, email: str) -> None:
    if not login or not login.strip() or len(login) > 64 or any(c.isspace() for c in login):
        raise InvalidInput(
            {
                "login": [
                    say(
                        "A login is 1 to 64 characters without blanks.",
                        "登录名为 1 到 64 个字符，不能包含空格。",
                    )
                ]
            }
        )
    found = _taken.run(connection, {"name": login.lower(), "mail": email.lower()}).fetchone()
    if found is not None:
        field = "login" if found[0].lower() == login.lower() else "email"
        raise InvalidInput({field: [_TAKEN]})


def give_roles(
    connection: psycopg.Connection[Any],
    user_id: int,
    roles: Iterable[str],
    by: int | None = None,
) -> None:
    """Make *roles* the roles of a user, and no others; *by* is who did it, None for the system.

    Raises:
        InvalidInput: one of them is not in roles.yaml.
    """
    wanted = list(dict.fromkeys(roles))
    known = dict(_roles.run(connection, {"names": wanted}).fetchall())
    missing = [name for name in wanted if name not in known]
    if missing:
        raise InvalidInput(
            {
                "roles": [
                    say(
                        "There is no role {name}.",
                        "没有角色 {name}。",
                        name=", ".join(missing),
                    )
                ]
            }
        )
    _drop_roles.run(connection, {"user": user_id})
    for name in wanted:
        _add_role.run(connection, {"user": user_id, "role": known[name]})
    _note(connection, "account.roles.set", by, user_id, roles=wanted)
    touch_people(connection)


def set_password(
    connection: psycopg.Connection[Any], user_id: int, password: str, by: int | None = None
) -> None:
    """Give a user a new password; every session and token of before is dead.

    Raises:
        InvalidInput: the password is too weak.
        NotFound: there is no such user.
    """
    check_password(password)
    row = _set_password.run(
        connection, {"_user": user_id, "_password": generate_password_hash(password)}
    ).fetchone()
    if row is None:
        raise NotFound
    check_password(password, *row)
    _note(connection, "account.password.set", by, user_id)
    end_sessions(connection, user_id)


def check_email(connection: psycopg.Connection[Any], user_id: int, email: str) -> None:
    """Refuse an address that another account has."""
    if email and _has_email.run(connection, {"mail": email.lower(), "user": user_id}).fetchone():
        raise InvalidInput({"email": [_TAKEN]})


def set_identity(
    connection: psycopg.Connection[Any], user_id: int, *, name: str, email: str
) -> None:
    """Have the account know the name and the address that the record of its user has."""
    first, _, last = name.partition(" ")
    identity = {"_first": first[:64], "_last": last[:64], "_email": email}
    _set_identity.run(connection, {"_user": user_id, **identity})


def set_active(
    connection: psycopg.Connection[Any], user_id: int, *, active: bool, by: int | None = None
) -> None:
    """Open or close an account; closing ends its sessions and tokens."""
    _set_active.run(connection, {"_user": user_id, "_active": active})
    _note(connection, "account.state.set", by, user_id, active=active)
    touch_people(connection)
    if not active:
        end_sessions(connection, user_id)


def end_sessions(
    connection: psycopg.Connection[Any], user_id: int, now: datetime | None = None
) -> None:
    """End every session and token of a user; *now* by the clock sessions begin by."""
    _end_sessions.run(connection, {"user": user_id, "now": now or datetime.now(UTC)})
    touch(connection, SESSIONS)


def _note(
    connection: psycopg.Connection[Any], kind: str, by: int | None, user_id: int, **details: Any
) -> None:
    """Keep who changed whose account, in the transaction of the change."""
    audit.note(connection, kind, user_id=by, details={"user": user_id, **details})
