"""Amounts of money and their currencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal as Exact
from typing import Any, ClassVar

import sqlalchemy as sa

from app.expressions.types import MONEY, TEXT, Type
from app.fields import converting, filters
from app.fields.base import (
    Column,
    Conversion,
    FieldError,
    FieldLike,
    Operator,
    OptionLike,
    ParseContext,
    Part,
)
from app.fields.numbers import NumberLike, is_finite
from app.fields.reading import (
    read_line,
    shown,
)
from app.fields.settings import Plain, Setting
from app.fields.text import TextLike
from app.texts import Label, say

#: How a currency is written before an amount; others by their three letters.
SIGNS: Mapping[str, str] = {
    "CNY": "¥",
    "USD": "US$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "JP¥",
    "HKD": "HK$",
    "TWD": "NT$",
    "KRW": "₩",
    "INR": "₹",
    "SGD": "S$",
    "AUD": "A$",
    "CAD": "C$",
    "CHF": "CHF ",
    "RUB": "₽",
}


#: Signs that may stand around an amount when it is read.
_MONEY_SIGNS = "¥ ¥ $ US$ HK$ € £ 元 CNY RMB USD EUR"


class Money(NumberLike):
    """An amount of money."""

    name: ClassVar[str] = "money"
    label: ClassVar[Label] = say("Money", "金额")
    help: ClassVar[str] = (
        "An exact amount. `currency` names the field of the record that holds the currency; "
        "without it the amount is in the base currency. With it `.base` is the amount in the base "
        "currency, at the rate of the day the amount last changed."
    )
    control: ClassVar[str] = "money"
    pad: ClassVar[bool] = True
    default_places: ClassVar[int] = 2
    signs: ClassVar[str] = _MONEY_SIGNS
    example: ClassVar[str] = "credit: {type: money, currency: currency, min: 0}"
    example_json: ClassVar[Any] = "1234.50"

    def settings(self) -> dict[str, Setting]:
        """Return those of a number and the currency."""
        return {
            **super().settings(),
            "currency": Plain(
                "The field that holds the currency; in lines also `parent.currency`."
            ),
        }

    def currency_of(
        self, field: FieldLike, row: Mapping[str, Any] | None, base: str | None = None
    ) -> str | None:
        """Return the currency of the amount in *row*, *base* where nothing names one."""
        name = field.settings.get("currency")
        return (row or {}).get(name, base) if name else base

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return the amount and, if it has a currency of its own, the amount in the base one."""
        main = super().columns(field)
        if not field.settings.get("currency"):
            return main
        return (*main, Column(f"{field.name}__base", sa.Numeric(), check=is_finite))

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it is an amount of money."""
        parts = {part.name: part.type for part in self.parts(field)}
        return Type(MONEY.kind, parts=parts) if parts else MONEY

    def parts(self, field: FieldLike) -> tuple[Part, ...]:
        """Return the amount in the base currency."""
        if not field.settings.get("currency"):
            return ()
        label = say("in base currency", "本位币金额")
        return (Part("base", label, MONEY, f"{field.name}__base"),)

    def to_columns(self, field: FieldLike, value: Any) -> dict[str, Any]:
        """Return the amount alone: the base amount is worked out by whoever knows the rates."""
        return {field.name: value}

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the amount with its currency's sign: ``¥1,234.50``."""
        if value is None:
            return ""
        return with_sign(self.rounded(field, value), self.currency_of(field, row))


class Currency(TextLike):
    """One of the company's currencies."""

    name: ClassVar[str] = "currency"
    label: ClassVar[Label] = say("Currency", "币种")
    help: ClassVar[str] = "One of the currencies of app.yaml, by its three letters."
    control: ClassVar[str] = "currency"
    example: ClassVar[str] = "currency: {type: currency, default: CNY}"
    example_json: ClassVar[Any] = "CNY"

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it is a text."""
        return TEXT

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> str | None:
        """Return the three letters; from a form or a file signs such as ¥ are read too."""
        text = read_line(raw, strict=context.strict)
        if text is None:
            return None
        signs = {sign.strip(): code for code, sign in SIGNS.items()} | {"$": "USD", "RMB": "CNY"}
        code = text if context.strict else signs.get(text, text.upper())
        if code in context.currencies:
            return code
        raise FieldError(
            say(
                "“{value}” is not one of the currencies here: {all}.",
                "“{value}”不在可用币种内：{all}。",
                value=shown(text),
                all=", ".join(context.currencies),
            ),
            "unknown-currency",
        )

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by one of a few words."""
        return filters.CHOICES

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is three letters."""
        return {"type": "string", "pattern": "^[A-Z]{3}$"}

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that three letters in a text are a currency."""

        def code(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
            text = sa.func.upper(converting.plain(column))
            return converting.when(text.regexp_match("^[A-Z]{3}$"), text)

        return dict.fromkeys((*converting.TEXTS, *converting.WORDS), converting.conversion(code))


def with_sign(amount: Exact, currency: str | None) -> str:
    """Return an amount with commas and the sign of its currency, if it is known."""
    text = f"{abs(amount):,f}"
    sign = "" if currency is None else SIGNS.get(currency, f"{currency} ")
    return f"-{sign}{text}" if amount < 0 else f"{sign}{text}"
