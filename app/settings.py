"""What an installation may set from outside: one table, read once from the environment.

`SETTINGS` is the whole list; documentation and ``trellis --help`` print it. `read_settings` turns
an environment into one frozen `Settings`, or says everything that is wrong with it at once. The
configuration of the CRM itself (entities, roles, rules) is YAML and no concern of this module.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.errors import SettingsError


@dataclass(frozen=True)
class Setting:
    """One line of the table."""

    name: str
    #: The attribute of `Settings` that holds the value.
    attribute: str
    #: What holds when the environment says nothing, as one would write it there.
    default: str
    #: The kind of value, in words.
    kind: str
    #: A sentence for the administrator.
    help: str
    #: Turns the text into the value, or raises `ValueError` with a sentence.
    parse: Callable[[str], Any]


def _text(text: str) -> str | None:
    return text or None


def _folder(text: str) -> Path:
    if not text.strip():
        raise ValueError("it is empty; write the path of a folder.")
    path = Path(text).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise ValueError(f"`{text}` is a file; write the path of a folder.")
    return path


def _program(text: str) -> Path | None:
    if not text:
        return None
    path = Path(text).expanduser().absolute()
    if not os.access(path, os.X_OK) or path.is_dir():
        raise ValueError(f"`{text}` is not a program that can be run.")
    return path


def _folder_of_programs(text: str) -> Path | None:
    if not text:
        return None
    path = Path(text).expanduser().absolute()
    if not (path / "postgres").exists():
        raise ValueError(f"there is no program `postgres` in `{text}`.")
    return path


def _switch(text: str) -> bool:
    word = text.strip().lower()
    if word in {"1", "yes", "true", "on"}:
        return True
    if word in {"", "0", "no", "false", "off"}:
        return False
    raise ValueError(f"`{text}` is neither yes nor no; write `yes` or `no`.")


def _whole_number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text.strip()) or not low <= int(text) <= high:
            raise ValueError(f"`{text}` must be a whole number from {low} to {high}.")
        return int(text)

    return parse


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._:-]+", text):
        raise ValueError(f"`{text}` is not a host name or an IP address, for example `127.0.0.1`.")
    return text


def _database_url(text: str) -> str | None:
    """Return the address as libpq, psycopg and SQLAlchemy all understand it."""
    if not text:
        return None
    # SQLAlchemy's spelling names the driver; postgres:// is what hosters hand out.
    url = re.sub(r"^(postgres|postgresql\+psycopg)://", "postgresql://", text)
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it checks it.
    except ValueError:
        parts = urlsplit("")
    if parts.scheme != "postgresql":
        # The value may hold a password, so it is not repeated.
        raise ValueError("write `postgresql://user:password@host:5432/database`.")
    if not parts.path.strip("/"):
        raise ValueError("the database is missing: `postgresql://user@host/database`.")
    return url


def _redis_url(text: str) -> str | None:
    if not text:
        return None
    if urlsplit(text).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("write `redis://host:6379/0`, `rediss://…` or `unix:///path/to/socket`.")
    return text


def _password(text: str) -> str | None:
    if not text:
        return None
    if len(text) < 8:
        raise ValueError(f"it has {len(text)} characters; write 8 or more.")
    return text


def _names(text: str) -> frozenset[str]:
    return frozenset(word for word in re.split(r"[,\s]+", text) if word)


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "HOST", "host", "127.0.0.1", "a host name", "The address the web server listens on.", _host
    ),
    Setting(
        "PORT",
        "port",
        "8000",
        "a whole number",
        "The port the web server listens on.",
        _whole_number(1, 65535),
    ),
    Setting(
        "DATABASE_URL",
        "database_url",
        "",
        "a PostgreSQL address",
        "The database. Empty: `trellis run` starts a PostgreSQL of its own in the data folder.",
        _database_url,
    ),
    Setting(
        "REDIS_URL",
        "redis_url",
        "",
        "a Redis address",
        "Redis or Valkey for jobs. Empty: `trellis run` starts a Valkey of its own.",
        _redis_url,
    ),
    Setting(
        "TRELLIS_DATA",
        "data",
        "var",
        "a folder",
        "Where everything is kept that is not configuration: database, files, secrets, logs.",
        _folder,
    ),
    Setting(
        "TRELLIS_CONFIG",
        "config",
        "config",
        "a folder",
        "The YAML files that say what this CRM is.",
        _folder,
    ),
    Setting(
        "TRELLIS_PLUGINS",
        "plugins",
        "plugins",
        "a folder",
        "Plugins, one folder each.",
        _folder,
    ),
    Setting(
        "TRELLIS_DISABLED_PLUGINS",
        "disabled_plugins",
        "",
        "names with commas between them",
        "Plugins that are found but not to be loaded.",
        _names,
    ),
    Setting(
        "TRELLIS_ADMIN_PASSWORD",
        "admin_password",
        "",
        "text of 8 characters or more",
        "The password of `admin` on the first start. Empty: one is generated and printed.",
        _password,
    ),
    Setting(
        "TRELLIS_SECRET_KEY",
        "secret_key",
        "",
        "text of 8 characters or more",
        "Signs sessions and tokens. Empty: one is generated and kept in the data folder. "
        "Set it when several machines serve one CRM.",
        _password,
    ),
    Setting(
        "TRELLIS_DEMO",
        "demo",
        "yes",
        "yes or no",
        "Load the demo organisation and its records on the first start.",
        _switch,
    ),
    Setting(
        "TRELLIS_WORKERS",
        "workers",
        "2",
        "a whole number",
        "How many web processes serve requests.",
        _whole_number(1, 64),
    ),
    Setting(
        "TRELLIS_THREADS",
        "threads",
        "4",
        "a whole number",
        "How many requests one web process works on at the same time.",
        _whole_number(1, 64),
    ),
    Setting(
        "TRELLIS_WATCH",
        "watch",
        "yes",
        "yes or no",
        "Apply a saved configuration file at once when the change only adds something.",
        _switch,
    ),
    Setting(
        "TRELLIS_BEHIND_TLS",
        "behind_tls",
        "no",
        "yes or no",
        "A proxy in front speaks HTTPS: cookies are `Secure`, its forwarded headers are trusted.",
        _switch,
    ),
    Setting(
        "TRELLIS_TRACE_HOOKS",
        "trace_hooks",
        "no",
        "yes or no",
        "Print every call of a plugin hook with its arguments and results.",
        _switch,
    ),
    Setting(
        "TRELLIS_POSTGRESQL",
        "postgresql",
        "",
        "a folder",
        "The folder with the programs of the embedded PostgreSQL. Empty: the one that was "
        "installed with Trellis.",
        _folder_of_programs,
    ),
    Setting(
        "TRELLIS_CHROMIUM",
        "chromium",
        "",
        "a program",
        "The browser for the browser tests. Empty: Chromium or Chrome, wherever it is installed.",
        _program,
    ),
    Setting(
        "TRELLIS_REQUIRE_BROWSER",
        "require_browser",
        "no",
        "yes or no",
        "A missing browser fails the tests instead of skipping them; `CI=true` does the same.",
        _switch,
    ),
)


@dataclass(frozen=True)
class Settings:
    """The settings of one installation, each with the type its parser gives it."""

    host: str
    port: int
    database_url: str | None
    redis_url: str | None
    data: Path
    config: Path
    plugins: Path
    disabled_plugins: frozenset[str]
    admin_password: str | None
    secret_key: str | None
    demo: bool
    workers: int
    threads: int
    watch: bool
    behind_tls: bool
    trace_hooks: bool
    postgresql: Path | None
    chromium: Path | None
    require_browser: bool

    def __repr__(self) -> str:
        """Leave out what must not stand in a log."""
        return f"Settings(host={self.host!r}, port={self.port}, data={str(self.data)!r}, …)"


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of *environment*, or of this process when it is left out.

    Raises:
        SettingsError: an unknown `TRELLIS_*` name or a value that cannot be used; its problems
            list all of them.
    """
    environment = os.environ if environment is None else environment
    problems = _unknown_names(environment)
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        try:
            values[setting.attribute] = setting.parse(
                environment.get(setting.name) or setting.default
            )
        except ValueError as error:
            problems.append(f"{setting.name}: {error}")
    if problems:
        raise SettingsError(problems)
    return Settings(**values)


def _unknown_names(environment: Mapping[str, str]) -> list[str]:
    known = [setting.name for setting in SETTINGS if setting.name.startswith("TRELLIS_")]
    problems = []
    for name in sorted(environment):
        if not name.startswith("TRELLIS_") or name in known:
            continue
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.75)
        hint = (
            f"Did you mean {' or '.join(f'`{other}`' for other in near)}?"
            if near
            else f"There are: {', '.join(known)}."
        )
        problems.append(f"{name}: there is no such setting. {hint}")
    return problems


def settings_as_environment(settings: Settings) -> dict[str, str]:
    """Return what a child process must find in its environment to read the same settings."""
    environment = {}
    for setting in SETTINGS:
        value = getattr(settings, setting.attribute)
        if value is None:
            text = ""
        elif isinstance(value, bool):
            text = "yes" if value else "no"
        elif isinstance(value, frozenset):
            text = ",".join(sorted(value))
        else:
            text = str(value)
        environment[setting.name] = text
    return environment
