"""How a setting of the environment is written down, and how each kind of value is read.

Which settings there are stands in ``settings``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


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


def text_or_none(text: str) -> str | None:
    return text or None


def folder(text: str) -> Path:
    if not text.strip():
        raise ValueError("it is empty; write the path of a folder.")
    path = Path(text).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise ValueError(f"`{text}` is a file; write the path of a folder.")
    return path


def program(text: str) -> Path | None:
    if not text:
        return None
    path = Path(text).expanduser().absolute()
    if not os.access(path, os.X_OK) or path.is_dir():
        raise ValueError(f"`{text}` is not a program that can be run.")
    return path


def folder_or_none(text: str) -> Path | None:
    """Return a folder, or None where none is named."""
    return folder(text) if text else None


def folder_of_programs(text: str) -> Path | None:
    if not text:
        return None
    path = Path(text).expanduser().absolute()
    if not (path / "postgres").exists():
        raise ValueError(f"there is no program `postgres` in `{text}`.")
    return path


def switch(text: str) -> bool:
    word = text.strip().lower()
    if word in {"1", "yes", "true", "on"}:
        return True
    if word in {"", "0", "no", "false", "off"}:
        return False
    raise ValueError(f"`{text}` is neither yes nor no; write `yes` or `no`.")


def whole_number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text.strip()) or not low <= int(text) <= high:
            raise ValueError(f"`{text}` must be a whole number from {low} to {high}.")
        return int(text)

    return parse


def host_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._:-]+", text):
        raise ValueError(f"`{text}` is not a host name or an IP address, for example `127.0.0.1`.")
    return text


def database_url(text: str) -> str | None:
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


def redis_url(text: str) -> str | None:
    if not text:
        return None
    if urlsplit(text).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("write `redis://host:6379/0`, `rediss://…` or `unix:///path/to/socket`.")
    return text


def password(text: str) -> str | None:
    if not text:
        return None
    if len(text) < 8:
        raise ValueError(f"it has {len(text)} characters; write 8 or more.")
    return text


def words(text: str) -> frozenset[str]:
    return frozenset(word for word in re.split(r"[,\s]+", text) if word)


def one_of(*allowed: str) -> Callable[[str], str]:
    """Return what reads one of a few words."""

    def parse(text: str) -> str:
        if text.strip().lower() not in allowed:
            raise ValueError(f"`{text}` must be {', '.join(allowed[:-1])} or {allowed[-1]}.")
        return text.strip().lower()

    return parse


def web_address(text: str) -> str | None:
    """Return the address of a web server, without a slash at its end."""
    if not text:
        return None
    try:
        parts = urlsplit(text.strip())
        parts.port  # noqa: B018 - reading it checks it.
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        # It may hold a key, so it is not repeated.
        raise ValueError("write `https://` and a host name.")
    return text.strip().rstrip("/")


def bucket(text: str) -> str | None:
    """Return a place in S3-compatible storage: ``s3://bucket/folder``."""
    if not text:
        return None
    parts = urlsplit(text.strip())
    if parts.scheme != "s3" or not parts.netloc or parts.query or "@" in parts.netloc:
        raise ValueError(f"`{text}` is no place there; write `s3://bucket/folder`.")
    return text.strip().rstrip("/")


def mail_address(text: str) -> str | None:
    """Return an e-mail address, with or without a name before it."""
    if not text:
        return None
    _, address = parseaddr(text)
    if not re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", address) or not text.isprintable():
        raise ValueError(f"`{text}` is not an e-mail address, for example `crm@acme.example`.")
    return text


def hosts(text: str) -> frozenset[str]:
    """Return names of hosts, each with or without a port."""
    found = frozenset(word.lower() for word in words(text))
    for word in sorted(found):
        if not re.fullmatch(r"[a-z0-9._-]+(:[0-9]{1,5})?|\[[0-9a-f:]+\](:[0-9]{1,5})?", word):
            raise ValueError(f"`{word}` is not a host name, for example `erp.acme.example:8443`.")
    return found
