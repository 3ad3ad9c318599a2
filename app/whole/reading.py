"""Taking everything in again: looked through first, then brought into an empty place.

The tables are made as the Trellis that wrote them had them, filled, and brought to this version by
its migrations; the entities' tables are made by applying the configuration, and filled under the
names they have there. Numbers of records stay, sequences and serial numbers go on behind them, and
reminders are worked out anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from app.automation.recomputing import mark_all, recompute
from app.automation.registry import register
from app.backups.tables import is_empty
from app.database.apply import apply_catalog
from app.database.apply_options import ApplyOptions
from app.database.migrate import migrate, migrate_to, newest
from app.database.pools import Pools
from app.database.release import make_release, read_numbers
from app.database.versions import AppliedVersion
from app.definitions.catalog import Catalog
from app.records.recompute import recompute as recompute_records
from app.security.first_start import add_roles, create_account_tables
from app.texts import Label, say
from app.whole.contents import (
    CONFIGURATION,
    FILES,
    FORMAT,
    MANIFEST,
    NOBODYS,
    is_manifest,
    is_sound,
    tables_of,
)
from app.whole.faults import WholeFault
from app.whole.former import Former
from app.whole.loading import load, set_sequences, without_foreign_keys
from app.whole.places import UNREADABLE, Source, copy_part
from app.whole.under_way import alone, is_half_brought, mark, take_away, unmark

_BLOCK = 2**20
#: Written by the apply that makes the tables; the archive's own come with them.
_OF_APPLY = "trellis.config_version"


@dataclass(frozen=True, slots=True)
class Brought:
    """What came in."""

    made_at: str
    version: str
    rows: int
    files: int
    #: users who have to set a new password
    without_password: int


def look_through(source: Source) -> dict[str, Any]:
    """Return the manifest after reading every part and comparing its checksum.

    Raises:
        WholeFault: it is not what was written, or this Trellis is too old for it.
    """
    if MANIFEST not in source.names():
        raise WholeFault(_no_manifest())
    try:
        with source.open(MANIFEST) as part:
            manifest = json.loads(part.read())
    except (ValueError, RecursionError, *UNREADABLE) as error:
        raise WholeFault(_no_manifest()) from error
    if not is_manifest(manifest):
        raise WholeFault(_no_manifest())
    if manifest["format"] > FORMAT or manifest["revision"] > newest():
        raise WholeFault(_newer(manifest))
    if not is_sound(manifest):
        raise WholeFault(_no_manifest())
    there = source.names()
    for name, told in manifest["parts"].items():
        if name not in there:
            raise WholeFault(_missing(name))
        if _sum(source, name) != told["sha256"]:
            raise WholeFault(_changed(name))
    return dict(manifest)


def _sum(source: Source, name: str) -> str:
    digest = hashlib.sha256()
    try:
        with source.open(name) as part:
            while block := part.read(_BLOCK):
                digest.update(block)
    except UNREADABLE as error:
        raise WholeFault(_changed(name)) from error
    return digest.hexdigest()


def files_in(source: Source, manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the files of the configuration: path to text."""
    found = {}
    for name in sorted(manifest["parts"]):
        if name.startswith(f"{CONFIGURATION}/"):
            with source.open(name) as part:
                found[name.removeprefix(f"{CONFIGURATION}/")] = part.read().decode()
    return found


