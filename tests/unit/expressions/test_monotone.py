"""Day counters compared by what they count from."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.expressions import by_base, monotone_base, to_python
from tests.unit.expressions.sample import SampleContext, checked


@pytest.mark.parametrize(
    ("text", "base", "is_falling"),
    [
        ("days_between(created_at, now())", "created_at", True),
        ("days_between(max(replied_at, created_at), today())", "max(replied_at, created_at)", True),
        ("days_between(today(), due_on)", "due_on", False),
    ],
)
def test_base_of_a_day_counter(text, base, is_falling):
    formula = checked(text)
    found = monotone_base(formula)
    assert found is not None
    assert (formula.source(found.base), found.is_falling) == (base, is_falling)


@pytest.mark.parametrize(
    "text",
    [
        "days_between(created_at, replied_at)",
        "days_between(created_at + (days(1) if owner == me else days(2)), now())",
        "days_between(today(), now())",
        "days_between(created_at, now()) + 1",
        "working_days_between(created_at, now())",
        "count",
    ],
)
def test_other_formulas_have_no_base(text):
    assert monotone_base(checked(text)) is None


@pytest.mark.parametrize("formula", ["days_between({0}, now())", "days_between(today(), {0})"])
@pytest.mark.parametrize("field", ["created_at", "due_on"])
@pytest.mark.parametrize("operator", ["==", "!=", "<", "<=", ">", ">="])
@pytest.mark.parametrize("number", ["3", "-2", "0", "2.5"])
def test_rewritten_comparison_says_the_same(formula, field, operator, number):
    condition = checked(f"not ({number} {operator} {formula.format(field)}) or active")
    rewritten = by_base(condition.root, lambda _: None)
    before, after = to_python(condition), to_python(rewritten)
    now = SampleContext().now
    moments = [now + timedelta(hours=9 * step) for step in range(-14, 15)]
    for moment in [None, *moments]:
        value = moment.date() if moment and field == "due_on" else moment
        context = SampleContext({field: value})
        assert before(context) == after(context), (value, before(context))


def test_a_formula_field_is_rewritten_by_its_base():
    formula = checked("days_between(created_at, now())")
    condition = checked("count > 14")
    rewritten = by_base(condition.root, lambda _: monotone_base(formula))
    evaluate = to_python(rewritten)
    assert evaluate(SampleContext({"created_at": datetime(2026, 2, 22, tzinfo=UTC)})) is True
    assert evaluate(SampleContext({"created_at": datetime(2026, 2, 24, tzinfo=UTC)})) is False
    assert SampleContext().today == date(2026, 3, 9)


def test_what_is_compared_with_another_field_stays():
    condition = checked("days_between(created_at, now()) > count and name == 'a'")
    assert by_base(condition.root, lambda _: None) == condition.root
