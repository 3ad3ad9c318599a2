"""What makes a timed firing this one and no other: the date it follows, and which repeat it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

#: The only occurrence there is of a rule that fires once ever for a record.
ONCE = "once"


def occurrence(base: Any, repeats: Any) -> sa.ColumnElement[Any]:
    """Return the occurrence of a date and a count of repeats, as SQL."""
    moment = sa.func.to_char(sa.func.timezone("UTC", base), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    count = sa.case((repeats > 0, sa.func.concat("/", repeats)), else_="")
    return sa.func.concat(moment, count, type_=sa.Text)


def occurrence_of(base: datetime, repeats: int = 0) -> str:
    """Return the occurrence of a date and a count of repeats."""
    moment = base.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return f"{moment}/{repeats}" if repeats else moment
