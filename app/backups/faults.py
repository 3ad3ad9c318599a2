"""What can be wrong with a backup, as a sentence."""

from __future__ import annotations

from app.errors import TrellisError


class BackupFault(TrellisError):
    """A backup cannot be made, read or trusted."""

    code = "backup"
