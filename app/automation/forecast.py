"""What fires in the days to come, and why: reminders with their repeats, the clock, what waits.

As things are now: whatever is written meanwhile moves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.automation.context import RuleContext
from app.automation.cron import moments
from app.automation.due_python import at_its_time
from app.automation.foreseeing import (
    moment_text,
    parts_of,
    title_of,
    told_now,
    unmet,
)
from app.automation.index import find_step, known_rule
from app.automation.occasions import rhythm, sets_off, words_of
from app.automation.registry import RuleNumbers, cron_rules
from app.automation.steps import step_number
from app.automation.timed import Timed, make_timetable
from app.database.automation_tables import firing, reminder, rule, task
from app.database.statements import Statement
from app.definitions.rules import MOST_TIMES
from app.expressions.moments import add_to_moment, as_duration
from app.expressions.sql_functions import MOMENT
from app.records.conditions import Linked
from app.records.work import Work
from app.texts import Label, say

#: So many days are looked at if nobody says otherwise.
DAYS = 14
#: So many firings are shown; how many there are altogether is counted.
MOST = 200

_UNTIL = sa.bindparam("until", type_=MOMENT)
_RULES = sa.bindparam("rules", type_=sa.ARRAY(sa.Integer))
#: One record, or none for any.
_ENTITY = sa.bindparam("entity", type_=sa.SmallInteger)
_RECORD = sa.bindparam("record_id", type_=sa.BigInteger)


def _is_asked(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.or_(
        _ENTITY.is_(None),
        sa.and_(table.c.entity == _ENTITY, table.c.record_id == _RECORD),
    )


_in_time = sa.and_(
    reminder.c.due_at <= _UNTIL,
    ~reminder.c.suspended,
    reminder.c.rule == sa.func.any(_RULES),
    _is_asked(reminder),
)
_due = Statement(
    sa.select(
        reminder.c.rule,
        reminder.c.entity,
        reminder.c.record_id,
        reminder.c.base,
        reminder.c.due_at,
        reminder.c.repeats,
    )
    .where(_in_time, reminder.c.entity > 0)
    .order_by(reminder.c.due_at, reminder.c.rule, reminder.c.record_id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_counts = Statement(
    sa.select(reminder.c.rule, sa.func.count())
    .where(_in_time, reminder.c.entity > 0)
    .group_by(reminder.c.rule)
)
_waiting = Statement(
    sa.select(
        task.c.due_at,
        task.c.step,
        firing.c.rule,
        firing.c.entity,
        firing.c.record_id,
        firing.c.due_at.label("fired_at"),
        firing.c.happened_at,
    )
    .join(firing, firing.c.id == task.c.firing)
    .where(
        task.c.due_at <= _UNTIL,
        task.c.problem.is_(None),
        firing.c.rule == sa.func.any(_RULES),
        _is_asked(firing),
    )
    .order_by(task.c.due_at)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_known_rules = Statement(sa.select(rule.c.number, rule.c.name).where(rule.c.digest.is_not(None)))


@dataclass(frozen=True, slots=True)
class Coming:
    """One firing to come."""

    at: datetime
    rule: str
    #: date | repeat | every | step
    kind: str
    why: Label
    entity: str | None = None
    record_id: int | None = None
    title: str = ""
    #: whom its first steps reach, as things are now
    to: tuple[str, ...] = ()
    #: parts of its condition that are not met now: it would be skipped
    stopped_by: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as ``--format json`` gives it."""
        return {
            "at": self.at.isoformat(),
            "rule": self.rule,
            "kind": self.kind,
            "why": str(self.why),
            "entity": self.entity,
            "id": self.record_id,
            "title": self.title,
            "to": list(self.to),
            "stopped_by": list(self.stopped_by),
        }


