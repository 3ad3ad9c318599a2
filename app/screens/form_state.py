"""What a form holds: from a record's values, from what was posted, and back to input.

A form remembers what it was opened with (`marks`): only fields whose typed text differs are sent to
be saved, so two people who change different fields of one record do not collide.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.definitions.catalog import Catalog, Entity, Field
from app.records.results import Record
from app.screens.controls import Typed, first
from app.screens.kinds import ABSENT, FormLook, kind_of

#: Names of a form that are no field.
TOUCHED, VERSION, MARKS = "_touched", "_version", "_marks"


def typed_of(
    catalog: Catalog, entity: Entity, names: Iterable[str], record: Record, look: FormLook
) -> dict[str, Sequence[str]]:
    """Return what a form holds for a record."""
    typed: dict[str, Sequence[str]] = {}
    for name in names:
        field = entity.fields[name]
        if field.type.name == "lines":
            typed.update(_typed_lines(catalog, entity, field, record, look))
        else:
            typed.update(kind_of(field).typed(field, record, look))
    return typed


def _typed_lines(
    catalog: Catalog, entity: Entity, field: Field, record: Record, look: FormLook
) -> dict[str, Sequence[str]]:
    inner = catalog.entities[f"{entity.name}.{field.name}"]
    rows = record.lines.get(field.name, ())
    typed: dict[str, Sequence[str]] = {f"{field.name}.rows": [",".join(str(r.id) for r in rows)]}
    for row in rows:
        prefix = f"{field.name}.{row.id}."
        typed[f"{prefix}id"] = [str(row.id)]
        for cell in line_fields(inner):
            for name, values in kind_of(cell).typed(cell, row, look).items():
                typed[prefix + name] = values
    return typed


def line_fields(inner: Entity) -> list[Field]:
    """Return the fields of lines that people see, in their order."""
    return [one for one in inner.fields.values() if not one.built_in and not one.removed]


def row_keys(field: str, typed: Typed) -> list[str]:
    """Return the keys of the rows of a lines field, in the order of the form."""
    keys = first(typed, f"{field}.rows").split(",")
    return [key for key in dict.fromkeys(keys) if key and key.isalnum()][:1000]


def raw_of(catalog: Catalog, entity: Entity, names: Iterable[str], typed: Typed) -> dict[str, Any]:
    """Return the input for ``records`` of the named fields; those the form lacks are left out."""
    raw: dict[str, Any] = {}
    for name in names:
        field = entity.fields[name]
        if field.type.name == "lines":
            if f"{name}.rows" in typed:
                raw[name] = _raw_lines(catalog, entity, field, typed)
            continue
        value = kind_of(field).raw(field, name, typed)
        if value is not ABSENT:
            raw[name] = value
    return raw


def _raw_lines(
    catalog: Catalog, entity: Entity, field: Field, typed: Typed
) -> list[dict[str, Any]]:
    inner = catalog.entities[f"{entity.name}.{field.name}"]
    found = []
    for key in row_keys(field.name, typed):
        prefix = f"{field.name}.{key}."
        row: dict[str, Any] = {}
        if first(typed, f"{prefix}id"):
            row["id"] = first(typed, f"{prefix}id")
        for cell in line_fields(inner):
            if not cell.type.writable:
                continue
            value = kind_of(cell).raw(cell, prefix + cell.name, typed)
            if value is not ABSENT:
                row[cell.name] = value
        found.append(row)
    return found


def mark_of_field(name: str, typed: Typed) -> str:
    """Return a short checksum of everything a form holds for one field."""
    held = [
        (key, filled)
        for key, values in sorted(typed.items())
        if (key == name or key.startswith(f"{name}."))
        and not key.endswith((".title", ".name", ".there"))
        and (filled := [value for value in values if value])
    ]
    return f"{zlib.crc32(repr(held).encode()):08x}"


def marks_of(names: Iterable[str], typed: Typed) -> str:
    """Return the checksums of a form as it is opened, for its hidden input."""
    return ",".join(f"{name}:{mark_of_field(name, typed)}" for name in names)


def changed_fields(names: Iterable[str], typed: Typed) -> list[str]:
    """Return the fields whose typed text is not what the form was opened with."""
    marks = dict(one.partition(":")[::2] for one in first(typed, MARKS).split(",") if one)
    return [name for name in names if marks.get(name) != mark_of_field(name, typed)]


def as_typed(form: Any) -> dict[str, Sequence[str]]:
    """Return what was posted, every input with all its values, line ends as we write them."""
    return {name: [value.replace("\r\n", "\n") for value in form.getlist(name)] for name in form}


def merged(*parts: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return several forms as one, the later over the earlier."""
    whole: dict[str, Sequence[str]] = {}
    for part in parts:
        whole.update(part)
    return whole
