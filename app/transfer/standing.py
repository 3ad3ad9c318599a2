"""Rows about records that hold already what they bring, told for a whole chunk by one statement.

A file that comes a second time changes nothing, and costs no write. Rows that do change something,
and those in any doubt, are left to `writing`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from app.definitions.catalog import Entity
from app.records.checking import allowed_ids, is_empty
from app.records.drafts import why_refused
from app.records.work import Work
from app.transfer.at_once import AtOnce
from app.transfer.plans import Plan
from app.transfer.rows import Incoming
from app.transfer.values import REFUSED, ValueReader


class Standing:
    """Compares rows with the records they are about."""

    def __init__(self, work: Work, entity: Entity, plan: Plan, values: ValueReader) -> None:
        self._work = work
        self._entity = entity
        self._is_fill = plan.mode == "fill"
        self._values = values

    def unchanged(self, found: Sequence[tuple[Incoming, int]]) -> dict[int, int]:
        """Return the rows that change nothing: numbers of records by those of the rows."""
        if not self._may_tell(one for one, _ in found):
            return {}
        work, name = self._work, self._entity.name
        rows = work.rows[name].read(work.connection, {record_id for _, record_id in found})
        present = {number: row for number, row in rows.items() if row.get("deleted_at") is None}
        allowed = allowed_ids(work, name, present) & allowed_ids(work, name, present, "update")
        values = {number: work.rows[name].values(rows[number]) for number in allowed}
        # What another row changes before would not be the same any more.
        doubtful = {
            record_id
            for one, record_id in found
            if record_id not in values or not self._is_same(one, values[record_id])
        }
        return {one.row.number: record_id for one, record_id in found if record_id not in doubtful}

    def changed(
        self, new: AtOnce, about: Sequence[tuple[Incoming, int]]
    ) -> dict[int, tuple[int, frozenset[str]]]:
        """Change records, each of which one row is about; return by row id and fields."""
        times = Counter(record_id for _, record_id in about)
        wanted = {
            record_id: one
            for one, record_id in about
            if times[record_id] == 1 and not (one.missing or one.others or one.authored)
        }
        found = new.change({each: partial(self.raw, one) for each, one in wanted.items()})
        return {wanted[each].row.number: (each, fields) for each, fields in found.items()}

    def raw(self, one: Incoming, old: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a row gives a record, of whose values it leaves some."""
        raw = dict(one.values)
        if self._is_fill:
            raw = {name: value for name, value in raw.items() if is_empty(old.get(name))}
        for name, value in raw.items():
            # Parts that the file does not bring stay.
            if isinstance(value, dict) and isinstance(old.get(name), Mapping):
                raw[name] = {**old[name], **value}
        return raw

    def _may_tell(self, rows: Iterable[Incoming]) -> bool:
        """Return whether nothing but the values decides what becomes of the rows."""
        names = {name for one in rows for name in one.values}
        if not names or self._work.writer.hears_saves:
            return False
        fields, policy = self._entity.fields, self._work.policy
        return not any(
            why_refused(fields[name], policy, self._entity) for name in names - {"owner"}
        )

    def _is_same(self, one: Incoming, old: Mapping[str, Any]) -> bool:
        if one.missing:
            return False
        for name, raw in one.values.items():
            was = old.get(name)
            if self._is_fill and not is_empty(was):
                continue
            if isinstance(raw, dict):
                # Parts that the file does not bring stay.
                whole = {**was, **raw} if isinstance(was, Mapping) else raw
                value = self._values.read(name, whole)
            else:
                value = one.read[name] if name in one.read else self._values.read(name, raw)
            if value is REFUSED or value != was:
                return False
        return True
