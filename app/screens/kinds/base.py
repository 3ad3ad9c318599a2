"""What every kind of control can do; by itself a line of text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from app.definitions.catalog import Catalog, Field
from app.records.results import Record
from app.screens.controls import Control, Typed, first
from app.screens.wording import Wording

#: The form does not hold the field.
ABSENT = object()


@dataclass(frozen=True, slots=True)
class FormLook:
    """For whom a form is drawn."""

    catalog: Catalog
    entity: str
    wording: Wording
    zone: tzinfo
    #: options that may be chosen now, by field; a field not named offers all of its own
    offered: Mapping[str, frozenset[str]]

    @property
    def language(self) -> str:
        return self.wording.language


class Kind:
    """One line of text; the base of all kinds."""

    macro = "text"
    input_type = "text"
    mode = ""

    def typed(self, field: Field, record: Record, look: FormLook) -> Typed:
        """Return what the form holds for a record's value; names begin with the field's."""
        return {field.name: [self.text(field, record.values.get(field.name), look)]}

    def text(self, field: Field, value: Any, look: FormLook) -> str:  # noqa: ARG002
        """Return a value as the text somebody would have typed."""
        written = field.type.to_json(field, value) if value is not None else None
        return "" if written is None else str(written)

    def raw(self, field: Field, name: str, typed: Typed) -> Any:  # noqa: ARG002
        """Return the input for ``records``, or ABSENT; *name* is the input's full name."""
        return first(typed, name) if name in typed else ABSENT

    def fill(self, control: Control, field: Field, typed: Typed, look: FormLook) -> None:  # noqa: ARG002
        """Give the control what is peculiar to this kind."""
        control.control = self.macro
        control.value = first(typed, control.input_name)
        control.input_type = self.input_type
        control.mode = self.mode
        most = field.settings.get("max")
        if isinstance(most, int) and not isinstance(most, bool) and field.type.align == "start":
            control.max = most
