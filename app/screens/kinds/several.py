"""Kinds made of several inputs: links with their titles, phones, addresses, files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.definitions.catalog import Field
from app.records.results import Record
from app.screens.controls import Chosen, Control, FileItem, ManyRow, PartInput, Typed, first
from app.screens.kinds.base import ABSENT, FormLook, Kind
from app.texts import Label, say


class LinkKind(Kind):
    """A link: the picker's visible text travels as ``name.title``, the id as ``name``."""

    macro = "link"

    def typed(self, field: Field, record: Record, look: FormLook) -> Typed:  # noqa: ARG002
        linked = record.links.get(field.name) or {}
        title = linked.get("title") or ""
        value = record.values.get(field.name)
        return {
            field.name: ["" if value is None else str(value)],
            f"{field.name}.title": [title or ("" if value is None else f"#{value}")],
        }

    def fill(self, control: Control, field: Field, typed: Typed, look: FormLook) -> None:
        super().fill(control, field, typed, look)
        control.search = f"/crm/{look.entity}/pick/{field.name}"
        title = first(typed, f"{control.input_name}.title")
        control.chosen = [Chosen(control.value, title if control.value else "")]


class LinksKind(LinkKind):
    macro = "links"

    def typed(self, field: Field, record: Record, look: FormLook) -> Typed:  # noqa: ARG002
        linked = record.links.get(field.name) or []
        return {
            field.name: ["", *(str(one["id"]) for one in linked)],
            f"{field.name}.title": ["", *(str(one.get("title") or one["id"]) for one in linked)],
        }

    def raw(self, field: Field, name: str, typed: Typed) -> Any:  # noqa: ARG002
        return [one for one in typed[name] if one] if name in typed else ABSENT

    def fill(self, control: Control, field: Field, typed: Typed, look: FormLook) -> None:
        super().fill(control, field, typed, look)
        control.many = True
        ids = [one for one in typed.get(control.input_name, ()) if one]
        titles = [one for one in typed.get(f"{control.input_name}.title", ()) if one]
        titles += ids[len(titles) :]
        control.chosen = [Chosen(*one) for one in zip(ids, titles, strict=False)]


class AnyLinkKind(LinkKind):
    macro = "any_link"

    def typed(self, field: Field, record: Record, look: FormLook) -> Typed:  # noqa: ARG002
        linked = record.links.get(field.name) or {}
        return {
            f"{field.name}.entity": [linked.get("entity") or ""],
            f"{field.name}.id": [str(linked.get("id") or "")],
            f"{field.name}.id.title": [linked.get("title") or ""],
        }

    def raw(self, field: Field, name: str, typed: Typed) -> Any:  # noqa: ARG002
        if f"{name}.id" not in typed:
            return ABSENT
        entity, number = first(typed, f"{name}.entity"), first(typed, f"{name}.id")
        return {"entity": entity, "id": number} if entity and number else None

    def fill(self, control: Control, field: Field, typed: Typed, look: FormLook) -> None:
        control.control = self.macro
        control.search = f"/crm/{look.entity}/pick/{field.name}"
        entity = first(typed, f"{control.input_name}.entity")
        control.options = [
            Chosen(
                name, look.catalog.entities[name].label.in_language(look.language), name == entity
            )
            for name in field.type.targets(field)
            if name in look.catalog.entities
        ]
        number = first(typed, f"{control.input_name}.id")
        control.chosen = [Chosen(number, first(typed, f"{control.input_name}.id.title"))]
        control.alive = True


