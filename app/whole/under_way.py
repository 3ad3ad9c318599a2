"""The mark of everything on its way in, by which what was cut off is begun again.

It is the first thing in the place and the last that goes: a place that has it holds nothing of
anybody's yet, so all of it may be taken away.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa
from psycopg import sql

from app.texts import say
from app.whole.contents import tables_of
from app.whole.faults import WholeFault

_MARK = "trellis_import.under_way"
#: Names the lock among PostgreSQL's advisory locks.
_LOCK = 7_390_117


@contextmanager
def alone(url: str) -> Iterator[None]:
    """Keep a second one out until the block ends, however it ends.

    Raises:
        WholeFault: another is at it.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
        if row is None or not row[0]:
            raise WholeFault(
                say(
                    "Everything is being brought in here already, by another `trellis import all`.",
                    "另一个 trellis import all 正在导入到此处。",
                )
            )
        yield


def is_half_brought(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Return whether what is there was cut off on its way in."""
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (_MARK,)).fetchone()
    return row is not None and bool(row[0])


def mark(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Say that what comes from now on is not there yet."""
    connection.execute("CREATE SCHEMA trellis_import")
    connection.execute("CREATE TABLE trellis_import.under_way (since timestamptz DEFAULT now())")


def unmark(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Say that it is there, or gone again."""
    connection.execute("DROP SCHEMA IF EXISTS trellis_import CASCADE")


def take_away(url: str) -> None:
    """Leave the place as empty as it was, so that it can be tried again."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS crm CASCADE")
        connection.execute("DROP SCHEMA IF EXISTS trellis CASCADE")
        own = [one.identifier for one in tables_of(connection, passwords=True)]
        own += [sql.Identifier("public", name) for name in ("ab_api_key", "ab_register_user")]
        for table in own:
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(table))
        unmark(connection)


def refuse_half_brought(connection: sa.Connection) -> None:
    """Refuse to work with what is there in part.

    Raises:
        WholeFault: it is.
    """
    if connection.scalar(sa.select(sa.func.to_regclass(_MARK).is_not(None))):
        raise WholeFault(
            say(
                "`trellis import all` was cut off here. Run it again: it begins anew.",
                "trellis import all 在此中断。请重新运行，它会从头开始。",
            )
        )
