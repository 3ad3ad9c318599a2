"""Why does a rule not fire for a record? The condition or the date that stops it, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.automation.context import RuleContext
from app.automation.firings import as_label
from app.automation.foreseeing import (
    Part,
    moment_text,
    parts_of,
    told_now,
)
from app.automation.index import Known, known_rule
from app.automation.occasions import at_text, condition_words, occasion, words_of
from app.automation.registry import RuleNumbers
from app.database.automation_tables import firing, reminder
from app.database.statements import Statement
from app.definitions.automation import RuleDefinition, When
from app.definitions.catalog import Entity
from app.errors import NotFound
from app.records.conditions import Linked
from app.records.work import Work
from app.texts import Label, say

_RULE = sa.bindparam("rule", type_=sa.Integer)
_ENTITY = sa.bindparam("entity", type_=sa.SmallInteger)
_RECORD = sa.bindparam("record_id", type_=sa.BigInteger)
_kept = Statement(
    sa.select(
        reminder.c.base,
        reminder.c.due_at,
        reminder.c.fired_for,
        reminder.c.repeats,
        reminder.c.suspended,
    ).where(reminder.c.rule == _RULE, reminder.c.entity == _ENTITY, reminder.c.record_id == _RECORD)
)
_last = Statement(
    sa.select(firing.c.happened_at, firing.c.state, firing.c.reason)
    .where(firing.c.rule == _RULE, firing.c.entity == _ENTITY, firing.c.record_id == _RECORD)
    .order_by(firing.c.id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Answer:
    """Why a rule does not fire for a record, or when it will."""

    rule: str
    entity: str
    record_id: int
    #: will (at ``due``) | stopped | fired | event
    state: str
    sentences: tuple[Label, ...] = ()
    #: what its condition asks for, each with its answer now
    parts: tuple[Part, ...] = ()
    due: datetime | None = None
    #: whom its first steps would reach now
    to: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Return it as ``--format json`` gives it."""
        return {
            "rule": self.rule,
            "entity": self.entity,
            "id": self.record_id,
            "state": self.state,
            "because": [str(one) for one in self.sentences],
            "condition": [{"part": one.text, "met": one.is_met} for one in self.parts],
            "due": self.due.isoformat() if self.due is not None else None,
            "to": list(self.to),
        }


def why_not(
    work: Work, numbers: RuleNumbers, name: str, entity_name: str, record_id: int
) -> Answer:
    """Return what stops a rule for a record, or when it fires.

    Raises:
        NotFound: there is no such rule, or no such record.
    """
    rule = work.release.catalog.automation.rules.get(name)
    if rule is None:
        raise NotFound(say("There is no rule {name}.", "没有名为 {name} 的规则。", name=name))
    answer = Answer(name, entity_name, record_id, "stopped")
    entity = work.release.catalog.entities.get(entity_name)
    if rule.off:
        return _with(answer, say("The rule is off.", "规则已停用（off: yes）。"))
    if entity is None or entity_name not in rule.entities:
        about = ", ".join(rule.entities) or "-"
        return _with(
            answer,
            say("The rule is about {about}.", "该规则针对 {about}。", about=about),
        )
    row = work.rows[entity_name].read(work.connection, [record_id]).get(record_id)
    if row is None:
        raise NotFound
    return _Asking(work, numbers, rule, entity, row, answer).ask()


def _with(answer: Answer, *sentences: Label, **said: Any) -> Answer:
    return replace(answer, sentences=(*answer.sentences, *sentences), **said)


