"""Every kind of change: what the plan says of it, and what apply does."""

from __future__ import annotations

import pytest

from app.access.sources import TableSource
from app.database.plan import CHANGES, NOTHING_TO_DO, REFUSED, make_plan
from app.errors import PlanError
from tests.integration.database.installations import (
    Installation,
    catalog_of,
    with_fields,
)


def customers(installation: Installation, count: int, **values: str) -> None:
    """Write customers whose columns are SQL over their number ``n``."""
    names = ", ".join(values)
    texts = ", ".join(values.values())
    installation.sql(
        f"INSERT INTO crm.customer ({names}) SELECT {texts} FROM generate_series(1, {count}) n"
    )


def test_an_empty_database_gets_everything(installation):
    catalog = catalog_of(customer=with_fields("level: {type: choice, options: [a, b]}"))
    plan = installation.plan(catalog)
    assert plan.exit_code == CHANGES
    assert [(each.sign, each.subject) for each in plan.operations] == [
        ("+", "user"),
        ("+", "department"),
        ("+", "customer"),
    ]
    version = installation.apply(catalog)
    assert (version.number, version.state, version.problems) == (1, "live", ())
    assert installation.columns("customer")["level"] == ("text", False)
    assert installation.columns("customer")["version"] == ("integer", True)
    assert installation.sql("SELECT name FROM trellis.entity ORDER BY number") == [
        ("user",),
        ("department",),
        ("customer",),
    ]


def test_applying_twice_changes_nothing_c6(installation, statements):
    catalog = catalog_of(
        customer=with_fields(
            "email: {type: email, unique: yes}",
            "tags2: {type: choices, options: [a, b]}",
            "credit: {type: money}",
            "parent: {type: link, to: customer, tree: yes}",
            "lines: {type: lines, fields: {text: {type: text, required: yes}}}",
            "total: {type: formula, formula: credit * 2}",
        )
    )
    installation.apply(catalog)
    before = installation.sql("SELECT count(*) FROM trellis.config_version")
    statements().clear()
    sent = len(statements())
    version = installation.apply(catalog)
    assert not version.is_new
    assert len(statements()) == sent
    assert installation.sql("SELECT count(*) FROM trellis.config_version") == before
    plan = installation.plan(catalog)
    assert plan.is_empty
    assert plan.exit_code == NOTHING_TO_DO


def test_a_new_field_is_empty_for_existing_records(installation):
    installation.apply(catalog_of(customer=with_fields()))
    customers(installation, 3, name="'n' || n")
    wider = catalog_of(customer=with_fields("note: {type: longtext}"))
    assert installation.lines(wider) == [
        "+ customer.note: add column, longtext up to 20000, empty for 3 existing records"
    ]
    assert installation.plan(wider).is_adding_only
    installation.apply(wider)
    assert installation.column("SELECT note FROM crm.customer") == [None, None, None]


def test_a_new_required_field_with_a_default_fills_existing_records(installation, statements):
    installation.apply(catalog_of(customer=with_fields()))
    customers(installation, 3, name="'n' || n")
    wider = catalog_of(
        customer=with_fields("level: {type: choice, options: [a, b], required: yes, default: b}")
    )
    assert installation.lines(wider) == [
        "+ customer.level: add column, choice, 'b' for 3 existing records"
    ]
    installation.apply(wider)
    assert installation.column("SELECT level FROM crm.customer") == ["b", "b", "b"]
    assert installation.columns("customer")["level"] == ("text", True)
    # The database itself fills nothing in: that is the application's business.
    assert not installation.sql(
        "SELECT 1 FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND "
        "a.attnum = d.adnum WHERE a.attrelid = 'crm.customer'::regclass AND a.attname = 'level'"
    )
    assert installation.plan(wider).is_empty


