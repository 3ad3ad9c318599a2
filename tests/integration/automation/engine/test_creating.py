"""`create`: for each row, with copies, matches and what is carried along."""

from decimal import Decimal

from tests.integration.automation.engine.world import World

CONVERT = """
rule: convert
entity: lead
when: {on: update, changed: converted_at}
do:
  - {create: {entity: customer, name: found, match: [phones], copy: [phones], set: {name: =record.name, status: active}, carry: [timeline, files]}}
  - {create: {entity: todo, each: [{share: 33.33, what: First}, {share: 33.33, what: Second}, {share: 33.34, what: Last}], set: {name: =each.what, about: =new.found, share: "=split(100.01, each.share)"}}}
  - {set: {customer: =new.found}}
  - {if: new.found.status == 'active', comment: {en: "Now {{ new.found.name }}", zh: "现为 {{ new.found.name }}"}}
---
rule: plan
entity: deal
when: {on: update, changed: stage, to: won}
do:
  - {create: {entity: deal, name: next, copy: [customer, lines], set: {name: Renewal, amount: =record.amount * 2}}}
  - {create: {entity: todo, each: lines, set: {name: "=join(' ', 'Deliver', each.product)", about: =record}}}
"""


def _convert(world: World, **values: object) -> int:
    lead = world.create("lead", name="Lea", **values)
    world.records.comment(world.who("sam"), "lead", lead, "Called her")
    world.create("todo", name="Visit", about={"entity": "lead", "id": lead})
    world.update("lead", lead, converted_at="2026-03-10T12:00:00+08:00")
    return lead


def test_a_lead_becomes_a_customer_once(world: World) -> None:
    world.rules(CONVERT)
    lead = _convert(world, phones=[{"number": "13800138000"}])
    (customer,) = world.all("customer")
    assert (customer["name"], customer["status"], customer["owner"]) == (
        "Lea",
        "active",
        world.ids["sam"],
    )
    assert customer["phones"] is not None
    assert world.row("lead", lead)["customer"] == customer["id"]
    assert world.comments() == ["Called her", "Called her", "Now Lea"]
    todos = {each["name"]: each for each in world.all("todo")}
    assert [todos[each]["share"] for each in ("First", "Second", "Last")] == [
        Decimal("33.33"), Decimal("33.33"), Decimal("33.35"),
    ]  # fmt: skip
    assert {each["about"] for each in todos.values()} == {customer["id"]}, "the visit moved along"
    # The second time the same phone is known: nobody is made twice.
    second = _convert(world, phones=[{"number": "138 0013 8000"}])
    assert [each["id"] for each in world.all("customer")] == [customer["id"]]
    assert world.row("lead", second)["customer"] == customer["id"]
    step = world.firings("convert")[1]["steps"]["0"]
    assert step["made"] == ["customer", customer["id"]]
    assert "there already" in step["note"]["en"]


def test_rows_are_copied_and_walked(world: World) -> None:
    world.rules(CONVERT)
    customer = world.create("customer")
    lines = [{"product": "Bolt", "price": "2"}, {"product": "Nut", "price": "3"}]
    deal = world.create("deal", customer=customer, lines=lines, amount="2.5")
    world.update("deal", deal, stage="won")
    renewal = world.all("deal")[1]
    assert (renewal["name"], renewal["customer"], renewal["amount"], renewal["stage"]) == (
        "Renewal", customer, 5, "open",
    )  # fmt: skip
    table = world.live.release.tables["deal.lines"]
    copied = world.select(table.select().where(table.c.parent == renewal["id"]))
    assert [each["product"] for each in copied] == ["Bolt", "Nut"]
    assert [each["name"] for each in world.all("todo")] == ["Deliver Bolt", "Deliver Nut"]
