"""Commands about the configuration: check it, see what it would change, apply it, look back."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.commands.agreeing import read_said, said_option, standing_lines
from app.commands.base import (
    DONE,
    FAILED,
    PENDING,
    database,
    format_option,
    kindly,
    language_option,
    print_json,
    say,
)
from app.errors import TrellisError
from app.settings import Settings
from app.texts import Label
from app.texts import say as words

if TYPE_CHECKING:
    from app.database.plan import Plan
    from app.database.versions import AppliedVersion
    from app.definitions.automation import ConfigTest
    from app.definitions.catalog import Catalog
    from app.trials.runner import Outcome


@click.command()
@language_option
@format_option
@kindly
def check(settings: Settings, language: str, form: str) -> int:
    """Check the configuration without touching anything.

    Prints every problem as file:line:column with what is wrong and what to do.

    \b
    Examples:
      trellis check
      TRELLIS_CONFIG=draft trellis check --format json
    """
    # One look and the process ends: looking for garbage would only cost half a second.
    gc.disable()
    from app.configuration_folder import ConfigurationFolder

    folder = ConfigurationFolder(settings)
    loaded = folder.load()
    say(folder.render(loaded, form, language))
    return FAILED if loaded.has_errors else DONE


_allow = click.option(
    "--allow",
    multiple=True,
    metavar="NAME",
    help="Accept that this loses data, for example contact.fax; may be repeated.",
)


@click.command()
@_allow
@click.option("--exit-code", is_flag=True, help="Exit with 4 when there are changes to apply.")
@click.option("--no-tests", is_flag=True, help="Leave out the tests of the configuration.")
@language_option
@format_option
@kindly
def plan(
    settings: Settings,
    allow: tuple[str, ...],
    exit_code: bool,
    no_tests: bool,
    language: str,
    form: str,
) -> int:
    """Show what `apply` would do, and change nothing.

    Every operation with what it touches: rows, values that would be lost or would not convert,
    records that break a new rule. Then it runs the tests of the configuration, as `trellis test`
    does, and says which fail.

    \b
    Examples:
      trellis plan
      trellis plan --allow contact.fax
      trellis plan --no-tests --format json --exit-code
    """
    from app.installation import Installation

    with database(settings, "trellis plan") as pools:
        installation = Installation(settings, pools)
        catalog = installation.folder.load_catalog(language)
        found = installation.plan(catalog, allow)
        tests = () if no_tests else catalog.automation.tests
        outcomes = _outcomes(settings, pools.url, catalog, tests)
        standing = installation.standing(found)
    _say_plan(found, outcomes, installation.folder.prefix, language, form)
    for line in standing_lines(standing, language) if form == "text" else ():
        say(line)
    if found.refusals or not all(one.passed for one in outcomes):
        return FAILED
    return PENDING if exit_code and not found.is_empty else DONE


def _say_plan(
    found: Plan, outcomes: Sequence[Outcome], prefix: str, language: str, form: str
) -> None:
    from app.trials.telling import as_json, as_lines

    text = found.render("json" if form == "json" else "text", language)
    if form == "json" and outcomes:
        print_json({**json.loads(text), "tests": as_json(outcomes, prefix)})
        return
    say(text)
    for line in as_lines(outcomes, prefix, language) if outcomes else ():
        say(line)


@click.command()
@_allow
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@click.option("--reason", metavar="TEXT", help="Why, for the list of versions.")
@said_option
@language_option
@format_option
@kindly
def apply(
    settings: Settings,
    allow: tuple[str, ...],
    yes: bool,
    reason: str | None,
    said: tuple[str, ...],
    language: str,
    form: str,
) -> int:
    """Apply the configuration: tables, roles, and the new version live in every process.

    Shows the plan first and asks. People go on working meanwhile. If it is broken off, the old
    version serves on, and applying again does the rest. Where `changes` of app.yaml asks for
    somebody's agreement, it is refused until they have given it (`trellis approve`).

    \b
    Examples:
      trellis apply
      trellis apply --yes --reason "tax number for invoices"
    """
    from app.database.apply import ApplyOptions
    from app.installation import Installation, who_am_i

    with database(settings, "trellis apply") as pools:
        installation = Installation(settings, pools)
        catalog = installation.folder.load_catalog(language)
        found = installation.plan(catalog, allow)
        if form == "text":
            say(found.render("text", language))
        if found.refusals:
            if form == "json":
                say(found.render("json"))
            return FAILED
        if not found.is_empty and not yes and not _agrees(form, language):
            say(words("Nothing was changed.", "没有做任何更改。").in_language(language))
            return FAILED
        version = installation.apply(
            catalog,
            who_am_i(),
            reason,
            ApplyOptions(
                allow=allow,
                expected=found,
                said=read_said(said),
                waiting=lambda who: click.echo(_waiting(who).in_language(language), err=True),
            ),
        )
    if form == "json":
        print_json(version_as_json(version))
    else:
        live = words("Version {n} is live.", "第 {n} 版已生效。", n=version.number)
        for sentence in (live, *version.problems):
            say(sentence.in_language(language))
    return FAILED if version.problems else DONE


def _waiting(who: Label) -> Label:
    return words("Waiting for {who} to finish …", "正在等待{who}完成……", who=who)


def _agrees(form: str, language: str) -> bool:
    if form == "json" or not sys.stdin.isatty():
        raise TrellisError(
            words(
                "There is nobody to ask. Look at `trellis plan`, then apply with --yes.",
                "没有人可以确认。请先查看 `trellis plan`，再用 --yes 应用。",
            )
        )
    question = words("Apply this?", "应用这些更改吗？").in_language(language)
    return click.confirm(question, default=False)


def version_as_json(version: Any) -> dict[str, Any]:
    """Return a version of the configuration as `--format json` gives it."""
    return {
        "number": version.number,
        "fingerprint": version.fingerprint,
        "applied_at": version.applied_at.isoformat(),
        "applied_by": version.applied_by,
        "reason": version.reason,
        "state": version.state,
        "base": version.base,
        "said": dict(version.said),
        "agreed": list(version.agreed),
        "problems": [str(problem) for problem in version.problems],
    }


@click.command()
@click.option("--limit", default=20, show_default=True, help="How many, the newest first.")
@click.option("--files", "number", type=int, metavar="NUMBER", help="Print a version's files.")
@format_option
@kindly
def versions(settings: Settings, limit: int, number: int | None, form: str) -> None:
    """List the versions of the configuration that were applied.

    \b
    Examples:
      trellis versions
      trellis versions --files 12 --format json
    """
    from app.database.migrate import current
    from app.database.versions import files_of
    from app.database.versions import versions as newest_versions

    with (
        database(settings, "trellis versions") as pools,
        pools.engine.connect() as connection,
    ):
        is_new = current(connection) is None
        if number is not None and not is_new:
            files = files_of(connection, number)
            if form == "json":
                print_json(files)
            for name in sorted(files) if form == "text" else ():
                say(f"# {name}\n{files[name].rstrip()}\n")
            return
        found = [] if is_new else _with_one_live(newest_versions(connection, limit))
    if form == "json":
        print_json([version_as_json(version) for version in found])
        return
    for version in found:
        when = f"{version.applied_at.astimezone():%Y-%m-%d %H:%M}"
        line = f"{version.number:>5}  {when}  {version.state:<8}  {version.fingerprint[:12]}"
        say(f"{line}  {version.applied_by}  {version.reason or ''}".rstrip())
    if not found:
        say("Nothing was applied yet.")


def _with_one_live(found: Sequence[AppliedVersion]) -> list[AppliedVersion]:
    """Return the versions, newest first; those that were live before the last are replaced."""
    live = next((one.number for one in found if one.state == "live"), None)
    return [
        replace(one, state="replaced") if one.state == "live" and one.number != live else one
        for one in found
    ]


@click.command()
@click.argument("kind", required=False)
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write one file for each kind there.",
)
@kindly
def schema(settings: Settings, kind: str | None, into: Path | None) -> None:
    """Print the JSON Schema of the configuration files, for editors.

    An editor that knows it completes keys, explains them and underlines mistakes. Plugins' field
    types are in it. KIND is app, roles, options, entity, workflow, test, dashboard, import or
    integration.

    \b
    Examples:
      trellis schema entity > entity.schema.json
      trellis schema --into .schemas
      # then, in the first line of an entity file:
      # yaml-language-server: $schema=../../.schemas/entity.json
    """
    from app.definitions.jsonschema import FILES, json_schemas
    from app.plugins import load_plugins

    if kind is not None and kind not in FILES:
        raise click.BadParameter(f"there are: {', '.join(FILES)}.", param_hint="KIND")
    schemas = json_schemas(load_plugins(settings).field_types)
    if into is None:
        print_json(schemas if kind is None else schemas[kind])
        return
    into.mkdir(parents=True, exist_ok=True)
    for name in [kind] if kind else FILES:
        path = into / f"{name}.json"
        path.write_text(
            json.dumps(schemas[name], ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
        )
        say(f"{path} is for {FILES[name]}")


@click.command("test")
@click.argument("words", nargs=-1)
@language_option
@format_option
@kindly
def run_tests(settings: Settings, words: tuple[str, ...], language: str, form: str) -> int:
    """Test the configuration.

    Checks every file, as `trellis check` does, and runs the tests of the configuration
    (`tests/*.yaml`) on a database of their own, with a clock of their own: nothing is sent, no
    record of yours is touched. WORDS choose tests by their title or file.

    \b
    Examples:
      trellis test
      trellis test follow_up
      TRELLIS_CONFIG=draft trellis test --format json
    """
    from app.configuration_folder import ConfigurationFolder
    from app.trials.telling import as_json, as_lines

    folder = ConfigurationFolder(settings)
    loaded = folder.load()
    if loaded.catalog is None or (loaded.problems and form != "json"):
        say(folder.render(loaded, form, language))
    if loaded.catalog is None:
        return FAILED
    chosen = [one for one in loaded.catalog.automation.tests if _is_chosen(one, words)]
    with database(settings, "trellis test") as pools:
        outcomes = _outcomes(settings, pools.url, loaded.catalog, chosen)
    if form == "json":
        print_json(as_json(outcomes, folder.prefix))
    else:
        for line in as_lines(outcomes, folder.prefix, language):
            say(line)
    return DONE if all(one.passed for one in outcomes) else FAILED


def _is_chosen(test: ConfigTest, words: Sequence[str]) -> bool:
    return not words or any(
        word.casefold() in text.casefold() for word in words for text in (test.name, test.file)
    )


def _outcomes(
    settings: Settings, url: str, catalog: Catalog, tests: Sequence[ConfigTest]
) -> list[Outcome]:
    """Run tests on the server of the installation."""
    from app.plugins import load_plugins
    from app.trials.runner import kit_of
    from app.trials.runner import run_tests as run

    return run(url, catalog, kit_of(load_plugins(settings)), tests) if tests else []


@click.command()
@format_option
@kindly
def plugins(settings: Settings, form: str) -> None:
    """List the plugins with their versions and the hooks they use.

    Plugins are folders of the folder `plugins` (TRELLIS_PLUGINS) and installed packages that offer
    the entry point `trellis`. TRELLIS_DISABLED_PLUGINS leaves some out.

    \b
    Examples:
      trellis plugins
      TRELLIS_PLUGINS=/opt/plugins trellis plugins --format json
    """
    from dataclasses import asdict

    from app.plugins import load_plugins

    found = load_plugins(settings).found
    if form == "json":
        print_json([asdict(plugin) for plugin in found])
        return
    for plugin in found:
        say(f"{plugin.name} {plugin.version}  {plugin.summary}")
        say(f"    {plugin.place}: {', '.join(plugin.hooks) or 'no hooks'}")
    if not found:
        say(f"There are no plugins in {settings.plugins}.")
