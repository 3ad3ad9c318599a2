"""Clocks, the business calendar, single records, stages and currencies."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from app.database import system
from app.errors import InvalidInput
from tests.integration.writing.world import NOW

# NOW is Tuesday, 10 March 2026, 12:00 in Shanghai; the 12th is off.


def at(day, hour, minute=0):
    """A moment of March 2026 on Shanghai's clocks."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


def ticket(world, number):
    row = world.row("ticket", number)
    return row["response"], row["response__state"], row["response__left"]


def test_a_clock_runs_in_working_hours(corner):
    corner.clock.moment = at(10, 17)
    sam = corner.who("sam")
    low = corner.records.create(sam, "ticket", {"subject": "Low"}).id
    high = corner.records.create(sam, "ticket", {"subject": "High", "priority": "high"}).id
    # One hour is left on the 10th; the 11th is a working day, the 12th is not, nor the weekend.
    assert ticket(corner, low) == (at(11, 17), "running", None)
    assert ticket(corner, high) == (at(11, 10), "running", None)
    row = corner.row("ticket", low)
    assert (row["solution"], row["solution__state"]) == (at(10, 19), "running")


def test_a_clock_rests_and_goes_on(corner):
    corner.clock.moment = at(10, 9)
    sam = corner.who("sam")
    number = corner.records.create(sam, "ticket", {"subject": "x", "priority": "high"}).id
    corner.clock.moment = at(10, 10)
    corner.records.update(sam, "ticket", number, {"status": "waiting"})
    assert ticket(corner, number) == (None, "paused", timedelta(hours=1))
    corner.clock.moment = at(11, 17, 30)
    corner.records.update(sam, "ticket", number, {"status": "open"})
    assert ticket(corner, number) == (at(13, 9, 30), "running", None)
    corner.clock.moment = at(13, 9, 15)
    written = corner.records.update(
        sam, "ticket", number, {"replied_at": "2026-03-13T09:10:00+08:00"}
    )
    assert ticket(corner, number) == (at(13, 9, 30), "met", timedelta(minutes=15))
    assert written.version == 4


def test_a_clock_that_is_too_late_is_missed_and_one_of_another_limit_begins_anew(corner):
    corner.clock.moment = at(10, 9)
    sam = corner.who("sam")
    number = corner.records.create(sam, "ticket", {"subject": "x", "priority": "high"}).id
    corner.clock.moment = at(10, 14)
    corner.records.update(sam, "ticket", number, {"subject": "y"})
    assert ticket(corner, number)[1] == "missed"
    corner.records.update(sam, "ticket", number, {"priority": "low"})
    assert ticket(corner, number) == (at(10, 18), "running", None)


def test_a_clock_follows_what_is_counted_elsewhere(corner):
    sam = corner.who("sam")
    number = corner.records.create(sam, "ticket", {"subject": "x"}).id
    for text in ("one", "two"):
        assert corner.row("ticket", number)["solution__state"] == "running"
        corner.records.create(sam, "answer", {"text": text, "ticket": number})
    row = corner.row("ticket", number)
    assert (row["answers"], row["solution__state"], row["version"]) == (2, "met", 1)


def test_working_days_are_those_of_the_calendar_in_python_and_in_sql(corner):
    sam = corner.who("sam")
    values = {"name": "x", "started_on": "2026-02-13", "signed_on": "2026-02-28"}
    number = corner.records.create(sam, "client", values).id
    row = corner.row("client", number)
    # From 10 March: 11, 13 (the 12th is off), 16.
    assert row["due_on"] == date(2026, 3, 16)
    # 14 February is worked, the 15th to the 23rd are off, the 28th is worked.
    assert (row["worked"], row["following"]) == (6, date(2026, 3, 2))
    found = corner.records.query(
        sam, "client", filter="working_days_between(signed_on, today()) == 7"
    )
    assert [each.id for each in found] == [number]
    assert (
        len(corner.records.query(sam, "client", filter="due_on > today() + working_days(3)")) == 0
    )
    assert len(corner.records.query(sam, "client", filter="due_on == today() + working_days(3)"))


