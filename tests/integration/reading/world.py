"""A small company to read in: its configuration, its people, its records.

People: *boss* (director) over *mia* (manager) over *sam* over *sue* (sellers), and *tom* (seller) in
another team; *vera* reads what is active, *aud* reads with masks, *dora* reads her department, *dirk*
the tree of his; *nora* has no role. Records are written straight into the tables: what is tested
here is reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from app.access.organisation import CHANNEL, SHARES, Organisation, touch
from app.access.principal import SYSTEM, Principal
from app.clock import FrozenClock
from app.database.apply import apply_catalog
from app.database.live import Live
from app.database.pools import Pools
from app.database.system import search, share
from app.fields.registry import field_types
from app.records.door import Records
from app.records.grams import search_row
from tests.integration.settling import catalog_from

NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)

APP = """
name: Test
languages: [en, zh]
time_zone: Asia/Shanghai
currencies: [CNY, USD]
values: {silent_days: 14}
"""

ROLES = """
roles:
  seller: {scope: own, may: [create, read, update, transfer, history]}
  manager: {is: seller, scope: subordinates, may: [delete, share, export]}
  director: {is: manager, scope: all}
  viewer: {scope: all, may: [read]}
  auditor: {scope: all, may: [read, history]}
  by_department: {scope: department, may: [read]}
  by_tree: {scope: department_tree, may: [read]}
  teamed: {scope: team, may: [read, update]}
  outsider: {scope: all, may: [read]}
  admin: {admin: yes}
"""

COMPANY = """
entity: company
title: name
fields:
  name: {type: text, required: yes, search: yes}
  level: {type: choice, options: {a: Key, b: Normal, c: Low}, default: b}
  status: {type: choice, options: {active: Active, dormant: Dormant}, default: active}
  amount: {type: money, min: 0}
  secret: {type: text}
  phones: {type: phones, mask: middle, search: yes}
  email: {type: email, mask: middle}
  city: {type: address}
  parent: {type: link, to: company, tree: yes}
  partners: {type: links, to: company}
  note: {type: longtext}
  last_at: {type: datetime}
  founded: {type: date}
  logo: {type: image}
  papers: {type: files}
  grade: {type: choice, options: {small: Small, big: Big, huge: Huge}}
  items:
    type: lines
    fields:
      label: {type: text}
      price: {type: decimal, default: 1}
  silent: {type: formula, formula: "days_between(last_at, now())"}
checks: []
access:
  seller: {update: own}
  viewer: {read: status == 'active'}
  auditor: {read: yes}
  outsider: {read: no}
  fields:
    secret: {seller: hidden, manager: hidden, director: edit, viewer: hidden, auditor: read}
    phones: {viewer: hidden, auditor: masked}
    email: {auditor: masked}
    else: {auditor: read}
screens:
  list: {columns: [name, level, amount], sort: -last_at, filters: [level, status]}
  views:
    key: {label: Key, where: level == 'a', sort: name}
    secret_ones: {label: Secret, where: secret is not empty}
    for_boss: {label: Boss, where: level == 'a', for: [director]}
"""

PERSON = """
entity: person
title: name
fields:
  name: {type: text, required: yes, search: yes}
  company: {type: link, to: company}
  boss: {type: link, to: person, where: company == record.company}
  company_level: {type: through, from: company.level}
  company_secret: {type: through, from: company.secret}
access: {inherit: company}
screens: {list: {sort: name}}
"""

TICKET = """
entity: ticket
title: title
fields:
  title: {type: text, search: yes}
  about: {type: any_link, to: [company, person]}