class ManyKind(Kind):
    """Several phones, e-mails or addresses, each with a kind."""

    macro = "many"

    def __init__(self, input_type: str, key: str) -> None:
        self.input_type = input_type
        self.key = key

    def typed(self, field: Field, record: Record, look: FormLook) -> Typed:  # noqa: ARG002
        value = record.values.get(field.name)
        return {
            f"{field.name}.there": ["yes"],
            f"{field.name}.value": [str(one.get(self.key) or "") for one in value or ()],
            f"{field.name}.kind": [str(one.get("kind") or "") for one in value or ()],
        }

    def raw(self, field: Field, name: str, typed: Typed) -> Any:
        if f"{name}.there" not in typed:
            return ABSENT
        kinds = typed.get(f"{name}.kind", ())
        has_kinds = bool(field.settings.get("kinds"))
        return [
            {
                self.key: value,
                **({"kind": kinds[n] or None} if has_kinds and n < len(kinds) else {}),
            }
            for n, value in enumerate(typed.get(f"{name}.value", ()))
            if value.strip()
        ]

    def fill(self, control: Control, field: Field, typed: Typed, look: FormLook) -> None:
        control.control = self.macro
        control.input_type = self.input_type
        values = typed.get(f"{control.input_name}.value", ())
        kinds = typed.get(f"{control.input_name}.kind", ())
        control.rows = [
            ManyRow(value, kinds[n] if n < len(kinds) else "") for n, value in enumerate(values)
        ] or [ManyRow()]
        control.options = [
            Chosen(name, _KINDS_OF.get(name, Label({"en": name})).in_language(look.language))
            for name in field.settings.get("kinds") or ()
        ]


_KINDS_OF = {
    "mobile": say("mobile", "手机"),
    "office": say("office", "办公"),
    "home": say("home", "家庭"),
    "work": say("work", "工作"),
    "private": say("private", "个人"),
    "fax": say("fax", "传真"),
    "other": say("other", "其他"),
    "website": say("website", "官网"),
    "shop": say("shop", "店铺"),
}


class PartsKind(Kind):
    """A value of several inputs: an address, a place on the map."""

    macro = "parts"

    def __init__(self, parts: tuple[tuple[str, Label], ...], mode: str = "") -> None:
        self.parts = parts
        self.mode = mode

    def typed(self, field: Field, record: Record, look: FormLook) -> Typed:  # noqa: ARG002
        value = record.values.get(field.name)
        held = field.type.to_json(field, value) if value is not None else None
        held = held if isinstance(held, Mapping) else {}
        return {
            f"{field.name}.{name}": ["" if held.get(name) is None else str(held[name])]
            for name, _ in self.parts
        }

    def raw(self, field: Field, name: str, typed: Typed) -> Any:  # noqa: ARG002
        if not any(f"{name}.{part}" in typed for part, _ in self.parts):
            return ABSENT
        found = {part: first(typed, f"{name}.{part}").strip() for part, _ in self.parts}
        return {part: text for part, text in found.items() if text} or None

    def fill(self, control: Control, field: Field, typed: Typed, look: FormLook) -> None:  # noqa: ARG002
        control.control = self.macro
        control.parts = [
            PartInput(
                name,
                label.in_language(look.language),
                first(typed, f"{control.input_name}.{name}"),
                self.mode,
            )
            for name, label in self.parts
        ]


class FilesKind(Kind):
    """Files: uploaded at once, so that a form that is shown again has them still."""

    macro = "files"

    def typed(self, field: Field, record: Record, look: FormLook) -> Typed:  # noqa: ARG002
        linked = record.links.get(field.name) or []
        several = linked if isinstance(linked, list) else [linked]
        return {
            field.name: ["", *(str(one["id"]) for one in several)],
            f"{field.name}.name": [str(one["name"]) for one in several],
        }

    def raw(self, field: Field, name: str, typed: Typed) -> Any:
        if name not in typed:
            return ABSENT
        ids = [one for one in typed[name] if one]
        return ids if field.type.many else (ids[-1] if ids else None)

    def fill(self, control: Control, field: Field, typed: Typed, look: FormLook) -> None:
        control.control = self.macro
        control.many = field.type.many
        control.upload = f"/crm/{look.entity}/upload/{field.name}"
        control.button = (
            look.wording.say("Choose files") if control.many else look.wording.say("Choose a file")
        )
        if field.type.name in ("image", "images", "signature"):
            control.accept = "image/*"
        ids = [one for one in typed.get(control.input_name, ()) if one]
        names = list(typed.get(f"{control.input_name}.name", ()))
        control.files = [
            FileItem(number, names[n] if n < len(names) else f"#{number}", "", f"/files/{number}")
            for n, number in enumerate(ids)
        ]
