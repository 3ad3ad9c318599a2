"""What an entity is in PostgreSQL: its columns, the built-in ones among them.

Columns come from the field types; what every record has beside its fields is written here, once.
Pure values: nothing here asks a database or knows what is in one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.database import ddl
from app.definitions.catalog import Entity, Field
from app.expressions.tree import Checked
from app.fields.base import FieldError, ParseContext

#: Types whose values follow from others: losing them loses nothing.
WORKED_OUT = frozenset({"formula", "rollup", "through"})
#: The entity whose records are FAB's users: their numbers are given by FAB.
USER = "user"


@dataclass(frozen=True, slots=True)
class PhysicalColumn:
    """One column as it has to be."""

    name: str
    type: sa.types.TypeEngine[Any]
    #: The name of the field it belongs to; built-in columns belong to the field of their name.
    field: str
    not_null: bool = False
    #: SQL of a constant
    default: str | None = None
    identity: bool = False
    #: the entity whose records it points to, with a foreign key
    references: str | None = None
    #: the foreign key's action; deletion of records is the application's business
    on_delete: str = "NO ACTION"
    check: Callable[[sa.ColumnElement[Any]], sa.ColumnElement[bool]] | None = None

    @property
    def type_text(self) -> str:
        """The type as PostgreSQL prints it."""
        return ddl.type_text(self.type)


_moment = sa.DateTime(timezone=True)


def _built_in(name: str, type_: Any, **settings: Any) -> PhysicalColumn:
    return PhysicalColumn(name, type_, name, **settings)


_ID = _built_in("id", sa.BigInteger(), not_null=True, identity=True)
_ID_OF_USERS = _built_in("id", sa.BigInteger(), not_null=True)
_VERSION = _built_in("version", sa.Integer(), not_null=True, default="1")
_OWNED = (
    _built_in("owner", sa.BigInteger()),
    _built_in("owner_department", sa.BigInteger()),
    _built_in("owner_since", _moment),
    _built_in("previous_owner", sa.BigInteger()),
)
_KEPT = (
    _built_in("pool", sa.Text()),
    _built_in("created_at", _moment, not_null=True, default="now()"),
    _built_in("created_by", sa.BigInteger()),
    _built_in("updated_at", _moment, not_null=True, default="now()"),
    _built_in("updated_by", sa.BigInteger()),
    _built_in("deleted_at", _moment),
    _built_in("deleted_by", sa.BigInteger()),
    _VERSION,
    _built_in("tags", ARRAY(sa.Text()), not_null=True, default="'{}'"),
)
BUILT_IN_NAMES = frozenset(column.name for column in (_ID, *_OWNED, *_KEPT)) | {"team"}


def built_in_columns(entity: Entity) -> tuple[PhysicalColumn, ...]:
    """Return the columns every record of this kind has beside its own fields."""
    if entity.lines_of is not None:
        parent = _built_in(
            "parent",
            sa.BigInteger(),
            not_null=True,
            references=entity.lines_of[0],
            on_delete="CASCADE",
        )
        position = _built_in("position", sa.Integer(), not_null=True, default="0")
        return (_ID, parent, position, _VERSION)
    owned = _OWNED if entity.owned else ()
    return (_ID_OF_USERS if entity.name == USER else _ID, *owned, *_KEPT)


def columns_of(entity: Entity) -> dict[str, PhysicalColumn]:
    """Return every column of the entity's table by name, in the order of a new table."""
    columns = {column.name: column for column in built_in_columns(entity)}
    for field in entity.fields.values():
        if field.name not in columns and field.name not in BUILT_IN_NAMES:
            columns.update((column.name, column) for column in field_columns(field))
    return columns


def field_columns(field: Field) -> Iterator[PhysicalColumn]:
    """Yield the columns of one field; none where its value is worked out when read."""
    if not is_stored(field):
        return
    for position, column in enumerate(field.type.columns(field)):
        is_main = position == 0
        not_null = column.not_null or (is_main and is_required(field))
        yield PhysicalColumn(
            name=column.name,
            type=column.type,
            field=field.name,
            not_null=not_null and not field.removed,
            default=column.default,
            references=column.references,
            check=column.check,
        )


def is_stored(field: Field) -> bool:
    """Return whether the field has columns at all."""
    return field.type.stored and not field.is_volatile


def is_required(field: Field) -> bool:
    """Return whether the database may insist on a value: always required, and written by people."""
    return field.required is True and field.type.writable and not field.removed


def is_worked_out(field: Field) -> bool:
    """Return whether the values follow from other fields and can be had again at any time."""
    return field.is_worked_out or field.type.name in WORKED_OUT


def constant_default(field: Field) -> dict[str, Any] | None:
    """Return the columns' values of a default that is the same for every record, or None."""
    if field.default is None or isinstance(field.default, Checked):
        return None
    try:
        value = field.type.parse(field, field.default, ParseContext())
    except FieldError:
        # A default that depends on more than itself, for example on the person; nobody backfills.
        return None
    return None if value is None else field.type.to_columns(field, value)
