"""What every type must be able to say, and what values look like to people."""

from __future__ import annotations

import json
import pickle
import re
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from app.expressions import types as t
from app.expressions.types import Kind, Type
from app.fields.base import FieldError
from app.fields.markup import to_html, to_text
from app.fields.normal import normal
from app.fields.reference import PAGE, page
from app.fields.registry import field_types
from app.fields.worked_out import result_of
from tests.unit.fields.samples import FORM, OPTIONS, STRICT, TYPES, make_field, parse

ROOT = Path(__file__).parents[3]

WORDS = ["text", "longtext", "markdown", "email", "emails", "phone", "phones", "url", "urls", "serial", "integer", "decimal", "money", "currency", "percent", "rating", "date", "datetime", "time", "duration", "clock", "repeat", "boolean", "choice", "choices", "tags", "stage", "user", "users", "department", "departments", "link", "links", "any_link", "lines", "address", "geo", "file", "files", "image", "images", "signature", "formula", "rollup", "through"]  # fmt: skip


def test_there_is_every_type_of_the_language():
    assert sorted(TYPES.names()) == sorted(WORDS)


@pytest.mark.parametrize("name", TYPES.names())
def test_a_type_says_what_it_is(name):
    type_ = TYPES[name]
    assert re.search("[一-鿿]", type_.label.in_language("zh"))
    assert type_.help.endswith(".")
    assert f"type: {name}" in type_.example
    assert json.dumps(type_.example_json)
    assert type_.align in ("start", "end")


@pytest.mark.parametrize("name", [name for name in TYPES.names() if TYPES[name].writable])
def test_the_example_of_the_reference_is_a_value(name):
    kinds = {"urls": ["home"], "emails": ["work"], "phones": ["mobile"]}
    settings = {"kinds": kinds[name]} if name in kinds else {}
    options = OPTIONS
    if name in ("choice", "choices", "stage"):
        example = TYPES[name].example_json
        words = example if isinstance(example, list) else [example]
        from dataclasses import replace

        options = tuple(replace(OPTIONS[0], name=word) for word in words)
    field = make_field(
        name, options=options if name in ("choice", "choices", "stage") else (), **settings
    )
    value = parse(field, field.type.example_json)
    assert field.type.to_json(field, value) == field.type.example_json


@pytest.mark.parametrize("name", TYPES.names())
def test_nothing_is_shown_for_nothing(name):
    field = make_field(name)
    for language in ("en", "zh", "zh_CN", "fr"):
        assert field.type.display(field, None, language) == ""
    assert field.type.search_text(field, None) == ""
    assert field.type.masked(field, None) in (None, [])


@pytest.mark.parametrize("name", TYPES.names())
def test_a_type_has_a_schema_for_openapi(name):
    field = make_field(name)
    schema = field.type.json_schema(field)
    assert json.dumps(schema)
    assert "type" in schema
    assert field.type.writable or schema.get("readOnly") is True


@pytest.mark.parametrize(
    ("name", "settings", "raw", "english", "chinese"),
    [
        ("integer", {}, 1234567, "1,234,567", "1,234,567"),
        ("decimal", {}, "1234.50", "1,234.5", "1,234.5"),
        ("money", {}, "-1234.5", "-1,234.50", "-1,234.50"),
        ("percent", {}, "13", "13 %", "13%"),
        ("rating", {"max": 5}, 3, "★★★☆☆", "★★★☆☆"),
        ("boolean", {}, True, "Yes", "是"),
        ("boolean", {}, False, "No", "否"),
        ("date", {}, "2026-01-31", "2026-01-31", "2026-01-31"),
        ("datetime", {}, "2026-01-31T18:30:00Z", "2026-02-01 02:30", "2026-02-01 02:30"),
        ("time", {}, "09:05", "09:05", "09:05"),
        ("duration", {}, "PT26H30M", "1 d 2 h 30 min", "1天2小时30分钟"),
        ("duration", {}, "PT0S", "0 s", "0秒"),
        ("choice", {}, "key", "Key customer", "重点客户"),
        ("choices", {}, ["key", "asia"], "Asia, Key customer", "亚洲、重点客户"),
        ("tags", {}, ["vip", "fair"], "vip, fair", "vip、fair"),
        ("phone", {}, "+8613800136021", "138 0013 6021", "138 0013 6021"),
        ("phone", {}, "+4930901820", "+49 30 901820", "+49 30 901820"),
        ("phone", {"country": "DE"}, "+4930901820", "030 901820", "030 901820"),
        ("phones", {}, [{"number": "+8613800136021"}, {"number": "+861012345678"}], "138 0013 6021, 010 1234 5678", "138 0013 6021, 010 1234 5678"),
        ("emails", {}, [{"address": "a@b.cn"}, {"address": "c@d.cn"}], "a@b.cn, c@d.cn", "a@b.cn, c@d.cn"),
        ("link", {}, 5, "#5", "#5"),
        ("any_link", {}, {"entity": "lead", "id": 5}, "lead #5", "lead #5"),
        ("address", {}, {"province": "上海市", "city": "上海市", "street": "南京路 1 号"}, "上海市南京路 1 号", "上海市南京路 1 号"),
        ("address", {}, {"country": "DE", "city": "Berlin", "postal_code": "10115", "street": "Weg 1"}, "Weg 1, 10115 Berlin, DE", "Weg 1, 10115 Berlin, DE"),
        ("geo", {}, {"lat": 30.25, "lng": 120.5}, "30.250000, 120.500000", "30.250000, 120.500000"),
        ("files", {}, [1, 2], "2 file(s)", "2 个文件"),
        ("lines", {}, [{"product": "a"}, {"product": "b"}], "2 rows", "2 行"),
    ],
)  # fmt: skip
def test_a_value_is_shown_as_people_read_it(name, settings, raw, english, chinese):
    field = make_field(name, **settings)
    value = parse(field, raw)
    assert field.type.display(field, value, "en", "Asia/Shanghai") == english
    assert field.type.display(field, value, "zh", "Asia/Shanghai") == chinese


