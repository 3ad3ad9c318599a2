"""What is asked again before a step runs that had to wait.

The record may be in the bin by now, the date may have moved, the condition may not hold any more,
the rule may be another or gone. Each of these has its answer here, with a sentence for the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.automation.acting_for import acting_for, principal_of, seeing_as
from app.automation.context import Said
from app.automation.due_tasks import Due, occurrences
from app.automation.firings import MERGED, NEVER
from app.automation.guard import as_links, link
from app.automation.index import Known, all_steps, behind, find_step, known_rule
from app.automation.outgoing import Outbox
from app.automation.registry import RuleNumbers
from app.automation.running import Firing
from app.automation.steps import Run, due_of
from app.automation.versions import Versions
from app.definitions.automation import RuleDefinition, Step
from app.definitions.catalog import Entity, Field
from app.expressions.why import why
from app.records.work import Work
from app.texts import Label, say

#: Returns what a firing follows; None where it is gone.
FindRule = Callable[[Work, Firing], RuleDefinition | None]


#: Actions that change no record.
_ONLY_TELLS = frozenset({"notify", "call", "choose", "wait"})


@dataclass(slots=True)
class Verdict:
    """What becomes of a task: its steps are run, or it is dropped or put off with a reason."""

    state: str | None = None
    reason: Label | None = None
    #: the moment it is looked at again
    later: datetime | None = None
    #: everything else that waits for the firing goes too
    drops_all: bool = False
    run: Run | None = None
    steps: Sequence[Step] = ()
    #: the `wait` that may be over
    wait: Step | None = None


@dataclass(slots=True)
class Look:
    """What a batch read in one go."""

    rows: Mapping[str, Mapping[int, Mapping[str, Any]]]
    #: the occurrence a rule's date gives now, by rule, entity, record
    occurrences: Mapping[tuple[int, int, int], str | None]
    #: a step of the batch wrote records since
    is_stale: bool = False
    known: dict[tuple[str, str | None, str], Known] = field(default_factory=dict)


class Checker:
    """Asks again."""

    def __init__(self, numbers: RuleNumbers, versions: Versions) -> None:
        self._numbers = numbers
        self._versions = versions
        #: finds what is no rule of a file, by how its name begins
        self.others: dict[str, FindRule] = {}

    def look(self, work: Work, held: Sequence[Due]) -> Look:
        """Read the records of a batch, one statement for each entity, and the dates."""
        wanted: dict[str, set[int]] = {}
        written: set[str] = set()
        for due in held:
            one = due.firing
            if one.entity is not None and one.record_id is not None:
                wanted.setdefault(one.entity, set()).add(one.record_id)
                if self._may_write(work, one):
                    written.add(one.entity)
        rows = {}
        for name in work.release.catalog.entities:  # one order for all who lock
            if name in wanted:
                own = work.rows[name]
                # What a step is going to change must not change between question and answer.
                read = own.lock if name in written else own.read
                rows[name] = read(work.connection, wanted[name])
        return Look(rows, occurrences(work, held))

    def _may_write(self, work: Work, one: Firing) -> bool:
        rule = work.release.catalog.automation.rules.get(self._numbers.name(one.rule) or "")
        if rule is None or one.entity not in rule.entities:
            return rule is None
        return any(step.action not in _ONLY_TELLS for step in all_steps(rule.of(one.entity)[1]))

    def _row_now(self, work: Work, due: Due, look: Look) -> Mapping[str, Any] | None:
        """Return the record; read anew where steps of this batch may have changed it."""
        one = due.firing
        assert one.entity is not None
        assert one.record_id is not None
        if not look.is_stale:
            return look.rows.get(one.entity, {}).get(one.record_id)
        look.occurrences = {**look.occurrences, **occurrences(work, [due])}
        rows = work.rows[one.entity].read(work.connection, [one.record_id])
        return rows.get(one.record_id)

    def check(self, work: Work, due: Due, look: Look, outbox: Outbox) -> Verdict:
        """Return what is to be done with a task."""
        one = due.firing
        rule = self._rule_of(work, due)
        if rule is None or rule.off:
            return _gone("The rule was removed.", "规则已删除。")
        entity = work.release.catalog.entities.get(one.entity or "")
        row: Mapping[str, Any] | None = None
        if one.record_id is not None:
            if entity is None or (rule.entities and entity.name not in rule.entities):
                return _gone(
                    "The rule is not about these records any more.", "规则不再适用于此类记录。"
                )
            row = self._row_now(work, due, look)
            if row is None:
                return _gone("Its record was removed for good.", "其记录已被彻底删除。")
            if row.get("deleted_at") is not None:
                reason = say(
                    "Its record is in the bin; it goes on when that comes back.",
                    "其记录在回收站中；恢复后继续。",
                )
                return Verdict("waiting", reason, later=NEVER)
        if self._has_moved(work, due, look):
            return _gone("The date it follows has moved.", "所依据的日期已变动。", state="skipped")
        known = self._known(look, rule, entity)
        return self._steps(work, due, known, entity, row, outbox)

    def _rule_of(self, work: Work, due: Due) -> RuleDefinition | None:
        """Return the rule: as it is now, or as it was where a wait is under way."""
        name = self._numbers.name(due.firing.rule)
        for prefix, find in self.others.items():
            if name is not None and name.startswith(prefix):
                return find(work, due.firing)
        rule = work.release.catalog.automation.rules.get(name or "")
        if rule is None or rule.digest == due.firing.digest:
            return rule
        if due.step and not _is_after_step(due):
            return self._versions.rule(work, due.firing.digest) or rule
        return rule

    def _has_moved(self, work: Work, due: Due, look: Look) -> bool:
        one = due.firing
        if one.cause != "timed" or one.entity is None or one.occurrence == "once":
            return False
        rule = work.release.catalog.automation.rules.get(self._numbers.name(one.rule) or "")
        if rule is None or rule.of(one.entity)[0].yearly:
            return False
        key = (one.rule, work.number(one.entity), one.record_id or 0)
        own = one.occurrence.partition("/")[0].partition(MERGED)[0]
        return look.occurrences.get(key) != own

    def _known(self, look: Look, rule: RuleDefinition, entity: Entity | None) -> Known:
        key = (rule.name, entity.name if entity else None, rule.digest)
        found = look.known.get(key)
        if found is None:
            found = look.known[key] = known_rule(rule, entity.name if entity else None)
        return found

    def _steps(
        self,
        work: Work,
        due: Due,
        known: Known,
        entity: Entity | None,
        row: Mapping[str, Any] | None,
        outbox: Outbox,
    ) -> Verdict:
        run = self._run(work, due, known, entity, row, outbox)
        if not run.holds(known.if_):
            assert known.if_ is not None
            parts = [part.text for part in why(known.if_, run.context) if not part.is_met]
            reason = say(
                "Its condition does not hold: {parts}.",
                "条件不成立：{parts}。",
                parts="; ".join(parts),
            )
            return Verdict("skipped", reason, drops_all=not due.step)
        if not due.step:
            run.firing.digest = known.rule.digest
            return Verdict(run=run, steps=known.do)
        step = find_step(known.do, due.step)
        if step is None:
            return Verdict("done")
        if step.action == "wait" and step.after is None:
            return Verdict(run=run, steps=behind(known.do, step.path), wait=step)
        if step.after is None:
            return Verdict("done")
        moment = due_of(run, step)
        if moment > work.now:
            return Verdict(later=moment)
        return Verdict(run=run, steps=[step])

    def _run(
        self,
        work: Work,
        due: Due,
        known: Known,
        entity: Entity | None,
        row: Mapping[str, Any] | None,
        outbox: Outbox,
    ) -> Run:
        one = due.firing
        causer = principal_of(work, one.user_id)
        origin = str(one.input.get("origin") or "rule")
        seen = work.acting_as(causer or work.principal, origin=origin, cause=None)
        chain = as_links(one.input.get("chain") or ())
        coming = link(known.rule.name, one.entity, one.record_id)
        if coming not in chain:
            chain = (*chain, coming)
        asked = {each.name: each.field for each in known.when.ask}
        said = Said(input=_told(work, asked, one.input.get("input")), asked=asked, made=one.made)
        return Run(
            known=known,
            firing=one,
            work=acting_for(work, known.rule, causer, chain),
            seen=seeing_as(seen, causer),
            entity=entity,
            row=row,
            old_row=_old_row(work, entity, row, one.input.get("old")),
            outbox=outbox,
            said=said,
            causer=causer,
            at=due.step,
            is_repeat=one.cause == "timed" and "/" in one.occurrence,
        )


def _gone(en: str, zh: str, state: str = "dropped") -> Verdict:
    return Verdict(state, say(en, zh), drops_all=True)


def _is_after_step(due: Due) -> bool:
    """Return whether a task is a step with `after`, which moves with the rule; no `wait`."""
    noted = due.steps.get(due.step) or {}
    return noted.get("action") != "wait"


def _told(work: Work, asked: Mapping[str, Field], stored: Any) -> Mapping[str, Any]:
    """Return what a button asked, as Python values; of a hook what it sent, as it is."""
    told: Mapping[str, Any] = stored or {}
    context = work.reading(strict=True)
    return {
        name: asked[name].type.parse(asked[name], value, context)
        if name in asked and value is not None
        else value
        for name, value in told.items()
    }


def _old_row(
    work: Work, entity: Entity | None, row: Mapping[str, Any] | None, old: Any
) -> Mapping[str, Any] | None:
    """Return the record as it was at the event, as far as the ledger kept it."""
    if entity is None or row is None or not isinstance(old, Mapping):
        return None
    context = work.reading(strict=True)
    values = {}
    for name, value in old.items():
        field_of = entity.fields.get(name)
        if field_of is not None and field_of.type.writable:
            values[name] = None if value is None else field_of.type.parse(field_of, value, context)
    return {**row, **work.rows[entity.name].column_values(values)}
