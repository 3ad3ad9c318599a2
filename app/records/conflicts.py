"""Two people changed one record: who changed what since, so that nothing is overwritten unseen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import sqlalchemy as sa

from app.database import system
from app.errors import Conflict
from app.records.drafts import Draft
from app.records.rows import EntityRows
from app.records.statements import Statement
from app.records.work import Work
from app.texts import Label, say

_since = Statement(
    sa.select(
        system.history.c.before,
        system.history.c.after,
        system.history.c.user_id,
        system.history.c.happened_at,
    )
    .where(
        system.history.c.entity == sa.bindparam("entity"),
        system.history.c.record_id == sa.bindparam("record_id", type_=sa.BigInteger),
        system.history.c.version > sa.bindparam("version"),
    )
    .order_by(system.history.c.id)
)


class RecordConflict(Conflict):
    """Carries, by field, what was there when the person began, what is there now, and theirs.

    ``differing`` holds ``{"opened", "now", "yours", "clash"}`` in the API's JSON for every field
    that either side changed; ``clash`` is true where both did, differently. Fields the person may
    not read are left out.
    """

    def __init__(
        self,
        message: Label,
        fields: dict[str, list[Label]],
        differing: dict[str, dict[str, Any]],
        version: int,
        changed_by: int | None,
    ) -> None:
        super().__init__(message, fields=fields)
        self.differing = differing
        #: the version that is there now
        self.version = version
        #: who changed it last
        self.changed_by = changed_by


def raise_conflict(
    work: Work, rows: EntityRows, row: Mapping[str, Any], draft: Draft | None, version: int
) -> NoReturn:
    """Say what changed since *version*.

    Raises:
        RecordConflict: always.
    """
    entity = rows.entity
    entries = _since.rows(
        work.connection,
        {
            "entity": work.number(entity.name),
            "record_id": row["id"],
            "version": version,
        },
    )
    opened: dict[str, Any] = {}
    now: dict[str, Any] = {}
    for entry in entries:
        for name, value in entry["before"].items():
            opened.setdefault(name, value)
        now.update(entry["after"])
    yours = _yours(draft, rows) if draft is not None else {}
    readable = {name for name in entity.fields if work.policy.is_readable(entity.name, name)}
    differing = {
        name: {
            "opened": opened.get(name),
            "now": now.get(name),
            "yours": yours.get(name, opened.get(name)),
            "clash": name in yours and yours[name] != now.get(name),
        }
        for name in now
        if name in readable and opened.get(name) != now.get(name)
    }
    fields = {
        name: [
            say(
                "{label} was changed meanwhile.",
                "“{label}”已被他人修改。",
                label=entity.fields[name].label,
            )
        ]
        for name in differing
    }
    raise RecordConflict(
        say(
            "Somebody changed this record after you opened it. Nothing was saved.",
            "您打开之后，这条记录已被他人修改。本次没有保存。",
        ),
        fields,
        differing,
        int(row["version"]),
        entries[-1]["user_id"] if entries else None,
    )


def _yours(draft: Draft, rows: EntityRows) -> dict[str, Any]:
    del rows
    return {
        name: draft.entity.fields[name].type.to_json(draft.entity.fields[name], value)
        if value is not None
        else None
        for name, value in draft.changes.items()
        if name in draft.entity.fields
    }
