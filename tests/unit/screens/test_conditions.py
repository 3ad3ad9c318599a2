from __future__ import annotations

from pathlib import Path

import pytest

from app.definitions.load import load_configuration
from app.fields.registry import field_types
from app.screens.conditions import (
    Condition,
    operators_for,
    quote,
    read_condition,
    read_filter,
    say_condition,
    split_filter,
    unquote,
    write_condition,
    write_filter,
)
from app.screens.wording import read_wordings

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def customer():
    loaded = load_configuration(ROOT / "config", field_types())
    assert loaded.catalog is not None
    return loaded.catalog.entities["customer"]


def samples(operator) -> tuple[str, ...]:
    return {
        "none": (),
        "two": ("2026-01-01", "2026-02-01"),
        "number": ("14",),
        "period": ("month",),
        "many": ("1", "2"),
    }.get(operator.value, ("7",))


def test_every_operator_of_every_field_is_written_and_read_back(customer):
    for name in customer.fields:
        for operator in operators_for(customer, name):
            condition = Condition(name, operator.name, samples(operator))
            text = write_condition(customer, condition)
            assert text is not None
            found = read_condition(customer, text)
            assert found is not None, text
            # Two operators may write the same text; what it says is what counts.
            assert write_condition(customer, found) == text


def test_conditions_are_joined_and_taken_apart(customer):
    conditions = [
        Condition("level", "any_of", ("a", "b")),
        Condition("address.city", "contains", ("O'Hara and \\ co",)),
        Condition("last_contacted_at", "between", ("2026-01-01", "2026-02-01")),
    ]
    text = write_filter(customer, conditions)
    assert read_filter(customer, text) == (conditions, [])


def test_what_fits_no_template_stays_as_it_was_written(customer):
    text = (
        "level == 'a' and (status == 'active' or open_amount > 5) and silent_days > app.silent_days"
    )
    conditions, rest = read_filter(customer, text)
    assert conditions == [Condition("level", "is", ("a",))]
    assert rest == [
        "(status == 'active' or open_amount > 5)",
        "silent_days > app.silent_days",
    ]


def test_an_or_at_the_top_is_one_part():
    assert split_filter("a == 1 or b == 2 and c == 3") == ["a == 1 or b == 2 and c == 3"]
    assert split_filter("name == 'this and that' and b == 2") == [
        "name == 'this and that'",
        "b == 2",
    ]


@pytest.mark.parametrize("text", ["plain", "O'Hara", "back\\slash", "two\nlines", "", "'"])
def test_texts_are_quoted_and_come_back(text):
    assert unquote(quote(text)) == text


def test_a_value_can_never_become_a_condition(customer):
    nasty = "x') or contains(name, 'y"
    text = write_condition(customer, Condition("name", "contains", (nasty,)))
    assert split_filter(text) == [text]
    assert read_condition(customer, text) == Condition("name", "contains", (nasty,))


def test_an_unfinished_condition_filters_nothing(customer):
    assert (
        write_filter(customer, [Condition("level", "any_of", ()), Condition("name", "is", ("",))])
        == ""
    )


def test_a_condition_is_read_aloud_in_both_languages(customer):
    condition = Condition("level", "any_of", ("a", "b"))
    english, chinese = read_wordings()["en"], read_wordings()["zh"]
    assert say_condition(customer, condition, english, {}) == "Level is any of A, key, B, normal"
    assert say_condition(customer, condition, chinese, {}).startswith("客户级别 属于 ")
