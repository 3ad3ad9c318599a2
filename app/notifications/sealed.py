"""Links in e-mails that open something by themselves: sealed in the delivery until it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.sealing import CannotOpen, Seal

_PURPOSE = "path of an e-mail"
_NAME = "sealed_path"


def seal_path(key: str, delivery_key: str, path: str) -> dict[str, str]:
    """Return the part of a delivery's content that holds *path* unreadably."""
    return {_NAME: Seal(key, _PURPOSE).close(path, delivery_key)}


def open_path(key: str, delivery_key: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the content with its path readable; without one where the key is another by now."""
    if _NAME not in content:
        return content
    rest = {name: value for name, value in content.items() if name != _NAME}
    try:
        return {**rest, "path": Seal(key, _PURPOSE).open(content[_NAME], delivery_key)}
    except CannotOpen:
        return rest
