"""The recycle bin: what goes along, what refuses, what comes back, what is gone for good."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from app.database import system
from app.errors import Forbidden, InvalidInput, NotFound


def is_deleted(world, entity, number):
    return world.row(entity, number)["deleted_at"] is not None


def entries(world, entity, number):
    numbers = world.live.release.numbers
    chosen = (
        sa.select(system.history.c.action, system.history.c.change_set)
        .where(system.history.c.entity == numbers[entity], system.history.c.record_id == number)
        .order_by(system.history.c.id)
    )
    with world.pools.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(chosen)]


def test_q8_a_required_link_refuses_the_deletion(world):
    customer = world.customer()
    world.order(customer)
    with pytest.raises(InvalidInput) as error:
        world.records.delete(world.who("root"), "customer", customer)
    assert str(error.value.message) == (
        "It cannot be deleted: 1 × Order still name it in Customer."
    )
    assert not is_deleted(world, "customer", customer)


def test_q8_cascade_takes_children_along_and_restore_brings_all_back(world):
    customer = world.customer()
    notes = [world.note(customer), world.note(customer)]
    elsewhere = world.note(world.customer())
    assert world.records.delete(world.who("mia"), "customer", customer) == 3
    assert all(is_deleted(world, "note", note) for note in notes)
    assert not is_deleted(world, "note", elsewhere)
    sets = {entries(world, "note", note)[-1] for note in notes}
    sets.add(entries(world, "customer", customer)[-1])
    assert len(sets) == 1
    assert sets.pop()[1] is not None
    assert world.records.restore(world.who("mia"), "customer", customer) == 3
    assert not any(is_deleted(world, "note", note) for note in notes)
    assert world.records.search(world.who("mia"), "Acme")


def test_what_was_deleted_before_stays_in_the_bin(world):
    customer = world.customer()
    early, late = world.note(customer), world.note(customer)
    world.records.delete(world.who("mia"), "note", early)
    world.records.delete(world.who("mia"), "customer", customer)
    world.records.restore(world.who("mia"), "customer", customer)
    assert is_deleted(world, "note", early)
    assert not is_deleted(world, "note", late)


def test_restoring_one_of_several_leaves_the_others(world):
    one, two = world.customer(), world.customer()
    note = world.note(one)
    world.records.delete(world.who("mia"), "customer", [one, two])
    assert world.records.restore(world.who("mia"), "customer", one) == 2
    assert not is_deleted(world, "note", note)
    assert is_deleted(world, "customer", two)


def test_q8_clear_lets_the_link_stand_until_the_purge(world):
    friend = world.customer()
    child = world.customer(parent=friend, friends=[friend])
    world.records.delete(world.who("mia"), "customer", friend)
    row = world.row("customer", child)
    assert (row["parent"], row["friends"], row["version"]) == (friend, [friend], 1)
    world.records.purge(world.who("root"), "customer", [friend])
    row = world.row("customer", child)
    assert (row["parent"], row["friends"]) == (None, [])


def test_a18_nobody_deletes_without_the_right(world):
    customer = world.customer()
    with pytest.raises(Forbidden):
        world.records.delete(world.who("sam"), "customer", customer)
    with pytest.raises(Forbidden):
        world.records.batch(
            world.who("sam"), "customer", [{"action": "delete", "id": customer}]
        ) if False else world.records.delete(world.who("sam"), "customer", [customer])
    assert not is_deleted(world, "customer", customer)


def test_a18_a_cascade_needs_the_right_for_all_that_goes_along(world):
    customer = world.customer()
    theirs = world.note(customer)
    # A note of somebody who does not report to mia: she may not delete it.
    table = world.live.release.tables["note"]
    with world.pools.engine.begin() as connection:
        connection.execute(
            table.update().where(table.c.id == theirs).values(owner=world.ids["tom"])
        )
    with pytest.raises(Forbidden):
        world.records.delete(world.who("mia"), "customer", customer)
    assert not is_deleted(world, "customer", customer)
    assert not is_deleted(world, "note", theirs)


def test_the_bin_is_in_no_list_and_cannot_be_written(world):
    customer = world.customer()
    world.records.delete(world.who("mia"), "customer", customer)
    assert len(world.records.query(world.who("mia"), "customer")) == 0
    assert len(world.records.bin(world.who("mia"), "customer")) == 1
    for ask in (
        lambda: world.records.delete(world.who("mia"), "customer", customer),
        lambda: world.records.update(world.who("mia"), "customer", customer, {"name": "x"}),
        lambda: world.records.transfer(world.who("mia"), "customer", [customer], world.ids["sue"]),
    ):
        with pytest.raises(NotFound):
            ask()
    with pytest.raises(InvalidInput):
        world.order(customer)


def test_only_what_is_in_the_bin_can_be_restored_or_purged(world):
    customer = world.customer()
    with pytest.raises(NotFound):
        world.records.restore(world.who("mia"), "customer", customer)
    with pytest.raises(NotFound):
        world.records.purge(world.who("root"), "customer", [customer])
    world.records.delete(world.who("mia"), "customer", customer)
    with pytest.raises(Forbidden):
        world.records.purge(world.who("mia"), "customer", [customer])
    assert world.records.purge(world.who("root"), "customer", [customer]) == 1
    assert entries(world, "customer", customer)[-1][0] == "purge"
    found = world.one(sa.text("SELECT count(*) FROM crm.customer WHERE id = :id"), id=customer)
    assert found[0] == 0


def test_a_purge_takes_what_needs_it_out_of_the_bin(world):
    customer = world.customer()
    order = world.order(customer)
    world.records.delete(world.who("root"), "order", order)
    world.records.delete(world.who("root"), "customer", customer)
    assert world.records.purge(world.who("root"), "customer", [customer]) == 2
    found = world.one(sa.text('SELECT count(*) FROM crm."order" WHERE id = :id'), id=order)
    assert found[0] == 0


def test_a_product_in_rows_of_living_records_stays(world):
    bolt = world.product()
    order = world.order(world.customer(), {"product": bolt})
    with pytest.raises(InvalidInput) as error:
        world.records.delete(world.who("root"), "product", bolt)
    assert "1 × Order" in str(error.value.message)
    world.records.delete(world.who("root"), "order", order)
    world.records.delete(world.who("root"), "product", bolt)
    assert is_deleted(world, "product", bolt)


def test_roll_ups_and_formulas_follow_into_the_bin_and_back(world):
    region = world.region()
    customer = world.customer(region=region)
    order = world.order(customer, {"product": world.product()})
    assert world.row("order", order)["area"] == "North"
    assert world.row("region", region)["total"] == 10
    world.records.delete(world.who("root"), "order", order)
    row = world.row("customer", customer)
    assert (row["orders"], row["total"], row["biggest"], row["score"]) == (0, 0, None, 0)
    assert world.row("region", region)["total"] == 0
    world.records.restore(world.who("root"), "order", order)
    row = world.row("customer", customer)
    assert (row["orders"], row["total"], row["biggest"], row["score"]) == (1, 10, 10, 21)
    assert world.row("region", region)["total"] == 10
    world.records.delete(world.who("root"), "region", region)
    assert world.row("order", order)["area"] is None
    world.records.restore(world.who("root"), "region", region)
    assert world.row("order", order)["area"] == "North"


def test_nobody_links_to_what_is_being_deleted(world):
    """Whoever comes first wins; never is a living order left with a customer in the bin."""
    for _ in range(12):
        customer = world.customer()

        def link(customer=customer):
            try:
                return world.order(customer)
            except InvalidInput:
                return None

        def remove(customer=customer):
            try:
                return world.records.delete(world.who("root"), "customer", customer)
            except InvalidInput:
                return None

        with ThreadPoolExecutor(2) as pool:
            order, removed = pool.submit(link), pool.submit(remove)
            order, removed = order.result(), removed.result()
        assert (order is None) != (removed is None)


def test_a_version_guards_deletions(world):
    from app.records.conflicts import RecordConflict

    customer = world.customer()
    world.records.update(world.who("sam"), "customer", customer, {"name": "New"})
    with pytest.raises(RecordConflict):
        world.records.delete(world.who("mia"), "customer", customer, version=1)
    world.records.delete(world.who("mia"), "customer", customer, version=2)
