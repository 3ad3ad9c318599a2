"""What comes after an approval: its own steps (`approved:`, `rejected:`), then the rules on that.

The steps are run by the engine like a rule's: they act as the system, stand in the ledger under the
approval's name, and a mistake in one of them takes the decision back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.automation.acting_for import acting_for, causer_of, seeing_as
from app.automation.approvals import store
from app.automation.approvals.case import Case
from app.automation.approvals.versions import Versions
from app.automation.context import Said
from app.automation.events import close_runs
from app.automation.firings import Ended, add_firings
from app.automation.guard import link, met_before
from app.automation.index import known_rule
from app.automation.outgoing import Outbox
from app.automation.registry import RuleNumbers
from app.automation.running import Firing
from app.automation.steps import Run, Steps
from app.definitions.automation import ApprovalDefinition, RuleDefinition, When
from app.definitions.catalog import Catalog
from app.definitions.scope import catalog_scope
from app.expressions import check, parse
from app.expressions.types import BOOLEAN
from app.records.reactions import tell
from app.records.work import Work


def steps_as_rule(definition: ApprovalDefinition, event: str) -> RuleDefinition:
    """Return what an approval does afterwards, as the rule it is to the engine."""
    return RuleDefinition(
        name=f"approval:{definition.name}",
        entities=(definition.entity,),
        when=When(kind="on", events=(event,)),
        do=definition.approved if event == "approved" else definition.rejected,
        label=definition.label,
        digest=definition.digest,
        place=definition.place,
    )


class RuleOutcomes:
    """Runs what comes after with the engine's steps."""

    def __init__(self, steps: Steps, numbers: RuleNumbers, versions: Versions) -> None:
        self._steps = steps
        self._numbers = numbers
        self.versions = versions
        self._kept: tuple[Catalog | None, dict[tuple[str, str], RuleDefinition]] = (None, {})

    def run(self, case: Case, event: str, old_row: Mapping[str, Any]) -> None:
        """Do what the approval says for *event*, then let the rules on it hear of it."""
        rule = steps_as_rule(case.definition, event)
        if rule.do:
            self._fire(case, rule, event, old_row)
        rows = case.work.rows[case.entity.name]
        record_id = case.run.record_id
        case.row = rows.read(case.work.connection, [record_id]).get(record_id, case.row)
        tell(case.work, case.entity, event, old_row, case.row)  # type: ignore[arg-type]

    def rule_of(self, work: Work, firing: Firing) -> RuleDefinition | None:
        """Return what later steps of a firing follow: those of the version its run began with.

        They run only while the record still is what the approval made it.
        """
        event, _, number = firing.occurrence.partition(":")
        run = store.find_run(work.connection, int(number)) if number.isdigit() else None
        if run is None or event not in ("approved", "rejected"):
            return None
        catalog = work.release.catalog
        if self._kept[0] is not catalog:
            self._kept = (catalog, {})
        found = self._kept[1].get((run.digest, event))
        if found is None:
            definition = self.versions.of(work, run).definition
            if "approval" not in catalog.entities[definition.entity].fields:
                return None
            state = parse(f"approval.state == '{event}'")
            holds = check(state, catalog_scope(catalog, definition.entity), want=BOOLEAN)
            found = replace(steps_as_rule(definition, event), if_={definition.entity: holds})
            self._kept[1][run.digest, event] = found
        return found

    def _fire(
        self, case: Case, rule: RuleDefinition, event: str, old_row: Mapping[str, Any]
    ) -> None:
        work, entity, record_id = case.work, case.entity, case.run.record_id
        causer = causer_of(work)
        run = Run(
            known=known_rule(rule, entity.name),
            firing=Firing(
                id=0,
                rule=self._numbers.number(rule.name),
                digest=rule.digest,
                cause="event",
                occurrence=f"{event}:{case.run.id}",
                entity=entity.name,
                record_id=record_id,
                user_id=causer.user_id if causer is not None else None,
                happened_at=work.now,
                input={"origin": work.origin},
            ),
            work=work,
            seen=seeing_as(work, causer),
            entity=entity,
            row=case.row,
            old_row=old_row,
            outbox=Outbox(),
            said=Said(),
            causer=causer,
        )
        run.said.made = run.firing.made
        coming = link(rule.name, entity.name, record_id)
        run.reason = met_before(work.chain, coming)
        chain = (*work.chain, coming)
        run.work = acting_for(work, rule, causer, chain)
        run.firing.input["chain"] = [list(each) for each in chain]
        state = "skipped" if run.reason is not None else "due"
        if not add_firings(work, [Ended(run.firing, state, run.reason)]) or run.reason is not None:
            return
        self._steps.walk(run, rule.do)
        run.refresh()
        self._steps.tell(run)
        close_runs(work, [run])
