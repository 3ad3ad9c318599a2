"""What is to come, why something does not, and what a changed rule would do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.access.principal import SYSTEM
from app.automation.dry_run import outlook_of
from app.automation.forecast import Forecast, forecast
from app.automation.whynot import Answer, why_not
from app.errors import NotFound
from tests.integration.automation.reminders.world import FILES, SILENT, ZONE, load


def look(world, **asked) -> Forecast:
    with world.records.previews.work(SYSTEM) as work:
        return forecast(work, world.numbers, **asked)


def lines(found: Forecast) -> list[tuple[str, str, str, str, tuple[str, ...]]]:
    return [
        (one.at.astimezone(ZONE).strftime("%m-%d %H:%M"), one.rule, one.kind, one.title, one.to)
        for one in found.coming
    ]


def why(world, rule: str, record: int, entity: str = "customer") -> Answer:
    with world.records.previews.work(SYSTEM) as work:
        return why_not(work, world.numbers, rule, entity, record)


def said(answer: Answer, language: str = "en") -> list[str]:
    return [one.in_language(language) for one in answer.sentences]


def test_the_forecast_lists_what_fires_to_whom_and_why(world):
    key = world.customer(name="Key", level="a")
    world.customer(name="Low", level="c")
    closed = world.customer(name="Closed", level="a", status="closed")
    found = look(world, only="silent")
    assert lines(found) == [
        ("03-09 09:00", "silent", "date", "Key", ("Sam",)),
        ("03-09 09:00", "silent", "date", "Closed", ()),
    ]
    assert [one.stopped_by for one in found.coming] == [(), ("status == 'active'",)]
    first = found.coming[0]
    assert (first.record_id, found.coming[1].record_id) == (key, closed)
    assert str(first.why) == (
        "the later of Last contacted at and Owner since is 2026-03-02 09:00; "
        "by Level (Key: 7 days; Normal: 15 days; else: 30 days) "
        "after the later of Last contacted at and Owner since"
    )
    assert first.why.in_language("zh").startswith(
        "“Last contacted at”与“负责开始时间”中较晚者 为 2026-"
    )
    # A follow-up moves it, within the very write.
    world.later(days=2)
    world.follow_up(key)
    assert [one[0] for one in lines(look(world, only="silent"))] == ["03-09 09:00", "03-11 09:00"]
    assert lines(look(world, only="silent", days=5)) == [
        ("03-09 09:00", "silent", "date", "Closed", ())
    ]
    assert found.counts == {"silent": 2}


def test_repeats_are_foreseen_as_if_nothing_changed(world):
    number = world.customer(since="2026-03-02T09:00:00+08:00")
    found = look(world, only="again", record=("customer", number))
    assert [(one[0], one[2]) for one in lines(found)] == [
        ("03-03 09:00", "date"),
        ("03-06 09:00", "repeat"),
        ("03-11 09:00", "repeat"),
        ("03-16 09:00", "repeat"),
    ]
    assert str(found.coming[1].why) == "repeat 1/3, if nothing changes"
    other = world.customer(name="Other", since="2026-03-02T09:00:00+08:00")
    assert {one.record_id for one in look(world, record=("customer", other)).coming} == {other}


def test_rules_by_the_clock_are_in_the_forecast(world):
    text = "rule: monday\nwhen: {every: monday, at: 08:00}\ndo: [{notify: {to: role seller, say: Go}}]\n"
    world.apply({**FILES, "workflows/clock.yaml": text})
    assert [(one[0], one[2]) for one in lines(look(world, only="monday"))] == [
        ("03-09 08:00", "every"),
        ("03-16 08:00", "every"),
    ]
    assert str(look(world, only="monday").coming[0].why) == "every monday, at 08:00"


def test_why_not_names_the_date_or_the_condition(world):
    number = world.customer(level="a")
    answer = why(world, "silent", number)
    assert answer.state == "will"
    assert (answer.due, answer.to) == (world.clock.now() + timedelta(days=7), ("Sam",))
    assert said(answer) == [
        "the later of Last contacted at and Owner since is 2026-03-02 09:00.",
        "It is due 2026-03-09 09:00.",
    ]
    world.update(number, status="closed")
    answer = why(world, "silent", number)
    assert answer.state == "stopped"
    assert said(answer)[0] == "Its condition does not hold now: Status is “Active”."
    assert said(answer, "zh")[0] == "其条件目前不成立：Status为“Active”。"
    assert [(one.text, one.is_met) for one in answer.parts] == [
        ("status == 'active'", False),
        ("owner is not empty", True),
    ]
    assert said(why(world, "on-the-day", number)) == ["It has no date yet: Due on is empty."]
    world.update(number, due_on="2026-01-01")
    assert "is left alone (`backlog: skip`)" in said(why(world, "on-the-day", number))[1]


def test_why_not_knows_what_fired_and_what_is_in_the_bin(world):
    number = world.customer(level="a")
    world.later(days=7)
    world.tick()
    answer = why(world, "silent", number)
    assert answer.state == "fired"
    assert said(answer)[1:] == [
        "It fired for this date already; it fires again when the date moves.",
        "Last time, 2026-03-09 09:00: it is about to run.",
    ]
    world.records.delete(SYSTEM, "customer", number)
    assert said(why(world, "silent", number)) == [
        "The record is in the bin; the rule goes on when it comes back."
    ]
    assert said(why(world, "by-the-customer", number)) == ["The rule is about job."]
    with pytest.raises(NotFound):
        why(world, "no-such-rule", number)
    with pytest.raises(NotFound):
        why(world, "silent", 999_999)


def test_a_rule_on_an_event_says_what_it_waits_for(world):
    text = """
