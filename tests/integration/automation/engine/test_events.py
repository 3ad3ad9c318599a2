"""Rules on events, within the write that sets them off."""

import pytest

from app.errors import InvalidInput, Reject, RuleFailed
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


NARROWED = """
rule: narrowed
entity: customer
when: {on: [create, update], changed: level, from: b, to: [a, c]}
do: [{set: {steps: "=join(' ', steps, old.level, '>', level, origin)"}}]
---
rule: filled
entity: customer
when: {on: [create, update], changed: credit}
do: [{set: {note: "='changed' if changed(credit) and credit > app.limit - 500 else 'small'"}}]
---
rule: counted
entity: deal
when: {on: create}
if: "count(deal, customer == record.customer) > 1 and sum(deal.amount, customer == record.customer) > 5"
do: [{set: {note: again}}]
"""


def test_events_are_narrowed_and_conditions_ask_what_was_and_what_else_there_is(
    world: World,
) -> None:
    world.rules(NARROWED)
    number = world.create("customer", level="a")
    assert world.row("customer", number)["steps"] is None, "nothing was `b` before"
    world.update("customer", number, level="b")
    world.update("customer", number, level="c", name="Other")
    world.update("customer", number, name="Once more")
    row = world.row("customer", number)
    assert (row["steps"], row["note"]) == ("b > c screen", None)
    rich = world.create("customer", "mia", credit="600")
    assert world.row("customer", rich)["note"] == "changed"
    world.update("customer", rich, "mia", credit="10")
    assert world.row("customer", rich)["note"] == "small"
    one = world.create("deal", customer=number, amount="4")
    two = world.create("deal", customer=number, amount="4")
    assert [world.row("deal", each)["note"] for each in (one, two)] == [None, "again"]
    assert len(world.firings("counted")) == 1, "what does not hold leaves no line"


REFUSALS = """
rule: no-closing
entity: customer
when: {on: update, changed: status, to: closed}
do:
  - {set: {note: closing}}
  - {if: "exists(deal, customer == record and stage == 'open')", stop: {en: There are open deals., zh: 还有未结的商机。}}
  - {create: {entity: todo, set: {name: Say goodbye, about: =record}}}
---
rule: too-good
entity: customer
when: {on: update, changed: name}
do: [{set: {score: =40 + 20}}]
---
rule: same-code
entity: customer
when: {on: update, changed: note}
do: [{set: {code: taken}}]
---
rule: keep
entity: deal
when: {on: delete}
do: [{if: stage == 'won', stop: A won deal stays.}]
"""


def test_a_stop_refuses_the_write_with_its_sentence(world: World) -> None:
    world.rules(REFUSALS)
    number = world.create("customer")
    deal = world.create("deal", customer=number)
    with pytest.raises(Reject) as refused:
        world.update("customer", number, status="closed")
    assert refused.value.message.in_language("zh") == "还有未结的商机。"
    assert world.row("customer", number)["note"] is None
    assert world.all("todo") == world.firings() == []
    world.update("deal", deal, stage="won")
    with pytest.raises(Reject, match=r"A won deal stays\."):
        world.records.delete(world.who("sam"), "deal", deal)
    world.update("customer", number, status="closed")
    assert [each["name"] for each in world.all("todo")] == ["Say goodbye"]


def test_j6_rules_obey_checks_and_unique_and_their_mistakes_are_theirs(world: World) -> None:
    """J6: a rule that fails refuses the save, is named, and stands in the ledger."""
    world.rules(REFUSALS)
    number = world.create("customer", name="A")
    world.create("customer", "mia", code="taken")
    with pytest.raises(RuleFailed) as failed:
        world.update("customer", number, name="Longer")
    assert "too-good" in str(failed.value)
    assert "At most 50." in str(failed.value)
    assert "您的错误" in failed.value.message.in_language("zh")
    with pytest.raises(RuleFailed, match="same-code"):
        world.update("customer", number, note="hm")
    assert world.row("customer", number)["version"] == 1
    assert [(row["state"], row["record_id"]) for row in world.firings("same-code")] == [
        ("failed", number)
    ]
    assert "same-code" in world.firings("same-code")[0]["reason"]["en"]
    # What a person types wrong stays that person's.
    with pytest.raises(InvalidInput, match="Some values"):
        world.update("customer", number, score=99)


