"""Making a backup: one moment of the database, the files, the configuration and the secrets."""

from __future__ import annotations

import errno
import importlib.metadata
import shutil
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.backups import tables
from app.backups.archive import DATABASE, writing
from app.backups.faults import BackupFault
from app.backups.places import Place, settle, sha256_of, write_sum
from app.backups.store import StoredPlace
from app.database.migrate import newest
from app.settings import Settings
from app.texts import Label, say

FILES, SECRETS, CONFIG = "files", "secrets", "config"


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that is whole."""

    path: Path
    size: int
    sha256: str
    rows: int
    seconds: float
    #: files that were purged while they were being copied
    missing: int


def place_of(settings: Settings) -> Place:
    """Return where an installation keeps its backups."""
    folder = settings.backups or settings.data / "backups"
    return StoredPlace(folder, settings) if settings.backup_store else Place(folder)


def make(settings: Settings, url: str, now: datetime, place: Place | None = None) -> Made:
    """Make a backup of the installation whose database is at *url*.

    Nothing has its name before it is whole and on the disk. The database is dumped first: what is
    uploaded afterwards is in neither, and no row in it lacks its file.

    Raises:
        BackupFault: it could not be made; nothing of it is left.
    """
    began = time.monotonic()
    place = place or place_of(settings)
    draft: Path | None = None
    try:
        place.create()
        path = place.new_path(now)
        draft = place.draft_of(path)
        rows, missing = _write(settings, url, now, draft)
        digest, size = sha256_of(draft), draft.stat().st_size
        write_sum(path, digest)
        settle(draft, path)
        place.keep(path, digest)
    except OSError as error:
        raise BackupFault(_told(error, place)) from error
    finally:
        if draft is not None:
            draft.unlink(missing_ok=True)
    return Made(path, size, digest, rows, time.monotonic() - began, missing)


def _write(settings: Settings, url: str, now: datetime, draft: Path) -> tuple[int, int]:
    head = {"made_at": now.isoformat(), "version": importlib.metadata.version("trellis-crm")}
    # Beside the draft, so that a full disk is the disk of the backups and no other.
    scratch = Path(tempfile.mkdtemp(prefix="trellis-", suffix=".part", dir=draft.parent))
    try:
        with tables.moment(url) as (connection, snapshot):
            dumped = scratch / DATABASE
            tables.dump(url, snapshot, dumped, settings.postgresql)
            proof = tables.prove(connection)
        with writing(draft, head, settings.backup_key) as archive:
            archive.add_file(DATABASE, dumped)
            for name, folder in _folders(settings):
                archive.add_folder(name, folder)
            archive.finish({**head, "revision": newest(), "tables": proof, "format": 1})
            missing = len(archive.written.missing)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return sum(one[0] for one in proof.values()), missing


def _folders(settings: Settings) -> list[tuple[str, Path]]:
    named = (
        (FILES, settings.data / "files"),
        (SECRETS, settings.data / "secrets"),
        (CONFIG, settings.config),
    )
    return [(name, folder) for name, folder in named if folder.is_dir()]


def _told(error: OSError, place: Place) -> Label:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return say(
            "There is no room for a backup in {folder}. Older ones are untouched. Make room, or "
            "name another folder with TRELLIS_BACKUPS.",
            "{folder} 空间不足，无法备份。已有的备份未受影响。"
            "请腾出空间，或用 TRELLIS_BACKUPS 指定其他文件夹。",
            folder=str(place.folder),
        )
    return say(
        "A backup cannot be written into {folder}: {told}.",
        "无法将备份写入 {folder}：{told}。",
        folder=str(place.folder),
        told=error.strerror or str(error),
    )
