"""Fields of every type as the definitions would build them, and random values for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import marshmallow as ma
from hypothesis import strategies as st

from app.expressions.types import Type
from app.fields.base import FieldType, ParseContext
from app.fields.registry import field_types
from app.texts import Label, say

TYPES = field_types()
STRICT = ParseContext(strict=True, currencies=("CNY", "USD", "EUR"))
FORM = ParseContext(currencies=("CNY", "USD", "EUR"), time_zone="Asia/Shanghai")


@dataclass(frozen=True)
class SampleOption:
    name: str
    label: Label
    color: str | None = None
    parent: str | None = None
    removed: bool = False
    final: bool = False


@dataclass(frozen=True)
class SampleField:
    name: str
    label: Label
    type: FieldType
    settings: Mapping[str, Any]
    mask: str | None = None
    options: tuple[SampleOption, ...] = ()
    value: Type | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


OPTIONS = (
    SampleOption("asia", say("Asia", "亚洲")),
    SampleOption("china", say("China", "中国"), parent="asia"),
    SampleOption("key", say("Key customer", "重点客户")),
    SampleOption("normal", say("Normal", "普通客户"), final=True),
    SampleOption("old", say("Old", "旧"), removed=True),
)

#: What a type needs to be said; the rest has defaults.
NEEDED: Mapping[str, Mapping[str, Any]] = {
    "link": {"to": "customer"},
    "links": {"to": "customer"},
    "any_link": {"to": ["customer", "lead"]},
    "choice": {"options": "levels"},
    "choices": {"options": "levels"},
    "lines": {"fields": {"product": {"type": "text"}}},
    "clock": {"limit": "2 hours", "done": "replied_at is not empty"},
    "formula": {"formula": "1"},
    "rollup": {"of": "contact.customer", "count": "yes"},
    "through": {"from": "customer.name"},
    "phones": {"kinds": ["mobile", "office"]},
    "emails": {"kinds": ["work"]},
}
NUMBERS = {"customer": 3, "lead": 8}
WITH_OPTIONS = ("choice", "choices", "stage")


def load_settings(type_: FieldType, written: Mapping[str, Any]) -> dict[str, Any]:
    """Read settings as the definitions do."""
    schema = type("FieldSettings", (ma.Schema,), type_.settings())
    return schema().load(dict(written))


def make_field(
    type_name: str,
    *,
    name: str = "x",
    mask: str | None = None,
    options: tuple[SampleOption, ...] | None = None,
    value: Type | None = None,
    **written: Any,
) -> SampleField:
    """Return a field of a type with these settings."""
    type_ = TYPES[type_name]
    settings = load_settings(type_, {**NEEDED.get(type_name, {}), **written})
    assert list(type_.problems(settings)) == []
    settings = dict(type_.bind(settings, NUMBERS))
    if options is None:
        options = OPTIONS if type_name in WITH_OPTIONS else ()
    return SampleField(name, say("X", "甲"), type_, settings, mask, options, value)


def parse(field_: SampleField, raw: object, context: ParseContext = STRICT) -> Any:
    return field_.type.parse(field_, raw, context)


# Random values, as JSON that the API would be given.

#: Characters every Unicode version of ours knows, and that a database can hold.
characters = st.characters(exclude_categories=("Cs", "Cn", "Co"), exclude_characters="\0")
_line = st.text(characters, min_size=1, max_size=40).filter(
    lambda text: not any(sign in text for sign in "\r\n")
)
_ids = st.integers(1, 2**63 - 1)
_decimals = st.decimals(-(10**14), 10**14, places=2, allow_nan=False).map(str)
_phones = st.integers(0, 10**8 - 1).map(lambda number: f"+86139{number:08}")
_emails = st.from_regex(
    r"[a-z0-9]{1,20}(\.[a-z0-9]{1,9})?@[a-z0-9]{1,20}\.(com|cn|example)", fullmatch=True
)
_urls = st.from_regex(r"https?://[a-z0-9]{1,20}\.(com|cn)(/[a-z0-9%?=&.]{0,20})?", fullmatch=True)
_dates = st.dates().map(lambda day: day.isoformat())
_moments = st.datetimes().map(lambda moment: moment.isoformat() + "Z")
_live = ("asia", "china", "key", "normal")


def _listed(key: str, values: st.SearchStrategy[str], kinds: list[Any]) -> st.SearchStrategy[Any]:
    return st.lists(
        st.fixed_dictionaries({key: values, "kind": st.sampled_from(kinds)}), max_size=4
    )


_repeats = st.fixed_dictionaries(
    {"every": st.just("week"), "step": st.integers(1, 99)},
    optional={
        "on": st.lists(st.sampled_from(["mon", "fri", "sun"]), unique=True),
        "until": _dates,
    },
)
_addresses = st.fixed_dictionaries(
    {"street": _line},
    optional={
        "city": _line,
        "province": _line,
        "district": _line,
        "country": st.sampled_from(["CN", "DE"]),
    },
)

RAW: Mapping[str, st.SearchStrategy[Any]] = {
    "text": _line,
    "longtext": st.text(characters, max_size=60),
    "markdown": st.text(characters, max_size=60),
    "email": _emails,
    "emails": _listed("address", _emails, ["work"]),
    "phone": _phones,
    "phones": _listed("number", _phones, ["mobile", "office"]),
    "url": _urls,
    "urls": _listed("url", _urls, [None]),
    "serial": _line,
    "integer": st.integers(-(2**53) + 1, 2**53 - 1),
    "decimal": st.decimals(-(10**14), 10**14, places=6, allow_nan=False).map(str),
    "money": _decimals,
    "currency": st.sampled_from(["CNY", "USD", "EUR"]),
    "percent": _decimals,
    "rating": st.integers(1, 5),
    "date": _dates,
    "datetime": _moments,
    "time": st.times().map(lambda clock: f"{clock:%H:%M}"),
    "duration": st.integers(0, 36_500 * 86_400).map(lambda seconds: f"PT{seconds}S"),
    "repeat": _repeats,
    "boolean": st.booleans(),
    "choice": st.sampled_from(_live),
    "choices": st.lists(st.sampled_from(_live), unique=True),
    "tags": st.lists(_line, max_size=5),
    "stage": st.sampled_from(_live),
    "user": _ids,
    "users": st.lists(_ids, max_size=4),
    "department": _ids,
    "departments": st.lists(_ids, max_size=4),
    "link": _ids,
    "links": st.lists(_ids, max_size=4),
    "any_link": st.fixed_dictionaries(
        {"entity": st.sampled_from(["customer", "lead"]), "id": _ids}
    ),
    "address": _addresses,
    "geo": st.fixed_dictionaries({"lat": st.floats(-90, 90), "lng": st.floats(-180, 180)}),
    "file": _ids,
    "files": st.lists(_ids, max_size=4),
    "image": _ids,
    "images": st.lists(_ids, max_size=4),
    "signature": _ids,
}


def raw_values(type_name: str) -> st.SearchStrategy[Any]:
    """Return JSON of a type, or nothing."""
    return st.none() | RAW[type_name]


#: Types a person writes and that have columns of their own.
WRITTEN = tuple(RAW)
