"""Whether rules fire for the writes of a transaction: an import may have them silent, or off."""

from __future__ import annotations

from app.records.work import Work

#: Where an import says it, among what listeners keep of a transaction.
NOTE = "rules"


def rules_are_off(work: Work) -> bool:
    """Return whether no rule fires on what is written."""
    return bool(work.shared.notes.get(NOTE) == "off")


def is_quiet(work: Work) -> bool:
    """Return whether nothing is sent: no message, no call."""
    return work.shared.notes.get(NOTE) in ("off", "silent")
