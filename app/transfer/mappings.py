"""A plan as the file of `imports/` it would be, for whoever keeps the configuration."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.definitions.catalog import Catalog
from app.definitions.imports import LEFT_OUT
from app.definitions.mapping_text import mapping_text
from app.errors import InvalidInput
from app.texts import say
from app.transfer.plans import Plan, column_of

_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}\Z")


@dataclass(frozen=True, slots=True)
class KeptMapping:
    """A file of the configuration, not written yet."""

    file: str
    text: str


def name_for(plan: Plan, file: str) -> str:
    """Return a name for the mapping of a plan: that of the one it came from, or of its file."""
    if plan.mapping:
        return plan.mapping.replace("-", "_")
    stem = re.sub(r"[^a-z0-9]+", "_", file.rpartition(".")[0].lower()).strip("_")
    return stem[:40] if _NAME.match(stem[:40]) else f"{plan.entity}_{stem[:20]}".strip("_")


def as_mapping(catalog: Catalog, plan: Plan, name: str) -> KeptMapping:
    """Return the saved mapping that does what a plan does; values for every row are not kept.

    Raises:
        InvalidInput: no mapping has such a name, or the plan has no columns.
    """
    if not _NAME.match(name):
        sentence = say(
            "A name begins with a small letter; small letters, digits and _ follow, 50 at most.",
            "名称以小写字母开头，后接小写字母、数字或 _，最多 50 个字符。",
        )
        raise InvalidInput({"name": [sentence]})
    known = catalog.imports.get(plan.mapping or "")
    before = [one.column for one in known.columns] if known is not None else []
    headings = dict.fromkeys([*plan.columns, *plan.ways, *before])
    columns = [column_of(catalog, plan, heading) for heading in headings]
    columns = [one for one in columns if one.path != LEFT_OUT or one.skip_if]
    if not columns:
        raise InvalidInput({"columns": [say("No column goes anywhere.", "没有任何列被对应。")]})
    text = mapping_text(
        name.replace("_", "-"), plan.entity, columns, plan.match, plan.mode, plan.rules
    )
    return KeptMapping(f"imports/{name}.yaml", text)