def test_an_amount_is_shown_in_the_currency_of_its_record():
    field = make_field("money", currency="currency")
    assert [column.name for column in field.type.columns(field)] == ["x", "x__base"]
    assert (
        field.type.display(field, Decimal("1234.5"), "en", row={"currency": "USD"}) == "US$1,234.50"
    )
    assert field.type.display(field, Decimal(-5), "zh", row={"currency": "CNY"}) == "-¥5.00"
    assert field.type.display(field, Decimal(5), "en", row={"currency": "SEK"}) == "SEK 5.00"
    assert field.type.display(field, Decimal(5), "en") == "5.00"
    assert field.type.currency_of(field, {"currency": None}, "CNY") is None


@pytest.mark.parametrize(
    ("name", "raw", "json_value"),
    [
        ("integer", "12", None), ("money", "12.5", "12.50"), ("percent", "13.0", "13"), ("decimal", "100", "100"),
        ("date", "2026-01-31", "2026-01-31"), ("datetime", "2026-01-31T09:30:00.5+08:00", "2026-01-31T01:30:00.5+00:00"),
        ("duration", "P1DT30M", "PT24H30M"), ("link", {"id": 5, "title": "Acme"}, 5), ("links", [5, {"id": 6}], [5, 6]),
        ("geo", {"lat": "30.2500", "lng": 120}, {"lat": 30.25, "lng": 120.0}),
        ("any_link", {"entity": "lead", "id": 5, "title": "x"}, {"entity": "lead", "id": 5}),
    ],
)  # fmt: skip
def test_json_is_as_agreed(name, raw, json_value):
    field = make_field(name)
    if json_value is None:
        with pytest.raises(FieldError):
            parse(field, raw)
    else:
        assert field.type.to_json(field, parse(field, raw)) == json_value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("138 0013 6021", "+8613800136021"), ("138-0013-6021", "+8613800136021"), ("１３８００１３６０２１", "+8613800136021"),
        ("0086 13800136021", "+8613800136021"), ("+49 30 901820", "+4930901820"), ("(010) 1234-5678", "+861012345678"),
        ("010-12345678 转 123", None), ("010-12345678 ext 12", "+861012345678;ext=12"), ("400-820-8820", "+864008208820"),
    ],
)  # fmt: skip
def test_a_phone_is_read_as_people_write_it(raw, value):
    field = make_field("phone")
    if value is None:
        with pytest.raises(FieldError):
            parse(field, raw, FORM)
    else:
        assert parse(field, raw, FORM) == value
        assert parse(field, value) == value
        assert field.type.display(field, value, "en")


@pytest.mark.parametrize(
    "raw", ["123", "abc", "+86", "138001360211111111", "+999 12345678", "1" * 70]
)
def test_what_is_no_phone_is_refused(raw):
    with pytest.raises(FieldError, match="is not a telephone number"):
        parse(make_field("phone"), raw, FORM)


