"""What is wrong with one value, said by the settings and placed in the file afterwards."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Self

import marshmallow as ma

from app.definitions.document import Document, problem_at
from app.definitions.problems import Code, Problem, quoted
from app.fields.settings import Said

NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
LOOSE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*\Z")
LONGEST_NAME = 50


class Complaint(Said):
    """A sentence with its code, and what leads on."""

    __slots__ = ("hint", "on_key", "suggestions")
    hint: str
    on_key: bool
    suggestions: tuple[str, ...]

    def __new__(
        cls,
        sentence: str,
        code: str,
        hint: str = "",
        suggestions: tuple[str, ...] = (),
        on_key: bool = False,
    ) -> Self:
        """Keep the parts; *on_key* places it at the key instead of the value."""
        made = super().__new__(cls, sentence, code)
        assert isinstance(made, cls)
        made.hint = hint
        made.suggestions = suggestions
        made.on_key = on_key
        return made


def complain(
    code: Code,
    sentence: str,
    hint: str = "",
    suggestions: tuple[str, ...] = (),
    *,
    key: bool = False,
) -> ma.ValidationError:
    """Return the error to raise for a value, or for its key."""
    return ma.ValidationError([Complaint(sentence, code, hint, suggestions, key)])


def check_name(
    name: str, noun: str, pattern: re.Pattern[str] = NAME, reserved: Mapping[str, str] | None = None
) -> None:
    """Refuse a name that is badly made, too long, or has a meaning of its own."""
    if not pattern.match(name) or "__" in name or name.endswith("_"):
        rule = "small letters, digits and `_`" + (" or `-`" if pattern is LOOSE_NAME else "")
        raise complain(
            Code.bad_name,
            f"{_begin(noun)} cannot be called `{name[:60]}`: a name has {rule}, begins with a "
            "letter"
            + (" or digit" if pattern is LOOSE_NAME else "")
            + " and has no two `_` in a row.",
            _possible_name(name),
            key=True,
        )
    if len(name) > LONGEST_NAME:
        raise complain(
            Code.bad_name,
            f"The name `{name[:60]}…` has {len(name)} characters; at most {LONGEST_NAME} may be.",
            key=True,
        )
    if reserved and name in reserved:
        raise complain(
            Code.reserved_name,
            f"{_begin(noun)} cannot be called `{name}`: {reserved[name]}",
            f"Pick another name, for example `{name}_value`."
            if noun == "a field"
            else "Pick another name.",
            key=True,
        )


def _begin(noun: str) -> str:
    return noun[:1].upper() + noun[1:]


def _possible_name(name: str) -> str:
    made = re.sub(r"_+", "_", re.sub(r"[^a-z0-9]+", "_", name.lower())).strip("_")
    return f"For example `{made[:LONGEST_NAME]}`." if made and NAME.match(made) else ""


def shape_problems(document: Document, messages: Any, path: tuple[Any, ...] = ()) -> list[Problem]:
    """Return a located problem for every complaint in *messages*, nested like the data."""
    problems: list[Problem] = []
    if isinstance(messages, dict):
        for key, inner in messages.items():
            deeper = path if key == "_schema" else (*path, key)
            problems += shape_problems(document, inner, deeper)
        return problems
    for said in messages:
        problems.append(_place(document, said, path))
    return problems


def code_of(said: str) -> Code:
    """Return the code of a sentence; words of a plugin's field type are no codes of ours."""
    try:
        return Code(getattr(said, "code", ""))
    except ValueError:
        return Code.bad_setting


def _place(document: Document, said: str, path: tuple[Any, ...]) -> Problem:
    code = code_of(said)
    on_key = getattr(said, "on_key", False)
    if code == Code.missing_key:
        # The key is not there; the definition that lacks it is.
        where = document.spot.at_key(path[:-1])
    elif on_key:
        where = document.spot.at_key(path)
    else:
        where = document.spot.at_value(path)
    return problem_at(
        code, where, str(said), getattr(said, "hint", ""), getattr(said, "suggestions", ())
    )


def one_of(data: Mapping[str, Any], keys: tuple[str, ...], what: str) -> str:
    """Return the one of *keys* that is written; complain where none or several are."""
    found = [key for key in keys if key in data]
    if len(found) == 1:
        return found[0]
    if not found:
        raise ma.ValidationError(
            {keys[0]: [Complaint(f"{what} says nothing of {quoted(keys)}.", Code.missing_key,
                                 "Write one of them.")]}
        )  # fmt: skip
    message = f"{what} says both `{found[0]}` and `{found[1]}`; it must be one."
    raise ma.ValidationError(
        {found[1]: [Complaint(message, Code.conflicting_keys, "Remove one.", on_key=True)]}
    )


def at_key(key: str, message: str, code: Code, hint: str) -> ma.ValidationError:
    """Return what refuses a key, told at the key."""
    return ma.ValidationError({key: [Complaint(message, code, hint, on_key=True)]})
