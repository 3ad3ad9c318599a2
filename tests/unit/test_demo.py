"""The demo's story: the same every time, in an order that can be written, and plausible."""

import re
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import phonenumbers
import pytest

from app.demo import demo_organisation, demo_records
from app.demo.steps import Person, Reference, cents

TODAY = date(2026, 11, 24)


@pytest.fixture(scope="module")
def steps():
    return list(demo_records(7, TODAY))


def values_in(value):
    if isinstance(value, dict):
        for one in value.values():
            yield from values_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from values_in(one)
    else:
        yield value


def test_equal_seeds_tell_equal_stories(steps):
    assert list(demo_records(7, TODAY)) == steps
    assert list(demo_records(8, TODAY)) != steps


@pytest.mark.parametrize("seed", range(5))
def test_about_two_thousand_records_across_all_entities(seed):
    counts = Counter(step.entity for step in demo_records(seed, TODAY) if step.is_new)
    assert 1600 < counts.total() < 2600
    assert set(counts) == {
        "lead", "customer", "customer_group", "contact", "opportunity", "product",
        "product_category", "quote", "contract", "receivable_plan", "receivable", "invoice",
        "follow_up", "task", "milestone", "ticket", "visit",
    }  # fmt: skip


@pytest.mark.parametrize("today", [TODAY, date(2027, 2, 28), date(2028, 2, 29), date(2026, 1, 4)])
def test_every_reference_is_to_an_earlier_record_and_time_goes_on(today):
    made = set()
    before = None
    for step in demo_records(3, today):
        assert before is None or step.at >= before
        before = step.at
        keys = {v.key for v in values_in(step.values) if isinstance(v, Reference)}
        assert keys <= made
        assert (step.key in made) is not step.is_new
        made.add(step.key)
    assert before is not None
    assert before.date() < today


def test_everybody_named_works_here(steps):
    logins = {user.login for user in demo_organisation().users}
    # Who agrees is whoever is asked by then.
    assert {step.by for step in steps if step.act != "agree"} <= logins
    people = {v.login for s in steps for v in values_in(s.values) if isinstance(v, Person)}
    assert people <= logins


def test_phone_numbers_are_valid_and_addresses_belong_to_nobody(steps):
    texts = [v for step in steps for v in values_in(step.values) if isinstance(v, str)]
    numbers = [text for text in texts if re.fullmatch(r"\+\d+", text)]
    assert len(numbers) > 500
    wrong = [n for n in numbers if not phonenumbers.is_valid_number(phonenumbers.parse(n))]
    assert wrong == []
    assert [text for text in texts if "@" in text and not text.endswith(".example")] == []


@pytest.mark.parametrize(
    ("entity", "field"),
    [
        ("lead", "mobile"), ("customer", "name"), ("customer", "credit_code"),
        ("customer", "email"), ("contact", "mobile"), ("contact", "email"),
        ("opportunity", "name"), ("quote", "name"), ("contract", "name"), ("product", "code"),
    ],
)  # fmt: skip
def test_what_must_not_repeat_does_not(steps, entity, field):
    found = [
        s.values[field] for s in steps if s.is_new and s.entity == entity and field in s.values
    ]
    assert found
    assert len(found) == len(set(found))


def test_credit_codes_have_their_check_digit(steps):
    characters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    codes = [s.values["credit_code"] for s in steps if "credit_code" in s.values]
    assert codes
    for code in codes:
        total = sum(characters.index(c) * pow(3, place, 31) for place, c in enumerate(code[:17]))
        assert characters[-total % 31] == code[17]


def test_instalments_are_exactly_the_contract(steps):
    """The parts of 30, 30, 30 and 10 per cent add up to the cent."""
    contracts = {s.key: s.values for s in steps if s.entity == "contract" and s.is_new}
    plans: dict[str, list[tuple[Decimal, Decimal]]] = {}
    for step in steps:
        if step.entity == "receivable_plan":
            told = step.values
            plans.setdefault(told["contract"].key, []).append((told["percent"], told["amount"]))
    assert len(plans) > 20
    for key, parts in plans.items():
        lines = contracts[key]["lines"]
        total = sum((cents(line["price"] * line["quantity"]) for line in lines), Decimal(0))
        amount = cents(total * (100 - contracts[key]["discount_rate"]) / 100)
        assert [percent for percent, _ in parts] == [30, 30, 30, 10]
        assert sum(part for _, part in parts) == amount


def test_opportunities_stand_in_every_stage(steps):
    stages = {s.key: "new" for s in steps if s.entity == "opportunity" and s.is_new}
    stages |= {
        s.key: s.values["stage"] for s in steps if "stage" in s.values and s.entity == "opportunity"
    }
    assert set(stages.values()) == {
        "new", "needs_clear", "proposal", "negotiation", "signing", "won", "lost", "invalid",
    }  # fmt: skip


def test_some_customers_were_called_lately_and_some_never(steps):
    last = {s.key: None for s in steps if s.entity == "customer" and s.is_new}
    for step in steps:
        if step.entity == "follow_up" and step.values["about"].key in last:
            last[step.values["about"].key] = step.at.date()
    days = [(TODAY - day).days for day in last.values() if day]
    assert any(day is None for day in last.values())
    assert min(days) <= 7
    assert max(days) >= 60


def test_a_manager_is_above_everybody_who_sells():
    organisation = demo_organisation()
    assert len(organisation.departments) == 3
    assert len(organisation.users) == 12
    known: set[str] = set()
    for user in organisation.users:
        assert user.manager is None or user.manager in known
        known.add(user.login)
    above = {user.login: user.manager for user in organisation.users}
    line = []
    person: str | None = "li.na"
    while person := above[person or ""]:
        line.append(person)
    assert line == ["sun.hao", "chen.wei", "he.jun"]


def test_dates_ahead_are_near(steps):
    ahead = [
        v
        for step in steps
        for v in values_in(step.values)
        if isinstance(v, date) and type(v) is date and v > TODAY
    ]
    assert ahead
    assert max(ahead) < TODAY + timedelta(days=700)
