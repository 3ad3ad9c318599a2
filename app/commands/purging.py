"""`trellis purge`: everything of an installation taken away for good, with proof."""

from __future__ import annotations

import getpass
import json
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import click

from app.commands.base import FAILED, kindly, language_option, say
from app.errors import TrellisError
from app.settings import Settings
from app.texts import say as words


@click.command("purge")
@click.option("--confirm", "typed", metavar="NAME", help="The name of the CRM, instead of typing.")
@click.option("--with-backups", is_flag=True, help="The backups in their folder as well.")
@click.option("--why", default="", help="Stands in the report.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the report is written; by default trellis-purged-….json here.",
)
@language_option
@kindly
def purge(
    settings: Settings,
    typed: str | None,
    with_backups: bool,
    why: str,
    report: Path | None,
    language: str,
) -> int:
    """Take everything away for good: the database, files, exports, queues, logs and secrets.

    Stop Trellis first. It asks for the name of the CRM, and writes a report: every table with its
    rows, how many files, and what is left, which is nothing. The configuration folder stays, as it
    holds no records; so do backups without --with-backups, and those that were carried to a store.

    \b
    Examples:
      trellis export all /mnt/crm-2026.zip && trellis purge --with-backups --why "end of contract"
      trellis purge --confirm "Acme CRM"
    """
    from app.data_folder import DataFolder
    from app.database.embedded import open_servers
    from app.jobs.queues import empty_queues
    from app.whole.purging import (
        Purged,
        purge_backups,
        purge_database,
        purge_folder,
        require_alone,
    )

    folder, purged, now = DataFolder(settings.data), Purged(), datetime.now(UTC)
    if folder.is_locked():
        raise TrellisError(
            words(
                "Trellis runs on {folder}. Stop it first.",
                "Trellis 正在使用 {folder}，请先停止。",
                folder=str(settings.data),
            )
        )
    path = report or Path(f"trellis-purged-{now:%Y%m%dT%H%M%SZ}.json")
    with open_servers(settings, "trellis purge") as addresses:
        require_alone(addresses.database_url)
        _confirm(_name_of(addresses.database_url), typed, settings, language)
        purge_database(addresses.database_url, purged)
        empty_queues(addresses.redis_url)
    inside = settings.backups or settings.data / "backups"
    if with_backups:
        purge_backups(inside, purged)
    with folder.locked("trellis purge"):
        purge_folder(settings.data, None if with_backups else inside, purged)
    told = {
        "purged_at": now.isoformat(),
        "by": getpass.getuser(),
        "why": why,
        "version": version("trellis-crm"),
        "data": str(settings.data),
        "backups": "removed" if with_backups else str(inside),
        **purged.as_json(),
    }
    path.write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", "utf-8")
    done = words(
        "Taken away: {rows} rows of {tables} tables and {files} files. Left: {left}. The report is "
        "{path}.",
        "已清除 {tables} 张表的 {rows} 行数据和 {files} 个文件。残留：{left}。报告：{path}。",
        rows=f"{purged.rows:,}",
        tables=len(purged.tables),
        files=f"{purged.files:,}",
        left=", ".join(purged.left) or "–",
        path=str(path),
    )
    say(done.in_language(language))
    return FAILED if purged.left else 0


def _name_of(url: str) -> str:
    """Return what the CRM is called by the version that serves."""
    from app.database.migrate import current
    from app.database.pools import Pools
    from app.database.versions import file_of, find_live_version
    from app.definitions.document import read_documents

    pools = Pools(url, max_size=1)
    try:
        with pools.engine.connect() as connection:
            live = find_live_version(connection) if current(connection) is not None else None
            text = "" if live is None else file_of(connection, live.number, "app.yaml")
    finally:
        pools.close()
    for document in read_documents("app.yaml", text)[0]:
        if isinstance(document.data, dict) and document.data.get("name"):
            return str(document.data["name"])
    return "Trellis"


def _confirm(name: str, typed: str | None, settings: Settings, language: str) -> None:
    asked = words(
        "Everything in {folder} goes for good. Type the name of the CRM, {name}, to confirm",
        "{folder} 中的全部数据将被永久清除。请输入系统名称“{name}”以确认",
        folder="DATABASE_URL" if settings.database_url else str(settings.data),
        name=name,
    )
    said = typed if typed is not None else click.prompt(asked.in_language(language))
    if said.strip() != name:
        raise TrellisError(
            words(
                "“{said}” is not the name of the CRM, which is “{name}”. Nothing was touched.",
                "“{said}”不是系统名称“{name}”。没有改动任何内容。",
                said=said.strip()[:80],
                name=name,
            )
        )
