"""A mapping that was made in the browser as the file of `imports/` it would be.

Only what differs from what a file means without it is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from app.definitions.automation import Given
from app.definitions.imports import LEFT_OUT, ImportColumn

#: Texts that mean themselves without quotes, whatever YAML takes for a number or a day.
_PART = r"[\w.\u4e00-\u9fff-]*"
_PLAIN = re.compile(rf"[A-Za-z_\u4e00-\u9fff]{_PART}( [\w\u4e00-\u9fff]{_PART})*\Z", re.ASCII)
_WORDS = {"y", "n", "yes", "no", "true", "false", "on", "off", "null"}
_WIDE = 10_000


class _Row(dict[str, Any]):
    """A table that is written on one line."""


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML is not typed.
    """Writes texts so that they stay texts."""


def _text(dumper: _Dumper, value: str) -> yaml.Node:
    is_plain = _PLAIN.match(value) and value.lower() not in _WORDS
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if is_plain else '"')


def _row(dumper: _Dumper, value: _Row) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", value, flow_style=True)


def _list(dumper: _Dumper, value: list[Any]) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(_Row, _row)
_Dumper.add_representer(list, _list)


def mapping_text(
    name: str,
    entity: str,
    columns: Sequence[ImportColumn],
    match: Sequence[Sequence[str]],
    mode: str,
    rules: str,
) -> str:
    """Return the text of a file that reads columns as these are read."""
    data: dict[str, Any] = {"import": name, "into": entity}
    if match:
        data["match"] = [key[0] if len(key) == 1 else list(key) for key in match]
    data |= {"mode": mode, "rules": rules}
    data["columns"] = {one.column: _column(one) for one in columns}
    text: str = yaml.dump(
        data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, default_flow_style=False,
        width=_WIDE,
    )  # fmt: skip
    return text


def _column(one: ImportColumn) -> Any:
    found = _Row(field=one.path)
    if tuple(one.clean) != ("trim",) and one.path != LEFT_OUT:
        found["clean"] = list(one.clean)
    if one.map:
        found["map"] = _Row({str(key): value for key, value in one.map.items()})
    for key, given in (("else", one.otherwise), ("default", one.default)):
        if given is not None:
            found[key] = _given(given)
    if one.by:
        found["by"] = one.by
    if one.split:
        found["split"] = one.split
        if one.take != 1:
            found["take"] = "all" if one.take == 0 else one.take
    if one.join:
        found["join"] = list(one.join)
        if one.between != " ":
            found["between"] = one.between
    if one.create:
        found["create"] = True
    if one.skip_if:
        found["skip_if"] = list(one.skip_if)
    return one.path if set(found) == {"field"} else found


def _given(given: Given) -> Any:
    """Return what is given as it was written."""
    if given.table:
        table: Mapping[str, Given] = given.table
        by = given.by.text if given.by is not None else ""
        return _Row({"by": by} | {option: _given(one) for option, one in table.items()})
    if given.checked is not None:
        return f"={given.checked.text}"
    return given.raw
