"""Commands about rules: which there are, what they will do or would have done, and why not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from app.commands.base import (
    format_option,
    kindly,
    language_option,
    opened_services,
    print_json,
    say,
)
from app.errors import NotFound
from app.settings import Settings
from app.texts import Label
from app.texts import say as words

if TYPE_CHECKING:
    from app.automation.registry import RuleNumbers
    from app.records.work import Work


@click.group()
def rules() -> None:
    """Look at the rules in force.

    Nothing here does anything: no record is changed and nobody is told.
    """


@contextmanager
def _looking(settings: Settings, command: str) -> Iterator[tuple[Work, RuleNumbers]]:
    """Yield what rules are looked at with, as the system."""
    from app.access.principal import SYSTEM

    with (
        opened_services(settings, command) as services,
        services.records.previews.work(SYSTEM) as work,
    ):
        yield work, services.numbers


@rules.command("list")
@language_option
@format_option
@kindly
def list_(settings: Settings, language: str, form: str) -> None:
    """List the rules, with what sets each off.

    \b
    Example:
      trellis rules list
    """
    from app.automation.occasions import sets_off

    with _looking(settings, "trellis rules list") as (work, _):
        catalog = work.release.catalog
        found = list(catalog.automation.rules.values())
    if form == "json":
        print_json(
            [
                {
                    "rule": rule.name,
                    "entities": list(rule.entities),
                    "when": str(sets_off(rule, catalog)),
                    "off": rule.off,
                    "file": rule.file,
                    "line": rule.place.line if rule.place else None,
                }
                for rule in found
            ]
        )
        return
    width = max((len(rule.name) for rule in found), default=0)
    for rule in found:
        about = ", ".join(rule.entities) or "-"
        off = words(" (off)", "（停用）").in_language(language) if rule.off else ""
        say(f"{rule.name:<{width}}  {about}: {sets_off(rule, catalog).in_language(language)}{off}")


@rules.command()
@click.option("--days", default=14, show_default=True, type=click.IntRange(1, 366))
@click.option("--rule", "only", metavar="RULE", help="This one alone.")
@language_option
@format_option
@kindly
def forecast(settings: Settings, days: int, only: str | None, language: str, form: str) -> None:
    """Say what fires in the days to come, to whom, and why.

    \b
    Examples:
      trellis rules forecast
      trellis rules forecast --rule remind-silent-customers --days 30
    """
    from app.automation.forecast import forecast as foresee
    from app.automation.foreseeing import moment_text

    with _looking(settings, "trellis rules forecast") as (work, numbers):
        if only is not None:
            _require(work, only)
        found = foresee(work, numbers, days=days, only=only)
        calendar = work.calendar
    if form == "json":
        print_json(
            {
                "until": found.until.isoformat(),
                "coming": [one.as_json() for one in found.coming],
                "counts": dict(found.counts),
            }
        )
        return
    for one in found.coming:
        title = f" {one.title}" if one.title else ""
        to = f" → {', '.join(one.to)}" if one.to else ""
        say(f"{moment_text(one.at, calendar)}  {one.rule}{title}{to}")
        say(f"    {one.why.in_language(language)}")
        if one.stopped_by:
            stopped = words(
                "would be skipped now: {parts}", "目前会被跳过：{parts}",
                parts="; ".join(one.stopped_by),
            )  # fmt: skip
            say(f"    {stopped.in_language(language)}")
    _say_how_many(found, language)


def _say_how_many(found: Any, language: str) -> None:
    if not found.coming:
        say(words("Nothing is to come.", "没有即将触发的规则。").in_language(language))
    elif found.is_cut:
        for rule, count in found.counts.items():
            line = words(
                "{rule}: {count} records altogether", "{rule}：共 {count} 条记录",
                rule=rule, count=count,
            )  # fmt: skip
            say(line.in_language(language))


@rules.command()
@click.argument("rule")
@click.argument("entity")
@click.argument("record", type=click.IntRange(1))
@language_option
@format_option
@kindly
def why(settings: Settings, rule: str, entity: str, record: int, language: str, form: str) -> None:
    """Say why a rule does not fire for a record: the date or the condition that stops it.

    \b
    Example:
      trellis rules why remind-silent-customers customer 17
    """
    from app.automation.whynot import why_not

    with _looking(settings, "trellis rules why") as (work, numbers):
        _require(work, rule)
        answer = why_not(work, numbers, rule, entity, record)
    if form == "json":
        print_json(answer.as_json())
        return
    for sentence in answer.sentences:
        say(sentence.in_language(language))
    for part in answer.parts:
        sign = "?" if part.is_met is None else "✓" if part.is_met else "✗"
        say(f"  {sign} {part.text}")
    if answer.to:
        to = words("It would reach: {to}.", "将通知：{to}。", to=", ".join(answer.to))
        say(to.in_language(language))


@rules.command()
@click.argument("rule")
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, 3660))
@language_option
@format_option
@kindly
def backtest(settings: Settings, rule: str, days: int, language: str, form: str) -> None:
    """Replay a rule over the recorded history: what it would have done, to whom, how often.

    Nothing is done. What the history does not keep is taken as it is now, and said so.

    \b
    Example:
      trellis rules backtest remind-silent-customers --days 90
    """
    from app.automation.backtest import backtest as replay
    from app.automation.foreseeing import moment_text

    with _looking(settings, "trellis rules backtest") as (work, _):
        _require(work, rule)
        found = replay(work, rule, days=days)
        calendar = work.calendar
    if form == "json":
        print_json(found.as_json())
        return
    for one in found.firings:
        to = f" → {', '.join(one.to)}" if one.to else ""
        say(f"{moment_text(one.at, calendar)}  {one.title}{to}")
    for line in found.summary():
        say(line.in_language(language))


def _require(work: Work, name: str) -> None:
    """Refuse the name of a rule that there is not, with the nearest.

    Raises:
        NotFound: there is none.
    """
    known = work.release.catalog.automation.rules
    if name in known:
        return
    from app.definitions.problems import nearest

    close = nearest(name, known)
    hint = words("", "")
    if close:
        hint = words(" Did you mean {close}?", "您是不是想写 {close}？", close=", ".join(close))
    sentence: Label = words(
        "There is no rule {name}.{hint}", "没有名为 {name} 的规则。{hint}", name=name, hint=hint
    )
    raise NotFound(sentence)
