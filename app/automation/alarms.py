"""What goes wrong with the installation itself, told to its administrators.

Into their inboxes and by e-mail, at most once a day for the same words.
"""

from __future__ import annotations

import hashlib
from typing import Any

from app.access.principal import SYSTEM
from app.automation.outgoing import Outbox
from app.automation.people import Recipient
from app.automation.raising import raise_event
from app.automation.registry import RuleNumbers
from app.notifications.telling import Notice, Teller
from app.records.work import Work
from app.texts import Label, say

#: The words are facts, so that nothing in them is read as a template.
_WORDS = say("{{ facts.en }}", "{{ facts.zh }}")


class Alarms:
    """Tells the administrators."""

    def __init__(
        self, records: Any, teller: Teller, numbers: RuleNumbers, kind: str | None = None
    ) -> None:
        """Take the door, for a transaction, who tells, and what rules call it, if they may wait."""
        self._records, self._teller = records, teller
        self._numbers, self._kind = numbers, kind

    def __call__(self, sentence: Label) -> None:
        """Set off the rules that wait for such a thing; where there is none, tell them."""
        if self._kind and raise_event(self._records, self._numbers, self._kind, sentence):
            return
        self._records.transact(SYSTEM, lambda work: self._tell(work, sentence))

    def _tell(self, work: Work, sentence: Label) -> None:
        roles = work.release.catalog.roles
        people = work.organisation.snapshot().people
        admins = [
            Recipient(number)
            for number, person in sorted(people.items())
            if person.active and any(roles[name].admin for name in person.roles if name in roles)
        ]
        words = hashlib.sha256(str(sentence).encode()).hexdigest()[:16]
        outbox = Outbox()
        notice = Notice(
            kind="system",
            key=f"alarm/{work.calendar.day(work.now).isoformat()}/{words}",
            to=admins,
            via=("inbox", "email"),
            text=_WORDS,
            facts={language: sentence.in_language(language) for language in ("en", "zh")},
        )
        self._teller.tell(work, outbox, notice)
        outbox.flush(work)
