"""A rule that calls another system and keeps what that answers."""

from __future__ import annotations

import orjson
import pytest

from app.access.organisation import Organisation
from app.access.principal import SYSTEM
from app.automation.actions.call import CallAnswers
from app.automation.assembly import assemble
from app.automation.registry import register
from app.database.automation_tables import delivery, firing
from app.database.live import Live
from app.database.pools import Pools
from app.fields.registry import field_types
from app.notifications.delivery import Deliverer
from app.records.files import FileStore
from app.settings import read_settings
from tests.integration.automation.notifications.servers import say, web_server
from tests.integration.automation.notifications.world import FILES
from tests.integration.writing import world as writing

RULE = """
rule: tell-the-erp
label: Tell the ERP
entity: customer
when: {on: update, changed: [level]}
do:
  - call:
      url: =note
      method: PUT
      secret: ERP_TOKEN
      body: {name: =name, credit: =credit, kind: fixed}
      save: {reason: =answer.order.id, credit: =answer.limit}
"""
CONFIG = {**FILES, "workflows/erp.yaml": RULE}


def build(url: str) -> None:
    writing.build(url, CONFIG)
    pools = Pools(url)
    try:
        with pools.engine.begin() as connection:
            register(connection, writing.load(CONFIG), writing.NOW)
    finally:
        pools.close()


@pytest.fixture
def erp(template_database, clone_database, tmp_path):
    pools = Pools(clone_database(template_database("notifications_call", build)))
    clock = writing.FrozenClock(writing.NOW)
    live = Live(pools, field_types())
    organisation = Organisation(pools, lambda: live.release)
    made = assemble(
        pools,
        live,
        organisation,
        clock,
        secret=b"test",
        files=FileStore(tmp_path),
        allowed_hosts=frozenset({"127.0.0.1"}),
    )
    yield made, pools, clock
    live.stop()
    pools.close()


def rows(pools, table):
    with pools.engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(table.select())]


@pytest.mark.parametrize(
    ("answer", "saved", "note"),
    [
        (b'{"order": {"id": 4711}, "limit": 12.5}', ("4711", "12.50"), "Sent."),
        (b'{"order": {"id": "x"}, "limit": 5000}', ("r", "7.00"),
         "Sent. The answer could not be saved: At most 1000."),
        (b"<html>", ("r", "7.00"), "Sent. Nothing was saved: the answer is no JSON."),
    ],
)  # fmt: skip
def test_a_rule_calls_and_keeps_the_answer(erp, answer, saved, note):
    made, pools, clock = erp
    with web_server(lambda handler, _: say(handler, 200, answer)) as site:
        values = {"name": "Acme", "credit": "7", "reason": "r", "note": f"{site.url}/customers"}
        number = made.records.create(SYSTEM, "customer", values).id
        made.records.update(SYSTEM, "customer", number, {"level": "a"})
        settings = read_settings({"TRELLIS_ALLOWED_HOSTS": "127.0.0.1"})
        answers = CallAnswers(made.records.writer, made.numbers)
        sender = Deliverer(pools, clock, settings, {"ERP_TOKEN": "x"}, answers)
        (row,) = rows(pools, delivery)
        assert sender.deliver([row["id"]]) == {"sent": 1}
    (asked,) = site.asked
    assert (asked.method, asked.path) == ("PUT", "/customers")
    assert orjson.loads(asked.body) == {"name": "Acme", "credit": "7.00", "kind": "fixed"}
    record = made.records.get(SYSTEM, "customer", number)
    assert (record["reason"], str(record["credit"])) == saved
    assert rows(pools, delivery)[0]["tried"][0]["note"]["en"] == note
    (line,) = rows(pools, firing)
    assert (line["state"], line["steps"]["0"]["state"]) == ("done", "done")
    if note == "Sent.":
        (newest, *_) = made.records.history(SYSTEM, "customer", number)
        assert newest.cause == "tell-the-erp"


def test_x10_a_rule_that_calls_the_inner_network_is_refused_at_once(erp):
    """X10: the ledger says so, the write goes on."""
    made, pools, _ = erp
    values = {"name": "Acme", "reason": "r", "credit": "1", "note": "http://169.254.169.254/latest"}
    number = made.records.create(SYSTEM, "customer", values).id
    made.records.update(SYSTEM, "customer", number, {"level": "a"})
    assert rows(pools, delivery) == []
    (line,) = rows(pools, firing)
    assert line["steps"]["0"]["state"] == "failed"
    assert line["steps"]["0"]["note"]["en"].startswith("`169.254.169.254` is not a public")
