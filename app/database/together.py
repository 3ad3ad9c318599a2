"""Statements on their way to the server: one by one, or several in one message.

Each question to the server costs two processes a wait, which is more than many a statement takes.
What nobody needs an answer to, the BEGIN of a transaction and most of what a save writes down, is
held until the next statement that is asked something, or the COMMIT, and goes with it. The order
stays; what fails is raised by the statement it went with, and leaves the transaction failed.
This module knows libpq and nothing of what is written.
"""

from __future__ import annotations

import select
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

#: Statements a connection keeps prepared; the one unused for longest gives way.
MOST_PREPARED = 300

_FINE = frozenset({pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK})


@dataclass(frozen=True, slots=True)
class Command:
    """A statement with its values; one that has a name is prepared under it."""

    text: bytes
    name: bytes | None = None
    oids: Sequence[int] = ()
    parameters: Sequence[bytes | None] = ()


BEGIN, COMMIT, ROLLBACK = Command(b"BEGIN"), Command(b"COMMIT"), Command(b"ROLLBACK")


def hold(connection: psycopg.Connection[Any], command: Command) -> None:
    """Send *command* with the next one; at once where nothing will ever send it."""
    held: list[Command] | None = getattr(connection, "held", None)
    if held is None:
        ask(connection, command)
    else:
        held.append(command)


def ask(connection: psycopg.Connection[Any], command: Command) -> pq.abc.PGresult:
    """Send what is held and *command*; return the answer to it.

    Raises:
        psycopg.Error: of the first that failed; those after it were not run.
    """
    if not getattr(connection, "held", None):
        return _ask_alone(connection, command)
    return ask_together(connection, [command])[-1]


def ask_together(
    connection: psycopg.Connection[Any], commands: Sequence[Command]
) -> list[pq.abc.PGresult]:
    """Send what is held and *commands* in one message; return the answers to these, in order.

    Raises:
        psycopg.Error: of the first that failed; those after it were not run.
    """
    held: list[Command] = getattr(connection, "held", None) or []
    sent = [*held, *commands]
    held.clear()
    return _send(connection, sent)[-len(commands) :]


def ask_what_is_held(connection: psycopg.Connection[Any]) -> None:
    """Send what is held, before somebody else uses the connection."""
    held: list[Command] | None = getattr(connection, "held", None)
    if held:
        ask(connection, held.pop())


def known_statements(connection: psycopg.Connection[Any]) -> OrderedDict[bytes, None]:
    """Return the names of the prepared statements of a connection; kept on it."""
    version = getattr(connection, "catalog_version", 0)
    if getattr(connection, "own_version", None) != version:
        # The pool deallocates everything after an apply.
        connection.own_version = version  # type: ignore[attr-defined]
        connection.own_names = OrderedDict()  # type: ignore[attr-defined]
    names: OrderedDict[bytes, None] = connection.own_names  # type: ignore[attr-defined]
    return names


def _ask_alone(connection: psycopg.Connection[Any], command: Command) -> pq.abc.PGresult:
    pgconn, name = connection.pgconn, command.name
    if name is None:
        return _checked(connection, pgconn.exec_(command.text))
    if not _is_prepared(connection, name):
        _prepare(connection, name, command)
    return _checked(connection, pgconn.exec_prepared(name, command.parameters))  # type: ignore[arg-type]


def _prepare(connection: psycopg.Connection[Any], name: bytes, command: Command) -> None:
    pgconn = connection.pgconn
    # A limit of time may have struck when it was prepared and nobody was told yet. That the name is
    # taken would fail a whole transaction; to close what is not there is no mistake.
    _close(connection, name)
    _checked(connection, pgconn.prepare(name, command.text, list(command.oids)))
    known_statements(connection)[name] = None


def _is_prepared(connection: psycopg.Connection[Any], name: bytes) -> bool:
    """Return whether a statement is; else make room for it."""
    known = known_statements(connection)
    if name in known:
        known.move_to_end(name)
        return True
    if len(known) >= MOST_PREPARED:
        oldest, _ = known.popitem(last=False)
        # As a message of its own, which a failed transaction does not refuse.
        _close(connection, oldest)
    return False


def _close(connection: psycopg.Connection[Any], name: bytes) -> None:
    # Not `close_prepared`, which waits with Python's lock in its hand: where the server stands
    # still, that ends every thread of the process with it.
    connection.pgconn.send_close_prepared(name)
    _checked(connection, _answer(connection.pgconn))


def _send(connection: psycopg.Connection[Any], commands: list[Command]) -> list[pq.abc.PGresult]:
    for one in commands:
        if one.name is not None and one.name not in known_statements(connection):
            # The first time on this connection: there is nothing to save yet.
            return [_ask_alone(connection, each) for each in commands]
    pgconn = connection.pgconn
    pgconn.enter_pipeline_mode()
    try:
        for one in commands:
            if one.name is None:
                pgconn.send_query_params(one.text, None)
            else:
                known_statements(connection).move_to_end(one.name)
                pgconn.send_query_prepared(one.name, one.parameters)
        pgconn.pipeline_sync()
        answers = [_answer(pgconn) for _ in commands]
        _answer(pgconn, single=True)
    finally:
        if pgconn.status == pq.ConnStatus.OK:
            pgconn.exit_pipeline_mode()
    return [_checked(connection, each) for each in answers]


def _answer(pgconn: pq.abc.PGconn, *, single: bool = False) -> pq.abc.PGresult:
    """Return the next answer; each but the one to the sync is followed by a mark of its end."""
    found = _next(pgconn)
    if not single and found is not None:
        _next(pgconn)
    if found is None:
        raise psycopg.OperationalError("the connection is lost")
    return found


def _next(pgconn: pq.abc.PGconn) -> pq.abc.PGresult | None:
    # libpq would wait as well, but with Python's lock in its hand.
    while pgconn.is_busy():
        waiting = select.poll()
        waiting.register(pgconn.socket, select.POLLIN)
        waiting.poll()
        pgconn.consume_input()
    return pgconn.get_result()


def _checked(connection: psycopg.Connection[Any], result: pq.abc.PGresult) -> pq.abc.PGresult:
    if result.status in _FINE:
        return result
    if connection.pgconn.status != pq.ConnStatus.OK:
        raise psycopg.OperationalError("the connection is lost")
    raise error_from_result(result, connection.info.encoding)
