"""A small company whose rules do everything the engine can do.

People: *mia* (manager) over *sam* and *sue* (sellers), *bot* a service user, *root* administers.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.access.organisation import Organisation, touch_people
from app.access.principal import SYSTEM, Principal
from app.automation.assembly import assemble
from app.automation.registry import register
from app.automation.reminders import claim_due
from app.clock import FrozenClock
from app.database.apply import ApplyOptions, apply_catalog
from app.database.automation_tables import comment, firing, follower, message, task
from app.database.live import Live
from app.database.pools import Pools
from app.database.system import history
from app.definitions.catalog import Catalog
from app.fields.registry import field_types
from app.records.files import FileStore
from app.records.recompute import recompute
from app.security.first_start import add_roles, create_account_tables
from tests.integration.settling import catalog_from, hire

#: Tuesday, noon in Shanghai.
NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)

APP = """
name: Test
languages: [en, zh]
time_zone: Asia/Shanghai
currencies: [CNY]
calendar: {days: mon-fri, hours: ["09:00-12:00", "13:00-18:00"]}
values: {limit: 1000}
"""
ROLES = """
roles:
  seller: {scope: own, may: [create, read, update, delete, restore, history]}
  manager: {is: seller, scope: all, may: [transfer, share, merge]}
  robot: {scope: all, may: [read]}
  admin: {admin: yes}
"""
CUSTOMER = """
entity: customer
title: name
fields:
  name: {type: text, required: yes, max: 40}
  code: {type: text, unique: yes}
  level: {type: choice, options: {a: Key, b: Normal, c: Low}, default: b}
  status: {type: choice, options: {new: New, active: Active, closed: Closed}, default: new}
  phones: {type: phones}
  credit: {type: decimal, max: 1000}
  score: {type: integer}
  note: {type: text}
  seen: {type: text, readonly: yes}
  steps: {type: text}
  manager: {type: link, to: user}
  total: {type: rollup, of: deal.customer, sum: amount}
  double: {type: formula, formula: credit * 2}
  due_on: {type: date}
checks:
  - {must: score is empty or score <= 50, message: {en: At most 50., zh: 不超过 50。}}
access: {fields: {credit: {seller: read, manager: edit}}}
"""
DEAL = """
entity: deal
title: name
fields:
  name: {type: text, required: yes}
  customer: {type: link, to: customer}
  amount: {type: decimal}
  stage: {type: choice, options: {open: Open, won: Won, lost: Lost}, default: open}
  level: {type: text}
  note: {type: text}
  lines:
    type: lines
    fields:
      product: {type: text, required: yes}
      price: {type: decimal}
      done: {type: boolean, default: no}
"""
LEAD = """
entity: lead
title: name
fields:
  name: {type: text, required: yes}
  phones: {type: phones}
  source: {type: text}
  converted_at: {type: datetime}
  customer: {type: link, to: customer}
"""
TODO = """
entity: todo
title: name
fields:
  name: {type: text, required: yes}
  about: {type: any_link, to: [customer, deal, lead]}
  status: {type: choice, options: {open: Open, done: Done}, default: open}
  share: {type: decimal}
  due_on: {type: date}
  loop: {type: integer}
