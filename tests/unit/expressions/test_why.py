"""Which parts of a condition are met."""

from app.expressions import why
from tests.unit.expressions.sample import SampleContext, checked


def test_every_required_part_is_answered():
    condition = checked("level == 'a' and (count > 3\n  or active) and (name is not empty and yes)")
    context = SampleContext({"level": "a", "count": 1})
    assert why(condition, context) == [
        ("level == 'a'", True),
        ("count > 3 or active", False),
        ("name is not empty", False),
        ("yes", True),
    ]


def test_one_condition_is_its_own_part():
    assert why(checked("count > 3"), SampleContext({"count": 4})) == [("count > 3", True)]


def test_a_view_is_one_part():
    condition = checked("in_view('good') and count > 1")
    parts = why(condition, SampleContext({"level": "a", "active": True}))
    assert parts == [("in_view('good')", True), ("count > 1", False)]


def test_a_chain_of_comparisons_is_two_parts():
    parts = why(checked("1 < count <= 3"), SampleContext({"count": 5}))
    assert [part.is_met for part in parts] == [True, False]
