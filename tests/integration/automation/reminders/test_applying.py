"""What an apply makes of reminders."""

import pytest
import sqlalchemy as sa

from app.automation import recomputing
from app.database.automation_tables import reminder, rule, rule_version
from tests.integration.automation.reminders import world as w


def without(rule_text: str) -> dict[str, str]:
    """Return the configuration without the rules that are not *rule_text*."""
    return {**w.FILES, "workflows/silent.yaml": rule_text}


def counted(world, name):
    with world.pools.engine.connect() as connection:
        return connection.execute(
            sa.select(sa.func.count())
            .select_from(reminder.join(rule, rule.c.number == reminder.c.rule))
            .where(rule.c.name == name)
        ).scalar_one()


def test_a_changed_rule_moves_what_is_pending(world):
    customers = [world.customer(level="a") for _ in range(3)]
    world.update(customers[1], level="b")
    fired = world.customer(level="a")
    world.at("2026-03-09 09:00")
    world.update(customers[2], status="closed")
    world.follow_up(customers[0])
    world.tick()
    assert world.fired("silent", fired) == ["2026-03-09 09:00"]
    assert world.apply(without(w.SILENT.replace("b: 15 days", "b: 8 days"))) == 4
    assert [world.due("silent", one) for one in (*customers, fired)] == [
        "2026-03-16 09:00",
        "2026-03-10 09:00",
        None,
        None,
    ]
    # What became late by the change is backlog, and what was due before is not due again.
    world.apply(without(w.SILENT.replace("b: 15 days", "b: 6 days")))
    assert world.due("silent", customers[1]) is None
    late = w.SILENT.replace("b: 15 days", "b: 5 days").replace("\ndo:", "\nbacklog: fire\ndo:")
    world.apply(without(late))
    assert world.due("silent", customers[1]) == "2026-03-09 09:00"
    assert world.due("silent", fired) is None
    # Another text of a message moves nothing.
    assert world.apply(without(late.replace("Call", "Call them"))) == 0


def test_a_new_calendar_or_shared_number_moves_what_counts_by_it(world):
    customer = world.customer(level="c", since="2026-03-05T17:00", due_on="2026-03-20")
    assert world.due("mixed", customer) == "2026-03-09 17:00"
    app = w.APP.replace("remind_days: 4", "remind_days: 6").replace("mon-fri", "mon-thu")
    world.apply({**w.FILES, "app.yaml": app})
    assert world.due("mixed", customer) == "2026-03-11 17:00"
    assert world.due("in-the-morning", customer) == "2026-03-23 09:30"


def test_a_removed_rule_drops_its_reminders_and_a_renamed_one_keeps_them(world):
    customer = world.customer(level="a")
    before = world.reminder("silent", customer)
    renamed = w.SILENT.replace("rule: silent", "rule: quiet\nwas: silent")
    world.apply(without(renamed))
    assert world.reminder("quiet", customer) == before
    with world.pools.engine.connect() as connection:
        versions = connection.execute(sa.select(rule_version.c.name)).scalars().all()
    assert {"silent", "quiet"} <= set(versions)
    world.apply(without(renamed.replace("entity: customer", "entity: customer\noff: yes")))
    assert counted(world, "quiet") == 0
    world.apply(without(renamed))
    assert world.due("quiet", customer) == "2026-03-09 09:00"
    files = {name: text for name, text in w.FILES.items() if name != "workflows/silent.yaml"}
    world.apply(files)
    assert counted(world, "quiet") == 0
    # Not even what was claimed by a scheduler that had not heard of it.
    world.at("2026-03-09 09:00")
    assert world.tick() == 0


def test_an_interrupted_recomputing_is_taken_up_where_it_ended(world, monkeypatch):
    customers = [world.customer(level="a") for _ in range(30)]
    monkeypatch.setattr(recomputing, "BATCH", 7)
    monkeypatch.setattr(recomputing, "LEAST", 7)
    batches = []

    def die(last):
        batches.append(last)
        if len(batches) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.apply(without(w.SILENT.replace("a: 7 days", "a: 9 days")), on_batch=die)
    dues = [world.due("silent", one) for one in customers]
    assert dues == ["2026-03-11 09:00"] * 14 + ["2026-03-09 09:00"] * 16
    with world.connection() as connection:
        assert recomputing.is_pending(connection)
        done = recomputing.recompute(connection, world.live.release, world.clock.now())
        assert done == 16
        assert not recomputing.is_pending(connection)
    assert {world.due("silent", one) for one in customers} == {"2026-03-11 09:00"}


def test_a_writer_wins_over_a_batch_that_began_before_it(world):
    customer = world.customer(level="a")
    other = world.customer(level="a")

    def write(_last):
        # Between the batches, as if in between two of their statements.
        world.update(other, level="c")

    world.apply(without(w.SILENT.replace("a: 7 days", "a: 9 days")), on_batch=write)
    assert world.due("silent", customer) == "2026-03-11 09:00"
    assert world.due("silent", other) == "2026-04-01 09:00"
