"""What a job runs: one function each, called with numbers and names.

A job runs in a process of its own, which reads the settings from its environment and opens its own
connections. It may be cut off at any point and run again, so every task may run twice.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from app.database.pools import Pools
from app.database.system import idempotency
from app.errors import TrellisError
from app.records.files import FileStore
from app.records.sweeping import sweep_files
from app.settings import read_settings

#: An answer is repeated to a client that asks again within a day.
_ANSWERS_ARE_KEPT = timedelta(days=1)


def housekeeping() -> dict[str, int]:
    """Remove what nobody needs any more; return how much of what."""
    settings = read_settings()
    url = settings.database_url
    if url is None:
        raise TrellisError("A job needs DATABASE_URL in its environment.")
    pools = Pools(url, max_size=1)
    try:
        with pools.engine.begin() as connection:
            old = sa.func.now() - _ANSWERS_ARE_KEPT
            answers = connection.execute(sa.delete(idempotency).where(idempotency.c.at < old))
        with pools.write.connection() as connection:
            files = sweep_files(connection, FileStore(settings.data), datetime.now(UTC))
        return {"answers": answers.rowcount, "files": files}
    finally:
        pools.close()
