"""Several words in one field: options of a list, and tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.expressions.types import TEXT, Type, many
from app.fields import converting, filters
from app.fields.base import (
    Column,
    Conversion,
    FieldLike,
    FieldType,
    Operator,
    OptionLike,
    ParseContext,
)
from app.fields.choices import OPTIONS_TAKE
from app.fields.normal import normal
from app.fields.options import all_labels, choice_type, find_option, label_of, words_of
from app.fields.reading import (
    check_count,
    check_length,
    read_line,
    read_list,
    read_words,
    wrong_kind,
)
from app.fields.settings import Setting, Switch, WholeNumber, Written
from app.texts import Label, say

_TAG_LENGTH = 60


class Words(FieldType):
    """Base of several options and of tags: a list of words, each once."""

    many: ClassVar[bool] = True
    most: ClassVar[int] = 50

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return one column with the list, empty rather than missing."""
        return (Column(field.name, ARRAY(sa.Text()), not_null=True, default="'{}'"),)

    def to_columns(self, field: FieldLike, value: Any) -> dict[str, Any]:
        """Return the list."""
        return {field.name: list(value or ())}

    def from_columns(self, field: FieldLike, row: Mapping[str, Any]) -> Any:
        """Return the list, or None where it has no member."""
        return row[field.name] or None

    def to_json(self, field: FieldLike, value: Any) -> Any:
        """Return the list."""
        return [] if value is None else list(value)

    def mask(self, field: FieldLike, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return stars where there is any."""
        return super().mask(field, sa.func.nullif(column, sa.text("'{}'::text[]")))

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by one of several."""
        return filters.MANY


class Choices(Words):
    """Several options of a list."""

    name: ClassVar[str] = "choices"
    label: ClassVar[Label] = say("Choices", "多选")
    help: ClassVar[str] = "Several options of a list, kept in the order of the list."
    control: ClassVar[str] = "choices"
    example: ClassVar[str] = "channels: {type: choices, options: [phone, email, visit]}"
    example_json: ClassVar[Any] = ["phone", "visit"]

    def settings(self) -> dict[str, Setting]:
        """Return the options and how many may be chosen."""
        return {
            "options": Written(
                "The options, or the name of a list of options.yaml.",
                required=True,
                takes=OPTIONS_TAKE,
            ),
            "max": WholeNumber("The greatest number that may be chosen.", least=1, most=500),
        }

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it is many of these options."""
        return many(choice_type(options or field.options))

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> list[str] | None:
        """Return the options' names in the order of the list."""
        chosen: set[str] = set()
        for one in read_list(raw, context):
            if not isinstance(one, str):
                raise wrong_kind(one, "the name of an option", "选项名称")
            text = read_line(one, strict=context.strict)
            if text is not None:
                chosen.add(find_option(field, text, context))
        values = [option.name for option in field.options if option.name in chosen]
        check_count(values, field.settings.get("max") or len(field.options))
        return values or None

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the labels with commas between."""
        comma = "、" if language.startswith("zh") else ", "
        return comma.join(label_of(field, one, language) for one in value or ())

    def search_text(self, field: FieldLike, value: Any) -> str:
        """Return the labels in every language."""
        return all_labels(field, value or ())

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is a list of the options' names."""
        names = [option.name for option in field.options]
        return {"type": "array", "items": {"type": "string", "enum": names}, "uniqueItems": True}

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that one option becomes a list, and that texts are split at their commas."""
        names = [option.name for option in field.options]
        known = sa.cast(sa.literal(names, ARRAY(sa.Text())), ARRAY(sa.Text()))

        def kept(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
            name = sa.func.unnest(known).column_valued("name")
            chosen = sa.select(sa.func.array_agg(name)).where(name == sa.any_(column))
            return sa.func.coalesce(chosen.scalar_subquery(), sa.text("'{}'::text[]"))

        def all_known(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
            return column.op("<@")(known)

        lists = converting.conversion(kept, all_known)
        one = converting.word_of_text(words_of(field))
        single = converting.conversion(
            lambda column: sa.func.array_remove(
                sa.func.array_append(sa.text("'{}'::text[]"), one(column)), sa.null()
            ),
            lambda column: one(column).is_not(None),
        )
        return {
            **dict.fromkeys(converting.TEXTS, converting.chain(converting.list_of_text, lists)),
            **dict.fromkeys(converting.WORDS, single),
            "choices": lists,
            "tags": lists,
        }


class Tags(Words):
    """Words put on a record, out of a list or freely."""

    name: ClassVar[str] = "tags"
    label: ClassVar[Label] = say("Tags", "标签")
    help: ClassVar[str] = (
        "Words put on a record. Without `options` anybody may write new ones; with `options`, flat "
        "or a tree, those are offered and, unless `free: yes`, no others taken."
    )
    control: ClassVar[str] = "tags"
    example: ClassVar[str] = "interests: {type: tags}"
    example_json: ClassVar[Any] = ["vip", "fair 2026"]

    def settings(self) -> dict[str, Setting]:
        """Return the options, if there are any."""
        return {
            "options": Written("The tags that are offered.", takes=OPTIONS_TAKE),
            "free": Switch("Beside the options new words are taken too."),
            "max": WholeNumber("The greatest number of tags.", self.most, least=1, most=500),
        }

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it is many texts, or many options."""
        listed = options or field.options
        is_free = field.settings.get("free") or not listed
        return many(TEXT if is_free else choice_type(listed))

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> list[str] | None:
        """Return the tags, each once, in the order given."""
        values: dict[str, str] = {}
        for one in read_list(raw, context):
            if not isinstance(one, str):
                raise wrong_kind(one, "a text", "文本")
            text = read_words(one, strict=context.strict)
            if text is None:
                continue
            if field.options and not field.settings.get("free"):
                text = find_option(field, text, context)
            check_length(text, None, _TAG_LENGTH)
            values.setdefault(normal(text), text)
        check_count(values, field.settings.get("max", self.most))  # type: ignore[arg-type]
        return list(values.values()) or None

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the tags with commas between."""
        comma = "、" if language.startswith("zh") else ", "
        return comma.join(label_of(field, one, language) for one in value or ())

    def search_text(self, field: FieldLike, value: Any) -> str:
        """Return the tags and their labels."""
        return all_labels(field, value or ())

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is a list of words."""
        return {
            "type": "array",
            "items": {"type": "string", "maxLength": _TAG_LENGTH},
            "uniqueItems": True,
        }

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that words become tags, and that texts are split at their commas."""
        split = converting.conversion(
            lambda column: sa.func.array_remove(converting.list_of_text(column), ""),
        )
        return {
            **dict.fromkeys((*converting.TEXTS, *converting.WORDS), split),
            "choices": converting.same(),
            "tags": converting.same(),
        }
