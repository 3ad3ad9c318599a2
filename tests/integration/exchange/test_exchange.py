"""Exchanges with a real server and a real database of somebody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from app.database.automation_tables import delivery
from app.database.exchange_tables import exchange_run
from app.database.pools import Pools
from app.errors import Forbidden, NotFound
from app.exchange.desk import Exchange
from app.notifications.calls import Outside
from app.notifications.delivery import Deliverer
from app.settings import read_settings
from app.transfer.runs import Imports
from tests.integration.automation.engine.world import World, build
from tests.integration.automation.notifications.servers import say, web_server

HOSTS = frozenset({"127.0.0.1"})
ENVIRONMENT = {"ERP_TOKEN": "s3cret"}
ERP = """
integration: erp
kind: api
url: {url}/api
secret: ERP_TOKEN
sync:
  - {{out: deal, to: POST /orders, on: update, if: stage == 'won', fields: {{no: =name, sum: =amount}},
     save: {{note: =answer.id}}}}
  - in: customer
    from: GET /items?size=2
    next: links.next
    every: 15 minutes
    match: [code]
    fields:
      code: item_no
      name: {{from: names.0}}
      credit: price.amount
      level: {{from: grade, map: {{K: a}}, else: c}}
"""
BY_BOT = """
---
integration: second
kind: api
url: {url}
as: user bot
sync: [{{in: customer, from: GET /items, every: day, match: [code], fields: {{code: item_no}}}}]
"""
NEVER = "rule: never\nentity: todo\nwhen: {on: create}\noff: yes\ndo: [{comment: Hello}]"
SELECT = "SELECT no, title || ' %' AS title, 1.50 AS price FROM items"
LEGACY = f"""
integration: legacy
kind: database
secret: LEGACY_DB
sync:
  - {{in: customer, from: "{SELECT}", match: [code],
     fields: {{code: "no", name: title, credit: price}}}}
