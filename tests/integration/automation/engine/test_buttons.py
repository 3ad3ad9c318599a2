"""Buttons and webhooks: rules that people and programs set off."""

import hashlib
import hmac

import pytest
import sqlalchemy as sa

from app.automation.buttons import Pressed
from app.automation.hooks import Hooks
from app.automation.refused_buttons import ButtonsOfRecords
from app.automation.steps import Steps
from app.database.system import change_set
from app.errors import Forbidden, InvalidInput, Malformed, NotAuthenticated, NotFound, Reject
from tests.integration.automation.engine.world import World

CONVERT = """
rule: convert-lead
entity: lead
when: {button: {en: Convert, zh: 转换}, for: [seller], ask: {deal: {type: boolean}, amount: {type: decimal, min: 0}, whose: {type: link, to: customer}}}
if: source != 'spam'
do:
  - {if: converted_at is not empty, stop: Converted already.}
  - {create: {entity: customer, name: customer, match: [phones], copy: [phones], set: {name: =record.name, note: "=input.whose.name"}}}
  - {if: input.deal, create: {entity: deal, set: {name: =record.name, customer: =new.customer, amount: =input.amount}, open: yes}}
  - {set: {customer: =new.customer, converted_at: =now()}}
  - {notify: {to: owner, say: "Converted by {{ me }}"}}
  - {after: 1 day, set: {source: "='late' if input.amount > 5 else 'soon'"}}
---
rule: close
entity: customer
when: {button: Close, place: list}
do: [{set: {status: closed}}]
---
rule: only-managers
entity: customer
when: {button: Approve, for: [manager]}
do: [{set: {note: "=me.name"}}]
---
rule: from-outside
when: {hook: erp/orders, secret: ERP_SECRET}
do:
  - {update: {entity: customer, where: code == input.customer.code, set: {note: "=join(' ', note, input.no)", score: =input.count}}}
"""


@pytest.fixture
def buttons(world: World) -> ButtonsOfRecords:
    world.rules(CONVERT)
    return ButtonsOfRecords(world.records, Steps(world.house.actions), world.house.numbers)


def test_a_button_asks_does_its_steps_once_and_leads_on(
    world: World, buttons: ButtonsOfRecords
) -> None:
    sam, lead = world.who("sam"), world.create("lead", name="Lea")
    own = world.create("customer", name="Own")
    (offered,), _ = buttons.look(sam, "lead", lead)
    assert (offered.rule, offered.label.in_language("zh")) == ("convert-lead", "转换")
    assert [one.name for one in offered.ask] == ["deal", "amount", "whose"]
    raw = {"deal": True, "amount": "7.5", "whose": own}
    first = buttons.press(sam, "lead", lead, "convert-lead", raw, key="k1")
    again = buttons.press(sam, "lead", lead, "convert-lead", raw, key="k1")
    (deal,) = world.all("deal")
    assert (first.open, first.repeated) == (("deal", deal["id"]), False)
    assert (again.open, again.repeated, again.firing) == (first.open, True, first.firing)
    customer = world.all("customer")[1]
    assert (customer["name"], customer["note"], deal["amount"]) == ("Lea", "Own", 7.5)
    assert world.row("lead", lead)["customer"] == deal["customer"] == customer["id"]
    assert world.messages() == [("sam", "Converted by Sam")]
    with pytest.raises(Reject, match=r"Converted already\."):
        buttons.press(sam, "lead", lead, "convert-lead", {})
    world.at(days=1)
    assert world.row("lead", lead)["source"] == "late"
    (row,) = world.firings("convert-lead")
    assert (row["cause"], row["user_id"], row["input"]["input"]["amount"]) == (
        "button",
        world.ids["sam"],
        "7.5",
    )


def test_a_button_is_for_whom_it_says_and_while_its_condition_holds(
    world: World, buttons: ButtonsOfRecords
) -> None:
    sam, lead, other = (
        world.who("sam"),
        world.create("lead", source="spam"),
        world.create("lead", "sue"),
    )
    offered, (refused,) = buttons.look(sam, "lead", lead)
    assert (offered, refused.button.rule) == ([], "convert-lead")
    assert [one.is_met for one in refused.parts].count(False) >= 1, "it says which part is not met"
    with pytest.raises(Reject, match="not possible"):
        buttons.press(sam, "lead", lead, "convert-lead")
    with pytest.raises(NotFound):
        buttons.press(sam, "lead", other, "convert-lead")
    with pytest.raises(NotFound, match="no button"):
        buttons.press(sam, "lead", lead, "close")
    customer = world.create("customer")
    assert [each.rule for each in buttons.look(sam, "customer", customer)[0]] == ["close"]
    assert [each.rule for each in buttons.look(world.who("mia"), "customer", customer)[0]] == [
        "close", "only-managers",
    ]  # fmt: skip
    with pytest.raises(Forbidden):
        buttons.press(sam, "customer", customer, "only-managers")
    lead, mias = world.create("lead"), world.create("customer", "sue")
    with pytest.raises(InvalidInput) as wrong:
        buttons.press(sam, "lead", lead, "convert-lead", {"amount": -1, "whose": mias, "x": 1})
    assert sorted(wrong.value.fields) == ["amount", "whose", "x"]
    assert [one.rule for one in buttons.on_list(sam, world.live.release.catalog, "customer")] == [
        "close"
    ]
    second = world.create("customer")
    found = buttons.press_all(sam, "customer", [customer, mias, second], "close")
    assert [type(each).__name__ for each in found] == ["Pressed", "NotFound", "Pressed"]
    assert world.row("customer", customer)["status"] == "closed"
    # What several records became is one change set; where nothing was done there is none.
    lines = [world.history("customer", one)[-1] for one in (customer, second)]
    assert lines[0]["change_set"] == lines[1]["change_set"] is not None
    sets = len(world.select(sa.select(change_set)))
    assert not any(
        isinstance(each, Pressed) for each in buttons.press_all(sam, "lead", [lead, mias], "close")
    )
    assert len(world.select(sa.select(change_set))) == sets


def test_a_webhook_proves_itself_and_counts_once(world: World) -> None:
    world.rules(CONVERT)
    hooks = Hooks(world.records, world.house.numbers, {"ERP_SECRET": "s3cret"})
    number = world.create("customer", code="C1", note="n")
    body = b'{"customer": {"code": "C1"}, "no": "A-7", "count": 3}'
    signed = {
        "X-Trellis-Signature": "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    }
    assert hooks.take("erp/orders", body, signed).firing is not None
    assert hooks.take("erp/orders", body, signed).firing is None, "a replay"
    bearer = {"Authorization": "Bearer s3cret", "X-GitHub-Delivery": "d1"}
    assert hooks.take("erp/orders", body, bearer).firing is not None
    assert hooks.take("erp/orders", body, bearer).firing is None
    for wrong in ({}, {"Authorization": "Bearer no"}, {"X-Trellis-Signature": "sha256=00"}):
        with pytest.raises(NotAuthenticated):
            hooks.take("erp/orders", body + b" ", wrong)
    with pytest.raises(NotFound):
        hooks.take("erp", body, signed)
    with pytest.raises(Malformed):
        hooks.take("erp/orders", b"x" * 300_000, signed)
    with pytest.raises(Malformed, match="not JSON"):
        hooks.take("erp/orders", b"{", {"Authorization": "Bearer s3cret"})
    assert world.row("customer", number)["note"] == "n", "the caller waits for nothing"
    world.work()
    row = world.row("customer", number)
    assert (row["note"], row["score"]) == ("n A-7 A-7", 3)
    assert world.states("from-outside") == ["done", "done"]
