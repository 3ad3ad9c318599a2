"""The rows of a few records, whose dates Python works out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from app.automation.due_python import DateContext, Dates, dates_of
from app.automation.reminder_rows import upsert_given
from app.automation.timed import Timetable, make_timetable
from app.automation.waking import wake
from app.records.conditions import Linked
from app.records.statements import Statement
from app.records.work import Work

_upsert_given = Statement(upsert_given())


def timetable(work: Work) -> Timetable:
    """Return the timetable of the release, made on first use."""
    return work.rows.cached("timetable", lambda: make_timetable(work.release.catalog))


class Given:
    """Dates that Python works out, written by the same statement for all entities and rules."""

    def __init__(self, work: Work, number: Callable[[str], int]) -> None:
        """Take what knows the number of a rule."""
        self._work = work
        self._number = number
        self._linked = Linked(work)

    def move(
        self,
        entity: str,
        record_id: int,
        row: Mapping[str, Any],
        rules: set[str],
        *,
        force: bool = False,
    ) -> set[str]:
        """Move the rows of a record; return the rules that SQL knows better.

        With *force* also those, as SQL does not know them either.
        """
        work = self._work
        known = work.rows.cached(
            ("dates", entity, force), partial(self._dates, entity, force=force)
        )
        kind = work.release.catalog.entities[entity]
        context = DateContext(work, self._linked, kind, row)
        left: set[str] = set()
        numbers, fires, bases, dues = [], [], [], []
        for name in sorted(rules):
            number, dates, fire = known[name]
            if dates is None:
                left.add(name)
                continue
            base, due = dates(context)
            numbers.append(number)
            fires.append(fire)
            bases.append(base)
            dues.append(due)
        if numbers:
            now = work.now
            gone = row.get("deleted_at") is not None
            _upsert_given.hold(
                work.connection,
                {
                    "_rule": numbers, "_fire": fires, "_base": bases, "_due": dues,
                    "_entity": kind.number, "_id": record_id, "_gone": gone,
                    "now": now, "minute": now.replace(second=0, microsecond=0),
                },
            )  # fmt: skip
            if any(due is not None and due <= now for due in dues):
                wake(work.connection)
        return left

    def _dates(self, entity: str, *, force: bool) -> dict[str, tuple[int, Dates | None, bool]]:
        kind, rows = self._work.release.catalog.entities[entity], self._work.rows
        return {
            rule.name: (
                self._number(rule.name),
                dates_of(rule, kind, rows[entity].columns, rows.closures, force=force),
                rule.backlog,
            )
            for rule in timetable(self._work).of(entity)
        }
