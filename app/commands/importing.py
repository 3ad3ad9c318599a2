"""`trellis import`: a file into an entity, tried first or at once."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.commands.base import (
    FAILED,
    format_option,
    kindly,
    language_option,
    opened_services,
    print_json,
    say,
)
from app.commands.whole import AlsoAll, import_all
from app.definitions.import_words import MODES, RULES
from app.errors import InvalidInput, NotFound
from app.settings import Settings
from app.texts import say as words

if TYPE_CHECKING:
    from app.access.principal import Principal
    from app.services import Services
    from app.transfer.import_run import Run
    from app.transfer.plans import Plan
    from app.transfer.tallies import Tally

#: Problems that are printed; all of them stand in the file of what was left out.
_SHOWN = 20


@click.command("import", cls=AlsoAll, everything=import_all)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--into", required=True, metavar="ENTITY", help="What the rows become.")
@click.option("--mapping", metavar="NAME", help="A saved mapping of config/imports/.")
@click.option("--column", "columns", multiple=True, metavar="HEADING=FIELD",
              help="Where a column goes; `-` leaves it out. May be repeated.")  # fmt: skip
@click.option("--match", "match", multiple=True, metavar="FIELD[+FIELD]",
              help="What tells a record that is there already. May be repeated.")  # fmt: skip
@click.option("--mode", type=click.Choice(MODES), help="What becomes of a row whose record exists.")
@click.option("--rules", type=click.Choice(RULES), help="Whether rules fire; off without it.")
@click.option("--sheet", help="The sheet of a workbook.")
@click.option("--member", help="The file within an archive.")
@click.option("--encoding", help="The encoding of a text, such as `gb18030`.")
@click.option("--delimiter", help="What stands between the values; `tab` for tabulators.")
@click.option("--quote", help="What stands around values: `\"`, `'` or `none`.")
@click.option("--header", help="The row of the headings, or `none`.")
@click.option("--dates", type=click.Choice(("day-first", "month-first")),
              help="What comes first in dates such as 01/02/2026.")  # fmt: skip
@click.option("--create", "create", multiple=True, metavar="HEADING",
              help="Make the linked records this column names and that are not there.")  # fmt: skip
@click.option("--always", "always", multiple=True, metavar="FIELD=VALUE",
              help="A value of every new record. May be repeated.")  # fmt: skip
@click.option("--all-or-nothing", is_flag=True, default=None,
              help="One row that cannot go in, and nothing of the file is kept.")  # fmt: skip
@click.option("--as", "login", metavar="LOGIN", help="Import with this person's rights.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; nothing is written.")
@click.option("--errors", type=click.Path(dir_okay=False, path_type=Path),
              help="Where the rows that are left out go; beside FILE without it.")  # fmt: skip
@language_option
@format_option
@kindly
def import_file(
    settings: Settings,
    file: Path,
    into: str,
    mapping: str | None,
    columns: tuple[str, ...],
    match: tuple[str, ...],
    login: str | None,
    dates: str | None,
    create: tuple[str, ...],
    always: tuple[str, ...],
    dry_run: bool,
    errors: Path | None,
    language: str,
    form: str,
    **chosen: Any,
) -> int:
    """Import FILE: .xlsx, .xls, .ods, .csv, .tsv or .jsonl, zipped or not.

    Columns find their fields by name and label; the first line printed shows how. Broken off, the
    import is finished by the next worker that runs.

    \b
    Examples:
      trellis import customers.xlsx --into customer --dry-run
      trellis import customers.xlsx --into customer --match name --mode fill
      trellis import old.csv --into customer --mapping wukong-customers
      trellis import contacts.csv --into contact --encoding gb18030 --create Company
    """
    from app.transfer.plans import changed_plan
    from app.transfer.uploads import SHAPE

    with opened_services(settings, "trellis import") as services:
        principal = _who(services, login)
        shape = {name: chosen.pop(name) for name in SHAPE}
        with file.open("rb") as stream:
            run = services.imports.add(
                principal, into, stream, file.name,
                **{name: value for name, value in shape.items() if value is not None},
            )  # fmt: skip
        said: dict[str, Any] = {"mapping": mapping, **chosen}
        if always:
            said["always"] = dict(one.partition("=")[::2] for one in always)
        if match:
            said["match"] = [key.split("+") for key in match]
        plan = changed_plan(services.live.release.catalog, run.plan, said)
        if columns:
            given = dict(one.partition("=")[::2] for one in columns)
            said = {"columns": {**plan.columns, **given}}
            plan = changed_plan(services.live.release.catalog, plan, said)
        plan = _with_created(plan, create)
        plan = _with_dates(services, run, plan, dates, form)
        run = services.imports.change(principal, run.id, plan)
        if form == "text":
            say(" · ".join(f"{heading} → {path}" for heading, path in run.plan.columns.items()))
        if dry_run:
            tally = services.imports.dry_run(principal, run)
            services.imports.cancel(principal, run.id)
            _print_tally(tally, language, form)
            return FAILED if tally.counts["faulty"] else 0
        return _run(services, principal, run, errors or file, language, form)


def _with_created(plan: Plan, headings: tuple[str, ...]) -> Plan:
    """Return the plan with columns whose linked records are made where they are not there."""
    unknown = [one for one in headings if one not in plan.columns]
    if unknown:
        sentence = words(
            "No column {name} goes anywhere.", "没有对应的列 {name}。", name=unknown[0]
        )
        raise InvalidInput({"create": [sentence]})
    ways = {one: {**plan.ways.get(one, {}), "create": True} for one in headings}
    return replace(plan, ways={**plan.ways, **ways})


def _with_dates(services: Services, run: Run, plan: Plan, dates: str | None, form: str) -> Plan:
    """Return the plan with days and months in an order: as was said, or asked where it matters."""
    uploads = services.imports.uploads
    found = uploads.orders(uploads.path(run.sha256), plan)
    unclear = [heading for heading, order in found.items() if order in ("either", "mixed")]
    if dates is None and unclear and form == "text" and sys.stdin.isatty():
        question = f"What comes first in {', '.join(unclear)}, such as 01/02/2026?"
        dates = click.prompt(question, type=click.Choice(("day-first", "month-first")))
    if dates is None:
        return plan
    headings = list(found)
    from app.transfer.uploads import ordered

    return ordered(services.live.release.catalog, plan, headings, dates.replace("-", "_"))


def _who(services: Services, login: str | None) -> Principal:
    from app.access.principal import SYSTEM
    from app.commands.people import _find

    if login is None:
        return SYSTEM
    found = services.organisation.principal(_find(services, "user", "login", login))
    if found is None:
        raise NotFound(words("{login} works here no more.", "{login} 已停用。", login=login))
    return found


def _run(
    services: Services, principal: Principal, run: Run, beside: Path, language: str, form: str
) -> int:
    imports = services.imports
    imports.start(principal, run.id)
    more = True
    while more:
        more = imports.advance(run.id, 5.0)
        run = imports.get(principal, run.id)
        if form == "text":
            done = run.as_json()["done"]
            say(f"{done:,} / {run.total or 0:,}")
    if run.counts.get("faulty"):
        path = _write_errors(services, principal, run, beside, language)
        if form == "text":
            say(words("Left out, with the reasons: {path}", "未导入的行及原因：{path}", path=path)
                .in_language(language))  # fmt: skip
    if form == "json":
        print_json(run.as_json())
    else:
        say(json.dumps(run.counts, ensure_ascii=False))
        if run.problem is not None:
            say(run.problem.in_language(language))
    return FAILED if run.state != "done" or run.counts.get("faulty") else 0


def _write_errors(
    services: Services, principal: Principal, run: Run, beside: Path, language: str
) -> Path:
    from app.transfer.error_files import write_errors

    look = services.imports.look(principal, run)
    kind = run.plan.shape.kind
    ending = kind if kind == "jsonl" else "xlsx" if kind in ("xlsx", "xls", "ods") else "csv"
    path = beside.with_name(f"{beside.stem}-left-out.{ending}")
    with path.open("wb") as target:
        faults = services.imports.faults(principal, run.id)
        write_errors(target, kind, look.columns, faults, language)
    return path


def _print_tally(tally: Tally, language: str, form: str) -> None:
    if form == "json":
        print_json(
            {
                "counts": tally.counts,
                "others": tally.others,
                "samples": tally.samples,
                "alike": tally.alike,
                "is_compared": tally.is_compared,
                "faults": [
                    {"row": one.row, "reasons": [reason.as_json() for reason in one.reasons]}
                    for one in tally.faults
                ],
            }
        )
        return
    say(json.dumps({**tally.counts, **tally.others}, ensure_ascii=False))
    if tally.alike:
        alike = words(
            "{count} rows look like a record that is there.",
            "{count} 行与已有记录相似。",
            count=tally.alike,
        )
        say(f"  {alike.in_language(language)}")
    for one in tally.faults[:_SHOWN]:
        for reason in one.reasons:
            column = f"{reason.column}: " if reason.column else ""
            say(f"  {one.row}  {column}{reason.sentence.in_language(language)}")
    if len(tally.faults) > _SHOWN:
        say(f"  … {len(tally.faults) - _SHOWN} more")
