"""The register of personal data: what was done for whom, when and why; written with the deed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from psycopg.types.json import Jsonb

from app.database.personal_tables import personal_act
from app.database.statements import Statement
from app.records.work import Work

_names = ("kind", "user_id", "happened_at", "why", "records", "fields", "counts")
_put = Statement(
    sa.insert(personal_act)
    .values({name: sa.bindparam(name, type_=personal_act.c[name].type) for name in _names})
    .returning(personal_act.c.id)
)
#: A reason is a sentence or two.
LONGEST = 1_000


def note_act(
    work: Work,
    kind: str,
    why: str,
    records: Mapping[str, Iterable[int]],
    *,
    fields: Mapping[str, Iterable[str]] | None = None,
    counts: Mapping[str, Any] | None = None,
    happened_at: str | None = None,
    user_id: int | None = None,
) -> int:
    """Write down what was done; return the number of the line.

    Args:
        kind: found, exported, corrected, anonymised, held or released.
        fields: of what was anonymised, so that it can be done again after a restore.
        happened_at: when it was done first, and by whom, where it is done again.
    """
    values = {
        "kind": kind,
        "user_id": work.user_id if happened_at is None else user_id,
        "happened_at": happened_at or work.now,
        "why": why[:LONGEST],
        "records": Jsonb({name: sorted(ids) for name, ids in records.items()}),
        "fields": Jsonb({name: list(names) for name, names in (fields or {}).items()}),
        "counts": Jsonb(dict(counts or {})),
    }
    row = _put.run(work.connection, values).fetchone()
    assert row is not None
    return int(row[0])
