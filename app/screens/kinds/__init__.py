"""Kinds of controls: how a value becomes what a form holds, and what a form holds becomes input.

Values are not checked here: what was typed goes to ``records`` as it is, and comes back with
sentences. A kind is chosen by ``FieldType.control``, so a plugin's type may use any of them.
"""

from __future__ import annotations

from app.definitions.catalog import Field
from app.screens.kinds.base import ABSENT, FormLook, Kind
from app.screens.kinds.several import (
    AnyLinkKind,
    FilesKind,
    LinkKind,
    LinksKind,
    ManyKind,
    PartsKind,
)
from app.screens.kinds.simple import (
    AddressKind,
    ChoiceKind,
    ChoicesKind,
    CurrencyKind,
    DateKind,
    DurationKind,
    LongKind,
    MailKind,
    MomentKind,
    MoneyKind,
    NumberKind,
    PhoneKind,
    RatingKind,
    SwitchKind,
    TagsKind,
    TimeKind,
)
from app.texts import say

__all__ = ["ABSENT", "FormLook", "Kind", "kind_of"]

_ADDRESS = (
    ("country", say("Country", "国家")),
    ("province", say("Province", "省")),
    ("city", say("City", "市")),
    ("district", say("District", "区县")),
    ("street", say("Street", "详细地址")),
    ("postal_code", say("Postal code", "邮编")),
)
_PLACE = (("lat", say("Latitude", "纬度")), ("lng", say("Longitude", "经度")))

_TEXT = Kind()
_KINDS: dict[str, Kind] = {
    "text": _TEXT,
    "longtext": LongKind(),
    "markdown": LongKind(),
    "email": MailKind(),
    "phone": PhoneKind(),
    "url": AddressKind(),
    "emails": ManyKind("email", "address"),
    "phones": ManyKind("tel", "number"),
    "urls": ManyKind("url", "url"),
    "number": NumberKind(),
    "money": MoneyKind(),
    "currency": CurrencyKind(),
    "rating": RatingKind(),
    "date": DateKind(),
    "datetime": MomentKind(),
    "time": TimeKind(),
    "duration": DurationKind(),
    "switch": SwitchKind(),
    "choice": ChoiceKind(),
    "stage": ChoiceKind(),
    "choices": ChoicesKind(),
    "tags": TagsKind(),
    "link": LinkKind(),
    "user": LinkKind(),
    "department": LinkKind(),
    "links": LinksKind(),
    "users": LinksKind(),
    "departments": LinksKind(),
    "any_link": AnyLinkKind(),
    "address": PartsKind(_ADDRESS),
    "geo": PartsKind(_PLACE, "decimal"),
    "file": FilesKind(),
    "files": FilesKind(),
    "image": FilesKind(),
    "images": FilesKind(),
    "signature": FilesKind(),
}


def kind_of(field: Field) -> Kind:
    """Return how a field is typed; a control nobody knows is a line of text."""
    return _KINDS.get(field.type.control) or _KINDS.get(field.type.name) or _TEXT
