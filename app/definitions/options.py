"""Lists of options: shared ones of options.yaml, those of one field, and those read from CSV.

A list is written as names, as names with labels, as names with settings, or as a tree.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import marshmallow as ma

from app.definitions.catalog import Option
from app.definitions.complaints import Complaint, check_name
from app.definitions.names import RESERVED_OPTIONS, label_from_name
from app.definitions.problems import Code, did_you_mean, nearest
from app.definitions.shape import Definition, Labels, Value, object_schema, read_label
from app.fields.settings import (
    ExpressionText,
    Names,
    Plain,
    Switch,
    Word,
    Written,
    refuse,
    written,
)

COLORS = ("gray", "blue", "teal", "green", "yellow", "orange", "red", "purple", "pink")
OPTION_NAME = re.compile(r"[a-z0-9][a-z0-9_]*\Z")
_LANGUAGE = re.compile(r"[a-z]{2}(_[A-Z]{2})?\Z")


class OptionSchema(Definition):
    """One option of a choice."""

    noun = "an option"
    example = """
label: {en: Key, zh: 重点}
color: red
was: d
"""

    label = Labels("What people read; without one it is made from the name.")
    color = Word("The colour of its dot.", among=COLORS)
    was = Names("Its former name: records move along.")
    becomes = Plain("The option that records get which still have this one.")
    offer = ExpressionText("The condition under which it is offered.")
    removed = Switch("It stays on old records and is offered no more.")
    has = Written("The options below it, which makes the list a tree.", takes="options by name")


@dataclass(frozen=True, slots=True)
class OptionDefinition:
    """One option as it was written, and where."""

    option: Option
    offer: str | None
    path: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class WrittenOptions:
    """What stands behind `options:`: the name of a shared list, a CSV file, or the options."""

    name: str = ""
    csv_file: str = ""
    options: tuple[OptionDefinition, ...] = field(default=())


class OptionsSetting(Value):
    """A list of options, or the name of one of options.yaml."""

    takes = "the name of a list of options.yaml, or options"
    schema = OptionSchema()

    def __init__(self, help: str, *, required: bool = False) -> None:  # noqa: A002
        super().__init__(help, required=required)

    def read(self, value: Any, key: str) -> WrittenOptions:
        if isinstance(value, str):
            return WrittenOptions(name=value)
        if isinstance(value, dict) and list(value) == ["from"] and isinstance(value["from"], str):
            return WrittenOptions(csv_file=value["from"])
        if not isinstance(value, list | dict) or not value:
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.wrong_shape)
        messages: dict[Any, Any] = {}
        options = tuple(self._read(value, (), None, messages))
        seen: dict[str, tuple[Any, ...]] = {}
        for one in options:
            if one.option.name in seen:
                _put(
                    messages,
                    one.path,
                    Complaint(
                        f"The option `{one.option.name}` is there twice.",
                        Code.duplicate_name,
                        "Rename or remove one of them.",
                        on_key=True,
                    ),
                )
            seen[one.option.name] = one.path
        if messages:
            raise ma.ValidationError(messages)
        return WrittenOptions(options=options)

    def _read(
        self, value: Any, path: tuple[Any, ...], parent: str | None, messages: dict[Any, Any]
    ) -> Iterator[OptionDefinition]:
        if isinstance(value, list):
            for index, name in enumerate(value):
                if not isinstance(name, str):
                    _put(
                        messages,
                        (*path, index),
                        Complaint(
                            f"An option is {written(name)}; it must be a name.",
                            Code.wrong_shape,
                            "Options with settings are written as `name: {…}`.",
                        ),
                    )
                    continue
                yield from self._one(name, {}, (*path, index), parent, messages)
        elif isinstance(value, dict):
            for name, inner in value.items():
                yield from self._one(name, inner, (*path, name), parent, messages)
        else:
            _put(
                messages,
                path,
                Complaint(f"`has` is {written(value)}; it must be options.", Code.wrong_shape),
            )

    def _one(
        self,
        name: str,
        inner: Any,
        path: tuple[Any, ...],
        parent: str | None,
        messages: dict[Any, Any],
    ) -> Iterator[OptionDefinition]:
        try:
            check_name(name, "an option", OPTION_NAME, RESERVED_OPTIONS)
            if isinstance(inner, str):
                settings: dict[str, Any] = {"label": read_label(inner, name)}
            elif isinstance(inner, dict) and inner and all(_LANGUAGE.match(key) for key in inner):
                settings = {"label": read_label(inner, name)}
            else:
                settings = self.schema.read({} if inner is None else inner, f"The option `{name}`")
        except ma.ValidationError as error:
            _merge(messages, path, error.messages)
            return
        yield OptionDefinition(
            Option(
                name=name,
                label=settings.get("label") or label_from_name(name),
                color=settings.get("color"),
                parent=parent,
                was=settings.get("was", ()),
                becomes=settings.get("becomes"),
                removed=settings.get("removed", False),
            ),
            settings.get("offer"),
            path,
        )
        if settings.get("has"):
            yield from self._read(settings["has"], (*path, "has"), name, messages)

    def json_schema(self) -> dict[str, Any]:
        """Return the forms a list of options may have."""
        label = {
            "type": "object",
            "patternProperties": {"^[a-z]{2}(_[A-Z]{2})?$": {"type": "string"}},
            "additionalProperties": False,
            "minProperties": 1,
        }
        option = {"anyOf": [{"type": ["string", "null"]}, label, object_schema(self.schema)]}
        return {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}},
                {
                    "type": "object",
                    "required": ["from"],
                    "properties": {"from": {"type": "string"}},
                },
                {"type": "object", "additionalProperties": option},
            ]
        }


def _put(messages: dict[Any, Any], path: tuple[Any, ...], complaint: Complaint) -> None:
    _merge(messages, path, [complaint])


def _merge(messages: dict[Any, Any], path: tuple[Any, ...], found: Any) -> None:
    here = messages
    for step in path[:-1]:
        here = here.setdefault(step, {})
        if not isinstance(here, dict):
            return
    here[path[-1]] = found


def read_csv_options(text: str) -> tuple[tuple[Option, ...], list[tuple[int, str]]]:
    """Return the options of a CSV file, and what is wrong by line.

    The first line names the columns: `name`, then `label` or a column per language (`en`, `zh`),
    and perhaps `parent` and `color`.
    """
    problems: list[tuple[int, str]] = []
    options: list[Option] = []
    names: set[str] = set()
    try:
        rows = list(csv.DictReader(text.removeprefix("\ufeff").splitlines(), strict=True))
    except csv.Error as error:
        return (), [(1, f"The file cannot be read as CSV: {error}.")]
    if not rows or "name" not in rows[0]:
        return (), [(1, "The first line of the file must name its columns; one is `name`.")]
    for line, row in enumerate(rows, start=2):
        option, sentence = _csv_option(row, names)
        if sentence or option is None:
            problems.append((line, sentence))
            continue
        names.add(option.name)
        options.append(option)
    return tuple(options), problems


def _csv_option(row: dict[str, Any], names: set[str]) -> tuple[Option | None, str]:
    name = (row.get("name") or "").strip()
    parent = (row.get("parent") or "").strip() or None
    color = (row.get("color") or "").strip() or None
    if not OPTION_NAME.match(name) or name in RESERVED_OPTIONS or len(name) > 50:
        return (
            None,
            f"`{name}` is no name: an option has small letters, digits and `_`, at most 50.",
        )
    if name in names:
        return None, f"The option `{name}` is there twice."
    if parent is not None and parent not in names:
        return None, f"`{parent}` stands above `{name}`, but no line before names it."
    if color is not None and color not in COLORS:
        close = nearest(color, COLORS)
        return None, f"`{color}` is not a colour. {did_you_mean(close, COLORS)}"
    texts = {
        key: text.strip()
        for key, text in row.items()
        if isinstance(key, str) and _LANGUAGE.match(key) and isinstance(text, str) and text.strip()
    }
    label = (row.get("label") or "").strip()
    made = read_label(texts or label, name) if texts or label else label_from_name(name)
    return Option(name=name, label=made, parent=parent, color=color), ""
