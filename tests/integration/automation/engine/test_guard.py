"""Loops, rights and failures."""

from typing import Any

import pytest

from app.errors import Forbidden, RuleFailed
from app.records.prepared import PreparedStatement
from tests.integration.automation.engine.world import World

PING = """
rule: ping
entity: customer
when: {on: update, changed: note}
do: [{update: {entity: deal, where: customer == record, set: {note: "=join('', note, 'x')"}}}]
---
rule: pong
entity: deal
when: {on: update, changed: note}
do: [{set: {customer.note: "=join('', customer.note, 'y')"}}]
"""
ENDLESS = """
rule: breed
entity: todo
when: {on: create}
if: loop > 0
do: [{create: {entity: todo, set: {name: Child, loop: "=record.loop + 1"}}}]
"""


def test_j5_no_rule_meets_a_record_twice_in_a_chain(world: World) -> None:
    """J5: A writes, B writes, A again: it ends there, and the ledger names the loop."""
    world.rules(PING)
    customer = world.create("customer")
    deal = world.create("deal", customer=customer)
    world.update("customer", customer, note="a")
    assert (world.row("customer", customer)["note"], world.row("deal", deal)["note"]) == ("ay", "x")
    assert world.states() == ["done", "done", "skipped"]
    loop = f"ping (customer {customer}) → pong (deal {deal}) → ping (customer {customer})"
    assert loop in world.firings("ping")[1]["reason"]["en"]


def test_j5_a_chain_that_is_too_deep_is_refused_as_a_whole(world: World) -> None:
    """J5: a rule that makes records for ever is stopped, with the loop named and no half work."""
    world.rules(ENDLESS)
    with pytest.raises(RuleFailed) as failed:
        world.create("todo", loop=1)
    assert str(failed.value).count("breed (todo") == 9
    assert world.all("todo") == []
    assert world.states("breed") == ["failed"]
    world.create("todo")


ACTING = """
rule: as-the-causer
entity: deal
when: {on: update, changed: amount}
as: user
do: [{set: {customer.note: "=join(' ', 'by', name)"}}]
---
rule: as-the-robot
entity: deal
when: {on: update, changed: level}
as: user bot
do: [{comment: seen}, {set: {customer.note: no}}]
---
rule: as-the-system
entity: deal
when: {on: update, changed: note}
do: [{set: {customer.seen: "=join(' ', 'by', me.name)"}}]
"""


def test_rules_act_as_the_system_the_causer_or_a_named_user(world: World) -> None:
    world.rules(ACTING)
    mine = world.create("customer")
    deal = world.create("deal", customer=mine, name="D")
    world.update("deal", deal, amount="3")
    assert world.row("customer", mine)["note"] == "by D"
    world.update("deal", deal, note="x")
    assert world.row("customer", mine)["seen"] == "by Sam", "a read-only field is set by a rule"
    with pytest.raises(RuleFailed, match="as-the-robot") as failed:
        world.update("deal", deal, level="x")
    assert isinstance(failed.value.__cause__, Forbidden)
    assert world.comments() == []
    # What the causer may not write, a rule that acts as the causer may not write either.
    world.records.transfer(world.who("mia"), "customer", [mine], world.ids["sue"])
    with pytest.raises(RuleFailed, match="as-the-causer"):
        world.update("deal", deal, amount="4")


BROKEN = """
rule: broken-text
entity: customer
when: {on: update, changed: note}
do:
  - {notify: {to: owner, say: "{{ record.note|round }}"}}
  - {set: {seen: yes-it-was}}
  - {notify: {to: owner, say: "{{ record.note }}!"}}
---
rule: broken-step
entity: customer
when: {on: update, changed: credit}
do: [{create: {entity: todo, set: {name: =record.code}}}]
"""


def test_j2_j6_messages_that_fail_are_noted_and_what_fails_in_the_records_refuses(
    world: World,
) -> None:
    """J6, J2: a text that fails costs no save; a step that fails takes everything back."""
    world.rules(BROKEN)
    number = world.create("customer")
    world.update("customer", number, note="hm")
    assert world.row("customer", number)["seen"] == "yes-it-was"
    (row,) = world.firings("broken-text")
    assert row["steps"]["2"]["state"] == "done"
    assert "could not be made" in world.messages()[0][1]
    assert "cannot be filled in" in row["steps"]["0"]["note"]["en"]
    assert world.messages()[-1] == ("sam", "hm!")
    before = len(world.messages())
    with pytest.raises(RuleFailed, match="broken-step"):
        world.update("customer", number, "mia", credit="3", note="again")
    assert world.row("customer", number)["credit"] is None
    assert len(world.messages()) == before
    assert world.states("broken-step") == ["failed"]


def test_j2_of_a_batch_the_write_that_fails_leaves_nothing(world: World) -> None:
    """J2: what a rolled-back write meant to cause does not happen."""
    world.rules(BROKEN)
    one, two = world.create("customer"), world.create("customer")
    outcomes = world.records.batch(
        world.who("mia"),
        "customer",
        [
            {"action": "update", "id": one, "values": {"note": "x", "credit": "3"}},
            {"action": "update", "id": two, "values": {"note": "y"}},
        ],
        all_or_nothing=False,
    )
    assert [each.error is None for each in outcomes] == [False, True]
    assert [row["record_id"] for row in world.firings() if row["state"] == "done"] == [two]
    assert {text for _, text in world.messages() if text.endswith("!")} == {"y!"}


def _statements(world: World, monkeypatch: pytest.MonkeyPatch, do: Any) -> int:
    """Return how many statements the writing half sends for what is done."""
    seen = []
    run = PreparedStatement.run

    def counted(self: PreparedStatement, *arguments: Any) -> Any:
        seen.append(self.text)
        return run(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(PreparedStatement, "run", counted)
        do()
    return len(seen)


def test_a_write_without_rules_costs_no_statement_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def create() -> None:
        world.create("customer", name="Same")

    def update() -> None:
        world.update("customer", 1, note=str(len(world.history("customer", 1))))

    create()
    before = [_statements(world, monkeypatch, one) for one in (create, update)]
    # Rules of another entity, and one of this entity that does not fit.
    world.rules("rule: others\nentity: lead\nwhen: {on: create}\ndo: [{set: {source: x}}]")
    assert [_statements(world, monkeypatch, one) for one in (create, update)] == before
    world.rules(
        "rule: sets\nentity: customer\nwhen: {on: update, changed: score}\ndo: [{set: {note: y}}]"
    )
    assert [_statements(world, monkeypatch, one) for one in (create, update)] == before
    fires = _statements(world, monkeypatch, lambda: world.update("customer", 1, score=1))
    assert fires <= before[1] + 2, "the value and the line of the ledger"
