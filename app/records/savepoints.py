"""Part of a transaction that may fail by itself: what it wrote and meant to cause goes with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.database.together import Command, ask
from app.records.work import Work

_BEGIN, _RELEASE = Command(b"SAVEPOINT part"), Command(b"RELEASE part")
#: The name is left: a savepoint within another of that name stands before it.
_BACK = Command(b"ROLLBACK TO part")


@contextmanager
def savepoint(work: Work) -> Iterator[None]:
    """Take back what is inside if it raises: rows, parents to work out, calls at the end.

    Not psycopg's `transaction`: that one deallocates every prepared statement of the connection
    when it goes back, and the next of ours would end the whole transaction.
    """
    connection = work.connection
    touched = {name: set(ids) for name, ids in work.touched.items()}
    after, closing = len(work.after), len(work.shared.closing)
    ask(connection, _BEGIN)
    try:
        yield
        ask(connection, _RELEASE)
    except BaseException:
        held = getattr(connection, "held", None)
        if held:
            held.clear()
        if not connection.closed:
            ask(connection, _BACK)
            ask(connection, _RELEASE)
        work.touched = touched
        del work.after[after:]
        del work.shared.closing[closing:]
        raise
