"""What is worked out and stored, worked out anew when its definition changes."""

import pytest

from app.records import recompute as module
from app.records.recompute import recompute
from tests.integration.writing.world import FILES


def changed(**pairs):
    files = dict(FILES)
    for name, (before, after) in pairs.items():
        path = f"entities/{name}.yaml"
        assert before in files[path]
        files[path] = files[path].replace(before, after)
    return files


def test_a_changed_formula_reaches_every_record_and_what_reads_it(world):
    customers = [world.customer() for _ in range(3)]
    for customer in customers:
        world.order(customer, {"product": world.product(f"P{customer}", "10")})
    versions = [world.row("customer", each)["version"] for each in customers]
    world.apply(changed(customer=("total * 2 + orders", "total * 3 + orders")))
    assert [world.row("customer", each)["score"] for each in customers] == [31, 31, 31]
    assert [world.row("customer", each)["version"] for each in customers] == versions


def test_a_changed_roll_up_reaches_roll_ups_of_it(world):
    region = world.region()
    customer = world.customer(region=region)
    bolt = world.product()
    world.order(customer, {"product": bolt}, stage="won")
    world.order(customer, {"product": bolt})
    assert world.row("region", region)["total"] == 20
    world.apply(changed(customer=("where: stage != 'void'", "where: stage == 'won'")))
    assert world.row("customer", customer)["total"] == 10
    assert world.row("customer", customer)["score"] == 22
    assert world.row("region", region)["total"] == 10


def test_a_changed_formula_of_rows_reaches_their_record(world):
    order = world.order(world.customer(), {"product": world.product(), "quantity": "3"})
    world.apply(changed(order=('"round(price * quantity, 2)"', '"round(price * quantity / 2, 2)"')))
    assert world.row("order", order)["amount"] == 15


def test_it_goes_on_where_it_was_broken_off(world, monkeypatch):
    customers = [world.customer() for _ in range(5)]
    table = world.live.release.tables["customer"]
    with world.pools.engine.begin() as connection:
        connection.execute(table.update().values(score=-1))
    monkeypatch.setattr(module, "BATCH", 2)
    done = []

    def mark(last):
        done.append(last)
        if len(done) == 2:
            raise KeyboardInterrupt

    with world.pools.read.connection() as connection, pytest.raises(KeyboardInterrupt):
        recompute(connection, world.live.release, "customer", mark=mark)
    scores = [world.row("customer", each)["score"] for each in customers]
    assert scores == [0, 0, -1, -1, -1]
    with world.pools.read.connection() as connection:
        assert recompute(connection, world.live.release, "customer", after=done[0]) == 3
    assert {world.row("customer", each)["score"] for each in customers} == {0}
