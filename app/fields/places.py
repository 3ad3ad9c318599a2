"""Postal addresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, ClassVar

import sqlalchemy as sa

from app.expressions.types import TEXT, Kind, Type
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
    Part,
)
from app.fields.reading import (
    check_length,
    is_nothing,
    read_words,
    shown,
    wrong_kind,
)
from app.fields.settings import Names, Plain, Setting
from app.texts import Label, say

PARTS: Mapping[str, Label] = {
    "country": say("Country", "国家"),
    "province": say("Province", "省份"),
    "city": say("City", "城市"),
    "district": say("District", "区县"),
    "street": say("Street", "详细地址"),
    "postal_code": say("Postal code", "邮政编码"),
}
_LONGEST = {
    "country": 2,
    "province": 100,
    "city": 100,
    "district": 100,
    "street": 500,
    "postal_code": 20,
}
_COUNTRIES = {"中国": "CN", "中华人民共和国": "CN", "china": "CN", "p.r. china": "CN"}
_CITIES = "北京|天津|上海|重庆"
_REGIONS = (
    "河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|"
    "贵州|云南|陕西|甘肃|青海|台湾"
)
#: Province, city and district as they stand before each other in a Chinese address.
_CHINESE = re.compile(
    rf"(?P<province>(?:{_CITIES})市?|(?:{_REGIONS})省?|内蒙古(?:自治区)?|广西(?:壮族自治区)?"
    r"|西藏(?:自治区)?|宁夏(?:回族自治区)?|新疆(?:维吾尔自治区)?|香港(?:特别行政区)?|澳门(?:特别行政区)?)"
    r"\s*(?P<city>[^\s\d区县旗路街道镇村号]{1,10}?(?:市|自治州|地区|盟))?"
    r"\s*(?P<district>[^\s\d路街道镇村号]{1,10}?(?:区|县|旗|市))?\s*(?P<street>.*)\Z",
    re.DOTALL,
)


class Address(FieldType):
    """A postal address in parts."""

    name: ClassVar[str] = "address"
    label: ClassVar[Label] = say("Address", "地址")
    help: ClassVar[str] = (
        "A postal address: `.country` (two letters), `.province`, `.city`, `.district`, `.street`, "
        "`.postal_code`. Given as one text, a Chinese address is taken apart as far as it can be; "
        "the rest is the street."
    )
    control: ClassVar[str] = "address"
    example: ClassVar[str] = "address: {type: address, ask: [province, city, district, street]}"
    example_json: ClassVar[Any] = {
        "country": "CN", "province": "浙江省", "city": "杭州市", "district": "西湖区",
        "street": "文三路 1 号", "postal_code": "310012",
    }  # fmt: skip

    def settings(self) -> dict[str, Setting]:
        """Return which parts the form asks for."""
        return {
            "ask": Names(
                "The parts the form asks for; all of them if not said.", among=tuple(PARTS)
            ),
            "country": Plain("The country of addresses that name none; else app.yaml's."),
        }

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return the whole address in one line and each part."""
        parts = (Column(f"{field.name}__{part}", sa.Text()) for part in PARTS)
        return (Column(field.name, sa.Text()), *parts)

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it has parts."""
        return Type(Kind.parts, parts=dict.fromkeys(PARTS, TEXT))

    def parts(self, field: FieldLike) -> tuple[Part, ...]:
        """Return the parts, each with a column of its own."""
        return tuple(
            Part(name, label, TEXT, f"{field.name}__{name}") for name, label in PARTS.items()
        )

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> Any:
        """Return all parts by name; an address of nothing but a country is empty."""
        if isinstance(raw, Mapping):
            unknown = [part for part in raw if part not in PARTS]
            if unknown:
                raise wrong_kind(raw, ", ".join(PARTS), "、".join(PARTS))
            given = {part: read_words(one, strict=context.strict) for part, one in raw.items()}
        elif context.strict and not is_nothing(raw):
            raise wrong_kind(raw, ", ".join(PARTS), "、".join(PARTS))
        else:
            given = split_address(read_words(raw, strict=context.strict))
        parts = {part: given.get(part) for part in PARTS}
        if not any(value for part, value in parts.items() if part != "country"):
            return None
        home = str(field.settings.get("country") or context.country)
        parts["country"] = _country(parts["country"] or home)
        for part, value in parts.items():
            if value is not None:
                check_length(value, None, _LONGEST[part])
        return parts

    def to_columns(self, field: FieldLike, value: Any) -> dict[str, Any]:
        """Return the whole in one line and each part."""
        return self.writer(field)(value)

    def writer(self, field: FieldLike) -> Callable[[Any], dict[str, Any]]:
        """Return `to_columns`, with the names of the columns known."""
        name, columns = field.name, [(f"{field.name}__{part}", part) for part in PARTS]

        def written(value: Any) -> dict[str, Any]:
            parts = value or {}
            row = {column: parts.get(part) for column, part in columns}
            row[name] = one_line(value) if value else None
            return row

        return written

    def from_columns(self, field: FieldLike, row: Mapping[str, Any]) -> Any:
        """Return the parts by name."""
        return self.reader(field)(row)

    def reader(self, field: FieldLike) -> Callable[[Mapping[str, Any]], Any]:
        """Return `from_columns`, with the names of the columns known."""
        cells = itemgetter(*(f"{field.name}__{part}" for part in PARTS))

        def parts(row: Mapping[str, Any]) -> dict[str, Any] | None:
            values = cells(row)
            return dict(zip(PARTS, values, strict=True)) if any(values) else None

        return parts

    def json_column(
        self, field: FieldLike, columns: Mapping[str, sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any]:
        """Return an object of all parts."""
        parts = {part: columns[f"{field.name}__{part}"] for part in PARTS}
        is_any = sa.func.coalesce(*parts.values()).is_not(None)
        return converting.when(is_any, converting.json_object(**parts))

    def to_json(self, field: FieldLike, value: Any) -> Any:
        """Return an object of all parts."""
        return None if value is None else {part: value.get(part) for part in PARTS}

    def json_writer(self, field: FieldLike) -> None:
        """Return None: what is read from a row has all parts."""

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the address in one line."""
        return "" if value is None else one_line(value)

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return that it can be asked whether there is one; its parts are texts."""
        return filters.FILLED

    def search_text(self, field: FieldLike, value: Any) -> str:
        """Return the address in one line."""
        return "" if value is None else one_line(value)

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is an object of the parts."""
        return {
            "type": "object",
            "properties": {
                part: {"type": ["string", "null"], "maxLength": _LONGEST[part]} for part in PARTS
            },
            "additionalProperties": False,
        }

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that a text becomes the street."""
        street = {"street": lambda column: sa.func.nullif(sa.func.left(column, 500), "")}
        from_text = converting.conversion(
            lambda column: sa.func.nullif(sa.func.left(column, 500), "", type_=sa.Text()),
            lambda column: sa.func.char_length(column) <= 500,
            street,
        )
        return {**dict.fromkeys(converting.TEXTS, from_text), "address": converting.same()}


def split_address(text: str | None) -> dict[str, str | None]:
    """Return the parts of an address given as one text; what cannot be told apart is the street."""
    if text is None:
        return {}
    found = _CHINESE.match(text)
    if found is None:
        return {"street": text}
    parts = {name: value.strip() or None for name, value in found.groupdict(default="").items()}
    if parts["province"] and re.match(_CITIES, parts["province"]) and not parts["city"]:
        parts["city"] = parts["province"]
    return parts


def one_line(parts: Mapping[str, str | None]) -> str:
    """Return an address in one line, the Chinese way from large to small, others the other way."""
    province, city, district, street = (
        parts.get(part) or "" for part in ("province", "city", "district", "street")
    )
    code, country = parts.get("postal_code") or "", parts.get("country") or ""
    if country in ("CN", "TW", "HK", "MO", "JP", ""):
        whole = province + ("" if city == province else city) + district + street
        return f"{code} {whole}".strip() if code else whole
    place = " ".join(one for one in (code, city) if one)
    return ", ".join(one for one in (street, district, place, province, country) if one)


def _country(text: str) -> str:
    if len(text) == 2 and text.isascii() and text.isalpha() and text.isupper():
        return text
    code = _COUNTRIES.get(text.lower(), text.upper())
    if not re.fullmatch("[A-Z]{2}", code, re.ASCII):
        raise FieldError(
            say(
                "“{value}” is not a country. Give its two letters, for example CN.",
                "“{value}”不是国家代码，请填写两位字母，如 CN。",
                value=shown(text),
            ),
            "unknown-country",
        )
    return code
