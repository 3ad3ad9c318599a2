"""Several ways to reach somebody in one field: a value and its kind each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.expressions.types import TEXT, Type, many
from app.fields import converting, filters
from app.fields.base import (
    Column,
    Conversion,
    FieldError,
    FieldLike,
    FieldType,
    Operator,
    OptionLike,
    ParseContext,
)
from app.fields.contact import Email, Phone, Url, country_problems
from app.fields.reading import (
    check_count,
    read_list,
    shown,
    suggestion,
    wrong_kind,
)
from app.fields.settings import Names, Said, Setting, WholeNumber
from app.fields.text import TextLike
from app.texts import Label, say


class Several(FieldType):
    """Base of the lists of ways to reach somebody: a value, its kind; the first is the main one."""

    many: ClassVar[bool] = True
    key: ClassVar[str]
    single: ClassVar[TextLike]
    most: ClassVar[int] = 20

    def settings(self) -> dict[str, Setting]:
        """Return the kinds and how many there may be."""
        return {
            "kinds": Names("The kinds to choose from, the usual one first."),
            "max": WholeNumber("The greatest number of them.", self.most, least=1, most=100),
            **self.single.settings(),
        }

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return one column with the list."""
        return (Column(field.name, JSONB(none_as_null=True)),)

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it is many texts: the numbers or addresses without their kinds."""
        return many(TEXT)

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> Any:
        """Return the list, each once, in the order given."""
        found: dict[str, dict[str, Any]] = {}
        members = [raw] if isinstance(raw, Mapping) else read_list(raw, context)
        for member in members:
            one = self._parse_one(field, member, context)
            if one is not None:
                found.setdefault(one[self.key], one)
        values = list(found.values())
        check_count(values, field.settings.get("max", self.most))
        return values or None

    def _parse_one(
        self, field: FieldLike, raw: Any, context: ParseContext
    ) -> dict[str, Any] | None:
        kind: object = None
        if isinstance(raw, Mapping):
            unknown = [key for key in raw if key not in (self.key, "kind")]
            if unknown or self.key not in raw:
                raise wrong_kind(raw, f"`{self.key}` and `kind`", f"`{self.key}` 和 `kind`")
            raw, kind = raw[self.key], raw.get("kind")
        elif isinstance(raw, str) and not context.strict:
            before, colon, after = raw.replace("：", ":").partition(":")
            if colon and before.strip() in field.settings.get("kinds", ()):
                kind, raw = before.strip(), after
        value = self.single.parse(field, raw, context)
        return None if value is None else {self.key: value, "kind": self._kind(field, kind)}

    def _kind(self, field: FieldLike, kind: object) -> str | None:
        kinds = field.settings.get("kinds", ())
        if kind in (None, ""):
            return kinds[0] if kinds else None
        if isinstance(kind, str) and kind in kinds:
            return kind
        hint = suggestion(str(kind), kinds)
        raise FieldError(
            say(
                "The kind “{kind}” is not among those of this field.{hint}",
                "本字段没有“{kind}”这种类型。{hint}",
                kind=shown(str(kind)),
                hint=hint,
            ),
            "unknown-kind",
        )

    def json_column(
        self, field: FieldLike, columns: Mapping[str, sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any]:
        """Return the list; an empty one where there is nothing."""
        return sa.func.coalesce(columns[field.name], sa.text("'[]'::jsonb"), type_=JSONB())

    def to_json(self, field: FieldLike, value: Any) -> Any:
        """Return the list."""
        return [] if value is None else value

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return all of them with commas between."""
        shown_ones = (
            self.single.display(field, one[self.key], language, time_zone) for one in value or ()
        )
        return ", ".join(shown_ones)

    def mask(self, field: FieldLike, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return the list, each one masked as a single one would be."""
        item = sa.func.jsonb_array_elements(column).column_valued("item")
        hidden = self.single.mask(field, item.op("->>")(self.key))
        one = item.op("||")(
            sa.func.jsonb_build_object(sa.cast(self.key, sa.Text), hidden, type_=JSONB())
        )
        all_of_them = sa.select(sa.func.jsonb_agg(one)).scalar_subquery()
        return sa.func.coalesce(all_of_them, sa.text("'[]'::jsonb"), type_=JSONB())

    def masked(self, field: FieldLike, value: Any) -> Any:
        """Return what `mask` gives, in Python."""
        return [{**one, self.key: self.single.masked(field, one[self.key])} for one in value or ()]

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by one of several."""
        return filters.MANY

    def search_text(self, field: FieldLike, value: Any) -> str:
        """Return all of them."""
        return " ".join(self.single.search_text(field, one[self.key]) for one in value or ())

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is a list of objects."""
        kinds = list(field.settings.get("kinds", ()))
        return {
            "type": "array",
            "maxItems": field.settings.get("max", self.most),
            "items": {
                "type": "object",
                "properties": {
                    self.key: self.single.json_schema(field),
                    "kind": {"enum": [*kinds, None]},
                },
                "required": [self.key],
                "additionalProperties": False,
            },
        }

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that one becomes a list of one."""
        kinds = field.settings.get("kinds", ())

        def listed(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
            one = sa.func.jsonb_build_object(
                sa.cast(self.key, sa.Text),
                column,
                sa.cast("kind", sa.Text),
                sa.cast(kinds[0] if kinds else None, sa.Text),
            )
            return converting.when(
                column.is_not(None), sa.func.jsonb_build_array(one, type_=JSONB())
            )

        into_list = converting.conversion(listed)
        ones = {
            name: converting.chain(made.convert, into_list)
            for name, made in self.single.conversions(field, time_zone).items()
            if name != self.name
        }
        return {**ones, self.name: converting.same()}


class Emails(Several):
    """Several e-mail addresses."""

    name: ClassVar[str] = "emails"
    label: ClassVar[Label] = say("E-mails", "多个电子邮箱")
    help: ClassVar[str] = (
        "Several e-mail addresses, each perhaps with a kind. The first is the main one."
    )
    control: ClassVar[str] = "emails"
    key: ClassVar[str] = "address"
    single: ClassVar[TextLike] = Email()
    example: ClassVar[str] = "emails: {type: emails, kinds: [work, private]}"
    example_json: ClassVar[Any] = [{"address": "li.wei@example.com", "kind": "work"}]


class Phones(Several):
    """Several telephone numbers."""

    name: ClassVar[str] = "phones"
    label: ClassVar[Label] = say("Phones", "多个电话")
    help: ClassVar[str] = (
        "Several telephone numbers, each perhaps with a kind. The first is the main one."
    )
    control: ClassVar[str] = "phones"
    key: ClassVar[str] = "number"
    single: ClassVar[TextLike] = Phone()
    example: ClassVar[str] = (
        "phones: {type: phones, kinds: [mobile, office], mask: middle, search: yes}"
    )
    example_json: ClassVar[Any] = [{"number": "+8613800136021", "kind": "mobile"}]

    def problems(self, settings: Mapping[str, Any]) -> Iterator[tuple[str, Said]]:
        """Give a country that has no telephones."""
        yield from country_problems(settings)


class Urls(Several):
    """Several web addresses."""

    name: ClassVar[str] = "urls"
    label: ClassVar[Label] = say("Web addresses", "多个网址")
    help: ClassVar[str] = (
        "Several web addresses, each perhaps with a kind. The first is the main one."
    )
    control: ClassVar[str] = "urls"
    key: ClassVar[str] = "url"
    single: ClassVar[TextLike] = Url()
    example: ClassVar[str] = "sites: {type: urls, kinds: [home, shop]}"
    example_json: ClassVar[Any] = [{"url": "https://www.example.com/", "kind": "home"}]
