"""Writes the demo through the one door, at the times it happened.

Every step is written as the person who did it, with the clock set to that moment, so that rights,
checks, numbers, history and roll-ups come out as if the year and a half had been lived.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa

from app.access.principal import SYSTEM, Principal
from app.automation.approvals.submitting import Submission
from app.automation.assembly import assemble
from app.automation.recomputing import mark_all, recompute
from app.clock import FrozenClock
from app.database.automation_tables import approval, approval_task, delivery, message
from app.demo.chain import demo_records
from app.demo.organisation import DemoOrganisation, demo_organisation
from app.demo.steps import Person, Reference, Step
from app.demo.targets import load_targets
from app.demo.telling import ZONE
from app.records.door import Records
from app.security.people import add_user

if TYPE_CHECKING:
    from app.services import Services

SEED = 20260901
#: Messages of the last days of the story are still to be read.
_NEWS = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class DemoLoaded:
    """What was written: the logins, and how many records of each entity."""

    logins: tuple[str, ...]
    records: Mapping[str, int]


class DemoLoader:
    """Loads the demo into an installation that has none of it yet."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._clock = FrozenClock(services.clock.now())
        secret = services.secrets.secret_key.encode()
        self._records = Records(
            services.pools,
            services.live,
            services.organisation,
            self._clock,
            secret=secret,
            hooks=services.plugins.hooks,
        )
        #: with everything that listens: approvals are what they are elsewhere
        self._approvals = assemble(
            services.pools,
            services.live,
            services.organisation,
            self._clock,
            secret=secret,
            files=services.files,
            hooks=services.plugins.hooks,
            functions=services.plugins.functions,
            actions=services.plugins.actions.values(),
        ).approvals
        self._ids: dict[str, int] = {}
        self._users: dict[str, int] = {}
        self._departments: dict[str, int] = {}
        self._principals: dict[str, Principal] = {}

    def load_people(self, organisation: DemoOrganisation, password: str) -> None:
        """Write departments and users, then who heads which department."""
        departments = self._departments
        for department in organisation.departments:
            values: dict[str, Any] = {"name": department.name}
            if department.parent:
                values["parent"] = departments[department.parent]
            written = self._records.create(SYSTEM, "department", values, origin="system")
            departments[department.key] = written.id
        for user in organisation.users:
            values = {
                "name": user.name,
                "email": user.email,
                "department": departments[user.department],
                "language": user.language,
            }
            if user.manager:
                values["manager"] = self._users[user.manager]
            self._users[user.login] = add_user(
                self._records, login=user.login, password=password, roles=user.roles, values=values
            )
        for department in organisation.departments:
            head = {"head": self._users[department.head]}
            number = departments[department.key]
            self._records.update(SYSTEM, "department", number, head, origin="system")
        self._services.organisation.expire()

    def load_step(self, step: Step) -> None:
        """Write one step as whoever did it, at its moment."""
        self._clock.moment = step.at
        if step.act == "agree":
            self._agree(step)
            return
        principal = self._principal(step.by)
        if step.act == "submit":
            said = Submission(step.entity, self._ids[step.key])
            self._approvals.submit(principal, said, origin="screen")
            return
        values = {
            name: self._as_json(step.entity, name, value) for name, value in step.values.items()
        }
        if step.is_new:
            written = self._records.create(principal, step.entity, values, origin="screen")
            self._ids[step.key] = written.id
        else:
            number = self._ids[step.key]
            self._records.update(principal, step.entity, number, values, origin="screen")

    def load_targets(self, today: date) -> None:
        """Type in what is to be reached this year, as the director does in its first days."""
        now = self._services.clock.now()
        load_targets(
            self._records, self._principal("he.jun"), self._users, self._departments, today, now
        )

    def _agree(self, step: Step) -> None:
        """Let the first of those who are asked say yes, if anybody is."""
        cases = self._approvals.of_record(SYSTEM, step.entity, self._ids[step.key]).cases
        if not cases or not cases[0].waiting:
            return
        person = self._services.organisation.principal(cases[0].waiting[0].user_id)
        if person is not None:
            self._approvals.approve(person, cases[0].run.id, origin="screen")

    def keep_quiet(self) -> None:
        """Let the story's messages count as read, but for the newest, and send none of it."""
        lately = self._services.clock.now() - _NEWS
        with self._services.pools.engine.begin() as connection:
            connection.execute(sa.delete(delivery))
            old = message.c.created_at < lately
            # What was asked and is answered is no news either.
            open_ = (
                sa.exists()
                .where(approval.c.id == approval_task.c.approval)
                .where(approval_task.c.state == "waiting")
                .where(approval_task.c.user_id == message.c.user_id)
                .where(approval.c.entity == message.c.entity)
                .where(approval.c.record_id == message.c.record_id)
            )
            read = sa.or_(old, sa.and_(message.c.kind == "approval", sa.not_(open_)))
            connection.execute(sa.update(message).where(read).values(read_at=message.c.created_at))

    def begin_reminders(self) -> None:
        """Work out what is due from now on: the story was written past the rules."""
        release = self._services.live.release
        with psycopg.connect(self._services.pools.url, autocommit=True) as connection:
            mark_all(connection)
            recompute(connection, release, self._services.clock.now())

    def _principal(self, login: str) -> Principal:
        found = self._principals.get(login)
        if found is None:
            found = self._services.organisation.principal(self._users[login])
            if found is None:
                raise LookupError(f"The demo has no user {login}.")
            self._principals[login] = found
        return found

    def _as_json(self, entity: str, field: str, value: Any) -> Any:
        """Return a value as the API takes it, ids in place of references."""
        if isinstance(value, Reference):
            number = self._ids[value.key]
            kind = self._services.live.release.catalog.entities[entity].fields.get(field)
            if kind is not None and kind.type.name == "any_link":
                return {"entity": value.key.rpartition("-")[0], "id": number}
            return number
        if isinstance(value, Person):
            return self._users[value.login]
        if isinstance(value, list | tuple):
            return [self._as_json(entity, field, one) for one in value]
        if isinstance(value, dict):
            return {name: self._as_json(entity, name, one) for name, one in value.items()}
        if isinstance(value, date):
            return value.isoformat()
        return str(value) if isinstance(value, Decimal) else value


def load_demo(
    services: Services, password: str, today: date | None = None, seed: int = SEED
) -> DemoLoaded:
    """Write the demo's organisation and records into an installation without them.

    Args:
        services: what the process works with; the shipped configuration must be live.
        password: every demo user's.
        today: the day the story ends before; the business's own today if not said.
        seed: another seed tells another story.
    """
    day = today or _today(services)
    organisation = demo_organisation()
    loader = DemoLoader(services)
    loader.load_people(organisation, password)
    counts: dict[str, int] = {}
    for step in demo_records(seed, day):
        loader.load_step(step)
        if step.is_new:
            counts[step.entity] = counts.get(step.entity, 0) + 1
    loader.load_targets(day)
    loader.keep_quiet()
    loader.begin_reminders()
    return DemoLoaded(tuple(user.login for user in organisation.users), counts)


def _today(services: Services) -> date:
    now: datetime = services.clock.now()
    return now.astimezone(ZONE).date()