rule: closing
entity: customer
when: {on: update, changed: status, to: closed}
if: level == 'a' and old.level == 'b'
do: [{notify: {to: owner, say: Closed}}]
"""
    world.apply({**FILES, "workflows/event.yaml": text})
    answer = why(world, "closing", world.customer(level="b"))
    assert said(answer) == [
        "Its condition does not hold now: Level is “Key”.",
        "It fires on: update, when this changes: Status to Closed.",
    ]
    # What was before is known only to the event.
    assert [(one.text, one.is_met) for one in answer.parts] == [
        ("level == 'a'", False),
        ("old.level == 'b'", None),
    ]


def test_a_plan_tells_whom_a_changed_rule_would_remind(world):
    world.customer(name="Key", level="a")
    world.later(days=6)
    world.customer(name="New", level="a")
    same = load(FILES)
    assert outlook_of(world.pools, same, world.clock.now()) == []
    five = load({**FILES, "workflows/silent.yaml": SILENT.replace("a: 7 days", "a: 5 days")})
    [found] = outlook_of(world.pools, five, world.clock.now())
    assert found.subject == "rule silent"
    assert str(found.words) == (
        "changed. 1 due in the next 14 days; 1 late already: left alone (`backlog: skip`)."
    )
    assert [str(one) for one in found.details] == ["2026-03-13 09:00 New: to Sam"]
    assert found.data["rules"][0]["late"] == 1
    assert found.waits, "it is read before anybody is reminded, also where a file was only saved"
    fire = SILENT.replace("a: 7 days", "a: 5 days").replace("do:", "backlog: fire\ndo:")
    [found] = outlook_of(
        world.pools, load({**FILES, "workflows/silent.yaml": fire}), world.clock.now()
    )
    assert str(found.words).endswith("1 late already: they fire at once.")
    assert [str(one) for one in found.details] == [
        "2026-03-08 09:00 Key: to Sam",
        "2026-03-13 09:00 New: to Sam",
    ]
    assert found.words.in_language("zh").startswith("有变化。未来 14 天内到期 1 条")
    # As it was applied the forecast says the same.
    world.apply({**FILES, "workflows/silent.yaml": fire})
    assert [one[0] for one in lines(look(world, only="silent"))] == ["03-08 09:00", "03-13 09:00"]


def test_a_plan_says_when_a_new_rule_reads_what_is_not_there_yet(world):
    customer = FILES["entities/customer.yaml"].replace(
        "  note: {type: text}", "  note: {type: text}\n  trial_ends: {type: date}"
    )
    text = "rule: trial\nentity: customer\nwhen: {on: trial_ends}\ndo: [{notify: {to: owner, say: Now}}]\n"
    files = {**FILES, "entities/customer.yaml": customer, "workflows/trial.yaml": text}
    [found] = outlook_of(world.pools, load(files), world.clock.now())
    assert str(found.words) == "new. Whom it concerns can be told once its fields are there."
