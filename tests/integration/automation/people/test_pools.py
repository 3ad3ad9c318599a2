"""Public seas: who sees what lies in them, who may take it, and how it gets there."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.access.principal import SYSTEM
from app.automation.ledger import Ledger
from app.automation.left_pools import outlook_of_pools
from app.database.automation_tables import firing, pool_event
from app.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    TooManyRequests,
    TrellisError,
)
from tests.integration.automation.people.world import FILES
from tests.integration.settling import catalog_from
from tests.integration.writing.world import NOW

DAY = timedelta(days=1)


def customer(world, owner="sam", **values):
    owner_id = world.ids[owner] if owner else None
    return world.records.create(
        SYSTEM,
        "customer",
        {"name": "Acme", "phones": ["+8613800138000"], "credit": "5", "owner": owner_id, **values},
    ).id


def sea(world, **values):
    """Return a customer that sam gave to the eastern sea a while ago."""
    number = customer(world, **values)
    world.desk.release(world.who("sam"), "customer", [number], reason="silent")
    world.clock.moment += 2 * DAY
    return number


def said(error, language="en"):
    return error.value.message.in_language(language)


def test_a_release_clears_the_owner_and_what_belongs_along(world):
    number = customer(world)
    contact = world.records.create(
        world.who("sam"), "contact", {"name": "C", "customer": number}
    ).id
    deal = world.records.create(
        world.who("sam"), "deal", {"name": "D", "customer": number, "stage": "offer"}
    ).id
    for reason, start in ((None, "Say why Customer goes into East sea: No contact, Lost."),
                          ("sloth", "`sloth` is no reason of East sea. Choose one of: ")):  # fmt: skip
        with pytest.raises(InvalidInput) as caught:
            world.desk.release(world.who("sam"), "customer", [number], reason=reason)
        assert said(caught).startswith(start)
    with pytest.raises(InvalidInput) as caught:
        world.desk.release(world.who("sam"), "customer", [number], pool="north")
    assert said(caught) == "`north` is no public sea of Customer. There are: east, rest."
    with pytest.raises(InvalidInput) as caught:
        world.desk.release(world.who("sam"), "deal", [deal])
    assert "An administrator can add one" in said(caught)
    # A colleague may not; a manager who may transfer may.
    with pytest.raises(NotFound):
        world.desk.release(world.who("sue"), "customer", [number], reason="silent")
    world.desk.release(world.who("mia"), "customer", [number], reason="silent")
    row = world.row("customer", number)
    assert (row["owner"], row["owner_since"], row["previous_owner"], row["pool"]) == (
        None, None, world.ids["sam"], "east",
    )  # fmt: skip
    assert world.row("contact", contact)["owner"] is None
    kept = world.row("deal", deal)
    assert (kept["owner"], kept["stage"], kept["customer"]) == (world.ids["sam"], "offer", number)
    line = world.records.history(SYSTEM, "customer", number)[0]
    assert (line.action, line.user_id) == ("release", world.ids["mia"])
    event = world.select(sa.select(pool_event))[0]
    assert (event["pool"], event["action"], event["reason"]) == ("east", "release", "silent")
    # Others go where they fit; a record may be moved from sea to sea by who looks after it.
    west = customer(world, region="west")
    world.desk.release(world.who("sam"), "customer", [west])
    assert world.row("customer", west)["pool"] == "rest"
    world.desk.release(world.who("mia"), "customer", [number], pool="rest")
    assert world.row("customer", number)["pool"] == "rest"
    # The claimer gets what was cleared along.
    world.desk.release(world.who("root"), "customer", [number], pool="east")
    world.clock.moment += 2 * DAY
    world.desk.claim(world.who("sue"), "customer", [number])
    assert world.owner("customer", number) == world.owner("contact", contact) == "sue"
    assert world.owner("deal", deal) == "sam"
    assert world.row("customer", number)["pool"] is None
    assert world.row("customer", number)["previous_owner"] == world.ids["sam"]
    assert world.records.history(SYSTEM, "customer", number)[0].action == "claim"


def test_a_plan_without_a_sea_tells_how_many_lie_in_it(world):
    sea(world), sea(world)
    ashore = customer(world)
    assert world.row("customer", ashore)["pool"] is None
    assert outlook_of_pools(world.pools, world.live.release.catalog) == []
    text = FILES["workflows/pools.yaml"]
    without = text.replace("pool: east\n", "pool: west\n")
    assert without != text
    catalog = catalog_from({**FILES, "workflows/pools.yaml": without})
    (found,) = outlook_of_pools(world.pools, catalog)
    assert (found.subject, found.waits) == ("pool east", True)
    assert str(found.words).startswith("removed. 2 × Customer lie in it")
    assert found.words.in_language("zh").startswith("已移除。其中还有 2 条“客户”")
    assert found.data == {"pools": [{"pool": "east", "entity": "customer", "records": 2}]}


def test_two_claims_at_once_one_wins_and_the_other_is_told_who(world):
    number = sea(world, owner="sam")
    world.clock.moment += 10 * DAY

    def claim(name):
        try:
            return world.desk.claim(world.who(name), "customer", [number]).ids
        except TrellisError as error:
            return error

    with ThreadPoolExecutor(2) as threads:
        answers = dict(zip(("sam", "sue"), threads.map(claim, ("sam", "sue")), strict=True))
    winner = world.owner("customer", number)
    loser = {"sam": "sue", "sue": "sam"}[winner]
    assert answers[winner] == [number]
    assert isinstance(answers[loser], Conflict)
    assert answers[loser].message.in_language("en") == (
        f"{winner.title()} has taken this record. Choose another one."
    )
    # Also somebody with an old page is told, and who has nothing to do with it is not.
    with pytest.raises(Conflict) as caught:
        world.desk.claim(world.who(loser), "customer", [number])
    assert said(caught, "zh") == f"这条记录已被{winner.title()}领取，请选择其他记录。"
    with pytest.raises(NotFound):
        world.desk.claim(world.who("tom"), "customer", [number])
    with pytest.raises(Conflict) as caught:
        world.desk.claim(world.who(winner), "customer", [number])
    assert said(caught) == "This record is yours already."


def test_the_limits_of_claims_are_told_with_their_bounds(world):
    world.records.update(SYSTEM, "user", world.ids["sue"], {"grade": "junior"})
    fresh = customer(world)
    world.desk.release(world.who("sam"), "customer", [fresh], reason="silent")
    with pytest.raises(InvalidInput) as caught:
        world.desk.claim(world.who("sue"), "customer", [fresh])
    assert said(caught) == (
        "This record is new in East sea; it may be claimed from 2026-03-11 12:00 on."
    )
    world.clock.moment += 2 * DAY
    with pytest.raises(InvalidInput) as caught:
        world.desk.claim(world.who("sam"), "customer", [fresh])
    assert said(caught).startswith(
        "You had this record last; you may claim it again from 2026-03-17"
    )
    with pytest.raises(Forbidden) as caught:
        world.desk.claim(world.who("aud"), "customer", [fresh])
    assert said(caught) == "Only members of East sea may claim its records."
    with pytest.raises(Forbidden):
        world.desk.claim(SYSTEM, "customer", [fresh])
    unpooled = customer(world, owner=None)
    with pytest.raises(InvalidInput):
        world.desk.claim(world.who("aud"), "customer", [unpooled])
    # Two a day; in bulk the others are told why, and two requests at once are no way around it.
    more = [sea(world) for _ in range(3)]
    done = world.desk.claim(world.who("sue"), "customer", [fresh, *more])
    assert done.ids == [fresh, more[0]]
    assert [one.message.in_language("en")[:49] for one in done.refused.values()] == [
        "You have claimed 2 of 2 records of East sea today"
    ] * 2
    world.clock.moment += DAY
    with pytest.raises(InvalidInput) as caught:
        world.desk.claim(world.who("sue"), "customer", [more[1]])
    assert said(caught).startswith("You have 2 of at most 2 (Active customers) already.")
    world.records.update(SYSTEM, "user", world.ids["sue"], {"grade": "senior"})

    def claim(number):
        try:
            return bool(world.desk.claim(world.who("sam"), "customer", [number]).ids)
        except InvalidInput:
            return False

    world.clock.moment += 10 * DAY
    others = [*more[1:], sea(world), sea(world)]
    with ThreadPoolExecutor(4) as threads:
        assert (
            sorted(threads.map(claim, others)) == [False, False, False, False]
            or sum(world.owner("customer", one) == "sam" for one in others) == 2
        )


def test_those_who_look_after_a_sea_give_its_records_out(world):
    number = sea(world)
    with pytest.raises(Forbidden):
        world.desk.assign(world.who("sue"), "customer", [number], world.ids["sue"])
    world.records.update(SYSTEM, "user", world.ids["aud"], {"active": False})
    with pytest.raises(InvalidInput):
        world.desk.assign(world.who("mia"), "customer", [number], world.ids["aud"])
    world.desk.assign(world.who("mia"), "customer", [number], world.ids["tom"])
    assert world.owner("customer", number) == "tom"
    with pytest.raises(NotFound):
        world.desk.assign(world.who("mia"), "customer", [number], world.ids["sam"])
    # A plain transfer takes it out of the sea as well.
    other = sea(world)
    world.records.transfer(world.who("root"), "customer", [other], world.ids["tom"])
    assert world.row("customer", other)["pool"] is None


#: who: sees the customer, sees its phones, may change it, reads its history
MATRIX = {
    "root": (True, True, True, True),
    "mia": (True, True, True, True),  # looks after the sea
    "sue": (True, False, False, False),  # a member
    "sam": (True, False, False, False),  # a member who had it last
    "tom": (False, False, False, False),  # a member of the other sea
    "aud": (True, True, False, True),  # reads everything by role
}


def test_what_lies_in_a_sea_is_seen_by_its_members_with_closed_fields(world):
    number = sea(world, name="Seaside")
    own = customer(world, owner="sue", name="Ashore", credit="7")
    contact = world.records.create(
        SYSTEM, "contact", {"name": "Secret", "email": "s@x.example", "customer": number}
    ).id
    world.records.comment(world.who("mia"), "customer", number, "Call 13800138000")
    file = world.records.writer.add_file(world.who("root"), io.BytesIO(b"13800138000"), "n.txt")
    world.records.attach(world.who("root"), "customer", number, [file.id])
    for name, (sees, sees_phones, may_change, reads_history) in MATRIX.items():
        who, records = world.who(name), world.records

        def ids(**asked):
            page = json.loads(
                records.query_json(who, "customer", fields="id", **asked).rows  # noqa: B023
            )
            return {row["id"] for row in page}

        listed = json.loads(
            records.query_json(who, "customer", fields="id,phones,credit,main").rows
        )
        mine = next((row for row in listed if row["id"] == number), None)
        assert (mine is not None) == sees, name
        if not sees:
            for ask in (records.get, records.get_json, records.rights):
                with pytest.raises(NotFound):
                    ask(who, "customer", number)
            assert number not in {hit.id for hit in records.search(who, "Seaside")}
            assert records.titles(who, "customer", [number]) == {}
            continue
        phones = records.get(who, "customer", number).values["phones"]
        single = json.loads(records.get_json(who, "customer", number).row)
        assert bool(phones) == bool(single["phones"]) == bool(mine["phones"]) == sees_phones, name
        assert (single["credit"] is not None) == sees_phones
        assert single["name"] == "Seaside"
        # Neither compared, sorted, grouped, added up nor found by.
        assert (number in ids(filter="credit > 1")) == sees_phones, name
        assert (number in ids(filter="credit is empty")) != sees_phones
        assert (number in ids(where={"credit": "5"})) == sees_phones
        assert (number in ids(search="13800138000")) == sees_phones
        assert (number in ids(search="Seaside")) is True
        found = {hit.id for hit in records.search(who, "13800138000")}
        assert (number in found) == sees_phones, name
        assert number in {hit.id for hit in records.search(who, "Seaside")}
        figures = json.loads(
            records.aggregate(who, "customer", group_by="pool", measures="count,sum(credit)")
        )
        inside = next(row for row in figures if row["pool"] == "east")
        assert (inside["count"], float(inside["sum(credit)"])) == (1, 5 if sees_phones else 0)
        order = [row["id"] for row in json.loads(
            records.query_json(who, "customer", fields="id", sort="-credit").rows
        )]  # fmt: skip
        assert number in order
        rights = records.rights(who, "customer", number)
        assert ("update" in rights, "history" in rights) == (may_change, reads_history), name
        if not may_change:
            with pytest.raises((Forbidden, NotFound)):
                records.update(who, "customer", number, {"name": "X"})
        if not reads_history:
            with pytest.raises((Forbidden, NotFound)):
                records.history(who, "customer", number)
            with pytest.raises((Forbidden, NotFound)):
                Ledger(world.records, world.house.numbers, world.pools).of_record(
                    who, "customer", number
                )
        # What was said and kept about it may tell the same.
        assert bool(records.comments(who, "customer", number)) == sees_phones, name
        told = records.stream(who, "customer", number, kinds=("comment",))
        assert bool(told) == sees_phones, name
        assert bool(records.attachments(who, "customer", number)) == sees_phones, name
        if sees_phones:
            assert records.get_file(who, file.id).name == "n.txt"
        else:
            with pytest.raises(NotFound):
                records.get_file(who, file.id)
            with pytest.raises(Forbidden, match="Claim it first"):
                records.comment(who, "customer", number, "Whose is it?")
        if name != "aud":
            # Nor does looking for duplicates tell whose number it is.
            typed = {"phones": ["+8613800138000"]}
            alike = {one.id for one in records.find_duplicates(who, "customer", typed)}
            assert (number in alike) == sees_phones, name
        # What hangs on it stays with those who see it anyway.
        assert bool(json.loads(records.query_json(who, "contact", where={"id": contact}).rows)) == (
            name in ("root", "aud")
        ), name
        # Behind a link nothing more is seen.
    assert world.records.get(world.who("sue"), "customer", own).values["credit"] is not None
    linked = world.records.create(world.who("sue"), "deal", {"name": "D", "customer": number}).id
    shown = json.loads(
        world.records.get_json(world.who("sue"), "deal", linked, expand="customer.phones").row
    )
    assert shown["customer"] == {"id": number, "title": "Seaside", "phones": []}
    deals = json.loads(
        world.records.query_json(
            world.who("sue"), "deal", fields="id", filter="customer.credit > 1"
        ).rows
    )
    assert deals == []
    # Pages of a long list hold each record once, whatever it is seen by.
    more = [sea(world, name=f"S{n:02}") for n in range(12)]
    mixed = [customer(world, owner="sue", name=f"S{n:02}b", active=False) for n in range(6)]
    seen, after = [], None
    while True:
        page = world.records.query_json(
            world.who("sue"), "customer", fields="id,name", limit=5, after=after
        )
        seen += [row["name"] for row in json.loads(page.rows)]
        after = page.next
        if after is None:
            break
    assert seen == sorted(seen)
    assert len(seen) == len(more) + len(mixed) + 2
    # Claimed, it is open.
    world.desk.claim(world.who("sue"), "customer", [number])
    assert world.records.get(world.who("sue"), "customer", number).values["phones"]


def test_looks_at_a_sea_are_counted(world):
    numbers = [sea(world) for _ in range(4)]
    for number in (*numbers[:3], numbers[0]):
        world.desk.look(world.who("sue"), "customer", number)
    with pytest.raises(TooManyRequests) as caught:
        world.desk.look(world.who("sue"), "customer", numbers[3])
    assert said(caught).startswith("You have looked at 3 of 3 records of East sea today.")
    world.desk.look(world.who("mia"), "customer", numbers[3])
    world.desk.look(world.who("sue"), "customer", customer(world, owner="sue"))
    world.clock.moment += DAY
    world.desk.look(world.who("sue"), "customer", numbers[3])


def test_the_page_of_a_record_tells_how_it_stands(world):
    number = customer(world)
    standing = world.desk.standing(world.who("sam"), "customer", number)
    assert [one.name for one in standing.targets] == ["east", "rest"]
    assert standing.leaving.at == NOW + 30 * DAY
    assert standing.pool is None
    lying = sea(world)
    standing = world.desk.standing(world.who("sue"), "customer", lying)
    assert (standing.pool.name, standing.may_claim, standing.keeps, standing.why_not) == (
        "east", True, False, None,
    )  # fmt: skip
    assert standing.hidden == ("phones", "credit")
    assert standing.previous_owner == "Sam"
    mine = world.desk.standing(world.who("sam"), "customer", lying)
    assert mine.may_claim
    assert mine.why_not.in_language("zh").startswith("这条记录此前由您负责")
    kept = world.desk.standing(world.who("mia"), "customer", lying)
    assert (kept.keeps, kept.hidden, [one.name for one in kept.targets]) == (True, (), ["rest"])


def test_owners_are_warned_and_silent_records_go_back(world):
    silent = customer(world, name="Silent")
    key = customer(world, name="Key", level="a")
    locked = customer(world, name="Locked", locked=True, active=False)
    dealt = customer(world, name="Dealt", level="a")
    deal = world.records.create(
        world.who("sam"), "deal", {"name": "D", "customer": dealt, "stage": "offer"}
    ).id
    contact = world.records.create(
        world.who("sam"), "contact", {"name": "C", "customer": silent}
    ).id
    west = customer(world, name="West", region="west", active=False)
    world.at(NOW + 28 * DAY - timedelta(minutes=1))
    assert world.messages() == []
    world.at(NOW + 28 * DAY)
    warning = "Silent goes to “East sea” on 2026-04-09 12:00, unless somebody takes care of it."
    assert world.messages() == [("sam", warning)]
    world.at(NOW + 30 * DAY - timedelta(minutes=1))
    assert world.owner("customer", silent) == "sam"
    world.at(NOW + 30 * DAY)
    assert (world.owner("customer", silent), world.row("customer", silent)["pool"]) == (
        None,
        "east",
    )
    assert world.owner("contact", contact) is None
    line = world.records.history(SYSTEM, "customer", silent)[0]
    assert (line.action, line.origin, line.cause) == ("release", "rule", "pool:east/recycle/0")
    event = world.select(sa.select(pool_event))[-1]
    assert (event["action"], event["user_id"], event["reason"]) == ("recycle", None, "recycle/0")
    assert [world.owner("customer", one) for one in (key, locked, dealt, west)] == ["sam"] * 4
    # A new contact moves the date; whoever is exempt stays, and goes once the exemption ends.
    world.records.update(SYSTEM, "customer", key, {"touched_at": (NOW + 31 * DAY).isoformat()})
    # What is late by then is warned of first.
    world.at(NOW + 62 * DAY)
    assert [world.owner("customer", one) for one in (key, locked, dealt, west)] == ["sam"] * 4
    for day in (63, 64):
        world.at(NOW + day * DAY)
    assert [world.owner("customer", one) for one in (key, locked, dealt, west)] == [
        "sam", "sam", None, "sam",
    ]  # fmt: skip
    assert world.row("deal", deal)["stage"] == "offer"
    world.records.update(SYSTEM, "customer", locked, {"locked": False})
    for day in (65, 66, 67):
        world.at(NOW + day * DAY)
    assert world.owner("customer", locked) is None
    # Ninety days without a deal, although there was contact.
    for day in (88, 90):
        world.at(NOW + day * DAY + timedelta(hours=1))
    assert world.owner("customer", key) is None
    states = {row["state"] for row in world.select(sa.select(firing))}
    assert states <= {"done", "skipped"}


def test_rules_release_and_claim(world):
    from tests.integration.automation.people import world as sea_world

    text = """
rule: give-up
entity: customer
when: {on: update, changed: level, to: b}
do: [{release: {to: rest, reason: =record.name}}]
---
rule: take-back
entity: customer
when: {on: update, changed: region}
do: [{claim: yes}]
"""
    world.apply({**sea_world.FILES, "workflows/more.yaml": text})
    number = customer(world, level="a", name="Gone")
    world.records.update(world.who("sam"), "customer", number, {"level": "b"})
    row = world.row("customer", number)
    assert (row["owner"], row["pool"]) == (None, "rest")
    event = world.select(sa.select(pool_event))[-1]
    assert (event["pool"], event["reason"]) == ("rest", "Gone")
    world.records.update(world.who("root"), "customer", number, {"region": "west"})
    assert world.owner("customer", number) == "root"
