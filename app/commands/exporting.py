"""`trellis export`: a list into a file."""

from __future__ import annotations

from pathlib import Path

import click

from app.commands.base import kindly, language_option, opened_services, say
from app.commands.whole import AlsoAll, export_all
from app.errors import NotFound
from app.settings import Settings
from app.texts import say as words


@click.command("export", cls=AlsoAll, everything=export_all)
@click.argument("entity")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--fields", help="Names, with commas between them; all without it. Behind a link: "
              "`customer.owner.name`.")  # fmt: skip
@click.option("--related", help="What belongs to the records, as sheets: `lines,contact`.")
@click.option("--raw", is_flag=True, help="CSV for programs: texts as they are.")
@click.option("--filter", "condition", help="A condition of the expression language.")
@click.option("--view", help="A view of the entity.")
@click.option("--sort", help="`-amount,name`.")
@click.option("--as", "login", metavar="LOGIN", help="What this person may take along.")
@language_option
@kindly
def export_list(
    settings: Settings,
    entity: str,
    file: Path,
    fields: str | None,
    related: str | None,
    raw: bool,
    condition: str | None,
    view: str | None,
    sort: str | None,
    login: str | None,
    language: str,
) -> None:
    """Write a list into FILE: a workbook (.xlsx), .csv or .jsonl, by its ending.

    However many rows there are. It is noted in the log of who took what. `trellis export all`
    writes everything there is.

    \b
    Examples:
      trellis export customer customers.xlsx --as admin
      trellis export contract open.csv --filter "status == 'open'" --sort -amount
    """
    from app.access.principal import SYSTEM
    from app.transfer.exporting import Wanted

    with opened_services(settings, "trellis export") as services:
        asker = SYSTEM
        if login is not None:
            found = services.records.query(SYSTEM, "user", where={"login": login}, fields="id")
            person = services.organisation.principal(found.rows[0].id) if found.rows else None
            if person is None:
                raise NotFound(
                    words("There is no account {login}.", "没有账号 {login}。", login=login)
                )
            asker = person
        wanted = Wanted(
            entity,
            tuple(one.strip() for one in fields.split(",")) if fields else None,
            filter=condition,
            view=view,
            sort=sort,
            related=tuple(one.strip() for one in (related or "").split(",") if one.strip()),
            raw=raw,
            language=language,
            time_zone=services.live.release.catalog.app.time_zone,
        )
        with file.open("wb") as target:
            count = services.exports.write(asker, wanted, file.suffix.lstrip("."), target)
    told = words(
        "{file}: {count} rows.", "{file}：{count} 行。", file=str(file), count=f"{count:,}"
    )
    say(told.in_language(language))
