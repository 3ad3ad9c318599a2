"""A request sent twice is done once: answers are remembered by their Idempotency-Key.

The receipt is written in the transaction of the write itself; whoever comes second, even at the
same moment, finds it and gets the same answer.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from flask import Response, current_app, request
from psycopg.types.json import Jsonb
from sqlalchemy.dialects.postgresql import JSONB, insert

from app.access.principal import Principal
from app.api.requests import services
from app.database import system
from app.database.statements import Statement
from app.errors import Conflict, Malformed
from app.records.batches import Outcome
from app.records.saving import Written
from app.records.work import Work
from app.texts import say

_known = system.idempotency
_keep = Statement(
    insert(_known)
    .values(
        user_id=sa.bindparam("user"),
        key=sa.bindparam("key"),
        request=sa.bindparam("request"),
        status=201,
        answer=sa.bindparam("answer", type_=JSONB),
    )
    .on_conflict_do_nothing()
)
_find = Statement(
    sa.select(_known.c.request, _known.c.answer).where(
        _known.c.user_id == sa.bindparam("user"), _known.c.key == sa.bindparam("key")
    )
)

#: A key counts for a day; who repeats a request later than that sends a new one.
_sweep = Statement(
    sa.delete(_known).where(
        _known.c.at < sa.func.now() - sa.literal(timedelta(days=1), type_=sa.Interval)
    )
)
#: How often a process takes old keys away.
SWEEP_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a request that writes nothing into a record leaves to tell."""

    id: int


Done = TypeVar("Done", Written, Deleted)
Receipt = Callable[[Work, Any], None] | None
Outcomes = Sequence[Outcome]
Made = TypeVar("Made")


class AlreadyDone(Exception):
    """Another request with the same key was faster."""


class Sweeper:
    """Takes old keys away, now and then, when a new one is used."""

    def __init__(self) -> None:
        self._next = 0.0

    def sweep(self, *, at_once: bool = False) -> None:
        """Remove the keys of yesterday, unless this process did so a while ago."""
        if not at_once and time.monotonic() < self._next:
            return
        self._next = time.monotonic() + SWEEP_SECONDS
        with services().pools.write.connection() as connection:
            _sweep.run(connection, {})


def once(
    principal: Principal,
    what: str,
    raw: Mapping[str, Any],
    write: Callable[[Receipt], Done],
    answer: Callable[[int, Done | None], Response],
) -> Response:
    """Write, unless this very request was answered before; then give that answer again.

    *what* tells requests apart that send the same values: the entity, the method, the record.

    Raises:
        Conflict: the key was used for another request.
    """
    key = _key()
    if key is None:
        written = write(None)
        return answer(written.id, written)

    def tell(done: Done) -> dict[str, Any]:
        return {"id": done.id}

    found = _once(principal, key, [what, raw], write, tell)
    return answer(int(found[0]["id"]), found[1])


def once_batch(
    principal: Principal,
    what: str,
    raw: Mapping[str, Any],
    write: Callable[[Receipt], Outcomes],
    tell: Callable[[Outcomes], dict[str, Any]],
) -> dict[str, Any]:
    """Do a batch, unless this very one was answered before; return what is, or was, told of it.

    What became of each write is kept as it was told, refusals and their sentences included.

    Raises:
        Conflict: the key was used for another request.
    """
    key = _key()
    if key is None:
        return tell(write(None))
    return _once(principal, key, [what, raw], write, tell)[0]


def _key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= 200:
        raise Malformed(
            say(
                "Idempotency-Key is 1 to 200 characters.",
                "Idempotency-Key 应为 1 到 200 个字符。",
            )
        )
    return key


def _once(
    principal: Principal,
    key: str,
    asked: list[Any],
    write: Callable[[Receipt], Made],
    tell: Callable[[Made], dict[str, Any]],
) -> tuple[dict[str, Any], Made | None]:
    """Return what is kept of a request and, if it was only done now, what it made."""
    # Not orjson: numbers that no field takes, and so are refused, may be larger than it can write.
    text = json.dumps(asked, sort_keys=True, default=str)
    sent = hashlib.sha256(text.encode()).hexdigest()
    sweeper: Sweeper = current_app.extensions["trellis.repeats"]
    sweeper.sweep()
    names = {"user": principal.user_id, "key": key}
    done = _done(names, sent)
    if done is not None:
        return done, None

    def receipt(work: Work, made: Made) -> None:
        kept = _keep.run(work.connection, {**names, "request": sent, "answer": Jsonb(tell(made))})
        if not kept.rowcount:
            raise AlreadyDone

    try:
        made = write(receipt)
    except AlreadyDone:
        done = _done(names, sent)
        assert done is not None
        return done, None
    return tell(made), made


def _done(names: Mapping[str, Any], sent: str) -> dict[str, Any] | None:
    with services().pools.read.connection() as connection:
        row = _find.run(connection, names).fetchone()
    if row is None:
        return None
    if row[0] != sent:
        raise Conflict(
            say(
                "This Idempotency-Key was used for another request.",
                "这个 Idempotency-Key 已用于另一个请求。",
            )
        )
    return dict(row[1])
