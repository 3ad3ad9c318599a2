"""Writing everything: one moment of the database, the files, the configuration, a manifest."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import psycopg

from app.backups.tables import moment
from app.clock import Clock
from app.database.migrate import newest
from app.definitions.catalog import Catalog
from app.whole.contents import (
    ACCOUNTS,
    CONFIGURATION,
    FILES,
    FORMAT,
    LEFT_OUT,
    MANIFEST,
    RECORDS,
    SYSTEM,
    Table,
    lines_of,
    sequences_of,
    tables_of,
)
from app.whole.places import Target, blocks_of, zip_into

_FOLDERS = {"crm": RECORDS, "trellis": SYSTEM, "public": ACCOUNTS}
_BLOCK = 2**18
#: Letters of the name of a file's content.
_SUM = 64
_VERSION = """
    SELECT number, fingerprint, files FROM trellis.config_version
    WHERE state = 'live' ORDER BY number DESC LIMIT 1
"""

_REVISION = "SELECT version_num FROM trellis.migration"

#: Told how many rows are written; whatever it raises ends it.
Progress = Callable[[int], None]


def write_whole(
    url: str,
    data: Path,
    catalog: Catalog,
    target: Target,
    now: datetime,
    *,
    passwords: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write everything into *target*; return the manifest, which is its last part.

    Args:
        data: the data folder, in which the files lie.
        catalog: the one that serves; it describes the records in the manifest.
        passwords: with what lets people in; without it each of them sets a new password.
    """
    with moment(url) as (connection, _name):
        for name, value in (("TimeZone", "UTC"), ("DateStyle", "ISO"), ("extra_float_digits", "1"),
                            ("IntervalStyle", "iso_8601")):  # fmt: skip
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        version = connection.execute(_VERSION).fetchone()
        (revision,) = connection.execute(_REVISION).fetchone() or (newest(),)
        parts: dict[str, Any] = {}
        tables, rows = [], 0
        entities = {one.table: one.name for one in catalog.entities.values()}
        for table in tables_of(connection, passwords=passwords):
            path = _path(table, entities)
            counting = _Counting(connection, table, rows, progress)
            parts[path] = target.put(path, counting.blocks())
            rows = counting.before + counting.rows
            tables.append(
                {
                    "path": path,
                    "table": table.full,
                    "rows": counting.rows,
                    "columns": {one.name: one.type for one in table.columns},
                }
            )
        sequences = sequences_of(connection)
    if version is not None:
        for name, text in sorted(version[2].items()):
            path = f"{CONFIGURATION}/{name}"
            parts[path] = target.put(path, [text.encode()])
    for path, file in _files(data / "files"):
        # Content is never changed, and what is written meanwhile belongs to no row of this moment.
        parts[path] = target.put(path, blocks_of(file))
    manifest = {
        "product": "trellis",
        "format": FORMAT,
        "made_at": now.isoformat(),
        "version": importlib.metadata.version("trellis-crm"),
        "revision": revision,
        "configuration": {"number": version[0], "fingerprint": version[1]} if version else None,
        "passwords": passwords,
        "rows": rows,
        "tables": tables,
        "sequences": sequences,
        "entities": describe(catalog),
        "left_out": sorted(LEFT_OUT),
        "parts": parts,
    }
    target.put(MANIFEST, [json.dumps(manifest, ensure_ascii=False, indent=1).encode()])
    return manifest


class WholeZip:
    """Writes everything of one installation into a zip, for whoever asks in the browser."""

    def __init__(self, url: str, data: Path, live: Any, clock: Clock) -> None:
        """Take where the installation lies."""
        self._url, self._data, self._live, self._clock = url, data, live, clock

    def __call__(self, target: IO[bytes], wanted: Mapping[str, Any], progress: Progress) -> int:
        """Write it; return how many rows."""
        with zip_into(target) as archive:
            manifest = write_whole(
                self._url,
                self._data,
                self._live.release.catalog,
                archive,
                self._clock.now(),
                passwords=bool(wanted.get("passwords")),
                progress=progress,
            )
        return int(manifest["rows"])


def _path(table: Table, entities: Mapping[str, str]) -> str:
    name = entities.get(table.name, table.name) if table.schema == "crm" else table.name
    return f"{_FOLDERS[table.schema]}/{name}.jsonl"


class _Counting:
    """The lines of one table, counted."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        table: Table,
        before: int,
        progress: Progress | None,
    ) -> None:
        self._connection, self._table, self._progress = connection, table, progress
        self.before, self.rows = before, 0

    def blocks(self) -> Iterator[bytes]:
        """Yield them in larger blocks than they come in."""
        waiting = bytearray()
        with self._connection.cursor() as cursor, cursor.copy(lines_of(self._table)) as copy:
            for line in copy:
                waiting += line
                self.rows += 1
                if len(waiting) >= _BLOCK:
                    yield bytes(waiting)
                    waiting.clear()
                    if self._progress is not None:
                        self._progress(self.before + self.rows)
        yield bytes(waiting)


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        # What is half written is not called by its checksum yet.
        if path.is_file() and not path.is_symlink() and len(path.name) == _SUM:
            yield f"{FILES}/{path.relative_to(folder).as_posix()}", path


def describe(catalog: Catalog) -> dict[str, Any]:
    """Return what the records are, for whoever reads them without Trellis."""
    return {
        entity.name: {
            "label": dict(entity.label.texts),
            "table": f"crm.{entity.table}",
            "title": entity.title,
            "of": list(entity.lines_of) if entity.lines_of else None,
            "fields": {
                field.name: {
                    "type": field.type.name,
                    "label": dict(field.label.texts),
                    "to": list(field.type.targets(field)) or None,
                    "columns": [one.name for one in field.type.columns(field)]
                    if field.type.stored
                    else [],
                }
                for field in entity.fields.values()
                if not field.removed
            },
        }
        for entity in catalog.entities.values()
    }
