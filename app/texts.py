"""Texts in several languages: labels from YAML and sentences of our own.

The lowest room beside ``errors``: every other room may use it, it knows none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

#: The languages every sentence of the product itself is written in, the fallback first.
OWN_LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Label:
    """One text, in one or more languages.

    A missing language falls back to the first one that was written, then to any at all.
    """

    texts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", MappingProxyType(dict(self.texts)))

    def __hash__(self) -> int:
        return hash(tuple(self.texts.items()))

    def __reduce__(self) -> tuple[type[Label], tuple[dict[str, str]]]:
        return (Label, (dict(self.texts),))

    def in_language(self, language: str) -> str:
        """Return the text for a language tag such as ``en``, ``zh`` or ``zh_CN``."""
        found = self.texts.get(language) or self.texts.get(re.split("[-_]", language)[0])
        return found or next(iter(self.texts.values()), "")

    def __str__(self) -> str:
        return self.in_language(OWN_LANGUAGES[0])

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts.values())

    def format(self, **values: object) -> Label:
        """Return the label with ``{name}`` filled in, a Label in the language it is put into."""
        return Label(
            {
                language: text.format(
                    **{
                        name: value.in_language(language) if isinstance(value, Label) else value
                        for name, value in values.items()
                    }
                )
                for language, text in self.texts.items()
            }
        )


def join(separator: Label | str, parts: Iterable[Label | str]) -> Label:
    """Return several texts as one, put together in each language of the product."""
    known = list(parts)
    return Label(
        {
            language: _in(separator, language).join(_in(part, language) for part in known)
            for language in OWN_LANGUAGES
        }
    )


def _in(text: Label | str, language: str) -> str:
    return text if isinstance(text, str) else text.in_language(language)


def say(en: str, zh: str, **values: object) -> Label:
    """Return a sentence of the product, in both of its languages, with ``{name}`` filled in."""
    label = Label({"en": en, "zh": zh})
    return label.format(**values) if values else label
