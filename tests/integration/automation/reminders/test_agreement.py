"""Python, which works out the dates of one write, and SQL, which does the rest, agree."""

import random
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.automation.recomputing import recompute
from app.database.automation_tables import reminder
from tests.integration.automation.reminders import world as w

MORE = """
rule: back-by-work
entity: customer
when: {before: 20 working hours, until: ends_at}
do: [{notify: {to: owner, say: Go}}]
---
rule: back-by-days
entity: customer
when: {before: 3 working days, until: ends_at, at: 09:30 on working days}
do: [{notify: {to: owner, say: Go}}]
---
rule: months
entity: customer
when: {after: 1 month, since: due_on, at: 02:30}
do: [{notify: {to: owner, say: Go}}]
---
rule: day-before
entity: customer
when: {before: 2 days, until: due_on, at: 08:00 on working days}
do: [{notify: {to: owner, say: Go}}]
---
rule: hours
entity: customer
when: {after: 36 hours, since: since, at: 02:30 on working days}
do: [{notify: {to: owner, say: Go}}]
"""


def rows(world):
    columns = [reminder.c[name] for name in ("rule", "record_id", "base", "due_at")]
    with world.pools.engine.connect() as connection:
        return {tuple(row) for row in connection.execute(sa.select(*columns))}


def some_customer(dice):
    def moment():
        # Around the days on which clocks are moved in Berlin, among others.
        begin = dice.choice(
            [
                datetime(2026, 3, 27, tzinfo=UTC),
                datetime(2026, 10, 23, tzinfo=UTC),
                datetime(2026, 4, 1, tzinfo=UTC),
            ]
        )
        return begin + timedelta(minutes=dice.randrange(7 * 24 * 60))

    values = {
        "level": dice.choice("abc"),
        "since": moment().isoformat(),
        "ends_at": moment().isoformat(),
        "renewed_at": moment().isoformat(),
        "due_on": moment().date().isoformat(),
        "born_on": moment().date().replace(year=dice.randrange(1990, 2026)).isoformat(),
    }
    return {name: value for name, value in values.items() if dice.random() < 0.8}


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin"])
def test_what_a_write_moved_an_apply_leaves(world, zone):
    app = w.APP.replace("Asia/Shanghai", zone)
    world.apply({**w.FILES, "app.yaml": app, "workflows/more.yaml": MORE})
    dice = random.Random(zone)
    made = [world.customer(**some_customer(dice)) for _ in range(60)]
    for one in dice.sample(made, 20):
        world.update(one, **some_customer(dice))
    written = rows(world)
    assert len(written) > 500
    with world.connection() as connection:
        connection.execute("UPDATE trellis.rule SET moving = '{}' WHERE timing IS NOT NULL")
        # Rows that are worked out anew from nothing, and on top of what is there.
        recompute(connection, world.live.release, world.clock.now())
        assert rows(world) == written
        connection.execute("DELETE FROM trellis.reminder WHERE base IS NOT NULL")
        connection.execute("UPDATE trellis.rule SET moving = '{}' WHERE timing IS NOT NULL")
        recompute(connection, world.live.release, world.clock.now())
    assert rows(world) == {row for row in written if row[2] is not None}