@dataclass(frozen=True, slots=True)
class Forecast:
    """The firings to come, the next first."""

    until: datetime
    coming: Sequence[Coming]
    #: how many records each rule is due for, also those that are not shown
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_cut(self) -> bool:
        """Whether there are more than are shown."""
        return sum(self.counts.values()) > sum(1 for one in self.coming if one.kind == "date")


def forecast(
    work: Work,
    numbers: RuleNumbers,
    *,
    days: int = DAYS,
    only: str | None = None,
    record: tuple[str, int] | None = None,
) -> Forecast:
    """Return what fires in the next *days*.

    Args:
        only: one rule.
        record: one record, by entity and id.
    """
    return _Forecaster(work, numbers, work.now + timedelta(days=days), only, record).look()


class _Forecaster:
    def __init__(
        self,
        work: Work,
        numbers: RuleNumbers,
        until: datetime,
        only: str | None,
        record: tuple[str, int] | None,
    ) -> None:
        self.work = work
        self.numbers = numbers
        self.until = until
        self.only = only
        self.record = record
        self.linked = Linked(work)
        self.calendar = work.calendar
        self.timed = {
            (one.name, one.entity): one for one in make_timetable(work.release.catalog).rules
        }
        names = dict(_known_rules.run(work.connection).fetchall())
        self.names = {n: name for n, name in names.items() if only in (None, name)}
        self.rows: dict[tuple[str, int], Mapping[str, Any]] = {}

    def look(self) -> Forecast:
        entity, record_id = self.record or ("", 0)
        known = {
            "until": self.until,
            "rules": sorted(self.names),
            "most": MOST,
            "entity": self.work.number(entity) if entity else None,
            "record_id": record_id,
        }
        due = _due.run(self.work.connection, known).fetchall()
        waiting = _waiting.run(self.work.connection, known).fetchall()
        self._read([(row[1], row[2]) for row in due] + [(row[3], row[4]) for row in waiting])
        found = [one for row in due for one in self._of_reminder(*row)]
        found += [one for row in waiting if (one := self._of_task(*row)) is not None]
        if self.record is None:
            found += self._of_clock()
        found.sort(key=lambda one: (one.at, one.rule, one.record_id or 0))
        counts = dict(_counts.run(self.work.connection, known).fetchall())
        return Forecast(
            self.until, found[:MOST], {self.names[n]: count for n, count in counts.items()}
        )

    def _read(self, wanted: Iterable[tuple[int, int]]) -> None:
        by_entity: dict[str, set[int]] = {}
        for number, record_id in wanted:
            name = self.work.release.names.get(number)
            if name is not None:
                by_entity.setdefault(name, set()).add(record_id)
        for name, ids in by_entity.items():
            rows = self.work.rows[name].read(self.work.connection, ids)
            self.rows |= {(name, record_id): row for record_id, row in rows.items()}

    # One reminder, with its repeats.

    def _of_reminder(
        self, number: int, entity: int, record_id: int, base: datetime, due: datetime, repeats: int
    ) -> Iterator[Coming]:
        name, kind = self.names[number], self.work.release.names.get(entity, "")
        timed, row = self.timed.get((name, kind)), self.rows.get((kind, record_id))
        if timed is None or row is None:
            return
        first = self._coming(timed, row, base, due)
        yield replace(first, kind="repeat") if repeats else first
        yield from self._repeats(timed, row, first, repeats)

    def _coming(
        self, timed: Timed, row: Mapping[str, Any], base: datetime, due: datetime
    ) -> Coming:
        entity = self.work.release.catalog.entities[timed.entity]
        context = RuleContext(self.work, self.linked, entity, row)
        definition = self.work.release.catalog.automation.rules.get(timed.name)
        to: tuple[str, ...] = ()
        if definition is not None:
            known = known_rule(definition, timed.entity)
            stopped = unmet(parts_of(known.if_, context))
            if not stopped:
                to = told_now(self.work, known.do, context, entity, row)
        else:
            # What pools do by themselves.
            stopped = tuple(part for one in timed.holds for part in unmet(parts_of(one, context)))
            closures = self.work.rows.closures
            stopped += tuple(one.text for one in timed.unless if closures.of(one)(context))
        return Coming(
            due, timed.name, "date", self.why(timed, base), timed.entity, int(row["id"]),
            title_of(entity, row), to, stopped,
        )  # fmt: skip

    def why(self, timed: Timed, base: datetime) -> Label:
        """Return from what the moment follows."""
        catalog = self.work.release.catalog
        rule = catalog.automation.rules.get(timed.name)
        return say(
            "{base} is {moment}; {due}",
            "{base} 为 {moment}；{due}",
            base=words_of(timed.base.text, catalog, catalog.entities[timed.entity]),
            moment=moment_text(base, self.calendar),
            due=sets_off(rule, catalog) if rule is not None else timed.due.text,
        )

    def _repeats(
        self, timed: Timed, row: Mapping[str, Any], first: Coming, repeats: int
    ) -> Iterator[Coming]:
        if timed.repeat_every is None:
            return
        entity = self.work.release.catalog.entities[timed.entity]
        context = RuleContext(self.work, self.linked, entity, row)
        length = self.work.rows.closures.of(timed.repeat_every)(context)
        at: datetime | None = first.at
        for number in range(repeats + 1, timed.repeat_times + 1):
            if length is None or at is None:
                return
            moved = add_to_moment(at, as_duration(length), self.calendar)
            at = at_its_time(self.calendar, moved, timed.at, before=False)
            if at is None or at > self.until:
                return
            endless = timed.repeat_times >= MOST_TIMES
            why = say(
                "repeat {number}, if nothing changes",
                "第 {number} 次重复，前提是没有变化",
                number=number if endless else f"{number}/{timed.repeat_times}",
            )
            yield replace(first, at=at, kind="repeat", why=why)

    # What waits, and the clock.

    def _of_task(
        self,
        due: datetime,
        step: str,
        number: int,
        entity: int,
        record_id: int,
        fired_at: datetime | None,
        happened_at: datetime,
    ) -> Coming | None:
        kind = self.work.release.names.get(entity)
        row = self.rows.get((kind, record_id)) if kind else None
        if kind is not None and row is None:
            return None
        why = say(
            "step {step} of what fired {moment}",
            "{moment} 触发后的第 {step} 步",
            step=step_number(step) if step else "1",
            moment=moment_text(fired_at or happened_at, self.calendar),
        )
        coming = Coming(
            max(due, self.work.now), self.names[number], "step", why, kind, record_id or None
        )
        return coming if kind is None or row is None else self._told(coming, kind, row, step)

    def _told(self, coming: Coming, kind: str, row: Mapping[str, Any], step: str) -> Coming:
        """Return a step to come with its record, whom it reaches, and what stops it."""
        entity = self.work.release.catalog.entities[kind]
        named = replace(coming, title=title_of(entity, row))
        definition = self.work.release.catalog.automation.rules.get(coming.rule)
        if definition is None:
            return named
        known, context = (
            known_rule(definition, kind),
            RuleContext(self.work, self.linked, entity, row),
        )
        stopped = unmet(parts_of(known.if_, context))
        one = find_step(known.do, step) if step else None
        steps = known.do if not step else [replace(one, after=None)] if one is not None else []
        to = () if stopped else told_now(self.work, steps, context, entity, row)
        return replace(named, to=to, stopped_by=stopped)

    def _of_clock(self) -> Iterator[Coming]:
        for each in cron_rules(self.work.release.catalog):
            every = each.when.every
            if every is None or self.only not in (None, each.name):
                continue
            why = rhythm(each.when)
            if each.entities:
                why = say(
                    "{why}, for every record that fits", "{why}，针对每条符合条件的记录", why=why
                )
            found = moments(every, each.when.at, self.calendar, self.work.now, self.until)
            for number, moment in enumerate(found):
                if number >= MOST:
                    break
                yield Coming(moment, each.name, "every", why)
