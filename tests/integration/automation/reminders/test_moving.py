"""A write moves its reminders."""

from tests.integration.automation.reminders.world import local

#: A rule, what a record says, and when the rule is due for it.
DUE = [
    ("silent", {"level": "a"}, "2026-03-09 09:00"),
    ("silent", {"level": "b"}, "2026-03-17 09:00"),
    ("on-the-day", {"due_on": "2026-03-07"}, "2026-03-07 00:00"),
    ("in-the-morning", {"due_on": "2026-03-06"}, "2026-03-06 09:30"),
    # A Saturday waits for Monday.
    ("in-the-morning", {"due_on": "2026-03-07"}, "2026-03-09 09:30"),
    ("before-the-end", {"ends_at": "2026-03-20T12:00"}, "2026-03-17 08:00"),
    # Not after the three days: the eight o'clock before.
    ("before-the-end", {"ends_at": "2026-03-20T07:00"}, "2026-03-16 08:00"),
    ("before-the-end", {"ends_at": "2026-03-20T08:00"}, "2026-03-17 08:00"),
    ("working-hours", {"since": "2026-03-02T17:00"}, "2026-03-03 17:00"),
    ("working-hours", {"since": "2026-03-06T10:00"}, "2026-03-09 10:00"),
    ("mixed", {"level": "a", "since": "2026-03-02T17:00"}, "2026-03-03 12:00"),
    ("mixed", {"level": "b", "since": "2026-03-05T17:00"}, "2026-03-09 17:00"),
    ("mixed", {"level": "c", "since": "2026-03-05T17:00"}, "2026-03-09 17:00"),
    ("birthday", {"born_on": "1990-08-15"}, "2026-08-15 09:00"),
    ("birthday", {"born_on": "1990-01-15"}, "2027-01-15 09:00"),
    ("birthday", {"born_on": "1992-02-29"}, "2027-02-28 09:00"),
    ("birthday", {"born_on": "2028-05-01"}, "2028-05-01 09:00"),
    # This minute is not over.
    ("birthday", {"born_on": "1990-03-02"}, "2026-03-02 09:00"),
    ("renewal", {"renewed_at": "2024-03-10T10:00"}, "2027-02-24 10:00"),
    ("renewal", {"renewed_at": "2024-03-20T10:00"}, "2026-03-06 10:00"),
    ("again", {"since": "2026-03-05T10:00"}, "2026-03-09 09:00"),
    ("once-ever", {"ends_at": "2026-03-20T12:00"}, "2026-03-20 12:00"),
    # Late already.
    ("on-the-day", {"due_on": "2026-03-01"}, None),
    ("late-too", {"ends_at": "2026-03-01T12:00"}, "2026-03-02 09:00"),
]


def test_a_new_record_is_due(world):
    found = [(rule, values, world.due(rule, world.customer(**values))) for rule, values, _ in DUE]
    assert found == DUE


def test_a_write_moves_what_it_concerns_and_nothing_else(world):
    customer = world.customer(level="a", since="2026-03-05T10:00")
    assert world.due("silent", customer) == "2026-03-09 09:00"
    assert world.reminder("birthday", customer) is None
    before = world.reminder("mixed", customer)
    world.later(hours=1)
    world.update(customer, note="something else")
    world.update(customer, born_on="1990-08-15")
    assert world.due("birthday", customer) == "2026-08-15 09:00"
    assert world.reminder("mixed", customer) == before
    world.update(customer, level="c")
    assert world.due("silent", customer) == "2026-04-01 09:00"
    assert world.due("mixed", customer) == "2026-03-09 10:00"
    # Without a date nothing is due; with one again it is.
    world.update(customer, born_on=None)
    assert world.due("birthday", customer) is None
    world.update(customer, born_on="1990-09-15")
    assert world.due("birthday", customer) == "2026-09-15 09:00"


def test_roll_ups_and_what_is_linked_move_it_too(world):
    customer = world.customer(level="a")
    job = world.records.create(
        world.who("sam"),
        "job",
        {"name": "J", "customer": customer, "planned_at": "2026-03-10T10:00"},
    ).id
    assert world.due("by-the-customer", job) == "2026-03-11 10:00"
    world.later(days=2)
    note = world.follow_up(customer)
    assert world.due("silent", customer) == "2026-03-11 09:00"
    world.update(note, "follow_up", followed_at=local("2026-03-05T15:00").isoformat())
    assert world.due("silent", customer) == "2026-03-12 15:00"
    world.records.delete(world.who("sam"), "follow_up", note)
    assert world.due("silent", customer) == "2026-03-09 09:00"
    world.update(customer, level="b")
    assert world.due("by-the-customer", job) == "2026-03-12 10:00"
    world.later(days=1)
    world.records.transfer(world.who("sam"), "customer", [customer], 2)
    assert world.due("silent", customer) == "2026-03-20 09:00"


def test_j4_the_bin_suspends_and_restoring_resumes(world):
    customer = world.customer(level="a", since="2026-03-02T10:00")
    world.records.delete(world.who("sam"), "customer", customer)
    assert world.due("silent", customer) is None
    world.at("2026-03-09 09:00")
    assert world.tick() == 0
    world.records.restore(world.who("sam"), "customer", customer)
    # Due this very minute; what was due meanwhile is over.
    assert world.due("silent", customer) == "2026-03-09 09:00"
    assert world.due("again", customer) is None
    assert world.tick() == 1
    assert world.fired("silent") == ["2026-03-09 09:00"]
