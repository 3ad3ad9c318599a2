"""Fields of another type: what converts, what would not, and nothing is lost unasked."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.errors import PlanError
from tests.integration.database.installations import catalog_of, with_fields


def texts(installation, *values: str | None) -> None:
    installation.apply(catalog_of(customer=with_fields("size: {type: text}")))
    for value in values:
        installation.sql("INSERT INTO crm.customer (name, size) VALUES ('n', %s)", value)


def test_one_bad_value_in_many_refuses_and_is_named_c8(installation):
    texts(installation)
    installation.sql(
        "INSERT INTO crm.customer (name, size) SELECT 'n', CASE n WHEN 777 THEN 'seven' "
        "ELSE n::text END FROM generate_series(1, 10000) n"
    )
    numbers = catalog_of(customer=with_fields("size: {type: integer}"))
    plan = installation.plan(numbers)
    assert [str(each.sentence) for each in plan.refusals] == [
        (
            "customer.size: text -> integer: 9 999 values convert, 1 do not, for example 777. "
            "Re-run with `--allow customer.size`."
        )
    ]
    with pytest.raises(PlanError):
        installation.apply(numbers)
    assert installation.columns("customer")["size"] == ("text", False)

    installation.sql("UPDATE crm.customer SET size = '7' WHERE id = 777")
    installation.apply(numbers)
    assert installation.columns("customer")["size"] == ("bigint", False)
    assert installation.column("SELECT sum(size) FROM crm.customer") == [
        Decimal(sum(range(1, 10001)) - 777 + 7)
    ]
    assert installation.plan(numbers).is_empty
    assert not [name for name in installation.columns("customer") if name.endswith("__next")]
    assert installation.sql("SELECT 1 FROM pg_trigger WHERE tgname LIKE 'copy%%'") == []


def test_what_is_allowed_to_be_lost_is_empty_afterwards(installation):
    texts(installation, "1", "many", None)
    numbers = catalog_of(customer=with_fields("size: {type: integer}"))
    installation.apply(numbers, allow=["customer.size"])
    assert installation.column("SELECT size FROM crm.customer ORDER BY id") == [1, None, None]


def test_a_wider_type_of_the_same_column_is_free(installation, statements):
    texts(installation, "1")
    longer = catalog_of(customer=with_fields("size: {type: longtext}"))
    assert installation.lines(longer) == ["~ customer.size: text -> longtext: 1 value fit"]
    assert not installation.plan(longer).refusals
    sent = len(statements())
    installation.apply(longer)
    assert statements()[sent:] == []
    assert installation.column("SELECT size FROM crm.customer") == ["1"]
    assert installation.plan(longer).is_empty


def test_money_gets_all_its_columns(installation):
    texts(installation, "1,200.50")
    money = catalog_of(customer=with_fields("size: {type: money}"))
    installation.apply(money)
    assert installation.column("SELECT size FROM crm.customer") == [Decimal("1200.50")]
    assert installation.plan(money).is_empty


def test_what_cannot_convert_needs_its_name(installation):
    texts(installation, "1")
    link = catalog_of(customer=with_fields("size: {type: link, to: customer}"))
    plan = installation.plan(link)
    assert [each.allow for each in plan.refusals] == ["customer.size"]
    assert "no way to convert" in str(plan.refusals[0].sentence)
    installation.apply(link, allow=["customer.size"])
    assert installation.columns("customer")["size"] == ("bigint", False)
    assert installation.column("SELECT size FROM crm.customer") == [None]
    with pytest.raises(Exception, match="foreign key"):
        installation.sql("UPDATE crm.customer SET size = 99")
    assert installation.plan(link).is_empty


def test_a_link_to_another_entity_does_not_keep_its_numbers(installation):
    installation.apply(
        catalog_of(
            a=with_fields(), b=with_fields(), customer=with_fields("about: {type: link, to: a}")
        )
    )
    installation.sql("INSERT INTO crm.a (name) VALUES ('x')")
    installation.sql("INSERT INTO crm.customer (name, about) VALUES ('n', 1)")
    other = catalog_of(
        a=with_fields(), b=with_fields(), customer=with_fields("about: {type: link, to: b}")
    )
    assert [each.allow for each in installation.plan(other).refusals] == ["customer.about"]
    installation.apply(other, allow=["customer.about"])
    assert installation.column("SELECT about FROM crm.customer") == [None]
    assert installation.plan(other).is_empty


def test_renaming_and_converting_at_once(installation):
    texts(installation, "5")
    both = catalog_of(
        customer=with_fields(
            "amount: {type: integer, was: size, unique: yes, index: yes, required: yes}",
        )
    )
    installation.apply(both)
    assert installation.column("SELECT amount FROM crm.customer") == [5]
    assert installation.columns("customer")["amount"] == ("bigint", True)
    with pytest.raises(Exception, match="duplicate key"):
        installation.sql("INSERT INTO crm.customer (name, amount) VALUES ('x', 5)")
    assert installation.plan(both).is_empty


def test_a_choice_of_texts_takes_the_names_of_its_options(installation):
    texts(installation, "Key", "normal", "c", None)
    choice = "size: {{type: choice, options: {{a: Key, b: Normal{more}}}}}"
    narrow = catalog_of(customer=with_fields(choice.format(more="")))
    assert installation.plan(narrow).operations[0].samples == (3,)
    wide = catalog_of(customer=with_fields(choice.format(more=", c: Low")))
    installation.apply(wide)
    assert installation.column("SELECT size FROM crm.customer ORDER BY id") == ["a", "b", "c", None]
    assert installation.plan(wide).is_empty


def test_writers_are_followed_while_values_are_converted(installation):
    texts(installation, "1", "2")
    wrote = []

    def write(point: str, _operation: object) -> None:
        if point == "shadowed":
            # The old catalog still serves: it writes texts.
            installation.sql("UPDATE crm.customer SET size = '20' WHERE id = 2")
            installation.sql("INSERT INTO crm.customer (name, size) VALUES ('new', '30')")
            wrote.append(point)

    numbers = catalog_of(customer=with_fields("size: {type: integer}"))
    installation.apply(numbers, on_step=write)
    assert wrote == ["shadowed"]
    assert installation.column("SELECT size FROM crm.customer ORDER BY id") == [1, 20, 30]


def test_a_formula_is_worked_out_again(installation):
    worked: list[tuple[str, int]] = []

    def hook(connection, release, entity, after=0, mark=None):
        worked.append((entity, release.version_number))
        mark(3)
        return 0

    def with_formula(formula: str):
        return catalog_of(
            customer=with_fields(
                "size: {type: integer}", f'twice: {{type: formula, formula: "{formula}"}}'
            )
        )

    installation.apply(with_formula("size * 2"), recompute=[hook])
    assert worked == []
    installation.sql("INSERT INTO crm.customer (name, size) VALUES ('n', 2)")
    assert installation.lines(with_formula("size * 3")) == [
        "~ customer: work out twice for 1 record"
    ]
    installation.apply(with_formula("size * 3"), recompute=[hook])
    assert worked == [("customer", 2)]
    as_text = with_formula("join(' ', name, 'x')")
    installation.apply(as_text, recompute=[hook])
    assert installation.columns("customer")["twice"] == ("text", False)
    assert worked == [("customer", 2), ("customer", 3)]
    assert installation.plan(as_text).is_empty
