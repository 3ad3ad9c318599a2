"""One timeline of a record: what people and rules did, said and wrote about it, in order.

The moments are found in one statement (``records.streams``); here each gets what it is about, as
far as the asker may read it. What was written about the record comes as entity and id: its values
are asked of the door, with the fields somebody wants.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.access.principal import Principal
from app.automation.ledger import Ledger
from app.automation.ledger import Line as Firing
from app.records.chronicle import Line, read_line
from app.records.comments import Comment
from app.records.door import Records
from app.records.streams import APPROVAL_ACTIONS, FILE_ACTIONS, Moment, stage_fields


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing on a timeline; exactly one of line, comment, firing, e-mail and record is there."""

    #: change | move | file | approval | comment | rule | email | the name of an entity
    kind: str
    id: int
    at: datetime
    line: Line | None = None
    comment: Comment | None = None
    firing: Firing | None = None
    #: an e-mail that came: ``sender`` and ``subject``
    email: Mapping[str, str] | None = None
    #: what was written about the record: entity and id
    record: tuple[str, int] | None = None


def read_timeline(
    records: Records,
    ledger: Ledger,
    principal: Principal,
    entity: str,
    record_id: object,
    kinds: Iterable[str] = (),
    *,
    limit: int = 15,
    after: str | None = None,
) -> tuple[list[Happening], str | None]:
    """Return what happened around a record, the newest first, and where to go on.

    Args:
        kinds: of ``streams.kinds_of``; nothing for everything.
        after: where an earlier answer ended.

    Raises:
        NotFound: there is no such record for the asker.
        Malformed: there is no such kind, or *after* is none of ours.
    """
    moments = records.stream(
        principal, entity, record_id, kinds=tuple(kinds), limit=limit + 1, after=after
    )
    shown = moments[:limit]
    desk = records.reader.desk(principal)
    ids = [one.id for one in shown if one.source == "rule"]
    firings = {line.id: line for line in ledger.of_ids(desk.release, ids)}
    stages = set(stage_fields(desk.release.catalog.entities[entity], desk.policy))
    found = []
    for one in shown:
        if one.source == "history":
            row = {**(one.data or {}), "id": one.id, "happened_at": one.at}
            line = read_line(row, desk.release.catalog.entities[entity], desk.policy)
            found.append(Happening(_kind(line, stages), one.id, one.at, line=line))
        elif one.source == "comment":
            comment = _comment(one, one.data or {})
            found.append(Happening("comment", one.id, one.at, comment=comment))
        elif one.source == "email":
            found.append(Happening("email", one.id, one.at, email=one.data or {}))
        elif one.source == "rule":
            if one.id in firings:
                found.append(Happening("rule", one.id, one.at, firing=firings[one.id]))
        else:
            found.append(Happening(one.source, one.id, one.at, record=(one.source, one.id)))
    return found, shown[-1].cursor if len(moments) > limit else None


def _kind(line: Line, stages: set[str]) -> str:
    if line.action in FILE_ACTIONS:
        return "file"
    if line.action in APPROVAL_ACTIONS:
        return "approval"
    return "move" if line.action == "update" and stages & line.changes.keys() else "change"


def _comment(one: Moment, data: Mapping[str, Any]) -> Comment:
    return Comment(
        one.id, data.get("user_id"), data["text"], data["origin"], data.get("cause"), one.at
    )
