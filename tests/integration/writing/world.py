"""A small company to write in: customers with orders of lines, follow-ups, a tree, files.

People: *mia* (manager) over *sam* and *sue* (sellers), *tom* (seller) beside them, *aud* only reads,
*root* administers.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.access.organisation import Organisation
from app.access.principal import SYSTEM, Principal
from app.clock import FrozenClock
from app.database.apply import ApplyOptions, apply_catalog
from app.database.live import Live
from app.database.pools import Pools
from app.definitions.catalog import Catalog
from app.fields.registry import field_types
from app.records.door import Records
from app.records.files import FileStore
from app.records.recompute import recompute
from app.security.first_start import add_roles, create_account_tables
from tests.integration.settling import catalog_from, hire

NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)

APP = """
name: Test
languages: [en, zh]
time_zone: Asia/Shanghai
currencies: [CNY, USD]
values: {most_open: 2}
"""

ROLES = """
roles:
  seller: {scope: own, may: [create, read, update, history]}
  manager: {is: seller, scope: subordinates, may: [delete, restore, transfer, share, merge]}
  auditor: {scope: all, may: [read, history]}
  admin: {admin: yes}
"""

CUSTOMER = """
entity: customer
title: name
fields:
  code: {type: serial, format: "C{yyyy}-{####}", restarts: yearly}
  name: {type: text, required: yes, max: 40, search: yes}
  level: {type: choice, options: {a: Key, b: Normal, old: {label: Old}}, default: b}
  email: {type: email, unique: yes}
  phones: {type: phones, search: yes}
  credit: {type: money, min: 0}
  reason: {type: text, required: level == 'a'}
  locked: {type: boolean, default: no}
  note: {type: longtext, readonly: locked}
  secret: {type: text}
  parent: {type: link, to: customer, tree: yes}
  main_order: {type: link, to: order}
  friends: {type: links, to: customer}
  orders: {type: rollup, of: order.customer, count: yes}
  total: {type: rollup, of: order.customer, sum: amount, where: stage != 'void'}
  biggest: {type: rollup, of: order.customer, highest: amount}
  last_note: {type: rollup, of: visit.about, latest: content, by: visited_at}
  last_at: {type: rollup, of: visit.about, latest: visited_at}
  score: {type: formula, formula: "total * 2 + orders"}
  region: {type: link, to: region}
  fans: {type: rollup, of: customer.friends, count: yes}
  age_days: {type: formula, formula: "days_between(created_at, now())"}
  picture: {type: image}
  files: {type: files}
checks:
  - {must: credit is empty or credit <= 1000, message: {en: At most 1000., zh: 不超过一千。}}
  - {if: level == 'a', must: credit > 0, then: warn, message: A key customer without credit}
  - {must: "count(order, customer == record and stage == 'open') <= app.most_open", message: Too many open orders}
access:
  fields: {secret: {seller: hidden}, credit: {seller: read, manager: edit}}
screens: {list: {columns: [name, level], sort: name}}
"""

ORDER = """
entity: order
title: number
fields:
  number: {type: serial, format: "O{customer}-{####}", per: customer}
  customer: {type: link, to: customer, required: yes}
  stage: {type: choice, options: {open: Open, won: Won, void: Void}, default: open}
  rate: {type: percent, default: 10}
  lines:
    type: lines
    fields:
      product: {type: link, to: product, required: yes}
      quantity: {type: decimal, default: 1, min: 0}
      price: {type: money, default: =product.price}
      subtotal: {type: formula, formula: "round(price * quantity, 2)"}
      with_rate: {type: formula, formula: "round(subtotal * (1 + parent.rate), 2)"}
    checks: [{must: quantity > 0, message: More than nothing}]
  amount: {type: formula, formula: sum(lines.subtotal)}
  level: {type: formula, formula: customer.level}
  area: {type: formula, formula: customer.region.name}
  parts:
    type: lines
    fields:
      name: {type: text, required: yes}
      share: {type: percent}
      price: {type: money, default: "=pick(product, name == record.name).price"}
    unique: [name]
    totals: [share]
  due_on: {type: date, default: =today() + days(10)}
"""

PRODUCT = """
entity: product
title: name
owned: no
fields:
  name: {type: text, required: yes, unique: yes}
  price: {type: money}
  sold: {type: rollup, of: order.lines.product, sum: quantity}
  worth: {type: rollup, of: order.lines.product, sum: with_rate}