OTHERS = """
rule: won
entity: deal
when: {on: update, changed: stage, to: won}
do:
  - {set: {customer.status: active, customer.note: "=record.name", level: =customer.level}}
  - {update: {entity: todo, where: about == record and status == 'open', set: {status: done, name: "=join(' ', name, record.name)"}}}
  - {delete: {entity: todo, where: about == record.customer}}
  - {update: {each: lines, set: {done: yes, price: =price * 2}}}
---
rule: level
entity: deal
when: {on: update, changed: customer.level}
do:
  - {set: {note: "=join('-', note, old.customer.level, customer.level)"}}
  - choose:
      - {if: customer.level == 'a', do: [{notify: {to: owner, say: Now a key customer}}]}
      - {do: [{set: {level: =customer.level}}]}
---
rule: rich
entity: customer
when: {on: update, changed: total}
if: total > 100
do: [{set: {note: rich}}, {notify: {to: owner, say: "{{ record.total }}"}}]
"""


def test_rules_change_other_records_in_the_same_transaction(world: World) -> None:
    world.rules(OTHERS)
    number = world.create("customer")
    deal = world.create(
        "deal",
        name="Big",
        customer=number,
        lines=[{"product": "x", "price": "2"}, {"product": "y"}],
    )
    todo = world.create("todo", name="Call", about={"entity": "deal", "id": deal})
    world.create("todo", name="Gone", about={"entity": "customer", "id": number})
    world.update("deal", deal, stage="won")
    customer = world.row("customer", number)
    assert (customer["status"], customer["note"]) == ("active", "Big")
    assert [(each["id"], each["name"], each["status"]) for each in world.all("todo")] == [
        (todo, "Call Big", "done")
    ]
    lines = world.select(world.live.release.tables["deal.lines"].select())
    assert sorted((each["product"], each["price"], each["done"]) for each in lines) == [
        ("x", 4, True), ("y", None, True),
    ]  # fmt: skip
    (line,) = [each for each in world.history("customer", number) if each["action"] == "update"]
    assert (line["origin"], line["cause"], line["user_id"]) == ("rule", "won", world.ids["sam"])
    steps_of = dict(steps(world.firings("won")[0]))
    assert set(steps_of.values()) == {"done"}


def test_a_change_behind_a_link_is_an_event_of_all_that_lead_there(world: World) -> None:
    world.rules(OTHERS)
    number = world.create("customer")
    deals = [world.create("deal", customer=number) for _ in range(3)]
    other = world.create("deal", customer=world.create("customer"))
    world.update("customer", number, level="c")
    assert [world.row("deal", each)["note"] for each in (*deals, other)] == [
        "b-c", "b-c", "b-c", None,
    ]  # fmt: skip
    assert {world.row("deal", each)["level"] for each in deals} == {"c"}
    world.update("customer", number, level="a")
    assert world.messages() == [("sam", "Now a key customer")] * 3
    # Leading to another record is a change of what is behind the link, too.
    world.update("deal", other, customer=number)
    assert world.row("deal", other)["note"] == "b-a"
    assert len(world.firings("level")) == 7


def test_worked_out_fields_are_events_where_a_rule_names_them(world: World) -> None:
    world.rules(OTHERS)
    number = world.create("customer")
    deal = world.create("deal", customer=number, amount="90")
    assert world.row("customer", number)["note"] is None
    world.update("deal", deal, amount="250")
    row = world.row("customer", number)
    assert (row["note"], row["total"]) == ("rich", 250)
    assert world.messages() == [("sam", "250")], "told when all was worked out"


