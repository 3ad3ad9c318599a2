"""Commands that run something: the whole CRM, a part of it, or a client for its database."""

from __future__ import annotations

import os
import subprocess

import click

from app.commands.base import format_option, kindly, print_json, say
from app.errors import TrellisError
from app.settings import SETTINGS, Settings, read_settings


@click.command()
@kindly
def run(settings: Settings) -> None:
    """Run the CRM with everything it needs.

    Starts what DATABASE_URL and REDIS_URL do not name, applies the configuration, starts the
    web server, the scheduler, two workers and the watcher of the configuration, and runs until
    Ctrl-C or SIGTERM. What dies is started again.

    \b
    Example:
      PORT=8080 TRELLIS_DATA=/var/lib/trellis trellis run
    """
    from app.supervisor import run as run_installation

    run_installation(settings, say)


@click.command()
@kindly
def serve(settings: Settings) -> None:
    """Run the web server alone.

    For machines where something else looks after processes.
    Needs DATABASE_URL and REDIS_URL, or a `trellis run` that owns the data folder.

    \b
    Example:
      DATABASE_URL=postgresql://crm@db/crm REDIS_URL=redis://cache:6379/0 trellis serve
    """
    from app.supervisor import web_command

    command = web_command()
    os.execve(command[0], command, _environment_of_running(settings, "trellis serve"))  # noqa: S606


@click.command()
@click.option(
    "--queues",
    default="reminders,default,mail",
    metavar="NAMES",
    help="What it works on, the first before the others: reminders, default, mail.",
)
@kindly
def worker(settings: Settings, queues: str) -> None:
    """Run one worker for jobs alone.

    Jobs are rules, reminders, mails and imports. With one worker for mail and another for the rest,
    a mail server that answers slowly keeps no reminder waiting.
    Needs DATABASE_URL and REDIS_URL, or a `trellis run` that owns the data folder.

    \b
    Examples:
      DATABASE_URL=postgresql://crm@db/crm REDIS_URL=redis://cache:6379/0 trellis worker
      trellis worker --queues mail
    """
    os.environ.update(_environment_of_running(settings, "trellis worker"))
    from app.jobs.queues import QUEUES
    from app.jobs.worker import run_worker
    from app.services import open_services

    named = [name.strip() for name in queues.split(",") if name.strip()]
    for name in named:
        if name not in QUEUES:
            raise TrellisError(f"There is no queue `{name}`. There are: {', '.join(QUEUES)}.")
    run_worker(open_services(read_settings()), named or QUEUES)


@click.command()
@kindly
def scheduler(settings: Settings) -> None:
    """Run one scheduler alone.

    It hands what is due to the workers. Several may run: one leads, another takes over within
    seconds should that one end.
    Needs DATABASE_URL and REDIS_URL, or a `trellis run` that owns the data folder.

    \b
    Example:
      DATABASE_URL=postgresql://crm@db/crm REDIS_URL=redis://cache:6379/0 trellis scheduler
    """
    os.environ.update(_environment_of_running(settings, "trellis scheduler"))
    from app.jobs.scheduler import run_scheduler
    from app.services import open_services

    run_scheduler(open_services(read_settings()))


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


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@kindly
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


@click.command("settings")
@format_option
@kindly
def show_settings(settings: Settings, form: str) -> None:
    """List the settings.

    What each is for and what holds now; secrets are not shown.

    \b
    Examples:
      trellis settings
      trellis settings --format json
    """
    from app.settings import settings_as_environment

    now = settings_as_environment(settings)
    secret = {
        "TRELLIS_METRICS_TOKEN",
        "TRELLIS_ADMIN_PASSWORD",
        "TRELLIS_SECRET_KEY",
        "DATABASE_URL",
        "REDIS_URL",
    }
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
        print_json(rows)
        return
    for row in rows:
        say(f"{row['name']}={row['value']}\n    {row['help']}")
