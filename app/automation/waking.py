"""Wake the scheduler: a word within the transaction that wrote what is due.

Nothing waits for it: who misses the word looks again within a second.
"""

from __future__ import annotations

from typing import Any

import psycopg
import sqlalchemy as sa

from app.records.statements import Statement

#: The channel on which the scheduler hears that there is something to hand out.
CHANNEL = "trellis_wake"

_wake = Statement(sa.select(sa.func.pg_notify(CHANNEL, "")))


def wake(connection: psycopg.Connection[Any]) -> None:
    """Have the scheduler look as soon as this transaction is committed.

    Said as often as one likes: the database sends the same word once per transaction.
    """
    _wake.run(connection)
