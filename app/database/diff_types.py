"""What a field of another type needs: a shadow column beside the old one, or nothing at all.

The type the field has now knows what may become its values; here it is only asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from app.database import ddl
from app.database.operations import ChangeType, ConvertInPlace, Operation
from app.database.physical import PhysicalColumn, is_worked_out
from app.definitions.catalog import Field
from app.fields.base import Conversion

if TYPE_CHECKING:
    from app.database.diff import EntityDiff


def shadow_name(column: str) -> str:
    """Return the name of the column that is filled beside *column* and takes its place."""
    # No name in YAML and no part of a field is called so.
    return f"{column}__next"


def type_operations(
    diff: EntityDiff, name: str, columns: list[PhysicalColumn], old: Mapping[str, Any]
) -> Iterator[Operation]:
    """Yield the change of type of one field, and note its shadows in *diff*."""
    field = diff.entity.fields.get(name)
    old_name = diff.names.get(name, name)
    old_main = old.get(old_name)
    known = diff.before["fields"].get(old_name)
    if field is None or old_main is None or known is None:
        return
    main = columns[0]
    has_same_column = old_main["type"] == main.type_text
    moved = _leads_elsewhere(diff, main, old_main)
    if has_same_column and not moved and known["type"] == field.type.name:
        return
    was_worked_out, now_worked_out = bool(known["worked_out"]), is_worked_out(field)
    if has_same_column and not moved and was_worked_out:
        # What was worked out is worked out again, or stays as people's first values.
        return
    conversion = None
    if not moved and not now_worked_out:
        zone = diff.catalog.app.time_zone
        conversion = field.type.conversions(field, zone).get(known["type"])
    if conversion is not None and has_same_column:
        yield _in_place(diff, field, columns, known["type"], old_name, conversion)
        return
    diff.shadows |= {column.name for column in columns}
    diff.current |= {column.name: shadow_name(column.name) for column in columns}
    if conversion is not None:
        diff.touched.append(name)
    source = ddl.column(old_name, ddl.type_of(old_main["type"]))
    yield ChangeType(
        subject=diff.subject(name),
        table=diff.table,
        old_type=known["type"],
        new_type=field.type.name,
        old_columns=tuple(old),
        new_columns=tuple(
            (column.name, column.type_text, _value(field, column, position, source, conversion))
            for position, column in enumerate(columns)
        ),
        fits="true" if conversion is None else ddl.text_of(conversion.fits(source)),
        converts=conversion is not None,
        is_worked_out=was_worked_out,
    )


def _leads_elsewhere(diff: EntityDiff, column: PhysicalColumn, old: Mapping[str, Any]) -> bool:
    """Return whether a link points to other records than before, so that its ids mean nothing."""
    before, now = old["references"], column.references
    if before is None or now is None:
        return False
    return bool(diff.pairs.entities.get(now) != before)


def _value(
    field: Field,
    column: PhysicalColumn,
    position: int,
    source: sa.ColumnElement[Any],
    conversion: Conversion | None,
) -> str | None:
    """Return the SQL of one new column over the old main column, or None where it stays empty."""
    value: sa.ColumnElement[Any] | None = None
    if conversion is not None:
        part = column.name.removeprefix(f"{field.name}__")
        if position == 0:
            value = conversion.convert(source)
        elif part in conversion.parts:
            value = conversion.parts[part](source)
    if column.default is not None:
        default: sa.ColumnElement[Any] = sa.literal_column(column.default)
        value = default if value is None else sa.func.coalesce(value, default)
    return None if value is None else ddl.text_of(value)


def _in_place(
    diff: EntityDiff,
    field: Field,
    columns: list[PhysicalColumn],
    old_type: str,
    old_name: str,
    conversion: Conversion,
) -> ConvertInPlace:
    source = ddl.column(field.name, columns[0].type)
    found = [
        (column.name, _value(field, column, position, source, conversion))
        for position, column in enumerate(columns)
    ]
    sets = tuple(
        (name, text) for name, text in found if text is not None and text != ddl.quoted(name)
    )
    if sets:
        diff.touched.append(field.name)
    return ConvertInPlace(
        subject=diff.subject(field.name),
        table=diff.entity.table,
        old_type=old_type,
        new_type=field.type.name,
        column=field.name,
        sets=sets,
        fits=ddl.text_of(conversion.fits(source)),
        current=old_name,
    )
