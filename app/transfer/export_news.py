"""What somebody is told of an export in the background: that it is there, or why it is not."""

from __future__ import annotations

from typing import Any

from app.access.principal import SYSTEM
from app.automation.outgoing import Outbox
from app.automation.people import Recipient
from app.notifications.telling import Notice, Teller
from app.records.work import Work
from app.texts import Label, say
from app.transfer.export_run import ExportRun

#: The words are facts, so that nothing in them is read as a template.
_WORDS = say("{{ facts.en }}", "{{ facts.zh }}")


class ExportNews:
    """Tells whoever asked for an export."""

    def __init__(self, records: Any, teller: Teller) -> None:
        """Take the door, for a transaction, and who tells."""
        self._records, self._teller = records, teller

    def __call__(self, run: ExportRun, sentence: Label) -> None:
        """Put a sentence into the inbox of its asker, with the way to the export."""
        if run.user_id is not None:
            self._records.transact(SYSTEM, lambda work: self._tell(work, run, sentence))

    def _tell(self, work: Work, run: ExportRun, sentence: Label) -> None:
        outbox = Outbox()
        notice = Notice(
            kind="system",
            key=f"export/{run.id}",
            to=[Recipient(run.user_id)],
            text=_WORDS,
            facts={language: sentence.in_language(language) for language in ("en", "zh")},
            path=f"/exports/{run.id}",
            at_once=True,
        )
        self._teller.tell(work, outbox, notice)
        outbox.flush(work)
