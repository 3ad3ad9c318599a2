"""The code itself, and the field type.

Two signs for who registers and what it is, six digits for where, nine for the organisation, and one
that checks the others. The letters I, O, S, V and Z are not used, since they look like digits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import marshmallow as ma
import sqlalchemy as sa

from app.fields import converting, filters
from app.fields.base import Conversion, FieldError, FieldLike, Operator, ParseContext
from app.fields.reading import read_line, shown
from app.fields.text import TextLike
from app.texts import Label, say

SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
#: Powers of 3, modulo 31: what each of the first 17 signs weighs.
WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
LENGTH = 18
_FORM = rf"^[{SIGNS}]{{2}}[0-9]{{6}}[{SIGNS}]{{10}}$"
#: Letters the code does not use, and what was probably meant.
_MISTAKEN = {"I": "1", "O": "0", "S": "5", "V": "U", "Z": "2"}
_REGION = slice(2, 8)


def check_sign(first_seventeen: str) -> str:
    """Return the last sign of the code that begins with these 17."""
    total = sum(
        SIGNS.index(sign) * weight for sign, weight in zip(first_seventeen, WEIGHTS, strict=True)
    )
    return SIGNS[-total % 31]


def read_code(text: str) -> str:
    """Return the code in capitals, without blanks and dashes.

    Raises:
        FieldError: it is none; says what is wrong with it.
    """
    code = re.sub(r"[\s-]", "", text).upper()
    if len(code) != LENGTH:
        raise _wrong(
            "“{value}” has {length} characters; a credit code has 18.",
            "“{value}”有 {length} 位；统一社会信用代码应为 18 位。",
            value=shown(text),
            length=len(code),
        )
    for place, sign in enumerate(code, 1):
        if sign not in SIGNS:
            meant = _MISTAKEN.get(sign)
            hint = say(" Is it {meant}?", "是不是 {meant}？", meant=meant) if meant else say("", "")
            raise _wrong(
                "Character {place} is “{sign}”, which a credit code does not use.{hint}",
                "第 {place} 位是“{sign}”，统一社会信用代码不使用该字符。{hint}",
                place=place,
                sign=sign,
                hint=hint,
            )
    if not code[_REGION].isdigit():
        raise _wrong(
            "Characters 3 to 8 are “{region}”; they must be the six digits of a region.",
            "第 3 至 8 位是“{region}”，应为 6 位行政区划数字。",
            region=code[_REGION],
        )
    if check_sign(code[:-1]) != code[-1]:
        raise _wrong(
            "“{code}” is not a credit code: its last character does not fit the others, so one of "
            "them is mistyped.",
            "“{code}”不是有效的统一社会信用代码：校验位不符，请检查是否输错。",
            code=code,
        )
    return code


def _wrong(en: str, zh: str, **values: object) -> FieldError:
    return FieldError(say(en, zh, **values), "not-a-credit-code")


class CreditCode(TextLike):
    """A Unified Social Credit Code."""

    name: ClassVar[str] = "credit_code"
    label: ClassVar[Label] = say("Credit code", "统一社会信用代码")
    help: ClassVar[str] = (
        "The Unified Social Credit Code of a Chinese organisation (GB 32100-2015): 18 characters, "
        "of which the last checks the others. Small letters, blanks and dashes are taken and "
        "tidied up."
    )
    example: ClassVar[str] = "credit_code: {type: credit_code, unique: yes}"
    example_json: ClassVar[Any] = "91350100M000100Y43"

    def settings(self) -> dict[str, ma.fields.Field]:
        """Return none of its own."""
        return {}

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> str | None:
        """Return the code in capitals."""
        text = read_line(raw, strict=context.strict)
        return None if text is None else read_code(text)

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by a code."""
        return (filters.IS, filters.STARTS, filters.CONTAINS, filters.ANY_OF, *filters.FILLED)

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is 18 characters of a certain form."""
        return {"type": "string", "pattern": _FORM}

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that a text becomes a code where it is one, its last character included."""

        def code(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
            bare = sa.func.regexp_replace(converting.plain(column), r"[\s-]", "", "g")
            text = sa.func.upper(bare, type_=sa.Text())
            return converting.when(sa.and_(text.regexp_match(_FORM), _is_checked(text)), text)

        from_text = converting.conversion(code)
        return {**dict.fromkeys(converting.TEXTS, from_text), self.name: converting.same()}


def _is_checked(code: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Return the SQL that asks whether the last sign fits the others; the last one weighs 1."""
    weights = (*WEIGHTS, 1)
    numbers = (
        (sa.func.strpos(SIGNS, sa.func.substr(code, place, 1), type_=sa.Integer()) - 1) * weight
        for place, weight in enumerate(weights, 1)
    )
    total: sa.ColumnElement[Any] = sum(numbers, start=sa.literal(0))
    return total % 31 == 0
