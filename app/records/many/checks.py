"""What new records are asked one after the other, without a sentence: whether they are sound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.definitions.catalog import Field
from app.records.checking import is_empty, truth
from app.records.closures import Closures
from app.records.conditions import WriteContext
from app.records.rows import EntityRows

#: Returns whether the record that a context shows passes.
Check = Callable[[WriteContext], bool]


def checks_of(rows: EntityRows, closures: Closures) -> tuple[Check, ...]:
    """Return what `checking.check_fields` and `check_rules` refuse in a new record."""
    found: list[Check] = [_is_filled(field, closures) for field in rows.lists.required]
    found += [
        _is_offered(field, closures)
        for field in rows.lists.restricted.values()
        if any(option.removed or option.offer is not None for option in field.options or ())
    ]
    # What only warns keeps no record out.
    found += [_holds(check, closures) for check in rows.entity.checks if not check.warn]
    return tuple(found)


def _is_filled(field: Field, closures: Closures) -> Check:
    name, is_always = field.name, field.required is True and field.show is None

    def passes(context: WriteContext) -> bool:
        if not is_empty(context.value(name)):
            return True
        return not is_always and not (
            truth(context, closures, field.required) and truth(context, closures, field.show)
        )

    return passes


def _is_offered(field: Field, closures: Closures) -> Check:
    options = {option.name: option for option in field.options or ()}

    def passes(context: WriteContext) -> bool:
        value: Any = context.value(field.name)
        for name in value if isinstance(value, list | tuple) else (value,):
            option = options.get(name)
            if option is not None and (
                option.removed or not truth(context, closures, option.offer)
            ):
                return False
        return True

    return passes


def _holds(check: Any, closures: Closures) -> Check:
    if_, must = check.if_, check.must

    def passes(context: WriteContext) -> bool:
        return not truth(context, closures, if_) or truth(context, closures, must)

    return passes
