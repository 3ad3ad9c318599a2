"""Restoring a backup: into an empty installation, or beside a living one to see whether it would.

The database comes last and in one transaction, so that whatever cuts a restore off, it can be run
again: files that are there already are the same files.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from app.backups import tables
from app.backups.archive import DATABASE, unpack
from app.backups.faults import BackupFault
from app.backups.making import CONFIG, FILES, SECRETS
from app.database.migrate import newest
from app.settings import Settings
from app.texts import Label, say


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back."""

    made_at: str
    version: str
    rows: int
    files: int
    seconds: float
    #: where the configuration was put, if not where it belongs, because that folder was not empty
    config_beside: Path | None = None


@contextmanager
def _unpacked(path: Path, key: str | None, beside: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    beside.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="restore-", dir=beside))
    try:
        manifest = unpack(path, scratch, key)
        if manifest["revision"] > newest():
            raise BackupFault(_newer(manifest))
        yield scratch, manifest
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def restore(settings: Settings, url: str, path: Path) -> Restored:
    """Restore a backup into an installation that has nothing yet.

    Args:
        url: its database, which must be empty.

    Raises:
        BackupFault: something is there already, or the backup cannot be trusted.
    """
    began = time.monotonic()
    if not tables.is_empty(url):
        raise BackupFault(_not_empty())
    with _unpacked(path, settings.backup_key, settings.data) as (scratch, manifest):
        for name in (FILES, SECRETS):
            _bring(scratch / name, settings.data / name)
        config_beside = _bring_configuration(scratch / CONFIG, settings.config)
        tables.load(url, scratch / DATABASE, settings.postgresql)
        _compare(url, manifest)
        return _restored(manifest, began, config_beside)


def rehearse(settings: Settings, url: str, path: Path) -> Restored:
    """Restore a backup beside the living database, compare it, and take everything away again.

    Raises:
        BackupFault: it would not come back as it was.
    """
    began = time.monotonic()
    with (
        _unpacked(path, settings.backup_key, path.parent) as (scratch, manifest),
        tables.scratch_database(url) as beside,
    ):
        tables.load(beside, scratch / DATABASE, settings.postgresql)
        _compare(beside, manifest)
        return _restored(manifest, began, None)


def _restored(manifest: dict[str, Any], began: float, config_beside: Path | None) -> Restored:
    return Restored(
        made_at=manifest["made_at"],
        version=manifest["version"],
        rows=sum(one[0] for one in manifest["tables"].values()),
        files=sum(name.startswith(f"{FILES}/") for name in manifest["parts"]),
        seconds=time.monotonic() - began,
        config_beside=config_beside,
    )


def _compare(url: str, manifest: dict[str, Any]) -> None:
    with psycopg.connect(url) as connection:
        found = tables.prove(connection)
    expected = manifest["tables"]
    different = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    if different:
        raise BackupFault(
            say(
                "What was restored is not what was saved: {tables} differ.",
                "恢复的内容与备份时不一致：{tables} 存在差异。",
                tables=", ".join(different[:5]),
            )
        )


def _bring(source: Path, target: Path) -> None:
    """Copy a folder; each file has its name only once it is whole."""
    for path in sorted(source.rglob("*")) if source.is_dir() else ():
        if not path.is_file():
            continue
        there = target / path.relative_to(source)
        there.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = there.with_name(f"{there.name}.restoring")
        shutil.copyfile(path, draft)
        draft.chmod(0o600)
        draft.replace(there)


def _bring_configuration(source: Path, target: Path) -> Path | None:
    """Put the configuration where it belongs, or beside it where something else is there."""
    if target.is_dir() and any(target.iterdir()):
        beside = target.with_name(f"{target.name}.restored")
        number = 1
        while beside.exists():
            number += 1
            beside = target.with_name(f"{target.name}.restored-{number}")
        _bring(source, beside)
        return beside
    _bring(source, target)
    return None


def _not_empty() -> Label:
    return say(
        "The database is not empty. A backup is restored into an empty place only: name another "
        "folder with TRELLIS_DATA, or an empty database with DATABASE_URL.",
        "数据库不是空的。备份只能恢复到空的位置：请用 TRELLIS_DATA 指定其他文件夹，"
        "或用 DATABASE_URL 指定一个空数据库。",
    )


def _newer(manifest: dict[str, Any]) -> Label:
    return say(
        "The backup was made by Trellis {version}, which is newer than this one. Install that "
        "version and restore it there.",
        "备份由更新的 Trellis {version} 制作。请安装该版本后再恢复。",
        version=str(manifest["version"]),
    )
