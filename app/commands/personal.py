"""`trellis personal`: finding a person, taking everything along, anonymising, and the register."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.commands.base import (
    format_option,
    kindly,
    language_option,
    opened_services,
    print_json,
    say,
)
from app.errors import Malformed
from app.settings import Settings
from app.texts import say as words

if TYPE_CHECKING:
    from app.personal.finding import Found


@click.group("personal", help="Personal data: find, take along, anonymise a person.")
def personal() -> None:
    """Hold the commands."""


@personal.command("find")
@click.argument("text")
@click.option("--deep", is_flag=True, help="Read texts, history, messages and imports as well.")
@language_option
@format_option
@kindly
def find_person(settings: Settings, text: str, deep: bool, language: str, form: str) -> None:
    """Find a person by name, telephone number or e-mail address.

    What was asked stands in the register, without the name.

    \b
    Examples:
      trellis personal find "138 0013 6021"
      trellis personal find li.wei@example.com --deep --format json
    """
    from app.access.principal import SYSTEM

    with opened_services(settings, "trellis personal") as services:
        found = services.personal.find(SYSTEM, text, deeply=deep)
    if form == "json":
        print_json(found.as_json())
        return
    for one in (*found.records, *found.mentions):
        say(_line(one))
    for name, count in found.elsewhere.items():
        say(f"{name}: {count:,}")
    if not (found.records or found.mentions or found.elsewhere):
        say(words("Nobody is found.", "没有找到此人。").in_language(language))


def _line(one: Found) -> str:
    parts = [f"{one.entity}/{one.id}", one.title, f"({', '.join(one.by)})"]
    parts += ["in the bin"] if one.in_bin else []
    return "  ".join([*parts, f"held: {one.held}"] if one.held else parts)


def chosen_of(named: tuple[str, ...]) -> dict[str, list[int]]:
    """Return records that are named ``contact/12``.

    Raises:
        Malformed: one is not.
    """
    found: dict[str, list[int]] = {}
    for one in named:
        entity, _, number = one.partition("/")
        if not (number.isascii() and number.isdigit() and len(number) < 19):
            raise Malformed(
                words(
                    "`{one}` names no record. Write the entity and the number: contact/12.",
                    "“{one}”不是记录。请写实体名和编号，例如 contact/12。",
                    one=one[:80],
                )
            )
        found.setdefault(entity, []).append(int(number))
    return found


@personal.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("record", nargs=-1, required=True)
@click.option("--why", required=True, help="Who asked for it, and when.")
@language_option
@kindly
def export_person(
    settings: Settings, file: Path, record: tuple[str, ...], why: str, language: str
) -> None:
    """Write everything kept about a person into FILE, a zip.

    \b
    Example:
      trellis personal export li-wei.zip contact/12 lead/7 --why "Asked by e-mail, 3 November"
    """
    import shutil

    from app.access.principal import SYSTEM

    with (
        opened_services(settings, "trellis personal") as services,
        services.personal.export(SYSTEM, chosen_of(record), why) as stream,
        file.open("wb") as target,
    ):
        file.chmod(0o600)
        shutil.copyfileobj(stream, target)
    say(words("{file} is written.", "已写入 {file}。", file=str(file)).in_language(language))


@personal.command("anonymise")
@click.argument("record", nargs=-1, required=True)
@click.option("--why", required=True, help="Who asked for it, and when.")
@click.option("--keep-files", is_flag=True, help="Files on the records stay.")
@click.option("--yes", is_flag=True, help="Do it without asking: it cannot be undone.")
@language_option
@kindly
def anonymise_person(
    settings: Settings,
    record: tuple[str, ...],
    why: str,
    keep_files: bool,
    yes: bool,
    language: str,
) -> None:
    """Take a person out of records, of their history and of what was written about them, for good.

    It cannot be undone, and is done again after an older backup was restored.

    \b
    Example:
      trellis personal anonymise contact/12 lead/7 --why "Asked by e-mail, 3 November"
    """
    from app.access.principal import SYSTEM

    chosen = chosen_of(record)
    if not yes:
        asked = words(
            "The personal data of {count} records will be gone for good. Go on?",
            "将永久清除 {count} 条记录中的个人信息。是否继续？",
            count=len(record),
        )
        click.confirm(asked.in_language(language), abort=True)
    with opened_services(settings, "trellis personal") as services:
        found = services.personal.anonymise(
            SYSTEM, chosen, why, has_files=not keep_files, origin="system"
        )
    for name, count in found.as_json().items():
        say(f"{name}: {count:,}")


@personal.command("register")
@format_option
@language_option
@kindly
def show_register(settings: Settings, form: str, language: str) -> None:
    """List what was done for persons, when, by whom and why, the newest first.

    \b
    Example:
      trellis personal register --format json
    """
    from app.access.principal import SYSTEM

    del language
    with opened_services(settings, "trellis personal") as services:
        lines = services.personal.acts(SYSTEM, limit=200)
    if form == "json":
        print_json([{name: getattr(one, name) for name in one.__slots__} for one in lines])
        return
    for one in lines:
        records = ", ".join(f"{name}/{each}" for name, ids in one.records.items() for each in ids)
        say(f"{one.happened_at:%Y-%m-%d %H:%M}  {one.kind:<10}  {records}  {one.why}")


@personal.command("reads")
@click.argument("record", required=False)
@language_option
@format_option
@kindly
def reads(settings: Settings, record: str | None, language: str, form: str) -> int:
    """List who read personal data unmasked, by day, the latest first; of all, or of one RECORD.

    \b
    Examples:
      trellis personal reads
      trellis personal reads contact/12
    """
    from app.access.principal import SYSTEM

    del language
    chosen = chosen_of((record,)) if record else {}
    entity, ids = next(iter(chosen.items()), (None, [None]))
    with opened_services(settings, "trellis personal") as services:
        found = services.personal.reads(SYSTEM, entity, ids[0])
        people = services.organisation.snapshot().people
    if form == "json":
        print_json([one.as_json() for one in found])
        return 0
    for one in found:
        person = people.get(one.user_id)
        what = f"{one.entity}/{one.id}" if one.id else f"{one.entity}: {one.rows} in lists"
        who = person.name if person is not None else f"#{one.user_id}"
        say(f"{one.last_at:%Y-%m-%d %H:%M}  {who}  {what}  ({one.times} times)")
    return 0