access:
  seller: {scope: all, create: yes, update: yes, delete: yes}
  manager: {scope: all}
"""

VISIT = """
entity: visit
title: content
fields:
  about: {type: any_link, to: [customer, order], required: yes}
  content: {type: text}
  visited_at: {type: datetime, default: =now()}
access: {inherit: customer}
"""

NOTE = """
entity: note
title: text
fields:
  text: {type: text}
  customer: {type: link, to: customer, on_delete: cascade}
"""

REGION = """
entity: region
title: name
owned: no
fields:
  name: {type: text, required: yes, unique: yes}
  customers: {type: rollup, of: customer.region, count: yes}
  total: {type: rollup, of: customer.region, sum: total}
  winners: {type: rollup, of: customer.region, count: yes, where: main_order.stage == 'won'}
  names: {type: rollup, of: customer.region, list: name}
access:
  seller: {scope: all, create: yes, update: yes}
"""

FILES = {
    "app.yaml": APP,
    "roles.yaml": ROLES,
    "entities/customer.yaml": CUSTOMER,
    "entities/order.yaml": ORDER,
    "entities/product.yaml": PRODUCT,
    "entities/visit.yaml": VISIT.replace("access: {inherit: customer}\n", ""),
    "entities/note.yaml": NOTE,
    "entities/region.yaml": REGION,
}
#: name: (role, manager)
PEOPLE = {
    "root": ("admin", None),
    "mia": ("manager", None),
    "sam": ("seller", "mia"),
    "sue": ("seller", "mia"),
    "tom": ("seller", None),
    "aud": ("auditor", None),
}


def load(files: dict[str, str] | None = None) -> Catalog:
    return catalog_from(files or FILES)


def build(url: str, files: dict[str, str] | None = None) -> None:
    """Build the template: tables and people."""
    pools = Pools(url)
    try:
        catalog = load(files)
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
    """Everything a writing test needs, over one copy of the database."""

    def __init__(self, pools: Pools, folder: Path, hooks: Any = None) -> None:
        self.pools = pools
        self.live = Live(pools, field_types())
        self.clock = FrozenClock(NOW)
        self.organisation = Organisation(pools, lambda: self.live.release)
        self.records = Records(
            pools,
            self.live,
            self.organisation,
            self.clock,
            secret=b"test",
            hooks=hooks,
            files=FileStore(folder),
        )
        self.ids = {name: number for number, name in enumerate(PEOPLE, start=1)}

    def who(self, name: str) -> Principal:
        if name == "system":
            return SYSTEM
        found = self.organisation.principal(self.ids[name])
        assert found is not None
        return found

    def apply(self, files: dict[str, str]) -> None:
        """Apply another configuration."""
        apply_catalog(self.pools, load(files), "test", options=ApplyOptions(recompute=(recompute,)))
        self.live.reload()

    def one(self, statement: Any, **values: Any) -> Any:
        """Return the first row of a statement."""
        with self.pools.engine.connect() as connection:
            return connection.execute(statement, values).first()

    def row(self, entity: str, number: int) -> dict[str, Any]:
        """Return a row as it stands in the table."""
        table = self.live.release.tables[entity]
        found = self.one(table.select().where(table.c.id == number))
        assert found is not None
        return dict(found._mapping)

    # Short cuts of what most tests need.

    def customer(self, who: str = "sam", **values: Any) -> int:
        return self.records.create(self.who(who), "customer", {"name": "Acme", **values}).id

    def product(self, name: str = "Bolt", price: str = "10") -> int:
        return self.records.create(self.who("sam"), "product", {"name": name, "price": price}).id

    def region(self, name: str = "North") -> int:
        return self.records.create(self.who("sam"), "region", {"name": name}).id

    def note(self, customer: int, text: str = "n", who: str = "sam") -> int:
        values = {"text": text, "customer": customer}
        return self.records.create(self.who(who), "note", values).id

    def order(self, customer: int, *lines: dict[str, Any], who: str = "sam", **values: Any) -> int:
        return self.records.create(
            self.who(who), "order", {"customer": customer, "lines": list(lines), **values}
        ).id

    def close(self) -> None:
        self.live.stop()
        self.pools.close()
