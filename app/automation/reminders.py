"""Reminders are rows: when each timed rule is due for each record.

A write moves its rows within its own transaction, with one statement for all timed rules that read
what changed. Applying a catalog works out the rows of new and changed rules; the scheduler claims
what is due. Nothing here runs a step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import psycopg

from app.automation.registry import RuleNumbers
from app.database.release import Release


class Reminders:
    """What a write does to reminders; hangs on the writing side of the door."""

    def __init__(self, numbers: RuleNumbers) -> None:
        """Take the numbers of the process."""
        self.numbers = numbers

    def before_write(self, work: Any, draft: Any, old_row: Any, problems: Any) -> None:
        """Do nothing: a date is known once the row is written."""

    def after_write(self, work: Any, change: Any) -> None:
        """Do nothing for now: what moved is worked out before the commit, roll-ups included."""


def recompute(
    connection: psycopg.Connection[Any],
    release: Release,
    numbers: RuleNumbers,
    now: datetime,
    rules: Sequence[str] | None = None,
    on_batch: Callable[[int], None] | None = None,
) -> int:
    """Work out the rows of timed rules in batches; return how many records were looked at."""
    raise NotImplementedError


def claim_due(
    connection: psycopg.Connection[Any],
    release: Release,
    numbers: RuleNumbers,
    now: datetime,
    limit: int = 1000,
) -> int:
    """Turn what is due into firings with a task each, once; return how many rows were due."""
    raise NotImplementedError
