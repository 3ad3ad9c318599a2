"""The settings a field type may have, as marshmallow fields that speak like people.

A scalar of YAML arrives here as it was written or as a plain number or switch; each class reads it
as what its key asks for. A problem is a `Said`: a sentence with a stable code, which the
definitions room places in the file.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Self

import marshmallow as ma

from app.expressions.patterns import read_pattern

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_SIZE = re.compile(r"(\d+)\s*(KB|MB|GB)\Z", re.IGNORECASE)
_UNITS = {"KB": 1024, "MB": 1024**2, "GB": 1024**3}
_YES = ("yes", "true")
_NO = ("no", "false")


class Said(str):
    """A sentence about a problem, with its code."""

    __slots__ = ("code",)
    code: str

    def __new__(cls, sentence: str, code: str = "bad-value") -> Self:
        said = super().__new__(cls, sentence)
        said.code = code
        return said


def refuse(sentence: str, code: str = "bad-value") -> ma.ValidationError:
    """Return the error to raise for a setting that cannot be used."""
    return ma.ValidationError([Said(sentence, code)])


def nearest(word: str, legal: Sequence[str]) -> str:
    """Return `` Did you mean …?`` or the legal words, for the end of a sentence."""
    close = difflib.get_close_matches(word, legal, n=1, cutoff=0.6)
    if close:
        return f" Did you mean `{close[0]}`?"
    return f" It can be: {', '.join(f'`{one}`' for one in list(legal)[:8])}." if legal else ""


def written(value: object) -> str:
    """Return a value as its author wrote it, near enough to be found again."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    return f"`{value}`"


class Setting(ma.fields.Field[Any]):
    """Base of all settings: knows its help and what an editor should offer."""

    #: What the reference says it takes.
    takes = "a text"

    def __init__(self, help: str, default: Any = None, *, required: bool = False) -> None:  # noqa: A002
        self.help = help
        arguments: dict[str, Any] = {"required": True} if required else {"load_default": default}
        super().__init__(allow_none=not required and default is None, **arguments)

    def make_error(self, key: str, **kwargs: Any) -> ma.ValidationError:
        """Say what is missing in our own words."""
        if key in ("required", "null"):
            return refuse(f"`{self.name}` is missing: {self.help}", "missing-key")
        return super().make_error(key, **kwargs)

    def json_schema(self) -> dict[str, Any]:
        """Return what an editor may offer for it."""
        return {}

    def _text(self, value: object) -> str:
        if isinstance(value, bool | Mapping | list | tuple) or value is None:
            raise refuse(
                f"`{self.name}` is {written(value)}; it must be {self.takes}.", "not-a-text"
            )
        return str(value)


class Plain(Setting):
    """A text as it stands."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return self._text(value)

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a text."""
        return {"type": "string"}


class Name(Plain):
    """The name of a field, entity or the like; that it exists is checked by the definitions."""

    takes = "a name"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = self._text(value)
        if not all(_NAME.match(part) for part in text.split(".")):
            raise refuse(
                f"`{self.name}` is `{text}`; a name has small letters, digits and `_`, and begins "
                "with a letter.",
                "bad-name",
            )
        return text


class ExpressionText(Plain):
    """An expression, kept as its text; the definitions check it."""

    takes = "an expression"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if isinstance(value, bool):
            return "True" if value else "False"
        return self._text(value)


class Written(Setting):
    """Anything, as it was written; the definitions read it."""

    takes = "what the definitions say"

    def __init__(
        self,
        help: str,  # noqa: A002
        default: Any = None,
        *,
        required: bool = False,
        takes: str = "",
    ) -> None:
        super().__init__(help, default, required=required)
        self.takes = takes or self.takes

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return value


class Switch(Setting):
    """Yes or no."""

    takes = "`yes` or `no`"

    def __init__(self, help: str, *, default: bool = False) -> None:  # noqa: A002
        super().__init__(help, default)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if isinstance(value, bool):
            return value
        if str(value) in _YES or str(value) in _NO:
            return str(value) in _YES
        raise refuse(f"`{self.name}` is {written(value)}; it must be {self.takes}.", "not-a-switch")

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a switch."""
        return {"enum": [True, False, "yes", "no"]}


class WholeNumber(Setting):
    """A whole number between bounds."""

    def __init__(
        self,
        help: str,  # noqa: A002
        default: int | None = None,
        *,
        least: int | None = None,
        most: int | None = None,
    ) -> None:
        super().__init__(help, default)
        self.least, self.most = least, most
        self.takes = f"a whole number{_range(least, most)}"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        text = written(value).strip("`").replace("_", "")
        if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII):
            raise refuse(
                f"`{self.name}` is {written(value)}; it must be {self.takes}.", "not-a-number"
            )
        number = int(text)
        if (self.least is not None and number < self.least) or (
            self.most is not None and number > self.most
        ):
            raise refuse(f"`{self.name}` is {number}; it must be {self.takes}.", "out-of-range")
        return number

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a whole number, with its bounds."""
        bounds = {"minimum": self.least, "maximum": self.most}
        return {"type": "integer", **{k: v for k, v in bounds.items() if v is not None}}


