"""Rows that are left out, and why, in the words of the file."""

from __future__ import annotations

from typing import Any

from app.definitions.catalog import Entity
from app.errors import TrellisError
from app.fields.reading import shown
from app.texts import Label, say
from app.transfer.rows import Missing, Reason


class RefusedRow(Exception):
    """A row that the plan leaves out, with the reasons."""

    def __init__(self, *reasons: Reason) -> None:
        super().__init__()
        self.reasons = reasons


def why_not_made(missing: Missing, parent: Entity, error: TrellisError) -> list[Reason]:
    """Return why what a row names cannot be made."""
    sentences = [one for many in error.fields.values() for one in many] or [error.message]
    return [
        Reason(
            say(
                "There is no {entity} “{title}”, and it cannot be made: {why}",
                "没有名为“{title}”的{entity}，也无法新建：{why}",
                entity=parent.label,
                title=shown(missing.title),
                why=label_of(one),
            ),
            missing.column,
            missing.goes_to[1].name,
        )
        for one in sentences
    ]


def label_of(sentence: Any) -> Label:
    """Return what was said of a row as it is kept."""
    return sentence if isinstance(sentence, Label) else Label({"en": str(sentence)})
