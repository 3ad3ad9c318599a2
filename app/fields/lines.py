"""Rows inside a record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from app.expressions.types import ANY, Type, many, record_type
from app.fields.base import (
    Column,
    FieldLike,
    FieldType,
    OptionLike,
    ParseContext,
)
from app.fields.reading import check_count, is_nothing, wrong_kind
from app.fields.settings import (
    Names,
    Said,
    Setting,
    WholeNumber,
    Written,
)
from app.texts import Label, say


class Lines(FieldType):
    """Rows inside a record, with fields of their own."""

    name: ClassVar[str] = "lines"
    label: ClassVar[Label] = say("Lines", "明细")
    help: ClassVar[str] = (
        "Rows that belong to the record and are saved with it, with `fields`, `checks`, `unique` "
        "and `totals` of their own; `parent.` is the record around them. With a link among the "
        "fields it is also a many-to-many link with columns."
    )
    stored: ClassVar[bool] = False
    many: ClassVar[bool] = True
    control: ClassVar[str] = "lines"
    example: ClassVar[str] = (
        "lines:\n  type: lines\n  fields:\n    product: {type: link, to: product, required: yes}\n"
        "    quantity: {type: decimal, default: 1}\n  totals: [quantity]"
    )
    example_json: ClassVar[Any] = [{"id": 1, "version": 1, "product": 4711, "quantity": "2"}]

    def settings(self) -> dict[str, Setting]:
        """Return the fields and rules of the rows."""
        return {
            "fields": Written("The fields of a row.", required=True, takes="a table of fields"),
            "checks": Written("Checks of each row.", takes="a list of checks"),
            "unique": Written("What may not repeat in one record.", takes="a list of fields"),
            "totals": Names("The fields that are added up below the rows."),
            "max": WholeNumber("The greatest number of rows.", 500, least=1, most=5000),
        }

    def problems(self, settings: Mapping[str, Any]) -> Iterator[tuple[str, Said]]:
        """Give fields that are not a table."""
        if not isinstance(settings.get("fields"), Mapping) or not settings["fields"]:
            yield "fields", Said("`fields` must be a table with at least one field.", "not-a-table")

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return none: the rows stand in a table of their own."""
        return ()

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it is many rows; which fields they have the definitions know."""
        entity = field.settings.get("entity")
        return many(record_type(entity) if entity else ANY)

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> Any:
        """Return the rows as given; each field of them is read by its own type.

        From a form the rows come as JSON in a text.
        """
        if is_nothing(raw):
            return None
        if isinstance(raw, str) and not context.strict:
            try:
                raw = json.loads(raw)
            except ValueError:
                raise wrong_kind(raw, "a list of rows", "明细行列表") from None
        is_list = isinstance(raw, list | tuple)
        if not is_list or not all(isinstance(one, Mapping) for one in raw):  # type: ignore[attr-defined]
            raise wrong_kind(raw, "a list of rows", "明细行列表")
        check_count(raw, field.settings.get("max", 500))  # type: ignore[arg-type]
        return [dict(one) for one in raw] or None  # type: ignore[attr-defined]

    def to_columns(self, field: FieldLike, value: Any) -> dict[str, Any]:
        """Return none."""
        return {}

    def from_columns(self, field: FieldLike, row: Mapping[str, Any]) -> Any:
        """Return the rows, if whoever read the record put them there."""
        return row.get(field.name) or None

    def to_json(self, field: FieldLike, value: Any) -> Any:
        """Return the rows."""
        return [] if value is None else list(value)

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return how many there are."""
        count = len(value or ())
        return say("{n} rows", "{n} 行", n=count).in_language(language) if count else ""

    def search_text(self, field: FieldLike, value: Any) -> str:
        """Return nothing: rows are not searched."""
        return ""

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is a list of objects; which, the definitions know."""
        return {"type": "array", "items": {"type": "object"}}
