"""Files that nobody needs any more: uploaded and never saved with a record, or purged with one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
import sqlalchemy as sa

from app.database import system
from app.database.statements import Statement
from app.records.files import FileStore

#: How long an uploaded file may wait for the record that will hold it.
PATIENCE = timedelta(days=1)

_file = system.file
_gone = Statement(
    sa.delete(_file)
    .where(
        sa.or_(
            sa.and_(
                _file.c.record_id.is_(None),
                _file.c.uploaded_at < sa.bindparam("_before", type_=_file.c.uploaded_at.type),
            ),
            _file.c.deleted_at < sa.bindparam("_before", type_=_file.c.uploaded_at.type),
        )
    )
    .returning(_file.c.sha256)
)
_kept = Statement(
    sa.select(_file.c.sha256).where(
        _file.c.sha256 == sa.func.any(sa.bindparam("_sums", type_=sa.ARRAY(sa.Text)))
    )
)


def sweep_files(connection: psycopg.Connection[Any], store: FileStore, now: datetime) -> int:
    """Remove files nobody can reach; return how many.

    A content goes only when no other row names it; one that is uploaded again at that very moment
    was written anew under the same name before its row, and is a day old at least before it goes.
    """
    with connection.transaction():
        gone = [row[0] for row in _gone.run(connection, {"_before": now - PATIENCE})]
    sums = sorted(set(gone))
    kept = {row[0] for row in _kept.run(connection, {"_sums": sums})}
    oldest = (now - PATIENCE).timestamp()
    for sha256 in sums:
        path = store.path(sha256)
        if sha256 not in kept and path.exists() and path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
    return len(gone)
