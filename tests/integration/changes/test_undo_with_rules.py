"""Undo beside rules, stages and approvals: nothing is sent, stages and reminders come back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from app.changes.run import Chosen
from app.changes.undoing import Changes
from app.database.automation_tables import reminder, stage_time
from app.database.pools import Pools
from app.records.doings import Doing
from tests.integration.automation.approvals import world as approving
from tests.integration.automation.engine.world import BASE, World, build

RULES = """
rule: tell
entity: customer
when: {on: update, changed: level}
do:
  - {notify: {to: owner, say: Level}}
  - {create: {entity: todo, set: {name: Look, about: =record}}}
---
rule: call
entity: customer
when: {before: 1 day, until: due_on}
do: [{notify: {to: owner, say: Call}}]
---
rule: close
entity: customer
when: {after: 5 days, since: created_at}
if: status == 'new'
do: [{set: {status: closed, note: Closed}}]
---
lifecycle: deals
entity: deal
field: step
stages: {new: {}, offer: {set: {note: Offered}}, won: {final: yes}}
moves: [{from: new, to: offer}, {from: offer, to: won}]
"""


@pytest.fixture
def world(template_database, clone_database, tmp_path) -> Iterator[World]:
    made = World(Pools(clone_database(template_database("engine_world", build))), tmp_path)
    deal = BASE["entities/deal.yaml"].replace(
        "  level: {type: text}", "  level: {type: text}\n  step: {type: stage}"
    )
    made.rules(*RULES.split("---"), **{"entities/deal.yaml": deal})
    yield made
    made.close()


def changes_of(world) -> Changes:
    return Changes(world.records, world.pools, world.live, world.organisation, world.clock)


def due(world, number):
    wanted = sa.select(reminder.c.due_at, reminder.c.suspended).where(
        reminder.c.record_id == number, reminder.c.due_at.is_not(None)
    ).order_by(reminder.c.rule)  # fmt: skip
    return [tuple(row.values()) for row in world.select(wanted)]


def test_rules_stay_silent_and_what_they_made_goes_with_it(world):
    changes, mia = changes_of(world), world.who("mia")
    ids = [world.create("customer", due_on="2026-05-01") for _ in range(3)]
    before = [due(world, one) for one in ids]
    doing = Doing("update", {"level": "a", "due_on": "2026-06-01"})
    run = changes.bulk(mia, "customer", Chosen(tuple(ids)), doing)
    assert len(world.messages()) == len(world.all("todo")) == 3
    assert due(world, ids[0]) != before[0]
    undone = changes.undo(mia, run.change_set)
    assert (undone.count("changed"), undone.count("skipped")) == (6, 0)
    assert all(row["deleted_at"] for row in world.all("todo"))
    assert [due(world, one) for one in ids] == before
    assert len(world.messages()) == 3
    gone = changes.bulk(mia, "customer", Chosen(tuple(ids)), Doing("delete"))
    assert all(suspended for _, suspended in due(world, ids[0]))
    changes.undo(mia, gone.change_set)
    assert [due(world, one) for one in ids] == before


def test_what_a_timed_rule_did_to_many_is_one_change_set(world):
    changes, root = changes_of(world), world.who("root")
    ids = [world.create("customer") for _ in range(4)]
    world.at(days=5, minutes=1)
    while world.claim() and world.work():
        pass
    rows = [world.row("customer", one) for one in ids]
    assert {row["status"] for row in rows} == {"closed"}
    lines = [world.records.history(root, "customer", one)[0] for one in ids]
    (change_set,) = {line.change_set for line in lines}
    head = changes.require_set(root, change_set)
    assert (head["kind"], head["note"], head["user_id"]) == ("rule", "close", None)
    undone = changes.undo(root, change_set, only={"customer": ids[:2]})
    assert undone.count("changed") == 2
    assert [world.row("customer", one)["status"] for one in ids] == [
        "new",
        "new",
        "closed",
        "closed",
    ]
    assert world.row("customer", ids[0])["note"] is None


def test_stages_go_back_with_their_time(world):
    changes, mia = changes_of(world), world.who("mia")
    number = world.create("deal", note="First")
    world.at(days=2)
    entered = world.row("deal", number)["step__since"]
    run = changes.bulk(mia, "deal", Chosen((number,)), Doing("update", {"step": "offer"}))
    moved = world.row("deal", number)
    assert (moved["step"], moved["note"]) == ("offer", "Offered")
    world.at(days=1)
    first = changes.undo(mia, run.change_set)
    row = world.row("deal", number)
    assert (row["step"], row["note"], row["step__since"], row["step__previous"]) == (
        "new", "First", entered, None,
    )  # fmt: skip
    assert world.select(sa.select(stage_time)) == []
    second = changes.undo(mia, first.change_set)
    row = world.row("deal", number)
    assert (row["step"], row["step__previous"], row["step__since"]) == (
        "offer",
        "new",
        world.clock.now(),
    )
    assert len(world.select(sa.select(stage_time))) == 1
    changes.undo(mia, second.change_set)
    assert world.row("deal", number)["step__since"] == entered


def test_what_is_being_approved_or_was_approved_is_not_changed_behind_it(
    template_database, clone_database, tmp_path
):
    pools = Pools(clone_database(template_database("approvals_world", approving.build)))
    world = approving.World(pools, tmp_path)
    try:
        changes, sam = changes_of(world), world.who("sam")
        contract = world.make("contract", amount="10")
        run = changes.bulk(sam, "contract", Chosen((contract,)), Doing("update", {"amount": "20"}))
        approval = world.submit(contract)
        refused = changes.undo(sam, run.change_set)
        (left,) = changes.skipped(sam, refused.id)
        assert (left["why"], world.row("contract", contract)["amount"]) == ("check", 20)
        assert str(left["reasons"][0]["say"]).startswith("Locked while it is being approved.")
        world.yes(approval, "mia", "boss")
        assert changes.undo(sam, run.change_set).count("changed") == 1
        assert (world.state(contract), world.row("contract", contract)["amount"]) == ("waiting", 10)
        quote = world.make("quote", discount="0")
        raised = changes.bulk(sam, "quote", Chosen((quote,)), Doing("update", {"note": "x"}))
        world.edit("quote", quote, discount="5")
        changes.undo(sam, raised.change_set)
        assert world.state(quote, "quote") == "draft"
    finally:
        world.close()
