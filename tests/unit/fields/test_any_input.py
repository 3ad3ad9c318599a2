"""Whatever comes in is a value or a sentence, and what went out comes in again unchanged."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.fields.base import FieldError
from tests.unit.fields.samples import FORM, STRICT, TYPES, WRITTEN, make_field, parse, raw_values

KEYS = ["id", "entity", "number", "address", "url", "kind", "lat", "lng", "street", "country", "every", "on", "until", "times", "step", "x"]  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["key", "asia", "customer", "2026-01-31", "1,234.5", "PT2H", "a@b.cn", "+8613800136021", "day", "5", "是"])
)  # fmt: skip
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("name", [*WRITTEN, "lines"])
@settings(max_examples=60, deadline=None)
@given(raw=ANYTHING, is_json=st.booleans())
def test_anything_is_a_value_or_a_sentence(name, raw, is_json):
    field = make_field(name)
    try:
        value = parse(field, raw, STRICT if is_json else FORM)
    except FieldError as error:
        for sentence in error.sentence:
            assert orjson.dumps(sentence)
            assert sentence.isprintable()
        return
    field.type.to_columns(field, value)
    shown = field.type.to_json(field, value)
    if name == "lines":
        # Rows are handed on as they came; the type of each field reads what is in them.
        assert shown == (value or [])
        return
    orjson.dumps(shown)
    assert parse(field, json.loads(json.dumps(shown))) == value


@pytest.mark.parametrize("name", WRITTEN)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_what_the_api_gives_it_takes_back_unchanged(name, data):
    field = make_field(name)
    value = parse(field, data.draw(raw_values(name)))
    shown = orjson.loads(orjson.dumps(field.type.to_json(field, value)))
    assert parse(field, shown) == value


#: What a form shows is not always what it takes back: these have a control of their own.
OWN_CONTROLS = {"rating", "link", "links", "user", "users", "department", "departments", "any_link", "repeat",
                "file", "files", "image", "images", "signature", "address", "phones", "emails", "urls", "tags"}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in WRITTEN if name not in OWN_CONTROLS])
@settings(max_examples=30, deadline=None)
@given(data=st.data(), language=st.sampled_from(["en", "zh"]))
def test_a_form_reads_what_a_page_shows(name, data, language):
    field = make_field(name)
    value = parse(field, data.draw(raw_values(name)), FORM)
    shown = field.type.display(field, value, language, FORM.time_zone)
    if name == "datetime" and value is not None:
        # Pages show moments to the minute, and the years 1 and 9999 end earlier elsewhere.
        if not 2 <= value.year <= 9998:
            return
        # An hour that clocks show twice is read as the second.
        again = field.type.display(field, parse(field, shown, FORM), language, FORM.time_zone)
        assert again == shown
        return
    if name in ("text", "longtext", "markdown", "serial") or value is not None:
        assert parse(field, shown, FORM) == value


def test_types_without_input_are_few():
    assert {name for name in TYPES.names() if name not in WRITTEN} == {
        "clock",
        "lines",
        "formula",
        "rollup",
        "through",
    }
