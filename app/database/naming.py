"""Names of constraints and indexes: readable, short enough for PostgreSQL, never twice the same.

A name ends in six letters of a hash over the definition. Two definitions never share a name, so an
index is changed by building the new one beside the old one, and a plan need only compare names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

#: PostgreSQL cuts longer names without a word.
LONGEST = 63


def constraint_name(table: str, columns: Sequence[str], kind: str, definition: str) -> str:
    """Return the name of what *definition* says about *columns* of *table*."""
    tail = "_" + hashlib.sha256(definition.encode()).hexdigest()[:6]
    words = "_".join([table, *columns])
    room = LONGEST - len(kind) - len(tail) - 1
    return f"{words.encode()[:room].decode(errors='ignore')}_{kind}{tail}"
