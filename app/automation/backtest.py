"""Replay a rule over the recorded history: what it would have done, to whom, how often.

Nothing is done. Each record is taken back to the begin of the window and followed from there: a
dated rule along the moments at which its date moved, a rule on events along the lines of history.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from app.automation.cron import moments
from app.automation.due_python import as_moment, at_its_time
from app.automation.foreseeing import moment_text, title_of, told_now
from app.automation.index import Known, known_rule
from app.automation.past import Line, Past, PastContext
from app.automation.replayed import Backtest, Replayed
from app.automation.timed import Timed, timed_rules
from app.database.statements import Statement
from app.definitions.automation import Automation, RuleDefinition
from app.definitions.catalog import Entity
from app.errors import NotFound
from app.expressions.moments import add_months, add_to_moment, as_duration
from app.expressions.tree import Checked
from app.records.work import Work
from app.texts import say

#: So many records of an entity are replayed, the newest.
MOST_RECORDS = 2_000


def backtest(work: Work, name: str, *, days: int = 90) -> Backtest:
    """Return what a rule would have done in the last *days*.

    Raises:
        NotFound: there is no such rule.
    """
    rule = work.release.catalog.automation.rules.get(name)
    if rule is None:
        raise NotFound(say("There is no rule {name}.", "没有名为 {name} 的规则。", name=name))
    return replay(work, rule, days=days)


def replay(work: Work, rule: RuleDefinition, *, days: int = 90) -> Backtest:
    """Return what a rule, in force or not, would have done in the last *days*."""
    found = Backtest(rule.name, work.now - timedelta(days=days), work.now)
    kind = rule.when.kind
    if kind in ("button", "hook"):
        found.note(
            say(
                "Somebody or something from outside sets it off, which history cannot tell.",
                "由人员点击或外部调用触发，历史记录无法得知。",
            )
        )
    elif kind == "every":
        _by_the_clock(work, rule, found)
    else:
        past = Past(work)
        for entity in rule.entities:
            _over(past, rule, entity, found)
    found.finish()
    return found


def _by_the_clock(work: Work, rule: RuleDefinition, found: Backtest) -> None:
    assert rule.when.every is not None
    every, at = rule.when.every, rule.when.at
    for moment in moments(every, at, work.calendar, found.since, found.until):
        found.add(Replayed(moment, ""), moment_text(moment, work.calendar)[:10])
    if rule.if_ or rule.entities:
        found.note(
            say(
                "Whether its condition held then is not replayed.",
                "未回放当时条件是否成立。",
            )
        )


def _over(past: Past, rule: RuleDefinition, name: str, found: Backtest) -> None:
    work, entity = past.work, past.work.release.catalog.entities[name]
    table = work.release.tables[name]
    chosen = sa.select(table.c.id).order_by(table.c.id.desc()).limit(MOST_RECORDS + 1)
    if "deleted_at" in table.c:
        since = sa.bindparam("since", type_=sa.DateTime(timezone=True))
        chosen = chosen.where(sa.or_(table.c.deleted_at.is_(None), table.c.deleted_at >= since))
    rows = Statement(chosen).run(work.connection, {"since": found.since})
    ids = [row[0] for row in rows]
    if len(ids) > MOST_RECORDS:
        ids = ids[:MOST_RECORDS]
        found.note(
            say(
                "Only the newest {most} records of {entity} were replayed.",
                "仅回放了{entity}中最新的 {most} 条记录。",
                most=MOST_RECORDS,
                entity=entity.label,
            )
        )
    past.load(name, ids)
    known = known_rule(rule, name)
    _note_unknown(known, found)
    timed = next((one for one in timed_rules_of(work, rule) if one.entity == name), None)
    for record_id in ids:
        one = _Replaying(past, known, entity, record_id, found)
        if timed is not None:
            one.follow_date(timed)
        else:
            one.follow_events()
    found.looked_at += len(ids)


def timed_rules_of(work: Work, rule: RuleDefinition) -> list[Timed]:
    """Return a rule as it is dated, for each of its entities; one that is off, as if it were on."""
    alone = Automation(rules={rule.name: replace(rule, off=False)})
    return list(timed_rules(replace(work.release.catalog, automation=alone)))


def _note_unknown(known: Known, found: Backtest) -> None:
    asked = [known.if_, known.when.due, known.when.base]
    if any(one is not None and one.asks_other_records for one in asked):
        found.note(
            say(
                "What it asks of other records is taken as it is now.",
                "规则中对其他记录的查询按当前数据计算。",
            )
        )
    unseen = {"comment", "email", "approved", "rejected"} & set(known.when.events)
    if unseen:
        found.note(
            say(
                "History does not tell of: {events}.",
                "历史记录中没有：{events}。",
                events=", ".join(sorted(unseen)),
            )
        )
    if any("." in name for name in known.when.changed):
        found.note(
            say(
                "Changes of linked records are not replayed.",
                "未回放关联记录的变化。",
            )
        )


class _Replaying:
    """One rule along one record."""

    def __init__(
        self, past: Past, known: Known, entity: Entity, record_id: int, found: Backtest
    ) -> None:
        self.past = past
        self.work = past.work
        self.calendar = past.work.calendar
        self.known = known
        self.entity = entity
        self.record_id = record_id
        self.found = found

    # Dated rules.

    def follow_date(self, timed: Timed) -> None:
        """Fire whenever its date came while it stood."""
        times = [self.found.since, *self._turns(timed), self.found.until]
        pending: datetime | None = None
        last: tuple[datetime | None, datetime | None] = (None, None)
        repeats, has_fired = 0, False
        for begin, end in pairwise(times):
            base, due = self._dates(timed, begin)
            if base != last[0] or (repeats == 0 and pending is not None and due != last[1]):
                # Another date is another occurrence; what is past when it arises is backlog.
                pending, repeats = due, 0
                if due is not None and due < begin:
                    pending, repeats = self._past(timed, begin, due)
            last = (base, due)
            while pending is not None and pending < end and not (timed.once and has_fired):
                has_fired |= self._fire_at(pending)
                pending = self._again(timed, pending, repeats)
                repeats += 1

    def _past(self, timed: Timed, begin: datetime, due: datetime) -> tuple[datetime | None, int]:
        """Return when a date that is over fires, and which repeat that is."""
        if begin > self.found.since:
            return (begin if timed.backlog else None), 0
        # It fired before the window; some of its repeats may come within.
        pending: datetime | None = due
        repeats = 0
        while pending is not None and pending < begin:
            pending = self._again(timed, pending, repeats)
            repeats += 1
        return pending, repeats

    def _turns(self, timed: Timed) -> list[datetime]:
        """Return the moments at which its date may have moved, in order."""
        found = {line.at for line in self.past.lines(self.entity.name, self.record_id)}
        for name in self._read(timed.due) | self._read(timed.base):
            one = self.entity.fields.get(name)
            if one is None or one.rollup is None:
                continue
            asked = one.rollup
            parent = (self.entity.name, self.record_id)
            for child in self.past.children(asked.entity, asked.link, parent):
                found |= {line.at for line in self.past.lines(asked.entity, child)}
        if timed.yearly:
            found |= set(self._years())
        return sorted(one for one in found if self.found.since < one < self.found.until)

    def _years(self) -> Iterator[datetime]:
        day = self.calendar.day(self.found.since)
        for year in range(day.year, self.calendar.day(self.found.until).year + 1):
            yield self.calendar.midnight(day.replace(year=year, month=1, day=1))

    def _read(self, expression: Checked, seen: frozenset[str] = frozenset()) -> set[str]:
        """Return the fields an expression reads, those behind formulas included."""
        found: set[str] = set()
        for path in expression.names:
            name = path.removeprefix("record.").partition(".")[0]
            one = self.entity.fields.get(name)
            if one is None or name in seen:
                continue
            found.add(name)
            if one.type.name == "formula" and one.expression is not None:
                found |= self._read(one.expression, seen | {name})
        return found

    def _dates(self, timed: Timed, moment: datetime) -> tuple[datetime | None, datetime | None]:
        context = self._context(moment)
        if context is None:
            return None, None
        closures = self.work.rows.closures
        base = as_moment(self.calendar, closures.of(timed.base)(context))
        if base is None:
            return None, None
        due = at_its_time(
            self.calendar, closures.of(timed.due)(context), timed.at, before=timed.before
        )
        if timed.yearly and due is not None:
            return self._turn(base, due, moment)
        return base, due

    def _turn(
        self, base: datetime, due: datetime, moment: datetime
    ) -> tuple[datetime | None, datetime | None]:
        """Return the first anniversary that is not over."""
        for years in range(200):
            there = self._years_later(due, years)
            if there >= moment:
                return self._years_later(base, years), there
        return None, None

    def _years_later(self, moment: datetime, years: int) -> datetime:
        wall = self.calendar.local(moment).replace(tzinfo=None, fold=0)
        day = add_months(wall.date(), 12 * years)
        return self.calendar.moment(datetime.combine(day, wall.time()))

    def _again(self, timed: Timed, at: datetime, repeats: int) -> datetime | None:
        if timed.repeat_every is None or repeats >= timed.repeat_times:
            return None
        context = self._context(at)
        if context is None:
            return None
        length = self.work.rows.closures.of(timed.repeat_every)(context)
        if length is None:
            return None
        moved = add_to_moment(at, as_duration(length), self.calendar)
        return at_its_time(self.calendar, moved, timed.at, before=False)

    # Rules on events.

    def follow_events(self) -> None:
        """Fire with every line of history that the rule waits for."""
        has_fired = False
        for line in self.past.lines(self.entity.name, self.record_id):
            if line.at < self.found.since or line.action not in self.known.when.events:
                continue
            if not self._fits(line):
                continue
            if self.known.rule.once and has_fired:
                return
            has_fired |= self._fire_at(line.at, is_event=True)

    def _fits(self, line: Line) -> bool:
        when = self.known.when
        names = [name for name in when.changed if "." not in name]
        if not when.changed:
            return True
        for name in names:
            if name not in line.after or (line.action == "create" and line.after[name] is None):
                continue
            before, after = _word(line.before.get(name)), _word(line.after[name])
            if when.from_ and (line.action == "create" or before not in when.from_):
                continue
            if not when.to or after in when.to:
                return True
        return False

    # Both.

    def _context(self, moment: datetime, *, is_event: bool = False) -> PastContext | None:
        name = self.entity.name
        row = self.past.row_at(name, self.record_id, moment)
        if row is None:
            return None
        old = None
        if is_event:
            old = self.past.row_at(name, self.record_id, moment, before=True)
        elif row.get("deleted_at") is not None:
            return None
        return self.past.context(self.entity, row, moment, old)

    def _fire_at(self, moment: datetime, *, is_event: bool = False) -> bool:
        """Count a firing if its condition held; return whether it did."""
        context = self._context(moment, is_event=is_event)
        if context is None:
            return False
        if self.known.if_ is not None and not self.work.rows.closures.of(self.known.if_)(context):
            self.found.skipped += 1
            return False
        to = told_now(context.work, self.known.do, context, self.entity, context.row)
        title = title_of(self.entity, context.row)
        one = Replayed(moment, title, self.entity.name, self.record_id, to)
        self.found.add(one, moment_text(moment, self.calendar)[:10])
        return True


def _word(value: Any) -> str:
    """Return a value of history as `from` and `to` write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == "" or (isinstance(value, list | Mapping) and not value):
        return "empty"
    return str(value)
