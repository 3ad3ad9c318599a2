"""Values of a chunk of rows read as the door reads a form's; what comes again is read once."""

from __future__ import annotations

from typing import Any, Final

from app.definitions.catalog import Entity, Field
from app.fields.base import FieldError, ParseContext
from app.transfer.columns import Column, Turns, each_once

#: Values of one field that are kept with what they were read as.
_KNOWN = 20_000
#: Stands for a value that its field does not take.
REFUSED: Final = object()
#: What all records that have the same would share.
_SHARED = frozenset({list, dict})


class FieldReader:
    """Reads one field's values."""

    def __init__(self, field: Field, context: ParseContext) -> None:
        self._field = field
        self._context = context
        self._known: dict[str, Any] = {}

    def read(self, raw: Any) -> Any:
        """Return the value, or `REFUSED`."""
        if raw.__class__ is not str:
            return self._parsed(raw)
        found = self._known.get(raw)
        if found is None:
            found = self._parsed(raw)
            # Lists would be shared by all records that have the same.
            if found is not None and found.__class__ not in _SHARED:
                if len(self._known) >= _KNOWN:
                    self._known.clear()
                self._known[raw] = found
        return found

    def column(self, raws: Column, turns: Turns) -> list[Any]:
        """Return the values of a column; `REFUSED` also where what was given is nothing."""
        found = each_once(self._checked, raws, turns)
        if not _SHARED.isdisjoint(map(type, found)):
            known: set[int] = set()
            for place, value in enumerate(found):
                if value.__class__ in _SHARED and id(value) in known:
                    found[place] = self._checked(raws[place])
                known.add(id(value))
        return found

    def _checked(self, raw: Any) -> Any:
        if raw is None:
            return None
        found = self._parsed(raw)
        return REFUSED if found is None else found

    def _parsed(self, raw: Any) -> Any:
        try:
            return self._field.type.parse(self._field, raw, self._context)
        except FieldError:
            return REFUSED


class ValueReader:
    """Reads the values of one entity's records."""

    def __init__(self, entity: Entity, context: ParseContext) -> None:
        self._entity = entity
        self._context = context
        self._fields: dict[str, FieldReader] = {}

    def read(self, name: str, raw: Any) -> Any:
        """Return a field's value, or `REFUSED`."""
        return self._reader(name).read(raw)

    def column(self, name: str, raws: Column, turns: Turns) -> list[Any]:
        """Return a field's values, or `REFUSED`, for many rows; None where nothing was given."""
        return self._reader(name).column(raws, turns)

    def _reader(self, name: str) -> FieldReader:
        reader = self._fields.get(name)
        if reader is None:
            field = self._entity.fields[name]
            reader = self._fields[name] = FieldReader(field, self._context)
        return reader
