"""A small company behind a web application: its configuration, its people, and ways to ask.

People: *mia* (manager) over *sam* and *sue* (sellers), *tom* (seller) beside them, *aud* reads all
with masks, *vic* sees only some, *nora* has no role, *root* administers. Every entity has records
of several owners, one of each in the bin.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.access.organisation import Organisation
from app.access.principal import SYSTEM
from app.clock import Clock, SystemClock
from app.database.apply import ApplyOptions, apply_catalog
from app.database.live import Live
from app.database.pools import Pools
from app.definitions.catalog import Catalog
from app.errors import InvalidInput
from app.factory import create_app
from app.fields.registry import field_types
from app.records.door import Records
from app.records.files import FileStore
from app.records.recompute import recompute
from app.security.first_start import add_roles, create_account_tables
from app.security.people import add_user
from app.settings import read_settings
from tests.integration.settling import catalog_from

PASSWORD = "a long enough secret"
PREFIX = "/api/v1"

APP = """
name: Test
languages: [en, zh]
time_zone: Asia/Shanghai
currencies: [CNY, USD]
modules:
  sales: {label: Sales, has: [customer, order]}
"""

ROLES = """
roles:
  seller: {scope: own, may: [create, read, update, history, transfer, share, export]}
  manager: {is: seller, scope: subordinates, may: [delete, restore, transfer, share, merge]}
  auditor: {scope: all, may: [read, history, export]}
  viewer: {scope: all, may: [read]}
  admin: {admin: yes}
"""

CUSTOMER = """
entity: customer
label: {en: Customer, zh: 客户}
title: name
fields:
  code: {type: serial, format: "C-{####}"}
  name: {label: {en: Name, zh: 名称}, type: text, required: yes, max: 40, search: yes}
  level: {type: choice, options: {a: Key, b: Normal, old: {label: Old, removed: yes}}, default: b}
  status: {type: choice, options: {active: Active, dormant: Dormant}, default: active}
  email: {type: email, unique: yes}
  phones: {type: phones, kinds: [mobile, office], mask: middle, search: yes}
  credit: {type: money, min: 0, max: 5000}
  reason: {type: text, required: level == 'a'}
  locked: {type: boolean, default: no}
  note: {type: longtext, readonly: locked}
  secret: {type: text}
  site: {type: url}
  city: {type: address}
  founded: {type: date}
  parent: {type: link, to: customer, tree: yes}
  friends: {type: links, to: customer}
  orders: {type: rollup, of: order.customer, count: yes}
  total: {type: rollup, of: order.customer, sum: amount, where: stage != 'void'}
  score: {type: formula, formula: "total * 2 + orders"}
  files: {type: files}
checks:
  - {must: credit is empty or credit <= 1000, message: {en: At most 1000., zh: 不超过一千。}}
  - {if: level == 'a', must: credit > 0, then: warn, message: A key customer without credit}
duplicates:
  - {same: [site], then: warn}
access:
  viewer: {read: status == 'active'}
  fields:
    secret: {seller: hidden, manager: hidden, viewer: hidden, auditor: read}
    credit: {seller: read, manager: edit}
    phones: {auditor: masked, viewer: hidden}
screens:
  list: {columns: [name, level], sort: name, filters: [level]}
  views:
    key: {label: Key, where: level == 'a', sort: -name}
  related: [order.customer, note.customer]
"""

ORDER = """
entity: order
title: number
fields:
  number: {type: serial, format: "O{customer}-{####}", per: customer}
  customer: {type: link, to: customer, required: yes}
  customer_secret: {type: through, from: customer.secret}
  customer_name: {type: through, from: customer.name}
  stage: {type: choice, options: {open: Open, won: Won, void: Void}, default: open}
  lines:
    type: lines
    fields:
      product: {type: link, to: product, required: yes}
      quantity: {type: decimal, default: 1, min: 0}
      price: {type: money, default: =product.price}
      subtotal: {type: formula, formula: "round(price * quantity, 2)"}
  amount: {type: formula, formula: sum(lines.subtotal)}
  due_on: {type: date, default: =today() + days(10)}
