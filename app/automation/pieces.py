"""Many records, each done or refused by itself, some at a time in one transaction: one change set.

A record that is refused takes back what was begun with it and keeps no other back. Where the end of
a transaction refuses, its records are done one by one, so that the one to blame is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from app.access.principal import Principal
from app.changes.statements import forget_empty
from app.errors import TrellisError, Unavailable
from app.records.savepoints import savepoint
from app.records.work import Work

#: Records of one transaction.
SIZE = 50
Result = TypeVar("Result")


def each_in_pieces(
    transact: Callable[..., Any],
    principal: Principal,
    ids: Iterable[int],
    one: Callable[[Work, int], Result],
    *,
    kind: str,
    origin: str,
) -> dict[int, Result | TrellisError]:
    """Do something with each of some records; return what came of it, or why it was refused.

    Args:
        transact: of the door.
        kind: of the change set, where there are several records.

    Raises:
        Unavailable: the database does not answer; what was done before stays.
    """
    wanted = list(dict.fromkeys(ids))
    found: dict[int, Result | TrellisError] = {}
    change_set: int | None = None

    def do(piece: Sequence[int]) -> tuple[dict[int, Any], int | None]:
        def step(work: Work) -> tuple[dict[int, Any], int | None]:
            done: dict[int, Any] = {}
            if len(wanted) > 1:
                work.open_change_set(kind)
            for number in piece:
                try:
                    with savepoint(work):
                        done[number] = one(work, number)
                except Unavailable:
                    raise
                except TrellisError as error:
                    done[number] = error
            return done, work.change_set

        return transact(principal, step, change_set=change_set, origin=origin)  # type: ignore[no-any-return]

    for start in range(0, len(wanted), SIZE):
        piece = wanted[start : start + SIZE]
        try:
            done, change_set = do(piece)
        except Unavailable:
            raise
        except TrellisError as error:
            if len(wanted) == 1:
                return {wanted[0]: error}
            for number in piece:
                try:
                    done, change_set = do([number])
                except Unavailable:
                    raise
                except TrellisError as alone:
                    done = {number: alone}
                found |= done
            continue
        found |= done
    if change_set is not None:
        _forget_empty(transact, principal, change_set)
    return found


def _forget_empty(transact: Callable[..., Any], principal: Principal, change_set: int) -> None:
    """Remove the change set where nothing was written under it."""
    transact(
        principal,
        lambda work: forget_empty.run(work.connection, {"change_set": change_set}),
    )
