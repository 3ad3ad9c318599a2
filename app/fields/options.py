"""Finding options and their labels, whatever the field."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from app.expressions.types import Kind, Type
from app.fields.base import (
    FieldError,
    FieldLike,
    OptionLike,
    ParseContext,
)
from app.fields.normal import normal
from app.fields.reading import (
    shown,
    suggestion,
)
from app.texts import Label, say

#: So many options a sentence names.
_MOST_LISTED = 12


def choice_type(options: Sequence[OptionLike]) -> Type:
    """Return the type of one of these options, which know their order and their parents."""
    return Type(
        Kind.choice,
        options=tuple(option.name for option in options),
        parents={option.name: option.parent for option in options if option.parent},
    )


def words_of(field: FieldLike) -> dict[str, str]:
    """Return what may stand for an option in a text: its name and its labels, to its name.

    A name wins over another option's label, the first of two equal labels over the second.
    """
    words: dict[str, str] = {}
    for option in reversed(field.options):
        words.update(dict.fromkeys(option.label, option.name))
    words.update({option.name: option.name for option in field.options})
    return words


def find_option(field: FieldLike, text: str, context: ParseContext) -> str:
    """Return the name of the option that *text* names.

    Raises:
        FieldError: there is none, or it was removed; with the nearest one.
    """
    offered = [option for option in field.options if not option.removed]
    for option in offered:
        if option.name == text:
            return option.name
    if not context.strict:
        wanted = normal(text)
        for word, name in words_of(field).items():
            if normal(word) == wanted and any(option.name == name for option in offered):
                return name
    if any(option.removed and option.name == text for option in field.options):
        raise FieldError(
            say(
                "“{value}” is offered no more; choose another option.",
                "选项“{value}”已停用，请另选一项。",
                value=shown(text),
            ),
            "removed-option",
        )
    if context.for_people:
        hint = _labels_hint(text, offered)
    else:
        hint = suggestion(text, [option.name for option in offered])
    raise FieldError(
        say(
            "There is no option “{value}”.{hint}",
            "没有选项“{value}”。{hint}",
            value=shown(text),
            hint=hint,
        ),
        "unknown-option",
    )


def _labels_hint(text: str, offered: Sequence[OptionLike]) -> Label:
    """Return the nearest option, or those there are, as people read them."""
    by_word = {
        word: option for option in reversed(offered) for word in (option.name, *option.label)
    }
    close = difflib.get_close_matches(text, by_word, n=1, cutoff=0.6)
    if close:
        nearest = by_word[close[0]]
        word = nearest.label if nearest.label.texts else nearest.name
        return say(" Did you mean “{word}”?", "您是不是要填“{word}”？", word=word)
    more = len(offered) > _MOST_LISTED
    listed = Label(
        {
            language: between.join(
                option.label.in_language(language) or option.name
                for option in offered[:_MOST_LISTED]
            )
            for language, between in (("en", ", "), ("zh", "、"))
        }
    )
    if not offered:
        return say("", "")
    if more:
        return say(" There is: {listed} …", "可选：{listed} 等。", listed=listed)
    return say(" There is: {listed}.", "可选：{listed}。", listed=listed)


def label_of(field: FieldLike, name: str, language: str) -> str:
    """Return an option's label, or its name where it is no option any more."""
    for option in field.options:
        if option.name == name:
            return option.label.in_language(language) or name
    return name


def all_labels(field: FieldLike, names: Sequence[str]) -> str:
    """Return the labels of options in every language, each word once."""
    labels = {option.name: list(option.label) for option in field.options}
    found = [label for name in names for label in (labels.get(name) or [name])]
    return " ".join(dict.fromkeys(found))
