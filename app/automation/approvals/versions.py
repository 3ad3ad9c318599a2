"""Which version of an approval a run follows: the one it began with, whatever was applied since."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.automation.approvals.store import Run, kept_version
from app.definitions.automation import ApprovalDefinition, ApprovalStep, When
from app.definitions.catalog import Catalog
from app.definitions.load import load_files
from app.expressions.builtin import BUILTIN
from app.expressions.functions import Functions
from app.records.work import Work
from app.texts import say

#: Reads an approval's text under a catalog; None if it means nothing there any more.
Bind = Callable[[Catalog, Mapping[str, Any]], ApprovalDefinition | None]
#: Versions kept compiled at a time.
_MOST = 500
#: What a kept version is called while it is read beside the present one.
_STANDS_IN = "kept-version"


@dataclass(frozen=True, slots=True)
class Followed:
    """What a run follows; ``is_lost`` where its text means nothing any more and admins decide."""

    definition: ApprovalDefinition
    is_lost: bool = False


def bind_kept(
    catalog: Catalog, source: Mapping[str, Any], functions: Functions = BUILTIN
) -> ApprovalDefinition | None:
    """Return what a kept text of an approval means under a catalog; None if nothing any more.

    The text stands in for the approval of its name, so that everything it names is looked up in
    the configuration of today.
    """
    text = json.dumps({**source, "approval": _STANDS_IN}, ensure_ascii=False)
    files = {**catalog.files, f"workflows/{_STANDS_IN}.yaml": text}
    loaded = load_files(files, catalog.types, functions)
    if loaded.catalog is None:
        return None
    found = loaded.catalog.automation.approvals.get(_STANDS_IN)
    return None if found is None else replace(found, name=str(source["approval"]))


class Versions:
    """Finds the definition a run began with."""

    def __init__(self, bind: Bind) -> None:
        self._bind = bind
        self._catalog: Catalog | None = None
        self._kept: dict[str, Followed] = {}

    def of(self, work: Work, run: Run) -> Followed:
        """Return what *run* follows.

        The steps of a version that cannot be read under the present catalog go to administrators.
        """
        catalog = work.release.catalog
        now = catalog.automation.approvals.get(run.name)
        if now is not None and now.digest == run.digest:
            return Followed(now)
        if self._catalog is not catalog or len(self._kept) >= _MOST:
            self._catalog, self._kept = catalog, {}
        found = self._kept.get(run.digest)
        if found is None:
            found = self._kept[run.digest] = self._read(work, run)
        return found

    def _read(self, work: Work, run: Run) -> Followed:
        kept = kept_version(work.connection, run.digest)
        definition = self._bind(work.release.catalog, kept[1]) if kept is not None else None
        if definition is None or definition.entity != work.release.names.get(run.entity):
            written = kept[1].get("steps") if kept is not None else None
            count = len(written) if isinstance(written, list) else run.step + 1
            return Followed(_for_admins(work, run, count), is_lost=True)
        # Under a new catalog the same text may have another digest; the run keeps its own.
        return Followed(replace(definition, digest=run.digest))


def _for_admins(work: Work, run: Run, count: int) -> ApprovalDefinition:
    """Return as many steps as were written, each decided by any administrator."""
    step = ApprovalStep(approver=(), label=say("Administrators", "系统管理员"))
    return ApprovalDefinition(
        name=run.name,
        entity=work.release.names.get(run.entity, ""),
        when=When(kind="button"),
        steps=(step,) * count,
        label=say("{name} (removed)", "{name}（已删除）", name=run.name),
        nobody="admin",
        submitter="ask",
        digest=run.digest,
    )
