"""Serial numbers: the format, the counter, the writing."""

from __future__ import annotations

from datetime import date

import marshmallow as ma
import pytest

from app.fields.base import FieldError
from app.fields.serial import fields_of
from tests.unit.fields.samples import TYPES, load_settings, make_field

DAY = date(2026, 3, 9)
SERIAL = TYPES["serial"]


@pytest.mark.parametrize(
    ("settings", "number", "values", "written", "counter"),
    [
        ({}, 7, {}, "0007", ("", "")),
        ({"format": "C{yyyy}{mm}-{####}", "restarts": "monthly"}, 1, {}, "C202603-0001", ("2026-03", "")),
        ({"format": "C{yyyy}{mm}-{####}"}, 12_345, {}, "C202603-12345", ("", "")),
        ({"format": "{yy}{mm}{dd}{###}", "restarts": "daily"}, 2, {}, "260309002", ("2026-03-09", "")),
        ({"format": "{yy}/{#}", "restarts": "yearly"}, 10, {}, "26/10", ("2026", "")),
        ({"format": "{region}-{##}", "per": "region"}, 3, {"region": "asia"}, "asia-03", ("", "asia")),
        ({"format": "{address.city}{##}"}, 3, {"address": {"city": "杭州"}}, "杭州03", ("", "")),
        ({"format": "{signed_on}-{#}"}, 3, {"signed_on": date(2026, 1, 2)}, "2026-01-02-3", ("", "")),
        ({"start": 100}, 1, {}, "0100", ("", "")),
    ],
)  # fmt: skip
def test_a_number_is_written_as_the_format_says(settings, number, values, written, counter):
    field = make_field("serial", **settings)
    assert SERIAL.render(field, DAY, number, values) == written
    assert SERIAL.counter_key(field, DAY, values) == counter


def test_a_new_period_has_a_counter_of_its_own():
    field = make_field("serial", format="{yyyy}{mm}{dd}-{##}", restarts="daily")
    keys = {SERIAL.counter_key(field, date(2026, 3, day), {}) for day in (1, 2, 2)}
    assert len(keys) == 2


@pytest.mark.parametrize("values", [{}, {"region": None}, {"region": ""}])
def test_a_field_in_the_number_must_be_filled(values):
    field = make_field("serial", format="{region}-{##}", per="region")
    for ask in (
        lambda: SERIAL.render(field, DAY, 1, values),
        lambda: SERIAL.counter_key(field, DAY, values),
    ):
        with pytest.raises(FieldError, match="`region` is part of the number"):
            ask()


def test_a_number_that_grows_too_long_is_refused():
    field = make_field("serial", format="{name}{#}")
    with pytest.raises(FieldError, match="101 characters"):
        SERIAL.render(field, DAY, 1, {"name": "x" * 100})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("C", "it must hold the number exactly once, as `{####}` or the like."),
        ("{##}{##}", "it must hold the number exactly once, as `{####}` or the like."),
        ("{####", "a `{` or `}` in it is without its other half."),
        ("####}", "a `{` or `}` in it is without its other half."),
        ("{YYYY}{##}", "`{YYYY}` is not known in it; there is `{yyyy}`, `{yy}`, `{mm}`, `{dd}`, `{####}` and the name of a field."),
        ("{}{##}", "`{}` is not known in it; there is `{yyyy}`, `{yy}`, `{mm}`, `{dd}`, `{####}` and the name of a field."),
        ("{" + "#" * 19 + "}", None),
    ],
)  # fmt: skip
def test_a_format_that_is_none_is_refused(text, sentence):
    with pytest.raises(ma.ValidationError) as caught:
        load_settings(SERIAL, {"format": text})
    said = caught.value.messages["format"][0]
    assert said.code == "bad-format"
    assert sentence is None or said == f"`format` is `{text}`: {sentence}"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"format": "{mm}-{##}", "restarts": "monthly"}, "counting restarts monthly, so numbers would repeat. Add `{yyyy}` to the format."),
        ({"format": "{##}", "restarts": "daily"}, "counting restarts daily, so numbers would repeat. Add `{yyyy} {mm} {dd}` to the format."),
        ({"format": "{##}", "per": "region"}, "each `region` is counted by itself, so numbers would repeat. Add `{region}` to the format."),
    ],
)  # fmt: skip
def test_a_format_by_which_numbers_would_repeat_is_refused(settings, sentence):
    problems = list(SERIAL.problems(load_settings(SERIAL, settings)))
    assert problems == [("format", sentence)]
    assert problems[0][1].code == "repeating-serial"


def test_the_fields_of_a_format_are_known():
    assert fields_of("{region}{yyyy}{##}{address.city}") == ("region", "address.city")
