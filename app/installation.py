"""The configuration folder and the database of one installation, brought together.

What the command line, the watcher and the first start have in common: read the folder, plan, apply,
and take up what was saved. Each step is another room's; here only stands in which order, with which
plugins, and what may happen without anybody's looking at it.
"""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import sqlalchemy as sa

from app.access.sources import TableSource
from app.automation.dry_run import outlook_of
from app.automation.left_pools import outlook_of_pools
from app.automation.recomputing import is_pending
from app.automation.recomputing import recompute as recompute_reminders
from app.automation.registry import register
from app.collector import without_collector
from app.configuration_folder import ConfigurationFolder
from app.database import audit
from app.database.agreements import Standing, standing_of
from app.database.apply import GRACE_SECONDS, ApplyOptions, apply_catalog
from app.database.migrate import current, migrate, newest
from app.database.operations import RenameRole
from app.database.pending import forget_pending, remember_plan, remember_problems
from app.database.plan import Plan, make_plan
from app.database.pools import Pools
from app.database.release import Release, make_release, read_numbers
from app.database.versions import AppliedVersion, find_live_version
from app.definitions.catalog import Catalog
from app.errors import PlanError
from app.expressions.tree import Checked
from app.personal.keeping import outlook_of_keeping
from app.records.left_targets import outlook_of_targets
from app.records.recompute import recompute
from app.security.first_start import add_roles, create_account_tables, rename_roles
from app.settings import Settings
from app.whole.under_way import refuse_half_brought

Say = Callable[[str], None]


