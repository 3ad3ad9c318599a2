"""Cells as a person would type them, and as JSON can keep them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any


def plain(value: Any) -> Any:
    """Return a cell as a person would type it: numbers and days of workbooks as text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e18 else repr(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        if value.time() == time() and value.tzinfo is None:
            return value.date().isoformat()
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return value


def kept_values(values: Mapping[str, Any] | Sequence[Any]) -> list[Any]:
    """Return the cells of a row as JSON can keep them."""
    listed = values.values() if isinstance(values, Mapping) else values
    return [_kept(one) for one in listed]


def _kept(value: Any) -> Any:
    if isinstance(value, str):
        # PostgreSQL keeps no null character; what stands for it can be read.
        return value.replace("\0", "\u2400")
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, list):
        return [_kept(one) for one in value]
    if isinstance(value, dict):
        return {str(_kept(name)): _kept(one) for name, one in value.items()}
    return str(plain(value))
