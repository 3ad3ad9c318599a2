"""The command by which somebody agrees to a configuration before it is applied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from app.commands.base import (
    DONE,
    FAILED,
    format_option,
    kindly,
    language_option,
    opened_services,
    print_json,
    say,
)
from app.errors import NotFound, TrellisError
from app.settings import Settings
from app.texts import say as words

if TYPE_CHECKING:
    from app.database.agreements import Standing

said_option = click.option(
    "--say",
    "said",
    multiple=True,
    metavar="NAME=TEXT",
    help="What `changes` of app.yaml says must be said with it; may be repeated.",
)


def read_said(said: Sequence[str]) -> dict[str, str]:
    """Read ``why=…`` as people type it."""
    found = {}
    for one in said:
        name, equals, text = one.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"`{one}` is not NAME=TEXT.", param_hint="--say")
        found[name.strip()] = text
    return found


def standing_lines(standing: Standing, language: str) -> list[str]:
    """Return who agreed, and what is still asked for."""
    lines = [
        words("Agreed: {entry}, by {by}.", "已同意：{entry}（{by}）。", entry=one.entry, by=one.by)
        for one in standing.agreed
    ]
    return [one.in_language(language) for one in (*lines, *standing.sentences())]


def standing_as_json(standing: Standing) -> dict[str, object]:
    """Return where a configuration stands as `--format json` gives it."""
    return {
        "fingerprint": standing.fingerprint,
        "base": standing.base,
        "said": dict(standing.said),
        "agreed": [one.as_json() for one in standing.agreed],
        "unsaid": list(standing.unsaid()),
        "open": list(standing.open),
    }


@click.command()
@click.option("--as", "login", required=True, metavar="LOGIN", help="Who agrees.")
@said_option
@language_option
@format_option
@kindly
def approve(settings: Settings, login: str, said: tuple[str, ...], language: str, form: str) -> int:
    """Agree to what the files say, so that it may be applied.

    Only where `changes` of app.yaml asks for it. Shows the plan, and what was said with it; files
    that are changed afterwards are to be agreed to anew. People who may sign in do the same on the
    setup page.

    \b
    Examples:
      trellis approve --as mia --say why="Two more regions" --say cost_impact=none
      trellis approve --as li
    """
    from app.access.membership import user_called
    from app.agreeing import agree_as, said_by, tell_those_asked
    from app.installation import Installation, who_am_i

    with opened_services(settings, "trellis approve") as services:
        installation = Installation(settings, services.pools)
        plan = installation.plan(installation.folder.load_catalog(language))
        standing = installation.standing(plan)
        if not standing.confirm:
            raise TrellisError(
                words("Nobody is asked to agree to this.", "这些更改不需要征得同意。")
            )
        snapshot = services.organisation.snapshot()
        user_id = user_called(snapshot, login)
        if user_id is None:
            raise NotFound(
                words("There is no user `{login}`.", "没有用户 `{login}`。", login=login)
            )
        if said:
            texts = {**standing.said, **read_said(said)}
            standing = said_by(services.pools, standing, texts, who_am_i(), user_id)
            tell_those_asked(services.records, services.teller, standing, who_am_i())
        who = snapshot.people[user_id].name
        standing = agree_as(services.pools, snapshot, standing, user_id, who)
    if form == "json":
        print_json(standing_as_json(standing))
    else:
        say(plan.render("text", language))
        for line in standing_lines(standing, language):
            say(line)
    return FAILED if standing.open else DONE
