"""Ways to reach somebody: e-mail address, telephone number, web address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import sqlalchemy as sa

from app.fields import converting, masking
from app.fields.base import (
    Conversion,
    FieldLike,
    ParseContext,
)
from app.fields.reaching import (
    national_number,
    read_address,
    read_mail,
    read_phone,
    show_phone,
)
from app.fields.reading import (
    read_line,
)
from app.fields.settings import Plain, Said, Setting
from app.fields.text import TextLike
from app.texts import Label, say


class Email(TextLike):
    """An e-mail address."""

    name: ClassVar[str] = "email"
    label: ClassVar[Label] = say("E-mail", "电子邮箱")
    help: ClassVar[str] = "An e-mail address. Its domain is kept in small letters."
    control: ClassVar[str] = "email"
    example: ClassVar[str] = "email: {type: email, personal: yes, unique: yes}"
    example_json: ClassVar[Any] = "li.wei@example.com"

    def settings(self) -> dict[str, Setting]:
        """Return none of its own."""
        return {}

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> str | None:
        """Return the address."""
        text = read_line(raw, strict=context.strict)
        return None if text is None else read_mail(text)

    def mask(self, field: FieldLike, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return the address with the name hidden, the domain shown: ``l****@example.com``."""
        if field.mask:
            return super().mask(field, column)
        return sa.func.regexp_replace(column, "^(.).*@", rf"\1{masking.HIDDEN}@", type_=sa.Text())

    def masked(self, field: FieldLike, value: Any) -> Any:
        """Return what `mask` gives, in Python."""
        if field.mask or value is None:
            return super().masked(field, value)
        return value[0] + masking.HIDDEN + "@" + value.rpartition("@")[2]

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is an e-mail address."""
        return {"type": "string", "format": "email", "maxLength": 254}

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that a text becomes one where it looks like one."""
        return _from_texts(
            "emails", "address", r"^[^\s@,;]{1,64}@[^\s@,;]+\.[^\s@,;]+$", converting.plain
        )


class Phone(TextLike):
    """A telephone number."""

    name: ClassVar[str] = "phone"
    label: ClassVar[Label] = say("Phone", "电话")
    help: ClassVar[str] = (
        "A telephone number of any country, read as people write it and kept as `+8613800136021` "
        "(E.164). A number without country code belongs to `country`."
    )
    control: ClassVar[str] = "phone"
    example: ClassVar[str] = "mobile: {type: phone, personal: yes, mask: middle}"
    example_json: ClassVar[Any] = "+8613800136021"

    def settings(self) -> dict[str, Setting]:
        """Return the country."""
        return {"country": country_setting()}

    def problems(self, settings: Mapping[str, Any]) -> Iterator[tuple[str, Said]]:
        """Give a country that has no telephones."""
        yield from country_problems(settings)

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> str | None:
        """Return the number as E.164."""
        text = read_line(raw, strict=context.strict)
        return None if text is None else read_phone(text, country_of(field, context))

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the number as it is written in its country."""
        return show_phone(value, field.settings.get("country") or "CN") if value else ""

    def mask(self, field: FieldLike, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return the number without its Chinese country code, its middle hidden."""
        return masking.hide_text(_bare(column), field.mask or "middle")

    def masked(self, field: FieldLike, value: Any) -> Any:
        """Return what `mask` gives, in Python."""
        if value is None:
            return None
        return masking.hidden_text(value.removeprefix("+86"), field.mask or "middle")

    def search_text(self, field: FieldLike, value: Any) -> str:
        """Return the digits with and without the country code, so that both find it."""
        return _findable(value) if value else ""

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is a number in E.164."""
        return {"type": "string", "pattern": r"^\+[0-9]{3,15}(;ext=[0-9]+)?$"}

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that a text becomes one where it is a number already or one of the country."""
        return _from_texts(
            "phones", "number", r"^\+\d{3,15}(;ext=\d+)?$", _e164(field.settings.get("country"))
        )


class Url(TextLike):
    """A web address."""

    name: ClassVar[str] = "url"
    label: ClassVar[Label] = say("Web address", "网址")
    help: ClassVar[str] = (
        "An address that begins with `https://`, `http://` or `mailto:`; nothing else is taken. "
        "`www.example.com` gets `https://` before it."
    )
    control: ClassVar[str] = "url"
    example: ClassVar[str] = "website: {type: url}"
    example_json: ClassVar[Any] = "https://www.example.com/"

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> str | None:
        """Return the address with its scheme."""
        text = read_line(raw, strict=context.strict)
        return None if text is None else read_address(text)

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is an address."""
        return {"type": "string", "format": "uri", "maxLength": 2000}

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that a text becomes one where it begins with a scheme that is safe."""
        return _from_texts(
            "urls",
            "url",
            r"^(https?://[^\s/@\\]+([/?#][^\s\\]*)?|mailto:[^\s@]+@[^\s@]+)$",
            converting.plain,
        )


def country_setting() -> Plain:
    """Return the setting that says whose numbers come without a country code."""
    return Plain("The country of numbers written without a country code; else app.yaml's.")


def country_problems(settings: Mapping[str, Any]) -> Iterator[tuple[str, Said]]:
    """Give a country that is not one."""
    import phonenumbers

    country = settings.get("country")
    if country is not None and country not in phonenumbers.SUPPORTED_REGIONS:
        yield (
            "country",
            Said(
                f"`country` is `{country}`; it must be two capital letters such as `CN` or `DE`.",
                "unknown-country",
            ),
        )


def country_of(field: FieldLike, context: ParseContext) -> str:
    """Return the country a number without country code belongs to."""
    return str(field.settings.get("country") or context.country)


def _bare(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.func.regexp_replace(column, r"^\+86", "", type_=sa.Text())


def _findable(number: str) -> str:
    digits = number.partition(";")[0]
    return f"{digits} {national_number(digits)}"


def _e164(country: str | None) -> converting.Change:
    """Return how a text becomes E.164 in SQL: only numbers of a form that leaves no doubt."""
    import phonenumbers

    code = phonenumbers.country_code_for_region(country or "CN") or 86

    def number(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        digits = sa.func.regexp_replace(
            converting.plain(column), r"[\s().-]", "", "g", type_=sa.Text()
        )
        is_mobile = digits.regexp_match(r"^1[3-9]\d{9}$") if code == 86 else sa.false()
        return sa.case(
            (digits.regexp_match(r"^\+\d{7,15}$"), digits),
            (is_mobile, sa.literal(f"+{code}", sa.Text()).concat(digits)),
            else_=sa.null(),
        )

    return number


def _from_texts(
    several: str, key: str, pattern: str, read: converting.Change
) -> Mapping[str, Conversion]:
    name = several[:-1]

    def convert(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        text = read(column)
        return converting.when(text.regexp_match(pattern), text)

    from_text = converting.conversion(convert)
    made = {old: from_text for old in converting.TEXTS if old != name}
    first = converting.first_of_json_list(key)
    made[several] = converting.conversion(
        first, lambda column: sa.func.jsonb_array_length(column) <= 1
    )
    return {**made, name: converting.same()}