access: {inherit: company, seller: {scope: own}}
"""

PRODUCT = """
entity: product
title: name
owned: no
fields: {name: {type: text, search: yes}}
access: {viewer: {scope: all, read: yes}}
"""

CLOSED = """
entity: closed
title: name
owned: no
fields: {name: {type: text, search: yes}}
"""

FILES = {
    "app.yaml": APP,
    "roles.yaml": ROLES,
    "entities/company.yaml": COMPANY,
    "entities/person.yaml": PERSON,
    "entities/ticket.yaml": TICKET,
    "entities/product.yaml": PRODUCT,
    "entities/closed.yaml": CLOSED,
}

#: name: (id, role, manager, department)
PEOPLE = {
    "root": (1, "admin", None, None),
    "boss": (2, "director", None, 1),
    "mia": (3, "manager", "boss", 2),
    "sam": (4, "seller", "mia", 2),
    "sue": (5, "seller", "sam", 2),
    "tom": (6, "seller", "boss", 3),
    "vera": (7, "viewer", None, None),
    "aud": (8, "auditor", None, None),
    "dora": (9, "by_department", None, 2),
    "dirk": (10, "by_tree", None, 1),
    "nora": (11, None, None, None),
    "oto": (12, "outsider", None, None),
    "tea": (13, "teamed", None, None),
}
#: id: parent. 1 is above 2 and 3.
DEPARTMENTS = {1: None, 2: 1, 3: 1}

#: name: (id, owner, status, level, secret, amount, last contact in days)
COMPANIES = {
    "Mia Works": (1, "mia", "active", "a", "s-mia", "100.50", 1),
    "Sam Steel": (2, "sam", "active", "b", "s-sam", "200.00", 2),
    "Sue Silk": (3, "sue", "dormant", "b", "s-sue", "50.00", None),
    "Tom Tools": (4, "tom", "active", "a", "s-tom", "999.99", 3),
    "Nobody Ltd": (5, None, "active", "c", "s-none", None, None),
    "Sam Gone": (6, "sam", "active", "a", "s-gone", "1.00", 1),
    "信远科技有限公司": (7, "sam", "active", "a", "s-xin", "70.00", 20),
}
DELETED = 6


def load(files: dict[str, str] | None = None):
    return catalog_from(files or FILES)


def create_accounts(engine: sa.Engine) -> None:
    """Create the security tables as the host framework has them, and the people in them."""
    from flask_appbuilder.models.sqla import Model
    from flask_appbuilder.security.sqla import models  # noqa: F401

    names = {"ab_user", "ab_role", "ab_user_role", "ab_group", "ab_user_group", "ab_group_role"}
    tables = [table for table in Model.metadata.sorted_tables if table.name in names]
    Model.metadata.create_all(engine, tables=tables)
    by_name = {table.name: table for table in tables}
    roles = sorted({role for _, role, _, _ in PEOPLE.values() if role})
    with engine.begin() as connection:
        connection.execute(
            sa.insert(by_name["ab_role"]), [{"id": n + 1, "name": r} for n, r in enumerate(roles)]
        )
        for name, (number, role, _, _) in PEOPLE.items():
            connection.execute(
                sa.insert(by_name["ab_user"]).values(
                    id=number,
                    first_name=name,
                    last_name="",
                    username=name,
                    email=f"{name}@test.example",
                    active=True,
                )
            )
            if role:
                connection.execute(
                    sa.insert(by_name["ab_user_role"]).values(
                        id=number, user_id=number, role_id=roles.index(role) + 1
                    )
                )


def build(url: str) -> None:
    """Build the database of the template: tables, people, records."""
    pools = Pools(url)
    try:
        create_accounts(pools.engine)
        apply_catalog(pools, load(), "test")
        live = Live(pools, field_types())
        fill(pools, live)
        live.stop()
    finally:
        pools.close()


def fill(pools: Pools, live: Live) -> None:
    tables, numbers = live.release.tables, live.release.numbers
    ids = {name: number for name, (number, *_) in PEOPLE.items()}
    with pools.engine.begin() as connection:

        def insert(entity: str, **values: Any) -> None:
            connection.execute(sa.insert(tables[entity]).values(**values))

        for number, parent in DEPARTMENTS.items():
            insert("department", id=number, name=f"Department {number}", parent=parent)
        for name, (number, _, manager, department) in PEOPLE.items():
            insert(
                "user",
                id=number,
                name=name.title(),
                login=name,
                manager=ids.get(manager),
                department=department,
                active=True,
            )
        for name, (number, owner, status, level, secret, amount, days) in COMPANIES.items():
            insert(
                "company",
                id=number,
                name=name,
                owner=ids.get(owner),
                owner_department=PEOPLE[owner][3] if owner else None,
                status=status,
                level=level,
                secret=secret,
                amount=None if amount is None else Decimal(amount),
                phones=[{"number": f"+861390000000{number}", "kind": "mobile"}],
                email=f"c{number}@test.example",
                last_at=None if days is None else NOW - timedelta(days=days),
                grade=("huge", "big", "small")[number % 3],
                deleted_at=NOW if number == DELETED else None,
                deleted_by=4 if number == DELETED else None,
                partners=[2, 4] if number == 1 else [],
            )
            if number != DELETED:
                index(connection, numbers["company"], number, name, ids.get(owner), number, owner)
        company = tables["company"]
        connection.execute(sa.update(company).where(company.c.id == 2).values(parent=4))
        insert("company.items", id=1, parent=2, position=1, label="Bolt", price=Decimal("1.5"))
        insert("company.items", id=2, parent=2, position=0, label="Nut", price=Decimal(2))
        for number, (name, owner, works_at) in enumerate(
            [("Ann", "tom", 2), ("Ben", "sam", 4), ("Cid", "tom", 4), ("Dan", None, 1)], start=1
        ):
            insert("person", id=number, name=name, owner=ids.get(owner), company=works_at)
            index(connection, numbers["person"], number, name, ids.get(owner), None, owner)
        about = [("About Sam Steel", "tom", "company", 2), ("About Ann", "tom", "person", 1)]
        for number, (title, owner, kind, target) in enumerate(about, start=1):
            insert(
                "ticket",
                id=number,
                title=title,
                owner=ids[owner],
                about=target,
                about__entity=numbers[kind],
            )
        insert("product", id=1, name="Bolt")
        insert("closed", id=1, name="Closed thing")
        connection.execute(
            sa.text("SELECT setval(pg_get_serial_sequence('crm.company', 'id'), 1000)")
        )


def index(connection, kind, number, title, owner, phone, owner_name) -> None:
    others = [f"+861390000000{phone}"] if phone else []
    title, text, grams = search_row(title, others)
    connection.execute(
        sa.insert(search).values(
            entity=kind,
            record_id=number,
            owner=owner,
            owner_department=PEOPLE[owner_name][3] if owner_name else None,
            title=title,
            search=text,
            grams=grams,
        )
    )


@dataclass
class World:
    """Everything a reading test needs, over one copy of the database."""

    pools: Pools
    live: Live
    organisation: Organisation
    records: Records
    clock: FrozenClock

    def close(self) -> None:
        self.live.stop()
        self.pools.close()

    def who(self, name: str) -> Principal:
        if name == "system":
            return SYSTEM
        found = self.organisation.principal(PEOPLE[name][0])
        assert found is not None
        return found

    def share(self, entity: str, number: int, user: str, *, edit: bool = False, until=None) -> None:
        with self.pools.engine.begin() as connection:
            connection.execute(
                sa.insert(share).values(
                    entity=self.live.release.numbers[entity],
                    record_id=number,
                    user_id=PEOPLE[user][0],
                    may_edit=edit,
                    until=until,
                    shared_at=NOW,
                )
            )
            touch(connection, SHARES)
        self.organisation.expire()


def open_world(url: str) -> World:
    pools = Pools(url)
    live = Live(pools, field_types())
    clock = FrozenClock(NOW)
    organisation = Organisation(pools, lambda: live.release)
    live.on_notice(CHANNEL, organisation.expire)
    records = Records(pools, live, organisation, clock, secret=b"test")
    return World(pools, live, organisation, records, clock)
