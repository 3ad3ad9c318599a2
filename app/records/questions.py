"""What somebody asks of a list, as it comes from a URL or a screen, made into a `Question`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.errors import Malformed
from app.records import finding
from app.records.filters import shortcut_keys
from app.records.planning import Names, Question
from app.records.reading import MOST_ROWS
from app.texts import say

FieldNames = str | Sequence[str] | None


def names_of(names: FieldNames) -> Names:
    """Return names as a question holds them."""
    return names if names is None or isinstance(names, str) else tuple(names)


def question_of(
    entity: str,
    form: str,
    fields: FieldNames,
    filter_text: str | None,
    where: Mapping[str, Any] | None,
    sort: str | None,
    expand: FieldNames,
    view: str | None,
    search: str | None,
    *,
    in_bin: bool = False,
) -> tuple[Question, dict[str, Any]]:
    """Return the shape of what is asked, and the values that go with it."""
    shortcuts = where or {}
    words = finding.read_words(search) if search and search.strip() else None
    question = Question(
        entity,
        form,
        names_of(fields),
        filter_text or None,
        shortcut_keys(shortcuts) if shortcuts else (),
        sort or None,
        names_of(expand),
        view or None,
        words.kinds if words else (),
        in_bin,
    )
    return question, {"where": shortcuts, "words": words}


def page_size(limit: object) -> int:
    """Read ``limit``.

    Raises:
        Malformed: it is not a whole number from 1 to 100.
    """
    text = str(limit)
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= MOST_ROWS:
        raise Malformed(
            say(
                "`limit` is a whole number from 1 to {most}, not `{value}`.",
                "limit 必须是 1 到 {most} 的整数，不能是“{value}”。",
                most=MOST_ROWS,
                value=text[:40],
            )
        )
    return int(text)
