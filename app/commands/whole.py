"""`trellis export all`, `trellis import all`: everything out as open formats, and in again."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from app.commands.base import kindly, language_option, opened_services, say
from app.errors import ConfigurationError
from app.settings import Settings
from app.texts import say as words


class AlsoAll(click.Command):
    """A command whose first word may be ``all``: then it is another one."""

    def __init__(self, *args: Any, everything: click.Command, **more: Any) -> None:
        """Take the command for everything."""
        super().__init__(*args, **more)
        self.everything = everything

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Return the context of the one that is meant."""
        if args[:1] == ["all"]:
            return self.everything.make_context(f"{info_name} all", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command("all")
@click.argument("target", metavar="FOLDER|FILE.zip", type=click.Path(path_type=Path))
@click.option("--with-passwords", is_flag=True, help="With the hashes of the passwords.")
@language_option
@kindly
def export_all(settings: Settings, target: Path, with_passwords: bool, language: str) -> None:
    """Write everything of the installation into FOLDER, or a zip.

    The configuration, every record with all its columns (those in the bin as well), history,
    comments, files, accounts: lines of JSON that any program reads, with a manifest of counts and
    checksums. It holds one moment; people may work meanwhile. `trellis import all` brings it into
    an empty place, also of a newer Trellis. Passwords stay here unless asked for; second factors,
    keys of the API and sessions always do.

    \b
    Examples:
      trellis export all /mnt/crm-2026
      trellis export all crm.zip --with-passwords
    """
    from app.access.principal import SYSTEM
    from app.whole.places import FolderTarget, zip_into
    from app.whole.writing import write_whole

    with opened_services(settings, "trellis export all") as services:
        assert services.settings.database_url is not None
        write = partial(
            write_whole,
            services.settings.database_url,
            settings.data,
            services.live.release.catalog,
            now=datetime.now(UTC),
            passwords=with_passwords,
        )
        if target.suffix == ".zip":
            draft = target.with_name(f"{target.name}.part")
            try:
                with draft.open("wb") as file, zip_into(file) as archive:
                    manifest = write(archive)
                draft.chmod(0o600)
                draft.replace(target)
            finally:
                draft.unlink(missing_ok=True)
        else:
            manifest = write(FolderTarget(target))
        services.exports.note_all(SYSTEM, manifest["rows"], None)
    told = words(
        "{target}: {rows} rows and {files} files.",
        "{target}：{rows} 行数据，{files} 个文件。",
        target=str(target),
        rows=f"{manifest['rows']:,}",
        files=f"{_files(manifest):,}",
    )
    say(told.in_language(language))


@click.command("all")
@click.argument("source", metavar="FOLDER|FILE.zip", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--configuration",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Another configuration than the one it brings; fields by their former names.",
)
@click.option("--check", "only_check", is_flag=True, help="Only read it to its end.")
@language_option
@kindly
def import_all(
    settings: Settings,
    source: Path,
    configuration: Path | None,
    only_check: bool,
    language: str,
) -> None:
    """Bring what `trellis export all` wrote into an empty place.

    Checksums are compared before anything is done. Numbers of records stay, serial numbers go on,
    reminders are worked out anew. The data folder (TRELLIS_DATA), or the database of DATABASE_URL,
    has to be empty. Cut off, it can be run again, and begins anew. Whoever has no password
    afterwards gets a link by `trellis user reset`.

    \b
    Examples:
      trellis import all crm.zip --check
      TRELLIS_DATA=/srv/crm trellis import all crm.zip
    """
    from app.whole.places import open_source
    from app.whole.reading import look_through

    with open_source(source) as found:
        manifest = look_through(found)
        if only_check:
            whole = words(
                "{source} is whole: {rows} rows and {files} files of {made_at}.",
                "{source} 完整：{made_at} 的 {rows} 行数据和 {files} 个文件。",
                source=str(source),
                rows=f"{manifest['rows']:,}",
                files=f"{_files(manifest):,}",
                made_at=manifest["made_at"],
            )
            say(whole.in_language(language))
            return
        _bring(settings, found, manifest, configuration, language)


def _bring(
    settings: Settings, source: Any, manifest: Any, configuration: Path | None, language: str
) -> None:
    from dataclasses import replace

    from app.configuration_folder import ConfigurationFolder
    from app.database.embedded import open_servers
    from app.database.pools import Pools
    from app.whole.reading import Bringing, bring_configuration, files_in

    if configuration is not None:
        catalog = ConfigurationFolder(replace(settings, config=configuration)).load_catalog(
            language
        )
    else:
        folder = ConfigurationFolder(settings)
        loaded = folder.check(files_in(source, manifest))
        if loaded.catalog is None:
            raise ConfigurationError(loaded.problems, folder.render(loaded, "text", language))
        catalog = loaded.catalog
    with open_servers(settings, "trellis import all") as addresses:
        pools = Pools(addresses.database_url, max_size=2)
        try:
            brought = Bringing(pools, settings.data, source, manifest, datetime.now(UTC)).run(
                catalog
            )
        finally:
            pools.close()
    beside = bring_configuration(files_in(source, manifest), settings.config)
    told = words(
        "Brought in: {rows} rows and {files} files of {made_at}.",
        "已导入 {made_at} 的 {rows} 行数据和 {files} 个文件。",
        rows=f"{brought.rows:,}",
        files=f"{brought.files:,}",
        made_at=brought.made_at,
    )
    say(told.in_language(language))
    if brought.without_password:
        left = words(
            "{count} people have no password yet: `trellis user reset LOGIN` gives each a link.",
            "{count} 人还没有密码：trellis user reset LOGIN 可为每人生成设置链接。",
            count=brought.without_password,
        )
        say(left.in_language(language))
    if beside is not None:
        kept = words(
            "{config} was not empty and is untouched. The configuration that came along is in "
            "{beside}.",
            "{config} 不是空的，未作改动。随数据而来的配置在 {beside}。",
            config=settings.config,
            beside=beside,
        )
        say(kept.in_language(language))


def _files(manifest: Any) -> int:
    return sum(name.startswith("files/") for name in manifest["parts"])
