"""What the demo consists of: one write after another, as plain data.

A value that points to another record or to a user is a ``Reference`` or a ``Person``; whoever
loads the steps puts the ids in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Reference:
    """Another record of the demo, by its key."""

    key: str


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the demo, by login."""

    login: str


@dataclass(frozen=True, slots=True)
class Step:
    """One write: a new record, or a change to one an earlier step made."""

    at: datetime
    by: str
    entity: str
    key: str
    values: Mapping[str, Any]
    is_new: bool = True


def cents(amount: Decimal) -> Decimal:
    """Round to the cent, halves up, as the product does."""
    return amount.quantize(_CENT, ROUND_HALF_UP)
