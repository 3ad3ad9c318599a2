"""`trellis sync`: fetch from other systems now, and see how exchanges stand."""

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
from app.settings import Settings

if TYPE_CHECKING:
    from app.exchange.standing import Run, Standing


@click.command()
@click.argument("name", required=False)
@language_option
@format_option
@kindly
def sync(settings: Settings, name: str | None, language: str, form: str) -> int:
    """Fetch from another system now; without NAME, list the exchanges.

    NAME is an exchange that comes in (`erp-product`), or an integration, for all that come in from
    it. It waits until the rows are imported, and fails where nothing came. What goes out is told by
    itself.

    \b
    Examples:
      trellis sync
      trellis sync erp-product
      trellis sync erp --format json
    """
    from app.exchange.standing import run_as_json, standing_as_json

    with opened_services(settings, "trellis sync") as services:
        if name is None:
            found = services.exchange.listed()
            if form == "json":
                print_json([standing_as_json(one, language) for one in found])
            for one in found if form != "json" else ():
                say(f"{one.sync.name:<30} {_line(one, language)}")
            return 0
        runs = [services.exchange.run(one) for one in services.exchange.find(name)]
    if form == "json":
        print_json([run_as_json(one, language) for one in runs])
    for run in runs if form != "json" else ():
        say(f"{run.name}: {run_words(run, language)}")
    return FAILED if any(one.state == "failed" for one in runs) else 0


def run_words(run: Run, language: str) -> str:
    """Return what became of a run, in a line."""
    counts = ", ".join(f"{count} {word}" for word, count in _counts(run.counts).items())
    problem = run.problem.in_language(language) if run.problem is not None else ""
    parts = [run.state, f"{run.rows} rows" if run.rows else "", counts, problem]
    return "; ".join(part for part in parts if part)


def _counts(counts: Any) -> dict[str, int]:
    return {word: n for word, n in counts.items() if word != "others" and n}


def _line(one: Standing, language: str) -> str:
    if one.calls is not None:
        return ", ".join(f"{count} {state}" for state, count in one.calls.items()) or "nothing yet"
    following = f"; next {one.next_at:%Y-%m-%d %H:%M} UTC" if one.next_at else ""
    return f"{run_words(one.runs[0], language) if one.runs else 'nothing yet'}{following}"
