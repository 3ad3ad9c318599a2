"""What is due is claimed once, and comes again when it should."""

import threading
from datetime import timedelta

import sqlalchemy as sa

from app.database.automation_tables import firing, reminder
from tests.integration.automation.reminders import world as w


def days(world, rule, customer, until, step=1):
    """Let days go by, a tick each minute of interest; return what fired."""
    while world.clock.now() < w.local(until):
        world.later(days=step)
        world.tick()
    return world.fired(rule, customer)


def test_nothing_before_the_minute_and_one_at_it(world):
    customer = world.customer(level="a")
    world.at("2026-03-09 08:59")
    assert world.tick() == 0
    world.at("2026-03-09 09:00")
    # Ten runs of the scheduler fire one.
    assert [world.tick() for _ in range(10)] == [1] + [0] * 9
    assert world.fired("silent", customer) == ["2026-03-09 09:00"]
    assert world.tasks() == 1
    world.later(minutes=1)
    world.follow_up(customer)
    # The clock begins again, from the follow-up.
    assert world.due("silent", customer) == "2026-03-16 09:01"
    world.at("2026-03-16 09:00")
    assert world.tick() == 0
    world.at("2026-03-16 09:01")
    assert world.tick() == 1
    assert world.fired("silent", customer) == ["2026-03-09 09:00", "2026-03-16 09:01"]


def test_a_date_fires_once_though_it_is_moved_away_and_back(world):
    customer = world.customer(due_on="2026-03-04")
    world.at("2026-03-04 00:00")
    assert world.tick() == 1
    world.update(customer, due_on="2026-03-05")
    world.update(customer, due_on="2026-03-04")
    world.later(days=2)
    world.tick()
    assert world.fired("on-the-day", customer) == ["2026-03-04 00:00"]
    # The duration grew after it had fired: it is the same date.
    world.update(customer, level="a")
    world.at("2026-03-10 09:00")
    world.tick()
    assert world.fired("silent", customer) == ["2026-03-09 09:00"]
    world.update(customer, level="c")
    world.later(days=60)
    world.tick()
    assert world.fired("silent", customer) == ["2026-03-09 09:00"]


def test_a_write_between_due_and_claim_loses_nothing(world):
    customer = world.customer(level="a", born_on="1990-03-09")
    # The scheduler is down; people go on working.
    world.at("2026-03-09 09:30")
    world.update(customer, level="a", name="Another")
    world.update(customer, born_on="1991-03-09")
    assert world.due("silent", customer) == "2026-03-09 09:00"
    assert world.due("birthday", customer) == "2026-03-09 09:00"
    world.tick()
    assert world.fired("birthday", customer) == ["2026-03-09 09:00"]
    assert world.due("birthday", customer) == "2027-03-09 09:00"


def test_repeats_keep_their_rhythm(world):
    customer = world.customer(since="2026-03-05T10:00")
    assert days(world, "again", customer, "2026-04-10 09:00") == [
        # Monday, and every third working day after it, at nine; three times.
        "2026-03-09 09:00",
        "2026-03-12 09:00",
        "2026-03-17 09:00",
        "2026-03-20 09:00",
    ]
    assert world.due("again", customer) is None
    world.update(customer, since="2026-04-13T10:00")
    assert world.due("again", customer) == "2026-04-15 09:00"


def test_yearly_comes_each_year_and_29_february_on_the_28th(world):
    customer = world.customer(born_on="2024-02-29")
    for expected in ("2027-02-28 09:00", "2028-02-29 09:00", "2029-02-28 09:00"):
        assert world.due("birthday", customer) == expected
        world.at(expected)
        # Nothing is moved by a write on the very day.
        world.update(customer, name=expected)
        assert world.tick() >= 1
        world.update(customer, born_on="2024-02-28")
        world.update(customer, born_on="2024-02-29")
        world.later(minutes=1)
        world.tick()
    assert world.fired("birthday", customer) == [
        "2027-02-28 09:00",
        "2028-02-29 09:00",
        "2029-02-28 09:00",
    ]


