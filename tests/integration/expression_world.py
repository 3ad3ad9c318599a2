"""The sample world of the language as PostgreSQL tables, and the same rows for Python.

The Python side answers questions to other records by walking the rows in memory, so it shares
nothing with the SQL side but the checked expression.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, localcontext
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.expressions import Ask, Calendar, to_python
from app.expressions.calendar import working_day_rows
from app.expressions.runtime import divide
from app.expressions.tree import Under
from app.expressions.types import Kind
from tests.unit.expressions.sample import LEVEL, REGION, STAGE

METADATA = sa.MetaData()
MOMENT = pg.TIMESTAMP(timezone=True)

USER = sa.Table(
    "user",
    METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("active", sa.Boolean),
    sa.Column("grade", sa.BigInteger),
    sa.Column("manager", sa.BigInteger),
)
CUSTOMER = sa.Table(
    "customer",
    METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True),
    *[sa.Column(name, sa.Text) for name in ("name", "code", "level", "stage", "region")],
    sa.Column("stage.since", MOMENT),
    sa.Column("stage.previous", sa.Text),
    sa.Column("count", sa.BigInteger),
    *[sa.Column(name, sa.Numeric) for name in ("price", "amount", "amount.base", "credit")],
    sa.Column("discount", sa.Numeric),
    sa.Column("active", sa.Boolean),
    sa.Column("signed_on", sa.Date),
    sa.Column("due_on", sa.Date),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("replied_at", MOMENT),
    sa.Column("opens", sa.Time),
    sa.Column("effort", pg.INTERVAL),
    sa.Column("parent", sa.BigInteger),
    sa.Column("owner", sa.BigInteger),
    sa.Column("about", sa.BigInteger),
    sa.Column("about.entity", sa.Text),
    sa.Column("tags", pg.ARRAY(sa.Text)),
    sa.Column("levels", pg.ARRAY(sa.Text)),
    sa.Column("address.city", sa.Text),
    sa.Column("address.province", sa.Text),
)
LINE = sa.Table(
    "line",
    METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("of", sa.BigInteger),
    sa.Column("price", sa.Numeric),
    sa.Column("quantity", sa.BigInteger),
    sa.Column("customer", sa.BigInteger),
)
WORKING_DAY = sa.Table(
    "working_day",
    METADATA,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False, unique=True),
)
TABLES = {"customer": CUSTOMER, "user": USER, "lines": LINE}
LINKS = {
    "customer": {"parent": "customer", "owner": "user"},
    "user": {"manager": "user"},
    "lines": {"customer": "customer"},
}

CALENDAR = Calendar(
    time_zone="Europe/Berlin",
    hours=((time(9), time(12)), (time(13), time(18))),
    holidays=frozenset({date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1)}),
    extra_days=frozenset({date(2026, 4, 11)}),
)
NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
TODAY = date(2026, 3, 29)
ME = 3
MY_ROLES = ["sales", "a"]
MY_SUBORDINATES = [1, 2, 5]
SILENT_DAYS = Decimal(14)

_TEXTS = [
    "a",
    "b",
    "A",
    "abc",
    "ABC 10%",
    "a_b",
    "a\\b",
    "重点客户",
    "x 重",
    "Straße",
    "ΣΑΣ",
    "İx",
    "",
]
_NUMBERS = ["0", "1", "-1", "2.5", "-2.5", "0.005", "13", "100", "99999999999.99", "3"]
_DAYS = [
    date(2024, 2, 29),
    date(2025, 12, 31),
    date(2026, 1, 31),
    date(2026, 2, 28),
    date(2026, 3, 28),
    date(2026, 3, 29),
    date(2026, 3, 30),
    date(2026, 4, 3),
    date(2026, 4, 11),
    date(2026, 10, 25),
]
_MOMENTS = [
    datetime(2025, 10, 25, 23, 30, tzinfo=UTC),
    datetime(2025, 10, 26, 0, 30, tzinfo=UTC),
    datetime(2025, 10, 26, 1, 30, tzinfo=UTC),
    datetime(2026, 1, 31, 10, 15, 30, 123456, tzinfo=UTC),
    datetime(2026, 3, 28, 1, 30, tzinfo=UTC),
    datetime(2026, 3, 28, 22, 59, 59, tzinfo=UTC),
    datetime(2026, 3, 28, 23, 0, tzinfo=UTC),
    datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
    datetime(2026, 3, 30, 8, 0, tzinfo=UTC),
]


def _maybe(chance: random.Random, values: Any) -> Any:
    return None if chance.random() < 0.3 else chance.choice(list(values))


def _number(chance: random.Random) -> Decimal | None:
    text = _maybe(chance, _NUMBERS)
    return None if text is None else Decimal(text)


def _customer(chance: random.Random, number: int, count: int) -> dict[str, Any]:
    about = _maybe(chance, ["customer", "user"])
    return {
        "id": number,
        "name": _maybe(chance, _TEXTS),
        "code": _maybe(chance, _TEXTS),
        "level": _maybe(chance, [*LEVEL.options, "gone"]),
        "stage": _maybe(chance, STAGE.options),
        "stage.since": _maybe(chance, _MOMENTS),
        "stage.previous": _maybe(chance, ("new", "proposal")),
        "region": _maybe(chance, REGION.options),
        "count": _maybe(chance, (0, 1, 2, 3, -7, 10**12)),
        "price": _number(chance),
        "amount": _number(chance),
        "amount.base": _number(chance),
        "credit": _number(chance),
        "discount": _number(chance),
        "active": chance.random() < 0.5,
        "signed_on": _maybe(chance, _DAYS),
        "due_on": _maybe(chance, _DAYS),
        "created_at": chance.choice(_MOMENTS),
        "replied_at": _maybe(chance, _MOMENTS),
        "opens": _maybe(chance, (time(9), time(0), time(23, 59, 59))),
        "effort": _maybe(chance, (timedelta(0), timedelta(days=3), timedelta(seconds=-90))),
        "parent": _maybe(chance, range(1, number)) if number > 1 else None,
        "owner": _maybe(chance, range(1, 7)),
        "about": _maybe(chance, range(1, count)) if about == "customer" else 2 if about else None,
        "about.entity": about,
        "tags": _maybe(chance, ([], ["a"], ["a", "vip"], ["重点", "b", "a"])),
        "levels": _maybe(chance, (["a"], ["a", "b"], ["c"])),
        "address.city": _maybe(chance, _TEXTS),
        "address.province": _maybe(chance, REGION.options),
    }


@dataclass(repr=False)
class World:
    """All rows, by entity and id."""

    customer: dict[int, dict[str, Any]] = field(default_factory=dict)
    user: dict[int, dict[str, Any]] = field(default_factory=dict)
    lines: dict[int, dict[str, Any]] = field(default_factory=dict)


def make_world(seed: int, count: int) -> World:
    """Return *count* customers and what belongs to them."""
    chance = random.Random(seed)
    world = World()
    for number in range(1, count + 1):
        row = _customer(chance, number, count)
        if row["about"] is None or (row["about.entity"] == "user" and row["about"] > 6):
            row["about"] = row["about.entity"] = None
        world.customer[number] = row
    for number in range(1, 7):
        world.user[number] = {
            "id": number,
            "name": _maybe(chance, _TEXTS),
            "active": chance.random() < 0.5,
            "grade": _maybe(chance, (1, 2, 3)),
            "manager": _maybe(chance, range(1, 7)),
        }
    for number in range(1, count * 2):
        world.lines[number] = {
            "id": number,
            "of": chance.randint(1, count),
            "price": _number(chance),
            "quantity": _maybe(chance, (0, 1, 2, 5)),
            "customer": _maybe(chance, range(1, count + 1)),
        }
    return world


for _name in ("count", "level", "stage", "created_at", "owner"):
    sa.Index(f"customer_{_name}", CUSTOMER.c[_name])
sa.Index("customer_tags", CUSTOMER.c.tags, postgresql_using="gin")
sa.Index(
    "customer_name",
    CUSTOMER.c.name,
    postgresql_using="gin",
    postgresql_ops={"name": "gin_trgm_ops"},
)


def fill(connection: sa.Connection, world: World) -> None:
    """Create the tables and write the rows."""
    connection.execute(sa.text("CREATE EXTENSION pg_trgm"))
    METADATA.create_all(connection)
    for name, table in TABLES.items():
        # A form sends an empty text, which is stored as nothing.
        rows = [
            {column: None if value == "" else value for column, value in row.items()}
            for row in getattr(world, name).values()
        ]
        connection.execute(table.insert(), rows)
    days = working_day_rows(CALENDAR, date(2020, 1, 1), date(2030, 12, 31))
    connection.execute(WORKING_DAY.insert(), [{"day": d, "number": n} for d, n in days])


PARAMETERS = {
    "now": NOW,
    "today": TODAY,
    "me": ME,
    "my_roles": MY_ROLES,
    "my_subordinates": MY_SUBORDINATES,
    "my_grade": Decimal(2),
    "app_silent_days": SILENT_DAYS,
}


@dataclass(frozen=True)
class TableSource:
    """One row of a table, for the SQL side."""

    entity: str
    table: sa.FromClause

    def value(self, name: str) -> sa.ColumnElement[Any]:
        return self.table.c[name]

    def follow(
        self, name: str, entity: str | None = None
    ) -> "tuple[TableSource, sa.FromClause, sa.ColumnElement[bool]]":
        target = entity or LINKS[self.entity][name]
        table = TABLES[target].alias()
        return TableSource(target, table), table, table.c.id == self.table.c[name]

    def rows(self, over: str) -> "tuple[TableSource, sa.FromClause, sa.ColumnElement[bool]]":
        table = TABLES[over].alias()
        own = table.c["of"] == self.table.c.id if over == "lines" else sa.true()
        return TableSource(over, table), table, own


@dataclass
class RowContext:
    """One row, for the Python side."""

    world: World
    entity: str
    row: dict[str, Any]
    record: "RowContext | None" = None
    now: datetime = NOW
    today: date = TODAY
    calendar: Calendar = CALENDAR

    def value(self, path: str) -> Any:
        first, _, rest = path.partition(".")
        if first == "record":
            at_hand = self.record or self
            return at_hand.value(rest) if rest else at_hand.row["id"]
        if first in ("me", "my", "app"):
            return {
                "me": ME,
                "my.roles": MY_ROLES,
                "my.subordinates": MY_SUBORDINATES,
                "my.grade": Decimal(2),
                "app.silent_days": SILENT_DAYS,
            }[path]
        return self._walk(self.entity, self.row, path)

    def _walk(self, entity: str, row: dict[str, Any], path: str) -> Any:
        if path in row:
            value = row[path]
            if path == "about" and value is not None:
                return (row["about.entity"], value)
            return value
        first, _, rest = path.partition(".")
        if first == "address" and not rest:
            return {part: row[f"address.{part}"] for part in ("city", "province")}
        target = row["about.entity"] if first == "about" else LINKS[entity][first]
        if row[first] is None:
            return None
        linked = getattr(self.world, target)[row[first]]
        known = rest.partition(".")[0] in linked or rest in linked or rest == "address"
        return self._walk(target, linked, rest) if known else None

    def changed(self, name: str) -> bool:
        raise NotImplementedError(name)

    def split(self, total: Decimal, share: Decimal) -> Decimal:
        raise NotImplementedError

    def ask(self, question: Ask) -> Any:
        if isinstance(question.value, Under):
            return self._is_under(question.value.item, question.value.top)
        rows = list(self._asked(question))
        if question.function == "count":
            return len(rows)
        if question.function == "exists":
            return bool(rows)
        value = to_python(question.value) if question.value else lambda row: row.row["id"]
        if question.function == "pick":
            newest = max(rows, key=lambda row: row.row["id"], default=None)
            return value(newest) if newest else None
        values = [found for row in rows if (found := value(row)) is not None]
        if question.function == "sum":
            return sum(values, Decimal())
        if not values:
            return None
        if question.function == "avg":
            return divide(sum(values, Decimal()), len(values))
        return min(values) if question.function == "lowest" else max(values)

    def _asked(self, question: Ask) -> Iterator["RowContext"]:
        condition = to_python(question.condition) if question.condition else None
        over = question.over[-1]
        for row in getattr(self.world, over).values():
            if over == "lines" and row["of"] != self.row["id"]:
                continue
            context = RowContext(self.world, over, row, self.record or self)
            if condition is None or condition(context):
                yield context

    def _is_under(self, item: Any, top: Any) -> bool:
        current = item.value
        while current is not None:
            if current == top.value:
                return True
            current = self.world.customer[current]["parent"]
        return False


def as_comparable(value: Any, kind: Kind) -> Any:
    """Return an answer of either side in one form."""
    if kind is Kind.record and isinstance(value, tuple):
        # A value of an any_link is its id in SQL; the entity stands beside it.
        value = value[1]
    if isinstance(value, list):
        return [as_comparable(item, kind) for item in value] or None
    if (
        isinstance(value, (int, Decimal))
        and not isinstance(value, bool)
        and kind is not Kind.boolean
    ):
        with localcontext(prec=300):
            return Decimal(value).quantize(Decimal("1e-9"))
    return value
