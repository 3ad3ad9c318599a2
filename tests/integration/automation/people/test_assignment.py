"""Who is meant, and who gets the next record."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.access.principal import SYSTEM
from app.automation.absences import absences_ahead, add_absence, drop_absence
from app.automation.actions.assign import Assign
from app.automation.people import Recipient, resolve
from app.database.system import share
from app.errors import Forbidden, InvalidInput, NotFound
from tests.integration.automation.people.world import as_system, running, step_of
from tests.integration.writing.world import NOW


def away(world, name, deputy=None, since=NOW, until=None, who="root"):
    return world.records.writer.transact(
        world.who(who),
        lambda work: add_absence(
            work, world.ids[name], since, until, world.ids[deputy] if deputy else None
        ),
    )


def assign(world, rule, entity, record_id, number=0):
    """Run one step of a rule over a record; return the new owner and what the ledger would say."""

    def step(work):
        at_hand = running(work, rule, number, entity, record_id)
        return Assign().run(at_hand, at_hand.step.settings)

    outcome = as_system(world, step)
    return world.row(entity, record_id)["owner"], outcome


def whom(world, entity, record_id, rule, number=0, **how):
    def step(work):
        at_hand = running(work, rule, number, entity, record_id)
        persons = at_hand.step.settings.to
        record = (at_hand.entity, at_hand.row)
        return [
            resolve(work, [one], at_hand.evaluate, record=record, **how) for one in persons
        ], resolve(work, persons, at_hand.evaluate, record=record, **how)

    return as_system(world, step)


def lead(world, **values):
    return world.records.create(SYSTEM, "lead", {"name": "L", **values}).id


def test_people_are_found_by_fields_roles_departments_and_addresses(world):
    ids = world.ids
    main = world.records.create(SYSTEM, "contact", {"name": "Ms. Li", "email": "li@x.example"}).id
    number = world.records.create(
        SYSTEM,
        "customer",
        {"name": "A", "backup": ids["tom"], "helpers": [ids["sue"], ids["tom"]],
         "mail": "all@x.example", "main": main, "owner": ids["sam"]},
    ).id  # fmt: skip
    each, together = whom(world, "customer", number, "hand-on", 1)
    assert each == [
        [Recipient(ids["tom"], name="Tom")],
        [Recipient(ids["sue"], name="Sue"), Recipient(ids["tom"], name="Tom")],
        [Recipient(address="all@x.example")],
        [Recipient(address="li@x.example", name="Ms. Li")],
        [Recipient(ids["mia"], name="Mia")],
        [Recipient(ids["aud"], name="Aud")],
        [Recipient(ids[one], name=one.title()) for one in ("mia", "sam", "sue")],
        [Recipient(address="a@b.example")],
    ]
    assert [one.user_id or one.address for one in together] == [
        ids["tom"], ids["sue"], "all@x.example", "li@x.example", ids["mia"], ids["aud"],
        ids["sam"], "a@b.example",
    ]  # fmt: skip
    # Nobody is there where the fields are empty; rows of lines name one person each.
    bare = world.records.create(SYSTEM, "customer", {"name": "B"}).id
    assert [bool(one) for one in whom(world, "customer", bare, "hand-on", 1)[0]] == [
        False, False, False, False, False, True, True, True,
    ]  # fmt: skip
    deal = world.records.create(
        SYSTEM, "deal",
        {"name": "D", "members": [{"who": ids["tom"]}, {"who": None}, {"who": ids["sue"]}]},
    ).id  # fmt: skip
    assert [one.user_id for one in whom(world, "deal", deal, "team")[1]] == [ids["tom"], ids["sue"]]


def test_absent_people_give_way_to_their_deputies(world):
    ids = world.ids
    number = world.records.create(
        world.who("sam"), "customer", {"name": "A", "helpers": [ids["sue"], ids["tom"]]}
    ).id

    def helpers(**how):
        found = whom(world, "customer", number, "hand-on", 1, **how)[0][1]
        return [(one.user_id, one.absent) for one in found]

    away(world, "tom", "sam")
    assert helpers() == [(ids["sue"], False), (ids["sam"], False)]
    # The deputy of a deputy who is away; a circle of them leads to nobody.
    away(world, "sam", "aud")
    assert helpers() == [(ids["sue"], False), (ids["aud"], False)]
    away(world, "aud", "tom")
    assert helpers() == [(ids["sue"], False)]
    away(world, "sue")
    assert helpers() == []
    assert helpers(pass_over_absent=False) == [(ids["sue"], True), (ids["tom"], True)]
    # Absences end and begin; who has left does not come back.
    world.clock.moment = NOW - timedelta(minutes=1)
    assert helpers() == [(ids["sue"], False), (ids["tom"], False)]
    world.records.update(SYSTEM, "user", ids["tom"], {"active": False})
    assert helpers() == [(ids["sue"], False)]


def test_absences_are_kept_by_oneself_and_those_above(world):
    ids = world.ids
    first = away(world, "sam", "sue", until=NOW + timedelta(days=2), who="sam")
    second = away(world, "sam", since=NOW + timedelta(days=3), who="mia")
    with pytest.raises(Forbidden):
        away(world, "sam", who="tom")
    for wrong in (
        {"until": NOW},
        {"deputy": "sam"},
        {"since": None},
    ):
        with pytest.raises(InvalidInput) as caught:
            away(world, "sam", **wrong)
        assert list(caught.value.fields) == [next(iter(wrong))]
    listed = world.records.writer.transact(
        world.who("sam"), lambda work: absences_ahead(work, ids["sam"])
    )
    assert [(one["id"], one["deputy"]) for one in listed] == [(first, ids["sue"]), (second, None)]
    with pytest.raises(Forbidden):
        world.records.writer.transact(world.who("tom"), lambda work: drop_absence(work, first))
    world.records.writer.transact(world.who("sam"), lambda work: drop_absence(work, first))
    with pytest.raises(NotFound):
        world.records.writer.transact(world.who("sam"), lambda work: drop_absence(work, first))


def test_r8_a_hundred_leads_at_once_are_shared_out_evenly(world):
    away(world, "sue")

    def one(number: int) -> int:
        def step(work):
            made = work.writer.create_in(
                work, "lead", {"name": f"L{number}", "owner": None}, None, strict=True
            )
            at_hand = running(work, "give-out", 0, "lead", made.id)
            Assign().run(at_hand, at_hand.step.settings)
            return made.id

        return as_system(world, step)

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(one, range(100)))
    owners = Counter(world.row("lead", number)["owner"] for number in made)
    assert owners == {world.ids["sam"]: 50, world.ids["tom"]: 50}
    # Nobody inactive, and whoever comes back is next when the turn comes round.
    world.records.update(SYSTEM, "user", world.ids["tom"], {"active": False})
    assert {assign(world, "give-out", "lead", lead(world))[0] for _ in range(3)} == {
        world.ids["sam"]
    }


def test_the_least_busy_has_the_fewest_open_records(world):
    ids = world.ids
    for owner, stages in (("sam", "nd"), ("sue", "nn"), ("tom", "ddddn")):
        for stage in stages:
            lead(world, owner=ids[owner], stage={"n": "new", "d": "done"}[stage])
    # sam 1, sue 2, tom 1 open: a tie goes by turn, and what is given counts.
    given = [assign(world, "busy", "lead", lead(world))[0] for _ in range(4)]
    assert sorted(given) == [ids["sam"], ids["sam"], ids["tom"], ids["tom"]] or sorted(
        Counter(given).values()
    ) == [1, 1, 2]


def test_conditions_about_people_and_nobody_left(world):
    ids = world.ids
    world.records.update(SYSTEM, "user", ids["tom"], {"city": "Wuhan"})
    owner, outcome = assign(world, "busy", "lead", lead(world, city="Wuhan"), 1)
    assert (owner, outcome.note.in_language("en")) == (ids["tom"], "Given to Tom.")
    owner, outcome = assign(world, "busy", "lead", lead(world, city="Xi'an", owner=None), 1)
    assert (owner, outcome.state) == (None, "skipped")
    assert outcome.note.in_language("zh") == "没有可分配的在岗人员。"


def test_what_hangs_on_it_goes_along_and_the_former_owner_may_read_for_a_while(world):
    ids = world.ids
    customer = world.records.create(world.who("sam"), "customer", {"name": "A"}).id
    mine = world.records.create(world.who("sam"), "contact", {"name": "C", "customer": customer}).id
    other = world.records.create(
        SYSTEM, "contact", {"name": "D", "customer": customer, "owner": ids["sue"]}
    ).id
    deal = world.records.create(
        world.who("sam"), "deal", {"name": "D", "customer": customer, "stage": "offer"}
    ).id
    assert assign(world, "hand-on", "customer", customer)[0] == ids["tom"]
    assert world.row("customer", customer)["previous_owner"] == ids["sam"]
    assert world.row("contact", mine)["owner"] == ids["tom"]
    assert world.row("contact", other)["owner"] == ids["sue"]
    assert (world.row("deal", deal)["owner"], world.row("deal", deal)["stage"]) == (
        ids["sam"], "offer",
    )  # fmt: skip
    shared = world.one(sa.select(share.c.user_id, share.c.may_edit, share.c.until))
    assert shared == (ids["sam"], False, NOW + timedelta(days=30))
    assert world.records.history(SYSTEM, "customer", customer)[0].action == "transfer"
    assert step_of(world, "hand-on").settings.with_ == ("contact.customer",)


def test_quotas_say_how_many_of_how_many(world):
    ids = world.ids
    world.records.update(SYSTEM, "user", ids["sam"], {"grade": "junior"})
    world.organisation.expire()

    def create(**values):
        return world.records.create(world.who("sam"), "customer", {"name": "A", **values}).id

    first, _second = create(), create()
    resting = create(active=False)  # does not count
    with pytest.raises(InvalidInput) as caught:
        create()
    sentence = caught.value.fields["owner"][0]
    assert sentence.in_language("en") == (
        "You have 2 of at most 2 (Active customers) already. Hand one over or release one first."
    )
    # On a change that makes it count, on transfer, in a batch, and where a rule chooses somebody.
    with pytest.raises(InvalidInput):
        world.records.update(world.who("sam"), "customer", resting, {"active": True})
    toms = world.records.create(world.who("tom"), "customer", {"name": "T"}).id
    with pytest.raises(InvalidInput) as caught:
        world.records.transfer(world.who("root"), "customer", [toms], ids["sam"])
    assert (
        caught.value.fields["owner"][0]
        .in_language("zh")
        .startswith("Sam 已有 2 条，上限为 2 条（活跃客户）")
    )
    world.records.delete(world.who("root"), "customer", [first])
    created = [{"action": "create", "values": {"name": f"B{n}"}} for n in range(3)]
    outcomes = world.records.batch(world.who("sam"), "customer", created, all_or_nothing=False)
    assert [one.error is None for one in outcomes] == [True, False, False]
    with pytest.raises(InvalidInput):
        world.records.restore(world.who("root"), "customer", [first])
    # Editing what counts already is no more than before.
    world.records.update(world.who("sam"), "customer", _second, {"name": "Again"})
