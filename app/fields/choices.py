"""Yes or no, one option of a list, and stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa

from app.expressions.types import BOOLEAN, DATETIME, Kind, Type
from app.fields import converting, filters
from app.fields.base import (
    Column,
    Conversion,
    FieldLike,
    FieldType,
    Operator,
    OptionLike,
    ParseContext,
    Part,
)
from app.fields.options import all_labels, choice_type, find_option, label_of, words_of
from app.fields.reading import (
    read_line,
    read_switch,
    wrong_kind,
)
from app.fields.settings import Setting, Written
from app.texts import Label, say

OPTIONS_TAKE = "the name of a list of options.yaml, a list of options, or a table of them"


class Boolean(FieldType):
    """Yes or no."""

    name: ClassVar[str] = "boolean"
    label: ClassVar[Label] = say("Yes/no", "是/否")
    help: ClassVar[str] = "Yes or no; what nobody filled in is no. It is never empty."
    control: ClassVar[str] = "switch"
    example: ClassVar[str] = "is_decision_maker: {type: boolean}"
    example_json: ClassVar[Any] = True

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return one column that is never empty."""
        return (Column(field.name, sa.Boolean(), not_null=True, default="false"),)

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it is yes or no."""
        return Type(BOOLEAN.kind, filled=True)

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> bool:
        """Return yes or no; nothing is no."""
        return bool(read_switch(raw, strict=context.strict))

    def to_columns(self, field: FieldLike, value: Any) -> dict[str, Any]:
        """Return yes or no; a default that came out empty is no."""
        return {field.name: bool(value)}

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the word."""
        word = say("Yes", "是") if value else say("No", "否")
        return "" if value is None else word.in_language(language)

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return yes and no."""
        return (filters.YES, filters.NO)

    def search_text(self, field: FieldLike, value: Any) -> str:
        """Return nothing: nobody searches for a yes."""
        return ""

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is true or false."""
        return {"type": "boolean"}

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that words and the numbers 0 and 1 become yes or no; anything else is no."""

        def of_number(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
            return sa.func.coalesce(column != 0, sa.false())

        def of_text(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
            return sa.func.coalesce(converting.boolean_of_text(column), sa.false())

        text = converting.conversion(
            of_text, lambda column: converting.boolean_of_text(column).is_not(None)
        )
        number = converting.conversion(of_number, lambda column: column.in_([0, 1]))
        return {
            **dict.fromkeys((*converting.TEXTS, *converting.WORDS), text),
            **dict.fromkeys(converting.NUMBERS, number),
            "boolean": converting.same(),
        }


class Choice(FieldType):
    """One option of a list."""

    name: ClassVar[str] = "choice"
    label: ClassVar[Label] = say("Choice", "单选")
    help: ClassVar[str] = (
        "One option of a list. Options have an order, so they can be compared (`level < 'c'`) and "
        "are sorted by it. The list may be a tree. An option that was removed stays on the records "
        "that have it and is offered no more."
    )
    control: ClassVar[str] = "choice"
    example: ClassVar[str] = "level: {type: choice, options: {a: Key, b: Normal}, default: b}"
    example_json: ClassVar[Any] = "a"

    def settings(self) -> dict[str, Setting]:
        """Return the options."""
        return {
            "options": Written(
                "The options, or the name of a list of options.yaml.",
                required=True,
                takes=OPTIONS_TAKE,
            ),
        }

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return one column with the option's name."""
        return (Column(field.name, sa.Text()),)

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it is a choice of these options."""
        return choice_type(options or field.options)

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> str | None:
        """Return the option's name; from a form or a file its label is read too."""
        if context.strict and raw is not None and not isinstance(raw, str):
            raise wrong_kind(raw, "the name of an option", "选项名称")
        text = read_line(raw, strict=context.strict)
        return None if text is None else find_option(field, text, context)

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the option's label."""
        return "" if value is None else label_of(field, value, language)

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by an option, with those below it if the list is a tree."""
        is_tree = any(option.parent for option in field.options)
        return (filters.UNDER, *filters.CHOICES) if is_tree else filters.CHOICES

    def search_text(self, field: FieldLike, value: Any) -> str:
        """Return the labels in every language."""
        return "" if value is None else all_labels(field, [value])

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return the options' names."""
        return {"type": "string", "enum": [option.name for option in field.options]}

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that names and labels in texts, numbers and the first of several are found."""
        word = converting.word_of_text(words_of(field))
        found = converting.conversion(word)
        first = converting.conversion(
            lambda column: word(converting.one_of_list(column)),
            lambda column: sa.and_(
                converting.has_one(column), word(converting.one_of_list(column)).is_not(None)
            ),
        )
        return {
            **dict.fromkeys((*converting.TEXTS, *converting.WORDS), found),
            **dict.fromkeys(converting.NUMBERS, converting.chain(converting.number_text, found)),
            "boolean": converting.chain(converting.boolean_text, found),
            **dict.fromkeys(("choices", "tags"), first),
        }


class Stage(Choice):
    """Where a record stands in its lifecycle."""

    name: ClassVar[str] = "stage"
    label: ClassVar[Label] = say("Stage", "阶段")
    help: ClassVar[str] = (
        "Where a record stands. Its options and the moves between them come from the lifecycles. "
        "`.since` is when it got there, `.previous` where it was before, `.final` whether it is "
        "an end. A list of `options` may be given where no lifecycle is."
    )
    control: ClassVar[str] = "stage"
    example: ClassVar[str] = "stage: {type: stage}"
    example_json: ClassVar[Any] = "proposal"

    def settings(self) -> dict[str, Setting]:
        """Return the options, which may be left to the lifecycles."""
        return {
            "options": Written(
                "The stages, where no lifecycle says them.",
                takes=OPTIONS_TAKE,
            ),
        }

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return the stage, since when, and the one before."""
        return (
            Column(field.name, sa.Text()),
            Column(f"{field.name}__since", sa.TIMESTAMP(timezone=True)),
            Column(f"{field.name}__previous", sa.Text()),
        )

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it is a choice of the stages, with its parts."""
        plain = choice_type(options or field.options)
        parts = {"since": DATETIME, "previous": plain, "final": Type(BOOLEAN.kind, filled=True)}
        return Type(Kind.choice, options=plain.options, parents=plain.parents, parts=parts)

    def parts(self, field: FieldLike) -> tuple[Part, ...]:
        """Return since when, the stage before, and whether it is an end."""
        final = [option.name for option in field.options if option.final]

        def is_final(columns: Mapping[str, sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
            return sa.func.coalesce(columns[field.name].in_(final), sa.false())

        types = self.value_type(field).parts
        return (
            Part("since", say("since", "进入时间"), types["since"], f"{field.name}__since"),
            Part(
                "previous", say("before", "上一阶段"), types["previous"], f"{field.name}__previous"
            ),
            Part("final", say("is final", "是否终结"), types["final"], sql=is_final),
        )

    def is_final(self, field: FieldLike, value: str | None) -> bool:
        """Return whether *value* is an end, as the part ``.final`` says in SQL."""
        return any(option.final and option.name == value for option in field.options)

    def to_columns(self, field: FieldLike, value: Any) -> dict[str, Any]:
        """Return the stage alone: since when and what was before, whoever moves it knows."""
        return {field.name: value}

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return those of a choice; the record stands there since the change."""
        since = {"since": lambda column: converting.when(column.is_not(None), sa.func.now())}
        return {
            name: Conversion(made.convert, made.fits, since)
            for name, made in super().conversions(field, time_zone).items()
        }