def test_the_table_of_working_days_follows_the_calendar(corner):
    from tests.integration.writing.corner import FILES

    def works(day):
        chosen = sa.select(system.working_day.c.number).where(system.working_day.c.day == day)
        return corner.one(chosen) is not None

    assert not works(date(2026, 3, 12))
    changed = FILES["app.yaml"].replace("[cn, 2026-03-12]", "[cn, 2026-03-11]")
    corner.apply({**FILES, "app.yaml": changed})
    assert works(date(2026, 3, 12))
    assert not works(date(2026, 3, 11))
    assert works(date(2026, 2, 14))
    assert not works(date(2026, 10, 1))


def test_there_is_one_record_of_what_is_single(corner):
    def create(name):
        try:
            return corner.records.create(corner.who("sam"), "tariff", {"name": name}).id
        except InvalidInput as error:
            refusals.append(str(error.message))
            return None

    refusals = []

    with ThreadPoolExecutor(4) as pool:
        made = [number for number in pool.map(create, "abcd") if number]
    assert len(made) == 1
    assert refusals == ["There is exactly one Tariff; change that one."] * 3
    root = corner.who("root")
    corner.records.delete(root, "tariff", made)
    second = create("e")
    with pytest.raises(InvalidInput):
        corner.records.restore(root, "tariff", made)
    corner.records.delete(root, "tariff", second)
    corner.records.restore(root, "tariff", made)


def test_a_stage_knows_since_when_and_what_was_before(corner):
    sam = corner.who("sam")
    number = corner.records.create(sam, "deal", {"name": "x"}).id
    row = corner.row("deal", number)
    assert (row["stage"], row["stage__since"], row["stage__previous"]) == ("new", NOW, None)
    later = corner.clock.moment = NOW + timedelta(days=1)
    corner.records.update(sam, "deal", number, {"name": "y"})
    assert corner.row("deal", number)["stage__since"] == NOW
    corner.records.update(sam, "deal", number, {"stage": "proposal"})
    row = corner.row("deal", number)
    assert (row["stage"], row["stage__since"], row["stage__previous"]) == (
        "proposal",
        later,
        "new",
    )


def test_amounts_keep_the_rate_of_the_day_they_changed(corner):
    with corner.pools.engine.begin() as connection:
        for day, rate in (("2026-03-01", "7.0"), ("2026-03-11", "7.2")):
            connection.execute(
                system.rate.insert().values(
                    currency="USD", day=date.fromisoformat(day), rate=Decimal(rate)
                )
            )
    sam = corner.who("sam")
    number = corner.records.create(sam, "deal", {"amount": "100"}).id
    row = corner.row("deal", number)
    assert (row["currency"], row["amount__base"]) == ("USD", Decimal("700.0"))
    corner.clock.moment = NOW + timedelta(days=2)
    corner.records.update(sam, "deal", number, {"name": "later"})
    assert corner.row("deal", number)["amount__base"] == Decimal("700.0")
    corner.records.update(sam, "deal", number, {"amount": "200"})
    assert corner.row("deal", number)["amount__base"] == Decimal("1440.0")
    corner.records.update(sam, "deal", number, {"currency": "CNY"})
    assert corner.row("deal", number)["amount__base"] == 200


def test_amounts_of_rows_are_in_the_currency_of_their_record(corner):
    with corner.pools.engine.begin() as connection:
        connection.execute(
            system.rate.insert().values(currency="USD", day=date(2026, 3, 1), rate=Decimal(7))
        )
    sam = corner.who("sam")
    values = {"name": "x", "lines": [{"price": "10"}, {"price": None}]}
    number = corner.records.create(sam, "deal", values).id
    bases = sa.text("SELECT array_agg(price__base ORDER BY position) FROM crm.deal__lines")
    assert corner.one(bases)[0] == [70, None]
    corner.records.update(sam, "deal", number, {"currency": "CNY"})
    assert corner.one(bases)[0] == [10, None]