def test_a_field_made_required_names_the_empty_records_c10(installation):
    installation.apply(catalog_of(customer=with_fields("email: {type: email}")))
    customers(installation, 3, name="'n' || n", email="CASE WHEN n > 1 THEN 'a@x.example' END")
    strict = catalog_of(customer=with_fields("email: {type: email, required: yes}"))
    plan = installation.plan(strict)
    assert plan.exit_code == REFUSED
    assert [str(each.sentence) for each in plan.refusals] == [
        (
            "customer.email: required: 1 record is empty, for example 1. Give it a `default`, fill "
            "them in, or re-run with `--allow customer.email` to ask for it at their next save."
        )
    ]
    with pytest.raises(PlanError, match="required: 1 record is empty"):
        installation.apply(strict)
    assert installation.columns("customer")["email"] == ("text", False)

    # Allowed, the records stay as they are, and the next plan does not ask again.
    installation.apply(strict, allow=["customer.email"])
    assert installation.columns("customer")["email"] == ("text", False)
    assert installation.plan(strict).is_empty


def test_a_field_made_required_takes_its_default(installation):
    installation.apply(catalog_of(customer=with_fields("rank: {type: integer}")))
    customers(installation, 4, name="'n' || n", rank="CASE WHEN n > 1 THEN n END")
    strict = catalog_of(customer=with_fields("rank: {type: integer, required: yes, default: 9}"))
    assert installation.lines(strict) == ["~ customer.rank: required: 1 record is empty and gets 9"]
    assert not installation.plan(strict).is_adding_only
    installation.apply(strict)
    assert installation.column("SELECT rank FROM crm.customer ORDER BY id") == [9, 2, 3, 4]
    assert installation.columns("customer")["rank"] == ("bigint", True)
    back = catalog_of(customer=with_fields("rank: {type: integer}"))
    assert installation.lines(back) == ["~ customer.rank: may be empty"]
    installation.apply(back)
    assert installation.columns("customer")["rank"] == ("bigint", False)


def test_renaming_keeps_the_data_c9(installation, statements):
    installation.apply(
        catalog_of(
            customer=with_fields("telefax: {type: phone, unique: yes, index: yes}"),
            contact=with_fields("customer: {type: link, to: customer}"),
        )
    )
    customers(installation, 2, name="'n' || n", telefax="'+4930' || n")
    installation.sql("INSERT INTO crm.contact (name, customer) VALUES ('x', 2)")
    numbers = dict(installation.sql("SELECT name, number FROM trellis.entity"))
    renamed = catalog_of(
        client=with_fields(
            "fax: {type: phone, unique: yes, index: yes, was: telefax}", rest="was: customer\n"
        ),
        contact=with_fields("client: {type: link, to: client, was: customer}"),
    )
    assert sorted(installation.lines(renamed)) == [
        "~ client.fax: rename from telefax, 2 values kept",
        "~ client: rename from customer, 2 records kept",
        "~ contact.client: rename from customer, 1 value kept",
    ]
    assert not installation.plan(renamed).is_adding_only
    sent = len(statements())
    installation.apply(renamed)
    assert all(" RENAME " in each for each in statements()[sent:])
    assert installation.sql("SELECT name, fax FROM crm.client ORDER BY id") == [
        ("n1", "+49301"),
        ("n2", "+49302"),
    ]
    assert installation.column("SELECT client FROM crm.contact") == [2]
    after = dict(installation.sql("SELECT name, number FROM trellis.entity"))
    assert after["client"] == numbers["customer"]
    assert installation.plan(renamed).is_empty


def test_a_dropped_field_needs_that_very_name_c7(installation):
    installation.apply(catalog_of(customer=with_fields("fax: {type: text}", "pin: {type: text}")))
    customers(installation, 3, name="'n' || n", fax="CASE WHEN n = 2 THEN '1' END")
    without = catalog_of(customer=with_fields())
    plan = installation.plan(without)
    assert installation.lines(without) == [
        "- customer.fax: drop column: 1 record holds a value",
        "- customer.pin: drop column: no record holds a value",
    ]
    assert [each.is_destructive for each in plan.operations] == [True, False]
    assert [each.allow for each in plan.refusals] == ["customer.fax", "customer.pin"]
    assert [each.code for each in plan.refusals] == ["lost", "dropped"]
    for allow in ((), ("customer",), ("customer.pin",), ("customer.fax",), ("fax",)):
        with pytest.raises(PlanError):
            installation.apply(without, allow=allow)
    assert installation.column("SELECT fax FROM crm.customer WHERE id = 2") == ["1"]
    installation.apply(without, allow=["customer.fax", "customer.pin"])
    assert {"fax", "pin"}.isdisjoint(installation.columns("customer"))


