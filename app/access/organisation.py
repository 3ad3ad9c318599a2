"""Who works here: users with their roles, departments, and who reports to whom.

One snapshot per process answers every request. It is thrown away as soon as the number ``people``
in ``trellis.revision`` has moved: whoever writes a user, a role or a department calls `touch` in
that very transaction, the notification reaches every process at commit, and a comparison at most a
second old stands behind it. Nothing here decides what a role may do; see ``policy``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.access.membership import pools_of
from app.access.principal import Principal
from app.database.statements import Statement
from app.database.system import revision, share
from app.definitions.catalog import Catalog
from app.errors import Unavailable

#: Users, roles, groups, departments, the reporting line.
PEOPLE = "people"
#: With whom records are shared.
SHARES = "shares"
#: Where processes hear that one of these numbers moved; the payload is its name.
CHANNEL = "trellis_revision"

_user = sa.table("ab_user", sa.column("id"), sa.column("active"), schema="public")
_role = sa.table("ab_role", sa.column("id"), sa.column("name"), schema="public")
_user_role = sa.table("ab_user_role", sa.column("user_id"), sa.column("role_id"), schema="public")
_user_group = sa.table(
    "ab_user_group", sa.column("user_id"), sa.column("group_id"), schema="public"
)
_group_role = sa.table(
    "ab_group_role", sa.column("group_id"), sa.column("role_id"), schema="public"
)

_revisions = Statement(sa.select(revision.c.name, revision.c.number))
_accounts = Statement(sa.select(_user.c.id, _user.c.active))
_roles = Statement(
    sa.union(
        sa.select(_user_role.c.user_id, _role.c.name).join(
            _role, _role.c.id == _user_role.c.role_id
        ),
        sa.select(_user_group.c.user_id, _role.c.name)
        .join(_group_role, _group_role.c.group_id == _user_group.c.group_id)
        .join(_role, _role.c.id == _group_role.c.role_id),
    )
)
_shared_with = Statement(
    sa.select(share.c.entity)
    .where(share.c.user_id == sa.bindparam("user", type_=sa.BigInteger))
    .distinct()
)


class Pools(Protocol):
    """The part of ``database.pools.Pools`` this room uses."""

    @property
    def read(self) -> Any: ...


class Release(Protocol):
    """The part of ``database.live.Release`` this room uses."""

    @property
    def catalog(self) -> Catalog: ...
    @property
    def tables(self) -> Mapping[str, sa.Table]: ...


@dataclass(frozen=True, slots=True)
class Person:
    """One user as the snapshot holds it."""

    id: int
    active: bool
    roles: frozenset[str] = frozenset()
    name: str = ""
    manager: int | None = None
    department: int | None = None
    language: str | None = None
    time_zone: str | None = None
    #: the record of the entity ``user``, by field
    record: Mapping[str, Any] = field(default_factory=dict)


class Snapshot:
    """The organisation as of one revision; nothing in it changes."""

    def __init__(
        self,
        people: Iterable[Person],
        departments: Mapping[int, int | None],
        heads: Mapping[int, int] | None = None,
        department_names: Mapping[int, str] | None = None,
    ) -> None:
        """Take the people, and each department's parent, head and name."""
        self.people: dict[int, Person] = {person.id: person for person in people}
        self.departments: dict[int, int | None] = dict(departments)
        self.department_names: dict[int, str] = dict(department_names or {})
        self._heads = dict(heads or {})
        self._below_person = _children(
            (person.id, person.manager) for person in self.people.values()
        )
        self._below_department = _children(self.departments.items())

    def subordinates(self, user_id: int) -> tuple[int, ...]:
        """Return this person and everybody below, at any depth, each once.

        Deactivated people count: their records are still somebody's to look after, and whoever
        reports to them is still below their manager. A circle of managers ends where it began.
        """
        return _with_all_below([user_id], self._below_person)

    def departments_of(self, user_id: int) -> tuple[int, ...]:
        """Return the person's department and those the person is head of."""
        person = self.people[user_id]
        own = {person.department} if person.department is not None else set()
        return tuple(sorted(own | {d for d, head in self._heads.items() if head == user_id}))

    @property
    def heads(self) -> Mapping[int, int]:
        """Return the heads by department."""
        return self._heads

    def head_of(self, department: int | None) -> int | None:
        """Return who is head of a department."""
        return self._heads.get(department) if department is not None else None

    def department_tree(self, top: Iterable[int]) -> tuple[int, ...]:
        """Return these departments and all below them."""
        return _with_all_below(top, self._below_department)


def _children(pairs: Iterable[tuple[int, int | None]]) -> dict[int, list[int]]:
    below: dict[int, list[int]] = {}
    for child, parent in pairs:
        if parent is not None:
            below.setdefault(parent, []).append(child)
    return below


def _with_all_below(top: Iterable[int], below: Mapping[int, list[int]]) -> tuple[int, ...]:
    found: set[int] = set()
    waiting = list(top)
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting.extend(below.get(current, ()))
    return tuple(sorted(found))


