"""The command line: parse, call, print.

Every command is a few lines here; what it does stands in the room it calls. Rooms are imported when
a command runs, so that ``trellis --help`` answers at once. Exit codes mean the same everywhere and
are listed in `EXIT_CODES`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

import click

from app.errors import SettingsError, TrellisError, Unavailable
from app.settings import SETTINGS, Settings, read_settings

DONE = 0
FAILED = 1
MISUSED = 2
UNAVAILABLE = 3
PENDING = 4
BUG = 70

EXIT_CODES = {
    DONE: "done, and nothing to complain about",
    FAILED: "refused or failed; the reason is printed",
    MISUSED: "the command or a setting is written wrongly",
    UNAVAILABLE: "the database or Redis does not answer; trying again may help",
    PENDING: "`plan --exit-code`: there are changes to apply",
    BUG: "a bug in Trellis",
}

_CODES_HELP = "\b\nExit codes:\n" + "\n".join(
    f"  {code:<4}{meaning}" for code, meaning in EXIT_CODES.items()
)

Command = TypeVar("Command", bound=Callable[..., Any])


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    click.echo(line)
    sys.stdout.flush()


def _kindly(function: Command) -> Command:
    """Turn errors into a sentence and an exit code; pass the settings in as the first argument."""

    @wraps(function)
    def command(*args: Any, **options: Any) -> None:
        try:
            code = function(read_settings(), *args, **options)
        except SettingsError as error:
            _exit(error, MISUSED)
        except Unavailable as error:
            _exit(error, UNAVAILABLE)
        except TrellisError as error:
            _exit(error, FAILED)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception:  # noqa: BLE001 - the last one there is.
            traceback.print_exc()
            click.echo("\nThis is a bug in Trellis, not in your files. Please report it.", err=True)
            sys.exit(BUG)
        sys.exit(code or DONE)

    return command  # type: ignore[return-value]


def _exit(error: TrellisError, code: int) -> None:
    click.echo(str(error), err=True)
    sys.exit(code)


def _print_json(value: Any) -> None:
    say(json.dumps(value, ensure_ascii=False, indent=2, default=str))


_format = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="`json` for programs.",
)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_CODES_HELP,
)
@click.version_option(package_name="trellis-crm", prog_name="trellis")
def main() -> None:
    """Trellis: a folder of YAML becomes a running CRM.

    Settings such as PORT, DATABASE_URL and TRELLIS_DATA are read from the environment; `trellis
    settings` lists them.
    """


@main.command()
@_kindly
def run(settings: Settings) -> None:
    """Run the CRM with everything it needs.

    Starts what DATABASE_URL and REDIS_URL do not name, applies the configuration, starts the
    web server, the worker and the watcher of the configuration, and runs until Ctrl-C or SIGTERM.
    What dies is started again.

    \b
    Example:
      PORT=8080 TRELLIS_DATA=/var/lib/trellis trellis run
    """
    from app.supervisor import run as run_installation

    run_installation(settings, say)


@main.command()
@_kindly
def serve(settings: Settings) -> None:
    """Run the web server alone.

    For machines where something else looks after processes.
    Needs DATABASE_URL and REDIS_URL, or a `trellis run` that owns the data folder.

    \b
    Example:
      DATABASE_URL=postgresql://crm@db/crm REDIS_URL=redis://cache:6379/0 trellis serve
    """
    from app.supervisor import web_command

    command = web_command(settings)
    os.execve(command[0], command, _environment_of_running(settings, "trellis serve"))  # noqa: S606


@main.command()
@_kindly
def worker(settings: Settings) -> None:
    """Run one worker for jobs alone.

    Jobs are rules, reminders, mails and imports.
    Needs DATABASE_URL and REDIS_URL, or a `trellis run` that owns the data folder.
    """
    os.environ.update(_environment_of_running(settings, "trellis worker"))
    from app.jobs.worker import run_worker

    run_worker(read_settings())


def _environment_of_running(settings: Settings, command: str) -> dict[str, str]:
    """Return the environment in which both addresses stand."""
    from app.data_folder import DataFolder

    environment = dict(os.environ)
    if not (settings.database_url and settings.redis_url):
        running = DataFolder(settings.data).running()
        if running is None:
            raise TrellisError(
                f"`{command}` needs DATABASE_URL and REDIS_URL, since no `trellis run` uses the "
                f"data folder {settings.data}. To have everything started, use `trellis run`."
            )
        environment["DATABASE_URL"] = running.addresses.database_url
        environment["REDIS_URL"] = running.addresses.redis_url
    return environment


@contextmanager
def _database(settings: Settings, command: str) -> Iterator[Any]:
    """Yield an engine on the database of the installation, starting the embedded one if need be."""
    from app.database.embedded import open_servers
    from app.database.pools import Pools

    with open_servers(settings, command) as addresses:
        pools = Pools(addresses.database_url, max_size=2)
        try:
            yield pools
        finally:
            pools.close()


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@_kindly
def psql(settings: Settings, arguments: tuple[str, ...]) -> int:
    """Open a client on the database.

    It is PostgreSQL's own; everything after the name goes to psql. Entity tables are in the schema
    `crm`; write to them through the API only, or history and totals will not agree.

    \b
    Examples:
      trellis psql
      trellis psql -c "SELECT count(*) FROM crm.customer"
    """
    from app.database.binaries import find_psql
    from app.database.embedded import open_servers

    program = find_psql(settings.postgresql)
    with open_servers(settings, "trellis psql") as addresses:
        # Ctrl-C belongs to psql, which breaks off a query with it.
        import signal

        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            command = [str(program), "-d", addresses.database_url, *arguments]
            return subprocess.run(command, check=False).returncode  # noqa: S603
        finally:
            signal.signal(signal.SIGINT, before)


@main.command("settings")
@_format
@_kindly
def show_settings(settings: Settings, form: str) -> None:
    """List the settings.

    What each is for and what holds now; secrets are not shown.
    """
    from app.settings import settings_as_environment

    now = settings_as_environment(settings)
    secret = {"TRELLIS_ADMIN_PASSWORD", "TRELLIS_SECRET_KEY", "DATABASE_URL", "REDIS_URL"}
    rows = [
        {
            "name": setting.name,
            "value": "(set)" if setting.name in secret and now[setting.name] else now[setting.name],
            "default": setting.default,
            "kind": setting.kind,
            "help": setting.help,
        }
        for setting in SETTINGS
    ]
    if form == "json":
        _print_json(rows)
        return
    for row in rows:
        say(f"{row['name']}={row['value']}\n    {row['help']}")


if __name__ == "__main__":
    main(prog_name="trellis")
