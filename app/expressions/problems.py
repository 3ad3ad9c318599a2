"""Say what is wrong with an expression, where, and what was probably meant.

Every problem a person can cause with an expression is one ``ExpressionProblem``; nothing else
leaves this room because of what somebody wrote.
"""

import difflib
from collections.abc import Iterable

from app.errors import RequestError
from app.expressions.chinese import in_chinese
from app.texts import Label


class ExpressionProblem(RequestError):
    """A mistake in an expression, with its place in the text."""

    def __init__(
        self,
        code: str,
        message: str,
        column: int = 1,
        end_column: int | None = None,
        suggestions: Iterable[str] = (),
        found: str = "",
    ) -> None:
        super().__init__(message)
        #: A stable word with hyphens, for example ``unknown-name``. It hides the one of the class.
        self.code: str = code  # type: ignore[misc]
        #: Whole sentences for the person who wrote the expression.
        self.message: str = message
        #: The first character concerned, counted from 1.
        self.column = column
        #: The first character behind it, counted from 1.
        self.end_column = column + 1 if end_column is None else end_column
        #: What was probably meant, the likeliest first.
        self.suggestions = tuple(suggestions)
        #: The text concerned, where it is known.
        self.found = found

    @property
    def label(self) -> Label:
        """The sentence in the languages of the product."""
        chinese = in_chinese(self.code, self.found, self.suggestions)
        return Label({"en": self.message, **({"zh": chinese} if chinese else {})})

    def as_json(self, locale: str = "en") -> dict[str, object]:
        """Return the error shape of the API, with the place in the expression."""
        message = self.label.in_language(locale)
        return {"error": {"code": self.code, "message": message, "column": self.column}}

    def __repr__(self) -> str:
        return f"ExpressionProblem({self.code!r}, {self.message!r}, column={self.column})"


def nearest(word: str, legal: Iterable[str]) -> list[str]:
    """Return up to three of *legal* that look like *word*, the likeliest first."""
    by_lower = {name.lower(): name for name in legal}
    found = difflib.get_close_matches(word.lower(), by_lower, n=3, cutoff=0.6)
    return [by_lower[name] for name in found]


def quoted(names: Iterable[str], limit: int = 8) -> str:
    """Return *names* in backticks, separated by commas, at most *limit* of them."""
    listed = list(names)
    shown = ", ".join(f"`{name}`" for name in listed[:limit])
    return f"{shown} and {len(listed) - limit} more" if len(listed) > limit else shown


def hint(suggestions: list[str], legal: Iterable[str]) -> str:
    """Return the sentence that leads on: what was probably meant, or what is possible."""
    if suggestions:
        return f" Did you mean {' or '.join(f'`{name}`' for name in suggestions)}?"
    listed = sorted(legal)
    return f" There is {quoted(listed)}." if listed else ""