class Organisation:
    """The users, roles and departments of this process, never more than a second old."""

    #: Seconds after which the revision is compared although nobody was notified.
    patience = 1.0

    def __init__(
        self,
        pools: Pools,
        release: Callable[[], Release],
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the pools, a way to the release that serves now, and a clock for the patience."""
        self._pools = pools
        self._release = release
        self._seconds = seconds
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._loaded_for: object = None
        self._numbers: dict[str, int] = {}
        self._principals: dict[int, Principal | None] = {}
        self._compare_at = 0.0

    def principal(self, user_id: int | None) -> Principal | None:
        """Return who *user_id* is now, or None: unknown, or deactivated."""
        if user_id is None:
            return None
        if self._seconds() >= self._compare_at or self._loaded_for is not self._release().catalog:
            self._compare()
        principals = self._principals
        if user_id not in principals:
            principals[user_id] = self._build(user_id)
        return principals[user_id]

    def expire(self, _name: str | None = None) -> None:
        """Compare the revision before the next answer.

        Called by the listener for a notification, and by whoever has just committed a change to
        people in this process, so that the very next request sees it.
        """
        self._compare_at = 0.0

    def snapshot(self) -> Snapshot:
        """Return the organisation as it is now."""
        if self._seconds() >= self._compare_at or self._loaded_for is not self._release().catalog:
            self._compare()
        if self._snapshot is None:
            raise Unavailable
        return self._snapshot

    def _compare(self) -> None:
        with self._lock:
            catalog = self._release().catalog
            if self._seconds() < self._compare_at and self._loaded_for is catalog:
                return  # Another thread has just done it.
            compare_at = self._seconds() + self.patience
            # Set before reading: an `expire` that comes while reading must not be lost.
            self._compare_at = compare_at
            try:
                self._refresh(catalog)
            except psycopg.Error as error:
                self._compare_at = 0.0
                raise Unavailable from error
            except BaseException:
                self._compare_at = 0.0
                raise

    def _refresh(self, catalog: Catalog) -> None:
        with self._pools.read.connection() as connection:
            # The number is read before the rows: rows newer than it only mean one more reload.
            numbers = dict(_revisions.run(connection).fetchall())
            people_moved = (
                self._snapshot is None
                or self._loaded_for is not catalog
                or numbers.get(PEOPLE) != self._numbers.get(PEOPLE)
            )
            if people_moved:
                self._snapshot = read_snapshot(connection, self._release())
                self._loaded_for = catalog
        if people_moved or numbers.get(SHARES) != self._numbers.get(SHARES):
            self._principals = {}
        self._numbers = numbers

    def _build(self, user_id: int) -> Principal | None:
        snapshot = self.snapshot()
        person = snapshot.people.get(user_id)
        if person is None or not person.active:
            return None
        catalog = self._release().catalog
        app, roles = catalog.app, catalog.roles
        pools, pools_kept = pools_of(snapshot, catalog.automation.pools.values(), person)
        departments = snapshot.departments_of(user_id)
        with self._pools.read.connection() as connection:
            shared = _shared_with.run(connection, {"user": user_id}).fetchall()
        subordinates = snapshot.subordinates(user_id)
        return Principal(
            user_id=user_id,
            name=person.name,
            roles=frozenset(person.roles & roles.keys()),
            is_admin=any(roles[name].admin for name in person.roles if name in roles),
            language=person.language or app.languages[0],
            time_zone=person.time_zone or app.time_zone,
            department=person.department,
            subordinates=subordinates,
            departments=departments,
            department_tree=snapshot.department_tree(departments),
            my={
                **person.record,
                "roles": sorted(person.roles),
                "subordinates": subordinates,
                "departments": departments,
            },
            shared=frozenset(number for (number,) in shared),
            pools=pools,
            pools_kept=pools_kept,
        )


def read_snapshot(connection: psycopg.Connection[Any], release: Release) -> Snapshot:
    """Read users, roles and departments in four statements."""
    roles: dict[int, set[str]] = {}
    for user_id, name in _roles.run(connection).fetchall():
        roles.setdefault(user_id, set()).add(name)
    records = _records(connection, release, "user")
    people = []
    for user_id, active in _accounts.run(connection).fetchall():
        record = records.get(user_id, {})
        people.append(
            Person(
                id=user_id,
                # Either switch closes the account: FAB's own page or the record of the user.
                active=bool(active) and record.get("active", True) is not False,
                roles=frozenset(roles.get(user_id, ())),
                name=record.get("name") or "",
                manager=record.get("manager"),
                department=record.get("department"),
                language=record.get("language"),
                time_zone=record.get("time_zone"),
                record=record,
            )
        )
    departments = _records(connection, release, "department")
    return Snapshot(
        people,
        {number: record.get("parent") for number, record in departments.items()},
        {
            number: record["head"]
            for number, record in departments.items()
            if record.get("head") is not None
        },
        {number: record.get("name") or "" for number, record in departments.items()},
    )


def _records(
    connection: psycopg.Connection[Any], release: Release, entity: str
) -> dict[int, dict[str, Any]]:
    if entity not in release.catalog.entities or entity not in release.tables:
        return {}
    table = release.tables[entity]
    fields = release.catalog.entities[entity].fields
    rows = Statement(sa.select(*table.c)).rows(connection)
    return {
        row["id"]: {
            name: one.type.from_columns(one, row) for name, one in fields.items() if name in row
        }
        for row in rows
    }


def touch(connection: psycopg.Connection[Any] | sa.Connection | Session, name: str) -> None:
    """Move a revision (`PEOPLE` or `SHARES`) in the transaction of the change itself.

    Processes are notified at commit. The one that commits also calls `Organisation.expire`
    afterwards, so that its own next request does not race the notification.
    """
    moved = insert(revision).values(name=name, number=1)
    moved = moved.on_conflict_do_update(
        index_elements=[revision.c.name], set_={"number": revision.c.number + 1}
    )
    notified = sa.select(sa.func.pg_notify(CHANNEL, name))
    for statement in (moved, notified):
        if isinstance(connection, psycopg.Connection):
            Statement(statement).run(connection)
        else:
            connection.execute(statement)


def touch_people(connection: psycopg.Connection[Any] | sa.Connection | Session) -> None:
    """Say that users, roles, groups or departments changed; see `touch`."""
    touch(connection, PEOPLE)
