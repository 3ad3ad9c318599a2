"""A company that has contracts, quotes and deals approved.

*boss* leads *mia*, who leads the sellers *sam* and *sue*; *fay* and *fin* are finance, *lea* and
*lou* legal, *root* and *ruth* administer, *tom* has nobody above him.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.access.organisation import Organisation, touch_people
from app.access.principal import SYSTEM, Principal
from app.automation.approvals.case import Case
from app.automation.approvals.store import Run
from app.automation.approvals.submitting import Submission
from app.automation.assembly import assemble
from app.automation.registry import register
from app.clock import FrozenClock
from app.database.apply import ApplyOptions, apply_catalog
from app.database.automation_tables import absence, approval, firing, message, rule, task
from app.database.live import Live
from app.database.pools import Pools
from app.definitions.catalog import Catalog
from app.fields.registry import field_types
from app.records.files import FileStore
from app.records.recompute import recompute
from app.security.first_start import add_roles, create_account_tables
from tests.integration.settling import catalog_from, hire

#: A Tuesday, noon in Shanghai.
NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)

APP = """
name: Test
languages: [en, zh]
time_zone: Asia/Shanghai
currencies: [CNY]
calendar: {days: mon-fri, hours: ["09:00-12:00", "13:00-18:00"]}
"""
ROLES = """
roles:
  seller: {scope: own, may: [create, read, update, history, delete, restore, transfer, merge]}
  manager: {is: seller, scope: subordinates}
  finance: {scope: all, may: [read, history]}
  legal: {scope: own, may: [read, history]}
  outsider: {scope: own, may: []}
  ghost: {scope: own, may: [read]}
  admin: {admin: yes}
"""
CUSTOMER = """
entity: customer
title: name
fields:
  name: {type: text, required: yes}
  note: {type: text}
  worth: {type: rollup, of: contract.customer, sum: amount, where: approval.state == 'approved'}
"""
CONTRACT = """
entity: contract
title: name
fields:
  name: {type: text, required: yes, search: yes}
  customer: {type: link, to: customer}
  amount: {type: money, default: 0}
  core_data: {type: boolean}
  terms: {type: longtext}
  stage: {type: choice, options: [draft, signed, lost], default: draft}
  reminded: {type: boolean}
  is_final: {type: formula, formula: "approval.state in ('approved', 'rejected')"}
screens: {list: {columns: [name, amount, approval], sort: name}}
"""
QUOTE = """
entity: quote
title: name
fields:
  name: {type: text, required: yes}
  discount: {type: percent, default: 0}
  note: {type: text}
"""
DEAL = """
entity: deal
title: name
fields:
  name: {type: text, required: yes}
  lawyer: {type: user}
"""
MEMO = """
entity: memo
title: name
owned: no
fields:
  name: {type: text, required: yes}
access: {seller: {scope: all}}
"""
WORKFLOWS = """
approval: contract
entity: contract
when: {button: Submit}
steps:
  - {approver: owner.manager, levels: 2}
  - {approver: role finance, need: all, if: amount > 100000, edit: [terms], within: 2 working days, late: user root, label: Finance}
  - {approver: role legal, need: 1, if: amount > 100000 or core_data, cc: user boss}
nobody: admin
submitter: skip
again: from_rejecting
approved:
  - set: {stage: signed}
  - {after: 2 days, set: {reminded: yes}}
rejected: [{set: {stage: lost}}]
---
approval: quote
entity: quote
when: {on: [create, update], changed: [discount]}
if: discount > 10
steps:
  - {approver: role finance, need: 2, label: Finance}
edited: refuse
nobody: skip
---
rule: submit-big-quotes
entity: quote
when: {on: update, changed: [note]}
if: note == 'submit'
do: [{approve: quote}]
---
rule: thank
entity: contract
when: {on: [approved, rejected]}
if: customer is not empty
do: [{set: {customer.note: "=approval.state"}}]
---
approval: deal
entity: deal
when: {button: Hand in, for: [seller]}
steps:
  - {approver: chosen from role legal, label: Law}
  - {approver: lawyer, need: in_turn}
