"""Tables and indexes that follow from a catalog, and what a violated constraint is about."""

from __future__ import annotations

import psycopg
import pytest
import sqlalchemy as sa

from app.database.ddl import SCHEMA
from app.database.facts import gather_facts
from app.database.indexes import indexes_of
from app.database.naming import LONGEST, constraint_name
from app.database.physical import columns_of
from app.database.tables import ConstraintMeaning, build_tables
from tests.integration.database.installations import catalog_of, with_fields


def indexes(catalog, entity: str) -> list[str]:
    """Return the indexes of an entity without their names."""
    found = catalog.entities[entity]
    return sorted(
        ("UNIQUE " if each.unique else "") + each.definition.replace('"', "")
        for each in indexes_of(found, columns_of(found), gather_facts(catalog))
    )


def test_every_record_has_its_built_in_columns():
    catalog = catalog_of(
        customer=with_fields("lines: {type: lines, fields: {text: {type: text}}}"),
        region=with_fields(rest="owned: no\n"),
    )
    tables = build_tables(catalog)
    assert tables["customer"].schema == SCHEMA
    kept = [
        "id", "pool", "created_at", "created_by", "updated_at", "updated_by", "deleted_at",
        "deleted_by", "version", "tags", "name",
    ]  # fmt: skip
    owned = ["owner", "owner_department", "owner_since", "previous_owner"]
    assert tables["customer"].c.keys() == [kept[0], *owned, *kept[1:]]
    assert tables["region"].c.keys() == kept
    assert tables["customer.lines"].c.keys() == ["id", "parent", "position", "version", "text"]
    assert tables["customer.lines"].name == "customer__lines"
    assert isinstance(tables["customer"].c.id.type, sa.BigInteger)


def test_lists_get_the_indexes_that_keep_them_flat():
    catalog = catalog_of(
        customer=with_fields(
            "region: {type: text}",
            "level: {type: choice, options: [a, b]}",
            "seen_at: {type: datetime}",
            "marks: {type: choices, options: [x, y]}",
            "parent: {type: link, to: customer}",
            rest="screens:\n"
            "  list: {columns: [name], sort: -seen_at, filters: [region, level, marks, owner]}\n"
            "  views:\n    by_name: {label: By name, sort: name}\n",
        )
    )
    include = "INCLUDE (owner, owner_department) WHERE deleted_at IS NULL"
    assert indexes(catalog, "customer") == [
        "USING btree (deleted_at, id) WHERE deleted_at IS NOT NULL",
        f"USING btree (name, id) {include}",
        "USING btree (owner, seen_at, id) WHERE deleted_at IS NULL",
        "USING btree (parent) WHERE parent IS NOT NULL",
        f"USING btree (region, seen_at, id) {include}",
        f"USING btree (seen_at, id) {include}",
        "USING gin (marks) WHERE deleted_at IS NULL",
    ]


def test_a_department_scope_asks_for_its_own_order():
    catalog = catalog_of(customer=with_fields(rest="access:\n  sales: {scope: department_tree}\n"))
    assert "USING btree (owner_department, created_at, id) WHERE deleted_at IS NULL" in indexes(
        catalog, "customer"
    )


def test_roll_ups_read_their_children_from_an_index():
    catalog = catalog_of(
        customer=with_fields(
            "latest: {type: rollup, of: visit.customer, latest: visited_at}",
            "total: {type: rollup, of: visit.customer, sum: cost}",
        ),
        visit=with_fields(
            "customer: {type: link, to: customer}", "visited_at: {type: datetime}",
            "cost: {type: decimal}",
        ),
    )  # fmt: skip
    assert "USING btree (customer, visited_at) INCLUDE (cost) WHERE deleted_at IS NULL" in indexes(
        catalog, "visit"
    )


def test_names_are_short_and_their_own():
    one = constraint_name("a" * 40, ["b" * 40], "unique", "x")
    assert len(one.encode()) == LONGEST
    assert one != constraint_name("a" * 40, ["b" * 40], "unique", "y")
    assert one.startswith("a" * 40)
    assert len(constraint_name("客户" * 20, ["b"], "unique", "x").encode()) <= LONGEST


def violation(installation, text: str) -> tuple[str, str]:
    with pytest.raises(psycopg.errors.IntegrityError) as caught:
        installation.sql(text)
    return caught.value.diag.constraint_name, caught.value.diag.table_name


def test_a_violated_constraint_names_its_fields(installation):
    catalog = catalog_of(
        customer=with_fields(
            "email: {type: email, unique: yes}",
            "city: {type: text}",
            "parent: {type: link, to: customer}",
            "credit: {type: decimal}",
            "must: {type: integer, required: yes}",
            rest="unique: [[name, city]]\n",
        )
    )
    installation.apply(catalog)
    tables = build_tables(catalog)
    installation.sql(
        "INSERT INTO crm.customer (name, city, email, must) VALUES ('Ann', 'Ulm', 'a@x.example', 1)"
    )
    insert = "INSERT INTO crm.customer (name, city, email, must, parent, credit) VALUES "
    cases = {
        "('Bob', 'Ulm', ' A@X.example ', 1, NULL, NULL)": ("unique", ("email",)),
        "(' ANN', 'ulm', 'b@x.example', 1, NULL, NULL)": ("unique", ("name", "city")),
        "('Bob', 'Ulm', 'b@x.example', 1, 99, NULL)": ("link", ("parent",)),
        "('Bob', 'Ulm', 'b@x.example', 1, NULL, 'NaN')": ("check", ("credit",)),
    }
    for values, (kind, fields) in cases.items():
        name, table = violation(installation, insert + values)
        assert tables.constraint_meaning(name, table) == ConstraintMeaning("customer", fields, kind)
    with pytest.raises(psycopg.errors.NotNullViolation) as caught:
        installation.sql("INSERT INTO crm.customer (name) VALUES ('x')")
    found = tables.column_meaning(caught.value.diag.column_name, caught.value.diag.table_name)
    assert found == ConstraintMeaning("customer", ("must",), "required")
    assert tables.constraint_meaning("by_hand", "customer") is None
    assert tables.constraint_meaning("x", "elsewhere") is None


def test_empties_and_the_bin_repeat(installation):
    installation.apply(catalog_of(customer=with_fields("email: {type: email, unique: yes}")))
    installation.sql(
        "INSERT INTO crm.customer (email, deleted_at) VALUES (NULL, NULL), (NULL, NULL), "
        "('a@x.example', NULL), ('a@x.example', now()), ('A@x.example', now())"
    )


def test_lines_are_unique_within_their_record(installation):
    installation.apply(
        catalog_of(
            quote=with_fields("lines: {type: lines, fields: {product: {type: text, unique: yes}}}")
        )
    )
    installation.sql("INSERT INTO crm.quote (name) VALUES ('a'), ('b')")
    installation.sql("INSERT INTO crm.quote__lines (parent, product) VALUES (1, 'x'), (2, 'x')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        installation.sql("INSERT INTO crm.quote__lines (parent, product) VALUES (1, 'X')")
    installation.sql("DELETE FROM crm.quote WHERE id = 1")
    assert installation.column("SELECT parent FROM crm.quote__lines") == [2]


def test_the_storage_of_a_table_fits_many_updates(installation):
    installation.apply(catalog_of(customer=with_fields()))
    assert installation.column(
        "SELECT reloptions FROM pg_class WHERE oid = 'crm.customer'::regclass"
    ) == [
        [
            "fillfactor=85",
            "autovacuum_vacuum_scale_factor=0.02",
            "autovacuum_vacuum_insert_scale_factor=0.02",
        ]
    ]