def test_a_phone_is_found_with_and_without_its_country():
    field = make_field("phones")
    value = parse(field, [{"number": "+8613800136021"}])
    assert field.type.search_text(field, value) == "+8613800136021 13800136021"


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ("mobile: 138 0013 6021; office:010-12345678", [("+8613800136021", "mobile"), ("+861012345678", "office")]),
        ("13800136021,13800136022\n13800136021", [("+8613800136021", "mobile"), ("+8613800136022", "mobile")]),
        ("office：13800136021；；", [("+8613800136021", "office")]),
    ],
)  # fmt: skip
def test_several_phones_are_read_from_one_text(raw, found):
    value = parse(make_field("phones"), raw, FORM)
    assert [(one["number"], one["kind"]) for one in value] == found


@pytest.mark.parametrize(
    "raw", ["a@b.cn", "li.wei+crm@mail.example.com", "李雷@例子.中国", "o'hara@x.co", "A@B.CN"]
)
def test_an_email_is_taken(raw):
    local, _, domain = raw.partition("@")
    assert parse(make_field("email"), raw) == f"{local}@{domain.lower()}"


@pytest.mark.parametrize("raw", ["a", "a@", "@b.cn", "a@b", "a b@c.cn", "a@b..cn", ".a@b.cn", "a..b@c.cn", "a@-b.cn", "a@b.cn\nBcc: x@y.cn", "a@b.cn, c@d.cn", "<a@b.cn>", "a@[127.0.0.1]", "a@b_c.cn\x00"])  # fmt: skip
def test_what_is_no_email_is_refused(raw):
    with pytest.raises(FieldError):
        parse(make_field("email"), raw)


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        ("浙江省杭州市西湖区文三路1号", ("浙江省", "杭州市", "西湖区", "文三路1号")),
        ("上海市浦东新区世纪大道100号", ("上海市", "上海市", "浦东新区", "世纪大道100号")),
        ("北京海淀区中关村", ("北京", "北京", "海淀区", "中关村")),
        ("广西壮族自治区南宁市青秀区民族大道", ("广西壮族自治区", "南宁市", "青秀区", "民族大道")),
        ("江苏省苏州市昆山市花桥镇", ("江苏省", "苏州市", "昆山市", "花桥镇")),
        ("1 Main Street", (None, None, None, "1 Main Street")),
        ("新疆维吾尔自治区喀什地区疏勒县", ("新疆维吾尔自治区", "喀什地区", "疏勒县", None)),
    ],
)  # fmt: skip
def test_a_chinese_address_is_taken_apart(raw, parts):
    value = parse(make_field("address"), raw, FORM)
    assert tuple(value[part] for part in ("province", "city", "district", "street")) == parts
    assert value["country"] == "CN"


def test_tags_and_addresses_keep_their_signs():
    assert parse(make_field("tags"), [" ①Ａ，b "]) == ["①Ａ，b"]
    assert (
        parse(make_field("address"), {"street": "文三路１号（东门）"})["street"]
        == "文三路１号（东门）"
    )


def test_an_address_of_nothing_but_a_country_is_empty():
    assert parse(make_field("address"), {"country": "CN", "city": " "}) is None


@pytest.mark.parametrize("raw", ["是", "yes", "Y", "TRUE", "1", "on", "√", "对"])
def test_yes_is_read_in_both_languages(raw):
    assert parse(make_field("boolean"), raw, FORM) is True


@pytest.mark.parametrize("raw", ["否", "no", "N", "false", "0", "off", "×", "不"])
def test_no_is_read_in_both_languages(raw):
    assert parse(make_field("boolean"), raw, FORM) is False


def test_neither_is_refused():
    with pytest.raises(FieldError, match="“maybe” is neither yes nor no"):
        parse(make_field("boolean"), "maybe", FORM)


def test_tags_are_the_same_whatever_their_capitals():
    assert parse(make_field("tags"), "VIP, vip、Fair；ｖｉｐ", FORM) == ["VIP", "Fair"]
    listed = make_field("tags", options=OPTIONS)
    assert parse(listed, "重点客户", FORM) == ["key"]
    with pytest.raises(FieldError, match=r"There is no option “new”"):
        parse(listed, ["new"])
    free = make_field("tags", options=OPTIONS, free="yes")
    assert parse(free, ["new", "key"]) == ["new", "key"]


def test_a_stage_knows_its_ends():
    field = make_field("stage")
    assert field.type.is_final(field, "normal")
    assert not field.type.is_final(field, "key")
    assert not field.type.is_final(field, None)


@pytest.mark.parametrize(
    ("mask", "raw", "seen"),
    [("middle", "13800136021", "138****6021"), ("first", "13800136021", "****21"), ("last", "13800136021", "13****"), ("all", "13800136021", "****"),
     ("middle", "张三", "****"), ("middle", "abcd", "a****d"), ("first", "a", "****"), ("last", "x" * 40, "xxxx****")],
)  # fmt: skip
def test_a_text_is_masked(mask, raw, seen):
    field = make_field("text", mask=mask)
    assert field.type.masked(field, raw) == seen


