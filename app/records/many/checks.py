"""What new records are asked one after the other, without a sentence: whether they are sound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.definitions.catalog import Field
from app.expressions import Checked
from app.records.checking import is_empty, truth
from app.records.closures import Closures
from app.records.conditions import WriteContext
from app.records.rows import EntityRows

#: Returns whether the record that a context shows passes.
Check = Callable[[WriteContext], bool]


def checks_of(rows: EntityRows, closures: Closures) -> tuple[Check, ...]:
    """Return what `checking.check_fields` and `check_rules` refuse in a new record."""
    found: list[Check] = [_is_filled(field, rows, closures) for field in rows.lists.required]
    found += [
        _is_offered(field, closures)
        for field in rows.lists.restricted.values()
        if any(option.removed or option.offer is not None for option in field.options or ())
    ]
    # What only warns keeps no record out.
    found += [_holds(check, closures) for check in rows.entity.checks if not check.warn]
    return tuple(found)


def _is_filled(field: Field, rows: EntityRows, closures: Closures) -> Check:
    read, is_always = rows.reader(field.name), field.required is True and field.show is None

    def passes(context: WriteContext) -> bool:
        if not is_empty(read(context.row)):
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
    asks, holds = _asked(check.if_, closures), _asked(check.must, closures)

    def passes(context: WriteContext) -> bool:
        return not asks(context) or bool(holds(context))

    return passes


def _asked(condition: Any, closures: Closures) -> Callable[[WriteContext], Any]:
    if isinstance(condition, Checked):
        return closures.of(condition)
    return lambda context: truth(context, closures, condition)
