"""What to know about a plan beside its operations, such as whom a rule would remind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.texts import Label


@dataclass(frozen=True, slots=True)
class Outlook:
    """One thing that follows from a plan."""

    subject: str
    words: Label
    details: tuple[Label, ...] = ()
    #: the same for programs
    data: Mapping[str, Any] = field(default_factory=dict)
    #: somebody is to read it before it happens, so it does not happen because a file was saved
    waits: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as a plan's JSON has it; words are English."""
        return {
            "subject": self.subject,
            "words": str(self.words),
            "details": [str(one) for one in self.details],
            **self.data,
        }
