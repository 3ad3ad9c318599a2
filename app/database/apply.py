"""Carry out a plan while people work, so that a catalog is live as a whole or not at all.

Everything before the swap only adds; the swap is one short transaction that also makes the version
live; what is slow or takes away comes after it. Whatever an apply that was broken off had done is
seen by the next one, which does the rest. One apply at a time, by a lock of the database.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import orjson
import psycopg
import sqlalchemy as sa

from app.collector import without_collector
from app.database import ledger, live_swap
from app.database.agreements import WHY, Standing, standing_of
from app.database.apply_options import ApplyOptions, OnLive, OnStep, RecomputeHook
from app.database.before_live import (
    begin_shadows,
    create_entities,
    extend_table,
    fill_shadows,
    group_by_table,
    number_entities,
)
from app.database.expected import check_plan
from app.database.facts import gather_facts
from app.database.locking import apply_lock
from app.database.migrate import migrate
from app.database.operations import (
    BuildUnique,
    ChangeType,
    ConvertInPlace,
    CreateEntity,
    DropEntity,
    DropField,
    Operation,
    Recompute,
    RenameEntity,
    RenameOptions,
    SetDefault,
)
from app.database.plan import Plan, make_plan
from app.database.pools import Pools, as_unavailable
from app.database.release import Release, make_release, read_numbers
from app.database.shape import read_shape
from app.database.steps import Session, StepProblem, perform
from app.database.versions import AppliedVersion, find_live_version
from app.database.working_days import write_working_days
from app.definitions.catalog import Catalog
from app.errors import PlanError
from app.texts import Label, say

__all__ = ["ApplyOptions", "OnLive", "OnStep", "RecomputeHook", "apply_catalog"]

#: How long processes have to notice a new catalog before anything the old one uses is dropped.
GRACE_SECONDS = 1.0


@without_collector()
def apply_catalog(
    pools: Pools,
    catalog: Catalog,
    who: str,
    reason: str | None = None,
    options: ApplyOptions | None = None,
) -> AppliedVersion:
    """Make *catalog* the one that serves, tables and all.

    On an empty database everything is created. Applying what is applied changes nothing.

    Args:
        pools: the database.
        catalog: the checked configuration.
        who: the name under which the version is recorded.
        reason: why, for the list of versions.
        options: what may be lost, the plan that was shown, who works out formulas.

    Raises:
        PlanError: the plan is refused, its base has changed, or another apply is at work.
        Unavailable: the database does not answer; apply again, what was done is kept.
    """
    chosen = options or ApplyOptions()
    engine = pools.maintenance(who)
    try:
        migrate(engine)
        with engine.connect() as connection:
            session = Session(connection)
            with apply_lock(connection, chosen.wait, chosen.waiting):
                return _Apply(pools, session, catalog, who, reason, chosen).run()
    except sa.exc.DBAPIError as error:
        away = as_unavailable(error)
        if away is None:
            raise
        raise away from error
    finally:
        engine.dispose()


class _Apply:
    """One apply, holding the lock."""

    def __init__(
        self,
        pools: Pools,
        session: Session,
        catalog: Catalog,
        who: str,
        reason: str | None,
        options: ApplyOptions,
    ) -> None:
        self.pools = pools
        self.session = session
        self.connection = session.connection
        self.catalog = catalog
        self.who = who
        self.reason = reason
        self.options = options
        self.problems: list[Label] = []
        self.standing = Standing()
        self._release: Release | None = None

    def run(self) -> AppliedVersion:
        self._give_up_dead_ones()
        plan = self.session.briefly(
            lambda connection: make_plan(
                connection, self.catalog, self.options.allow, self.options.expected
            )
        )
        check_plan(plan, self.options.expected)
        if plan.is_empty:
            assert plan.base is not None
            self.session.briefly(self._write_working_days)
            return replace(plan.base, is_new=False)
        if plan.is_new_version:
            self.standing = self._agreed(plan)
        self._finish_unfinished(plan)
        if not plan.operations and not plan.is_new_version:
            return self._version(plan.base_number or 0)
        number = self._begin(plan)
        try:
            self._before(plan, number)
        except (StepProblem, PlanError, sa.exc.DBAPIError) as error:
            self._fail(number)
            if isinstance(error, StepProblem):
                raise PlanError(
                    say(
                        "{problem} Nothing has become live.",
                        "{problem}新版本没有生效。",
                        problem=error.sentence,
                    )
                ) from error
            raise
        self._swap(plan, number)
        self._after(plan, number)
        return self._version(number)

    # -- before anything ---------------------------------------------------------------------------

    def _give_up_dead_ones(self) -> None:
        """Mark versions whose apply died: the lock is ours, so nobody else is at work."""
        with self.session.transaction() as connection:
            ledger.give_up_dead_ones(connection)

    def _agreed(self, plan: Plan) -> Standing:
        """Return what was said and who agreed; refuse where that is not enough."""
        found = self.session.briefly(
            lambda connection: standing_of(connection, plan.fingerprint, plan.base_number)
        )
        said = {**self.options.said}
        if self.reason:
            said.setdefault(WHY, self.reason)
        found.refuse(said)
        return replace(found, said={**{n: said[n] for n in found.needs if n in said}, **found.said})

    # -- the version and its steps -----------------------------------------------------------------

    def _begin(self, plan: Plan) -> int:
        """Write the version down and create new tables, in one transaction."""
        created = [each for each in plan.operations if isinstance(each, CreateEntity)]
        facts = gather_facts(self.catalog)
        tables_now = {
            each.new_table: each.table for each in plan.operations if isinstance(each, RenameEntity)
        }

        def begin(connection: sa.Connection) -> int:
            number = ledger.record(
                connection, plan, self.catalog, self.who, self.reason, self.standing
            )
            create_entities(connection, self.catalog, facts, created, tables_now)
            for position, operation in enumerate(plan.operations):
                if isinstance(operation, CreateEntity):
                    ledger.done(connection, number, position)
            return number

        number = self.session.briefly(begin)
        self.options.on_step("begun", None)
        return number

    def _fail(self, number: int) -> None:
        if not self.connection.closed and not self.connection.invalidated:
            with self.session.transaction() as connection:
                ledger.fail(connection, number)

    def _version(self, number: int) -> AppliedVersion:
        found = find_live_version(self.connection)
        self.connection.commit()
        assert found is not None
        assert found.number == number
        return replace(found, problems=tuple(self.problems))

    # -- before the swap ---------------------------------------------------------------------------

    def _before(self, plan: Plan, number: int) -> None:
        numbered = list(enumerate(plan.operations))
        adding = [
            (position, each)
            for position, each in numbered
            if each.phase == "add" and not isinstance(each, CreateEntity)
        ]
        for operations in group_by_table([each for _, each in adding]).values():
            positions = [position for position, each in adding if each in operations]

            def extend(connection: sa.Connection, some: Sequence[Operation] = operations,
                       where: Sequence[int] = positions) -> None:  # fmt: skip
                extend_table(connection, self.catalog, some)
                for position in where:
                    ledger.done(connection, number, position)

            self.session.briefly(extend)
            self.options.on_step("added", operations[-1])
        self._convert(numbered, number)
        for position, operation in numbered:
            if isinstance(operation, BuildUnique):
                perform(self.session, operation)
                self._mark_done(number, position)
                self.options.on_step("built", operation)

    def _convert(self, numbered: Sequence[tuple[int, Operation]], number: int) -> None:
        changes = [(position, o) for position, o in numbered if isinstance(o, ChangeType)]
        if not changes:
            return
        with self.session.transaction() as connection:
            shape = read_shape(connection)
        for table, operations in group_by_table([each for _, each in changes]).items():
            live = {name: column.type for name, column in shape[table].columns.items()}
            begin_shadows(self.session, operations, live)
            self.options.on_step("shadowed", operations[0])
        for position, operation in changes:
            fill_shadows(
                self.session,
                operation,
                mark=ledger.marker(number, position),
                pause=partial(self.options.on_step, "batch", operation),
            )
            self.options.on_step("converted", operation)

    # -- the swap ----------------------------------------------------------------------------------

    def _swap(self, plan: Plan, number: int) -> None:
        self.options.on_step("swapping", None)

        def swap(connection: sa.Connection) -> None:
            live_swap.swap(connection, plan.operations)
            number_entities(connection, self.catalog)
            for position, operation in enumerate(plan.operations):
                if operation.phase in ("swap", "fill"):
                    ledger.done(connection, number, position)
            self._write_working_days(connection)
            self.options.on_live(connection, plan, number)
            live_swap.make_live(connection, number)

        self.session.briefly(swap)
        self.options.on_step("swapped", None)

    def _write_working_days(self, connection: sa.Connection) -> None:
        calendar = self.catalog.app.business_calendar
        write_working_days(connection, calendar, calendar.day(datetime.now(UTC)))

    # -- after the swap ----------------------------------------------------------------------------

    def _finish_unfinished(self, plan: Plan) -> None:
        """Do what the version that serves still owes."""
        steps = [(step.version, step.position, step.operation) for step in plan.unfinished]
        marks = {step.position: int((step.mark or {}).get("after", 0)) for step in plan.unfinished}
        for version, position, operation in steps:
            if isinstance(operation, Recompute) and plan.is_new_version:
                # The plan has taken it over: it is worked out for the new catalog.
                self._mark_done(version, position)
                continue
            self._do(version, position, operation, marks.get(position, 0))

    def _after(self, plan: Plan, number: int) -> None:
        todo = [
            (position, each)
            for position, each in enumerate(plan.operations)
            if each.phase == "after"
        ]
        todo.sort(key=lambda pair: (_urgency(pair[1]), pair[0]))
        if any(isinstance(each, RenameOptions) and each.rows for _, each in todo):
            # Until then a process may write an option's old name once more.
            time.sleep(GRACE_SECONDS)
        for position, operation in todo:
            self._do(number, position, operation)
        dropping = [
            (position, each)
            for position, each in enumerate(plan.operations)
            if each.phase == "drop"
        ]
        if any(isinstance(each, DropField | DropEntity) for _, each in dropping):
            time.sleep(GRACE_SECONDS)
        for position, operation in dropping:
            self._do(number, position, operation)

    def _do(self, version: int, position: int, operation: Operation, after: int = 0) -> None:
        self.options.on_step("doing", operation)
        try:
            if isinstance(operation, Recompute):
                self._recompute(version, position, operation, after)
            else:
                perform(self.session, operation)
        except (StepProblem, PlanError, sa.exc.IntegrityError, sa.exc.DataError) as error:
            sentence = _why(operation, error)
            self.problems.append(sentence)
            self.session.briefly(
                lambda connection: ledger.note_problem(connection, version, position, sentence)
            )
            return
        self._mark_done(version, position)
        self.options.on_step("done", operation)

    def _recompute(self, version: int, position: int, operation: Recompute, after: int) -> None:
        if operation.entity not in self.catalog.entities:
            return
        release = self._release_of(version)
        with psycopg.connect(self.pools.url, autocommit=True) as connection:
            self.pools.watched(connection)
            connection.execute("SELECT set_config('TimeZone', 'UTC', false)")

            def mark(last: int) -> None:
                connection.execute(
                    "UPDATE trellis.apply_step SET mark = %s WHERE version = %s AND position = %s",
                    (orjson.dumps({"after": last}).decode(), version, position),
                )
                self.options.on_step("batch", operation)

            for hook in self.options.recompute:
                hook(connection, release, operation.entity, after, mark)

    def _release_of(self, version: int) -> Release:
        if self._release is None or self._release.version_number != version:
            with self.session.transaction() as connection:
                numbers = read_numbers(connection)
            self._release = make_release(self.catalog, version, numbers)
        return self._release

    def _mark_done(self, version: int, position: int) -> None:
        self.session.briefly(lambda connection: ledger.done(connection, version, position))


def _why(operation: Operation, error: Exception) -> Label:
    """Return why a step could not be done, for whoever reads the next plan."""
    if isinstance(error, StepProblem):
        return error.sentence
    if isinstance(error, PlanError):
        return error.message if isinstance(error.message, Label) else Label({"en": str(error)})
    # Two rules of the new catalog that only the records show to contradict each other.
    return say(
        "{name}: existing records stand in the way of another rule.",
        "{name}：现有记录与另一条规则相抵触。",
        name=operation.subject,
    )


def _urgency(operation: Operation) -> int:
    """Return in which order things follow: values first, then what is made of them, then limits."""
    order = (RenameOptions, ConvertInPlace, SetDefault, Recompute)
    return next((n for n, kind in enumerate(order) if isinstance(operation, kind)), len(order))
