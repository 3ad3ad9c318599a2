"""`trellis changes`: change sets, what is in them, and taking one back."""

from __future__ import annotations

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
from app.errors import InvalidInput, NotFound
from app.settings import Settings
from app.texts import say as words

if TYPE_CHECKING:
    from app.changes.inspecting import ChangeSet
    from app.services import Services

#: Records that are printed; all of them are in the web page and in the API.
_SHOWN = 50


@click.group("changes", help="Change sets: imports, edits of many records, merges; and undoing.")
def changes() -> None:
    """Hold the commands."""


@changes.command("list")
@click.option("--kind", help="Of one kind: update, import, merge, rule, undo …")
@click.option("--after", type=click.IntRange(min=1), help="Older than this one.")
@language_option
@format_option
@kindly
def list_changes(
    settings: Settings, kind: str | None, after: int | None, language: str, form: str
) -> int:
    """List change sets, the newest first, 50 at a time.

    \b
    Examples:
      trellis changes list
      trellis changes list --kind import --format json
    """
    from app.access.principal import SYSTEM

    del language
    with opened_services(settings, "trellis changes") as services:
        rows = services.changes.sets(SYSTEM, after=after, kind=kind, limit=50)
        if form == "json":
            print_json([one.as_json() for one in rows])
            return 0
        for one in rows:
            say(_line(services, one))
    return 0


def _line(services: Services, one: ChangeSet) -> str:
    people = services.organisation.snapshot().people
    person = people.get(one.user_id) if one.user_id is not None else None
    records = ", ".join(f"{count:,} {name}" for name, count in one.counts.items())
    parts = [
        f"{one.id:>6}",
        one.happened_at.strftime("%Y-%m-%d %H:%M"),
        f"{one.kind:<9}",
        person.name if person is not None else "-",
        records + ("+" if one.is_more else ""),
        one.note or "",
        f"undone by {one.undone_by}" if one.undone_by is not None else "",
    ]
    return "  ".join(part for part in parts if part)


@changes.command("show")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--entity", help="Of this entity; of the first one without it.")
@click.option("--after", type=click.IntRange(min=0), default=0, help="Go on behind this id.")
@language_option
@format_option
@kindly
def show_change(
    settings: Settings, number: int, entity: str | None, after: int, language: str, form: str
) -> int:
    """Show the records of change set NUMBER: before, after, and how they stand now.

    \b
    Examples:
      trellis changes show 17
      trellis changes show 17 --entity contact --after 300
    """
    from app.access.principal import SYSTEM

    del language
    with opened_services(settings, "trellis changes") as services:
        one = _require(services, number)
        name = entity or next(iter(one.counts), "")
        if name not in one.counts:
            raise NotFound(
                words("There is nothing of {name} in it.", "其中没有 {name} 的记录。", name=name)
            )
        rows, hidden, more = services.changes.changed(SYSTEM, one, name, after=after, limit=_SHOWN)
        if form == "json":
            found = [row.as_json() for row in rows]
            print_json({**one.as_json(), "rows": found, "hidden": hidden, "next": more})
            return 0
        say(_line(services, one))
        for row in rows:
            say(f"  {row.entity} {row.id}  {row.what}  {row.title or ''}  [{row.state}]")
            for field, (before, after_) in row.changes.items():
                say(f"      {field}: {before!r} → {after_!r}")
        if more is not None:
            say(f"  … --after {more}")
    return 0


def _require(services: Services, number: int) -> ChangeSet:
    from app.access.principal import SYSTEM

    found = services.changes.one_set(SYSTEM, number)
    if found is None:
        raise NotFound(words("There is no such change set.", "没有这个更改集。"))
    return found


@changes.command("undo")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--only", multiple=True, metavar="ENTITY:ID[,ID…]", help="These records alone.")
@click.option("--note", help="Why, kept with the change set that this makes.")
@language_option
@format_option
@kindly
def undo_change(
    settings: Settings, number: int, only: tuple[str, ...], language: str, form: str, **said: Any
) -> int:
    """Take change set NUMBER back; what was changed since stays and is listed.

    Broken off, it is finished by the next worker that runs. The undo is a change set itself.

    \b
    Examples:
      trellis changes undo 17
      trellis changes undo 17 --only customer:3,4 --note "Wrong file"
    """
    from app.access.principal import SYSTEM

    with opened_services(settings, "trellis changes") as services:
        run = services.changes.undo(SYSTEM, number, only=_chosen(only), at_once=0, **said)
        while services.changes.advance(run.id, 2.0):
            run = services.changes.get(SYSTEM, run.id)
            if form == "text":
                say(f"{run.mark:,} / {run.total:,}")
        run = services.changes.get(SYSTEM, run.id)
        skipped = services.changes.skipped(SYSTEM, run.id, limit=_SHOWN)
        if form == "json":
            print_json(run.as_json() | {"left": skipped})
        else:
            say(
                words(
                    "{changed} back, {unchanged} were so already, {skipped} stay; change set {set}",
                    "恢复 {changed} 条，{unchanged} 条原本如此，{skipped} 条保留；更改集 {set}",
                    changed=f"{run.count('changed'):,}",
                    unchanged=f"{run.count('unchanged'):,}",
                    skipped=f"{run.count('skipped'):,}",
                    set=run.change_set or "-",
                ).in_language(language)
            )
            for one in skipped:
                reasons = " ".join(each["say"].in_language(language) for each in one["reasons"])
                say(f"  {one['entity']} {one['id']}  {one['title'] or ''}  {reasons}")
            if run.problem is not None:
                say(run.problem.in_language(language))
    return 0 if run.state == "done" and not run.count("skipped") else FAILED


def _chosen(only: tuple[str, ...]) -> dict[str, list[int]] | None:
    if not only:
        return None
    found: dict[str, list[int]] = {}
    for one in only:
        name, colon, ids = one.partition(":")
        numbers = ids.split(",")
        if not colon or not all(each.isascii() and each.isdigit() for each in numbers):
            sentence = words("Write `customer:3,4`.", "请写成 customer:3,4。")
            raise InvalidInput({"only": [sentence]})
        found.setdefault(name, []).extend(map(int, numbers))
    return found
