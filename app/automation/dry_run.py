"""What new and changed rules would do: counted and sampled on the records there are, for a plan.

Nothing is written and nobody is told. Where a rule reads fields that the tables do not have yet, it
can only be told once they are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import errors as pg

from app.access.organisation import Organisation
from app.access.policy import Policies
from app.access.principal import SYSTEM
from app.access.sources import TableSource
from app.automation.context import RuleContext
from app.automation.due_sql import base_and_due
from app.automation.forecast import DAYS
from app.automation.foreseeing import moment_text, title_of, told_now
from app.automation.index import known_rule
from app.automation.occasions import occasion
from app.automation.reminder_rows import parameters
from app.automation.timed import Timed, timed_rules, timing_of
from app.database.automation_tables import reminder
from app.database.automation_tables import rule as rule_table
from app.database.outlook import Outlook
from app.database.release import Release, make_release, read_numbers
from app.database.statements import Statement
from app.definitions.automation import RuleDefinition
from app.definitions.catalog import Catalog
from app.records.conditions import Linked
from app.records.rows import RowStatements
from app.records.work import Work
from app.texts import Label, say

#: So many records of each rule are named.
_SAMPLES = 5
_NOT_THERE = (pg.UndefinedColumn, pg.UndefinedTable, pg.DatatypeMismatch, pg.UndefinedFunction)


@dataclass(frozen=True, slots=True)
class _Registered:
    number: int
    digest: str | None
    timing: str | None


def outlook_of(pools: Any, catalog: Catalog, now: datetime) -> list[Outlook]:
    """Return what the rules of *catalog* would do that are not in force as they are there."""
    with pools.engine.connect() as connection:
        numbers = read_numbers(connection)
        columns = (rule_table.c.name, rule_table.c.number, rule_table.c.digest, rule_table.c.timing)
        rows = connection.execute(sa.select(*columns)).all()
    known = {name: _Registered(number, digest, timing) for name, number, digest, timing in rows}
    changed = list(_changed(catalog, known))
    if not changed:
        return []
    release = make_release(catalog, 0, numbers)
    organisation = Organisation(pools, lambda: release)
    # Read before the connection is taken: a process with a single one has no second for it.
    organisation.snapshot()
    with pools.read.connection() as connection:
        work = _work(connection, release, organisation, now)
        return [_Rehearsal(work, rule, known.get(rule.name)).outlook() for rule in changed]


def _changed(catalog: Catalog, known: Mapping[str, _Registered]) -> Iterator[RuleDefinition]:
    """Yield the rules that are new, or say something else than those in force."""
    timed: dict[str, list[Timed]] = {}
    for each in timed_rules(catalog):
        timed.setdefault(each.name, []).append(each)
    for rule in catalog.automation.rules.values():
        names = (rule.name, *rule.was)
        before = next((known[name] for name in names if name in known), None)
        if rule.off:
            continue
        timing = timing_of(catalog, timed[rule.name]) if rule.name in timed else None
        if before is None or before.digest != rule.digest or (timing and before.timing != timing):
            yield rule


def _work(
    connection: psycopg.Connection[Any],
    release: Release,
    organisation: Organisation,
    now: datetime,
) -> Work:
    policies = Policies(release.catalog)
    return Work(
        connection=connection,
        release=release,
        rows=RowStatements(release),
        organisation=organisation,
        principal=SYSTEM,
        policy=policies.of(SYSTEM),
        now=now,
        origin="rule",
        policies=policies,
    )


class _Rehearsal:
    """One rule, tried on the records there are."""

    def __init__(self, work: Work, rule: RuleDefinition, before: _Registered | None) -> None:
        self.work = work
        self.rule = rule
        self.before = before

    @property
    def _is_new(self) -> bool:
        return self.before is None or self.before.digest is None

    def outlook(self) -> Outlook:
        subject, details, data = f"rule {self.rule.name}", [], []
        if not self.rule.when.is_timed:
            return Outlook(subject, self._said(self._occasion()))
        for entity in self.rule.entities:
            try:
                with self.work.connection.transaction():
                    said, counted = self._tried(entity)
            except pg.QueryCanceled:
                said = [
                    say(
                        "There are too many records to try it on now.",
                        "记录太多，暂时无法试算。",
                    )
                ]
                counted = {"entity": entity, "unknown": True}
            except (*_NOT_THERE, KeyError):
                said = [
                    say(
                        "Whom it concerns can be told once its fields are there.",
                        "其字段建立后才能得知涉及哪些记录。",
                    )
                ]
                counted = {"entity": entity, "unknown": True}
            details += said
            data.append(counted)
        # A rule that is about to reach people is read before, also by whoever only saved a file.
        waits = any(each.get("coming") or _fires_at_once(each) for each in data)
        words = self._said(details[0])
        return Outlook(subject, words, tuple(details[1:]), {"rules": data}, waits=waits)

    def _occasion(self) -> Label:
        catalog, rule = self.work.release.catalog, self.rule
        entity = catalog.entities.get(rule.entities[0]) if rule.entities else None
        return occasion(rule.when, catalog, entity)

    def _said(self, what: Label) -> Label:
        if self._is_new:
            return say("new. {what}", "新规则。{what}", what=what)
        return say("changed. {what}", "有变化。{what}", what=what)

    def _tried(self, entity: str) -> tuple[list[Label], dict[str, Any]]:
        timed = next(
            one
            for one in timed_rules(self.work.release.catalog)
            if one.name == self.rule.name and one.entity == entity
        )
        values = {
            **parameters(self.work.release, self.work.now),
            **self.work.asker,
            "until": self.work.now + timedelta(days=DAYS),
        }
        late, coming, samples = self._counted(timed, values)
        fires = timed.backlog and late
        found = self._samples(entity, samples)
        data = {
            "entity": entity,
            "late": late,
            "backlog": "fire" if timed.backlog else "skip",
            "coming": coming,
            "days": DAYS,
            "samples": [
                {"id": number, "title": title, "due": moment.isoformat(), "to": list(to)}
                for number, title, moment, to in found
            ],
        }
        return [*self._counts(late, coming, fires=bool(fires)), *map(self._line, found)], data

    def _counted(
        self, timed: Timed, values: Mapping[str, Any]
    ) -> tuple[int, int, list[tuple[int, datetime]]]:
        """Return how many records are late, how many are due in time, and the first of them."""
        state = self._state(timed)
        due, minute = state.c.due, _moment("minute")
        is_late = due < minute
        chosen = (
            sa.select(
                state.c.id,
                due,
                sa.func.count().filter(is_late).over().label("late"),
                sa.func.count().filter(~is_late).over().label("coming"),
            )
            .where(due <= _moment("until"))
            # What is left alone is no example of what it does.
            .order_by(*(() if timed.backlog else (is_late,)), due, state.c.id)
            .limit(sa.literal_column(str(_SAMPLES)))
        )
        # A plan is read at once; what takes longer is not tried.
        self.work.connection.execute("SET LOCAL statement_timeout = '5s'")
        rows = Statement(chosen).run(self.work.connection, values).fetchall()
        if not rows:
            return 0, 0, []
        late, coming = rows[0][2], rows[0][3]
        begin = values["minute"]
        return late, coming, [row[:2] for row in rows if timed.backlog or row[1] >= begin]

    def _state(self, timed: Timed) -> Any:
        """Return the records the rule holds for, each with when it would be due."""
        release = self.work.release
        table = release.tables[timed.entity].alias("c")
        source = TableSource(release, timed.entity, table)
        base, due = base_and_due(release, timed, table)
        chosen = sa.select(table.c.id, base.label("base"), due.label("due"))
        condition = self.rule.if_.get(timed.entity)
        if condition is not None:
            chosen = chosen.where(source.holds(condition))
        if "deleted_at" in table.c:
            chosen = chosen.where(table.c.deleted_at.is_(None))
        state = chosen.subquery("s")
        if self.before is None:
            return state
        # One firing per record and date: what has fired for this date is done with.
        fired = sa.exists().where(
            reminder.c.rule == sa.literal_column(str(self.before.number)),
            reminder.c.entity == sa.literal_column(str(release.numbers[timed.entity])),
            reminder.c.record_id == state.c.id,
            reminder.c.fired_for == state.c.base,
        )
        return sa.select(state.c.id, state.c.base, state.c.due).where(~fired).subquery("t")

    def _samples(
        self, entity: str, rows: Sequence[Any]
    ) -> list[tuple[int, str, datetime, tuple[str, ...]]]:
        known = known_rule(self.rule, entity)
        kind, linked = self.work.release.catalog.entities[entity], Linked(self.work)
        read = self.work.rows[entity].read(self.work.connection, [row[0] for row in rows])
        found = []
        for number, due in rows:
            row = read[number]
            context = RuleContext(self.work, linked, kind, row)
            to = told_now(self.work, known.do, context, kind, row)
            found.append((number, title_of(kind, row), max(due, self.work.now), to))
        return found

    def _counts(self, late: int, coming: int, *, fires: bool) -> list[Label]:
        said = [
            say(
                "{coming} due in the next {days} days",
                "未来 {days} 天内到期 {coming} 条",
                coming=coming,
                days=DAYS,
            )
        ]
        if late and fires:
            said.append(
                say(
                    "{late} late already: they fire at once",
                    "已逾期 {late} 条：将立即触发",
                    late=late,
                )
            )
        elif late:
            said.append(
                say(
                    "{late} late already: left alone (`backlog: skip`)",
                    "已逾期 {late} 条：不触发（backlog: skip）",
                    late=late,
                )
            )
        both = Label(
            {
                "en": "; ".join(one.in_language("en") for one in said) + ".",
                "zh": "；".join(one.in_language("zh") for one in said) + "。",
            }
        )
        return [both]

    def _line(self, sample: tuple[int, str, datetime, tuple[str, ...]]) -> Label:
        _, title, due, to = sample
        moment = moment_text(due, self.work.calendar)
        if not to:
            return say("{moment} {title}", "{moment} {title}", moment=moment, title=title)
        return say(
            "{moment} {title}: to {to}",
            "{moment} {title}：通知 {to}",
            moment=moment,
            title=title,
            to=", ".join(to),
        )


def _fires_at_once(counted: Mapping[str, Any]) -> bool:
    return counted.get("backlog") == "fire" and bool(counted.get("late"))


def _moment(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=sa.DateTime(timezone=True))
