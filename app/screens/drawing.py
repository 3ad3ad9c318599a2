"""What a form is drawn from; shared by the modules that draw its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.definitions.catalog import Entity
from app.records.previews import Preview
from app.records.results import Record
from app.screens.controls import Typed
from app.screens.kinds import FormLook
from app.screens.visit import Visit


@dataclass(slots=True)
class Drawing:
    """Everything a form is drawn from."""

    visit: Visit
    entity: Entity
    look: FormLook
    preview: Preview
    typed: Typed
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: the record being edited; None for a new one
    record: Record | None = None
    alive: frozenset[str] = frozenset()