screens: {list: {columns: [number, customer, stage, amount]}}
"""

PRODUCT = """
entity: product
title: name
owned: no
fields:
  name: {type: text, required: yes, unique: yes, search: yes}
  price: {type: money}
access:
  seller: {scope: all, create: yes, update: yes, delete: yes}
  manager: {scope: all}
"""

VISIT = """
entity: visit
title: content
fields:
  about: {type: any_link, to: [customer, order], required: yes}
  content: {type: text, search: yes}
  visited_at: {type: datetime, default: =now()}
access: {inherit: customer}
"""

NOTE = """
entity: note
title: text
fields:
  text: {type: text, search: yes}
  customer: {type: link, to: customer, on_delete: cascade}
"""

#: A field of every type that a person writes, and none of them needed.
SAMPLE = """
entity: sample
title: text
fields:
  text: {type: text}
  longtext: {type: longtext}
  markdown: {type: markdown}
  email: {type: email}
  emails: {type: emails, kinds: [work]}
  phone: {type: phone}
  url: {type: url}
  urls: {type: urls}
  integer: {type: integer, min: -5, max: 1000}
  decimal: {type: decimal}
  currency: {type: currency}
  money: {type: money, currency: currency}
  percent: {type: percent}
  rating: {type: rating}
  date: {type: date}
  datetime: {type: datetime}
  time: {type: time}
  duration: {type: duration}
  boolean: {type: boolean}
  choice: {type: choice, options: {one: One, two: Two}}
  choices: {type: choices, options: {one: One, two: Two}}
  user: {type: user}
  users: {type: users}
  department: {type: department}
  departments: {type: departments}
  links: {type: links, to: product}
  address: {type: address}
  geo: {type: geo}
  file: {type: file}
  files: {type: files}
  image: {type: image}
  age: {type: formula, formula: "days_between(date, today())"}
