"""Reading the audit: who signed in, and who changed what around the data. For administrators.

Pages by keyset: the newest first, each page below the last line of the one before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.database import system
from app.database.statements import Statement

#: What is looked at together, and the kinds it is made of.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "sign_ins": (
        "account.session.begin", "account.session.refused", "account.session.throttled",
    ),
    "accounts": (
        "account.password.set", "account.invitation.sent", "account.invitation.used",
        "account.reset.sent", "account.reset.used", "account.second_factor.on",
        "account.second_factor.off", "account.second_factor.codes", "account.session.ended",
        "account.key.made", "account.key.revoked",
    ),
    "rights": (
        "account.roles.set", "account.state.set", "account.department.moved",
        "department.tree.changed",
    ),
    "configuration": (
        "configuration.version.apply", "configuration.file.saved", "configuration.file.deleted",
        "configuration.change.agreed",
    ),
    "data": (
        "data.import.start", "data.export.start", "data.backup.fetched", "data.keep.removed",
        "data.duplicates.checked",
    ),
    "persons": (
        "data.person.found", "data.person.exported", "data.person.corrected",
        "data.person.anonymised", "data.person.held", "data.person.released",
    ),
    "refusals": ("request.access.refused",),
}  # fmt: skip
#: Everything but sign-ins, which are many and have a page of their own.
KINDS = tuple(kind for name, kinds in GROUPS.items() if name != "sign_ins" for kind in kinds)
MOST = 200

_audit = system.audit
_user = sa.bindparam("user", type_=sa.BigInteger)
_since = sa.bindparam("since", type_=sa.DateTime(timezone=True))
_until = sa.bindparam("until", type_=sa.DateTime(timezone=True))
_before = sa.bindparam("before", type_=sa.BigInteger)
_find = Statement(
    sa.select(
        _audit.c.id,
        _audit.c.happened_at,
        _audit.c.kind,
        _audit.c.user_id,
        _audit.c.address,
        _audit.c.details,
    )
    .where(
        _audit.c.kind == sa.func.any(sa.bindparam("kinds", type_=ARRAY(sa.Text))),
        sa.or_(_before.is_(None), _audit.c.id < _before),
        sa.or_(
            _user.is_(None),
            _audit.c.user_id == _user,
            _audit.c.details["user"].astext == sa.cast(_user, sa.Text),
        ),
        sa.or_(_since.is_(None), _audit.c.happened_at >= _since),
        sa.or_(_until.is_(None), _audit.c.happened_at < _until),
    )
    .order_by(_audit.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.BigInteger))
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit."""

    id: int
    happened_at: datetime
    kind: str
    user_id: int | None
    address: str | None
    details: Mapping[str, Any]

    @property
    def target(self) -> int | None:
        """Return whom it is about, where that is another than who did it."""
        found = self.details.get("user")
        return found if isinstance(found, int) else None


@dataclass(frozen=True, slots=True)
class Asked:
    """Which lines."""

    kinds: Sequence[str] = KINDS
    user_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    #: below the line of this number
    before: int | None = None
    limit: int = 50


def find_entries(pools: Any, asked: Asked) -> tuple[list[Entry], int | None]:
    """Return the lines, and the number below which there are more."""
    values = {
        "kinds": list(asked.kinds),
        "user": asked.user_id,
        "since": asked.since,
        "until": asked.until,
        "before": asked.before,
        "limit": asked.limit + 1,
    }
    with pools.read.connection() as connection:
        found = [Entry(*row) for row in _find.run(connection, values)]
    rows = found[: asked.limit]
    return rows, rows[-1].id if len(found) > asked.limit else None
