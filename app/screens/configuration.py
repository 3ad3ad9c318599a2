"""The configuration folder as the setup page shows it; read again only when a file changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.configuration_files import ConfigurationFiles, fingerprint_of
from app.database.pending import Pending, find_pending
from app.definitions.jsonschema import kind_of
from app.definitions.load import Loaded
from app.installation import Installation

_OUTSTANDING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Outstanding:
    """What the menu of an administrator tells of the folder."""

    #: errors in its files
    problems: int = 0
    #: changes that wait for somebody to apply them
    changes: int = 0


class Configuration:
    """The folder, and what lies between it and what serves."""

    def __init__(self, core: Any) -> None:
        self.installation = Installation(core.settings, core.pools)
        self._lock = threading.Lock()
        self._seen: Mapping[str, tuple[int, int]] | None = None
        self._loaded: Loaded | None = None
        self._draft: tuple[tuple[int, str, str], Loaded, Loaded] | None = None
        self._schemas: dict[str, Mapping[str, Any]] = {}
        self._outstanding = Outstanding()
        self._outstanding_until = 0.0

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

    @property
    def files(self) -> ConfigurationFiles:
        """What writes the folder."""
        return ConfigurationFiles(self.path)

    def draft(self, name: str, text: str) -> Loaded:
        """Return what the folder would say if a file held *text*; nothing is saved."""
        loaded = self.loaded()
        if loaded.files.get(name) == text:
            return loaded
        key = (id(loaded), name, fingerprint_of(text))
        with self._lock:
            if self._draft is None or self._draft[0] != key:
                files = {**loaded.files, name: text.replace("\r\n", "\n")}
                # Kept with what it was made of, whose identity is part of the key.
                self._draft = (key, self.installation.folder.check(files), loaded)
            return self._draft[1]

    def schema(self, name: str) -> Mapping[str, Any]:
        """Return the JSON Schema of a file, made once for each kind."""
        kind = kind_of(name) or ""
        with self._lock:
            if kind not in self._schemas:
                self._schemas[kind] = self.installation.folder.schema(name)
            return self._schemas[kind]

    def outstanding(self) -> Outstanding:
        """Return what the watcher found last, for the menu; a few seconds old."""
        now = time.monotonic()
        if now >= self._outstanding_until:
            self._outstanding_until = now + _OUTSTANDING_SECONDS
            with self.installation.pools.engine.connect() as connection:
                self._outstanding = _count(find_pending(connection))
        return self._outstanding


def _count(pending: Pending | None) -> Outstanding:
    if pending is None:
        return Outstanding()
    operations = pending.plan["operations"] if pending.plan else ()
    return Outstanding(
        sum(one.get("severity") == "error" for one in pending.problems),
        # What shows in no table still is one change.
        max(1, sum(one["visible"] for one in operations)) if pending.plan else 0,
    )


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