def test_a_removed_field_keeps_its_values(installation):
    installation.apply(
        catalog_of(
            customer=with_fields("fax: {type: text, required: yes, default: x, unique: yes}")
        )
    )
    customers(installation, 1, name="'n'", fax="'1'")
    hidden = catalog_of(
        customer=with_fields("fax: {type: text, required: yes, unique: yes, removed: yes}")
    )
    installation.apply(hidden)
    customers(installation, 1, name="'m'")
    assert installation.column("SELECT fax FROM crm.customer ORDER BY id") == ["1", None]
    assert not [name for name in installation.indexes("customer") if "unique" in name]


def test_a_dropped_entity_leaves_no_right_behind_c14(installation):
    both = catalog_of(customer=with_fields(), invoice=with_fields())
    installation.apply(both)
    installation.sql("INSERT INTO crm.invoice (name) VALUES ('x')")
    number = installation.column("SELECT number FROM trellis.entity WHERE name = 'invoice'")[0]
    installation.sql(
        "INSERT INTO trellis.share (entity, record_id, user_id) VALUES (%s, 1, 7)", number
    )
    one = catalog_of(customer=with_fields())
    assert installation.lines(one) == ["- invoice: drop table: 1 record would be lost"]
    with pytest.raises(PlanError, match="--allow invoice"):
        installation.apply(one)
    installation.apply(one, allow=["invoice"])
    assert installation.columns("invoice") == {}
    # Another entity of that name starts with rights of its own.
    installation.apply(both)
    again = installation.column("SELECT number FROM trellis.entity WHERE name = 'invoice'")[0]
    assert again != number
    assert installation.sql("SELECT * FROM trellis.share") == []


def test_an_empty_entity_needs_its_name_as_well(installation):
    installation.apply(
        catalog_of(
            customer=with_fields(),
            invoice=with_fields(
                "customer: {type: link, to: customer}",
                "lines: {type: lines, fields: {text: {type: text}}}",
            ),
        )
    )
    one = catalog_of(customer=with_fields())
    assert installation.lines(one) == [
        "- invoice.lines: drop table: it is empty",
        "- invoice: drop table: it is empty",
    ]
    assert [each.allow for each in installation.plan(one).refusals] == ["invoice.lines", "invoice"]
    with pytest.raises(PlanError, match="--allow invoice"):
        installation.apply(one, allow=["invoice.lines"])
    assert installation.columns("invoice") != {}
    installation.apply(one, allow=["invoice.lines", "invoice"])
    assert installation.columns("invoice") == {}
    assert installation.columns("invoice__lines") == {}


def test_unique_names_the_records_that_clash(installation):
    installation.apply(catalog_of(customer=with_fields("email: {type: text}")))
    customers(
        installation, 4, name="'n' || n", email="CASE WHEN n < 3 THEN ' A@x' ELSE 'b' || n END"
    )
    installation.sql("UPDATE crm.customer SET email = 'a@X ' WHERE id = 2")
    customers(installation, 2, name="'empty'")
    unique = catalog_of(customer=with_fields("email: {type: text, unique: yes}"))
    plan = installation.plan(unique)
    assert [str(each.sentence) for each in plan.refusals] == [
        (
            "customer.email: unique (email): 1 value more than once, for example 1. "
            "Change or merge those records first."
        )
    ]
    with pytest.raises(PlanError):
        installation.apply(unique, allow=["customer.email"])
    installation.sql("UPDATE crm.customer SET deleted_at = now() WHERE id = 2")
    installation.apply(unique)
    with pytest.raises(Exception, match="duplicate key"):
        installation.sql("INSERT INTO crm.customer (name, email) VALUES ('x', 'A@X')")
    installation.sql("INSERT INTO crm.customer (name) VALUES ('x'), ('y')")
    assert installation.plan(unique).is_empty
    free = catalog_of(customer=with_fields("email: {type: text}"))
    installation.apply(free)
    installation.sql("INSERT INTO crm.customer (name, email) VALUES ('x', 'A@X')")