"""

#: Nobody but an administrator has any right here.
CLOSED = """
entity: closed
title: name
owned: no
fields: {name: {type: text, search: yes}}
access: {auditor: {read: no}, viewer: {read: no}}
"""

FILES = {
    "app.yaml": APP,
    "roles.yaml": ROLES,
    "entities/customer.yaml": CUSTOMER,
    "entities/order.yaml": ORDER,
    "entities/product.yaml": PRODUCT,
    "entities/visit.yaml": VISIT,
    "entities/note.yaml": NOTE,
    "entities/sample.yaml": SAMPLE,
    "entities/closed.yaml": CLOSED,
}
#: name: (role, manager)
PEOPLE = {
    "root": ("admin", None),
    "mia": ("manager", None),
    "sam": ("seller", "mia"),
    "sue": ("seller", "mia"),
    "tom": ("seller", None),
    "aud": ("auditor", None),
    "vic": ("viewer", None),
    "nora": (None, None),
}
IDS = {name: number for number, name in enumerate(PEOPLE, start=1)}

#: id: (name, owner, status, secret); the last one of sam is in the bin.
CUSTOMERS = {
    1: ("Sam Steel", "sam", "active", "s-sam"),
    2: ("Sam Dormant", "sam", "dormant", "s-dormant"),
    3: ("Sue Silk", "sue", "active", "s-sue"),
    4: ("Tom Tools", "tom", "active", "s-tom"),
    5: ("Mia Works", "mia", "active", "s-mia"),
    6: ("Sam Gone", "sam", "active", "s-gone"),
}
DELETED = 6


def load(files: dict[str, str] | None = None) -> Catalog:
    return catalog_from(files or FILES)


def build(url: str) -> None:
    """Build the template: tables, people, records."""
    pools, live = Pools(url), None
    try:
        catalog = load()
        create_account_tables(pools.engine)
        apply_catalog(pools, catalog, "test")
        with pools.write.connection() as connection:
            add_roles(connection, catalog.roles)
        live = Live(pools, field_types())
        organisation = Organisation(pools, lambda: live.release)
        records = Records(
            pools, live, organisation, SystemClock(), secret=b"x", files=FileStore(Path("unused"))
        )
        for name, (role, manager) in PEOPLE.items():
            values = {"name": name.title(), **({"manager": IDS[manager]} if manager else {})}
            number = add_user(
                records, login=name, password=PASSWORD, roles=[role] if role else [], values=values
            )
            assert number == IDS[name]
        _fill(records)
    finally:
        if live is not None:
            live.stop()
        pools.close()


def _fill(records: Records) -> None:
    def make(entity: str, **values: Any) -> int:
        try:
            return records.create(SYSTEM, entity, values, origin="system").id
        except InvalidInput as error:
            raise AssertionError(error.as_json()) from error

    bolt = make("product", name="Bolt", price="10")
    make("closed", name="Closed thing")
    for number, (name, owner, status, secret) in CUSTOMERS.items():
        who = IDS[owner]
        made = make(
            "customer",
            name=name,
            owner=who,
            status=status,
            secret=secret,
            level="b",
            credit="100.50",
            email=f"c{number}@test.example",
            phones=[{"number": f"+861390000000{number}", "kind": "mobile"}],
        )
        assert made == number
        line = {"product": bolt, "quantity": "2"}
        make("order", customer=number, owner=who, lines=[line])
        make("note", text=f"Note on {name}", customer=number, owner=who)
        make("sample", text=f"Sample of {name}", owner=who, integer=number)
        make(
            "visit",
            about={"entity": "customer", "id": number},
            content=f"Visit at {name}",
            owner=who,
        )
    for entity in ("order", "note", "sample", "visit", "customer"):
        records.delete(SYSTEM, entity, DELETED)
    # What the others own beside a customer that is another's.
    make("note", text="Tom on Sam Steel", customer=1, owner=IDS["tom"])
    make("order", customer=4, owner=IDS["sam"], lines=[])


class Caller:
    """Somebody who asks over HTTP: with a token, or, from a browser, with a cookie."""

    def __init__(self, world: ApiWorld, name: str | None, token: str | None = None) -> None:
        self.world = world
        self.name = name
        self.client: FlaskClient = world.app.test_client()
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.csrf = ""

    def ask(self, method: str, path: str, **said: Any) -> TestResponse:
        """Send a request; *path* without ``/api`` or another root is below ``/api/v1``."""
        headers = {**self.headers, **said.pop("headers", {})}
        if self.csrf and method not in ("GET", "HEAD"):
            headers.setdefault("X-CSRFToken", self.csrf)
        if "json" in said:
            said |= {"data": json.dumps(said.pop("json")), "content_type": "application/json"}
        return self.client.open(path, method=method, headers=headers, **said)

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.ask("GET", PREFIX + path, query_string=query)

    def post(self, path: str, sent: Any = None, **said: Any) -> TestResponse:
        return self.ask("POST", PREFIX + path, json=sent, **said)

    def patch(self, path: str, sent: Any = None, **said: Any) -> TestResponse:
        return self.ask("PATCH", PREFIX + path, json=sent, **said)

    def delete(self, path: str, **said: Any) -> TestResponse:
        return self.ask("DELETE", PREFIX + path, **said)

    def rows(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Return the rows of a list that can be read."""
        response = self.get(path, **query)
        assert response.status_code == 200, response.text
        return response.json["rows"]

    def ids(self, path: str, **query: Any) -> set[int]:
        return {row["id"] for row in self.rows(path, **query)}

    def made(self, entity: str, **values: Any) -> dict[str, Any]:
        """Create a record and return it."""
        response = self.post(f"/{entity}/", values)
        assert response.status_code == 201, response.text
        return response.json

    def uploaded(self, name: str = "note.txt", content: bytes = b"hello") -> TestResponse:
        return self.ask("POST", f"{PREFIX}/files/", data={"file": (io.BytesIO(content), name)})