nobody: refuse
submitter: manager
comment: always
lock: no
---
approval: memo
entity: memo
when: {button: Submit}
steps:
  - {approver: role ghost}
  - {approver: [user fin, user sam], need: 3}
nobody: skip
submitter: ask
"""

FILES = {
    "app.yaml": APP,
    "roles.yaml": ROLES,
    "entities/customer.yaml": CUSTOMER,
    "entities/contract.yaml": CONTRACT,
    "entities/quote.yaml": QUOTE,
    "entities/deal.yaml": DEAL,
    "entities/memo.yaml": MEMO,
    "workflows/approvals.yaml": WORKFLOWS,
}
#: name: (role, manager)
PEOPLE = {
    "root": ("admin", None),
    "ruth": ("admin", None),
    "boss": ("manager", None),
    "mia": ("manager", "boss"),
    "sam": ("seller", "mia"),
    "sue": ("seller", "mia"),
    "tom": ("seller", None),
    "fay": ("finance", "boss"),
    "fin": ("finance", "boss"),
    "lea": ("legal", "boss"),
    "lou": ("legal", "boss"),
    "out": ("outsider", None),
}


def load(files: dict[str, str] | None = None) -> Catalog:
    return catalog_from(files or FILES)


def build(url: str) -> None:
    """Build the template: tables and people."""
    pools = Pools(url)
    try:
        catalog = load()
        create_account_tables(pools.engine)
        apply(pools, catalog)
        with pools.write.connection() as connection:
            add_roles(connection, catalog.roles)
        world = World(pools, Path("unused"))
        world.ids |= hire(world.records, PEOPLE)
        world.live.stop()
    finally:
        pools.close()


def apply(pools: Pools, catalog: Catalog, drop: tuple[str, ...] = ()) -> None:
    """Apply a catalog as an installation does: with the rules it has."""
    options = ApplyOptions(
        recompute=(recompute,),
        allow=drop,
        on_live=lambda connection, _plan, _number: register(connection, catalog, NOW),
    )
    apply_catalog(pools, catalog, "test", options=options)


class World:
    """Everything a test of approvals needs, over one copy of the database."""

    def __init__(self, pools: Pools, folder: Path) -> None:
        self.pools = pools
        self.live = Live(pools, field_types())
        self.clock = FrozenClock(NOW)
        self.organisation = Organisation(pools, lambda: self.live.release)
        house = assemble(
            pools, self.live, self.organisation, self.clock, secret=b"test", files=FileStore(folder)
        )
        self.records, self.approvals, self.engine = house.records, house.approvals, house.engine
        self.answers = house.answers
        self._token = self._since = 0
        self.ids = {name: number for number, name in enumerate(PEOPLE, start=1)}
        self.names = {number: name for name, number in self.ids.items()}

    def who(self, name: str) -> Principal:
        if name == "system":
            return SYSTEM
        found = self.organisation.principal(self.ids[name])
        assert found is not None
        return found

    def apply(self, files: dict[str, str], *, drop: tuple[str, ...] = ()) -> None:
        """Apply another configuration."""
        apply(self.pools, load(files), drop)
        self.live.reload()

    # -- records -----------------------------------------------------------------------------------

    def make(self, entity: str, who: str = "sam", **values: Any) -> int:
        return self.records.create(self.who(who), entity, {"name": "Frame", **values}).id

    def edit(self, entity: str, number: int, who: str = "sam", **values: Any) -> None:
        self.records.update(self.who(who), entity, number, values)

    def row(self, entity: str, number: int) -> dict[str, Any]:
        table = self.live.release.tables[entity]
        with self.pools.engine.connect() as connection:
            found = connection.execute(table.select().where(table.c.id == number)).first()
        assert found is not None
        return dict(found._mapping)

    def state(self, number: int, entity: str = "contract") -> str:
        return str(self.row(entity, number)["approval"])

    # -- approvals ---------------------------------------------------------------------------------

    def submit(self, number: int, who: str = "sam", entity: str = "contract", **said: Any) -> int:
        return self.approvals.submit(self.who(who), Submission(entity, number, **said)).id

    def handed_in(self, who: str = "sam", **values: Any) -> tuple[int, int]:
        """Return a contract that was made and submitted, and the run."""
        number = self.make("contract", who, **values)
        return number, self.submit(number, who)

    def yes(self, run: int, *names: str, **said: Any) -> Run:
        for name in names:
            found = self.approvals.approve(self.who(name), run, said.get("comment"))
        return found

    def no(self, run: int, name: str, comment: str | None = "Too dear") -> Run:
        return self.approvals.reject(self.who(name), run, comment)

    def case(self, run: int) -> Case:
        return self.approvals.of_run(self.who("root"), run)

    def case_state(self, run: int) -> str:
        with self.pools.engine.connect() as connection:
            wanted = sa.select(approval.c.state).where(approval.c.id == run)
            return str(connection.execute(wanted).scalar_one())

    def seen(self) -> list[tuple[str, str, int]]:
        """Return which outcomes had their steps run since `forget`: event, approval, record."""
        wanted = (
            sa.select(firing.c.id, firing.c.occurrence, rule.c.name, firing.c.record_id)
            .join(rule, rule.c.number == firing.c.rule)
            .where(firing.c.id > self._since, rule.c.name.like("approval:%"))
            .order_by(firing.c.id)
        )
        with self.pools.engine.connect() as connection:
            return [
                (row[1].partition(":")[0], row[2].partition(":")[2], row[3])
                for row in connection.execute(wanted)
            ]

    def forget(self) -> None:
        """Count outcomes from now on."""
        with self.pools.engine.connect() as connection:
            self._since = connection.execute(sa.select(sa.func.max(firing.c.id))).scalar() or 0

    def run_due(self) -> int:
        """Run what waits and is due, as a worker does; return how many tasks."""
        self._token += 1
        values = {"token": self._token, "leased_until": sa.func.now() + sa.text("interval '1 min'")}
        due = sa.update(task).where(task.c.due_at <= self.clock.now(), task.c.problem.is_(None))
        with self.pools.engine.begin() as connection:
            ids = connection.execute(due.values(values).returning(task.c.id)).scalars().all()
        self.engine.run_tasks(list(ids), self._token)
        return len(ids)

    def waiting_of(self, name: str, run: int) -> bool:
        """Return whether a run stands in somebody's list."""
        items, _ = self.approvals.listed(self.who(name), "waiting", limit=100)
        return run in {item.run for item in items}

    def waits_for(self, run: int) -> list[str]:
        return [self.names[task.user_id] for task in self.case(run).waiting if task.user_id]

    def told(self, run: int) -> list[tuple[str, str, str]]:
        """Return who was told what, in which words."""
        wanted = sa.select(message.c.user_id, message.c.key, message.c.text).order_by(message.c.id)
        with self.pools.engine.connect() as connection:
            rows = connection.execute(wanted.where(message.c.key.like(f"approval:{run}:%")))
            return [(self.names[row[0]], row[1].split(":")[2], row[2]) for row in rows]

    def away(self, name: str, deputy: str | None = None, days: int = 5) -> None:
        values = {
            "user_id": self.ids[name],
            "since": self.clock.now() - timedelta(hours=1),
            "until": self.clock.now() + timedelta(days=days),
            "deputy": self.ids[deputy] if deputy else None,
        }
        with self.pools.engine.begin() as connection:
            connection.execute(sa.insert(absence).values(values))

    def back(self) -> None:
        with self.pools.engine.begin() as connection:
            connection.execute(sa.delete(absence))

    def set_account(self, name: str, *, active: bool) -> None:
        """Open or close an account as Flask-AppBuilder's own page would."""
        account = sa.table("ab_user", sa.column("id"), sa.column("active"), schema="public")
        with self.pools.engine.begin() as connection:
            which = account.c.id == self.ids[name]
            connection.execute(sa.update(account).where(which).values(active=active))
            touch_people(connection)
        self.organisation.expire()

    def history(self, entity: str, number: int) -> list[tuple[str, str | None]]:
        """Return what was done with a record and by whom, the oldest first."""
        lines = self.records.history(self.who("root"), entity, number)
        return [(line.action, self.names.get(line.user_id or 0)) for line in reversed(lines)]

    def close(self) -> None:
        self.live.stop()
        self.pools.close()
