"""What comes later: steps with `after`, waits, timed rules, and all that may happen in between."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.automation.raising import raise_event
from app.database.automation_tables import firing, task
from app.texts import Label
from tests.integration.automation.engine.world import NOW, World, steps

ONBOARD = """
rule: onboard
entity: customer
when: {on: update, changed: status, to: active}
if: level != 'c'
do:
  - {create: {entity: todo, name: call, set: {name: Call, about: =record}}}
  - {after: 3 days, notify: {to: owner, say: "Three days: {{ record.note }}"}}
  - {after: 1 day, notify: {to: owner, say: One day}}
  - {wait: {until: new.call.status == 'done', at_most: 10 days}}
  - {set: {note: "=join(' ', note, 'called')"}}
  - {wait: 2 days}
  - choose:
      - {if: old.status == 'new', do: [{wait: 1 hour}, {set: {seen: was new}}]}
  - {notify: {to: owner, say: Ask again}}
"""


def test_steps_wait_and_count_from_where_the_language_says(world: World) -> None:
    world.rules(ONBOARD)
    number = world.create("customer", note="n")
    world.update("customer", number, status="active")
    assert world.states() == ["waiting"]
    assert [each["step"] for each in world.tasks()] == ["1", "2", "3"]
    world.at(hours=23, minutes=59)
    assert world.messages() == []
    world.at(minutes=1)
    assert world.messages() == [("sam", "One day")]
    todo = world.all("todo")[0]["id"]
    world.update("todo", todo, status="done")
    world.work()
    assert world.row("customer", number)["note"] == "n called"
    world.at(days=2)
    assert world.messages()[1:] == [("sam", "Three days: n called")]
    assert world.row("customer", number)["seen"] is None
    world.at(hours=1)
    assert world.row("customer", number)["seen"] == "was new"
    assert world.messages()[-1] == ("sam", "Ask again")
    assert (world.states(), world.tasks()) == (["done"], [])
    row = world.firings()[0]
    assert dict(steps(row))["3"] == "done"
    assert row["made"] == {"call": ["todo", todo]}
    line = world.history("customer", number)[-1]
    assert (line["origin"], line["cause"], line["user_id"]) == ("rule", "onboard", world.ids["sam"])


def test_a_wait_ends_at_most_then_and_conditions_are_asked_again(world: World) -> None:
    world.rules(ONBOARD)
    number, other = world.create("customer", note="n"), world.create("customer", note="o")
    world.update("customer", number, status="active")
    world.update("customer", other, status="active")
    world.update("customer", other, level="c")
    world.at(days=10)
    assert world.row("customer", number)["note"] == "n called"
    assert world.row("customer", other)["note"] == "o"
    told = sorted(text for _, text in world.messages())
    assert told == ["One day", "Three days: n"]
    (done,) = [row for row in world.firings() if row["record_id"] == other]
    assert done["state"] == "done"
    assert done["steps"]["1"]["note"]["en"] == "Its condition does not hold: level != 'c'."


def test_j4_what_waits_is_suspended_in_the_bin_goes_along_and_is_dropped_for_good(
    world: World,
) -> None:
    """J4: deleted, restored, transferred, merged, purged in between."""
    world.rules(ONBOARD)
    numbers = [world.create("customer", note=str(each)) for each in range(3)]
    for number in numbers:
        world.update("customer", number, status="active")
    world.records.delete(world.who("sam"), "customer", numbers[0])
    world.records.transfer(world.who("mia"), "customer", [numbers[1]], world.ids["sue"])
    world.at(days=1)
    assert world.messages() == [("sue", "One day"), ("sam", "One day")]
    world.records.restore(world.who("sam"), "customer", numbers[0])
    world.work()
    assert len(world.messages()) == 3
    world.records.merge(world.who("mia"), "customer", numbers[1], [numbers[2]])
    assert {row["record_id"] for row in world.firings()} == set(numbers[:2])
    world.records.delete(world.who("sam"), "customer", numbers[0])
    world.records.purge(world.who("root"), "customer", [numbers[0]])
    assert [row["state"] for row in world.firings() if row["record_id"] == numbers[0]] == [
        "dropped"
    ]
    world.at(days=2)
    assert sorted(text for who, text in world.messages() if who == "sue") == [
        "One day", "Three days: 1", "Three days: 1",
    ]  # fmt: skip


def test_a_changed_rule_moves_what_is_pending_and_waits_keep_their_version(world: World) -> None:
    world.rules(ONBOARD)
    number = world.create("customer", note="n")
    world.update("customer", number, status="active")
    changed = ONBOARD.replace(
        "after: 1 day, notify: {to: owner, say: One day}",
        "after: 2 days, notify: {to: owner, say: Two days}",
    )
    world.rules(changed.replace("note, 'called'", "note, 'rung'").replace("Three days", "3 days"))
    world.at(days=1)
    assert world.messages() == []
    world.at(days=1)
    assert world.messages() == [("sam", "Two days")]
    world.at(days=8)
    assert world.messages()[-1] == ("sam", "3 days: n")
    assert world.row("customer", number)["note"] == "n called", "the wait was under way"
    other = world.create("customer", note="o")
    world.update("customer", other, status="active")
    soon = changed.replace("after: 2 days", "after: 1 minute")
    world.rules(soon)
    world.at(minutes=1)
    assert world.messages()[-1] == ("sam", "Two days"), "earlier than it was to be"
    world.rules(ONBOARD.replace("rule: onboard", "rule: another"))
    world.work()
    assert world.states("onboard") == ["dropped", "dropped"]
    assert world.tasks() == []
    assert "removed" in world.firings("onboard")[0]["reason"]["en"]


SILENT = """
rule: silent
entity: customer
when: {after: 2 days, since: due_on, at: 09:00}
if: status != 'closed'
repeat: {every: 1 day, times: 2}
do:
  - {notify: {to: owner, say: "{{ record.name }}"}}
  - {after: 3 days, set: {note: late}}
