"""What every command shares: exit codes, errors as sentences, the settings, the database."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from app.errors import SettingsError, TrellisError, Unavailable, text_in
from app.settings import Settings, read_settings
from app.texts import OWN_LANGUAGES

if TYPE_CHECKING:
    from app.database.pools import Pools
    from app.services import Services

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

Command = TypeVar("Command", bound=Callable[..., Any])


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    click.echo(line)
    sys.stdout.flush()


def kindly(function: Command) -> Command:
    """Turn errors into a sentence and an exit code; pass the settings in as the first argument."""

    @wraps(function)
    def command(*args: Any, **options: Any) -> None:
        language = options.get("language", OWN_LANGUAGES[0])
        try:
            code = function(read_settings(), *args, **options)
        except SettingsError as error:
            _end(error, MISUSED, language)
        except Unavailable as error:
            _end(error, UNAVAILABLE, language)
        except TrellisError as error:
            _end(error, FAILED, language)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except BrokenPipeError:
            _stop_talking()
        except Exception as error:  # noqa: BLE001 - the last one there is.
            away = _as_unavailable(error)
            if away is not None:
                _end(away, UNAVAILABLE, language)
            traceback.print_exc()
            click.echo("\nThis is a bug in Trellis, not in your files. Please report it.", err=True)
            sys.exit(BUG)
        sys.exit(code or DONE)

    return command  # type: ignore[return-value]


def _as_unavailable(error: Exception) -> Unavailable | None:
    """Return what a driver's error means if it is about a database that is away."""
    if type(error).__module__.partition(".")[0] not in {"psycopg", "psycopg_pool", "sqlalchemy"}:
        return None
    from app.database.pools import as_unavailable

    return as_unavailable(error)


def is_away(error: Exception) -> bool:
    """Return whether an error means that the database does not answer."""
    return _as_unavailable(error) is not None


def _stop_talking() -> NoReturn:
    """End as programs do whose reader, such as `head`, has heard enough."""
    # What Python still holds back would otherwise be written, and fail, on the way out.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(128 + signal.SIGPIPE)


def _end(error: TrellisError, code: int, language: str) -> None:
    click.echo(text_in(error.message, language), err=True)
    for name, sentences in error.fields.items():
        for sentence in sentences:
            click.echo(f"  {name}: {text_in(sentence, language)}", err=True)
    sys.exit(code)


def print_json(value: Any) -> None:
    say(json.dumps(value, ensure_ascii=False, indent=2, default=str))


format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="`json` for programs.",
)


def spoken_language() -> str:
    """Return the language the terminal is set to, if it is one of ours; English otherwise."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            language = re.split("[-_.@]", value.lower())[0]
            return language if language in OWN_LANGUAGES else OWN_LANGUAGES[0]
    return OWN_LANGUAGES[0]


language_option = click.option(
    "--language",
    type=click.Choice(OWN_LANGUAGES),
    default=spoken_language,
    show_default="that of LANG, else en",
    help="The language of what is printed; JSON is the same in all.",
)


@contextmanager
def database(settings: Settings, command: str) -> Iterator[Pools]:
    """Yield the pools of the database of the installation, starting the embedded one if need be."""
    from app.database.embedded import open_servers
    from app.database.pools import Pools

    with open_servers(settings, command) as addresses:
        pools = Pools(addresses.database_url, max_size=2)
        try:
            yield pools
        finally:
            pools.close()


@contextmanager
def opened_services(settings: Settings, command: str) -> Iterator[Services]:
    """Yield everything a process of the CRM works with."""
    from app.database.embedded import open_servers
    from app.services import open_services

    with open_servers(settings, command) as addresses:
        known = replace(
            settings, database_url=addresses.database_url, redis_url=addresses.redis_url
        )
        services = open_services(known)
        try:
            yield services
        finally:
            services.close()