def test_options_follow_their_new_names(installation):
    installation.apply(
        catalog_of(
            customer=with_fields(
                "level: {type: choice, options: [a, b, c, d]}",
                "marks: {type: choices, options: [x, y, z]}",
            )
        )
    )
    customers(
        installation, 4, name="'n' || n", level="(ARRAY['a', 'b', 'c', 'd'])[n]",
        marks="ARRAY['x', 'y']",
    )  # fmt: skip
    changed = catalog_of(
        customer=with_fields(
            "level: {type: choice, options: {top: {label: Top, was: a}, b: B, c: {becomes: b}}}",
            "marks: {type: choices, options: {first: {label: First, was: x}, y: Y}}",
        )
    )
    assert installation.lines(changed)[:4] == [
        "~ customer.level: options a -> top, c -> b in 2 records",
        "- customer.level: drop options d: 1 record holds one, for example 4",
        "~ customer.marks: options x -> first in 4 records",
        "- customer.marks: drop options z: not in use",
    ]
    with pytest.raises(PlanError, match="becomes: OTHER"):
        installation.apply(changed)
    installation.apply(changed, allow=["customer.level"])
    assert installation.column("SELECT level FROM crm.customer ORDER BY id") == [
        "top",
        "b",
        "b",
        "d",
    ]
    assert installation.column("SELECT marks FROM crm.customer WHERE id = 1") == [["first", "y"]]
    assert installation.plan(changed).is_empty


def test_an_unknown_name_to_allow_is_told(installation):
    installation.apply(catalog_of(customer=with_fields()))
    wider = catalog_of(customer=with_fields("a: {type: text}"))
    with pytest.raises(PlanError, match=r"`--allow customer\.fax` names nothing"):
        installation.apply(wider, allow=["customer.fax"])


def test_a_script_that_runs_again_may_name_what_it_allowed(installation):
    installation.apply(catalog_of(customer=with_fields("fax: {type: text}")))
    without = catalog_of(customer=with_fields())
    installation.apply(without, allow=["customer.fax"])
    assert installation.plan(without, "customer.fax").is_empty
    assert installation.plan(without, "customer.fax").exit_code == NOTHING_TO_DO


def test_lines_follow_their_field_and_entity(installation):
    lines = "{type: lines, fields: {text: {type: text}}}"
    installation.apply(catalog_of(quote=with_fields(f"rows: {lines}")))
    installation.sql("INSERT INTO crm.quote (name) VALUES ('q')")
    installation.sql("INSERT INTO crm.quote__rows (parent, text) VALUES (1, 't')")
    renamed = catalog_of(
        offer=with_fields(f"lines: {lines[:-1]}, was: rows}}", rest="was: quote\n")
    )
    installation.apply(renamed)
    assert installation.sql("SELECT parent, text FROM crm.offer__lines") == [(1, "t")]
    assert installation.plan(renamed).is_empty


def test_what_only_screens_show_is_a_version_without_statements(installation, statements):
    installation.apply(catalog_of(customer=with_fields()))
    sent = len(statements())
    other = catalog_of(
        customer=with_fields().replace("title: name", "title: name\nplural: Clients")
    )
    assert installation.lines(other) == [
        "~ entities/customer.yaml: screens, labels or rules; no table changes"
    ]
    version = installation.apply(other)
    assert version.number == 2
    assert len(statements()) == sent


def test_the_plan_says_what_roles_gain_and_lose(installation):
    installation.apply(catalog_of(customer=with_fields()))
    access = "access:\n  sales: {scope: all, update: no}\n"
    assert installation.lines(catalog_of(customer=with_fields(rest=access))) == [
        "~ customer: role sales: may no longer update; create: own -> all; read: own -> all"
    ]


