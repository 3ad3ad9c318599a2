"""What restricts people waits for an apply; what only adds or allows more does not."""

from __future__ import annotations

import pytest

from app.errors import PlanError
from tests.integration.database.installations import catalog_of, with_fields

#: a field before, the same after, and what the plan says of it
NARROWER = [
    ("f: {type: text}", "f: {type: text, required: yes, default: x}", "required"),
    ("f: {type: text}", "f: {type: text, required: name == 'x'}", "`required: name == 'x'`"),
    ("f: {type: text}", "f: {type: text, unique: yes}", "unique (f)"),
    ("f: {type: text}", "f: {type: text, max: 40}", "`max: 255` -> `40`"),
    ("f: {type: text}", "f: {type: text, min: 2}", "`min: 2`"),
    ("f: {type: text, pattern: '[a-z]+'}", "f: {type: text, pattern: '[a-c]+'}",
     "`pattern: [a-z]+` -> `[a-c]+`"),
    ("f: {type: integer, max: 100}", "f: {type: integer, max: 20}", "`max: 100` -> `20`"),
    ("f: {type: integer}", "f: {type: integer, min: -3}", "`min: -3`"),
    ("f: {type: date, min: 2020-01-01}", "f: {type: date, min: 2021-01-01}",
     "`min: 2020-01-01` -> `2021-01-01`"),
    ("f: {type: lines, fields: {text: {type: text}}}",
     "f: {type: lines, max: 20, fields: {text: {type: text}}}", "`max: 500` -> `20`"),
    ("f: {type: lines, fields: {text: {type: text}}}",
     "f: {type: lines, required: yes, fields: {text: {type: text}}}", "`required: yes`"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "words"), NARROWER)
def test_what_allows_less_waits_and_its_opposite_does_not(installation, before, after, words):
    wide, narrow = (catalog_of(customer=with_fields(each)) for each in (before, after))
    installation.apply(wide)
    plan = installation.plan(narrow)
    assert [str(each.words()) for each in plan.operations if each.subject == "customer.f"] == [
        words
    ]
    assert not plan.is_adding_only
    assert plan.refusals == ()
    assert installation.apply(narrow, expected=plan).problems == ()
    assert installation.plan(narrow).is_empty
    if "pattern" not in before:
        assert installation.plan(wide).is_adding_only


@pytest.mark.parametrize(
    ("kind", "values", "limits"),
    [
        ("integer", "n", "max: 20"),
        ("money", "n", "max: 20"),
        ("percent", "n", "max: 20"),
        ("integer", "21 - n", "min: 1"),
        ("text", "repeat('x', n::int)", "max: 20"),
        ("date", "'2020-01-01'::date + n", "max: 2020-01-21"),
        ("tags", "(SELECT array_agg('x' || i) FROM generate_series(1, n) i)", "max: 20"),
    ],
)
def test_a_narrower_limit_names_the_records_beyond_it(installation, kind, values, limits):
    installation.apply(catalog_of(customer=with_fields(f"f: {{type: {kind}}}")))
    installation.sql(
        f"INSERT INTO crm.customer (name, f) SELECT 'n', {values} FROM generate_series(1, 22) n"
    )
    installation.sql("INSERT INTO crm.customer (name) VALUES ('empty')")
    narrow = catalog_of(customer=with_fields(f"f: {{type: {kind}, {limits}}}"))
    (line,) = installation.lines(narrow)
    assert line.endswith(
        ": 2 records beyond it keep their value until next saved, for example 21, 22"
    )
    plan = installation.plan(narrow)
    assert (plan.refusals, plan.is_adding_only) == ((), False)
    installation.apply(narrow)
    assert installation.column("SELECT count(f) FROM crm.customer WHERE name = 'n'") == [22]
    assert installation.plan(narrow).is_empty


def test_a_limit_of_a_renamed_field_is_asked_of_its_old_column(installation):
    installation.apply(catalog_of(customer=with_fields("size: {type: integer, max: 9}")))
    installation.sql("INSERT INTO crm.customer (name, size) VALUES ('a', 3), ('b', 7)")
    narrow = catalog_of(customer=with_fields("rank: {type: integer, max: 5, was: size}"))
    assert installation.lines(narrow) == [
        "~ customer.rank: rename from size, 2 values kept",
        (
            "~ customer.rank: `max: 9` -> `5`: 1 record beyond it keeps its value until next "
            "saved, for example 2"
        ),
    ]
    installation.apply(narrow)
    assert installation.plan(narrow).is_empty


def test_a_new_field_with_limits_only_adds(installation):
    installation.apply(catalog_of(customer=with_fields()))
    wider = catalog_of(customer=with_fields("f: {type: integer, min: 1, max: 9}"))
    assert installation.plan(wider).is_adding_only
    strict = catalog_of(customer=with_fields("f: {type: integer, required: yes}"))
    assert not installation.plan(strict).is_adding_only


def test_a_new_check_waits_and_one_that_only_warns_does_not(installation):
    def with_check(text: str):
        return catalog_of(
            customer=with_fields("size: {type: integer}", rest=f"checks:\n  - {text}\n")
        )

    installation.apply(catalog_of(customer=with_fields("size: {type: integer}")))
    warning = with_check("{must: size > 2, then: warn, message: Small}")
    assert installation.plan(warning).is_adding_only
    asked = with_check("{must: size > 2, if: name == 'x', message: Small}")
    plan = installation.plan(asked)
    assert [str(each.words()) for each in plan.operations] == ["check `size > 2` from now on"]
    assert not plan.is_adding_only
    installation.apply(asked, expected=plan)
    assert not installation.plan(with_check("{must: size > 2, message: Small}")).is_adding_only
    assert installation.plan(
        catalog_of(customer=with_fields("size: {type: integer}"))
    ).is_adding_only


def test_a_formula_that_is_gone_needs_its_name(installation):
    installation.apply(
        catalog_of(
            customer=with_fields(
                "size: {type: integer}", "twice: {type: formula, formula: size * 2}"
            )
        )
    )
    without = catalog_of(customer=with_fields("size: {type: integer}"))
    with pytest.raises(PlanError, match=r"--allow customer\.twice"):
        installation.apply(without)
    installation.apply(without, allow=["customer.twice"])
    assert "twice" not in installation.columns("customer")
