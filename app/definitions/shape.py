"""Check one definition against its schema and keep what was written where.

marshmallow walks the schemas; its nested error keys are the path into the document. All sentences
are ours: a `Complaint` carries code, hint and suggestions, and `shape_problems` places them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import marshmallow as ma

from app.definitions.complaints import LOOSE_NAME, NAME, Complaint, check_name, complain
from app.definitions.problems import Code, did_you_mean, nearest
from app.fields.settings import Said, Setting, refuse, written
from app.texts import Label

_LANGUAGE = re.compile(r"[a-z]{2,3}([_-][A-Za-z]{2,4})?\Z")


class Definition(ma.Schema):
    """Base of all schemas: an unknown key is an error, with the nearest known one."""

    class Meta:
        unknown = ma.RAISE

    error_messages = {"unknown": Said("unknown", Code.unknown_key)}  # noqa: RUF012 - marshmallow's way.
    #: What one of it is called in sentences.
    noun = "this"
    #: How it is written, for the reference; a test reads it.
    example: ClassVar[str] = ""

    def read(self, data: Any, what: str = "") -> dict[str, Any]:
        """Return the values of a mapping; a key that was not written is not in it.

        Raises:
            marshmallow.ValidationError: with complaints nested like the data.
        """
        what = what or self.noun
        if not isinstance(data, dict):
            raise complain(
                Code.wrong_shape,
                f"{what} is {written(data) if data is not None else 'empty'}; it must be "
                "`key: value` lines.",
            )
        values = self._read_right(data)
        if values is None:
            values = self._read_wrong(data, what)
        self.check(values, data)
        return values

    def _read_right(self, data: dict[str, Any]) -> dict[str, Any] | None:
        """Return the values of a mapping that is right; None where anything is wrong.

        marshmallow looks at every key there could be, which of ten thousand fields with twenty keys
        takes its time; most mappings are right and have four.
        """
        values: dict[str, Any] = {}
        try:
            for name, setting in self.fields.items():
                value = data.get(name)
                if value is not None:
                    values[name] = setting.deserialize(value, name, data)
        except ma.ValidationError:
            return None
        if len(values) != len(data) or any(key not in values for key in self.required_keys):
            return None
        return values

    def _read_wrong(self, data: dict[str, Any], what: str) -> dict[str, Any]:
        """Return the values of a mapping, or raise everything that is wrong with it."""
        messages: dict[str, Any] = {}
        values: dict[str, Any] = {}
        try:
            values = self.load(data, partial=True)
        except ma.ValidationError as error:
            messages = error.messages  # type: ignore[assignment]
            self._explain_unknown(messages, data, what)
        for key, value in data.items():
            if value is None and key in self.fields and key not in self.may_be_empty:
                sentence = f"`{key}` has no value."
                messages[key] = [
                    Complaint(
                        sentence, Code.empty_value, "Write one, or remove the key.", on_key=True
                    )
                ]
        for key in self.required_keys:
            if key not in data:
                help_ = getattr(self.fields[key], "help", "")
                messages[key] = [
                    Complaint(
                        f"{what} has no `{key}`.",
                        Code.missing_key,
                        f"Add it: {help_}" if help_ else "",
                    )
                ]
        if messages:
            raise ma.ValidationError(messages)
        return values

    def check(self, values: dict[str, Any], data: dict[str, Any]) -> None:
        """Check keys against each other; raise complaints."""

    #: Keys that may stand without a value.
    may_be_empty: frozenset[str] = frozenset()

    @property
    def required_keys(self) -> tuple[str, ...]:
        """The keys that must be there."""
        known = self.__dict__.get("_required_keys")
        if known is None:
            known = tuple(name for name, field in self.fields.items() if field.required)
            self.__dict__["_required_keys"] = known
        return known

    def below(self) -> Iterator[tuple[str, Definition]]:
        """Yield the keys that hold definitions of their own, and those in them: `screens.list`."""
        for name, field in self.fields.items():
            if isinstance(field, Part):
                yield name, field.schema
                for deeper, schema in field.schema.below():
                    yield f"{name}.{deeper}", schema

    def _explain_unknown(self, messages: dict[str, Any], data: dict[str, Any], what: str) -> None:
        unknown = self.error_messages["unknown"]
        for key, found in list(messages.items()):
            if found == [unknown]:
                messages[key] = [self._unknown_key(key, data, what)]
            elif isinstance(found, dict):
                for inner, complaints in found.items():
                    if _is_unknown(complaints) and inner in self.fields and inner not in data:
                        sentence = f"`{inner}` belongs one level further out, beside `{key}`."
                        found[inner] = [
                            Complaint(
                                sentence,
                                Code.misplaced_key,
                                "Indent it by two spaces less.",
                                on_key=True,
                            )
                        ]

    def _unknown_key(self, key: str, data: dict[str, Any], what: str) -> Complaint:
        for path, schema in self.below():
            if key not in schema.fields or nearest(key, self.fields):
                continue
            is_next = path in data
            hint = "Indent it by two more spaces." if is_next else f"Write it below `{path}`."
            where = "one level deeper" if "." not in path else "deeper"
            sentence = f"`{key}` belongs to `{path}`, {where}."
            return Complaint(sentence, Code.misplaced_key, hint, on_key=True)
        legal = [name for name in self.fields if name not in data]
        close = nearest(str(key), legal) or nearest(str(key), self.fields)
        return Complaint(
            f"{what} has no setting `{key}`.",
            Code.unknown_key,
            did_you_mean(close, legal, "Settings"),
            close,
            on_key=True,
        )


def _is_unknown(complaints: Any) -> bool:
    return (
        isinstance(complaints, list)
        and len(complaints) == 1
        and getattr(complaints[0], "code", "") == Code.unknown_key
    )


def add_keys(schema: type[Definition], settings: dict[str, Setting]) -> None:
    """Add keys that are words of Python (`if`, `for`, `from`, `is`) or names of marshmallow."""
    schema._declared_fields.update(settings)


class Value(Setting):
    """A setting of the definitions: reads one value, given the key it stands under."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        del data, kwargs
        return self.read(value, attr or self.name or "")

    def read(self, value: Any, key: str) -> Any:
        """Return what the value means; raise complaints."""
        raise NotImplementedError