def test_an_index_that_somebody_dropped_comes_back(installation):
    catalog = catalog_of(customer=with_fields("email: {type: email, unique: yes}"))
    installation.apply(catalog)
    name = next(each for each in installation.indexes("customer") if "unique" in each)
    installation.sql(f'DROP INDEX crm."{name}"')
    assert installation.lines(catalog) == ["+ customer.email: unique (email)"]
    installation.apply(catalog)
    assert name in installation.indexes("customer")


def test_an_index_made_by_hand_stays(installation):
    installation.apply(catalog_of(customer=with_fields()))
    installation.sql("CREATE INDEX by_hand ON crm.customer (name)")
    installation.apply(catalog_of(customer=with_fields("a: {type: text}")))
    assert "by_hand" in installation.indexes("customer")


def test_a_default_cannot_fill_what_must_differ(installation):
    installation.apply(catalog_of(customer=with_fields("rank: {type: integer}")))
    customers(installation, 2, name="'n' || n")
    strict = catalog_of(
        customer=with_fields("rank: {type: integer, required: yes, unique: yes, default: 3}")
    )
    assert [each.allow for each in installation.plan(strict).refusals] == ["customer.rank"]
    version = installation.apply(strict, allow=["customer.rank"])
    assert version.problems == ()
    assert installation.column("SELECT rank FROM crm.customer") == [None, None]
    assert installation.plan(strict).is_empty


def test_what_cannot_be_finished_is_told_and_tried_again(installation):
    old = catalog_of(customer=with_fields("rank: {type: integer}"))
    installation.apply(old)
    customers(installation, 2, name="'n' || n", rank="n")

    def write_another(point: str, operation: object) -> None:
        # A process that has not heard of the new catalog yet leaves the field empty.
        if point == "doing" and type(operation).__name__ == "Require":
            installation.sql("INSERT INTO crm.customer (name) VALUES ('late')")

    changed = catalog_of(customer=with_fields("rank: {type: integer, required: yes}"))
    version = installation.apply(changed, on_step=write_another)
    assert [str(each) for each in version.problems] == [
        (
            "customer.rank: some records are still empty. It is asked for at their next save; apply "
            "again once they are filled in."
        ),
    ]
    assert (
        installation.plan(changed)
        .render()
        .splitlines()[1]
        .startswith(
            "  … customer.rank   to be finished: required: customer.rank: some records are still empty."
        )
    )
    installation.sql("UPDATE crm.customer SET rank = 9 WHERE rank IS NULL")
    assert installation.apply(changed).problems == ()
    assert installation.columns("customer")["rank"] == ("bigint", True)
    assert installation.plan(changed).is_empty


def test_a_new_check_names_the_records_that_break_it(installation, pools):
    def holds(release, entity, table, condition):
        return TableSource(release, entity, table).holds(condition)

    fields = ("size: {type: integer}", "level: {type: choice, options: [a, b]}")
    installation.apply(catalog_of(customer=with_fields(*fields)))
    customers(
        installation, 4, name="'n' || n", size="n", level="CASE WHEN n < 4 THEN 'a' ELSE 'b' END"
    )
    checks = (
        "checks:\n  - {must: size > 2, if: level == 'a', message: Too small}\n"
        "  - {must: size > 0, message: Nothing}\n  - {must: more > 0, message: New}\n"
    )
    strict = catalog_of(customer=with_fields(*fields, "more: {type: integer}", rest=checks))
    with pools.engine.connect() as connection:
        plan = make_plan(connection, strict, holds=holds)
    assert [str(each.words()) for each in plan.operations if each.subject == "customer"] == [
        "check `size > 0` from now on",
        "check `more > 0` from now on",
        "check `size > 2`: 2 records break it, for example 1, 2",
    ]
    assert not plan.is_adding_only
    assert installation.apply(strict, expected=plan).problems == ()
    with pools.engine.connect() as connection:
        assert make_plan(connection, strict, holds=holds).is_empty
