"""The configuration folder as the setup page shows it; read again only when a file changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.database.pending import find_pending
from app.definitions.load import Loaded
from app.installation import Installation

_COUNT_SECONDS = 5.0


class Configuration:
    """The folder, and what lies between it and what serves."""

    def __init__(self, core: Any) -> None:
        self.installation = Installation(core.settings, core.pools)
        self._lock = threading.Lock()
        self._seen: Mapping[str, tuple[int, int]] | None = None
        self._loaded: Loaded | None = None
        self._count = 0
        self._count_until = 0.0

    @property
    def path(self) -> Path:
        """The configuration folder."""
        return self.installation.folder.path

    def loaded(self) -> Loaded:
        """Return what the folder says now."""
        seen = _stamps(self.path)
        with self._lock:
            if self._loaded is None or seen != self._seen:
                self._loaded = self.installation.folder.load()
                self._seen = seen
            return self._loaded

    def problem_count(self) -> int:
        """Return how many errors the watcher found last, for the menu; a few seconds old."""
        now = time.monotonic()
        if now >= self._count_until:
            self._count_until = now + _COUNT_SECONDS
            with self.installation.pools.engine.connect() as connection:
                waiting = find_pending(connection)
            problems = waiting.problems if waiting is not None else ()
            self._count = sum(one.get("severity") == "error" for one in problems)
        return self._count


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Return when each file was changed last, and its size."""
    found = {}
    for path in folder.rglob("*"):
        try:
            stat = path.stat()
        except OSError:
            # It was there a moment ago: an editor replaces files while they are read.
            continue
        found[str(path)] = (stat.st_mtime_ns, stat.st_size)
    return found
