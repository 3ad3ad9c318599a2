"""People who are deleted cannot sign in: their account is closed in the same transaction.

Restoring the record brings the person back, not the account; that an administrator opens again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.security.people import set_active

if TYPE_CHECKING:
    from app.records.drafts import Draft, Problems
    from app.records.reactions import Change
    from app.records.work import Work

_GONE = frozenset({"delete", "merged", "purge"})


class ClosedAccounts:
    """Closes the account of a person whose record goes into the bin."""

    def concerns(self, work: Work, entity: str) -> bool:  # noqa: ARG002
        """Return whether records of the entity are people."""
        return entity == "user"

    def before_write(
        self, work: Work, draft: Draft, old_row: Mapping[str, Any] | None, problems: Problems
    ) -> None:
        """Leave what is written alone."""

    def after_write(self, work: Work, change: Change) -> None:
        """Close the account, which ends its sessions, tokens and keys."""
        if change.action in _GONE:
            set_active(work.connection, change.record_id, active=False, by=work.user_id)
