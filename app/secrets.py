"""The secrets of an installation: made at random on the first start, kept in the data folder.

Each is a file of its own, readable by its owner only. A file that others can read, or an empty
one, is refused rather than used or silently replaced: sessions signed with a known key belong to
anybody. Nothing here prints or logs a secret.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.errors import ConfigurationError

# Without the letters and figures that are mistaken for each other when read from a screen.
_READABLE = "abcdefghijkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXYZ2346789"


@dataclass(frozen=True, repr=False)
class Secrets:
    """What this installation signs and signs in with."""

    secret_key: str
    #: The password the administrator gets on the first start.
    admin_password: str


def first_start_secrets(
    data: Path, *, secret_key: str | None = None, admin_password: str | None = None
) -> Secrets:
    """Return the secrets kept in *data*; those that are not there yet are made.

    A value that is given (by a setting) is used as it is and not written down.

    Raises:
        ConfigurationError: a file is empty, or readable by others than its owner.
    """
    folder = data / "secrets"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Secrets(
        secret_key=secret_key or _kept(folder / "secret_key", lambda: secrets.token_urlsafe(48)),
        admin_password=admin_password or _kept(folder / "admin_password", _readable_password),
    )


def _readable_password() -> str:
    return "-".join("".join(secrets.choice(_READABLE) for _ in range(4)) for _ in range(4))


def _kept(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        _write_once(path, make())
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise _refusal(
            path,
            "secret-readable",
            f"others than the owner can read this secret (mode {mode:o}). Run `chmod 600 {path}`; "
            "if somebody may have read it, delete the file and a new one is made.",
        )
    value = path.read_text(encoding="utf-8").strip()
    if not value:
        raise _refusal(
            path,
            "secret-empty",
            "this secret is empty. Restore it from a backup, or delete the file and a new one is "
            "made (everybody has to sign in again).",
        )
    return value


def _refusal(path: Path, code: str, sentence: str) -> ConfigurationError:
    return ConfigurationError([f"{path}: error[{code}]: {sentence}"])


def _write_once(path: Path, value: str) -> None:
    """Write so that a crash leaves the whole file or none, and the first of two writers wins."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, value.encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(draft, path)
    except FileExistsError:
        # The other process was first; its secret is the one.
        return
    finally:
        draft.unlink()
