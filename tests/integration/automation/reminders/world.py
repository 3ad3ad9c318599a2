"""A company whose customers want to be remembered: every way in which a rule can be dated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from app.access.organisation import Organisation
from app.access.principal import SYSTEM, Principal
from app.automation.claiming import Timing
from app.automation.recomputing import recompute as recompute_reminders
from app.automation.registry import RuleNumbers, register
from app.automation.reminders import Reminders, claim_due
from app.automation.wiring import Composed
from app.clock import FrozenClock
from app.database.apply import ApplyOptions, apply_catalog
from app.database.automation_tables import firing, reminder, task
from app.database.live import Live
from app.database.pools import Pools
from app.definitions.catalog import Catalog
from app.fields.registry import field_types
from app.records.door import Records
from app.records.files import FileStore
from app.records.recompute import recompute
from app.security.first_start import add_roles, create_account_tables
from tests.integration.settling import catalog_from, hire

ZONE = ZoneInfo("Asia/Shanghai")
#: Monday, nine in the morning in Shanghai.
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)

APP = """
name: Test
languages: [en, zh]
time_zone: Asia/Shanghai
currencies: [CNY]
calendar: {days: mon-fri, hours: ["09:00-12:00", "13:00-18:00"]}
values: {remind_days: 4}
"""

ROLES = """
roles:
  seller: {scope: own, may: [create, read, update, delete, restore, transfer, merge, history]}
  admin: {admin: yes}
"""

CUSTOMER = """
entity: customer
title: name
fields:
  name: {type: text, required: yes}
  level: {type: choice, options: {a: Key, b: Normal, c: Low}, default: b}
  status: {type: choice, options: {active: Active, closed: Closed}, default: active}
  since: {type: datetime}
  due_on: {type: date}
  ends_at: {type: datetime}
  born_on: {type: date}
  renewed_at: {type: datetime}
  note: {type: text}
  last_contacted_at: {type: rollup, of: follow_up.customer, latest: followed_at}
"""

FOLLOW_UP = """
entity: follow_up
title: text
fields:
  customer: {type: link, to: customer, required: yes, on_delete: cascade}
  text: {type: text}
  followed_at: {type: datetime, default: =now()}
"""

TASK = """
entity: job
title: name
fields:
  name: {type: text}
  customer: {type: link, to: customer}
  planned_at: {type: datetime}
"""

SILENT = """
rule: silent
entity: customer
when:
  after: {by: level, a: 7 days, b: 15 days, else: 30 days}
  since: max(last_contacted_at, owner_since)
if: status == 'active' and owner is not empty
do: [{notify: {to: owner, say: Call}}]
"""

DATED = """
rule: on-the-day
entity: customer
when: {on: due_on}
do: [{notify: {to: owner, say: Now}}]
---
rule: in-the-morning
entity: customer
when: {on: due_on, at: 09:30 on working days}
do: [{notify: {to: owner, say: Now}}]
---
rule: before-the-end
entity: customer
when: {before: 3 days, until: ends_at, at: 08:00}
do: [{notify: {to: owner, say: Soon}}]
---
rule: working-hours
entity: customer
when: {after: 8 working hours, since: since}
do: [{notify: {to: owner, say: Late}}]
---
rule: mixed
entity: customer
when: {after: {by: level, a: 4 working hours, b: 2 working days, else: "=days(app.remind_days)"}, since: since}
do: [{notify: {to: owner, say: Late}}]
---
rule: birthday
entity: customer
when: {on: born_on, yearly: yes, at: 09:00}
do: [{notify: {to: owner, say: Congratulate}}]
---
rule: renewal
entity: customer
when: {before: 14 days, until: renewed_at, yearly: yes}
do: [{notify: {to: owner, say: Renew}}]
---
rule: again
entity: customer
when: {after: 1 day, since: since, at: 09:00 on working days}
repeat: {every: 3 working days, times: 3}
do: [{notify: {to: owner, say: Again}}]
---
rule: once-ever
entity: customer
when: {on: ends_at}
once: yes
do: [{notify: {to: owner, say: Once}}]
---
rule: not-made-up-for
entity: customer
when: {on: ends_at}
missed: skip
do: [{notify: {to: owner, say: Over}}]
---
rule: late-too
entity: customer
when: {on: ends_at}
backlog: fire
do: [{notify: {to: owner, say: Late}}]
---
rule: by-the-customer
entity: job
when: {after: {by: customer.level, a: 1 day, else: 2 days}, since: planned_at}
do: [{notify: {to: owner, say: Go}}]
"""

FILES = {
    "app.yaml": APP,
    "roles.yaml": ROLES,
    "entities/customer.yaml": CUSTOMER,
    "entities/follow_up.yaml": FOLLOW_UP,
    "entities/job.yaml": TASK,
    "workflows/silent.yaml": SILENT,
    "workflows/dated.yaml": DATED,
}


def load(files: dict[str, str] | None = None) -> Catalog:
    return catalog_from(files or FILES)


def build(url: str) -> None:
    """Build the template: tables, rules and two sellers."""
    pools = Pools(url)
    try:
        catalog = load()
        create_account_tables(pools.engine)
        apply_catalog(pools, catalog, "test", options=options(catalog, NOW))
        with pools.write.connection() as connection:
            add_roles(connection, catalog.roles)
        world = World(pools, Path("unused"))
        hire(world.records, {"sam": ("seller", None), "sue": ("seller", None)})
        world.live.stop()
    finally:
        pools.close()


def options(catalog: Catalog, now: datetime) -> ApplyOptions:
    return ApplyOptions(
        recompute=(recompute,), on_live=lambda connection, *_: register(connection, catalog, now)
    )


def local(text: str) -> datetime:
    """Return a moment on the company's clocks."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


