"""The shape of the SQL: what an index can serve stays plain, values are bound."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from app.expressions import BoundEnvironment, Calendar, ExpressionProblem, to_sql, to_where
from tests.integration.expression_world import CUSTOMER, TableSource
from tests.unit.expressions.sample import checked

ENVIRONMENT = BoundEnvironment(Calendar(time_zone="Asia/Shanghai"))
SOURCE = TableSource("customer", CUSTOMER)


def where(text: str) -> str:
    condition = to_where(checked(text), SOURCE, ENVIRONMENT)
    statement = sa.select(CUSTOMER.c.id).where(condition)
    written = str(statement.compile(dialect=postgresql.dialect()))
    return " ".join(written.partition("WHERE ")[2].split())


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("level == 'a'", "customer.level = %(param_1)s::VARCHAR"),
        (
            "level == 'a' and count > 3",
            "customer.level = %(param_1)s::VARCHAR AND customer.count > %(param_2)s::BIGINT",
        ),
        ("level != 'a'", "(customer.level = %(param_1)s::VARCHAR) IS NOT true"),
        ("id != 5", "customer.id != %(param_1)s::BIGINT"),
        ("active", "customer.active"),
        ("not active", "customer.active IS NOT true"),
        ("name is empty", "customer.name IS NULL"),
        ("stage < 'won'", "customer.stage = ANY (%(param_1)s::TEXT[])"),
        ("level in ('a', 'b')", "customer.level = ANY (%(param_1)s::TEXT[])"),
        ("count in (1, 2)", "customer.count = ANY (%(param_1)s::BIGINT[])"),
        ("created_at >= '2026-01-01'", "customer.created_at >= %(param_1)s::TIMESTAMP WITH TIME ZONE"),
        ("signed_on == today()", "customer.signed_on = %(today)s::DATE"),
        ("owner == me", "customer.owner = %(me)s::BIGINT"),
        ("owner in my.subordinates", "customer.owner = ANY (%(my_subordinates)s::BIGINT[])"),
        ("count > app.silent_days", "customer.count > %(app_silent_days)s"),
        ("contains(name, '50%')", "customer.name ILIKE %(param_1)s::VARCHAR ESCAPE '\\'"),
        (
            "has(tags, 'vip')",
            "customer.tags @> CAST(ARRAY[%(param_1)s::VARCHAR] AS TEXT[])",
        ),
        (
            "owner.name == 'a'",
            ('EXISTS (SELECT 1 FROM "user" AS user_1 WHERE user_1.id = customer.owner '
            "AND user_1.name = %(param_1)s::VARCHAR)"),
        ),
        (
            "owner.name != 'a'",
            ('NOT (EXISTS (SELECT 1 FROM "user" AS user_1 WHERE user_1.id = customer.owner '
            "AND user_1.name = %(param_1)s::VARCHAR))"),
        ),
        (
            "owner.manager.grade > owner.grade",
            ('EXISTS (SELECT 1 FROM "user" AS user_1, "user" AS user_2 WHERE user_1.id = '
            "customer.owner AND user_2.id = user_1.manager AND user_2.grade > user_1.grade)"),
        ),
    ],
)  # fmt: skip
def test_conditions_stay_plain(text, sql):
    assert where(text) == sql


@pytest.mark.parametrize(
    "text",
    ["owner.name == 'a'", "owner.name is empty", "not owner.active", "owner.grade in (1, 2)"],
)
def test_links_in_conditions_are_never_scalar_subqueries(text):
    assert "(SELECT 1" in where(text)
    assert "(SELECT user" not in where(text)


def test_x8_values_are_bound():
    text = "name == 'x\\'; drop table customer; --' or contains(code, '\\') or 1=1; --')"
    written = where(text)
    assert "drop" not in written
    assert "1=1" not in written


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("changed(stage)", "`changed()` is known only while a record is written."),
        ("origin == 'api'", "`origin` is known only while a record is written."),
        ("old.count > 1", "`old` is not known to the database here."),
        ("input.x == 'a'", "`input` is not known to the database here."),
        (
            "now() + (working_hours(2) + working_hours(1)) > created_at",
            "The database adds working days and working hours, but no sum of them.",
        ),
        (
            "split(amount, 30) > 1",
            "`split` cannot be asked of the database. Use it in rules.",
        ),
        (
            "next_working_day(today()) > signed_on",
            "Working days cannot be counted here: the calendar has no table.",
        ),
    ],
)
def test_what_a_statement_cannot_know_is_refused(text, message):
    with pytest.raises(ExpressionProblem) as caught:
        to_sql(checked(text), SOURCE, ENVIRONMENT)
    assert (caught.value.code, caught.value.message) == (
        "no-working-days" if "table" in message else "not-in-sql",
        message,
    )