---
rule: once-ever
entity: customer
when: {on: update, changed: note}
once: yes
do: [{set: {seen: "=join('', seen, 'x')"}}]
---
rule: nobody-made-a-lead
when: {every: day, at: 08:00}
if: "not exists(lead, created_at > now() - days(3))"
do: [{notify: {to: role manager, say: No leads}}]
"""


def test_timed_rules_repeat_and_follow_their_date(world: World) -> None:
    world.rules(SILENT)
    number, other = world.create("customer", name="A"), world.create("customer", name="B")
    for one in (number, other):
        world.update("customer", one, due_on="2026-03-12")
    world.at(days=4)
    told = [text for who, text in world.messages() if who == "sam"]
    assert sorted(told) == ["A", "B"]
    world.update("customer", other, due_on="2026-03-30")
    world.at(days=1)
    world.at(days=1)
    told = [text for who, text in world.messages() if who == "sam"]
    assert sorted(told) == ["A", "A", "A", "B"], "repeats, without the steps that wait"
    world.at(days=1)
    assert (world.row("customer", number)["note"], world.row("customer", other)["note"]) == (
        "late",
        None,
    )
    moved = [row for row in world.firings("silent") if row["record_id"] == other]
    assert "has moved" in moved[0]["reason"]["en"] or moved[0]["steps"]["1"]["state"] == "skipped"
    assert world.row("customer", number)["seen"] == "x"
    world.update("customer", number, note="again")
    assert world.row("customer", number)["seen"] == "x", "once ever"


def test_steps_whose_date_was_emptied_are_skipped(world: World) -> None:
    world.rules(SILENT)
    number = world.create("customer", name="A")
    world.update("customer", number, due_on="2026-03-12")
    world.at(days=4)
    world.update("customer", number, due_on=None)
    world.at(days=3)
    assert world.row("customer", number)["note"] is None
    assert [each["problem"] for each in world.tasks() if each["problem"] is not None] == []
    (row,) = (each for each in world.firings("silent") if each["record_id"] == number)
    assert (dict(steps(row))["0"], row["state"]) == ("done", "skipped")
    assert "has moved" in str(row["steps"]) + str(row["reason"])


def test_a_rule_about_no_record_asks_other_records(world: World) -> None:
    world.rules(SILENT)
    world.at(hours=21)
    assert world.messages() == [("mia", "No leads")]
    world.create("lead")
    world.at(days=1)
    assert len(world.messages()) == 1
    assert world.states("nobody-made-a-lead") == ["done", "skipped"]


def test_j3_f25_a_task_runs_once_however_often_it_is_delivered(world: World) -> None:
    """J3, F25: the same task delivered again, also in parallel and under an old token."""
    from concurrent.futures import ThreadPoolExecutor

    world.rules(ONBOARD)
    number = world.create("customer", note="n")
    world.update("customer", number, status="active")
    world.clock.moment = NOW + timedelta(days=1)
    old, stale = world.lease()
    ids, token = world.lease()
    assert old == ids
    world.engine.run_tasks(ids, stale)
    assert world.messages() == [], "who lost the lease does nothing"
    with ThreadPoolExecutor(5) as pool:
        for one in [pool.submit(world.engine.run_tasks, ids, token) for _ in range(10)]:
            one.result()
    assert world.messages() == [("sam", "One day")]


FAILING = """
rule: failing
entity: customer
when: {on: create}
do:
  - {after: 1 hour, set: {score: =30 + 30}}
  - {after: 1 hour, notify: {to: owner, say: One hour}}
  - {after: 2 hours, set: {note: later}}