class World:
    """Everything a test of reminders needs, over one copy of the database."""

    def __init__(self, pools: Pools, folder: Path) -> None:
        self.pools = pools
        self.live = Live(pools, field_types())
        self.clock = FrozenClock(NOW)
        self.organisation = Organisation(pools, lambda: self.live.release)
        self.numbers = RuleNumbers(pools)
        self.records = Records(
            pools,
            self.live,
            self.organisation,
            self.clock,
            secret=b"test",
            files=FileStore(folder),
            reactions=Composed([Reminders(self.numbers)]),
        )
        self._timing: Timing | None = None

    def who(self, name: str) -> Principal:
        if name == "system":
            return SYSTEM
        found = self.organisation.principal({"sam": 1, "sue": 2}[name])
        assert found is not None
        return found

    def customer(self, **values: Any) -> int:
        return self.records.create(self.who("sam"), "customer", {"name": "Acme", **values}).id

    def update(self, record_id: int, entity: str = "customer", **values: Any) -> None:
        self.records.update(self.who("sam"), entity, record_id, values)

    def follow_up(self, customer: int, at: datetime | None = None) -> int:
        values = {"customer": customer, "text": "Called"}
        if at is not None:
            values["followed_at"] = at.isoformat()
        return self.records.create(self.who("sam"), "follow_up", values).id

    def apply(self, files: dict[str, str], on_batch: Any = None) -> int:
        """Apply another configuration and work out what moves; return how many were looked at."""
        catalog = load(files)
        apply_catalog(self.pools, catalog, "test", options=options(catalog, self.clock.now()))
        self.live.reload()
        self.numbers.forget()
        self._timing = None
        with self.connection() as connection:
            return recompute_reminders(connection, self.live.release, self.clock.now(), on_batch)

    def connection(self) -> Any:
        import psycopg

        return psycopg.connect(self.pools.url, autocommit=True)

    def tick(self, limit: int = 1000) -> int:
        """Look once, as the scheduler does."""
        release = self.live.release
        if self._timing is None or self._timing.release is not release:
            self._timing = Timing(release, self.numbers)
        with self.pools.write.connection() as connection:
            return claim_due(
                connection, release, self.numbers, self.clock.now(), limit, self._timing
            )

    def at(self, text: str) -> None:
        self.clock.moment = local(text).astimezone(UTC)

    def reminder(self, rule: str, record_id: int) -> dict[str, Any] | None:
        """Return the row of a rule and a record."""
        chosen = sa.select(reminder).where(
            reminder.c.rule == self.numbers.number(rule), reminder.c.record_id == record_id
        )
        with self.pools.engine.connect() as connection:
            found = connection.execute(chosen).first()
        return dict(found._mapping) if found is not None else None

    def due(self, rule: str, record_id: int) -> str | None:
        """Return when a rule is due for a record, on the company's clocks."""
        row = self.reminder(rule, record_id)
        if row is None or row["due_at"] is None or row["suspended"]:
            return None
        return row["due_at"].astimezone(ZONE).strftime("%Y-%m-%d %H:%M")

    def fired(self, rule: str, record_id: int | None = None) -> list[str]:
        """Return when a rule was due for what it fired, with the state where it is another."""
        chosen = sa.select(firing).where(firing.c.rule == self.numbers.number(rule))
        if record_id is not None:
            chosen = chosen.where(firing.c.record_id == record_id)
        with self.pools.engine.connect() as connection:
            rows = connection.execute(chosen.order_by(firing.c.id)).all()
        return [
            row.due_at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M")
            + ("" if row.state == "due" else f" {row.state}")
            for row in rows
        ]

    def tasks(self) -> int:
        with self.pools.engine.connect() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(task)).scalar_one()

    def later(self, **length: float) -> None:
        self.clock.moment += timedelta(**length)

    def close(self) -> None:
        self.live.stop()
        self.pools.close()
