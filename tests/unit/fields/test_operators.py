"""Every way to filter that the filter builder offers is an expression the checker takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import pytest

from app.expressions import Checked, Type, check, parse
from app.expressions.types import BOOLEAN, Kind, many, record_type
from app.fields.base import Operator
from tests.unit.fields.samples import OPTIONS, TYPES, make_field


@dataclass(frozen=True)
class OneFieldScope:
    """A record with one field, and the words that mean a person."""

    type: Type
    views: Iterable[str] = ()

    @property
    def names(self) -> Iterable[str]:
        return ("x",)

    def find(self, name: str) -> Type | None:
        user = replace(record_type("user"), filled=True)
        roots = {
            "me": user,
            "my": replace(user, parts={"subordinates": many(record_type("user"))}),
        }
        return self.type if name == "x" else roots.get(name)

    def members(self, _type: Type) -> Mapping[str, Type]:
        return {}

    def entity(self, _name: str) -> None:
        return None

    def view(self, _name: str) -> Checked | None:
        return None


#: A value of each type as it stands in an expression.
LITERALS: Mapping[Kind, str] = {
    Kind.text: "'abc'",
    Kind.number: "12.5",
    Kind.money: "12.5",
    Kind.percent: "12.5",
    Kind.date: "'2026-01-31'",
    Kind.datetime: "'2026-01-31T09:30:00Z'",
    Kind.time: "'09:30'",
    Kind.duration: "hours(2)",
    Kind.choice: "'key'",
    Kind.record: "5",
}


def written(operator: Operator, type_: Type) -> str:
    one = LITERALS[(type_.item or type_).kind] if operator.takes_value else ""
    value = {"many": f"({one}, {one})", "number": "7", "period": "'month'"}.get(operator.value, one)
    return operator.template.format(field="x", value=value, other=one)


CASES = [
    (name, operator)
    for name, type_ in TYPES.by_name.items()
    for operator in type_.operators(make_field(name, options=OPTIONS))
]


@pytest.mark.parametrize(("name", "operator"), CASES, ids=lambda case: getattr(case, "name", case))
def test_an_operator_is_an_expression_that_checks(name, operator):
    field = make_field(name, options=OPTIONS if "options" in TYPES[name].settings() else ())
    type_ = field.type.value_type(field, field.options)
    if name in ("formula", "rollup", "through"):
        type_ = Type(Kind.text)
    text = written(operator, type_)
    checked = check(parse(text), OneFieldScope(type_), want=BOOLEAN)
    assert checked.root.type.kind is Kind.boolean


@pytest.mark.parametrize("name", [name for name in TYPES.names() if name != "lines"])
def test_operators_have_both_languages_and_each_name_once(name):
    operators = TYPES[name].operators(make_field(name, options=OPTIONS))
    assert operators
    names = [operator.name for operator in operators]
    assert len(names) == len(set(names))
    for operator in operators:
        assert operator.label.in_language("en")
        assert operator.label.in_language("zh") != operator.label.in_language("en")
        assert operator.takes_value == (operator.value != "none")


@pytest.mark.parametrize("name", TYPES.names())
def test_parts_are_those_of_the_type(name):
    field = make_field(name, options=OPTIONS)
    parts = {part.name: part.type for part in field.type.parts(field)}
    if name not in ("formula", "rollup", "through"):
        assert dict(field.type.value_type(field, field.options).parts) == parts
    columns = {column.name for column in field.type.columns(field)}
    for part in field.type.parts(field):
        assert (part.column is None) != (part.sql is None)
        assert part.column is None or part.column in columns
