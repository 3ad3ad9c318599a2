"""Both back ends of the language answer alike, on a real PostgreSQL."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.expressions import (
    BoundEnvironment,
    ExpressionProblem,
    Kind,
    by_base,
    check,
    parse,
    to_python,
    to_sql,
    to_where,
)
from app.expressions.patterns import read_pattern
from app.expressions.tree import Checked, Node
from tests.integration import expression_world as w
from tests.integration.expression_texts import any_expression, anything
from tests.unit.expressions.sample import SCOPE

ENVIRONMENT = BoundEnvironment(w.CALENDAR, working_days=w.WORKING_DAY)


@dataclass
class Both:
    """The same rows on both sides."""

    connection: sa.Connection
    world: w.World

    def compare(self, text: str) -> None:
        checked = check(parse(text), SCOPE)
        source = w.TableSource("customer", w.CUSTOMER)
        value = to_sql(checked, source, ENVIRONMENT)
        kind = checked.type.kind
        rows = self._run(sa.select(w.CUSTOMER.c.id, value))
        by_sql = {number: w.as_comparable(found, kind) for number, found in rows}
        evaluate = to_python(checked)
        by_python = {
            number: w.as_comparable(evaluate(w.RowContext(self.world, "customer", row)), kind)
            for number, row in self.world.customer.items()
        }
        wrong = {n: (by_sql[n], by_python[n]) for n in by_sql if by_sql[n] != by_python[n]}
        assert not wrong, (text, wrong, str(value))
        if kind is w.Kind.boolean:
            condition = to_where(checked, source, ENVIRONMENT)
            found = {number for (number,) in self._run(sa.select(w.CUSTOMER.c.id).where(condition))}
            assert found == {number for number, answer in by_python.items() if answer}, text

    def same_rows(self, one: Node, other: Node) -> None:
        found = []
        for node in (one, other):
            condition = to_where(node, w.TableSource("customer", w.CUSTOMER), ENVIRONMENT)
            found.append(
                {number for (number,) in self._run(sa.select(w.CUSTOMER.c.id).where(condition))}
            )
        assert found[0] == found[1]

    def plan(self, text: str) -> str:
        """Return the plan of a list under the condition, where scanning all rows is forbidden."""
        source = w.TableSource("customer", w.CUSTOMER)
        condition = to_where(check(parse(text), SCOPE), source, ENVIRONMENT)
        statement = sa.select(w.CUSTOMER.c.id).where(condition)
        compiled = statement.compile(self.connection)
        known = {**compiled.params, **w.PARAMETERS}
        parameters = {name: known[name] for name in compiled.params}
        with self.connection.begin_nested() as savepoint:
            self.connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            rows = self.connection.exec_driver_sql(f"EXPLAIN {compiled}", parameters)
            lines = [line for (line,) in rows]
            savepoint.rollback()
        return "\n".join(line for line in lines if "Scan" in line)

    def _run(self, statement: sa.Select[Any]) -> list[Any]:
        with self.connection.begin_nested():
            names = statement.compile(self.connection).params
            known = {name: value for name, value in w.PARAMETERS.items() if name in names}
            return list(self.connection.execute(statement, known))


@pytest.fixture(scope="module")
def both(databases: Any) -> Iterator[Both]:
    name = databases.create("template0")
    engine = sa.create_engine(
        databases.url(name).replace("postgresql://", "postgresql+psycopg://"),
        connect_args={"options": "-c timezone=UTC"},
    )
    world = w.make_world(seed=int(os.environ.get("EXPRESSION_SEED", "7")), count=120)
    with engine.connect() as connection:
        w.fill(connection, world)
        yield Both(connection, world)
    engine.dispose()
    databases.drop(name)


EXAMPLES = [
    "level == 'a'",
    "level != 'a'",
    "not (level == 'a' and count > 2)",
    "level < 'c'",
    "level >= 'b'",
    "stage.previous < 'proposal'",
    "level in ('a', 'b')",
    "level not in ('a', 'b')",
    "count in (1, 2, 3)",
    "count in (1.5, 2)",
    "count == 2.0",
    "name is empty",
    "address is empty",
    "address is not empty",
    "tags is empty",
    "active",
    "not active",
    "owner.active",
    "not owner.active",
    "owner.active == yes",
    "owner.active == no",
    "owner.name == 'a'",
    "owner.name != 'a'",
    "owner.name is empty",
    "owner.manager.grade > 1",
    "not owner.manager.grade > 1",
    "owner.manager.grade > owner.grade",
    "parent.owner.grade >= owner.grade",
    "(owner.name or 'x') == 'x'",
    "parent.parent.level == 'a' or parent.level == 'b'",
    "owner == me",
    "owner != me",
    "owner in my.subordinates",
    "owner.manager in my.subordinates",
    "about in my.subordinates",
    "about not in my.subordinates",
    "about == record",
    "about == 'customer:1'",
    "about in ('customer:2', 'user:2')",
    "about != 'user:2'",
    "about == owner",
    "about != parent",
    "about.name",
    "about.name == 'a'",
    "about.level == 'a'",
    "about is empty",
    "has(my.roles, 'sales')",
    "has(my.roles, level)",
    "has(tags, 'vip')",
    "not has(tags, name)",
    "has(levels, level)",
    "has(parent.levels, 'a')",
    "level in levels",
    "size(tags)",
    "under(region, 'asia')",
    "not under(region, 'china')",
    "under(parent, record)",
    "under(parent, 5)",
    "abs(empty)",
    "(empty and active) is empty",
    "empty if active else signed_on",
    "(empty or effort) > days(1)",
    "max(empty, signed_on)",
    "count + empty",
    "lower(empty or empty)",
    "size(empty)",
    "join(',', empty, 'a')",
    "under(record, parent)",
    "name or code or 'none'",
    "name < code",
    "name == code",
    "count + price",
    "count * count",
    "price / count",
    "count / 7",
    "1 / 3",
    "price // 3",
    "price % 3",
    "count % -4",
    "price * count * (1 - discount)",
    "discount + discount",
    "discount * 2",
    "-discount",
    "discount > 10",
    "amount > 10",
    "amount > credit",
    "amount > parent.amount",
    "amount + parent.amount",
    "amount / credit",
    "round(price, 2)",
    "round(price / 3)",
    "round(amount, -2)",
    "abs(price)",
    "min(price, count)",
    "max(signed_on, replied_at)",
    "max(signed_on, due_on)",
    "sum(price, count, amount)",
    "'big' if count > 2 else 'small'",
    "count if active else price",
    "active if level == 'a' else owner.active",
    "signed_on in this('month')",
    "signed_on in previous('quarter')",
    "created_at in this('week')",
    "created_at not in next('day')",
    "replied_at in last(3, 'days')",
    "due_on in coming(2, 'months')",
    "due_on in coming(count, 'days') if count < 10 else no",
    "signed_on + days(1)",
    "signed_on + months(1)",
    "signed_on - months(count) if count < 100 else due_on",
    "signed_on + years(1) - days(1)",
    "created_at + days(1)",
    "created_at + months(7)",
    "created_at - hours(1.5)",
    "created_at + effort",
    "signed_on + hours(5)",
    "signed_on + effort",
    "created_at + (days(1) if active else hours(24))",
    "replied_at - created_at > hours(3)",
    "effort > days(1)",
    "effort + hours(1) < days(3)",
    "days(count) < weeks(1)",
    "now() - created_at > days(30)",
    "created_at == signed_on",
    "created_at < signed_on",
    "created_at <= '2026-03-29'",
    "signed_on >= created_at",
    "created_at > '2026-03-29 00:30'",
    "created_at in ('2026-03-29', '2026-03-30')",
    "signed_on == '2026-03-29'",
    "opens < '12:00'",
    "days_between(signed_on, today())",
    "days_between(created_at, now())",
    "days_between(max(replied_at, created_at), now()) > app.silent_days",
    "working_days_between(signed_on, due_on)",
    "next_working_day(signed_on)",
    "previous_working_day(created_at)",
    "signed_on + working_days(3)",
    "signed_on - working_days(2)",
    "created_at + working_days(count) if count < 100 else now()",
    "today() + working_days(-1)",
    "created_at + working_hours(8)",
    "created_at - working_hours(2.5)",
    "signed_on + working_hours(count) if count < 100 else now()",
    "created_at + (working_days(2) if active else working_hours(20))",
    "year(signed_on) * 100 + month(signed_on)",
    "weekday(created_at)",
    "day(due_on)",
    "text(signed_on, 'yyyy-MM')",
    "text(created_at, 'd.M.yy HH:mm:ss \"Q\" Q')",
    "text(price)",
    "text(active)",
    "text(created_at)",
    "join(' ', name, code, level)",
    "join(', ', tags)",
    "join(' ', count, round(count, 2), min(days_between(signed_on, due_on), round(count, 2)))",
    "join('-', signed_on, count, price)",
    "lower(name)",
    "trim(name)",
    "contains(name, 'A')",
    "contains(name, '%')",
    "contains(name, '_')",
    "contains(name, '\\\\')",
    "contains(name, code)",
    "starts(name, 'AB')",
    "not starts(name, code)",
    "matches(name, '^a')",
    "matches(name, '[A-C]+ \\d')",
    "not matches(code, '重|x')",
    "extract(name, '[a-z]+|\\d+')",
    "my.grade > count",
    "count(customer, parent == record)",
    "count(lines)",
    "exists(lines, quantity > 1)",
    "not exists(lines)",
    "lines is empty",
    "sum(lines.price, quantity > record.count)",
    "sum(customer.amount, parent == record and level == 'a')",
    "avg(lines.price)",
    "lowest(customer.signed_on, owner == record.owner)",
    "highest(lines.quantity)",
    "pick(customer, parent == record)",
    "pick(customer, parent == record).amount",
    "pick(customer, owner == record.owner).owner.name",
    "count(lines, customer.level == 'a' and customer.owner.active)",
    "count(customer, exists(lines, customer == record))",
    "in_view('good')",
    "1 < count <= 3",
    "no",
    "level == 'a' or yes",
    "signed_on + days(99999999)",
    "signed_on + days(count)",
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_example_is_answered_alike(both: Both, text: str) -> None:
    both.compare(text)


#: What two parts drawn at random may have against each other.
ALLOWED = {"mixed-types", "not-comparable", "no-order", "wrong-type", "empty-compared", "too-deep"}


@given(text=any_expression(int(os.environ.get("EXPRESSION_DEPTH", "2"))))
@settings(
    max_examples=int(os.environ.get("EXPRESSION_EXAMPLES", "250")),
    derandomize=bool(os.environ.get("CI")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_random_expressions_are_answered_alike(both: Both, text: str) -> None:
    checked = read(text)
    # Two random parts may not go together; that is for the checker to say, never for SQL.
    assume(checked is not None)
    both.compare(text)


@given(text=anything(2))
@settings(
    max_examples=int(os.environ.get("EXPRESSION_EXAMPLES", "250")),
    derandomize=bool(os.environ.get("CI")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_whatever_is_accepted_is_answered_alike(both: Both, text: str) -> None:
    try:
        checked = check(parse(text), SCOPE)
        to_sql(checked, w.TableSource("customer", w.CUSTOMER), ENVIRONMENT)
    except ExpressionProblem:
        return
    # The driver knows no months, so a duration can be compared only within a condition.
    if checked.type.kind is not Kind.duration:
        both.compare(text)


def read(text: str) -> Checked | None:
    try:
        return check(parse(text), SCOPE)
    except ExpressionProblem as problem:
        if problem.code in ALLOWED:
            return None
        raise


@pytest.mark.parametrize(
    "text",
    [
        "days_between(created_at, now()) > 14",
        "not (days_between(max(replied_at, created_at), now()) <= 2.5) or active",
        "30 >= days_between(today(), due_on)",
        "days_between(signed_on, today()) == 1",
    ],
)
def test_day_counters_compared_by_their_base_say_the_same(both: Both, text: str) -> None:
    root = check(parse(text), SCOPE).root
    both.same_rows(root, by_base(root, lambda _: None))


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("count == 5", "count"),
        ("level in ('a', 'b') and active", "level"),
        ("stage < 'won'", "stage"),
        ("created_at in this('month')", "created_at"),
        ("created_at <= '2026-01-31'", "created_at"),
        ("created_at > signed_on and created_at < today()", "created_at"),
        ("owner == me", "owner"),
        ("owner in my.subordinates", "owner"),
        ("has(tags, 'vip')", "tags"),
        ("contains(name, 'abc')", "name"),
    ],
)
def test_an_index_serves_the_condition(both: Both, text: str, column: str) -> None:
    assert f"customer_{column}" in both.plan(text)


PATTERN_PIECES = st.sampled_from(
    ["a", "b", ".", "^", "$", "[ab]", "[^a]", r"\d", r"\w", r"\S", "重", "(a|ab)", "(b|)", "-"]
)
PATTERNS = st.lists(
    st.tuples(PATTERN_PIECES, st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,3}"])),
    min_size=1,
    max_size=5,
).map(lambda pieces: "".join(p + (q if p not in "^$" else "") for p, q in pieces))


@given(pattern=PATTERNS, text=st.text(alphabet="ab1-重 \n", max_size=12))
@settings(max_examples=300, derandomize=bool(os.environ.get("CI")), deadline=None)
def test_patterns_find_the_same_place(both: Both, pattern: str, text: str) -> None:
    made = read_pattern(pattern)
    query = sa.select(sa.func.regexp_substr(text, made.sql))
    with both.connection.begin_nested():
        assert both.connection.execute(query).scalar_one() == made.find(text)