def test_masks_of_ways_to_reach_somebody():
    phone, email = make_field("phone"), make_field("email")
    assert phone.type.masked(phone, "+8613800136021") == "138****6021"
    assert email.type.masked(email, "li.wei@example.com") == "l****@example.com"
    phones = make_field("phones")
    assert phones.type.masked(phones, [{"number": "+8613800136021", "kind": "mobile"}]) == [
        {"number": "138****6021", "kind": "mobile"}
    ]
    money = make_field("money")
    assert money.type.masked(money, "5.00") == "****"


@pytest.mark.parametrize(
    ("one", "other"),
    [("Acme", " ＡＣＭＥ　"), ("ﬁx", "FIX"), ("É", "e\u0301"), ("Σ", "σ"), ("①", "1")],
)
def test_texts_that_look_the_same_are_the_same(one, other):
    assert normal(one) == normal(other)


@pytest.mark.parametrize(("one", "other"), [("Renee", "Renée"), ("a b", "ab"), ("0", "O")])
def test_texts_that_differ_stay_different(one, other):
    assert normal(one) != normal(other)


@pytest.mark.parametrize(
    ("type_name", "value", "settings", "result", "raw", "json_value", "shown"),
    [
        ("formula", t.NUMBER, {}, "decimal", Decimal("1.5000000000001"), "1.5", "1.5"),
        ("formula", t.NUMBER, {"result": "percent"}, "percent", Decimal("12.345"), "12.35", "12.35 %"),
        ("formula", t.NUMBER, {"result": "integer"}, "integer", Decimal("2.5"), 3, "3"),
        ("formula", t.NUMBER, {"places": 1}, "decimal", Decimal("0.25"), "0.3", "0.3"),
        ("formula", t.MONEY, {}, "money", Decimal("1.005"), "1.01", "1.01"),
        ("formula", t.TEXT, {}, "longtext", "a" * 300, "a" * 300, "a" * 300),
        ("formula", t.DATE, {}, "date", date(2026, 1, 5), "2026-01-05", "2026-01-05"),
        ("formula", t.TIME, {}, "time", time(9), "09:00", "09:00"),
        ("formula", t.BOOLEAN, {}, "boolean", True, True, "Yes"),
        ("formula", t.DURATION, {}, "duration", timedelta(hours=2), "PT2H", "2 h"),
        ("formula", Type(Kind.choice, options=("a",)), {}, "choice", "a", "a", "a"),
        ("formula", t.record_type("department"), {}, "department", 5, 5, "#5"),
        ("rollup", t.NUMBER, {"count": "yes"}, "integer", 3, 3, "3"),
        ("rollup", t.many(t.TEXT), {"count": "no"}, "tags", ["a"], ["a"], "a"),
        ("rollup", t.many(t.record_type("customer")), {"count": "no"}, "links", [1], [1], "#1"),
        ("through", t.record_type("a", "b"), {}, "any_link", ("a", 1), {"entity": "a", "id": 1}, "a #1"),
    ],
)  # fmt: skip
def test_a_worked_out_field_is_like_its_result(
    type_name, value, settings, result, raw, json_value, shown
):
    field = make_field(type_name, value=value, **settings)
    assert result_of(field)[0].name == result
    assert field.type.to_json(field, raw) == json_value
    assert field.type.display(field, raw, "en") == shown
    assert field.type.value_type(field) == value
    for column in field.type.columns(field):
        assert (column.references, column.check, column.not_null) == (None, None, False)
    with pytest.raises(FieldError, match="worked out"):
        field.type.parse(field, raw, STRICT)


def test_markdown_becomes_html_and_plain_text():
    text = "# Agreed\n\n* *May* [site](https://a.cn)\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    html = to_html(text)
    assert "<h1>Agreed</h1>" in html
    assert '<a href="https://a.cn" rel="noopener noreferrer nofollow">site</a>' in html
    assert "<td>1</td>" in html
    assert to_text(text) == "Agreed May site a b 1 2"


def test_types_hold_no_state_and_can_be_handed_to_another_process():
    again = pickle.loads(pickle.dumps(field_types()))
    assert again.names() == TYPES.names()
    for type_ in TYPES.by_name.values():
        assert vars(type_) == {}


def test_the_reference_is_fresh():
    written = (ROOT / PAGE).read_text("utf-8")
    assert written == page(), "run `python -m app.fields.reference`"


@pytest.mark.parametrize("name", TYPES.names())
def test_every_type_is_in_the_reference(name):
    assert f"\n## {name}\n" in page()
