"""What a new record, or a new row of lines, is given where nothing was said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.definitions.catalog import Field
from app.records.drafts import Draft
from app.records.fieldlists import FieldLists


def _is_missing(draft: Draft, name: str) -> bool:
    return name not in draft.given and draft.changes.get(name) is None


def fill_fixed_defaults(draft: Draft, lists: FieldLists) -> None:
    """Give *draft* the defaults that need no working out."""
    for name, value in lists.fixed_defaults.items():
        if _is_missing(draft, name):
            draft.changes[name] = value


def fill_computed_defaults(
    draft: Draft, lists: FieldLists, work_out: Callable[[Field], Any]
) -> None:
    """Give *draft* the defaults that *work_out* finds, in the order of the fields."""
    for field in lists.computed_defaults:
        if _is_missing(draft, field.name):
            draft.changes[field.name] = work_out(field)
