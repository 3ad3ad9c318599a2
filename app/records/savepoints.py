"""Part of a transaction that may fail by itself: what it wrote and meant to cause goes with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.records.work import Work


@contextmanager
def savepoint(work: Work) -> Iterator[None]:
    """Take back what is inside if it raises: rows, parents to work out, calls at the end."""
    touched = {name: set(ids) for name, ids in work.touched.items()}
    after, closing = len(work.after), len(work.shared.closing)
    try:
        with work.connection.transaction():
            yield
    except BaseException:
        work.touched = touched
        del work.after[after:]
        del work.shared.closing[closing:]
        raise