class Installation:
    """A configuration folder and the database it is applied to."""

    def __init__(self, settings: Settings, pools: Pools) -> None:
        """Take the pools; whoever made them closes them."""
        self.folder = ConfigurationFolder(settings)
        self.pools = pools
        #: the plan made last, from which the next one takes over what did not change
        self._planned: Plan | None = None

    def find_live(self) -> AppliedVersion | None:
        """Return the version that serves; None before the first apply."""
        if not self._bring_up_to_date():
            return None
        with self.pools.engine.connect() as connection:
            return find_live_version(connection)

    def _bring_up_to_date(self) -> bool:
        """Run migrations that an older Trellis did not know; return whether there are tables.

        The first apply makes them; an empty database is left empty.
        """
        with self.pools.engine.connect() as connection:
            refuse_half_brought(connection)
            found = current(connection)
        if found not in (None, newest()):
            engine = self.pools.maintenance("the new version")
            try:
                migrate(engine)
            finally:
                engine.dispose()
        return found is not None

    def plan(self, catalog: Catalog, allow: Sequence[str] = ()) -> Plan:
        """Return what applying *catalog* would do."""
        self._bring_up_to_date()
        with self.pools.engine.connect() as connection:
            plan = make_plan(connection, catalog, allow, self._planned, _holds)
        if plan.base is not None and not plan.is_empty:
            found = outlook_of(self.pools, catalog, datetime.now(UTC))
            found += outlook_of_pools(self.pools, catalog)
            found += outlook_of_targets(self.pools, catalog)
            found += outlook_of_keeping(self.pools, catalog, datetime.now(UTC))
            plan = replace(plan, outlook=tuple(found))
        self._planned = plan
        return plan

    def standing(self, plan: Plan) -> Standing:
        """Return what was said with a plan, who agreed to it, and what is still asked for."""
        if not plan.is_new_version:
            return Standing()
        with self.pools.engine.connect() as connection:
            return standing_of(connection, plan.fingerprint, plan.base_number)

    def apply(
        self,
        catalog: Catalog,
        who: str,
        reason: str | None = None,
        options: ApplyOptions | None = None,
        user_id: int | None = None,
    ) -> AppliedVersion:
        """Make *catalog* the one that serves.

        Args:
            catalog: the checked configuration.
            who: the name under which the version is recorded.
            reason: why, for the list of versions.
            options: what may be lost, and the plan that was shown.
            user_id: the account of whoever applies, where it is known.
        """

        def with_version(connection: sa.Connection, plan: Plan, number: int) -> None:
            renamed = [each for each in plan.operations if isinstance(each, RenameRole)]
            rename_roles(connection, {each.old: each.new for each in renamed})
            register(connection, catalog, datetime.now(UTC))
            audit.note(
                _driver_connection(connection),
                "configuration.version.apply",
                user_id=user_id,
                details={"who": who, "version": number, "reason": reason},
            )

        create_account_tables(self.pools.engine)
        chosen = replace(options or ApplyOptions(), recompute=(recompute,), on_live=with_version)
        version = apply_catalog(self.pools, catalog, who, reason, chosen)
        with self.pools.write.connection() as connection:
            add_roles(connection, catalog.roles)
        self._move_reminders(catalog, version)
        self._note(forget_pending)
        return version

    def _move_reminders(self, catalog: Catalog, version: AppliedVersion) -> None:
        """Work out when rules are due that are new, or whose dates follow from something else.

        Should this be broken off, the scheduler does the rest.
        """
        with psycopg.connect(self.pools.url, autocommit=True) as connection:
            self.pools.watched(connection)
            if not is_pending(connection):
                return
            # Until then a process may write a record by the rules of before.
            time.sleep(GRACE_SECONDS)
            with self.pools.engine.connect() as reading:
                numbers = read_numbers(reading)
            release = make_release(catalog, version.number, numbers)
            recompute_reminders(connection, release, datetime.now(UTC))

    @without_collector()
    def take_up(self, say: Say, who: str = "watcher") -> bool:
        """Apply what the folder says now if that only adds; say what happened and what waits.

        What waits, or is wrong, is also kept in the database, for the screens of administrators.

        Returns:
            Whether a version serves afterwards, be it the one of before.
        """
        loaded = self.folder.load()
        live = self.find_live()
        if loaded.catalog is None:
            say(self.folder.render(loaded))
            if live is not None:
                say(f"Version {live.number} of the configuration goes on serving.")
                self._note(lambda connection: remember_problems(connection, loaded.problems))
            return live is not None
        plan = self.plan(loaded.catalog)
        if plan.is_empty:
            self._note(forget_pending)
            return True
        say(plan.render() if live is not None else "Applying the configuration …")
        standing = self.standing(plan)
        if standing.sentences():
            say("This waits for `trellis apply`, since it asks for agreement.")
            for sentence in standing.sentences():
                say(str(sentence))
            self._note(lambda connection: remember_plan(connection, plan))
            return True
        if live is not None and not plan.is_adding_only:
            say(f"This waits for `trellis apply`, since {_why_it_waits(plan)}.")
            self._note(lambda connection: remember_plan(connection, plan))
            return True
        try:
            version = self.apply(
                loaded.catalog, who, "saved" if live else "first start", ApplyOptions(expected=plan)
            )
        except PlanError as error:
            say(str(error))
            return live is not None
        say(f"Version {version.number} is live.")
        for problem in version.problems:
            say(str(problem))
        return True

    def _note(self, write: Callable[[sa.Connection], None]) -> None:
        with self.pools.engine.begin() as connection:
            write(connection)


def _why_it_waits(plan: Plan) -> str:
    if not all(each.is_adding_only for each in plan.operations):
        return "it touches what is there"
    if any(each.waits and "keep" in each.data for each in plan.outlook):
        return "much would be gone after the next night"
    return "its rules are about to reach people"


def _holds(
    release: Release, entity: str, table: sa.FromClause, condition: Checked
) -> sa.ColumnElement[bool]:
    """Return whether a condition holds for a row, so that a plan can try new checks on records."""
    return TableSource(release, entity, table).holds(condition)


def _driver_connection(connection: sa.Connection) -> psycopg.Connection[Any]:
    """Return the driver's connection below, in the transaction that is open on it."""
    below = connection.connection.driver_connection
    assert isinstance(below, psycopg.Connection)
    return below


def who_am_i() -> str:
    """Return the name under which this person's apply is recorded."""
    name = os.environ.get("SUDO_USER", "")
    if not name:
        with suppress(OSError, KeyError):
            name = getpass.getuser()
    return name or "somebody"