class ExactNumber(Setting):
    """A number, kept exact."""

    takes = "a number"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        try:
            number = Decimal(written(value).strip("`"))
        except InvalidOperation:
            number = Decimal("NaN")
        if isinstance(value, bool) or not number.is_finite() or abs(number.adjusted()) > 30:
            raise refuse(
                f"`{self.name}` is {written(value)}; it must be {self.takes}.", "not-a-number"
            )
        return number

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a number."""
        return {"type": "number"}


class Day(Setting):
    """A date."""

    takes = "a date such as 2026-01-31"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        try:
            return date.fromisoformat(written(value).strip("`"))
        except ValueError:
            raise refuse(
                f"`{self.name}` is {written(value)}; it must be {self.takes}.", "not-a-date"
            ) from None

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a date."""
        return {"type": "string", "format": "date"}


class Word(Setting):
    """One of a few words."""

    def __init__(self, help: str, default: str | None = None, *, among: Sequence[str]) -> None:  # noqa: A002
        super().__init__(help, default)
        self.among = tuple(among)
        self.takes = "one of " + ", ".join(f"`{word}`" for word in self.among)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = self._text(value)
        if text not in self.among:
            raise refuse(
                f"`{self.name}` cannot be `{text}`.{nearest(text, self.among)}", "unknown-word"
            )
        return text

    def json_schema(self) -> dict[str, Any]:
        """Return the words."""
        return {"enum": list(self.among)}


class Names(Setting):
    """One name or a list of them."""

    takes = "a name, or a list of names"

    def __init__(
        self,
        help: str,  # noqa: A002
        default: tuple[str, ...] = (),
        *,
        among: Sequence[str] = (),
        required: bool = False,
    ) -> None:
        super().__init__(help, default, required=required)
        self.among = tuple(among)

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> tuple[str, ...]:
        listed = value if isinstance(value, list | tuple) else [value]
        names = tuple(self._text(one) for one in listed)
        for name in names:
            if not _NAME.match(name):
                raise refuse(f"`{self.name}` holds `{name}`, which is not a name.", "bad-name")
            if self.among and name not in self.among:
                raise refuse(
                    f"`{self.name}` cannot hold `{name}`.{nearest(name, self.among)}",
                    "unknown-word",
                )
            if names.count(name) > 1:
                raise refuse(f"`{self.name}` holds `{name}` twice.", "duplicate-key")
        return names

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a name or several."""
        one: dict[str, Any] = {"enum": list(self.among)} if self.among else {"type": "string"}
        return {"anyOf": [one, {"type": "array", "items": one}]}


class PatternSetting(Setting):
    """A regular expression that a whole value must match, in a dialect that is always quick."""

    takes = "a regular expression"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = self._text(value)
        try:
            read_pattern(text)
            read_pattern(whole(text))
        except ValueError as error:
            raise refuse(f"`{self.name}` cannot be used. {error}", "bad-pattern") from None
        return text

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a regular expression."""
        return {"type": "string", "format": "regex"}


def whole(pattern: str) -> str:
    """Return the pattern that fits only a whole value."""
    return f"^(?:{pattern})$"


class Size(Setting):
    """A size of files, in bytes when read."""

    takes = "a size such as `20 MB`"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        found = _SIZE.match(written(value).strip("`"))
        size = int(found[1]) * _UNITS[found[2].upper()] if found else 0
        if not 1 <= size <= 2 * _UNITS["GB"]:
            raise refuse(
                f"`{self.name}` is {written(value)}; it must be {self.takes}, at most 2 GB.",
                "not-a-size",
            )
        return size

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a size."""
        return {"type": "string", "pattern": r"^\d+ ?(KB|MB|GB)$"}


def _range(least: int | None, most: int | None) -> str:
    if least is not None and most is not None:
        return f" from {least} to {most}"
    if least is not None:
        return f", at least {least}"
    return f", at most {most}" if most is not None else ""
