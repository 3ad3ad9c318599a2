"""Settings of types: read from YAML's scalars, refused with the value, the rule and what to do."""

from __future__ import annotations

from decimal import Decimal

import marshmallow as ma
import pytest

from app.fields.settings import Setting, Size, Switch, WholeNumber
from tests.unit.fields.samples import NEEDED, TYPES, load_settings


@pytest.mark.parametrize(
    ("name", "written", "read"),
    [
        ("text", {"max": "50"}, {"max": 50}),
        ("text", {"max": 50}, {"max": 50}),
        ("decimal", {"min": "-0.5", "max": 1.5}, {"min": Decimal("-0.5"), "max": Decimal("1.5")}),
        ("link", {"to": "customer", "tree": "yes"}, {"tree": True}),
        ("link", {"to": "customer", "tree": "true"}, {"tree": True}),
        ("link", {"to": "customer", "tree": False}, {"tree": False}),
        ("any_link", {"to": "lead"}, {"to": ("lead",)}),
        ("file", {"max_size": "5 MB", "types": ["pdf"]}, {"max_size": 5 * 1024**2, "types": ("pdf",)}),
        ("phones", {"kinds": "mobile"}, {"kinds": ("mobile",)}),
        ("clock", {"limit": "2 hours", "done": True}, {"done": "True", "since": "created_at", "runs": "True"}),
        ("rollup", {"of": "opportunity.customer", "count": "yes"}, {"of": "opportunity.customer", "count": True}),
    ],
)  # fmt: skip
def test_a_setting_is_read(name, written, read):
    settings = load_settings(TYPES[name], written)
    assert {key: settings[key] for key in read} == read


@pytest.mark.parametrize(
    ("name", "written", "key", "code", "sentence"),
    [
        ("text", {"max": "fifty"}, "max", "not-a-number", "`max` is `fifty`; it must be a whole number from 1 to 10000."),
        ("text", {"max": 0}, "max", "out-of-range", "`max` is 0; it must be a whole number from 1 to 10000."),
        ("text", {"max": 10_001}, "max", "out-of-range", "`max` is 10001; it must be a whole number from 1 to 10000."),
        ("text", {"max": True}, "max", "not-a-number", "`max` is yes; it must be a whole number from 1 to 10000."),
        ("text", {"max": [1]}, "max", "not-a-number", "`max` is a list; it must be a whole number from 1 to 10000."),
        ("text", {"max": 1.5}, "max", "not-a-number", "`max` is `1.5`; it must be a whole number from 1 to 10000."),
        ("decimal", {"min": "NaN"}, "min", "not-a-number", "`min` is `NaN`; it must be a number."),
        ("decimal", {"min": "1e999"}, "min", "not-a-number", "`min` is `1e999`; it must be a number."),
        ("date", {"min": "2026-02-30"}, "min", "not-a-date", "`min` is `2026-02-30`; it must be a date such as 2026-01-31."),
        ("link", {}, "to", "missing-key", "`to` is missing: The entity it links to."),
        ("link", {"to": "Customer"}, "to", "bad-name", "`to` is `Customer`; a name has small letters, digits and `_`, and begins with a letter."),
        ("link", {"to": "a", "tree": "ja"}, "tree", "not-a-switch", "`tree` is `ja`; it must be `yes` or `no`."),
        ("link", {"to": "a", "on_delete": "clar"}, "on_delete", "unknown-word", "`on_delete` cannot be `clar`. Did you mean `clear`?"),
        ("link", {"to": "a", "on_delete": "zzz"}, "on_delete", "unknown-word", "`on_delete` cannot be `zzz`. It can be: `refuse`, `clear`, `cascade`."),
        ("any_link", {"to": ["a", "a"]}, "to", "duplicate-key", "`to` holds `a` twice."),
        ("any_link", {"to": ["A"]}, "to", "bad-name", "`to` holds `A`, which is not a name."),
        ("address", {"ask": ["town"]}, "ask", "unknown-word", None),
        ("file", {"max_size": "big"}, "max_size", "not-a-size", "`max_size` is `big`; it must be a size such as `20 MB`, at most 2 GB."),
        ("file", {"max_size": "3 GB"}, "max_size", "not-a-size", "`max_size` is `3 GB`; it must be a size such as `20 MB`, at most 2 GB."),
        ("formula", {"formula": "1", "result": "number"}, "result", "unknown-word", None),
        ("text", {"pattern": "("}, "pattern", "bad-pattern", None),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_used_is_refused(name, written, key, code, sentence):
    with pytest.raises(ma.ValidationError) as caught:
        load_settings(TYPES[name], written)
    said = caught.value.messages[key][0]
    assert said.code == code
    assert sentence is None or said == sentence


@pytest.mark.parametrize(
    ("name", "written", "key", "sentence"),
    [
        ("text", {"min": 9, "max": 5}, "min", "`min` is 9, more than `max`, which is 5."),
        ("money", {"min": 9, "max": 5}, "min", "`min` is 9, more than `max`, which is 5."),
        ("date", {"min": "2026-02-01", "max": "2026-01-01"}, "min", "`min` is 2026-02-01, after `max`, which is 2026-01-01."),
        ("phone", {"country": "XX"}, "country", "`country` is `XX`; it must be two capital letters such as `CN` or `DE`."),
        ("file", {"types": ["pdf", "svg"]}, "types", "`types` cannot hold `svg`: a browser or a computer would run it."),
        ("lines", {"fields": []}, "fields", "`fields` must be a table with at least one field."),
    ],
)  # fmt: skip
def test_settings_that_contradict_each_other_are_told(name, written, key, sentence):
    type_ = TYPES[name]
    settings = load_settings(type_, {**NEEDED.get(name, {}), **written})
    assert list(type_.problems(settings)) == [(key, sentence)]


@pytest.mark.parametrize("name", TYPES.names())
def test_every_setting_has_help_and_a_schema_for_editors(name):
    for setting in TYPES[name].settings().values():
        assert isinstance(setting, Setting)
        assert setting.help.endswith(".")
        assert isinstance(setting.json_schema(), dict)


def test_what_editors_may_offer():
    assert WholeNumber("x.", least=1, most=5).json_schema() == {
        "type": "integer",
        "minimum": 1,
        "maximum": 5,
    }
    assert Switch("x.").json_schema() == {"enum": [True, False, "yes", "no"]}
    assert Size("x.").json_schema()["type"] == "string"
