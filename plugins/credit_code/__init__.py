"""A field type for the Unified Social Credit Code of Chinese organisations (GB 32100-2015).

``credit_code: {type: credit_code}`` takes 18 characters, checks the last one, and keeps capitals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app import hookimpl

from .code import CreditCode

if TYPE_CHECKING:
    from app.fields.base import FieldType

__version__ = "1.0"


# docs begin register_field_types
@hookimpl
def register_field_types() -> Sequence[FieldType]:
    """Bring the field type."""
    return [CreditCode()]


# docs end
