"""What happened around the data: sign-ins, refusals, applies. Never a password or token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.types.json import Jsonb
from sqlalchemy.dialects.postgresql import JSONB

from app.database import system
from app.database.statements import Statement

_note = Statement(
    sa.insert(system.audit).values(
        kind=sa.bindparam("kind"),
        user_id=sa.bindparam("user"),
        address=sa.bindparam("address"),
        details=sa.bindparam("details", type_=JSONB),
    )
)


def note(
    connection: psycopg.Connection[Any],
    kind: str,
    *,
    user_id: int | None = None,
    address: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write one line; *kind* is a stable word such as ``account.session.begin``."""
    _note.run(
        connection,
        {
            "kind": kind,
            "user": user_id,
            "address": address,
            "details": Jsonb(dict(details or {})),
        },
    )