def read_setting(setting: Setting, value: Any, key: str) -> Any:
    """Return what a value means to any setting, those of field types included."""
    return setting._deserialize(value, key, None)


class Part(Value):
    """A definition within a definition."""

    takes = "`key: value` lines"

    def __init__(self, schema: Definition, help: str, *, required: bool = False) -> None:  # noqa: A002
        self.schema = schema
        super().__init__(help, required=required)

    def read(self, value: Any, key: str) -> Any:
        return self.schema.read(value, f"`{key}`")

    def json_schema(self) -> dict[str, Any]:
        """Return the schema of the definition."""
        return object_schema(self.schema)


class Labels(Value):
    """One text, or one per language."""

    takes = "a text, or one per language: `{en: …, zh: …}`"

    def read(self, value: Any, key: str) -> Label:
        return read_label(value, key)

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a text or a text by language."""
        return {
            "anyOf": [
                {"type": "string"},
                {"type": "object", "additionalProperties": {"type": "string"}},
            ]
        }


def read_label(value: Any, name: str) -> Label:
    """Return a label for what was written: one text, or one per language."""
    if isinstance(value, str):
        return Label({"en": value})
    if not isinstance(value, dict) or not value:
        raise refuse(f"`{name}` is {written(value)}; it must be {Labels.takes}.", Code.wrong_shape)
    for language, text in value.items():
        if not _LANGUAGE.match(language):
            raise ma.ValidationError(
                {
                    language: [
                        Complaint(
                            f"`{language}` is not the code of a language.",
                            Code.unknown_language,
                            "Write codes such as `en` and `zh`.",
                            on_key=True,
                        )
                    ]
                }
            )
        if not isinstance(text, str):
            raise ma.ValidationError(
                {
                    language: [
                        Complaint(
                            f"The text of `{name}` in `{language}` is missing.", Code.empty_value
                        )
                    ]
                }
            )
    return Label(value)


class Table(Value):
    """Things by name, each described by one setting or definition."""

    takes = "names with their settings"

    def __init__(
        self,
        of: Setting,
        help: str,  # noqa: A002
        *,
        noun: str,
        loose: bool = False,
        reserved: Mapping[str, str] | None = None,
        required: bool = False,
    ) -> None:
        self.of = of
        self.noun = noun
        self.pattern = LOOSE_NAME if loose else NAME
        self.reserved = reserved or {}
        super().__init__(help, required=required)

    def read(self, value: Any, key: str) -> Any:
        if not isinstance(value, dict):
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.wrong_shape)
        messages: dict[str, Any] = {}
        values: dict[str, Any] = {}
        for name, inner in value.items():
            try:
                self.check_name(name)
                values[name] = self.read_one(name, inner)
            except ma.ValidationError as error:
                messages[name] = error.messages
        if messages:
            raise ma.ValidationError(messages)
        return values

    def read_one(self, name: str, inner: Any) -> Any:
        """Return one of the things."""
        if isinstance(self.of, Part):
            return self.of.schema.read({} if inner is None else inner, f"{self.noun} `{name}`")
        if inner is None:
            raise complain(Code.empty_value, f"{self.noun} `{name}` has no value.", key=True)
        return read_setting(self.of, inner, name)

    def check_name(self, name: str) -> None:
        """Refuse a name that is badly made or taken by the language."""
        check_name(name, self.noun, self.pattern, self.reserved)

    def json_schema(self) -> dict[str, Any]:
        """Return that it is an object of such things."""
        return {"type": "object", "additionalProperties": setting_schema(self.of)}


class Items(Value):
    """A list; one thing alone may stand without the list around it."""

    takes = "a list"

    def __init__(
        self,
        of: Setting,
        help: str,  # noqa: A002
        *,
        noun: str = "",
        alone: bool = False,
        required: bool = False,
    ) -> None:
        self.of = of
        self.noun = noun
        #: One thing may stand alone.
        self.alone = alone
        super().__init__(help, required=required)

    def read(self, value: Any, key: str) -> Any:
        if not isinstance(value, list):
            if not self.alone:
                raise refuse(f"`{key}` is {written(value)}; it must be a list.", Code.wrong_shape)
            return [self._read_one(value, key)]
        messages: dict[int, Any] = {}
        values = []
        for index, inner in enumerate(value):
            try:
                values.append(self._read_one(inner, key))
            except ma.ValidationError as error:
                messages[index] = error.messages
        if messages:
            raise ma.ValidationError(messages)
        return values

    def _read_one(self, inner: Any, key: str) -> Any:
        if isinstance(self.of, Part):
            return self.of.schema.read(inner, self.noun or f"`{key}`")
        if inner is None:
            raise complain(Code.empty_value, f"An item of `{key}` is empty.")
        return read_setting(self.of, inner, key)

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a list of such things."""
        one = setting_schema(self.of)
        several = {"type": "array", "items": one}
        return {"anyOf": [one, several]} if self.alone else several


def setting_schema(setting: Any) -> dict[str, Any]:
    """Return the JSON Schema of one setting, with its help."""
    schema = dict(setting.json_schema()) if hasattr(setting, "json_schema") else {}
    help_ = getattr(setting, "help", "")
    return {**schema, "description": help_} if help_ else schema


def object_schema(schema: Definition) -> dict[str, Any]:
    """Return the JSON Schema of a definition."""
    made: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: setting_schema(field) for name, field in schema.fields.items()},
    }
    if schema.required_keys:
        made["required"] = list(schema.required_keys)
    return made
