"""What a driver's error means when the database cannot serve, and how that is told."""

from __future__ import annotations

import psycopg
from psycopg_pool import PoolTimeout

from app.errors import Unavailable
from app.texts import say

#: Connection lost or refused, shutting down, starting up, out of connections, out of disk space.
_UNAVAILABLE_CLASSES = ("08", "53")
_UNAVAILABLE_CODES = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03"})
#: Somebody else's long write, or our own statement_timeout.
_BUSY_CODES = frozenset({"55P03", "57014"})


def as_unavailable(error: BaseException) -> Unavailable | None:
    """Return what to tell the asker if *error* means that the database cannot serve now.

    None for every other error. A lock or statement that took too long counts as busy, so that the
    outermost layer can answer 503; who wants to handle those himself does so before.
    """
    original = getattr(error, "orig", None)
    if isinstance(original, BaseException):
        error = original
    code = getattr(error, "sqlstate", None)
    if isinstance(error, PoolTimeout):
        return no_connection()
    if code in _BUSY_CODES:
        return Unavailable(
            say(
                "The database is busy with this record or list. Try again in a few seconds.",
                "数据库正忙于处理该记录或列表,请稍后再试。",
            )
        )
    if is_connection_loss(error):
        return no_database()
    return None


def is_connection_loss(error: BaseException) -> bool:
    """Return whether the server is away, or was while somebody waited."""
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    code = error.sqlstate
    return code is None or code[:2] in _UNAVAILABLE_CLASSES or code in _UNAVAILABLE_CODES


def no_database() -> Unavailable:
    """Return what is told while the server is away."""
    return Unavailable(
        say(
            "The database does not answer at the moment. Nothing was saved; try again shortly.",
            "数据库暂时没有响应,未保存任何内容,请稍后再试。",
        )
    )


def no_connection() -> Unavailable:
    """Return what is told while every connection is in use."""
    return Unavailable(
        say(
            "Too many people are asking the database at once. Try again in a few seconds.",
            "同时访问数据库的人太多,请稍后再试。",
        )
    )
