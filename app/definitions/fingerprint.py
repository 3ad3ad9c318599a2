"""The fingerprint of a catalog: equal where the files mean the same.

Comments, quotes, the order of files and of settings do not count; the order of fields, options and
stages does, since people see it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

import orjson

from app.definitions.catalog import OptionList
from app.definitions.gather import Gathered
from app.definitions.reuse import Memory
from app.definitions.shapes import Shapes
from app.texts import Label


def fingerprint_of(
    shapes: Shapes, gathered: Gathered, options: Mapping[str, OptionList], memory: Memory
) -> str:
    """Return SHA-256 in hex over what the definitions mean.

    Parts that are the very objects of the reading before are not gone through again.
    """
    total = hashlib.sha256()
    parts: dict[str, Any] = {f"entity {name}": values for name, values in shapes.entities.items()}
    parts |= {f"options {name}": one.options for name, one in options.items()}
    for kind, by_name in gathered.others.items():
        parts |= {f"{kind} {name}": document.data for name, document in by_name.items()}
    parts |= {f"template {name}": text for name, text in gathered.templates.items()}
    parts |= {"app": shapes.app, "roles": shapes.roles}
    # Rules of one event run in order of file and place.
    parts["order of rules"] = list(gathered.others.get("rule", {}))
    for name in sorted(parts):
        total.update(name.encode())
        total.update(memory.hash_of(name, parts[name], hash_of))
    return total.hexdigest()


def hash_of(value: Any) -> bytes:
    """Return the hash of checked values."""
    text = orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    return hashlib.sha256(text).digest()


def _plain(value: Any) -> Any:
    if isinstance(value, Label):
        return dict(value.texts)
    if isinstance(value, frozenset | set):
        return sorted(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {key: getattr(value, key) for key in value.__dataclass_fields__ if key != "place"}
    return str(value)
