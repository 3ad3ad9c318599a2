"""What an installation may set from outside: one table, read once from the environment.

`SETTINGS` is the whole list; documentation and ``trellis --help`` print it. `read_settings` turns
an environment into one frozen `Settings`, or says everything that is wrong with it at once. The
configuration of the CRM itself (entities, roles, rules) is YAML and no concern of this module.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import SettingsError
from app.setting_kinds import (
    Setting,
    bucket,
    database_url,
    folder,
    folder_of_programs,
    folder_or_none,
    host_name,
    hosts,
    mail_address,
    one_of,
    password,
    program,
    redis_url,
    switch,
    text_or_none,
    web_address,
    whole_number,
    words,
)

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "HOST",
        "host",
        "127.0.0.1",
        "a host name",
        "The address the web server listens on.",
        host_name,
    ),
    Setting(
        "PORT",
        "port",
        "8000",
        "a whole number",
        "The port the web server listens on.",
        whole_number(1, 65535),
    ),
    Setting(
        "DATABASE_URL",
        "database_url",
        "",
        "a PostgreSQL address",
        "The database. Empty: `trellis run` starts a PostgreSQL of its own in the data folder.",
        database_url,
    ),
    Setting(
        "REDIS_URL",
        "redis_url",
        "",
        "a Redis address",
        "Redis or Valkey for jobs. Empty: `trellis run` starts a Valkey of its own.",
        redis_url,
    ),
    Setting(
        "TRELLIS_DATA",
        "data",
        "var",
        "a folder",
        "Where everything is kept that is not configuration: database, files, secrets, logs.",
        folder,
    ),
    Setting(
        "TRELLIS_CONFIG",
        "config",
        "config",
        "a folder",
        "The YAML files that say what this CRM is.",
        folder,
    ),
    Setting(
        "TRELLIS_PLUGINS",
        "plugins",
        "plugins",
        "a folder",
        "Plugins, one folder each.",
        folder,
    ),
    Setting(
        "TRELLIS_DISABLED_PLUGINS",
        "disabled_plugins",
        "",
        "names with commas between them",
        "Plugins that are found but not to be loaded.",
        words,
    ),
    Setting(
        "TRELLIS_ADMIN_PASSWORD",
        "admin_password",
        "",
        "text of 8 characters or more",
        "The password of `admin` on the first start. Empty: one is generated and printed.",
        password,
    ),
    Setting(
        "TRELLIS_SECRET_KEY",
        "secret_key",
        "",
        "text of 8 characters or more",
        "Signs sessions and tokens. Empty: one is generated and kept in the data folder. "
        "Set it when several machines serve one CRM.",
        password,
    ),
    Setting(
        "TRELLIS_SECOND_FACTOR",
        "second_factor",
        "",
        "names of roles with commas between them",
        "Whoever has one of these roles must set up a second factor. `everybody`: all must.",
        words,
    ),
    Setting(
        "TRELLIS_DEMO",
        "demo",
        "yes",
        "yes or no",
        "Load the demo organisation and its records on the first start.",
        switch,
    ),
    Setting(
        "TRELLIS_FILE_QUOTA",
        "file_quota",
        "0",
        "a whole number",
        "How many MB of files people may upload altogether. 0: any number.",
        whole_number(0, 100_000_000),
    ),
    Setting(
        "TRELLIS_BACKUPS",
        "backups",
        "",
        "a folder",
        "Where backups are written, best on another disk. Empty: `backups` in the data folder.",
        folder_or_none,
    ),
    Setting(
        "TRELLIS_BACKUP_STORE",
        "backup_store",
        "",
        "s3:// and a bucket",
        "Where backups are carried once they are whole, S3-compatible: `s3://bucket/folder`. "
        "Empty: they stay in TRELLIS_BACKUPS.",
        bucket,
    ),
    Setting(
        "TRELLIS_S3_ADDRESS",
        "s3_address",
        "",
        "https:// and a host name",
        "The store that has the bucket. Empty: Amazon's.",
        web_address,
    ),
    Setting(
        "TRELLIS_S3_REGION",
        "s3_region",
        "",
        "text",
        "The store's region, where it asks for one.",
        text_or_none,
    ),
    Setting(
        "TRELLIS_S3_KEY",
        "s3_key",
        "",
        "text",
        "The name of the key by which the store is entered.",
        text_or_none,
    ),
    Setting(
        "TRELLIS_S3_SECRET",
        "s3_secret",
        "",
        "text",
        "The secret of that key.",
        text_or_none,
    ),
    Setting(
        "TRELLIS_BACKUP_KEY",
        "backup_key",
        "",
        "text of 8 characters or more",
        "Seals backups. Keep it elsewhere: without it they cannot be opened. Empty: not sealed.",
        password,
    ),
    Setting(
        "TRELLIS_BACKUP_HOUR",
        "backup_hour",
        "2",
        "a whole number",
        "From which hour of the company's day on its daily backup is made.",
        whole_number(0, 23),
    ),
    Setting(
        "TRELLIS_BACKUP_DAYS",
        "backup_days",
        "90",
        "a whole number",
        "For how many days backups are kept at least. For fewer than 90, `keep: backups` of "
        "app.yaml has to say so as well.",
        whole_number(1, 36_500),
    ),
    Setting(
        "TRELLIS_WORKERS",
        "workers",
        "2",
        "a whole number",
        "How many web processes serve requests.",
        whole_number(1, 64),
    ),
    Setting(
        "TRELLIS_THREADS",
        "threads",
        "4",
        "a whole number",
        "How many requests one web process works on at the same time.",
        whole_number(1, 64),
    ),
    Setting(
        "TRELLIS_LEASE",
        "lease",
        "45",
        "a whole number",
        "For how many seconds a worker that is not heard of keeps the job it was given.",
        whole_number(1, 600),
    ),
    Setting(
        "TRELLIS_METRICS_TOKEN",
        "metrics_token",
        "",
        "text of 8 characters or more",
        "Whoever sends it as a bearer token may read /metrics. Empty: this machine alone may.",
        password,
    ),
    Setting(
        "TRELLIS_WATCH",
        "watch",
        "yes",
        "yes or no",
        "Apply a saved configuration file at once when the change only adds something.",
        switch,
    ),
    Setting(
        "TRELLIS_BEHIND_TLS",
        "behind_tls",
        "no",
        "yes or no",
        "A proxy in front speaks HTTPS: cookies are `Secure`, its forwarded headers are trusted.",
        switch,
    ),
    Setting(
        "TRELLIS_ADDRESS",
        "address",
        "",
        "a web address",
        "Where people reach Trellis, for links in e-mails and chats: `https://crm.acme.example`.",
        web_address,
    ),
    Setting(
        "TRELLIS_ALLOWED_HOSTS",
        "allowed_hosts",
        "",
        "host names with commas between them",
        "Hosts inside your network that `call` and mailboxes may reach. Public ones need not be "
        "named.",
        hosts,
    ),
    Setting(
        "TRELLIS_SMTP_HOST",
        "smtp_host",
        "",
        "a host name",
        "The server that takes e-mails. Empty: e-mails wait until there is one.",
        lambda text: host_name(text) if text else None,
    ),
    Setting(
        "TRELLIS_SMTP_PORT",
        "smtp_port",
        "587",
        "a whole number",
        "Its port.",
        whole_number(1, 65535),
    ),
    Setting(
        "TRELLIS_SMTP_SECURITY",
        "smtp_security",
        "starttls",
        "`starttls`, `tls` or `none`",
        "How the connection is kept secret. `none` only for a server on this machine.",
        one_of("starttls", "tls", "none"),
    ),
    Setting(
        "TRELLIS_SMTP_USER",
        "smtp_user",
        "",
        "text",
        "The account at the server. Empty: it asks for none.",
        text_or_none,
    ),
    Setting(
        "TRELLIS_SMTP_PASSWORD",
        "smtp_password",
        "",
        "text",
        "The password of that account.",
        text_or_none,
    ),
    Setting(
        "TRELLIS_SMTP_FROM",
        "smtp_from",
        "",
        "an e-mail address",
        "Whom e-mails come from: `Acme CRM <crm@acme.example>`.",
        mail_address,
    ),
    Setting(
        "TRELLIS_WECOM_ROBOT",
        "wecom_robot",
        "",
        "a web address",
        "The webhook of a WeCom group robot, for `via: wecom`.",
        web_address,
    ),
    Setting(
        "TRELLIS_DINGTALK_ROBOT",
        "dingtalk_robot",
        "",
        "a web address",
        "The webhook of a DingTalk group robot, for `via: dingtalk`.",
        web_address,
    ),
    Setting(
        "TRELLIS_DINGTALK_SECRET",
        "dingtalk_secret",
        "",
        "text",
        "The secret that DingTalk gave with it, where the robot signs.",
        text_or_none,
    ),
    Setting(
        "TRELLIS_FEISHU_ROBOT",
        "feishu_robot",
        "",
        "a web address",
        "The webhook of a Feishu group robot, for `via: feishu`.",
        web_address,
    ),
    Setting(
        "TRELLIS_FEISHU_SECRET",
        "feishu_secret",
        "",
        "text",
        "The secret that Feishu gave with it, where the robot signs.",
        text_or_none,
    ),
    Setting(
        "TRELLIS_SLACK_ROBOT",
        "slack_robot",
        "",
        "a web address",
        "An incoming webhook of Slack, for `via: slack`.",
        web_address,
    ),
    Setting(
        "TRELLIS_TRACE_HOOKS",
        "trace_hooks",
        "no",
        "yes or no",
        "Print every call of a plugin hook with its arguments and results.",
        switch,
    ),
    Setting(
        "TRELLIS_POSTGRESQL",
        "postgresql",
        "",
        "a folder",
        "The folder with the programs of the embedded PostgreSQL. Empty: the one that was "
        "installed with Trellis.",
        folder_of_programs,
    ),
    Setting(
        "TRELLIS_CHROMIUM",
        "chromium",
        "",
        "a program",
        "The browser for the browser tests. Empty: Chromium or Chrome, wherever it is installed.",
        program,
    ),
    Setting(
        "TRELLIS_REQUIRE_BROWSER",
        "require_browser",
        "no",
        "yes or no",
        "A missing browser fails the tests instead of skipping them; `CI=true` does the same.",
        switch,
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
    second_factor: frozenset[str]
    demo: bool
    file_quota: int
    backups: Path | None
    backup_store: str | None
    s3_address: str | None
    s3_region: str | None
    s3_key: str | None
    s3_secret: str | None
    backup_key: str | None
    backup_hour: int
    backup_days: int
    workers: int
    threads: int
    lease: int
    metrics_token: str | None
    watch: bool
    behind_tls: bool
    address: str | None
    allowed_hosts: frozenset[str]
    smtp_host: str | None
    smtp_port: int
    smtp_security: str
    smtp_user: str | None
    smtp_password: str | None
    smtp_from: str | None
    wecom_robot: str | None
    dingtalk_robot: str | None
    dingtalk_secret: str | None
    feishu_robot: str | None
    feishu_secret: str | None
    slack_robot: str | None
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
