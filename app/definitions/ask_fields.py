"""What a button asks for: fields of a small form that belong to no entity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.definitions.automation import Input
from app.definitions.catalog import Field, Option
from app.definitions.drafting import options_of, tree_field
from app.definitions.names import label_from_name
from app.definitions.options import WrittenOptions
from app.definitions.problems import Code
from app.definitions.workflow_values import Site, bind_given
from app.definitions.workshop import Path
from app.expressions.tree import Checked

#: Types that make sense only within a record.
_OF_RECORDS = ("formula", "rollup", "through", "lines", "stage", "serial", "clock", "repeat")


def bind_inputs(
    site: Site, path: Path, asked: Mapping[str, Mapping[str, Any]]
) -> tuple[Input, ...]:
    """Return what a button asks for; a field with a problem is left out."""
    found = []
    for name, wrote in asked.items():
        made = _field(site, (*path, name), name, wrote)
        if made is not None:
            found.append(Input(name, made.label, made, required=made.required is True))
    return tuple(found)


def _field(site: Site, path: Path, name: str, wrote: Mapping[str, Any]) -> Field | None:
    shop, type_name = site.shop, str(wrote["type"])
    if type_name in _OF_RECORDS:
        message = f"A button cannot ask for a field of type `{type_name}`."
        site.problem(Code.wrong_field_type, (*path, "type"), message)
        return None
    for key in ("required", "readonly", "show"):
        if isinstance(wrote.get(key), str):
            message = f"`{key}` of what a button asks is `yes` or `no`."
            site.problem(Code.not_a_switch, (*path, key), message)
            return None
    own = shop.schemas.own(type_name)
    settings = dict(shop.schemas.defaults(type_name))
    settings.update((key, value) for key, value in wrote.items() if key in own)
    options = _options(site, path, settings)
    if options is None or not _targets_exist(site, path, settings):
        return None
    made = Field(
        name=name,
        label=wrote.get("label") or label_from_name(name),
        type=shop.field_types[type_name],
        settings=settings,
        required=wrote.get("required") is True,
        help=wrote.get("help"),
        placeholder=wrote.get("placeholder"),
        options=options,
        place=site.document.place(path, key=True),
    )
    return _finished(site, path, made, wrote)


def _finished(site: Site, path: Path, made: Field, wrote: Mapping[str, Any]) -> Field | None:
    value = made.type.value_type(made, made.options)
    default: Any = None
    if wrote.get("default") is not None:
        given = bind_given(site, (*path, "default"), wrote["default"], made, value)
        if given is None:
            return None
        default = given.checked if given.checked is not None else given.raw
    conditions: dict[str, Checked] = {}
    if isinstance(wrote.get("where"), str):
        for target in made.type.targets(made):
            inner = site.on(target)
            checked = inner.condition((*path, "where"), wrote["where"], "`where`")
            if checked is not None:
                conditions["where"] = checked
    return replace(made, value=value, default=default, conditions=conditions)


def _options(site: Site, path: Path, settings: dict[str, Any]) -> tuple[Option, ...] | None:
    written = settings.get("options")
    if not isinstance(written, WrittenOptions):
        return ()
    shop = site.shop
    if not written.name:
        settings["options"] = ""
        return options_of(shop, site.document, (*path, "options"), written)
    settings["options"] = written.name
    if written.name in shop.options:
        return shop.options[written.name].options
    legal = [one for one in shop.options if "." not in one]
    shop.unknown(
        Code.unknown_options, site.document, (*path, "options"), written.name, legal,
        f"`{written.name}` is no list of options.yaml.",
    )  # fmt: skip
    return None


def _targets_exist(site: Site, path: Path, settings: dict[str, Any]) -> bool:
    targets = settings.get("to")
    listed: tuple[str, ...] = (targets,) if isinstance(targets, str) else tuple(targets or ())
    for target in listed:
        if target not in site.shop.drafts or "." in target:
            message = f"`{target}` is not an entity."
            site.shop.unknown_entity(site.document, (*path, "to"), target, message)
            return False
    if len(listed) == 1 and (tree := tree_field(site.shop, listed[0])):
        settings["target_tree"] = tree
    return True
