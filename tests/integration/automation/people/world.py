"""A company with a public sea in the east and one for the rest, leads given out, and a quota.

People of the writing tests: *mia* (manager, head of the department East sales) over *sam* and *sue*
(sellers of East sales), *tom* (seller elsewhere), *aud* (reads everything), *root* administers.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.access.principal import SYSTEM
from app.automation.assembly import assemble
from app.automation.context import RuleContext
from app.automation.outgoing import Outbox
from app.automation.pool_desk import PoolDesk
from app.automation.registry import register
from app.automation.reminders import claim_due
from app.automation.running import Firing, Running
from app.database.automation_tables import message, task
from app.records.acting import Acting
from app.records.conditions import Linked
from app.records.work import Work
from tests.integration.writing import world as writing

APP = """
name: Sea
languages: [en, zh]
time_zone: Asia/Shanghai
currencies: [CNY]
"""
ROLES = """
roles:
  seller: {label: {en: Seller, zh: 销售}, scope: own, may: [create, read, update, history]}
  manager: {is: seller, scope: subordinates, may: [delete, restore, transfer, share]}
  auditor: {scope: all, may: [read, history]}
  admin: {admin: yes}
"""
OPTIONS = """
options:
  reasons: {silent: {label: {en: No contact, zh: 无联系}}, lost: Lost}
"""
USER = """
extend: user
fields:
  grade: {type: choice, options: [junior, senior], default: senior}
  city: {type: text}
"""
CUSTOMER = """
entity: customer
label: {en: Customer, zh: 客户}
title: name
fields:
  name: {type: text, required: yes, search: yes}
  region: {type: choice, options: [east, west], default: east}
  level: {type: choice, options: [a, b], default: b}
  active: {type: boolean, default: yes}
  phones: {type: phones, search: yes}
  credit: {type: money}
  touched_at: {type: datetime}
  locked: {type: boolean, default: no}
  backup: {type: user}
  helpers: {type: users}
  mail: {type: email}
  main: {type: link, to: contact}
duplicates: [{same: [phones], then: warn}]
screens: {list: {columns: [name, level], sort: name}}
"""
CONTACT = """
entity: contact
title: name
fields:
  name: {type: text}
  email: {type: email}
  customer: {type: link, to: customer}
access: {inherit: customer}
"""
DEAL = """
entity: deal
title: name
fields:
  name: {type: text}
  stage: {type: stage}
  customer: {type: link, to: customer}
  members: {type: lines, fields: {who: {type: user}, part: {type: percent}}}
"""
LEAD = """
entity: lead
title: name
fields:
  name: {type: text}
  city: {type: text}
  stage: {type: stage}
"""
FLOW = """
lifecycle: deals
entity: deal
field: stage
stages: {new: {label: New}, offer: {label: Offer}, won: {final: yes}}
---
lifecycle: leads
entity: lead
field: stage
stages: {new: {label: New}, done: {final: yes}}
---
rule: give-out
entity: lead
when: {on: create}
off: yes
do:
  - assign: {to: role seller}
---
rule: busy
entity: lead
when: {button: Give}
do:
  - assign: {to: role seller, how: least_busy}
  - assign: {to: role seller, how: random, where: city == record.city}
---
rule: hand-on
entity: customer
when: {button: Hand on}
do:
  - assign: {to: user tom, with: [contact.customer], previous: read for 30 days}
  - assign: {to: [backup, helpers, mail, main, "head of owner_department", role auditor, department east_sales, a@b.example]}
---
rule: team
entity: deal
when: {button: Team}
do:
  - assign: {to: members.who}
"""
POOLS = """
pool: east
label: {en: East sea, zh: 东部公海}
entity: customer
where: region == 'east'
admins: [role manager]
members: [department east_sales]
hide: [phones, credit]
claim: {per_day: 2, not_previous_owner: 7 days, new_after: 1 day, views_per_day: 3}
recycle:
  - {after: {by: level, a: 60 days, else: 30 days}, since: "max(touched_at, owner_since)"}
  - {after: 90 days, since: owner_since, if: "not exists(deal, customer == record)"}
