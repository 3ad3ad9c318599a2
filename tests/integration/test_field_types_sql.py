"""Every field type against the real database: Python and SQL say the same.

Values are random; each test writes a table of its own type and reads it back in both ways.
"""

# ruff: noqa: DTZ001, DTZ901 - days without a zone are what is read here.

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.database import ddl
from app.expressions import types as t
from app.expressions.types import Kind, Type
from app.fields.clock import Clock
from app.fields.masking import MASKS
from app.fields.normal import normal, normal_sql
from app.fields.registry import builtin_types
from tests.unit.fields.naughty import NAUGHTY
from tests.unit.fields.samples import (
    TYPES,
    WRITTEN,
    SampleField,
    characters,
    make_field,
    parse,
    raw_values,
)

pytestmark = pytest.mark.usefixtures("connection")
many_values = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ZONE = "Asia/Shanghai"


@pytest.fixture(scope="module")
def engine(databases: Any) -> Iterator[sa.Engine]:
    name = databases.create("template0")
    address = databases.url(name).replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sa.create_engine(address, connect_args={"options": "-c TimeZone=UTC"})
    yield engine
    engine.dispose()
    databases.drop(name)


@pytest.fixture
def connection(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.connect() as connection:
        yield connection
        connection.rollback()


def table_of(field: SampleField) -> sa.Table:
    """Return a temporary table with the field's columns and checks, as plan and apply make them."""
    columns = []
    checks = []
    for one in field.type.columns(field):
        default = None if one.default is None else sa.text(one.default)
        column = sa.Column(one.name, one.type, nullable=not one.not_null, server_default=default)
        columns.append(column)
        if one.check is not None:
            checks.append(sa.CheckConstraint(one.check(column)))
    return sa.Table(
        "sample",
        sa.MetaData(),
        sa.Column("row", sa.Integer),
        *columns,
        *checks,
        prefixes=["TEMPORARY"],
    )


def stored(connection: sa.Connection, field: SampleField, rows: list[dict[str, Any]]) -> sa.Table:
    """Write rows of the field's columns into a fresh table."""
    table = table_of(field)
    connection.rollback()
    table.create(connection)
    if rows:
        connection.execute(table.insert(), [{"row": n, **row} for n, row in enumerate(rows)])
    return table


def answers(connection: sa.Connection, table: sa.Table, *columns: Any) -> list[Any]:
    return connection.execute(sa.select(*columns).select_from(table).order_by(table.c.row)).all()


def plain_columns(table: sa.Table) -> dict[str, sa.ColumnElement[Any]]:
    return {column.name: column for column in table.columns if column.name != "row"}


@pytest.mark.parametrize("type_name", WRITTEN)
@many_values
@given(data=st.data())
def test_values_come_back_and_json_is_the_same_in_sql(type_name, data, connection):
    field = make_field(type_name)
    raws = data.draw(st.lists(raw_values(type_name), min_size=1, max_size=8))
    values = [parse(field, raw) for raw in raws]
    table = stored(connection, field, [field.type.to_columns(field, value) for value in values])

    rows = connection.execute(sa.select(table).order_by(table.c.row)).mappings().all()
    assert [field.type.from_columns(field, row) for row in rows] == values

    built = field.type.json_column(field, plain_columns(table)).label("x")
    inner = sa.select(built, table.c.row).subquery()
    as_rows = connection.execute(
        sa.select(sa.func.row_to_json(inner.table_valued()).cast(sa.Text)).order_by(inner.c.row)
    )
    assert [json.loads(row[0])["x"] for row in as_rows] == [
        field.type.to_json(field, value) for value in values
    ]


@pytest.mark.parametrize("type_name", WRITTEN)
@many_values
@given(data=st.data())
def test_masked_values_are_the_same_in_sql(type_name, data, connection):
    field = make_field(type_name, mask=data.draw(st.sampled_from([None, *MASKS])))
    raws = data.draw(st.lists(raw_values(type_name), min_size=1, max_size=6))
    values = [parse(field, raw) for raw in raws]
    table = stored(connection, field, [field.type.to_columns(field, value) for value in values])
    found = answers(connection, table, field.type.mask(field, table.c.x))
    expected = [field.type.masked(field, field.type.to_json(field, value)) for value in values]
    assert [row[0] for row in found] == expected
    for value, masked in zip(values, expected, strict=True):
        assert value is None or masked != field.type.to_json(field, value) or masked in (None, [])


def test_q4_naughty_strings_come_back_as_they_were(connection):
    field = make_field("longtext")
    values = [parse(field, naughty) for naughty in NAUGHTY]
    table = stored(connection, field, [{"x": value} for value in values])
    assert answers(connection, table, table.c.x) == [(value,) for value in values]
    for naughty, value in zip(NAUGHTY, values, strict=True):
        assert value is None or value == naughty


#: Old rows no conversion may stumble over, beside random ones.
ODD: dict[str, list[Any]] = {
    "text": [
        "", " ", "NaN", "Infinity", "-Infinity", "1e400", "1,234.56", "-1,234", "12.", ".5", "+7", "--1",
        "9" * 30, "0x10", "2026-02-30", "2026-01-31", "2026/1/5", "2026年1月5日", "0000-01-01", "9999-12-31",
        "infinity", "now", "today", "2026-01-31 25:00", "2026-01-31 09:30", "2026-01-31T09:30:00Z",
        "2026-01-31T09:30:00+99:99", "2026-01-31T09:30:00+15:59", "24:00", "09:30", "9:30:00", "PT2H",
        "PT", "PT999999999999H", "P1Y", "yes", "No", "是", "key", "Key Customer", "重点客户", "key, normal",
        "a@b.cn", "+8613800136021", "13800136021", "138 0013 6021", "https://a.cn/x", "javascript:alert(1)",
        "30.27,120.15", "99,200", "{}", "[]", "null", "'", '"', "\\", "%", "\t\n", "١٢٣", "Ⅷ", "123", "😀" * 50,
        "0001-01-01 00:00", "9999-12-31 23:59", "294276-12-31", "4714-11-24 BC", "a,b;c、d\ne", ",,,",
    ],
}  # fmt: skip
ODD["longtext"] = ODD["markdown"] = ODD["serial"] = ODD["currency"] = ODD["text"]
ODD["email"] = ODD["phone"] = ODD["url"] = ODD["choice"] = ODD["stage"] = ODD["text"]
ODD["integer"] = [0, 1, -1, 2**63 - 1, -(2**63), 5, 6]
ODD["decimal"] = ODD["money"] = ODD["percent"] = [
    Decimal(number) for number in ("0", "1", "0.5", "-0.5", "1.005", "1e30", "-1e30", "12345678901234567890.123", "2.5", "1e-20")
]  # fmt: skip
ODD["duration"] = [timedelta(), timedelta(days=40_000), timedelta(seconds=1), timedelta(days=-1)]
ODD["choices"] = ODD["tags"] = [[], ["key"], ["key", "nobody"], ["nobody"], ["", ","], ["old"]]
ODD["date"] = [datetime.min.date(), datetime.max.date()]
ODD["datetime"] = [
    datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC),
    datetime(2026, 1, 30, 16, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 0, 5, tzinfo=UTC),
]  # fmt: skip


