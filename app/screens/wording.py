"""The words of the screens in the reader's language.

Sentences stand in templates and code in English, inside ``_("…")``; their translations in
``translations/<language>.po``, read once at start. There is nothing to compile and nothing that
can be stale. Labels of entities and fields are not here: they come from the configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from babel.messages.pofile import read_po
from markupsafe import Markup, escape

TRANSLATIONS = Path(__file__).parent / "translations"
#: The language the sentences are written in; it needs no file.
SOURCE = "en"


@dataclass(frozen=True, slots=True)
class Wording:
    """The sentences of one language."""

    language: str
    singular: Mapping[str, str] = field(default_factory=dict)
    #: by the English singular: one form, or two (one, many)
    plural: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def say(self, sentence: str, **values: object) -> str:
        """Return the sentence with ``%(name)s`` filled in; a missing translation stays English."""
        text = self.singular.get(sentence, sentence)
        return _fill(text, values)

    def count(self, one: str, many: str, number: int, **values: object) -> str:
        """Return the form for *number*, which may be used as ``%(number)s``."""
        forms = self.plural.get(one) or (one, many)
        text = forms[0] if number == 1 or len(forms) == 1 else forms[1]
        return _fill(text, {"number": number, **values})


def _fill(text: str, values: Mapping[str, object]) -> str:
    if not values:
        return text
    if any(hasattr(value, "__html__") for value in values.values()):
        return Markup(escape(text) % {name: escape(value) for name, value in values.items()})  # noqa: S704 - every part is escaped.
    return text % values


def read_wordings(folder: Path = TRANSLATIONS) -> dict[str, Wording]:
    """Return the wordings by language; English is always there."""
    wordings = {SOURCE: Wording(SOURCE)}
    for path in sorted(folder.glob("*.po")):
        with path.open("rb") as file:
            messages = read_po(file, locale=path.stem)
        singular: dict[str, str] = {}
        plural: dict[str, tuple[str, ...]] = {}
        for message in messages:
            if not message.id or message.fuzzy:
                continue
            if isinstance(message.id, tuple):
                plural[message.id[0]] = tuple(form for form in message.string or () if form)
            elif message.string:
                singular[str(message.id)] = str(message.string)
        wordings[path.stem] = Wording(path.stem, singular, plural)
    return wordings
