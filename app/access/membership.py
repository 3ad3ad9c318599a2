"""Who is one of the people that a pool names: by role, by name, by department.

Only what is the same for every record is answered here; who a rule means for one record is for the
automation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from app.definitions.automation import Person, Pool

if TYPE_CHECKING:
    from app.access.organisation import Person as Colleague
    from app.access.organisation import Snapshot


def is_among(snapshot: Snapshot, persons: Sequence[Person], user: Colleague) -> bool:
    """Return whether an active user is one of *persons*, by role, name or department."""
    return user.active and any(is_meant(snapshot, one, user) for one in persons)


def is_meant(snapshot: Snapshot, person: Person, user: Colleague) -> bool:
    """Return whether `role NAME`, `user NAME` or `department NAME` is a user."""
    if person.kind == "role":
        return person.name in user.roles
    if person.kind == "user":
        return user.id == user_called(snapshot, person.name)
    if person.kind == "department":
        return user.department in departments_called(snapshot, person.name)
    return False


def user_called(snapshot: Snapshot, name: str) -> int | None:
    """Return the user with this sign-in name; failing that, the only active one so called."""
    wanted = _key(name)
    people = snapshot.people.values()
    by_login = [one.id for one in people if _key(one.record.get("login")) == wanted]
    if by_login:
        return by_login[0]
    by_name = [one.id for one in people if one.active and _key(one.name) == wanted]
    return by_name[0] if len(by_name) == 1 else None


def departments_called(snapshot: Snapshot, name: str) -> frozenset[int]:
    """Return the departments of a name and those below them."""
    wanted = _key(name)
    top = [one for one, called in snapshot.department_names.items() if _key(called) == wanted]
    return frozenset(snapshot.department_tree(top))


def pools_of(
    snapshot: Snapshot, pools: Iterable[Pool], user: Colleague
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the pools a user may look into, and those among them the user looks after."""
    seen, kept = [], []
    for pool in pools:
        if pool.off:
            continue
        is_admin = is_among(snapshot, pool.admins, user)
        if is_admin:
            kept.append(pool.name)
        if is_admin or is_among(snapshot, pool.members, user):
            seen.append(pool.name)
    return tuple(seen), tuple(kept)


def _key(name: str | None) -> str:
    """Return what a name is compared by: ``East Sales`` is written ``east_sales``."""
    return re.sub(r"[\s_-]+", "_", (name or "").strip().casefold())