def _pairs() -> list[tuple[str, str]]:
    return [
        (new, old)
        for new in WRITTEN
        for old in sorted(TYPES[new].conversions(make_field(new), ZONE))
    ]


@pytest.mark.parametrize(("new", "old"), _pairs())
@settings(
    max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_conversion_never_fails_and_keeps_what_fits(new, old, data, connection):
    to, before = make_field(new), make_field(old)
    raws = data.draw(st.lists(raw_values(old), min_size=1, max_size=6))
    rows = [before.type.to_columns(before, parse(before, raw)) for raw in raws]
    rows += [{"x": value} for value in ODD.get(old, ())]
    columns = {name for row in rows for name in row}
    table = stored(connection, before, [dict.fromkeys(columns) | row for row in rows])

    conversion = to.type.conversions(to, ZONE)[old]
    old_main = next(iter(plain_columns(table)))
    found = answers(
        connection,
        table,
        table.c[old_main].label("old"),
        conversion.convert(table.c[old_main]).label("new"),
        conversion.fits(table.c[old_main]).label("fits"),
        *(part(table.c[old_main]).label(f"x__{name}") for name, part in conversion.parts.items()),
    )
    names = {column.name for column in to.type.columns(to)} | {"x"}
    converted = [
        {name: value for name, value in row._mapping.items() if name in names}
        | {"x": to.type.to_columns(to, None)[to.name] if row.new is None else row.new}
        for row in found
    ]
    full = [dict.fromkeys(names) | row for row in converted]
    connection.rollback()
    checked = table_of(to)
    checked.create(connection)
    # Whatever came out may stand in the new column: its type and its checks take it.
    connection.execute(checked.insert(), [{"row": n, **row} for n, row in enumerate(full)])
    for row in found:
        assert row.fits in (True, False)
        if row.fits and row.old not in (None, [], ""):
            assert row.new is not None, f"{row.old!r} fits and becomes nothing"
        if not row.fits:
            assert row.old not in (None, []), f"{row.old!r}: empty always fits"
    # The same SQL stands in the plan with its values written in.
    assert ddl.text_of(conversion.fits(table.c[old_main]))
    assert ddl.text_of(conversion.convert(table.c[old_main]))


@pytest.mark.parametrize(
    ("old", "new", "was", "is_", "fits"),
    [
        ("text", "integer", "1,234", 1234, True),
        ("text", "integer", "12.5", 13, False),
        ("text", "integer", "twelve", None, False),
        ("text", "money", "1234.5", Decimal("1234.50"), True),
        ("text", "money", "NaN", None, False),
        ("text", "date", "2026年1月5日", datetime(2026, 1, 5).date(), True),
        ("text", "date", "2026-02-30", None, False),
        ("text", "datetime", "2026-01-05 08:00", datetime(2026, 1, 5, 0, 0, tzinfo=UTC), True),
        ("text", "boolean", "是", True, True),
        ("text", "boolean", "perhaps", False, False),
        ("text", "choice", "重点客户", "key", True),
        ("text", "choice", "ＫＥＹ", "key", True),
        ("text", "choice", "unknown", None, False),
        ("text", "choices", "key, normal", ["key", "normal"], True),
        ("text", "choices", "key, what", ["key"], False),
        ("text", "phone", "138 0013 6021", "+8613800136021", True),
        ("text", "url", "javascript:alert(1)", None, False),
        ("choice", "choices", "key", ["key"], True),
        ("choices", "choice", ["key"], "key", True),
        ("choices", "choice", ["key", "normal"], "key", False),
        ("boolean", "text", True, "yes", True),
        ("integer", "decimal", 12, Decimal(12), True),
        ("integer", "money", 12, Decimal("12.00"), True),
        ("decimal", "integer", Decimal("2.5"), 3, False),
        ("integer", "rating", 6, None, False),
        ("date", "datetime", datetime(2026, 1, 5).date(), datetime(2026, 1, 4, 16, tzinfo=UTC), True),
        ("datetime", "date", datetime(2026, 1, 4, 16, tzinfo=UTC), datetime(2026, 1, 5).date(), True),
        ("datetime", "date", datetime(2026, 1, 4, 17, tzinfo=UTC), datetime(2026, 1, 5).date(), False),
        ("date", "text", datetime(2026, 1, 5).date(), "2026-01-05", True),
        ("link", "links", 5, [5], True),
        ("links", "link", [5, 6], 5, False),
        ("longtext", "text", "a\nb", "a b", False),
        ("phones", "phone", [{"number": "+8613800136021", "kind": None}], "+8613800136021", True),
        ("phone", "phones", "+8613800136021", [{"number": "+8613800136021", "kind": "mobile"}], True),
        ("phones", "text", [{"number": "+86138", "kind": None}, {"number": "+86139", "kind": None}], "+86138, +86139", True),
        ("duration", "text", timedelta(hours=26), "PT26H", True),
        ("text", "duration", "PT2H30M", timedelta(hours=2, minutes=30), True),
        ("text", "address", "文三路 1 号", "文三路 1 号", True),
        ("text", "geo", "30.27, 120.15", "30.270000,120.150000", True),
    ],
)  # fmt: skip
def test_a_conversion_gives(old, new, was, is_, fits, connection):
    before, to = make_field(old), make_field(new)
    table = stored(connection, before, [{"x": was}])
    conversion = to.type.conversions(to, ZONE)[old]
    row = answers(connection, table, conversion.convert(table.c.x), conversion.fits(table.c.x))
    assert row == [(is_, fits)]


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(characters, max_size=30))
def test_normal_text_is_the_same_in_sql(text, connection):
    column = sa.literal(text, sa.Text())
    assert connection.scalar(sa.select(normal_sql(column))) == normal(text)


