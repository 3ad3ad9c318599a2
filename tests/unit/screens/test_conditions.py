from __future__ import annotations

from pathlib import Path

import pytest

from app.definitions.load import load_configuration
from app.expressions.joints import read_joints
from app.fields.registry import field_types
from app.screens.conditions import (
    Condition,
    operators_for,
    quote,
    read_condition,
    say_condition,
    unquote,
    write_condition,
    write_filter,
)
from app.screens.filter_panel import posted_tree
from app.screens.filter_tree import FilterGroup, read_tree, write_tree
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
    assert read_tree(customer, text) == FilterGroup("and", [*conditions])


def test_groups_within_groups_are_read_and_written_back(customer):
    text = (
        "level == 'a' and (status == 'active' or open_amount > 5 and "
        "(last_contacted_at >= '2026-01-01' and last_contacted_at <= '2026-02-01' or locked)) "
        "and silent_days > app.silent_days"
    )
    tree = read_tree(customer, text)
    between = Condition("last_contacted_at", "between", ("2026-01-01", "2026-02-01"))
    deepest = FilterGroup("or", [FilterGroup("and", [between]), Condition("locked", "yes")])
    inner = FilterGroup("and", [Condition("open_amount", "more", ("5",)), deepest])
    assert tree == FilterGroup(
        "and",
        [
            Condition("level", "is", ("a",)),
            FilterGroup("or", [Condition("status", "is", ("active",)), inner]),
            # What fits no row stands as it was written.
            "silent_days > app.silent_days",
        ],
    )
    again = write_tree(customer, tree)
    assert read_tree(customer, again) == tree
    assert tree.size() == 6


def test_what_was_posted_is_the_tree_that_was_drawn(customer):
    typed = {
        "n": ["(1", "r2", "(3", "r4", "t5", ")", ")"],
        "j-1": ["and"], "j-3": ["or"],
        "f-2": ["level"], "op-2": ["any_of"], "v-2": ["a", "b"],
        "f-4": ["open_amount"], "op-4": ["more"], "v-4": ["100,000"],
        "t-5": ["name == 'x' or locked"],
    }  # fmt: skip
    assert write_tree(customer, posted_tree(customer, typed)) == (
        "level in ('a', 'b') and (open_amount > 100000 or (name == 'x' or locked))"
    )
    # Marks that tell no tree make none, and fail nothing.
    assert (
        write_tree(customer, posted_tree(customer, {"n": [")", "r9", "(1", "(", "zz", ""]})) == ""
    )


@pytest.mark.parametrize("text", ["plain", "O'Hara", "back\\slash", "two\nlines", "", "'"])
def test_texts_are_quoted_and_come_back(text):
    assert unquote(quote(text)) == text


def test_a_value_can_never_become_a_condition(customer):
    nasty = "x') or contains(name, 'y"
    text = write_condition(customer, Condition("name", "contains", (nasty,)))
    assert text is not None
    assert read_joints(text).parts == (text,)
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
