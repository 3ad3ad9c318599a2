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


PAPER = """
rule: quote
entity: deal
when: {on: update, changed: stage, to: won}
do: [{print: offer}]
---
rule: forget
entity: customer
when: {on: update, changed: status, to: closed}
do: [{anonymise: [name, phones, note]}]
---
rule: unshare
entity: deal
when: {on: update, changed: level}
do: [{unshare: {to: user sue}}, {unfollow: {to: owner}}]
---
rule: share
entity: deal
when: {on: create}
do: [{share: {to: user sue}}, {follow: {to: [owner, user mia], until: 2 days}}]
"""
OFFER = """---
print: offer
entity: deal
paper: A5
---
<h1>{{ record.name }}</h1>{% for line in record.lines %}<p>{{ line.product }}</p>{% endfor %}
"""


def test_a_template_is_printed_onto_the_record(world: World) -> None:
    world.rules(PAPER, **{"templates/offer.html": OFFER})
    deal = world.create("deal", name="A <b>", lines=[{"product": "Bolt & Nut"}])
    world.update("deal", deal, stage="won")
    (file,) = world.records.attachments(world.who("sam"), "deal", deal)
    assert (file.name, file.type) == ("offer-2026-03-10.html", "text/html")
    text = world.records.get_file(world.who("sam"), file.id).path.read_text("utf-8")
    assert "<h1>A &lt;b&gt;</h1>" in text
    assert "<p>Bolt &amp; Nut</p>" in text
    assert "size: A5" in text


def test_what_is_anonymised_is_gone_from_history_and_search_too(world: World) -> None:
    world.rules(PAPER, **{"templates/offer.html": OFFER})
    number = world.create(
        "customer", name="Jane Roe", note="secret", phones=[{"number": "13800138000"}]
    )
    world.update("customer", number, note="more secret")
    world.update("customer", number, status="closed")
    row = world.row("customer", number)
    assert (row["name"], row["note"], row["phones"]) == (f"#{number}", None, None)
    told = str([(line["before"], line["after"]) for line in world.history("customer", number)])
    assert "secret" not in told
    assert "Jane" not in told
    assert world.records.search(world.who("sam"), "Jane") == []


def test_sharing_and_following_begin_and_end(world: World) -> None:
    world.rules(PAPER, **{"templates/offer.html": OFFER})
    deal = world.create("deal")
    team = world.records.team(world.who("mia"), "deal", deal)
    assert [one["user_id"] for one in team] == [world.ids["sue"]]
    assert world.records.get(world.who("sue"), "deal", deal).id == deal
    assert sorted(world.followers()) == sorted([world.ids["sam"], world.ids["mia"]])
    world.update("deal", deal, level="x")
    assert world.records.team(world.who("mia"), "deal", deal) == []
    assert world.followers() == [world.ids["mia"]]
    world.at(days=3)
    assert world.records.followers(world.who("mia"), "deal", deal) == []