def bring_configuration(files: Mapping[str, str], folder: Path) -> Path | None:
    """Write the files of a configuration into a folder, or beside one that is not empty.

    Returns:
        Where they are, if not in *folder*.
    """
    target = folder
    number = 1
    while target.is_dir() and any(target.iterdir()):
        target = folder.with_name(f"{folder.name}.imported{'' if number == 1 else f'-{number}'}")
        number += 1
    for name, text in files.items():
        path = target.joinpath(*_inside(name).parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return None if target == folder else target


def _inside(name: str) -> PurePosixPath:
    """Return a path that leads nowhere else.

    Raises:
        WholeFault: it would.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise WholeFault(_changed(name))
    return path


class Bringing:
    """Everything on its way into an empty place."""

    def __init__(
        self, pools: Pools, data: Path, source: Source, manifest: Mapping[str, Any], now: datetime
    ) -> None:
        """Take where it goes, and what `look_through` found."""
        self._pools, self._data, self._source, self._now = pools, data, source, now
        self._manifest = manifest
        self._tables = {one["table"]: one for one in manifest["tables"]}

    def run(self, catalog: Catalog) -> Brought:
        """Bring everything in under a configuration; what was cut off before is begun again.

        Raises:
            WholeFault: something is there already, or the configuration has no place for something.
        """
        with alone(self._pools.url):
            return self._run(catalog)

    def _run(self, catalog: Catalog) -> Brought:
        with psycopg.connect(self._pools.url) as connection:
            is_half = is_half_brought(connection)
        if is_half:
            self._take_away()
        if not is_empty(self._pools.url):
            raise WholeFault(_not_empty())
        former = Former(self._manifest["entities"], catalog)
        files = self._bring_files()
        try:
            with self._transaction() as connection:
                mark(connection)
            self._make(catalog, former)
            with self._transaction() as connection:
                unmark(connection)
        except BaseException:
            self._take_away()
            raise
        return Brought(
            self._manifest["made_at"],
            self._manifest["version"],
            self._manifest["rows"],
            files,
            0 if self._manifest["passwords"] else self._tables["public.ab_user"]["rows"],
        )

    def _make(self, catalog: Catalog, former: Former) -> None:
        engine = self._pools.maintenance("trellis import all")
        try:
            migrate_to(engine, self._manifest["revision"])
            create_account_tables(engine)
            own = [name for name in self._tables if not name.startswith("crm.")]
            with self._transaction() as connection:
                self._load(connection, [name for name in own if name != _OF_APPLY])
                set_sequences(connection, self._manifest["sequences"])
                connection.execute(
                    "UPDATE public.ab_user SET password = %s WHERE password IS NULL", (NOBODYS,)
                )
            migrate(engine)
        finally:
            engine.dispose()
        version = self._apply(catalog)
        with self._transaction() as connection:
            self._load(
                connection, [name for name in self._tables if name.startswith("crm.")], former
            )
            is_same = self._settle_versions(connection, version)
            going_on = {
                name: stands
                for name, stands in self._manifest["sequences"].items()
                if name.startswith("crm.") or (is_same and name.startswith(_OF_APPLY))
            }
            set_sequences(connection, going_on, former)
        self._work_out(catalog, version, anew=not is_same)
        self._compare(former)

    def _bring_files(self) -> int:
        count = 0
        for name in self._manifest["parts"]:
            path = _inside(name)
            if path.parts[0] != FILES:
                continue
            copy_part(self._source, name, self._data.joinpath(*path.parts))
            count += 1
        return count

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self._pools.url) as connection:
            for name, value in (("TimeZone", "UTC"), ("statement_timeout", "0"),
                                ("maintenance_work_mem", "128MB")):  # fmt: skip
                connection.execute("SELECT set_config(%s, %s, false)", (name, value))
            yield connection

    # -- rows --------------------------------------------------------------------------------------

    def _load(
        self,
        connection: psycopg.Connection[Any],
        names: Sequence[str],
        former: Former | None = None,
        *,
        add: bool = False,
    ) -> None:
        there = {one.full: one for one in tables_of(connection, passwords=True)}
        with without_foreign_keys(connection):
            for name in names:
                told = self._tables[name]
                table = there.get(former.table(name) if former else name)
                if table is None:
                    if told["rows"]:
                        raise WholeFault(_no_place(name))
                    continue
                known = {one.name: one for one in table.columns}
                pairs = {}
                for column in told["columns"]:
                    now = former.column(name, column) if former else column
                    if now not in known:
                        raise WholeFault(_no_place(f"{name}.{column}"))
                    pairs[column] = known[now]
                with self._source.open(told["path"]) as part:
                    load(connection, table, pairs, part, add=add)

    # -- the configuration -------------------------------------------------------------------------

    def _apply(self, catalog: Catalog) -> AppliedVersion:
        """Make the entities' tables; the version that does it comes after those of the archive."""

        def on_live(connection: sa.Connection, _plan: Any, _number: int) -> None:
            register(connection, catalog, self._now)

        chosen = ApplyOptions(on_live=on_live)
        version = apply_catalog(self._pools, catalog, "trellis import all", None, chosen)
        with self._pools.write.connection() as connection:
            add_roles(connection, catalog.roles)
        return version

    def _settle_versions(
        self, connection: psycopg.Connection[Any], version: AppliedVersion
    ) -> bool:
        """Put the archive's versions before the one that was just made, or in its place.

        Returns:
            Whether the archive's last is the one that was made.
        """
        told = self._manifest["configuration"]
        is_same = told is not None and told["fingerprint"] == version.fingerprint
        if is_same:
            for table, column in (("apply_step", "version"), ("config_version", "number")):
                connection.execute(
                    sql.SQL("DELETE FROM {} WHERE {} = %s").format(
                        sql.Identifier("trellis", table), sql.Identifier(column)
                    ),
                    (version.number,),
                )
        if _OF_APPLY in self._tables:
            self._load(connection, [_OF_APPLY], add=True)
        if is_same and self._manifest["revision"] == newest():
            # Since when each rule is in force: the apply has put now.
            self._load(connection, ["trellis.rule"])
        return is_same

    def _work_out(self, catalog: Catalog, version: AppliedVersion, *, anew: bool) -> None:
        """Work out what waits for it; under another configuration or Trellis, everything."""
        with psycopg.connect(self._pools.url, autocommit=True) as connection:
            with self._pools.engine.connect() as reading:
                release = make_release(catalog, version.number, read_numbers(reading))
            if anew:
                for name in catalog.entities:
                    recompute_records(connection, release, name, 0, lambda _last: None)
                mark_all(connection)
            recompute(connection, release, self._now)

    # -- afterwards --------------------------------------------------------------------------------

    def _compare(self, former: Former) -> None:
        """Count what is there."""
        with self._transaction() as connection:
            for name, told in self._tables.items():
                table = former.table(name)
                # A version of our own may have come to those of the archive, reminders as well.
                if name in (_OF_APPLY, "trellis.reminder", "trellis.rule", "public.ab_role"):
                    continue
                query = sql.SQL("SELECT count(*) FROM {}").format(
                    sql.Identifier(*table.split(".", 1))
                )
                row = connection.execute(query).fetchone()
                assert row is not None
                if row[0] != told["rows"]:
                    raise WholeFault(_other_count(name, told["rows"], row[0]))

    def _take_away(self) -> None:
        """Leave the place as empty as it was, so that it can be tried again."""
        self._pools.close()
        take_away(self._pools.url)


def _no_manifest() -> Label:
    return say(
        "There is no manifest of Trellis in it: it is not what `trellis export all` writes, or it "
        "was cut off.",
        "其中没有 Trellis 的清单：它不是 trellis export all 的结果，或者不完整。",
    )


def _newer(manifest: Mapping[str, Any]) -> Label:
    return say(
        "It was written by Trellis {version}, which is newer than this one. Install that version.",
        "它由更新的 Trellis {version} 导出。请安装该版本。",
        version=str(manifest.get("version")),
    )


def _missing(name: str) -> Label:
    return say("`{name}` is missing.", "缺少“{name}”。", name=name)


def _changed(name: str) -> Label:
    return say(
        "`{name}` is not what was written: its checksum is another. Nothing was brought in.",
        "“{name}”与导出时不一致（校验和不同）。没有导入任何内容。",
        name=name,
    )


def _not_empty() -> Label:
    return say(
        "The database is not empty. Everything is brought into an empty place only: name another "
        "folder with TRELLIS_DATA, or an empty database with DATABASE_URL.",
        "数据库不是空的。只能导入到空的位置：请用 TRELLIS_DATA 指定其他文件夹，"
        "或用 DATABASE_URL 指定一个空数据库。",
    )


def _no_place(name: str) -> Label:
    return say(
        "The configuration has no place for `{name}`. Where it was renamed, say so with `was:`.",
        "当前配置中没有“{name}”的位置。如已改名，请用 was: 说明。",
        name=name,
    )


def _other_count(name: str, told: int, found: int) -> Label:
    return say(
        "`{name}` has {found} rows where the manifest says {told}. Nothing of it is left.",
        "“{name}”有 {found} 行，而清单记录为 {told} 行。已全部撤销。",
        name=name,
        told=told,
        found=found,
    )