exempt: locked
warn: 2 days
with: [contact.customer]
reasons: reasons
---
pool: rest
label: {en: The rest, zh: 其他公海}
entity: customer
members: [role seller]
---
quota: customers
label: {en: Active customers, zh: 活跃客户}
entity: customer
where: active
for: [seller]
max: {by: owner.grade, junior: 2, else: 4}
"""
THREE_DAYS = timedelta(days=3)
FILES = {
    "app.yaml": APP,
    "roles.yaml": ROLES,
    "options.yaml": OPTIONS,
    "entities/user.yaml": USER,
    "entities/customer.yaml": CUSTOMER,
    "entities/contact.yaml": CONTACT,
    "entities/deal.yaml": DEAL,
    "entities/lead.yaml": LEAD,
    "workflows/flow.yaml": FLOW,
    "workflows/pools.yaml": POOLS,
}


def build(url: str) -> None:
    """Build the template: tables, people, the department East sales."""
    writing.build(url, FILES)
    pools = writing.Pools(url)
    made = writing.World(pools, Path("unused"))
    try:
        ids = made.ids
        east = made.records.create(
            SYSTEM, "department", {"name": "East sales", "head": ids["mia"]}
        ).id
        for name in ("mia", "sam", "sue"):
            made.records.update(SYSTEM, "user", ids[name], {"department": east})
        with pools.engine.begin() as connection:
            register(connection, made.live.release.catalog, writing.NOW)
    finally:
        made.close()


class Sea(writing.World):
    """The world with everything that listens to writes, and the engine."""

    def __init__(self, pools: writing.Pools, folder: Path) -> None:
        super().__init__(pools, folder)
        self.house = assemble(
            pools,
            self.live,
            self.organisation,
            self.clock,
            secret=b"test",
            files=writing.FileStore(folder),
        )
        self.records = self.house.records
        self.desk = PoolDesk(self.records)

    def apply(self, files: dict[str, str]) -> None:
        super().apply(files)
        with self.pools.engine.begin() as connection:
            register(connection, self.live.release.catalog, self.clock.moment)
        self.house.numbers.forget()

    def name_of(self, user_id: int | None) -> str | None:
        return next((name for name, number in self.ids.items() if number == user_id), None)

    def owner(self, entity: str, number: int) -> str | None:
        return self.name_of(self.row(entity, number)["owner"])

    def select(self, statement: Any) -> list[dict[str, Any]]:
        with self.pools.engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def messages(self) -> list[tuple[str | None, str]]:
        found = self.select(sa.select(message).order_by(message.c.id))
        return [(self.name_of(row["user_id"]), row["text"]) for row in found]

    def at(self, moment: datetime) -> None:
        """Let time pass, and workers run what became due."""
        self.clock.moment = moment
        for token in range(1, 20):
            with self.pools.write.connection() as connection:
                claim_due(connection, self.live.release, self.house.numbers, moment)
            due = task.c.problem.is_(None) & (task.c.due_at <= moment)
            with self.pools.engine.begin() as connection:
                found = connection.execute(
                    sa.update(task).where(due).values(token=token).returning(task.c.id)
                )
                ids = sorted(row[0] for row in found)
            if not ids:
                return
            self.house.engine.run_tasks(ids, token)
        raise AssertionError("There is always something due.")


def step_of(world: writing.World, rule: str, number: int = 0) -> Any:
    return world.live.release.catalog.automation.rules[rule].do[number]


def running(work: Work, rule: str, number: int, entity: str, record_id: int) -> Running:
    """Return what a step of a rule sees when the rule meets a record."""
    found = work.release.catalog.automation.rules[rule]
    step = found.of(entity)[1][number]
    kind = work.release.catalog.entities[entity]
    row = work.rows[entity].read(work.connection, [record_id])[record_id]
    context = RuleContext(work, Linked(work), kind, row)
    firing = Firing(0, 0, found.digest, "button", "test", entity, record_id)
    return Running(work, found, step, firing, kind, row, None, Acting(work), Outbox(), context)


def as_system(world: writing.World, step: Callable[[Work], Any]) -> Any:
    return world.records.writer.transact(SYSTEM, step, origin="rule", cause="test")
