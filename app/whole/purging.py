"""Taking everything of an installation away for good, and saying what was there and what is left.

For who ends a contract, or hands a machine on. What lies elsewhere is not reached: backups that
were carried away, lists people took along, and the configuration folder, which holds no records.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from app.texts import say
from app.whole.contents import LEFT_OUT, tables_of
from app.whole.faults import WholeFault
from app.whole.under_way import take_away

#: What the programs need while they end; it says nothing of anybody.
_OF_THE_LOCK = frozenset({"lock"})
#: Names of backups, and of the list beside them.
BACKUPS = ("trellis-*.backup", "trellis-*.backup.sha256", "anonymised.jsonl")
_OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'
      AND pid <> pg_backend_pid()
"""


@dataclass(slots=True)
class Purged:
    """What was there, and what is left."""

    #: rows by table
    tables: dict[str, int] = field(default_factory=dict)
    files: int = 0
    bytes: int = 0
    #: tables and files that could not be taken away
    left: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many rows there were."""
        return sum(self.tables.values())

    def as_json(self) -> dict[str, Any]:
        """Return it as the record of it is written."""
        return {
            "tables": self.tables,
            "rows": self.rows,
            "files": self.files,
            "bytes": self.bytes,
            "left": self.left,
        }


def require_alone(url: str) -> None:
    """Refuse while anybody works with a database.

    Raises:
        WholeFault: somebody does.
    """
    with psycopg.connect(url) as connection:
        row = connection.execute(_OTHERS).fetchone()
        if row is not None and row[0]:
            raise WholeFault(
                say(
                    "{count} others are connected to the database. Stop every Trellis that uses it "
                    "first.",
                    "还有 {count} 个连接在使用数据库。请先停止所有使用它的 Trellis。",
                    count=row[0],
                )
            )


def count_rows(url: str) -> dict[str, int]:
    """Return how many rows each table of ours holds."""
    found = {}
    with psycopg.connect(url) as connection:
        names = {one.full for one in tables_of(connection, passwords=True)} | set(LEFT_OUT)
        for full in sorted(names):
            schema, _, name = full.partition(".")
            there = connection.execute("SELECT to_regclass(%s)", (f'"{schema}"."{name}"',))
            if (there.fetchone() or (None,))[0] is None:
                continue
            query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, name))
            row = connection.execute(query).fetchone()
            found[full] = int(row[0]) if row else 0
    return found


def purge_database(url: str, purged: Purged) -> None:
    """Take every table of ours away, and note those that are still there."""
    purged.tables = count_rows(url)
    take_away(url)
    purged.left += sorted(count_rows(url))


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder; links are what they are, not where they lead."""
    for path in folder.rglob("*"):
        if path.is_symlink() or path.is_file():
            yield path


def purge_folder(folder: Path, kept: Path | None, purged: Purged) -> None:
    """Remove what is in the data folder, but for a folder that is to stay."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name in _OF_THE_LOCK or path == kept:
            continue
        inside = list(files_below(path)) if path.is_dir() and not path.is_symlink() else [path]
        # The database's own are counted as tables.
        if path.name != "postgresql":
            purged.files += len(inside)
            purged.bytes += sum(one.lstat().st_size for one in inside)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        if path.exists():
            purged.left.append(str(path))


def purge_backups(folder: Path, purged: Purged) -> None:
    """Remove the backups of a folder that may hold other things too."""
    for pattern in BACKUPS:
        for path in sorted(folder.glob(pattern)):
            purged.files += 1
            purged.bytes += path.lstat().st_size
            path.unlink(missing_ok=True)
            if path.exists():
                purged.left.append(str(path))
