"""What the demo consists of: one write after another, as plain data.

A value that points to another record or to a user is a ``Reference`` or a ``Person``; whoever
loads the steps puts the ids in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

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
    """One write: a new record, or a change to one an earlier step made.

    Or what becomes of one: ``submit`` hands it in for approval, ``agree`` has whoever is asked by
    then say yes.
    """

    at: datetime
    by: str
    entity: str
    key: str
    values: Mapping[str, Any]
    is_new: bool = True
    act: Literal["write", "submit", "agree"] = "write"


def cents(amount: Decimal) -> Decimal:
    """Round to the cent, halves up, as the product does."""
    return amount.quantize(_CENT, ROUND_HALF_UP)
