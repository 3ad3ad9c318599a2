"""Rules on events, within the write that sets them off."""

import pytest

from app.errors import Reject, RuleFailed
from tests.integration.automation.engine.world import World, steps

FIRST = """
rule: first
entity: customer
when: {on: create}
do: [{set: {status: active, note: "=lower(name)"}}]
"""
SECOND = """
rule: second
entity: customer
when: {on: [create, update], changed: status, to: active}
if: status == 'active'
do:
  - {set: {seen: =note}}
  - {create: {entity: todo, set: {name: Call, about: =record}}}
  - {notify: {to: owner, say: "{{ record.name }} is active."}}
"""


def test_rules_set_within_the_write_each_seeing_the_former(world: World) -> None:
    world.rules(FIRST, SECOND)
    number = world.create("customer", name="Acme")
    row = world.row("customer", number)
    assert (row["status"], row["note"], row["seen"], row["version"]) == (
        "active",
        "acme",
        "acme",
        1,
    )
    (line,) = world.history("customer", number)
    assert (line["action"], line["cause"], line["user_id"]) == (
        "create",
        "first, second",
        world.ids["sam"],
    )
    (todo,) = world.all("todo")
    assert (todo["about"], todo["owner"]) == (number, world.ids["sam"])
    (made,) = world.history("todo", todo["id"])
    assert (made["origin"], made["cause"], made["user_id"]) == ("rule", "second", world.ids["sam"])
    assert world.messages() == [("sam", "Acme is active.")]
    assert world.states() == ["done", "done"]
    assert list(steps(world.firings("second")[0])) == [("0", "done"), ("1", "done"), ("2", "done")]