def test_normal_text_of_odd_strings_is_the_same_in_sql(connection):
    others = ("İstanbul", "ΣΊΣΥΦΟΣ", "Straße", "ﬁ", "Ａｃｍｅ　", "\u200bx\ufeff", "é", "é")
    for text in (*NAUGHTY, *others):
        found = connection.scalar(sa.select(normal_sql(sa.literal(text, sa.Text()))))
        assert found == normal(text), ascii(text)


def test_normal_text_can_be_indexed(connection):
    connection.execute(sa.text("CREATE TEMPORARY TABLE named (name text)"))
    expression = ddl.text_of(normal_sql(sa.column("name", sa.Text())))
    connection.execute(
        sa.text("CREATE UNIQUE INDEX ON named ((" + expression.replace(":", "\\:") + "))")
    )
    connection.execute(sa.text("INSERT INTO named VALUES ('Acme　Ltd')"))
    with pytest.raises(sa.exc.IntegrityError):
        connection.execute(sa.text("INSERT INTO named VALUES (' ＡＣＭＥ LTD ')"))


@pytest.mark.parametrize("type_name", ["decimal", "money", "percent"])
@pytest.mark.parametrize("odd", ["NaN", "Infinity", "-Infinity"])
def test_q2_the_database_takes_no_number_that_is_none(type_name, odd, connection):
    with pytest.raises(sa.exc.IntegrityError):
        stored(connection, make_field(type_name), [{"x": Decimal(odd)}])


