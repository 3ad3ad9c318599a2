"""`trellis backup`, `trellis restore`, `trellis backups`: all in one file, and back again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from app.commands.base import (
    FAILED,
    database,
    format_option,
    kindly,
    language_option,
    opened_services,
    print_json,
    say,
)
from app.errors import NotFound, TrellisError, text_in
from app.settings import Settings
from app.texts import say as sentence


@click.command()
@click.option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False),
    help="Another folder than TRELLIS_BACKUPS.",
)
@format_option
@language_option
@kindly
def backup(settings: Settings, to: Path | None, form: str, language: str) -> None:
    """Make a backup now: database, files, configuration and secrets in one file.

    It may be made while people work, and holds one moment. A daily one is made without it. With
    TRELLIS_BACKUP_KEY it is sealed.

    \b
    Examples:
      trellis backup
      trellis backup --to /mnt/nas/crm
    """
    if to is not None:
        # There it stays, wherever the others are carried.
        settings = replace(settings, backups=to.absolute(), backup_store=None)
    with opened_services(settings, "trellis backup") as services:
        made = services.backups.make()
    if form == "json":
        print_json(
            {"path": str(made.path), "size": made.size, "sha256": made.sha256, "rows": made.rows}
        )
        return
    told = {"path": made.path, "rows": f"{made.rows:,}", "size": f"{made.size / 1e6:.1f}"}
    _tell(
        language,
        "{path}: {rows} rows, {size} MB, {seconds} s.",
        "{path}：{rows} 行，{size} MB，用时 {seconds} 秒。",
        **told,
        seconds=f"{made.seconds:.1f}",
    )
    if settings.backup_key is None:
        _tell(
            language,
            "It is not sealed and holds the secrets of this installation: keep it safe.",
            "备份未加密，且包含本系统的密钥：请妥善保管。",
        )


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@language_option
@kindly
def restore(settings: Settings, file: Path, language: str) -> None:
    """Restore a backup into an empty place, and prove that it is what was saved.

    The data folder (TRELLIS_DATA), or the database of DATABASE_URL, has to be empty. Cut off, it
    can be run again. Persons who were anonymised since the backup was made are anonymised again, by
    the list that lies beside it. Afterwards `trellis run` serves what was restored. Where there is
    no such FILE it is fetched from TRELLIS_BACKUP_STORE.

    \b
    Example:
      TRELLIS_DATA=/srv/crm trellis restore trellis-20261124T020000Z.backup
    """
    from app.backups.restoring import restore as bring_back
    from app.database.embedded import open_servers
    from app.personal.redo import take_along

    with _file_of(settings, file) as there:
        with open_servers(settings, "trellis restore") as addresses:
            found = bring_back(settings, addresses.database_url, there)
        lines = take_along(there, settings.data)
    again = _anonymise_again(settings) if lines else 0
    _tell(
        language,
        "Restored: {rows} rows and {files} files of {made_at}, each table proven to be what was "
        "saved, in {seconds} s.",
        "已恢复 {made_at} 的 {rows} 行数据和 {files} 个文件，"
        "每张表均与备份一致，用时 {seconds} 秒。",
        **_figures(found),
        made_at=found.made_at,
    )
    if again:
        _tell(
            language,
            "Anonymisations made after the backup, done again: {count}.",
            "已重新执行备份之后的 {count} 次匿名化。",
            count=again,
        )
    if found.config_beside is not None:
        _tell(
            language,
            "{config} was not empty and is untouched. The configuration of the backup is in "
            "{beside}.",
            "{config} 不是空的，未作改动。备份中的配置在 {beside}。",
            config=settings.config,
            beside=found.config_beside,
        )


@contextmanager
def _file_of(settings: Settings, file: Path) -> Iterator[Path]:
    """Yield a backup that lies there, or else is fetched by its name from where they are kept."""
    from app.backups.making import place_of

    if file.is_file():
        yield file
        return
    place = place_of(settings)
    known = place.named(file.name)
    if known is None:
        raise NotFound(
            sentence(
                "There is no backup {file}, nor one of that name in {place}.",
                "没有备份 {file}，{place} 中也没有该名称的备份。",
                file=file,
                place=place.called,
            )
        )
    with place.opened(known) as fetched:
        yield fetched


def _anonymise_again(settings: Settings) -> int:
    """Take out of what was restored who was taken out since; return how many times.

    What is cut off here is done by the next start, before anything is served.
    """
    from app.installation import Installation
    from app.personal.redo import do_again

    with database(settings, "trellis restore") as pools:
        Installation(settings, pools).find_live()
    with opened_services(settings, "trellis restore") as services:
        return do_again(services.records, services.pools, settings.data)


@click.group()
def backups() -> None:
    """Look after the backups there are."""


@backups.command("list")
@click.option("--there", is_flag=True, help="Only what lies there now; no database is asked.")
@format_option
@language_option
@kindly
def list_backups(settings: Settings, there: bool, form: str, language: str) -> None:
    """List backups, the newest first, with what became of those that failed.

    \b
    Examples:
      trellis backups list --format json
      trellis backups list --there
    """
    if there:
        _list_there(settings, form)
        return
    with opened_services(settings, "trellis backups list") as services:
        lines = services.backups.entries()
    if form == "json":
        print_json([_as_json(line) for line in lines])
        return
    for line in lines:
        say(_in_words(line, language))
    if not lines:
        _tell(
            language,
            "There is no backup yet. The daily one is made at night; `trellis backup` makes one.",
            "还没有备份。每日备份在夜间进行；`trellis backup` 可立即备份。",
        )


def _list_there(settings: Settings, form: str) -> None:
    from app.backups.making import place_of

    found = place_of(settings).all()
    if form == "json":
        print_json([{"name": one.path.name, "size": one.size, "made_at": one.made_at}
                    for one in found])  # fmt: skip
        return
    for one in found:
        say(f"{one.made_at:%Y-%m-%d %H:%M}  {one.size / 1e6:8.1f} MB  {one.path.name}")


@backups.command("try")
@language_option
@kindly
def try_backup(settings: Settings, language: str) -> None:
    """Restore the newest backup beside the living database, compare it, and drop it again.

    \b
    Example:
      trellis backups try
    """
    with opened_services(settings, "trellis backups try") as services:
        found = services.backups.try_newest()
    _tell(
        language,
        "It comes back: {rows} rows and {files} files, in {seconds} s.",
        "演练成功：恢复了 {rows} 行数据和 {files} 个文件，用时 {seconds} 秒。",
        **_figures(found),
    )


@backups.command("check")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@language_option
@kindly
def check_backup(settings: Settings, file: Path, language: str) -> int:
    """Read a backup to its end and check every part, without a database.

    \b
    Example:
      trellis backups check /mnt/nas/crm/trellis-20261124T020000Z.backup
    """
    import tempfile

    from app.backups.archive import unpack

    try:
        with tempfile.TemporaryDirectory(prefix="trellis-") as folder:
            manifest = unpack(file, Path(folder), settings.backup_key)
    except TrellisError as error:
        click.echo(text_in(error.message, language), err=True)
        return FAILED
    rows = sum(one[0] for one in manifest["tables"].values())
    _tell(
        language,
        "{file} is whole: made at {made_at}, {rows} rows.",
        "{file} 完整：制作于 {made_at}，共 {rows} 行。",
        file=file,
        made_at=manifest["made_at"],
        rows=f"{rows:,}",
    )
    return 0


@backups.command("prune")
@language_option
@kindly
def prune_backups(settings: Settings, language: str) -> None:
    """Remove backups that are older than they have to be kept; the newest always stays.

    \b
    Example:
      trellis backups prune
    """
    with opened_services(settings, "trellis backups prune") as services:
        gone = services.backups.prune()
        days = services.backups.kept_days
    _tell(
        language,
        "Removed {count}; backups are kept for {days} days.",
        "已删除 {count} 个备份；备份保留 {days} 天。",
        count=len(gone),
        days=days,
    )


def _tell(language: str, en: str, zh: str, **values: object) -> None:
    say(sentence(en, zh, **values).in_language(language))


def _figures(found: Any) -> dict[str, str]:
    return {
        "rows": f"{found.rows:,}",
        "files": f"{found.files:,}",
        "seconds": f"{found.seconds:.1f}",
    }


def _as_json(line: Any) -> dict[str, Any]:
    return {name: getattr(line, name) for name in line.__dataclass_fields__}


def _in_words(line: Any, language: str) -> str:
    when = f"{line.made_at:%Y-%m-%d %H:%M}"
    if line.name is None:
        return f"{when}  failed: {line.problem.get(language) or line.problem['en']}"
    size = f"{line.size / 1e6:8.1f} MB" if line.is_there else "  removed"
    tried = ""
    if line.tried_at is not None:
        tried = f"  tried {line.tried_at:%Y-%m-%d}: {'bad' if line.tried_problem else 'good'}"
    return f"{when}  {size}  {line.name}{tried}"
