"""Which fields take less than before: a smaller ``max``, another pattern, a condition to fill it.

No table shows these limits, so they are compared as the outlines tell them. An outline written
before they were noted says nothing, and nothing is found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from app.database import ddl
from app.database.operations import AddRule, Narrow, Operation
from app.database.physical import PhysicalColumn
from app.definitions.catalog import Entity, Field
from app.expressions.tree import Checked

if TYPE_CHECKING:
    from app.database.diff import EntityDiff

#: What an outline notes of a field; of these, any other value may allow less.
_PATTERN, _REQUIRED = "pattern", "required"


def limits_of(field: Field) -> dict[str, str]:
    """Return the limits people's values are held to, as texts."""
    known = field.type.settings()
    found = {
        name: field.settings.get(name, getattr(known[name], "load_default", None))
        for name in ("min", "max", _PATTERN)
        if name in known
    }
    limits = {name: str(value) for name, value in found.items() if _is_given(value)}
    if isinstance(field.required, Checked):
        limits[_REQUIRED] = field.required.text
    elif field.required:
        limits[_REQUIRED] = "yes"
    return limits


def _is_given(value: Any) -> bool:
    return isinstance(value, str | int | Decimal) or hasattr(value, "isoformat")


def rules_of(entity: Entity) -> list[list[str]]:
    """Return each check that refuses: its rule, and the rule with the condition it is asked on."""
    return [
        [each.must.text, f"{each.must.text} if {each.if_.text if each.if_ else '-'}"]
        for each in entity.checks
        if not each.warn
    ]


def limit_operations(diff: EntityDiff) -> Iterator[Operation]:
    """Yield what people may no longer write into the fields of an entity there is."""
    for field in diff.entity.fields.values():
        known = diff.before["fields"].get(diff.names.get(field.name, field.name))
        is_same = known is not None and known["type"] == field.type.name
        if not is_same or known.get("limits") is None or field.removed:
            continue
        before, now = known["limits"], diff.after["fields"][field.name]["limits"]
        for setting in now:
            if _is_narrower(setting, before.get(setting), now[setting]):
                yield from _narrow(diff, field, setting, before.get(setting))
    known_rules = diff.before.get("refusing")
    if known_rules is not None:
        full = {whole for _, whole in known_rules}
        for rule, whole in diff.after["refusing"]:
            if whole not in full:
                yield AddRule(subject=diff.entity.name, rule=rule)


def _is_narrower(setting: str, before: str | None, now: str) -> bool:
    if before == now:
        return False
    if before is None:
        return True
    if setting == _REQUIRED:
        return before != "yes"
    if setting == _PATTERN:
        # Whether a pattern takes all that another one took cannot be told.
        return True
    try:
        old, new = Decimal(before), Decimal(now)
    except InvalidOperation:
        # Days, which are in the order of their texts.
        return now < before if setting == "max" else now > before
    return new < old if setting == "max" else new > old


def _narrow(diff: EntityDiff, field: Field, setting: str, before: str | None) -> Iterator[Narrow]:
    column = diff.columns.get(field.name)
    now: Mapping[str, str] = diff.after["fields"][field.name]["limits"]
    if setting == _REQUIRED and now[setting] == "yes" and column is not None:
        # `Require` tells of it, with the records that are empty.
        return
    yield Narrow(
        subject=diff.subject(field.name),
        table=diff.entity.table,
        column=field.name,
        setting=setting,
        before=before,
        now=now[setting],
        beyond=None if column is None else _beyond(field, column, setting),
    )


def _beyond(field: Field, column: PhysicalColumn, setting: str) -> str | None:
    """Return the SQL of whether a value is beyond ``min`` or ``max``; None where SQL cannot say."""
    if setting not in ("min", "max"):
        return None
    known = field.type.settings()[setting]
    limit = field.settings.get(setting, getattr(known, "load_default", None))
    source: sa.ColumnElement[Any] = ddl.column(column.name, column.type)
    if isinstance(column.type, sa.Text | sa.String):
        source = sa.func.char_length(source)
    elif isinstance(column.type, sa.ARRAY):
        source = sa.func.cardinality(source)
    elif not isinstance(column.type, sa.Numeric | sa.Integer | sa.Date):
        return None
    is_length = isinstance(column.type, sa.Text | sa.String | sa.ARRAY)
    value = sa.literal(limit, sa.Integer() if is_length else column.type)
    return ddl.text_of(source > value if setting == "max" else source < value)
