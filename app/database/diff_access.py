"""What roles may do from now on that they could not before, and the other way round, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.database.operations import ChangeAccess, Operation
from app.database.outline import Outline
from app.database.pairing import Pairs


def access_operations(old: Outline, new: Outline, pairs: Pairs) -> Iterator[Operation]:
    """Yield one line for each role and entity whose rights differ; new entities are left out."""
    for name, entity in new["entities"].items():
        before = old["entities"].get(pairs.entities.get(name, ""))
        if before is None or before["rights"] == entity["rights"]:
            continue
        for role in sorted({*before["rights"], *entity["rights"]}):
            words = [
                *_rights(before["rights"].get(role), entity["rights"].get(role)),
                *_fields(before["rights"].get(role), entity["rights"].get(role)),
            ]
            if words:
                yield ChangeAccess(subject=name, text=f"role {role}: {'; '.join(words)}")


def _rights(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Iterator[str]:
    had = before["rights"] if before else {}
    has = after["rights"] if after else {}
    gained, lost = sorted(has.keys() - had.keys()), sorted(had.keys() - has.keys())
    if gained:
        yield f"may {', '.join(f'{right} ({has[right]})' for right in gained)} from now on"
    if lost:
        yield f"may no longer {', '.join(lost)}"
    for right in sorted(had.keys() & has.keys()):
        if had[right] != has[right]:
            yield f"{right}: {had[right]} -> {has[right]}"


def _fields(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Iterator[str]:
    if before is None or after is None:
        return
    for field in sorted({*before["fields"], *after["fields"]}):
        had = before["fields"].get(field, before["else"])
        has = after["fields"].get(field, after["else"])
        if had != has:
            yield f"field {field}: {had} -> {has}"
    if before["else"] != after["else"]:
        yield f"other fields: {before['else']} -> {after['else']}"
