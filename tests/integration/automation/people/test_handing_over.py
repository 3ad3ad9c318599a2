"""Somebody leaves: everything goes to colleagues, and nothing else changes."""

from __future__ import annotations

from collections import Counter

import pytest
import sqlalchemy as sa

from app.access.principal import SYSTEM
from app.automation.absences import add_absence, away_now, deputy_of
from app.automation.handing_over import HandingOver, Left
from app.database.automation_tables import approval, approval_task, message, reminder
from app.database.system import history
from app.errors import Forbidden, InvalidInput, NotFound
from tests.integration.automation.people import world as sea_world
from tests.integration.automation.people.test_assignment import away

APPROVAL = """
approval: big
entity: deal
when: {button: Submit}
steps: [{approver: user sam}, {approver: user sam}]
---
rule: later
entity: customer
when: {after: 3 days, since: created_at}
if: owner is not empty
do: [{notify: {to: owner, say: Look}}]
"""


@pytest.fixture
def staffed(world):
    """Sam with customers, contacts and deals of them, and one deal of somebody else's customer."""
    world.apply({**sea_world.FILES, "workflows/more.yaml": APPROVAL})
    sam = world.who("sam")
    made = {"customer": [], "contact": [], "deal": []}
    for n in range(4):
        customer = world.records.create(sam, "customer", {"name": f"C{n}"}).id
        made["customer"].append(customer)
        for kind in ("contact", "deal"):
            values = {"name": f"{kind}{n}", "customer": customer}
            if kind == "deal":
                values["stage"] = "offer"
            made[kind].append(world.records.create(sam, kind, values).id)
    other = world.records.create(world.who("tom"), "customer", {"name": "Tom's"}).id
    values = {"name": "apart", "customer": other, "owner": world.ids["sam"]}
    made["deal"].append(world.records.create(SYSTEM, "deal", values).id)
    world.made = made
    return world


def handing_over(world):
    return HandingOver(world.records, world.house.approvals)


def test_everything_goes_to_several_in_turn_what_belongs_together_together(staffed):
    world, made = staffed, staffed.made
    away(world, "tom", "sam")
    left = handing_over(world).left(world.who("mia"), world.ids["sam"])
    # A manager sees what the manager may transfer.
    assert left == Left({"customer": 4, "contact": 4, "deal": 5})
    before = {number: world.row("deal", number) for number in made["deal"]}
    heirs = [world.ids["sue"], world.ids["mia"]]
    done = handing_over(world).hand_over(world.who("root"), world.ids["sam"], heirs)
    assert done.records == {"customer": 4, "contact": 4, "deal": 5}
    owners = Counter(world.owner("customer", number) for number in made["customer"])
    assert owners == {"sue": 2, "mia": 2}
    for n, customer in enumerate(made["customer"]):
        owner = world.owner("customer", customer)
        assert world.owner("contact", made["contact"][n]) == owner
        assert world.owner("deal", made["deal"][n]) == owner
    kept = ("stage", "customer", "name", "created_by", "created_at")
    for number, old in before.items():
        row = world.row("deal", number)
        assert [row[name] for name in kept] == [old[name] for name in kept]
        assert row["previous_owner"] == world.ids["sam"]
    # One change set, named after who did it.
    lines = world.select(sa.select(history).where(history.c.action == "transfer"))
    assert len(lines) == 13
    assert len({line["change_set"] for line in lines}) == 1
    assert {line["user_id"] for line in lines} == {world.ids["root"]}

    # Who stood in for others does so no longer, and the first heir stands in from now on.
    def stands_in(work):
        return away_now(work), deputy_of(work, world.ids["sam"])

    found, deputy = world.records.writer.transact(SYSTEM, stands_in)
    assert found == {world.ids["tom"]: world.ids["sue"], world.ids["sam"]: world.ids["sue"]}
    assert deputy == world.ids["sue"]
    # Reminders reach whoever has it now.
    assert len(world.select(sa.select(reminder))) >= 4
    world.at(world.clock.moment + sea_world.THREE_DAYS)
    told = Counter(name for name, text in world.messages() if text == "Look")
    # Tom is away, and sue, who stands in, may not read what is his.
    assert told == {"sue": 2, "mia": 2}
    assert handing_over(world).left(world.who("root"), world.ids["sam"]).is_nothing


def test_approvals_reports_and_departments_go_to_the_first(staffed):
    world = staffed
    deal = world.records.create(world.who("tom"), "deal", {"name": "Mine"}).id
    from app.automation.approvals.submitting import Submission

    world.house.approvals.submit(
        world.who("root"), Submission(approval="big", entity="deal", record_id=deal)
    )
    waiting = sa.select(approval_task.c.user_id).where(approval_task.c.state == "waiting")
    assert [row["user_id"] for row in world.select(waiting)] == [world.ids["sam"]]
    root, sam = world.who("root"), world.ids["sam"]
    assert handing_over(world).left(root, sam).questions == 1
    handing_over(world).hand_over(root, sam, [world.ids["mia"]], entities=["contact"])
    assert [row["user_id"] for row in world.select(waiting)] == [world.ids["mia"]]
    # Only what was ticked changed hands.
    assert world.owner("customer", world.made["customer"][0]) == "sam"
    assert world.owner("contact", world.made["contact"][0]) == "mia"
    # A manager leaves: reports and departments follow, also to one of the reports.
    mia = world.ids["mia"]
    left = handing_over(world).left(root, mia)
    assert (left.people, left.departments) == (2, 1)
    handing_over(world).hand_over(root, mia, [world.ids["sue"]])
    assert world.row("user", world.ids["sue"])["manager"] is None
    assert world.row("user", sam)["manager"] == world.ids["sue"]
    assert (
        world.select(sa.select(world.live.release.tables["department"]))[0]["head"]
        == (world.ids["sue"])
    )
    assert world.select(sa.select(message.c.id)) != []
    assert world.select(sa.select(approval.c.state))[0]["state"] == "waiting"


def test_only_those_above_hand_over_and_only_to_those_who_can_take_it(staffed):
    world, ids = staffed, staffed.ids
    desk = handing_over(world)
    for who in ("sam", "sue", "tom", "aud"):
        with pytest.raises(Forbidden):
            desk.hand_over(world.who(who), ids["sam"], [ids["sue"]])
    with pytest.raises(NotFound):
        desk.left(world.who("root"), 9999)
    for heirs in ([], [ids["sam"]], [9999]):
        with pytest.raises(InvalidInput) as caught:
            desk.hand_over(world.who("mia"), ids["sam"], heirs)
        assert list(caught.value.fields) == ["heirs"]
    world.records.update(SYSTEM, "user", ids["sue"], {"grade": "junior"})
    with pytest.raises(InvalidInput) as caught:
        desk.hand_over(world.who("mia"), ids["sam"], [ids["sue"]])
    sentence = next(iter(caught.value.fields.values()))[0].in_language("en")
    assert sentence.startswith("Sue has 2 of at most 2 (Active customers) already.")
    # Nothing of it happened.
    assert {world.owner("customer", one) for one in world.made["customer"]} == {"sam"}
    assert world.records.writer.transact(SYSTEM, away_now) == {}
    with pytest.raises(Forbidden):
        world.records.writer.transact(
            world.who("sue"), lambda work: add_absence(work, ids["tom"], work.now, None, None)
        )