HANDING = """
rule: moved
entity: customer
when: {on: [transfer, restore, merge]}
do: [{set: {steps: "=join(' ', steps, 'moved')"}}, {comment: "{{ record.name }} moved"}]
---
rule: led
entity: deal
when: {on: update, changed: customer}
do: [{set: {note: "=join(' ', 'of', customer.name)"}}]
---
rule: words
entity: customer
when: {on: comment}
if: contains(input.text, 'urgent')
do:
  - {follow: {to: owner}}
  - {share: {to: user sam, may: edit, until: =today() + days(3)}}
  - {notify: {to: user sam, say: Look}}
---
rule: binned
entity: customer
when: {on: delete}
do: [{set: {note: binned}}, {create: {entity: todo, set: {name: "=join(' ', 'Bin', record.name)"}}}]
"""


def test_transfer_delete_restore_merge_and_comments_are_events(world: World) -> None:
    """What they set is part of the write, whichever it is: one version, one line of history."""
    world.rules(HANDING)
    number = world.create("customer")
    world.records.transfer(world.who("mia"), "customer", [number], world.ids["sue"])
    world.records.delete(world.who("mia"), "customer", number)
    assert [each["name"] for each in world.all("todo")] == ["Bin Acme"]
    assert world.all("todo")[0]["owner"] == world.ids["sue"], "its owner is the record's"
    world.records.restore(world.who("mia"), "customer", number)
    other = world.create("customer", "sue")
    deal = world.create("deal", "sue", customer=other)
    world.records.merge(world.who("mia"), "customer", number, [other])
    lines = world.history("customer", number)
    assert [(each["action"], each["version"], each["cause"]) for each in lines] == [
        ("create", 1, None), ("transfer", 2, "moved"), ("delete", 3, "binned"),
        ("restore", 4, "moved"), ("update", 5, "moved"),
    ]  # fmt: skip
    assert lines[1]["after"] == {"owner": world.ids["sue"], "steps": "moved"}
    assert (lines[2]["before"], lines[2]["after"]) == ({"note": None}, {"note": "binned"})
    led = world.history("deal", deal)[-1]
    assert (led["version"], led["cause"]) == (2, "led")
    assert led["after"]["note"] == "of Acme"
    assert world.row("customer", number)["steps"] == "moved moved moved"
    assert world.comments() == ["Acme moved"] * 3
    assert len(world.firings("binned")) == 1, "what was merged away was not deleted"
    world.records.comment(world.who("sue"), "customer", number, "this is urgent")
    assert world.followers() == [world.ids["sue"]]
    assert world.records.team(world.who("mia"), "customer", number)[0]["may_edit"] is True
    assert world.messages() == [("sam", "Look")], "who may read it from now on is told at once"


QUOTED = r"""
rule: quoted
entity: customer
when: {on: [create, update], changed: name}
if: "exists(customer, name == record.name and id != record.id) or name == \"x'); drop table y; --\""
do: [{set: {note: "=join(\"'\", name, '\" or 1=1; --')"}}]
"""


def test_x9_values_and_texts_of_rules_are_bound_whatever_stands_in_them(world: World) -> None:
    world.rules(QUOTED)
    nasty = "x'); drop table y; --"
    number = world.create("customer", name=nasty)
    note = world.row("customer", number)["note"]
    assert note == f"{nasty}'\" or 1=1; --"
    other = world.create("customer", name="a' or 'a' = 'a")
    assert world.row("customer", other)["note"] is None, "no other has this name"
    same = world.create("customer", name="a' or 'a' = 'a")
    assert world.row("customer", same)["note"] == "a' or 'a' = 'a'\" or 1=1; --"


def test_r3_what_a_rule_changes_leaves_the_next_save_of_the_same_person_working(
    world: World,
) -> None:
    world.rules(FIRST, SECOND)
    sam = world.who("sam")
    made = world.records.create(sam, "customer", {"name": "ACME"}, origin="screen")
    assert world.row("customer", made.id)["seen"] == "acme", "the rules changed it"
    assert made.version == world.row("customer", made.id)["version"]
    saved = world.records.update(
        sam, "customer", made.id, {"steps": "x"}, version=made.version, origin="screen"
    )
    assert saved.version == world.row("customer", made.id)["version"] > made.version