class ApiWorld:
    """A web application over one copy of the database."""

    def __init__(self, url: str, data: Path, clock: Clock | None = None, **settings: str) -> None:
        self.url = url
        known = read_settings(
            {
                "DATABASE_URL": url,
                "REDIS_URL": "redis://127.0.0.1:1",
                "TRELLIS_DATA": str(data),
                "TRELLIS_ADMIN_PASSWORD": PASSWORD,
                **settings,
            }
        )
        self.app = create_app(known, clock=clock)
        self.services = self.app.extensions["trellis"]
        self._callers: dict[str, Caller] = {}

    @property
    def catalog(self) -> Catalog:
        return self.services.live.release.catalog

    def who(self, name: str) -> Any:
        return self.services.organisation.principal(IDS[name])

    def as_(self, name: str) -> Caller:
        """Return *name* with a token."""
        if name not in self._callers:
            self._callers[name] = Caller(self, name, self.tokens(name)["access_token"])
        return self._callers[name]

    def anybody(self) -> Caller:
        """Return somebody who is not signed in."""
        return Caller(self, None)

    def tokens(self, name: str) -> dict[str, str]:
        response = self.anybody().post(
            "/security/login", {"username": name, "password": PASSWORD, "refresh": True}
        )
        assert response.status_code == 200, response.text
        return response.json

    def browser(self, name: str) -> Caller:
        """Return *name* signed in by the sign-in page."""
        caller = Caller(self, name)
        assert sign_in(caller, name, PASSWORD).status_code == 303
        caller.csrf = csrf_of(caller.ask("GET", "/me"))
        return caller

    def key_of(self, name: str) -> str:
        """Return a new API key, made on one's own page."""
        caller = self.browser(name)
        page = caller.ask("POST", "/me/keys", data={"name": "test", "csrf_token": caller.csrf}).text
        return "sst_" + page.split("sst_", 1)[1].split("<")[0].split('"')[0].strip()

    def row(self, entity: str, number: int) -> dict[str, Any] | None:
        """Return a row as it stands in the table."""
        table = self.services.live.release.tables[entity]
        with self.services.pools.engine.connect() as connection:
            found = connection.execute(table.select().where(table.c.id == number)).first()
        return None if found is None else dict(found._mapping)

    def raw_rows(self, entity: str) -> list[dict[str, Any]]:
        table = self.services.live.release.tables[entity]
        with self.services.pools.engine.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(table.select())]

    def system_rows(self, table: Any, **values: Any) -> list[dict[str, Any]]:
        """Return rows of a system table, the oldest first."""
        statement = table.select().filter_by(**values)
        with self.services.pools.engine.connect() as connection:
            rows = [dict(row._mapping) for row in connection.execute(statement)]
        return sorted(rows, key=lambda row: row.get("id", 0))

    def apply(self, files: dict[str, str]) -> None:
        """Apply another configuration."""
        options = ApplyOptions(recompute=(recompute,))
        apply_catalog(self.services.pools, load(files), "test", options=options)
        self.services.live.reload()

    def close(self) -> None:
        self.services.close()


def sign_in(caller: Caller, name: str, password: str, path: str = "/sign-in") -> TestResponse:
    """Send the sign-in form as its page does."""
    token = csrf_of(caller.ask("GET", path))
    return caller.ask(
        "POST", path, data={"username": name, "password": password, "csrf_token": token}
    )


def csrf_of(page: TestResponse) -> str:
    """Return the token a page of ours carries."""
    before, _, rest = page.text.partition('name="csrf_token"')
    assert rest, before[:2000]
    return rest.split('value="', 1)[1].split('"')[0]


def assert_api_error(
    response: TestResponse, status: int, code: str, *fields: str, says: str = ""
) -> dict[str, Any]:
    """Assert that an answer is an error in the one shape, about these fields; return it."""
    assert response.status_code == status, response.text
    assert response.mimetype == "application/json"
    assert set(response.json) == {"error"}
    error = response.json["error"]
    assert error["code"] == code, error
    assert isinstance(error["message"], str)
    assert error["message"]
    assert set(error) <= {"code", "message", "fields", "conflict", "number"}
    told = error.get("fields", {})
    assert all(isinstance(one, str) and one for many in told.values() for one in many)
    if fields:
        assert set(told) == set(fields), told
    if says:
        texts = [error["message"], *(one for many in told.values() for one in many)]
        assert any(says in text for text in texts), texts
    return error
