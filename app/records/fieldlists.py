"""Which fields of an entity a save has to look at, and for what; worked out once for a release.

An entity has fifty fields, most of which have no default, no condition and no options: walking all
of them at each step of each save would cost more than the save.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from app.definitions.business_calendar import country_of
from app.definitions.catalog import App, Entity, Field
from app.expressions import Checked
from app.fields.base import ParseContext
from app.fields.serial import Serial

#: Types whose value is the number of a kept file, or several.
FILE_TYPES = frozenset({"file", "files", "image", "images", "signature"})
#: Built-in columns that say when and by whom: history has them anyway.
_NOT_IN_HISTORY = frozenset(
    {"id", "version", "created_at", "created_by", "updated_at", "updated_by"}
)


class FieldLists:
    """The fields of one entity by what a save does with them."""

    def __init__(
        self, app: App, entity: Entity, stored: tuple[Field, ...], columns: frozenset[str]
    ) -> None:
        self._app = app
        self.entity = entity
        self._stored = stored
        self._columns = columns
        self.present = tuple(f for f in entity.fields.values() if not f.removed)

    @cached_property
    def fixed_defaults(self) -> Mapping[str, Any]:
        """Values by field that new records are given where nothing was said."""
        # Written in YAML, so they are read as from a form, on the company's clock.
        context = ParseContext(
            language=self._app.languages[0],
            time_zone=self._app.time_zone,
            country=country_of(self._app.calendar),
            currencies=self._app.currencies,
        )
        return {
            field.name: field.type.parse(field, field.default, context)
            for field in self.present
            if field.default is not None and not isinstance(field.default, Checked)
        }

    @cached_property
    def computed_defaults(self) -> tuple[Field, ...]:
        """Fields whose default is worked out for each new record, in order."""
        return tuple(f for f in self.present if isinstance(f.default, Checked))

    @cached_property
    def stages(self) -> Mapping[str, str | None]:
        """Stage fields, each with the stage records begin in."""
        return {
            field.name: next((one.name for one in field.options if not one.removed), None)
            for field in self.present
            if field.type.name == "stage"
        }

    @cached_property
    def always_required(self) -> tuple[Field, ...]:
        """Fields that no record is without, and that nothing fills in."""
        return tuple(
            field
            for field in self._written
            if field.required is True
            and field.show is None
            and field.default is None
            and field.type.name != "stage"
        )

    @cached_property
    def required(self) -> tuple[Field, ...]:
        """Fields that are needed, always or by a condition."""
        return tuple(f for f in self._written if f.required is not False)

    @cached_property
    def restricted(self) -> Mapping[str, Field]:
        """Fields of which a change is not always allowed: locked by a condition, or of options."""
        return {
            field.name: field
            for field in self._written
            if isinstance(field.readonly, Checked) or field.options
        }

    @cached_property
    def _written(self) -> tuple[Field, ...]:
        return tuple(f for f in self.present if f.type.writable and not f.built_in)

    @cached_property
    def trees(self) -> tuple[Field, ...]:
        """Links by which records of the entity hang below each other."""
        shown = self.entity.screens.tree
        return tuple(f for f in self.present if f.settings.get("tree") or f.name == shown)

    @cached_property
    def files(self) -> frozenset[str]:
        """Fields that hold files."""
        return frozenset(f.name for f in self.present if f.type.name in FILE_TYPES)

    @cached_property
    def links(self) -> frozenset[str]:
        """Fields that name other records."""
        return frozenset(f.name for f in self.present if f.type.targets(f))

    @cached_property
    def serials(self) -> tuple[Field, ...]:
        """Fields that hold a number given once."""
        return tuple(f for f in self.present if isinstance(f.type, Serial))

    @cached_property
    def clocks(self) -> tuple[Field, ...]:
        """Fields that say how long something may take."""
        return tuple(f for f in self.present if f.type.name == "clock")

    @cached_property
    def lines(self) -> tuple[Field, ...]:
        """Fields that hold rows of their own."""
        return tuple(f for f in self.present if f.type.name == "lines")

    @cached_property
    def amounts(self) -> tuple[tuple[Field, str, str], ...]:
        """Amounts in a currency of their own: field, its base column, the currency's field."""
        return tuple(
            (field, f"{field.name}__base", str(field.settings["currency"]))
            for field in self.present
            if field.type.name == "money" and f"{field.name}__base" in self._columns
        )

    @cached_property
    def in_history(self) -> tuple[Field, ...]:
        """Fields whose changes history keeps."""
        return tuple(
            field
            for field in self._stored
            if field.name not in _NOT_IN_HISTORY and field.type.name not in ("rollup", "clock")
        )