---
rule: robot
entity: customer
when: {on: create}
as: user
do: [{after: 1 hour, comment: by me}]
"""


def test_a_step_that_fails_is_tried_again_and_put_aside_and_others_go_on(world: World) -> None:
    world.rules(FAILING)
    good, bad = world.create("customer"), world.create("customer")
    world.clock.moment = NOW + timedelta(hours=1)
    ids, token = world.lease()
    world.engine.run_tasks(ids, token)
    assert len([text for _, text in world.messages() if text == "One hour"]) == 2
    assert len(world.comments()) == 2
    for attempt in (2, 3):
        world.clock.moment += timedelta(minutes=10)
        found = world.select(sa.select(task.c.attempts).where(task.c.step == "0"))
        assert [row["attempts"] for row in found] == [attempt - 1] * 2
        world.engine.run_tasks(*world.lease())
    aside = [row for row in world.tasks() if row["problem"]]
    assert len(aside) == 2
    assert "At most 50." in aside[0]["problem"]["en"]
    assert world.states("failing") == ["failed", "failed"]
    world.at(hours=1)
    assert [world.row("customer", each)["note"] for each in (good, bad)] == ["later", "later"]
    assert world.row("customer", good)["score"] is None


def test_j13_a_rule_does_nothing_for_who_may_not_any_more(world: World) -> None:
    """J13: the causer left before the step was due: it is not done, and logged."""
    world.rules(FAILING)
    world.create("customer", "sue")
    world.fire_away("sue")
    world.at(hours=1)
    assert world.comments() == []
    assert world.states("robot") == ["failed"]
    assert "does not work here" in world.firings("robot")[0]["reason"]["en"]


def test_f8_a_worker_that_dies_leaves_everything_to_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F8: cut off between the effect and the end, nothing of it happened; then it happens once."""
    world.rules(FAILING)
    number = world.create("customer")
    world.clock.moment = NOW + timedelta(hours=2)
    ids, token = world.lease()

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    monkeypatch.setattr("app.automation.engine.Batch.close", die)
    with pytest.raises(Killed):
        world.engine.run_tasks(ids, token)
    assert (world.messages(), world.row("customer", number)["note"]) == ([], None)
    assert len(world.tasks()) == 4
    monkeypatch.undo()
    world.work()
    assert len(world.messages()) == 1
    assert world.row("customer", number)["note"] == "later"
    assert world.select(sa.select(sa.func.count()).select_from(firing))[0]["count_1"] == 2


TOGETHER = """
rule: count-up
entity: customer
when: {on: create}
do:
  - {after: 1 hour, set: {score: "=score + 1"}}
  - {after: 1 hour, if: score < 3, set: {score: "=score + 1"}}
  - {after: 1 hour, if: score >= 3, stop: Enough.}
  - {after: 2 hours, notify: {to: owner, say: Never}}
"""


def test_steps_of_one_batch_see_what_the_others_did_and_a_stop_ends_it(world: World) -> None:
    world.rules(TOGETHER)
    number, other = world.create("customer", score=1), world.create("customer", score=0)
    world.at(hours=1)
    assert [world.row("customer", each)["score"] for each in (number, other)] == [3, 2]
    assert world.states() == ["skipped", "waiting"]
    assert world.firings()[0]["reason"] == {"en": "Enough."}
    world.at(hours=1)
    assert world.messages() == [("sam", "Never")]
    assert world.states() == ["skipped", "done"]


RAISED = """
rule: tell-of-backups
when: {on: backup failed}
if: contains(input.text, 'disk')
do: [{notify: {to: role admin, say: "{{ input.text }}"}}]
"""


def test_what_happens_to_the_installation_sets_rules_off_once_a_key(world: World) -> None:
    world.rules(RAISED)
    numbers = world.house.numbers

    def failed(why: str, key: str | None = None) -> int:
        return raise_event(world.records, numbers, "backup failed", Label({"en": why}), key)

    assert failed("The disk is full.", "monday") == 1
    assert failed("The disk is full.", "monday") == 0, "the same"
    assert failed("Somebody pulled the plug.") == 1
    assert raise_event(world.records, numbers, "sync failed", Label({"en": "x"})) == 0
    with pytest.raises(ValueError, match="There is no event `fire`"):
        raise_event(world.records, numbers, "fire", Label({"en": "x"}))
    world.work()
    assert world.messages() == [("root", "The disk is full.")]
    assert world.states() == ["done", "skipped"]
