"""Rules on events: asked inside the transaction of the write.

What they set on the record itself becomes part of the write (`amend`), then come the checks of the
door, then their other database actions (`after_write`), then, when the transaction is about to end
and every roll-up is worked out, messages and calls. A rule's mistake takes the write back and says
that it is the rule's.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

from app.automation.acting_for import acting_for, causer_of, seeing_as
from app.automation.context import Said
from app.automation.failures import Failures
from app.automation.firings import Ended, add_firings, add_tasks, end_firings
from app.automation.guard import MOST_A_MINUTE, link, met_before, too_often
from app.automation.index import Known, RuleIndex, index_of
from app.automation.narrowing import conditions_of, fits
from app.automation.outgoing import Outbox
from app.automation.pending import Pending
from app.automation.quiet import rules_are_off
from app.automation.registry import RuleNumbers
from app.automation.running import Firing
from app.automation.steps import Run, Steps, failure
from app.automation.through import records_behind
from app.automation.values import value_of
from app.automation.waking import wake
from app.definitions.automation import Step
from app.definitions.catalog import Entity
from app.errors import Forbidden, RuleFailed, TrellisError
from app.records import amending
from app.records.conditions import Linked
from app.records.drafts import Draft, Problems
from app.records.reactions import Change, Happening, NewRecords
from app.records.saving import Saving
from app.records.work import Work

_log = logging.getLogger(__name__)
#: Which events of the language a change is.
_EVENTS: Mapping[str, tuple[str, ...]] = {
    "create": ("create",),
    "update": ("update",),
    "worked_out": ("update",),
    "transfer": ("transfer", "update"),
    "claim": ("claim", "update"),
    "release": ("release", "update"),
    "merged": (),
    "purge": (),
}


class EventRules:
    """Listens to writes and fires rules on events."""

    def __init__(self, steps: Steps, numbers: RuleNumbers, failures: Failures) -> None:
        self._steps = steps
        self._failures = failures
        self._numbers = numbers
        self._pending = Pending(numbers)

    def concerns(self, work: Work, entity: str) -> bool:
        """Return whether any rule has to do with the entity."""
        return index_of(work).concerns(entity)

    def before_write(
        self, work: Work, draft: Draft, old_row: Mapping[str, Any] | None, problems: Problems
    ) -> None:
        """Do nothing: rules see the record as the database has worked it out."""

    def amend(
        self,
        saving: Saving,
        draft: Draft,
        row: Mapping[str, Any],
        old_row: Mapping[str, Any] | None,
    ) -> Mapping[str, Any]:
        """Do what rules do to the record itself, each seeing what the former set."""
        work, entity = saving.work, draft.entity
        key = ("runs", saving.happening, entity.name, int(row["id"]))
        work.shared.notes.pop(key, None)
        events = _events_of(saving.happening, draft, old_row)
        known = () if rules_are_off(work) else index_of(work).on(entity.name, events)
        if not known:
            return row
        runs: list[tuple[Run, list[Step]]] = []
        for rule in known:
            run = self._begin(
                work, rule, entity, row, old_row, _occurrence(saving.happening, row),
                narrowed=_is_narrowed(saving.happening),
            )  # fmt: skip
            if run is None:
                continue
            late = []
            if run.reason is None:
                late = self._steps.early(
                    run, rule.do, lambda run, step: _write(saving, draft, run, step)
                )
                row = run.row or row
            runs.append((run, late))
        if any(late and run.known.reaches_out for run, late in runs):
            work.open_change_set()
        work.shared.notes[key] = runs
        return row

    def amends(self, work: Work, entity: str, action: Happening) -> bool:
        """Return whether a rule on *action* sets fields of the record itself, or may refuse it."""
        if rules_are_off(work):
            return False
        known = index_of(work).on(entity, _EVENTS.get(action, (action,)))
        return any(rule.early for rule in known)

    def after_many(self, work: Work, new: NewRecords) -> None:
        """Fire what new records set off; nothing can wait for them yet."""
        index = index_of(work)
        known = () if rules_are_off(work) else index.on(new.entity.name, ("create",))
        if not known:
            return
        may_fire = conditions_of(work, new.entity, known)
        runs = [run for change in new.those(may_fire) for run in self._runs_on(work, index, change)]
        self._fire(work, runs)

    def after_write(self, work: Work, change: Change) -> None:
        """Fire what the change sets off; have waiting steps follow it."""
        index = index_of(work)
        if rules_are_off(work):
            self._pending.follow(work, index, change)
            return
        key = ("runs", change.action, change.entity.name, change.record_id)
        runs = work.shared.notes.pop(key, None)
        if runs is None:
            runs = self._runs_on(work, index, change)
        for run, _ in runs:
            run.row = change.row
        self._fire(work, runs)
        if change.old_row is not None and change.entity.name in index.through:
            self._fire_through(work, index, change)
        self._pending.follow(work, index, change)

    def failed(self, error: RuleFailed) -> None:
        """Leave a line in the ledger: the transaction itself was taken back."""
        self._failures.note(error)

    def _runs_on(
        self, work: Work, index: RuleIndex, change: Change
    ) -> list[tuple[Run, list[Step]]]:
        events = _EVENTS.get(change.action, (change.action,))
        found = []
        for known in index.on(change.entity.name, events):
            if change.action == "worked_out" and not known.when.changed:
                continue
            run = self._begin(
                work, known, change.entity, change.row, change.old_row,
                _occurrence(change.action, change.row),
                said=Said(input=change.said), narrowed=_is_narrowed(change.action),
            )  # fmt: skip
            if run is not None:
                found.append((run, list(known.do)))
        return found

    def _begin(
        self,
        work: Work,
        known: Known,
        entity: Entity,
        row: Mapping[str, Any],
        old_row: Mapping[str, Any] | None,
        occurrence: str,
        *,
        said: Said | None = None,
        narrowed: bool = True,
        before: Linked | None = None,
    ) -> Run | None:
        """Return the firing of a rule that an event sets off, None where it does not.

        Args:
            narrowed: whether ``changed from to`` are asked.
            before: linked records as they were, where one of them is what changed.
        """
        causer = causer_of(work)
        run = Run(
            known=known,
            firing=Firing(
                id=0,
                rule=0,
                digest=known.rule.digest,
                cause="event",
                occurrence="once" if known.rule.once else occurrence,
                entity=entity.name,
                record_id=int(row["id"]),
                user_id=causer.user_id if causer is not None else None,
                happened_at=work.now,
            ),
            work=work,
            seen=seeing_as(work, causer),
            entity=entity,
            row=row,
            old_row=old_row,
            outbox=Outbox(),
            said=said or Said(before=before),
            causer=causer,
        )
        run.said.made = run.firing.made
        if narrowed and not fits(known.when, run, before):
            return None
        if not _asked(run, known) or (
            known.rule.once and self._pending.has_fired(work, run.firing, self._number(known))
        ):
            return None
        self._number_of(run)
        coming = link(known.rule.name, entity.name, int(row["id"]))
        run.reason = met_before(work.chain, coming)
        if run.reason is None:
            run.work = _acting(run, work, (*work.chain, coming))
            _remember(run, work, (*work.chain, coming))
        return run

    def _number(self, known: Known) -> int:
        return self._numbers.number(known.rule.name)

    def _number_of(self, run: Run) -> None:
        run.firing.rule = self._number(run.known)

    def _fire(self, work: Work, runs: list[tuple[Run, list[Step]]]) -> None:
        """Write the ledger, do the database actions, and leave the rest to the end."""
        if not runs:
            return
        late = {id(run.firing): steps for run, steps in runs}
        rows = [
            Ended(run.firing, "skipped" if run.reason else "due" if steps else "done", run.reason)
            for run, steps in runs
        ]
        new = {id(row.firing): lately for row, lately in add_firings(work, rows)}
        live: list[Run] = []
        for run, _ in runs:
            if run.reason is not None or id(run.firing) not in new or not late[id(run.firing)]:
                continue
            live.append(run)
            if new[id(run.firing)] >= MOST_A_MINUTE:
                run.reason = too_often()
                continue
            run.linked = None
            self._steps.walk(run, late[id(run.firing)])
        if live:
            work.shared.closing.append(lambda: self._close(work, live))

    def _close(self, work: Work, runs: list[Run]) -> None:
        """Tell what is to be told, and write how the firings ended."""
        for run in runs:
            if run.outside and run.firing.record_id is not None:
                run.refresh()
            self._steps.tell(run)
        close_runs(work, runs)

    def _fire_through(self, work: Work, index: RuleIndex, change: Change) -> None:
        """Fire rules of records that lead to what changed."""
        for through in index.through[change.entity.name]:
            if through.field not in change.fields or through.known.entity is None:
                continue
            entity = work.release.catalog.entities[through.known.entity]
            before = Linked(work)
            before.put(change.entity.name, change.record_id, change.old_row)
            occurrence = (
                f"{change.entity.name}.{change.record_id}:{_occurrence(change.action, change.row)}"
            )
            runs = []
            for row in records_behind(work, through, change.record_id):
                run = self._begin(work, through.known, entity, row, row, occurrence, before=before)
                if run is not None:
                    runs.append((run, list(through.known.do)))
            self._pending.fire_many(work, runs, self._fire)


def close_runs(work: Work, runs: Iterable[Run]) -> None:
    """Write what goes out, what waits, and how firings stand now."""
    ended, later = [], []
    for run in runs:
        run.outbox.flush(work)
        later += run.later
        state = "skipped" if run.reason is not None else "done"
        if run.later:
            state = "waiting"
        elif any(step["state"] == "failed" for step in run.firing.steps.values()):
            state = "failed"
        ended.append(Ended(run.firing, state, run.reason))
    add_tasks(work, later)
    if any(each.due_at <= work.now for each in later):
        wake(work.connection)
    end_firings(work, ended)


def _events_of(
    happening: Happening, draft: Draft, old_row: Mapping[str, Any] | None
) -> tuple[str, ...]:
    """Return the events of the language that a write is, which rules on them are part of."""
    if happening == "update" and old_row is not None and draft.changed("owner"):
        return ("update", "transfer")
    return _EVENTS.get(happening, (happening,))


def _is_narrowed(happening: Happening) -> bool:
    """Return whether `changed from to` are asked: only where fields can have changed."""
    return bool(_EVENTS.get(happening, ()))


def _occurrence(happening: Happening, row: Mapping[str, Any]) -> str:
    """Return what makes an event this one: its version, or a number of its own."""
    if happening in ("create", "update", "transfer", "claim", "release", "delete", "restore"):
        return f"{happening}:{row.get('version', 0)}"
    return f"{happening}:{uuid4().hex}"


def _asked(run: Run, known: Known) -> bool:
    """Return whether a rule's condition holds; a condition that fails is the rule's mistake."""
    try:
        return run.holds(known.if_)
    except TrellisError:
        raise
    except ArithmeticError as error:
        raise failure(run, known.do[0], error) from error


def _acting(run: Run, work: Work, chain: tuple[Any, ...]) -> Work:
    try:
        return acting_for(work, run.known.rule, run.causer, chain)
    except Forbidden as error:
        raise failure(run, run.known.do[0], error) from error


def _remember(run: Run, work: Work, chain: tuple[Any, ...]) -> None:
    """Keep what later steps have to know: the rules that led here, and what was."""
    firing = run.firing
    if run.said.input:
        firing.input["input"] = dict(run.said.input)
    if not run.known.has_later:
        return
    firing.input["chain"] = [list(each) for each in chain]
    firing.input["origin"] = work.origin
    if run.old_row is not None and run.row is not None and run.entity is not None:
        firing.input["old"] = old_values(work, run.entity, run.old_row, run.row)


def old_values(
    work: Work, entity: Entity, old_row: Mapping[str, Any], row: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what fields held before, those that differ, as JSON."""
    rows = work.rows[entity.name]
    old, new = rows.values(old_row), rows.values(row)
    return {
        name: entity.fields[name].type.to_json(entity.fields[name], value)
        if value is not None
        else None
        for name, value in old.items()
        if value != new.get(name) and not entity.fields[name].built_in
    }


def _write(saving: Saving, draft: Draft, run: Run, step: Step) -> None:
    """Put what a `set` says into the record that is being written."""
    entity, context = draft.entity, run.context
    values = {}
    for name, given in step.settings.values.items():
        if not run.work.principal.is_system:
            _require_edit(run.work, entity.name, name)
        values[name] = value_of(context, given, entity.fields[name])
    run.row = amending.change(saving, draft, run.row or {}, values, run.known.rule.name)
    run.linked = None


def _require_edit(work: Work, entity: str, field: str) -> None:
    if work.policy.field_right(entity, field) != "edit":
        raise Forbidden(work.policy.why("update", entity))