class _Asking:
    """One rule and one record of it."""

    def __init__(
        self,
        work: Work,
        numbers: RuleNumbers,
        rule: RuleDefinition,
        entity: Entity,
        row: Mapping[str, Any],
        answer: Answer,
    ) -> None:
        self.work = work
        self.entity = entity
        self.row = row
        self.answer = answer
        self.known: Known = known_rule(rule, entity.name)
        self.context = RuleContext(work, Linked(work), entity, row)
        self.values = {
            "rule": numbers.number(rule.name),
            "entity": work.number(entity.name),
            "record_id": answer.record_id,
        }

    def ask(self) -> Answer:
        if self.row.get("deleted_at") is not None:
            sentence = say(
                "The record is in the bin; the rule goes on when it comes back.",
                "记录在回收站中；恢复后规则将继续。",
            )
            return _with(self.answer, sentence)
        parts = tuple(parts_of(self.known.if_, self.context))
        self.answer = replace(self.answer, parts=parts)
        if not any(part.is_met is False for part in parts):
            to = told_now(self.work, self.known.do, self.context, self.entity, self.row)
            self.answer = replace(self.answer, to=to)
        when = self.known.when
        found = self._dated() if when.is_timed else self._on_occasion(when)
        return self._with_last(self._with_condition(found))

    def _dated(self) -> Answer:
        kept = _kept.run(self.work.connection, self.values).fetchone()
        base = self.known.when.base or self.known.when.due
        assert base is not None
        if kept is None:
            sentence = say(
                "It has no date yet: {base} is empty.",
                "尚无日期：{base} 为空。",
                base=words_of(base.text, self.work.release.catalog, self.entity),
            )
            return _with(self.answer, sentence)
        since, due, fired_for, repeats, _ = kept
        follows = say(
            "{base} is {moment}.",
            "{base} 为 {moment}。",
            base=words_of(base.text, self.work.release.catalog, self.entity),
            moment=self._moment(since),
        )
        if due is not None:
            return self._coming(follows, due, repeats)
        if fired_for is not None and fired_for == since:
            sentence = say(
                "It fired for this date already; it fires again when the date moves.",
                "针对该日期已触发；日期变动后会再次触发。",
            )
            return _with(self.answer, follows, sentence, state="fired")
        sentence = say(
            "The moment was past when it arose, and what is late is left alone "
            "(`backlog: skip`); it fires when the date moves.",
            "产生时已过期，逾期的不再触发（backlog: skip）；日期变动后会触发。",
        )
        return _with(self.answer, follows, sentence)

    def _coming(self, follows: Label, due: datetime, repeats: int) -> Answer:
        at = self.known.when.at
        moment = self._moment(due)
        sentence = say("It is due {moment}.", "到期时间为 {moment}。", moment=moment)
        if repeats:
            sentence = say(
                "It comes again {moment}; it fired once for this date."
                if repeats == 1
                else "It comes again {moment}; it fired {count} times for this date.",
                "将于 {moment} 再次触发；针对该日期已触发 {count} 次。",
                moment=moment,
                count=repeats,
            )
        elif at is not None:
            sentence = say(
                "It is due {moment}: it comes {at}.",
                "到期时间为 {moment}：规则设为{at}。",
                moment=moment,
                at=at_text(at),
            )
        return _with(self.answer, follows, sentence, state="will", due=due)

    def _on_occasion(self, when: When) -> Answer:
        said = occasion(when, self.work.release.catalog, self.entity)
        return _with(self.answer, said, state="event")

    def _with_condition(self, answer: Answer) -> Answer:
        gone = [part.text for part in answer.parts if part.is_met is False]
        if not gone:
            if answer.state == "will" and not answer.to and _tells(self.known):
                nobody = say(
                    "As things are now, nobody would get its message.", "目前没有人会收到其消息。"
                )
                return _with(answer, nobody)
            return answer
        catalog = self.work.release.catalog
        words = [condition_words(one, catalog, self.entity) for one in gone]
        languages = {language for each in words for language in each.texts}
        sentence = say(
            "Its condition does not hold now: {parts}.",
            "其条件目前不成立：{parts}。",
            parts=Label({x: "; ".join(one.in_language(x) for one in words) for x in languages}),
        )
        return replace(answer, sentences=(sentence, *answer.sentences), state="stopped")

    def _with_last(self, answer: Answer) -> Answer:
        last = _last.run(self.work.connection, self.values).fetchone()
        if last is None:
            return answer
        happened_at, state, reason = last
        words = as_label(reason) or _STATES.get(state, say(state, state))
        sentence = say(
            "Last time, {moment}: {words}",
            "上一次（{moment}）：{words}",
            moment=self._moment(happened_at),
            words=words,
        )
        return _with(answer, sentence)

    def _moment(self, moment: datetime | None) -> str:
        return moment_text(moment, self.work.calendar)


_STATES: Mapping[str, Label] = {
    "due": say("it is about to run.", "即将执行。"),
    "waiting": say("some steps wait for their time.", "部分步骤在等待。"),
    "done": say("it was done.", "已完成。"),
    "skipped": say("it was skipped.", "已跳过。"),
    "failed": say("it failed.", "失败。"),
    "dropped": say("it was dropped.", "已取消。"),
}


def _tells(known: Known) -> bool:
    return any(step.action == "notify" and step.after is None for step in known.do)
