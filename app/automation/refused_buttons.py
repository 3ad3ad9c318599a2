"""The buttons of a record with those that are refused now, and what stands in their way.

Whoever a button is for sees why it does not work; for others there is none. A condition that asks
what its reader may not know is not taken apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.access.principal import Principal
from app.automation.buttons import Buttons, Offered, offered_of
from app.automation.foreseeing import Part, parts_of
from app.automation.index import Known, index_of
from app.definitions.catalog import Entity, Place
from app.errors import NotFound
from app.expressions import Checked
from app.records.checking import visible_ids
from app.records.transactions import entity_of
from app.records.work import Work


@dataclass(frozen=True, slots=True)
class Refused:
    """A button that cannot be pressed as the record is now."""

    button: Offered
    #: what its condition asks for, as far as the asker may read it
    parts: tuple[Part, ...]
    place: Place | None


class ButtonsOfRecords(Buttons):
    """Buttons, looked at for one record."""

    def look(
        self, principal: Principal, entity: str, record_id: int
    ) -> tuple[list[Offered], list[Refused]]:
        """Return the buttons that may be pressed on a record now, and those refused.

        Raises:
            NotFound: there is no such record for this principal.
        """

        def step(work: Work) -> tuple[list[Offered], list[Refused]]:
            kind = entity_of(work.release, entity)
            known = index_of(work).buttons.get(entity, [])
            if not known:
                return [], []
            row = work.rows[entity].read(work.connection, [record_id]).get(record_id)
            if row is None or not visible_ids(work, entity, [record_id]):
                raise NotFound
            offered, refused = [], []
            for one in known:
                if not self._is_allowed(work, one, kind, row):
                    continue
                run = self._run(work, one, kind, row, "", {})
                if run.holds(one.if_):
                    offered.append(offered_of(one.rule, entity))
                else:
                    parts = self._parts(work, kind, one, run.context)
                    refused.append(Refused(offered_of(one.rule, entity), parts, one.rule.place))
            return offered, refused

        return self._records.transact(principal, step)

    @staticmethod
    def _parts(work: Work, entity: Entity, known: Known, context: Any) -> tuple[Part, ...]:
        condition = known.if_
        if condition is None or not _may_be_told(work, entity, condition):
            return ()
        return tuple(parts_of(condition, context))


def _may_be_told(work: Work, entity: Entity, condition: Checked) -> bool:
    if work.principal.is_admin:
        return True
    if condition.asks_other_records:
        return False
    fields: Mapping[str, Any] = entity.fields
    for path in condition.names:
        first = path.removeprefix("record.").partition(".")[0]
        if first in fields and not work.policy.is_readable(entity.name, first):
            return False
    return True
