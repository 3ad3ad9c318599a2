"""The one door to approvals for screens, the API and the scheduler: it opens the transactions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from app.access.principal import SYSTEM, Principal
from app.automation.approvals import late, lists, store
from app.automation.approvals.case import Case, case_of
from app.automation.approvals.decisions import Decisions
from app.automation.approvals.flow import Flow, Outcomes
from app.automation.approvals.lists import Item, Which
from app.automation.approvals.reactions import ApprovalLock, ApprovalReactions
from app.automation.approvals.store import Run
from app.automation.approvals.submitting import (
    Choice,
    Submission,
    Submitting,
    choices,
    fitting,
    may_submit,
)
from app.automation.approvals.telling import Herald
from app.automation.approvals.versions import Versions
from app.definitions.automation import ApprovalDefinition
from app.errors import NotFound
from app.notifications.telling import Teller
from app.records.checking import closed_ids, visible_ids
from app.records.work import Work

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Offer:
    """An approval a record may be submitted to by whoever asks."""

    definition: ApprovalDefinition
    choices: Sequence[Choice]


@dataclass(frozen=True, slots=True)
class Record:
    """Everything about the approvals of one record, for one asker."""

    #: the newest first
    cases: Sequence[Case]
    #: what may be begun now
    offers: Sequence[Offer]
    #: what the asker may do with the newest: approve reject send_back delegate add withdraw
    may: frozenset[str]


class Approvals:
    """What can be done with approvals; every call names who asks."""

    def __init__(
        self, pools: Any, versions: Versions, outcomes: Outcomes, teller: Teller | None = None
    ) -> None:
        """Take the pools, what runs follow, who runs what comes after, and who tells."""
        self._pools = pools
        self.versions = versions
        self.flow = Flow(outcomes, Herald(teller))
        self.submitting = Submitting(self.flow, self.versions)
        self.decisions = Decisions(self.flow, self.versions)
        self.lock = ApprovalLock(self.versions)
        self.reactions = ApprovalReactions(self.flow, self.submitting, self.versions)
        self._records: Any = None

    def attach(self, records: Any) -> None:
        """Take the door, which is made with this as one of its listeners."""
        self._records = records

    def _run(
        self, principal: Principal, step: Callable[[Work], Result], origin: str = "api"
    ) -> Result:
        found: Result = self._records.transact(principal, step, origin=origin)
        return found

    # -- doing -------------------------------------------------------------------------------------

    def submit(self, principal: Principal, said: Submission, *, origin: str = "api") -> Run:
        """Hand a record in; see `Submitting.by_person`."""
        return self._run(principal, lambda work: self.submitting.by_person(work, said), origin)

    def approve(
        self,
        principal: Principal,
        run: int,
        comment: str | None = None,
        *,
        values: Mapping[str, Any] | None = None,
        version: int | None = None,
        strict: bool = True,
        origin: str = "api",
    ) -> Run:
        """Say yes; see `Decisions.approve`."""

        def step(work: Work) -> Run:
            return self.decisions.approve(
                work, run, comment, values=values, version=version, strict=strict
            )

        return self._run(principal, step, origin)

    def reject(
        self,
        principal: Principal,
        run: int,
        comment: str | None = None,
        *,
        version: int | None = None,
        origin: str = "api",
    ) -> Run:
        """Say no."""
        return self._run(
            principal,
            lambda work: self.decisions.reject(work, run, comment, version=version),
            origin,
        )

    def send_back(
        self,
        principal: Principal,
        run: int,
        step: int,
        comment: str | None = None,
        *,
        origin: str = "api",
    ) -> Run:
        """Have an earlier step decide again."""
        return self._run(
            principal, lambda work: self.decisions.send_back(work, run, step, comment), origin
        )

    def delegate(
        self,
        principal: Principal,
        run: int,
        to: int,
        comment: str | None = None,
        *,
        instead_of: int | None = None,
        origin: str = "api",
    ) -> Run:
        """Have somebody else answer."""
        return self._run(
            principal,
            lambda work: self.decisions.delegate(work, run, to, comment, instead_of=instead_of),
            origin,
        )

    def add(
        self,
        principal: Principal,
        run: int,
        user: int,
        where: str,
        comment: str | None = None,
        *,
        origin: str = "api",
    ) -> Run:
        """Have one more person asked, before or after one's own answer."""
        return self._run(
            principal, lambda work: self.decisions.add(work, run, user, where, comment), origin
        )

    def withdraw(
        self, principal: Principal, run: int, comment: str | None = None, *, origin: str = "api"
    ) -> Run:
        """Take a record back from approval."""
        return self._run(
            principal, lambda work: self.decisions.withdraw(work, run, comment), origin
        )

    def look(self, now: datetime, limit: int = 100) -> int:
        """See to runs that are late or that nobody would answer; return how many moved.

        For the scheduler, once a minute; each run is a transaction of its own.
        """
        with self._pools.read.connection() as connection:
            runs = late.late_tasks(connection, now, limit)
        return sum(
            self._run(
                SYSTEM,
                lambda work, run=run: late.see_to(work, self.flow, self.versions, run),  # type: ignore[misc]
                "system",
            )
            for run in runs
        )

    def hand_on_of(self, work: Work, user: int) -> int:
        """Hand on all questions of somebody who leaves, in a transaction that is open."""
        return late.hand_on_of(work, self.flow, self.versions, user)

    # -- looking -----------------------------------------------------------------------------------

    def listed(
        self, principal: Principal, which: Which, *, limit: int = 50, after: int | None = None
    ) -> tuple[list[Item], int | None]:
        """Return one page of what waits for the asker, was submitted or was decided by them."""
        if principal.user_id is None:
            return [], None
        with self._pools.read.connection() as connection:
            return lists.list_runs(connection, which, principal.user_id, limit=limit, after=after)

    def count_waiting(self, principal: Principal) -> int:
        """Return how many answers the asker is waited for."""
        if principal.user_id is None:
            return 0
        with self._pools.read.connection() as connection:
            return lists.count_waiting(connection, principal.user_id)

    def of_record(self, principal: Principal, entity: str, record_id: int) -> Record:
        """Return all runs of a record, what may be begun, and what the asker may do.

        Raises:
            NotFound: there is no such record for the asker, or its entity has no approval.
        """

        def step(work: Work) -> Record:
            kind = work.release.catalog.entities.get(entity)
            if kind is None or "approval" not in kind.fields:
                raise NotFound
            if not visible_ids(work, entity, [record_id]):
                raise NotFound
            row = work.rows[entity].read(work.connection, [record_id])[record_id]
            is_closed = bool(closed_ids(work, entity, [record_id]))
            runs = (
                []
                if is_closed
                else store.runs_of_record(work.connection, work.number(entity), record_id)
            )
            tasks = store.tasks_of_runs(work.connection, [run.id for run in runs])
            cases = []
            for run in runs:
                followed = self.versions.of(work, run)
                case = Case(work, kind, row, run, followed.definition, followed.is_lost)
                case.tasks = tasks.get(run.id, [])
                cases.append(case)
            offers = [
                Offer(one, choices(work, one))
                for one in (
                    fitting(work, kind, row)
                    if row["approval"] not in ("waiting", "approved")
                    else ()
                )
                if may_submit(work, one, row)
            ]
            return Record(cases, offers, may_do(cases[0], principal) if cases else frozenset())

        return self._run(principal, step)

    def of_run(self, principal: Principal, run_id: int) -> Case:
        """Return one run.

        Raises:
            NotFound: there is none, or its record may not be read.
        """

        def step(work: Work) -> Case:
            run = store.find_run(work.connection, run_id)
            name = work.release.names.get(run.entity) if run is not None else None
            if run is None or name is None or not visible_ids(work, name, [run.record_id]):
                raise NotFound
            row = work.rows[name].read(work.connection, [run.record_id])[run.record_id]
            return case_of(work, self.versions, run, work.release.catalog.entities[name], row)

        return self._run(principal, step)


def may_do(case: Case, principal: Principal) -> frozenset[str]:
    """Return what somebody may do with a run."""
    found: set[str] = set()
    run = case.run
    if run.state == "waiting":
        if any(task.user_id == principal.user_id for task in case.waiting):
            found |= {"approve", "reject", "delegate", "add"}
            if run.step > 0:
                found.add("send_back")
        if principal.is_admin:
            found |= {"withdraw", "reassign"}
        if run.submitted_by == principal.user_id:
            found.add("withdraw")
    elif run.state == "approved" and principal.is_admin and case.row["approval"] == "approved":
        found.add("withdraw")
    return frozenset(found)
