"""Whether an event is one a rule waits for: `changed`, `from`, `to`."""

from __future__ import annotations

from typing import Any

from app.automation.context import RuleContext
from app.automation.steps import Run
from app.definitions.automation import When
from app.records.checking import is_empty
from app.records.conditions import Linked


def fits(when: When, run: Run, before: Linked | None = None) -> bool:
    """Return whether one of the fields changed as the rule says; on create filled ones count.

    Args:
        before: linked records as they were, where one of them is what changed.
    """
    if not when.changed:
        return True
    now = run.context
    is_new = run.old_row is None
    was = RuleContext(run.seen, before or now.linked, run.entity, run.old_row or {}, None, run.said)
    return any(
        is_change(was.value(path), now.value(path), when, is_new=is_new) for path in when.changed
    )


def is_change(old: Any, new: Any, when: When, *, is_new: bool) -> bool:
    """Return whether a value became another as `from` and `to` say."""
    if is_new:
        if is_empty(new) or when.from_:
            return False
    elif old == new:
        return False
    if when.from_ and _word(old) not in when.from_:
        return False
    return not when.to or _word(new) in when.to


def _word(value: Any) -> str:
    """Return a value as `from` and `to` write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "empty" if is_empty(value) else str(value)
