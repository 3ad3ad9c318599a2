"""`trellis duplicates`: looking for the same thing twice in all records, and what was found."""

from __future__ import annotations

import click

from app.commands.base import (
    format_option,
    kindly,
    language_option,
    opened_services,
    print_json,
    say,
)
from app.settings import Settings


@click.group("duplicates", help="Records that may be the same thing: looking for them, listing.")
def duplicates() -> None:
    """Hold the commands."""


@duplicates.command("scan")
@language_option
@format_option
@kindly
def scan(settings: Settings, language: str, form: str) -> int:
    """Look through all records now, and say how many pairs there are.

    \b
    Examples:
      trellis duplicates scan
      trellis duplicates scan --format json
    """
    from app.access.principal import SYSTEM

    del language
    with opened_services(settings, "trellis duplicates") as services:
        number = services.duplicates.begin(SYSTEM)
        services.duplicates.run(number)
        found = services.duplicates.last_scan() or {}
        if form == "json":
            print_json(
                {key: found.get(key) for key in ("id", "state", "found", "made_at", "ended_at")}
            )
        else:
            say(f"{found.get('found', 0):,} pairs may be the same thing ({found.get('state')}).")
    return 0


@duplicates.command("list")
@click.option("--entity", help="Only with a record of this entity.")
@click.option(
    "--page", type=click.IntRange(1, 40), default=1, help="Pages of 25, the surest first."
)
@language_option
@format_option
@kindly
def list_duplicates(
    settings: Settings, entity: str | None, page: int, language: str, form: str
) -> int:
    """List pairs of records that may be the same thing, the surest first.

    \b
    Examples:
      trellis duplicates list
      trellis duplicates list --entity customer --format json
    """
    from app.access.principal import SYSTEM

    del language
    with opened_services(settings, "trellis duplicates") as services:
        pairs = services.duplicates.listed(SYSTEM, entity, page)
        if form == "json":
            print_json([one.as_json() for one in pairs])
            return 0
        for one in pairs:
            sides = " = ".join(f"{s.entity} {s.id} {s.title}" for s in (one.one, one.other))
            by = ", ".join(f"{r.kind} {r.field}" for r in one.reasons)
            say(f"{one.id:>7}  {one.score:.2f}  {sides}  ({by})")
    return 0
