"""Formulas, roll-ups, values through a link: their types, their order, who reads whom."""

from pathlib import Path as Folder

import pytest

from app.definitions.load import load_configuration, load_files
from app.definitions.problems import Code
from app.expressions.tree import Convert, Path
from app.expressions.types import Kind

EXAMPLES = Folder(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def sales(types):
    return load_configuration(EXAMPLES / "sales", types).catalog


def fields_of(types, fields, **others):
    files = {
        "app.yaml": "name: A\n",
        "entities/customer.yaml": f"entity: customer\nfields:\n{fields}",
    }
    files |= {f"entities/{name}.yaml": text for name, text in others.items()}
    loaded = load_files(files, types)
    assert [str(problem) for problem in loaded.problems] == []
    return loaded.catalog.entities["customer"].fields


def test_types_of_worked_out_fields_follow_from_what_they_read(sales):
    kinds = {name: one.value.kind for name, one in sales.entities["customer"].fields.items()}
    assert kinds["open_amount"] is Kind.money
    assert kinds["last_order_on"] is Kind.date
    assert kinds["order_count"] is Kind.number
    assert kinds["has_orders"] is Kind.boolean
    assert kinds["silent_days"] is Kind.number
    assert sales.entities["contact"].fields["customer_level"].value.kind is Kind.choice


def test_a_choice_that_is_read_keeps_its_labels_and_colours(sales):
    levels = sales.entities["customer"].fields["level"].options
    assert sales.entities["contact"].fields["customer_level"].options == levels
    assert sales.entities["order"].fields["customer_level"].options == levels
    stages = sales.entities["order"].fields["stage"].options
    assert sales.entities["customer"].fields["last_stage"].options == stages


def test_formulas_may_stand_in_any_order(types):
    fields = fields_of(
        types,
        "  name: {type: text}\n"
        "  c: {type: formula, formula: b + 1}\n"
        "  b: {type: formula, formula: a + 1}\n"
        "  a: {type: integer}\n",
    )
    assert fields["c"].value.kind is Kind.number


def test_a_share_is_made_a_percentage_and_a_percentage_stays_one(types):
    fields = fields_of(
        types,
        "  name: {type: text}\n"
        "  done: {type: integer}\n"
        "  rate: {type: percent}\n"
        "  share: {type: formula, formula: done / 4, result: percent}\n"
        "  same: {type: formula, formula: rate, result: percent}\n",
    )
    roots = {name: fields[name].expression.root for name in ("share", "same")}
    assert isinstance(roots["share"], Convert)
    assert isinstance(roots["same"], Path)
    assert {root.type.kind for root in roots.values()} == {Kind.percent}


def test_worked_out_fields_are_ordered_by_what_they_read(sales):
    assert sales.entities["order"].worked_out == ("title", "amount", "customer_level")
    assert sales.entities["order.lines"].worked_out == ("subtotal", "share")
    order = sales.entities["customer"].worked_out
    assert order.index("order_count") < order.index("has_orders")


def test_what_reads_the_clock_is_not_stored_nor_what_reads_that(sales):
    fields = sales.entities["customer"].fields
    assert fields["silent_days"].is_volatile
    assert fields["is_silent"].is_volatile
    assert not fields["has_orders"].is_volatile
    assert not set(sales.entities["customer"].worked_out) & {"silent_days", "is_silent"}
    assert sales.entities["ticket"].fields["is_late"].is_volatile


def test_a_roll_up_cannot_follow_the_clock(types):
    files = {
        "entities/a.yaml": "entity: a\nfields:\n  name: {type: text}\n  late: {type: rollup, of: b.a, count: yes, where: due < today()}\n",
        "entities/b.yaml": "entity: b\nfields:\n  name: {type: text}\n  a: {type: link, to: a}\n  due: {type: date}\n",
    }
    problems = load_files(files, types).problems
    assert [(one.code, one.place.line) for one in problems] == [(Code.bad_expression, 4)]


def test_the_catalog_says_which_roll_ups_ask_an_entity(sales):
    assert sales.rollups_of == {
        "order": tuple(
            ("customer", name, "customer")
            for name in ("open_amount", "last_order_on", "last_stage", "order_count")
        )
    }


def test_the_catalog_says_which_stored_formulas_read_another_record(sales):
    assert sales.formulas_through == {
        "customer": (
            ("order", "title", "customer", "name"),
            ("order", "customer_level", "customer", "level"),
        ),
        "order": (("order.lines", "share", "parent", "rate"),),
    }


def test_a_roll_up_is_compiled(sales):
    rollup = sales.entities["customer"].fields["open_amount"].rollup
    assert (rollup.entity, rollup.link, rollup.function) == ("order", "customer", "sum")
    assert rollup.value.text == "amount"
    assert rollup.where.text == "not stage.final"
    latest = sales.entities["customer"].fields["last_stage"].rollup
    assert latest.by.text == "ordered_on"


def test_a_default_may_be_a_table(sales):
    default = sales.entities["customer"].fields["remind_after"].default
    assert default.type.kind is Kind.duration
    assert (
        default.text
        == "(days(7)) if level == 'a' else ((days(15)) if level == 'b' else (days(30)))"
    )


def test_a_clock_has_its_expressions(sales):
    conditions = sales.entities["ticket"].fields["response"].conditions
    assert set(conditions) == {"limit", "since", "runs", "done"}
    assert conditions["limit"].text.startswith("(working_hours(2)) if priority == 'high'")


def test_a_link_has_the_condition_of_its_picker(sales):
    where = sales.entities["customer"].fields["primary_contact"].conditions["where"]
    assert where.names == {"customer", "record"}


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("{type: formula, formula: count(customer)}", Code.bad_expression),
        ("{type: formula, formula: name, required: yes}", Code.conflicting_keys),
        ("{type: formula, formula: name, default: x}", Code.conflicting_keys),
        ("{type: formula, formula: name, result: percent}", Code.wrong_field_type),
        ("{type: rollup, of: customer.parent}", Code.missing_key),
        ("{type: rollup, of: customer.parent, count: yes, sum: size}", Code.conflicting_keys),
        ("{type: rollup, of: customer.parent, latest: name}", Code.missing_key),
        ("{type: rollup, of: customer.parent, sum: size, by: created_at}", Code.conflicting_keys),
        ("{type: rollup, of: customer, count: yes}", Code.not_a_link),
        ("{type: through, from: parent.nam}", Code.unknown_field),
        ("{type: money, currency: name}", Code.unknown_field),
        ("{type: date, default: {by: size, a: =today()}}", Code.unknown_option),
        ("{type: date, default: {by: siz, a: =today()}}", Code.unknown_field),
    ],
)
def test_mistakes_in_worked_out_fields_are_placed(types, field, code):
    text = (
        "entity: customer\nfields:\n  name: {type: text}\n  size: {type: integer}\n"
        f"  parent: {{type: link, to: customer}}\n  bad: {field}\n"
    )
    problems = load_files({"entities/customer.yaml": text}, types).problems
    assert [(one.code, one.place.line) for one in problems] == [(code, 6)]
