"""The Unified Social Credit Code, GB 32100-2015."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app.fields.base import FieldError, ParseContext
from app.plugins import collect
from tests.unit.fields.samples import SampleField, make_field

TYPE = collect(Path(__file__).parents[2] / "plugins").field_types["credit_code"]
code = sys.modules["trellis_plugins.credit_code.code"]

#: The example of the standard, and codes that well-known organisations publish.
REAL = ["91350100M000100Y43", "91110000802100433B", "91440300708461136T", "914403001922038216"]
STRICT = ParseContext(strict=True)


@pytest.fixture
def field() -> SampleField:
    text = make_field("text")
    return SampleField(text.name, text.label, TYPE, {})


def refusal(field, raw, language="en") -> str:
    with pytest.raises(FieldError) as caught:
        TYPE.parse(field, raw, STRICT)
    return caught.value.sentence.in_language(language)


@pytest.mark.parametrize("real", REAL)
def test_a_real_code_is_taken(field, real):
    assert TYPE.parse(field, real, STRICT) == real


@pytest.mark.parametrize(
    "raw",
    [
        "91350100m000100y43",
        " 91350100 M000100Y43 ",
        "91350100-M000100Y-43",
        "９１３５０１００Ｍ０００１００Ｙ４３",
    ],
)
def test_a_code_is_tidied_up(field, raw):
    assert TYPE.parse(field, raw, STRICT) == "91350100M000100Y43"


@pytest.mark.parametrize("empty", [None, "", "  ", "\u200b"])
def test_nothing_is_empty(field, empty):
    assert TYPE.parse(field, empty, STRICT) is None


def test_what_is_wrong_is_said(field):
    assert refusal(field, "91350100M000100Y4") == (
        "“91350100M000100Y4” has 17 characters; a credit code has 18."
    )
    assert refusal(field, "9135O100M000100Y43") == (
        "Character 5 is “O”, which a credit code does not use. Is it 0?"
    )
    assert (
        refusal(field, "9135010ZM000100Y43", "zh")
        == "第 8 位是“Z”，统一社会信用代码不使用该字符。是不是 2？"
    )
    assert refusal(field, "91A50100M000100Y43") == (
        "Characters 3 to 8 are “A50100”; they must be the six digits of a region."
    )
    assert refusal(field, "91350100M000100Y44") == (
        "“91350100M000100Y44” is not a credit code: its last character does not fit the others, so "
        "one of them is mistyped."
    )
    assert "This is a number; give a text." in refusal(field, 5)
    assert refusal(field, "9135010\u0660M000100Y43")


codes = st.builds(
    lambda head, region, body: (seventeen := head + region + body) + code.check_sign(seventeen),
    st.text(code.SIGNS, min_size=2, max_size=2),
    st.text("0123456789", min_size=6, max_size=6),
    st.text(code.SIGNS, min_size=9, max_size=9),
)


@given(good=codes, place=st.integers(0, 17), sign=st.sampled_from(code.SIGNS))
def test_one_mistyped_character_is_always_noticed(good, place, sign):
    assert code.read_code(good) == good
    bad = good[:place] + sign + good[place + 1 :]
    if bad != good:
        with pytest.raises(FieldError):
            code.read_code(bad)


@given(good=codes, place=st.integers(0, 16))
def test_two_neighbours_that_changed_places_are_noticed(good, place):
    bad = good[:place] + good[place + 1] + good[place] + good[place + 2 :]
    if bad != good:
        with pytest.raises(FieldError):
            code.read_code(bad)


@pytest.fixture(scope="module")
def connection(databases) -> Iterator[sa.Connection]:
    name = databases.create("template0")
    engine = sa.create_engine(
        databases.url(name).replace("postgresql://", "postgresql+psycopg://", 1)
    )
    with engine.connect() as connection:
        yield connection
    engine.dispose()
    databases.drop(name)


@pytest.mark.parametrize(
    ("text", "becomes"),
    [(real, real) for real in REAL]
    + [("91350100m000100y43", "91350100M000100Y43"), ("91350100-M000100Y 43", "91350100M000100Y43")]
    + [
        (text, None)
        for text in ("91350100M000100Y44", "9135O100M000100Y43", "", "x", "9" * 18, None, "'; --")
    ],
)
def test_a_text_becomes_a_code_where_it_is_one(field, connection, text, becomes):
    column = sa.cast(sa.literal(text, sa.Text()), sa.Text)
    conversion = TYPE.conversions(field)["text"]
    row = connection.execute(sa.select(conversion.convert(column), conversion.fits(column))).one()
    assert row == (becomes, text is None or becomes is not None)


def test_the_code_is_masked_in_sql_as_in_python(field, connection):
    for mask in (None, "middle", "first", "last", "all"):
        masked = SampleField("x", field.label, TYPE, {}, mask)
        column = sa.literal(REAL[0], sa.Text())
        assert connection.scalar(sa.select(TYPE.mask(masked, column))) == TYPE.masked(
            masked, REAL[0]
        )


def test_yaml_can_use_it(field):
    from app.definitions.load import load_files

    files = {
        "app.yaml": "name: Test\n",
        "roles.yaml": "roles:\n  admin: {admin: yes}\n",
        "entities/customer.yaml": "entity: customer\ntitle: name\nfields:\n  name: {type: text}\n  code: {type: credit_code, unique: yes}\n",
    }
    plugins = collect(Path(__file__).parents[2] / "plugins")
    loaded = load_files(files, plugins.field_types)
    assert loaded.catalog is not None, loaded.problems
    assert loaded.catalog.entities["customer"].fields["code"].type.name == "credit_code"
