"""Lines of the ledger about what was taken back: a rule that could not do its part.

The transaction of the write is gone with everything in it, so these are written in one of their
own, for the administrators to find.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.automation.registry import RuleNumbers
from app.automation.running import Firing
from app.clock import Clock
from app.database.automation_tables import firing
from app.database.release import Release
from app.errors import RuleFailed
from app.records.statements import Statement, json_text
from app.texts import Label

_log = logging.getLogger(__name__)
_NAMES = (
    "rule", "digest", "cause", "entity", "record_id", "occurrence", "user_id", "happened_at",
    "state", "reason", "steps", "ended_at",
)  # fmt: skip


def _insert() -> Statement:
    values: dict[str, Any] = {}
    for name in _NAMES:
        kind = firing.c[name].type
        is_json = isinstance(kind, JSONB)
        bound = sa.bindparam(f"_{name}", type_=sa.Text() if is_json else kind)
        values[name] = sa.cast(bound, JSONB) if is_json else bound
    return Statement(sa.insert(firing).values(values))


_note = _insert()


class Failures:
    """Notes what rules could not do."""

    def __init__(
        self, pools: Any, release: Callable[[], Release], numbers: RuleNumbers, clock: Clock
    ) -> None:
        self._pools = pools
        self._release = release
        self._numbers = numbers
        self._clock = clock

    def note(self, error: RuleFailed) -> None:
        """Leave a line in the ledger and in the log; never in the way of the error itself."""
        _log.error("Rule %s, step %s: %s", error.rule, error.step, error)
        try:
            number = self._numbers.number(error.rule)
        except KeyError:
            return
        try:
            with self._pools.write.connection() as connection:
                _note.do(connection, self._values(error, number))
        except psycopg.Error:
            _log.exception("The failure of rule %s could not be noted in the ledger.", error.rule)

    def _values(self, error: RuleFailed, number: int) -> dict[str, Any]:
        one = error.firing if isinstance(error.firing, Firing) else None
        release, now = self._release(), self._clock.now()
        reason = error.message if isinstance(error.message, Label) else None
        entity = one.entity if one is not None else None
        found = {
            "rule": number,
            "digest": one.digest if one is not None else "",
            "cause": one.cause if one is not None else "event",
            "entity": release.numbers.get(entity or "", 0),
            "record_id": (one.record_id if one is not None else None) or 0,
            "occurrence": f"failed:{uuid4().hex}",
            "user_id": one.user_id if one is not None else None,
            "happened_at": now,
            "state": "failed",
            "reason": json_text(dict(reason.texts)) if reason is not None else None,
            "steps": json_text(one.steps if one is not None else {}),
            "ended_at": now,
        }
        return {f"_{name}": value for name, value in found.items()}