@pytest.mark.parametrize(
    ("type_name", "odd"),
    [
        ("date", "infinity"),
        ("datetime", "-infinity"),
        ("date", "0044-03-15 BC"),
        ("datetime", "12026-01-01"),
    ],
)
def test_q3_the_database_takes_no_day_that_python_cannot_hold(type_name, odd, connection):
    table = stored(connection, make_field(type_name), [])
    with pytest.raises(sa.exc.IntegrityError):
        connection.execute(
            table.insert().values(row=1, x=sa.cast(sa.literal(odd, sa.Text()), table.c.x.type))
        )


def test_the_parts_of_a_stage_follow_its_options(connection):
    field = make_field("stage")
    table = stored(connection, field, [{"x": "key"}, {"x": "normal"}, {"x": None}])
    final = next(part for part in field.type.parts(field) if part.name == "final")
    found = answers(connection, table, final.sql(plain_columns(table)))
    assert [row[0] for row in found] == [
        field.type.is_final(field, one) for one in ("key", "normal", None)
    ]


def test_a_clock_is_missed_once_it_is_due_in_sql_and_python(connection):
    field = make_field("clock")
    now = datetime.now(UTC)
    clocks = [
        None,
        Clock("running", now + timedelta(days=1)),
        Clock("running", now - timedelta(days=1)),
        Clock("paused", None, timedelta(hours=3)),
        Clock("met", now - timedelta(days=1), timedelta(minutes=5)),
        Clock("missed", now - timedelta(days=1), timedelta()),
    ]
    table = stored(connection, field, [field.type.to_columns(field, clock) for clock in clocks])
    columns = plain_columns(table)
    rows = connection.execute(sa.select(table).order_by(table.c.row)).mappings().all()
    assert [field.type.from_columns(field, row) for row in rows] == clocks
    parts = {part.name: part for part in field.type.parts(field)}
    found = answers(
        connection,
        table,
        field.type.json_column(field, columns),
        parts["state"].sql(columns),
        parts["left"].sql(columns),
    )
    assert [row[0] for row in found] == [field.type.to_json(field, clock) for clock in clocks]
    assert [row[1] for row in found] == [clock and clock.state_at(now) for clock in clocks]
    for clock, (_, _, left) in zip(clocks, found, strict=True):
        expected = clock.left_at(now) if clock else None
        assert (left is None) == (expected is None)
        assert left is None or abs(left - expected) < timedelta(minutes=1)


WORKED_OUT: list[tuple[Type, Any]] = [
    (t.TEXT, "a"),
    (t.NUMBER, Decimal("1.234567891234")),
    (t.MONEY, Decimal("12.3450")),
    (t.PERCENT, Decimal("33.333333333333")),
    (t.BOOLEAN, True),
    (t.DATE, datetime(2026, 1, 5).date()),
    (t.DATETIME, datetime(2026, 1, 5, 1, 2, 3, 400000, tzinfo=UTC)),
    (t.DURATION, timedelta(hours=30)),
    (Type(Kind.choice, options=("a", "b")), "b"),
    (t.record_type("customer"), 5),
    (t.record_type("user"), 5),
    (t.record_type("customer", "lead"), ("lead", 5)),
    (t.many(t.record_type("customer")), [1, 2]),
    (t.many(t.TEXT), ["a", "b"]),
]


@pytest.mark.parametrize("type_name", ["formula", "rollup"])
@pytest.mark.parametrize(("value_type", "value"), WORKED_OUT)
def test_worked_out_values_come_back_and_json_is_the_same_in_sql(
    type_name, value_type, value, connection
):
    field = make_field(
        type_name, value=value_type, **({"count": "no"} if type_name == "rollup" else {})
    )

    table = stored(connection, field, [field.type.to_columns(field, one) for one in (value, None)])
    rows = connection.execute(sa.select(table).order_by(table.c.row)).mappings().all()
    values = [field.type.from_columns(field, row) for row in rows]
    assert values == [value, False if value_type == t.BOOLEAN else None]
    inner = sa.select(
        field.type.json_column(field, plain_columns(table)).label("x"), table.c.row
    ).subquery()
    as_rows = connection.execute(
        sa.select(sa.func.row_to_json(inner.table_valued()).cast(sa.Text)).order_by(inner.c.row)
    )
    assert [json.loads(row[0])["x"] for row in as_rows] == [
        field.type.to_json(field, one) for one in values
    ]


def test_every_type_is_tried_here():
    tried = {*WRITTEN, "clock", "formula", "rollup", "through", "lines"}
    assert {one.name for one in builtin_types()} == tried
    assert {one.name for one in builtin_types() if not one.stored} == {"through", "lines"}
