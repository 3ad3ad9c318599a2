"""The ledger, read: every time a rule met a record, what became of it, and why.

On a record it is for whoever may read the record's history; by rule and by person for
administrators. Nothing here changes anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.access.principal import Principal
from app.automation.firings import as_label
from app.automation.index import all_steps
from app.automation.registry import FOLLOWED, SHARES, RuleNumbers
from app.automation.steps import step_number
from app.database.automation_tables import firing, task
from app.database.statements import Statement
from app.definitions.automation import RuleDefinition
from app.definitions.catalog import Catalog
from app.errors import Forbidden, NotFound
from app.records.checking import visible_ids
from app.records.door import Records
from app.records.transactions import entity_of
from app.records.work import Work
from app.texts import Label, say

#: Lines of one page.
MOST = 100

STATES: Mapping[str, Label] = {
    "due": say("Due", "待执行"),
    "waiting": say("Waiting", "等待中"),
    "done": say("Done", "已完成"),
    "skipped": say("Skipped", "已跳过"),
    "failed": say("Failed", "失败"),
    "dropped": say("Dropped", "已取消"),
}
CAUSES: Mapping[str, Label] = {
    "event": say("Event", "事件"),
    "timed": say("Date", "日期"),
    "every": say("Clock", "定时"),
    "button": say("Button", "按钮"),
    "hook": say("Webhook", "Webhook"),
}


@dataclass(frozen=True, slots=True)
class StepLine:
    """What became of one step."""

    #: as people count: 1, 2, 3.1.2
    number: str
    action: str
    state: str
    at: datetime | None
    note: Label | None
    made: tuple[str, int] | None


@dataclass(frozen=True, slots=True)
class Line:
    """One firing."""

    id: int
    rule: str
    label: Label
    cause: str
    entity: str | None
    record_id: int | None
    occurrence: str
    user_id: int | None
    due_at: datetime | None
    happened_at: datetime
    ended_at: datetime | None
    state: str
    reason: Label | None
    #: the version of the rule, its first letters
    version: str
    steps: tuple[StepLine, ...]
    #: when the next step that waits is due
    next_at: datetime | None

    def as_json(self, language: str) -> dict[str, Any]:
        """Return it as the API writes it."""
        return {
            "id": self.id,
            "rule": self.rule,
            "label": self.label.in_language(language),
            "cause": self.cause,
            "entity": self.entity,
            "record": self.record_id,
            "occurrence": self.occurrence,
            "user": self.user_id,
            "due_at": _moment(self.due_at),
            "happened_at": _moment(self.happened_at),
            "ended_at": _moment(self.ended_at),
            "state": self.state,
            "reason": self.reason.in_language(language) if self.reason is not None else None,
            "version": self.version,
            "next_at": _moment(self.next_at),
            "steps": [
                {
                    "step": step.number,
                    "action": step.action,
                    "state": step.state,
                    "at": _moment(step.at),
                    "note": step.note.in_language(language) if step.note is not None else None,
                    "made": {"entity": step.made[0], "id": step.made[1]} if step.made else None,
                }
                for step in self.steps
            ],
        }


class Ledger:
    """Reads the ledger for whoever asks."""

    def __init__(self, records: Records, numbers: RuleNumbers, pools: Any) -> None:
        self._records = records
        self._numbers = numbers
        self._pools = pools

    def of_record(
        self,
        principal: Principal,
        entity: str,
        record_id: int,
        *,
        limit: int = 20,
        before: int | None = None,
    ) -> list[Line]:
        """Return the firings of a record, the newest first.

        Raises:
            NotFound: it may not be read.
            Forbidden: its history may not.
        """

        def step(work: Work) -> list[Line]:
            kind = entity_of(work.release, entity)
            if not work.policy.may("history", entity):
                raise Forbidden(work.policy.why("history", entity))
            deleted = work.policy.may("restore", entity)
            if not visible_ids(work, entity, [record_id], "history") and not (
                deleted and visible_ids(work, entity, [record_id], deleted=True)
            ):
                raise NotFound
            condition = sa.and_(
                firing.c.entity == work.number(kind.name), firing.c.record_id == record_id
            )
            return self._read(work.release, condition, limit, before)

        return self._records.transact(principal, step)

    def of_ids(self, release: Any, ids: Sequence[int]) -> list[Line]:
        """Return firings by their ids; the caller has seen to it that they may be read."""
        if not ids:
            return []
        return self._read(release, firing.c.id.in_(list(ids)), len(ids), None)

    def everywhere(
        self,
        principal: Principal,
        release: Any,
        *,
        rule: str | None = None,
        user_id: int | None = None,
        state: str | None = None,
        limit: int = 50,
        before: int | None = None,
    ) -> list[Line]:
        """Return firings of all records, the newest first, for administrators.

        Raises:
            Forbidden: the asker is none.
            NotFound: there is no such rule.
        """
        if not principal.is_admin:
            raise Forbidden
        conditions: list[sa.ColumnElement[bool]] = [sa.true()]
        if rule is not None:
            try:
                conditions.append(firing.c.rule == self._numbers.number(rule))
            except KeyError as error:
                raise NotFound(
                    say("There is no rule {rule}.", "没有规则 {rule}。", rule=rule[:100])
                ) from error
        if user_id is not None:
            conditions.append(firing.c.user_id == user_id)
        if state is not None:
            conditions.append(firing.c.state == state)
        return self._read(release, sa.and_(*conditions), limit, before)

    def _read(
        self, release: Any, condition: sa.ColumnElement[bool], limit: int, before: int | None
    ) -> list[Line]:
        next_at = (
            sa.select(sa.func.min(task.c.due_at))
            .where(task.c.firing == firing.c.id, task.c.problem.is_(None))
            .correlate(firing)
            .scalar_subquery()
        )
        chosen = sa.select(*firing.c, next_at.label("next_at")).where(condition)
        if before is not None:
            chosen = chosen.where(firing.c.id < before)
        chosen = chosen.order_by(firing.c.id.desc()).limit(max(1, min(limit, MOST)))
        with self._pools.read.connection() as connection:
            rows = Statement(chosen).rows(connection)
        return [self._line(row, release) for row in rows]

    def _line(self, row: Mapping[str, Any], release: Any) -> Line:
        name = self._numbers.name(row["rule"]) or "?"
        rule = release.catalog.automation.rules.get(name)
        next_at = row["next_at"]
        return Line(
            id=row["id"],
            rule=name,
            label=label_of(release.catalog, name),
            cause=row["cause"],
            entity=release.names.get(row["entity"]),
            record_id=row["record_id"] or None,
            occurrence=row["occurrence"],
            user_id=row["user_id"],
            due_at=row["due_at"],
            happened_at=row["happened_at"],
            ended_at=row["ended_at"],
            state=row["state"],
            reason=as_label(row["reason"]),
            version=row["digest"][:8],
            steps=tuple(_steps(row["steps"] or {}, rule)),
            next_at=next_at if next_at is not None and next_at.year < 9000 else None,
        )


def label_of(catalog: Catalog, name: str) -> Label:
    """Return what is called by a name of the ledger: a rule, an approval, the way into a sea."""
    workflows = catalog.automation
    found = workflows.rules.get(name) or workflows.approvals.get(name.removeprefix("approval:"))
    if found is not None:
        return found.label or Label({"en": found.name})
    if name == SHARES:
        return say("Records shared with me", "共享给我的记录")
    if name == FOLLOWED:
        return say("Records I follow", "我关注的记录")
    kind, _, rest = name.partition(":")
    pool_name, _, what = rest.partition("/")
    pool = workflows.pools.get(pool_name) if kind == "pool" else None
    if pool is None:
        return Label({"en": name})
    if what.startswith("warn"):
        return say("{pool}: warning", "{pool}：收回预警", pool=pool.label)
    return say("{pool}: taken back", "{pool}：自动收回", pool=pool.label)


def _steps(stored: Mapping[str, Any], rule: RuleDefinition | None) -> list[StepLine]:
    order = {step.path: place for place, step in enumerate(all_steps(rule.do if rule else ()))}
    found = []
    for path, entry in sorted(stored.items(), key=lambda one: (order.get(one[0], 999), one[0])):
        made = entry.get("made")
        found.append(
            StepLine(
                number=step_number(path),
                action=str(entry.get("action") or ""),
                state=str(entry.get("state") or ""),
                at=datetime.fromisoformat(entry["at"]) if entry.get("at") else None,
                note=as_label(entry.get("note")),
                made=(str(made[0]), int(made[1])) if made else None,
            )
        )
    return found


def _moment(value: datetime | None) -> str | None:
    return value.isoformat() if value is not None else None