def test_f10_three_days_down_catch_up_sends_one_and_skip_none(world):
    customer = world.customer(since="2026-03-02T09:00", ends_at="2026-03-04T12:00")
    # Repeats that were missed are not made up for either.
    world.at("2026-03-14 12:00")
    world.tick()
    assert world.fired("again", customer) == ["2026-03-03 09:00"]
    assert world.due("again", customer) == "2026-03-16 09:00"
    assert world.fired("not-made-up-for", customer) == ["2026-03-04 12:00 skipped"]
    assert world.fired("before-the-end", customer) == []
    assert world.fired("once-ever", customer) == ["2026-03-04 12:00"]
    with world.pools.engine.connect() as connection:
        chosen = sa.select(firing.c.reason).where(firing.c.state == "skipped")
        reason = connection.execute(chosen).scalar_one()
    assert reason["en"] == "It was missed: the scheduler was not running when it was due."
    # A tick that comes a few minutes late has missed nothing.
    world.update(customer, ends_at="2026-03-20T12:00")
    world.at("2026-03-20 12:04")
    world.tick()
    assert world.fired("not-made-up-for", customer)[1:] == ["2026-03-20 12:00"]
    # Once is once.
    assert world.fired("once-ever", customer) == ["2026-03-04 12:00"]


def test_j10_what_is_late_when_it_arises_fires_only_where_the_rule_says_so(world):
    customer = world.customer(ends_at="2026-02-01T12:00", since="2020-01-01T12:00")
    world.tick()
    assert world.fired("late-too", customer) == ["2026-03-02 09:00"]
    for rule in ("once-ever", "not-made-up-for", "again", "mixed"):
        assert world.fired(rule, customer) == []
    # Touching it does not make it fire again.
    world.update(customer, ends_at="2026-02-02T12:00")
    world.update(customer, ends_at="2026-02-01T12:00")
    world.later(minutes=1)
    world.tick()
    assert len(world.fired("late-too", customer)) == 1


def test_j14_f11_several_schedulers_claim_each_reminder_once(world):
    with world.pools.engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO crm.customer (name, level, status, owner, owner_since, created_at, "
                "updated_at, version) SELECT 'C' || n, 'a', 'active', 1, :now, :now, :now, 1 "
                "FROM generate_series(1, 3000) n"
            ),
            {"now": w.NOW},
        )
        connection.execute(
            sa.insert(reminder).from_select(
                ["rule", "entity", "record_id", "base", "due_at"],
                sa.select(
                    sa.literal(world.numbers.number("silent")),
                    sa.literal(world.live.release.numbers["customer"]),
                    world.live.release.tables["customer"].c.id,
                    sa.literal(w.NOW),
                    sa.literal(w.NOW + timedelta(days=7)),
                ),
            )
        )
    world.at("2026-03-09 09:00")
    world.tick(limit=0)
    claimed = []
    threads = [
        threading.Thread(target=lambda: claimed.extend(iter(lambda: world.tick(170), 0)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # One that saw nothing left while others still held some has stopped early.
    claimed.append(world.tick())
    assert sum(claimed) == 3000
    assert len(world.fired("silent")) == 3000
    assert world.tasks() == 3000


def test_f23_a_clock_that_jumps_fires_nothing_twice_and_skips_nothing(world):
    customer = world.customer(level="a")
    world.at("2026-03-09 09:30")  # an hour ahead
    assert world.tick() == 1
    world.at("2026-03-09 08:30")
    assert world.tick() == 0
    world.update(customer, level="b")
    world.update(customer, level="a")
    world.at("2026-03-09 09:00")
    world.tick()
    assert world.fired("silent", customer) == ["2026-03-09 09:00"]
    # Back an hour before anything was due: it comes when it is due.
    other = world.customer(level="a")
    world.at("2026-03-16 08:30")
    world.at("2026-03-16 07:30")
    world.at("2026-03-16 09:00")
    world.tick()
    assert world.fired("silent", other) == ["2026-03-16 09:00"]
