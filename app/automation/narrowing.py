"""Whether an event is one a rule waits for: `changed`, `from`, `to`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from app.automation.acting_for import causer_of, seeing_as
from app.automation.context import RuleContext, Said
from app.automation.index import Known
from app.automation.steps import Run
from app.definitions.automation import When
from app.definitions.catalog import Entity
from app.records.checking import is_empty
from app.records.conditions import Linked
from app.records.work import Work


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


def conditions_of(
    work: Work, entity: Entity, known: Iterable[Known]
) -> Callable[[Mapping[str, Any]], bool]:
    """Return what tells of new records, by their rows, whether the condition of a rule holds."""
    closures, rules = work.rows.closures, list(known)
    conditions = [closures.of(one.if_) for one in rules if one.if_ is not None]
    context = RuleContext(seeing_as(work, causer_of(work)), Linked(work), entity, {}, None, Said())

    def may_fire(row: Mapping[str, Any]) -> bool:
        if len(conditions) < len(rules):
            return True
        context.row = row
        try:
            return any(condition(context) for condition in conditions)
        except ArithmeticError:
            # The rule itself says so.
            return True

    return may_fire


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