"""


class Company:
    """A company that exchanges records, and what it told its administrators."""

    def __init__(self, world: World, environment: dict[str, str]) -> None:
        self.world, self.told = world, list[str]()
        self.imports = Imports(
            world.records, world.pools, world.live, world.organisation,
            world.records.writer.files, world.clock,
        )  # fmt: skip
        self.desk = Exchange(
            world.records, world.pools, world.live, self.imports, world.house.numbers, world.clock,
            Outside(environment, HOSTS | {make_url(environment["LEGACY_DB"]).query["host"]}), lambda words: self.told.append(str(words)),
        )  # fmt: skip

    def look(self) -> int:
        def begin(run: int) -> None:
            assert not self.imports.advance(run)

        return self.desk.look(begin)

    def apply(self, text: str, url: str = "") -> None:
        files = {"integrations/others.yaml": text.format(url=url) if url else text}
        self.world.rules(NEVER, **files)

    def runs(self) -> list[dict[str, Any]]:
        return self.world.select(sa.select(exchange_run).order_by(exchange_run.c.id))

    def customers(self) -> list[tuple[Any, ...]]:
        return [
            (one["code"], one["name"], str(one["credit"]), one["level"])
            for one in self.world.all("customer")
        ]


@pytest.fixture
def company(template_database, clone_database, tmp_path) -> Iterator[Company]:
    database = clone_database(template_database("engine_world", build))
    world = World(Pools(database), tmp_path, hosts=HOSTS)
    yield Company(world, {**ENVIRONMENT, "LEGACY_DB": database})
    world.close()


def shop(items: list[dict[str, Any]], trouble: list[int]) -> Any:
    """Answer with two pages of items, or with a status somebody put down."""

    def answer(handler: Any, asked: Any) -> None:
        if trouble:
            say(handler, trouble[0])
        elif asked.method == "POST":
            say(handler, 200, json.dumps({"id": "E-77"}).encode())
        elif "page=2" in asked.path:
            say(handler, 200, json.dumps({"data": items[2:], "links": {"next": None}}).encode())
        else:
            more = {"next": "/api/items?page=2"}
            say(handler, 200, json.dumps({"data": items[:2], "links": more}).encode())

    return answer


ITEMS: list[dict[str, Any]] = [
    {"item_no": "A1", "names": ["Bolt"], "price": {"amount": 12.5}, "grade": "K"},
    {"item_no": "A2", "names": ["Nut"], "price": {"amount": 5000}, "grade": "?"},
    {"item_no": "A3", "names": ["Nail"], "price": None, "grade": None},
]


def test_records_come_in_page_by_page_when_they_are_due_and_once(company: Company) -> None:
    items, trouble = [dict(one) for one in ITEMS], list[int]()
    with web_server(shop(items, trouble)) as site:
        company.apply(ERP, site.url)
        assert company.look() == 0  # It begins with its next moment.
        company.world.clock.moment += timedelta(minutes=15)
        assert company.look() == 1
        assert company.look() == 0
        paths = [one.path for one in site.asked]
        assert paths == ["/api/items?size=2", "/api/items?page=2"]
        assert {one.headers["authorization"] for one in site.asked} == {"Bearer s3cret"}
        # One row broke a rule of ours and keeps no other back.
        assert company.customers() == [("A1", "Bolt", "12.5", "a"), ("A3", "Nail", "None", "b")]
        assert company.told == ["The exchange erp-customer: 1 rows were left out."]
        items[1]["price"] = {"amount": 7}
        items[0]["names"] = ["Big bolt"]
        company.world.clock.moment += timedelta(minutes=61)
        assert company.look() == 1
    assert company.customers() == [
        ("A1", "Big bolt", "12.5", "a"), ("A3", "Nail", "None", "b"), ("A2", "Nut", "7", "c"),
    ]  # fmt: skip
    first, second = company.runs()
    assert (first["state"], first["rows"], first["missed"]) == ("done", 3, 0)
    # Four moments passed, and one run stands for all.
    assert (second["state"], second["missed"], second["problem"]) == ("done", 3, None)
    counts = company.desk.listed()[1].runs[0].counts
    assert {one: counts[one] for one in ("created", "updated", "unchanged", "faulty")} == {
        "created": 1, "updated": 1, "unchanged": 1, "faulty": 0,
    }  # fmt: skip
    lines = company.world.history("customer", company.world.all("customer")[0]["id"])
    assert {one["origin"] for one in lines} == {"import"}


def test_what_does_not_answer_is_tried_again_and_told_once(company: Company) -> None:
    trouble = [503]
    with web_server(shop(ITEMS, trouble)) as site:
        company.apply(ERP.replace("15 minutes", "day"), site.url)
        company.look()
        company.world.clock.moment += timedelta(days=1)
        assert company.look() == 1
        assert company.look() == 0
        company.world.clock.moment += timedelta(minutes=1)
        assert company.look() == 1
        assert company.told == ["The exchange erp-customer: The answer was 503."]
        trouble.clear()
        company.world.clock.moment += timedelta(minutes=5)
        assert company.look() == 1
        assert company.look() == 0
        assert [one["state"] for one in company.runs()] == ["failed", "failed", "done"]
        # Somebody asks in between; people who are no administrators may not.
        company.desk.ask(company.world.who("root"), "erp-customer")
        assert company.look() == 1
        with pytest.raises(Forbidden):
            company.desk.ask(company.world.who("sam"), "erp-customer")
        with pytest.raises(NotFound, match="There are: erp-customer"):
            company.desk.ask(company.world.who("root"), "erp-customr")
    assert company.desk.run("erp-customer").state == "failed"  # Nobody is there.


def test_the_secret_and_the_request_go_to_nobody_else(company: Company) -> None:
    def elsewhere(handler: Any, _asked: Any) -> None:
        body = {"data": [], "links": {"next": "http://127.0.0.2:1/api/items"}}
        say(handler, 200, json.dumps(body).encode())

    with web_server(elsewhere) as site:
        company.apply(ERP + BY_BOT, site.url)
        run = company.desk.run("erp-customer")
        assert str(run.problem).startswith("The next page would be at `127.0.0.2:1`;")
        assert len(site.asked) == 1
    with web_server(lambda handler, _: say(handler, 200, b'[{"item_no": "B1"}]')) as site:
        company.apply(BY_BOT.removeprefix("\n---"), site.url)
        # The robot of this company may read and no more.
        run = company.desk.run("second-customer")
        assert str(run.problem) == "Records of Customer may not be imported."
        company.apply(BY_BOT.removeprefix("\n---"), site.url.replace("127.0.0.1", "127.0.0.2"))
        run = company.desk.run("second-customer")
        assert "`127.0.0.2` is not a public address" in str(run.problem)


def test_what_goes_out_is_a_call_of_a_rule_whose_answer_is_kept(company: Company) -> None:
    trouble = list[int]()
    world = company.world
    with web_server(shop(ITEMS, trouble)) as site:
        company.apply(ERP, site.url)
        number = world.create("deal", name="D1", amount="10.50")
        world.update("deal", number, note="still open")
        assert not world.firings("erp-deal")
        world.update("deal", number, stage="won")
        settings = read_settings({"TRELLIS_ALLOWED_HOSTS": "127.0.0.1"})
        sender = Deliverer(world.pools, world.clock, settings, ENVIRONMENT, world.house.answers)
        ids = [one["id"] for one in world.select(sa.select(delivery))]
        assert sender.deliver(ids) == {"sent": 1}
        sent = site.asked[0]
        assert (sent.method, sent.path) == ("POST", "/api/orders")
        assert json.loads(sent.body) == {"no": "D1", "sum": "10.5"}
        assert sent.headers["authorization"] == "Bearer s3cret"
        # What was answered is kept, and that is no reason to tell it again.
        assert world.row("deal", number)["note"] == "E-77"
        assert len(world.select(sa.select(delivery))) == 1
        standing = company.desk.listed()[0]
        assert (standing.calls, standing.sent_at) == ({"sent": 1}, world.clock.moment)
        trouble.append(400)
        world.update("deal", number, amount="11")
        ids = [one["id"] for one in world.select(sa.select(delivery))]
        assert sender.deliver(ids) == {"dead": 1}
        company.look()
        company.look()
    told = "The exchange erp-deal: 1 calls failed for good. They can be sent again under System › "
    assert company.told == [f"{told}Deliveries."]


def test_a_database_is_read_and_never_written(company: Company) -> None:
    with company.world.pools.engine.begin() as connection:
        connection.exec_driver_sql("CREATE SEQUENCE public.counted")
        connection.exec_driver_sql("CREATE TABLE public.items (no text, title text)")
        connection.exec_driver_sql("INSERT INTO public.items VALUES ('X1', 'X'), ('X2', 'Y')")
    company.apply(LEGACY)
    assert company.look() == 0  # It has no rhythm: somebody asks.
    assert company.desk.run("legacy-customer").problem is None
    assert company.customers() == [("X1", "X %", "1.5", "b"), ("X2", "Y %", "1.5", "b")]
    writes = "SELECT nextval('public.counted')::text AS no, 'Z' AS title, 1 AS price"
    company.apply(LEGACY.replace(SELECT, writes))
    problem = str(company.desk.run("legacy-customer").problem)
    assert problem == "The database answered: cannot execute nextval() in a read-only transaction"
    company.apply(LEGACY.replace("LEGACY_DB", "DATABASE_URL"))
    assert "no secret `DATABASE_URL`" in str(company.desk.run("legacy-customer").problem)
