"""The folder backups lie in: their names, which there are, and which are old enough to go."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

_NAME = re.compile(r"trellis-(\d{8}T\d{6}Z)(?:-\d+)?\.backup")
_MOMENT = "%Y%m%dT%H%M%SZ"
#: Files under way; one that is older than this was left by a process that died.
DRAFT, _LEFT = ".part", timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Found:
    """One backup that lies there."""

    path: Path
    made_at: datetime
    size: int


class Place:
    """A folder of backups."""

    def __init__(self, folder: Path) -> None:
        """Name it; it is made when the first is written."""
        self.folder = folder

    @property
    def called(self) -> str:
        """Return how the place is named to people."""
        return str(self.folder)

    def create(self) -> None:
        """Make the folder, closed to everybody else, and clear away what a dead process left."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        oldest = datetime.now(UTC) - _LEFT
        for each in self.folder.glob(f"*{DRAFT}"):
            if datetime.fromtimestamp(each.stat().st_mtime, UTC) < oldest:
                each.unlink(missing_ok=True)

    def new_path(self, now: datetime) -> Path:
        """Return a name that nothing has yet."""
        stem = f"trellis-{now.astimezone(UTC).strftime(_MOMENT)}"
        path, number = self.folder / f"{stem}.backup", 1
        while path.exists():
            number += 1
            path = self.folder / f"{stem}-{number}.backup"
        return path

    def draft_of(self, path: Path) -> Path:
        """Return where a backup is written before it is whole."""
        return path.with_name(f"{path.name}.{os.getpid()}{DRAFT}")

    def all(self) -> list[Found]:
        """Return the backups that are whole, the newest first."""
        return sorted(self._all(), key=lambda one: (one.made_at, one.path.name), reverse=True)

    def _all(self) -> Iterator[Found]:
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            if path.is_file():
                found = found_of(path, path.stat().st_size)
                if found is not None:
                    yield found

    def named(self, name: str) -> Path | None:
        """Return the backup of that name, if it is one of ours and there."""
        path = self.folder / name
        return path if _NAME.fullmatch(name) and path.is_file() else None

    def keep_lists(self) -> None:
        """Keep the lists that lie beside backups; here they are where they belong."""

    def keep(self, path: Path, digest: str) -> None:
        """Take a backup that is whole: here it lies already."""

    @contextmanager
    def opened(self, path: Path) -> Iterator[Path]:
        """Yield the file of a backup that lies here."""
        yield path

    def prune(self, now: datetime, days: int) -> list[str]:
        """Remove those older than so many days, but never the newest; return their names."""
        gone = []
        for one in self.all()[1:]:
            if is_old(one, now, days):
                one.path.unlink()
                sum_path(one.path).unlink(missing_ok=True)
                gone.append(one.path.name)
        return gone


def found_of(path: Path, size: int) -> Found | None:
    """Return a backup by its name; None where it is called otherwise."""
    known = _NAME.fullmatch(path.name)
    if known is None:
        return None
    return Found(path, datetime.strptime(known[1], _MOMENT).replace(tzinfo=UTC), size)


def is_old(one: Found, now: datetime, days: int) -> bool:
    """Whether a backup was made more than so many days ago."""
    return now - one.made_at > timedelta(days=days)


def sum_path(path: Path) -> Path:
    """Return where the checksum of a backup stands."""
    return path.with_name(f"{path.name}.sha256")


def write_sum(path: Path, digest: str) -> None:
    """Write a checksum as `sha256sum -c` reads it."""
    sum_path(path).write_text(f"{digest}  {path.name}\n", "utf-8")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def settle(draft: Path, path: Path) -> None:
    """Give what is whole and on the disk its name, and have the name on the disk as well."""
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
