"""Columns are read once for all that is alike, and nothing is shared by that."""

from app.transfer.columns import columns_of, each_once, filled, over, straight_on
from app.transfer.tables import Row
from app.transfer.values import REFUSED, ValueReader
from tests.unit.fields.samples import FORM, make_field


class _Entity:
    def __init__(self, **fields):
        self.fields = fields


def test_what_is_alike_is_made_once_and_what_only_looks_alike_is_not():
    made = []

    def make(value):
        made.append(value)
        return str(value).upper()

    assert each_once(make, ("a", None, "b", "a"), straight_on) == ["A", "NONE", "B", "A"]
    assert made == ["a", None, "b"]
    assert each_once(make, ("1", 1, True, [1]), straight_on) == ["1", "1", "TRUE", "[1]"]
    rows = [Row(2, ("a", None, 1.0)), Row(3, ("b", "x", True))]
    assert columns_of(rows, 3) == [("a", "b"), (None, "x"), ["1", "yes"]]
    assert columns_of([], 2) == [(), ()]
    assert filled(("a", "b"), (None, 0)) == {"b": 0}
    assert over(("x", None), (None, "y")) == ["x", "y"]


def test_values_of_a_column_are_its_fields_own_and_lists_are_each_records_own():
    reader = ValueReader(
        _Entity(score=make_field("integer"), phones=make_field("phones")),
        FORM,
    )
    scores = reader.column("score", ("7", None, "many", "7", " "), straight_on)
    assert scores == [7, None, REFUSED, 7, REFUSED]
    phones = reader.column("phones", ("13800138000", "13800138000"), straight_on)
    assert phones[0] == phones[1]
    assert phones[0] is not phones[1]
