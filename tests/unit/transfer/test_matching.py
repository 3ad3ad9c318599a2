"""Columns of files find their fields in the shipped configuration."""

import time
from pathlib import Path

import pytest

from app.definitions.load import load_configuration
from app.fields.base import FieldTypes, ParseContext
from app.fields.registry import builtin_types
from app.transfer.matching import bare, match_columns

CONFIG = Path(__file__).resolve().parents[3] / "config"


@pytest.fixture(scope="module")
def catalog():
    types = FieldTypes({one.name: one for one in builtin_types()})
    return load_configuration(CONFIG, types).catalog


def matched(catalog, columns, rows=(), entity="customer", **more):
    found = match_columns(catalog, entity, columns, rows, ParseContext(), **more)
    return {one.column: one.path for one in found}


def test_names_labels_and_words_around_them(catalog):
    columns = [
        "客户名称*",
        "Level",
        "电话（多个）",
        "E-mail",
        "credit_code",
        "Owner:",
        "备注",
        "Foo",
    ]
    assert matched(catalog, columns) == {
        "客户名称*": "name", "Level": "level", "电话（多个）": "phones", "E-mail": "email",
        "credit_code": "credit_code", "Owner:": "owner", "备注": "remark", "Foo": None,
    }  # fmt: skip


def test_headings_of_other_systems(catalog):
    columns = ["Account Name", "Account Owner", "Company Domain Name", "Phone Number"]
    assert matched(catalog, columns) == {
        "Account Name": "name", "Account Owner": "owner",
        "Company Domain Name": "website", "Phone Number": "phones",
    }  # fmt: skip


def test_a_second_record_from_the_same_row(catalog):
    columns = ["客户名称", "联系人", "联系人手机", "Contact e-mail"]
    found = matched(catalog, columns)
    assert found["客户名称"] == "name"
    assert found["联系人"] == "contact.name"
    assert found["联系人手机"] == "contact.mobile"
    assert found["Contact e-mail"] == "contact.email"


def test_what_a_column_holds_tells_where_it_goes(catalog):
    rows = [["Acme", f"a{n}@acme.example", "x"] for n in range(4)]
    assert matched(catalog, ["A", "B", "C"], rows) == {"A": None, "B": "email", "C": None}


def test_no_field_is_given_twice_and_earlier_imports_are_remembered(catalog):
    found = matched(catalog, ["电话", "Phones", "联系电话"], remembered={"联系电话": "phones"})
    assert found == {"电话": None, "Phones": None, "联系电话": "phones"}


def test_fields_a_person_may_not_write_are_no_targets(catalog):
    found = matched(catalog, ["Name", "Level", "Credit limit"], allowed={"name", "level"})
    assert found["Credit limit"] is None


def test_headings_are_compared_without_what_stands_around():
    assert bare("＊客户 名称（必填）") == "客户名称"
    assert bare("(A)") == "(a)"


def test_i11_a_thousand_columns_find_their_fields_at_once(catalog):
    columns = [f"Customer field number {number}" for number in range(999)] + ["客户名称"]
    began = time.process_time()
    found = match_columns(
        catalog, "customer", columns, [["x@y.example"] * 1000] * 5, ParseContext()
    )
    assert time.process_time() - began < 3
    assert found[-1].path == "name"
