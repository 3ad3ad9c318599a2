"""Write docs/reference/field-types.md: every field type as its class describes itself.

Run it with ``python -m app.fields.reference``; a test holds the page against this module.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import marshmallow as ma

from app.fields.base import FieldType, OptionLike
from app.fields.registry import builtin_types
from app.fields.settings import Setting
from app.texts import Label

PAGE = Path("docs/reference/field-types.md")
_HEAD = """\
# Reference: field types

<!-- Written by `python -m app.fields.reference`; do not edit. -->

Every type of field with its own settings, beside those every field has (see [keys](keys.md)). *In
the API* is the value as JSON. Exact numbers are texts there, so that no program rounds them. From a
form or a file values are read more freely: full or half width, with thousands separators, in
Chinese or English.

*Filters* are the ways to filter by the field, with the expression each writes. *Made from* are the
types whose values it takes over when a field changes its type; the plan lists the values that do
not fit and would be lost.
"""


@dataclass(frozen=True)
class _Described:
    """A field of a type as the reference speaks of it: the settings are the defaults."""

    name: str = "field"
    label: Label = field(default_factory=Label)
    settings: Mapping[str, Any] = field(default_factory=dict)
    mask: str | None = None
    options: tuple[OptionLike, ...] = ()


#: Settings that must be given, for a field to be described at all.
_GIVEN: Mapping[str, Any] = {
    "to": "customer",
    "options": (),
    "formula": "1",
    "from": "a.b",
    "of": "a.b",
    "fields": {},
    "limit": "",
    "done": "",
}


def page(types: Iterable[FieldType] = ()) -> str:
    """Return the whole page."""
    parts = [_HEAD, *(section(one) for one in types or builtin_types())]
    return "\n".join(parts)


def section(one: FieldType) -> str:
    """Return the section of one type."""
    return "\n".join(_section(one)) + "\n"


def _section(one: FieldType) -> Iterator[str]:
    described = _Described(settings=_defaults(one))
    yield f"## {one.name}\n"
    yield f"{one.label.in_language('en')} / {one.label.in_language('zh')}. {one.help}\n"
    yield f"```yaml\n{one.example}\n```\n"
    settings = one.settings()
    if settings:
        yield "| setting | takes | if not said | |\n| --- | --- | --- | --- |"
        yield from (_row(name, setting) for name, setting in settings.items())
        yield ""
    value = json.dumps(one.example_json, ensure_ascii=False)
    yield f"In the API: `{value}`{'' if one.writable else ', read only'}.\n"
    parts = one.parts(described)
    if parts:
        yield f"Parts: {', '.join(f'`.{part.name}` ({part.label})' for part in parts)}.\n"
    operators = one.operators(described)
    if operators:
        yield "Filters: " + ", ".join(_operator(each) for each in operators) + ".\n"
    made_from = [name for name in one.conversions(described) if name != one.name]
    if made_from:
        yield f"Made from: {', '.join(f'`{name}`' for name in made_from)}."


def _operator(operator: Any) -> str:
    written = operator.template.format(field=_Described.name, value="…", other="…")
    return f"{operator.label} (`{written}`)"


def _row(name: str, setting: Setting) -> str:
    default = "must be said" if setting.required else _written(setting.load_default)
    cells = [
        cell.replace("|", r"\|") for cell in (f"`{name}`", setting.takes, default, setting.help)
    ]
    return f"| {' | '.join(cells)} |"


def _written(default: Any) -> str:
    if default is None or default in ((), ma.missing):
        return ""
    if isinstance(default, bool):
        return "`yes`" if default else "`no`"
    if isinstance(default, tuple):
        return " ".join(f"`{one}`" for one in default)
    is_size = isinstance(default, int) and default >= 1024**2 and default % 1024**2 == 0
    return f"`{default // 1024**2} MB`" if is_size else f"`{default}`"


def _defaults(one: FieldType) -> dict[str, Any]:
    return {
        name: _GIVEN.get(name) if setting.load_default is ma.missing else setting.load_default
        for name, setting in one.settings().items()
    }


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE} written\n")
