"""Rules as they were: what waits under way keep while the configuration moves on.

Every version that fires is kept in ``trellis.rule_version`` as it was written, and bound again
against the catalog of now: fields that are gone make it unusable, and then the version of now
counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from app.database.automation_tables import rule_version
from app.definitions.automation import RuleDefinition
from app.definitions.catalog import Catalog
from app.definitions.load import load_files
from app.expressions.builtin import BUILTIN
from app.expressions.functions import Functions
from app.records.statements import Statement
from app.records.work import Work

#: What an old version is called while it is read beside the present one.
_STANDS_IN = "kept-rule-version"
#: Binds what was written to a catalog; None where it does not fit any more.
Bind = Callable[[Catalog, Mapping[str, Any]], RuleDefinition | None]

_source = Statement(
    sa.select(rule_version.c.source).where(
        rule_version.c.digest == sa.bindparam("digest", type_=sa.Text),
        rule_version.c.kind == "rule",
    )
)
#: Old versions in use at a time.
_MOST = 200


class Versions:
    """Old versions, bound when first asked for."""

    def __init__(self, bind: Bind) -> None:
        self._bind = bind
        self._known: dict[tuple[int, str], RuleDefinition | None] = {}

    def rule(self, work: Work, digest: str) -> RuleDefinition | None:
        """Return a rule as it was under *digest*; None where that is not known any more."""
        key = (work.release.version_number, digest)
        if key not in self._known:
            if len(self._known) >= _MOST:
                self._known = {}
            row = _source.run(work.connection, {"digest": digest}).fetchone()
            self._known[key] = self._bind(work.release.catalog, row[0]) if row else None
        return self._known[key]


def bind_kept(
    catalog: Catalog,
    source: Mapping[str, Any],
    functions: Functions = BUILTIN,
    actions: Container[str] = (),
) -> RuleDefinition | None:
    """Return what the kept text of a rule means under a catalog; None if nothing any more.

    The text stands beside the rules of now under another name, so that everything it names is
    looked up in the configuration of today.
    """
    text = json.dumps({**source, "rule": _STANDS_IN}, ensure_ascii=False)
    files = {**catalog.files, f"workflows/{_STANDS_IN}.yaml": text}
    loaded = load_files(files, catalog.types, functions, actions=actions)
    found = loaded.catalog.automation.rules.get(_STANDS_IN) if loaded.catalog else None
    return None if found is None else replace(found, name=str(source["rule"]))
