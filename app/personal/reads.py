"""Who read personal data, as it is shown to who answers for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.database.personal_tables import personal_read
from app.database.statements import Statement
from app.records.work import Work

#: Lines that are shown.
MOST = 200


@dataclass(frozen=True, slots=True)
class Read:
    """That somebody read a record, or lists, on a day."""

    user_id: int
    entity: str
    #: None: lists
    id: int | None
    times: int
    rows: int
    first_at: datetime
    last_at: datetime

    def as_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        return {
            "user": self.user_id,
            "entity": self.entity,
            "id": self.id,
            "times": self.times,
            "rows": self.rows,
            "first_at": self.first_at.isoformat(),
            "last_at": self.last_at.isoformat(),
        }


def who_read(work: Work, entities: Iterable[str], record_id: int | None) -> list[Read]:
    """Return who read records of some entities, or one, the latest first."""
    table, names = personal_read, {work.number(name): name for name in entities}
    wanted = sa.any_(sa.literal(list(names), ARRAY(sa.SmallInteger)))
    chosen = sa.select(table).where(table.c.entity == wanted)
    if record_id is not None:
        chosen = chosen.where(table.c.record_id == record_id)
    latest = chosen.order_by(table.c.last_at.desc()).limit(MOST)
    return [
        Read(
            row["user_id"],
            names[row["entity"]],
            row["record_id"] or None,
            row["times"],
            row["rows"],
            row["first_at"],
            row["last_at"],
        )
        for row in Statement(latest).rows(work.connection)
    ]
