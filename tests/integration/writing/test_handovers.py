"""Records that change hands: transferred, shared, merged."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.database import system
from app.errors import Forbidden, InvalidInput, NotFound
from tests.integration.writing.world import NOW


def shares(world, entity, number):
    chosen = sa.select(system.share.c.user_id, system.share.c.may_edit).where(
        system.share.c.entity == world.live.release.numbers[entity],
        system.share.c.record_id == number,
    )
    with world.pools.engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(chosen)}


def test_transfer_takes_along_what_it_was_told_to(world):
    customer = world.customer()
    note, order = world.note(customer), world.order(customer)
    stays = world.note(customer, who="root")
    moved = world.records.transfer(
        world.who("mia"), "customer", [customer], world.ids["sue"], along=["note.customer"]
    )
    assert moved == 2
    row = world.row("customer", customer)
    assert (row["owner"], row["previous_owner"], row["owner_since"], row["version"]) == (
        world.ids["sue"],
        world.ids["sam"],
        NOW,
        2,
    )
    assert world.row("note", note)["owner"] == world.ids["sue"]
    assert world.row("note", stays)["owner"] == world.ids["root"]
    assert world.row("order", order)["owner"] == world.ids["sam"]
    lines = {
        world.records.history(world.who("mia"), entity, number)[0].change_set
        for entity, number in (("customer", customer), ("note", note))
    }
    assert len(lines) == 1
    line = world.records.history(world.who("sue"), "customer", customer)[0]
    assert line.action == "transfer"
    assert line.changes["owner"] == (world.ids["sam"], world.ids["sue"])


def test_of_several_only_what_each_owner_had_goes_along(world):
    ours, hers = world.customer(), world.customer("sue")
    # sam's note on sue's customer is not sue's to hand over.
    table = world.live.release.tables["note"]
    note = world.note(ours)
    with world.pools.engine.begin() as connection:
        connection.execute(table.update().where(table.c.id == note).values(customer=hers))
    world.records.transfer(
        world.who("mia"), "customer", [ours, hers], world.ids["mia"], along=["note.customer"]
    )
    assert world.row("note", note)["owner"] == world.ids["sam"]


def test_a17_nobody_transfers_without_the_right(world):
    mine, foreign = world.customer(), world.customer("tom")
    with pytest.raises(Forbidden):
        world.records.transfer(world.who("sam"), "customer", [mine], world.ids["sue"])
    with pytest.raises(NotFound):
        world.records.transfer(world.who("mia"), "customer", [mine, foreign], world.ids["sue"])
    assert world.row("customer", mine)["owner"] == world.ids["sam"]


def test_who_is_not_there_gets_nothing(world):
    customer = world.customer()
    with pytest.raises(InvalidInput) as error:
        world.records.transfer(world.who("mia"), "customer", [customer], 9_999)
    assert set(error.value.fields) == {"owner"}
    with pytest.raises(InvalidInput) as error:
        world.records.share(world.who("mia"), "customer", customer, [9_999])
    assert set(error.value.fields) == {"users"}


def test_a_share_shows_and_lets_edit_until_it_ends(world):
    customer = world.customer()
    tom = world.ids["tom"]
    with pytest.raises(NotFound):
        world.records.get(world.who("tom"), "customer", customer)
    world.records.share(
        world.who("mia"), "customer", customer, [tom], until=NOW + timedelta(days=1)
    )
    assert world.records.get(world.who("tom"), "customer", customer).id == customer
    with pytest.raises(Forbidden):
        world.records.update(world.who("tom"), "customer", customer, {"name": "By Tom"})
    world.records.share(
        world.who("mia"),
        "customer",
        customer,
        [tom],
        may_edit=True,
        until=NOW + timedelta(days=1),
    )
    world.records.update(world.who("tom"), "customer", customer, {"name": "By Tom"})
    assert [each["user_id"] for each in world.records.team(world.who("tom"), "customer", customer)]
    world.clock.moment = NOW + timedelta(days=2)
    with pytest.raises(NotFound):
        world.records.get(world.who("tom"), "customer", customer)


def test_a_share_taken_back_is_over_at_once(world):
    customer, tom = world.customer(), world.ids["tom"]
    world.records.share(world.who("mia"), "customer", customer, [tom])
    assert world.records.get(world.who("tom"), "customer", customer)
    world.records.unshare(world.who("mia"), "customer", customer, [tom])
    with pytest.raises(NotFound):
        world.records.get(world.who("tom"), "customer", customer)
    with pytest.raises(Forbidden):
        world.records.share(world.who("sam"), "customer", customer, [tom])


def test_merge_points_everything_at_the_kept_record(world):
    region = world.region()
    keep, gone = world.customer(name="Keep"), world.customer(name="Gone", region=region)
    bolt = world.product()
    order = world.order(gone, {"product": bolt})
    visit = world.records.create(
        world.who("sam"),
        "visit",
        {"about": {"entity": "customer", "id": gone}, "content": "seen"},
    ).id
    both = world.customer(friends=[gone, keep])
    child = world.customer(parent=gone)
    written = world.records.merge(world.who("mia"), "customer", keep, [gone], {"note": "of both"})
    assert written.values["note"] == "of both"
    assert world.row("order", order)["customer"] == keep
    assert world.row("visit", visit)["about"] == keep
    assert world.row("customer", both)["friends"] == [keep]
    assert world.row("customer", child)["parent"] == keep
    row = world.row("customer", keep)
    assert (row["orders"], row["total"], row["last_note"], row["fans"]) == (1, 10, "seen", 1)
    assert world.row("customer", gone)["deleted_at"] == NOW
    assert world.row("region", region)["customers"] == 0
    newest = world.records.history(world.who("sam"), "visit", visit)[0]
    assert newest.changes["about"] == (
        {"entity": "customer", "id": gone},
        {"entity": "customer", "id": keep},
    )
    sets = {
        world.records.history(world.who("mia"), entity, number)[0].change_set
        for entity, number in (("customer", keep), ("order", order), ("customer", both))
    }
    assert len(sets) == 1
    assert None not in sets


def test_merge_reworks_formulas_that_read_through_the_link(world):
    keep, gone = world.customer(level="b"), world.customer(level="old")
    order = world.order(gone)
    assert world.row("order", order)["level"] == "old"
    world.records.merge(world.who("mia"), "customer", keep, [gone])
    assert world.row("order", order)["level"] == "b"


def test_merge_keeps_everybody_the_records_were_shared_with(world):
    keep, one, two = world.customer(), world.customer(), world.customer()
    tom, sue, aud = (world.ids[name] for name in ("tom", "sue", "aud"))
    mia = world.who("mia")
    world.records.share(mia, "customer", keep, [tom])
    world.records.share(mia, "customer", one, [tom, sue])
    world.records.share(mia, "customer", two, [sue, aud], may_edit=True)
    world.records.merge(mia, "customer", keep, [one, two])
    assert shares(world, "customer", keep) == {tom: False, sue: True, aud: True}
    assert shares(world, "customer", one) == shares(world, "customer", two) == {}
    assert world.records.get(world.who("sue"), "customer", keep)


def test_merge_needs_the_right_for_each(world):
    mine, foreign = world.customer(), world.customer("tom")
    with pytest.raises(Forbidden):
        world.records.merge(world.who("sam"), "customer", mine, [world.customer()])
    with pytest.raises(NotFound):
        world.records.merge(world.who("mia"), "customer", mine, [foreign])
    with pytest.raises(InvalidInput):
        world.records.merge(world.who("mia"), "customer", mine, [mine])
    with pytest.raises(InvalidInput):
        world.records.merge(world.who("mia"), "customer", mine, [])


def test_a_merge_that_breaks_a_rule_changes_nothing(world):
    keep, gone = world.customer(), world.customer()
    order = world.order(gone)
    with pytest.raises(InvalidInput):
        world.records.merge(world.who("mia"), "customer", keep, [gone], {"level": "a"})
    assert world.row("order", order)["customer"] == gone
    assert world.row("customer", gone)["deleted_at"] is None
