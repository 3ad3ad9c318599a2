"""Replaying rules over the history: records, roll-ups and conditions as they were."""

from __future__ import annotations

from app.access.principal import SYSTEM
from app.automation.backtest import Backtest, backtest
from tests.integration.automation.reminders.world import FILES, SILENT, ZONE


def replayed(world, rule: str, days: int = 90) -> Backtest:
    with world.records.previews.work(SYSTEM) as work:
        return backtest(work, rule, days=days)


def lines(found: Backtest) -> list[tuple[str, str, tuple[str, ...]]]:
    return [
        (one.at.astimezone(ZONE).strftime("%m-%d %H:%M"), one.title, one.to)
        for one in found.firings
    ]


def test_a_dated_rule_is_replayed_along_the_dates_there_were(world):
    key = world.customer(name="Key", level="a")
    quiet = world.customer(name="Quiet", level="a")
    low = world.customer(name="Low", level="c")
    world.at("2026-03-05 10:00")
    # A follow-up moves the date; the roll-up is worked out as it was.
    world.follow_up(key)
    world.at("2026-03-10 10:00")
    world.update(quiet, status="closed")
    world.update(low, level="a", name="Was low")
    world.at("2026-04-01 09:00")
    found = replayed(world, "silent", days=60)
    assert lines(found) == [
        ("03-09 09:00", "Quiet", ("Sam",)),
        ("03-12 10:00", "Key", ("Sam",)),
    ]
    # Low was due on the ninth as soon as it was a key customer, which is backlog.
    assert (found.total, found.skipped, found.looked_at) == (2, 0, 3)
    assert dict(found.by_person) == {"Sam": 2}
    counted, people, busiest = (str(one) for one in found.summary())
    assert counted == (
        "2 firings for 2 records in 60 days; 0 times its condition did not hold. "
        "3 records were replayed."
    )
    assert (people, busiest) == ("By person: Sam 2.", "The busiest day: 2026-03-09, 1.")
    world.records.transfer(SYSTEM, "customer", [key], 2)
    assert lines(replayed(world, "silent", days=60))[1] == ("03-12 10:00", "Key", ("Sam",))


def test_a_condition_is_asked_as_things_were(world):
    number = world.customer(name="Closed for a while", level="a", status="closed")
    world.at("2026-03-20 09:00")
    world.update(number, status="active")
    world.at("2026-04-10 09:00")
    found = replayed(world, "silent", days=60)
    assert (lines(found), found.skipped) == ([], 1)
    # Nothing was done: the ledger and the reminders are what they were.
    assert world.fired("silent") == []


def test_what_was_deleted_was_there_before(world):
    number = world.customer(name="Gone", level="a")
    other = world.customer(name="Gone too soon", level="a")
    world.at("2026-03-05 09:00")
    world.records.delete(SYSTEM, "customer", other)
    world.at("2026-03-12 09:00")
    world.records.delete(SYSTEM, "customer", number)
    world.at("2026-03-30 09:00")
    assert lines(replayed(world, "silent", days=60)) == [("03-09 09:00", "Gone", ("Sam",))]


def test_repeats_and_years_are_replayed(world):
    number = world.customer(name="Again", since="2026-03-02T09:00:00+08:00", born_on="2000-03-20")
    world.at("2026-03-08 09:00")
    world.update(number, since="2026-03-09T09:00:00+08:00")
    world.at("2026-04-01 09:00")
    assert [one[0] for one in lines(replayed(world, "again", days=60))] == [
        "03-03 09:00", "03-06 09:00", "03-10 09:00", "03-13 09:00", "03-18 09:00", "03-23 09:00",
    ]  # fmt: skip
    assert [one[0] for one in lines(replayed(world, "birthday", days=60))] == ["03-20 09:00"]
    assert [one[0] for one in lines(replayed(world, "again", days=11))] == ["03-23 09:00"]


def test_a_rule_on_events_is_replayed_line_by_line(world):
    text = """
rule: closing
entity: customer
when: {on: update, changed: status, to: closed}
if: old.level == 'a'
do: [{notify: {to: owner, say: Closed}}]
---
rule: coming
entity: customer
when: {on: [create, restore, comment]}
do: [{notify: {to: owner, say: Here}}]
---
rule: press
entity: customer
when: {button: Press}
do: [{notify: {to: owner, say: Pressed}}]
---
rule: mornings
when: {every: day, at: 09:00}
do: [{notify: {to: role seller, say: Good morning}}]
"""
    world.apply({**FILES, "workflows/event.yaml": text})
    number = world.customer(name="Key", level="a")
    world.later(days=1)
    world.update(number, status="closed", level="b", name="Key, closed")
    world.later(days=1)
    world.update(number, status="active")
    world.later(days=1)
    world.update(number, status="closed")
    found = replayed(world, "closing", days=30)
    assert lines(found) == [("03-03 09:00", "Key, closed", ("Sam",))]
    assert found.skipped == 1
    found = replayed(world, "coming", days=30)
    assert found.total == 1
    assert [str(one) for one in found.notes] == ["History does not tell of: comment."]
    assert "which history cannot tell" in str(replayed(world, "press").notes[0])
    assert replayed(world, "mornings", days=10).total == 10


def test_another_rule_can_be_tried_on_the_same_history(world):
    world.customer(name="Key", level="a")
    world.at("2026-04-01 09:00")
    world.apply({**FILES, "workflows/silent.yaml": SILENT.replace("a: 7 days", "a: 5 days")})
    assert lines(replayed(world, "silent", days=60)) == [("03-07 09:00", "Key", ("Sam",))]
    # One that is not in force yet does nothing and can be replayed.
    off = SILENT.replace("a: 7 days", "a: 6 days").replace("do:", "off: yes\ndo:")
    world.apply({**FILES, "workflows/silent.yaml": off})
    assert lines(replayed(world, "silent", days=60)) == [("03-08 09:00", "Key", ("Sam",))]