"""
BASE = {
    "app.yaml": APP,
    "roles.yaml": ROLES,
    "entities/customer.yaml": CUSTOMER,
    "entities/deal.yaml": DEAL,
    "entities/lead.yaml": LEAD,
    "entities/todo.yaml": TODO,
}
#: name: (role, manager)
PEOPLE = {
    "root": ("admin", None),
    "mia": ("manager", None),
    "sam": ("seller", "mia"),
    "sue": ("seller", "mia"),
    "bot": ("robot", None),
}


def load(files: dict[str, str]) -> Catalog:
    return catalog_from(files, actions=("number",))


def build(url: str) -> None:
    """Build the template: tables and people."""
    pools = Pools(url)
    try:
        catalog = load(BASE)
        create_account_tables(pools.engine)
        apply_catalog(pools, catalog, "test")
        with pools.write.connection() as connection:
            add_roles(connection, catalog.roles)
        world = World(pools, Path("unused"))
        world.ids |= hire(world.records, PEOPLE)
        world.live.stop()
    finally:
        pools.close()


class World:
    """Everything a test of the engine needs, over one copy of the database."""

    def __init__(
        self, pools: Pools, folder: Path, actions: Any = (), hosts: frozenset[str] = frozenset()
    ) -> None:
        self.pools = pools
        self.live = Live(pools, field_types(), actions=("number",))
        self.clock = FrozenClock(NOW)
        self.organisation = Organisation(pools, lambda: self.live.release)
        self.house = assemble(
            pools,
            self.live,
            self.organisation,
            self.clock,
            secret=b"test",
            files=FileStore(folder),
            actions=actions,
            allowed_hosts=hosts,
        )
        self.records, self.engine = self.house.records, self.house.engine
        self.ids = {name: number for number, name in enumerate(PEOPLE, start=1)}
        self._token = 0

    def who(self, name: str) -> Principal:
        if name == "system":
            return SYSTEM
        found = self.organisation.principal(self.ids[name])
        assert found is not None
        return found

    def rules(self, *documents: str, **files: str) -> None:
        """Apply rules beside the entities."""
        text = "\n---\n".join(one.strip() for one in documents)
        catalog = load({**BASE, "workflows/rules.yaml": text, **files})
        options = ApplyOptions(
            recompute=(recompute,),
            on_live=lambda connection, _plan, _number: register(connection, catalog, NOW),
        )
        apply_catalog(self.pools, catalog, "test", options=options)
        self.live.reload()
        self.house.numbers.forget()

    # Records.

    def create(self, entity: str, who: str = "sam", **values: Any) -> int:
        return self.records.create(self.who(who), entity, {"name": "Acme", **values}).id

    def update(self, entity: str, number: int, who: str = "sam", **values: Any) -> Any:
        return self.records.update(self.who(who), entity, number, values, origin="screen")

    def row(self, entity: str, number: int) -> dict[str, Any]:
        table = self.live.release.tables[entity]
        return self.select(table.select().where(table.c.id == number))[0]

    def all(self, entity: str) -> list[dict[str, Any]]:
        table = self.live.release.tables[entity]
        return self.select(table.select().where(table.c.deleted_at.is_(None)).order_by(table.c.id))

    def select(self, statement: Any) -> list[dict[str, Any]]:
        with self.pools.engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    # The ledger.

    def firings(self, rule: str | None = None) -> list[dict[str, Any]]:
        found = self.select(sa.select(firing).order_by(firing.c.id))
        return [
            row for row in found if rule is None or self.house.numbers.name(row["rule"]) == rule
        ]

    def states(self, rule: str | None = None) -> list[str]:
        return [row["state"] for row in self.firings(rule)]

    def messages(self) -> list[tuple[str, str]]:
        names = {number: name for name, number in self.ids.items()}
        told = sa.select(message).where(message.c.kind == "rule")
        found = self.select(told.order_by(message.c.id))
        return [(names[row["user_id"]], row["text"]) for row in found]

    def tasks(self) -> list[dict[str, Any]]:
        return self.select(sa.select(task).order_by(task.c.id))

    def comments(self) -> list[str]:
        return [row["text"] for row in self.select(sa.select(comment).order_by(comment.c.id))]

    def followers(self) -> list[int]:
        return [row["user_id"] for row in self.select(sa.select(follower))]

    def history(self, entity: str, number: int) -> list[dict[str, Any]]:
        kind = self.live.release.numbers[entity]
        return self.select(
            sa.select(history)
            .where(history.c.entity == kind, history.c.record_id == number)
            .order_by(history.c.id)
        )

    # Time.

    def at(self, **later: float) -> None:
        """Let time pass, and workers run what became due."""
        self.clock.moment += timedelta(**later)
        self.work()

    def claim(self) -> int:
        with self.pools.write.connection() as connection:
            return claim_due(connection, self.live.release, self.house.numbers, self.clock.moment)

    def lease(self) -> tuple[list[int], int]:
        """Hand out what is due, as the scheduler does."""
        self._token += 1
        due = task.c.problem.is_(None) & (task.c.due_at <= self.clock.moment)
        with self.pools.engine.begin() as connection:
            found = connection.execute(
                sa.update(task)
                .where(due)
                .values(token=self._token, attempts=task.c.attempts + 1)
                .returning(task.c.id)
            )
            return sorted(row[0] for row in found), self._token

    def work(self) -> int:
        """Claim and run what is due, until nothing is."""
        count = 0
        for _ in range(20):
            self.claim()
            ids, token = self.lease()
            if not ids:
                return count
            count += len(ids)
            self.engine.run_tasks(ids, token)
        raise AssertionError("There is always something due.")

    def fire_away(self, name: str) -> None:
        """Let a person leave the company."""
        table = self.live.release.tables["user"]
        with self.pools.write.connection() as connection, connection.transaction():
            connection.execute(
                str(
                    sa.update(table)
                    .values(active=False)
                    .where(table.c.id == self.ids[name])
                    .compile(compile_kwargs={"literal_binds": True})
                )
            )
            touch_people(connection)
        self.organisation.expire()

    def close(self) -> None:
        self.live.stop()
        self.pools.close()


def steps(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each step of a firing with what became of it."""
    for path, one in row["steps"].items():
        yield path, one["state"]
