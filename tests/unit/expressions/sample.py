"""A small world for the tests of the language: two entities with a field of every type."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from app.expressions import Ask, Calendar, Checked, ExpressionProblem, Type, check, parse, to_python
from app.expressions import types as t
from app.expressions.types import Kind

LEVEL = Type(Kind.choice, options=("a", "b", "c"))
STAGE = Type(
    Kind.choice,
    options=("new", "proposal", "won", "lost"),
    parts={"since": t.DATETIME, "previous": Type(Kind.choice, options=("new", "proposal"))},
)
REGION = Type(
    Kind.choice,
    options=("asia", "china", "zhejiang", "europe"),
    parents={"china": "asia", "zhejiang": "china"},
)
AMOUNT = Type(Kind.money, parts={"base": t.MONEY})
ADDRESS = Type(Kind.parts, parts={"city": t.TEXT, "province": REGION})
CUSTOMER = t.record_type("customer", tree="parent")
USER = t.record_type("user")
ABOUT = t.record_type("customer", "user")

CUSTOMER_FIELDS: Mapping[str, Type] = {
    "id": Type(Kind.number, filled=True),
    "name": t.TEXT,
    "code": t.TEXT,
    "level": LEVEL,
    "stage": STAGE,
    "region": REGION,
    "count": t.NUMBER,
    "price": t.NUMBER,
    "amount": AMOUNT,
    "credit": t.MONEY,
    "discount": t.PERCENT,
    "active": t.BOOLEAN,
    "signed_on": t.DATE,
    "due_on": t.DATE,
    "created_at": Type(Kind.datetime, filled=True),
    "replied_at": t.DATETIME,
    "opens": t.TIME,
    "effort": t.DURATION,
    "parent": CUSTOMER,
    "owner": USER,
    "about": ABOUT,
    "tags": t.many(t.TEXT),
    "levels": t.many(LEVEL),
    "address": ADDRESS,
    "lines": t.many(t.record_type("customer.lines")),
}
USER_FIELDS: Mapping[str, Type] = {
    "id": Type(Kind.number, filled=True),
    "name": t.TEXT,
    "active": t.BOOLEAN,
    "grade": t.NUMBER,
    "manager": USER,
}
LINE_FIELDS: Mapping[str, Type] = {
    "id": Type(Kind.number, filled=True),
    "price": t.NUMBER,
    "quantity": t.NUMBER,
    "customer": CUSTOMER,
}
ENTITIES = {"customer": CUSTOMER_FIELDS, "user": USER_FIELDS}
ROOT_TYPES: Mapping[str, Type] = {
    "record": CUSTOMER,
    "old": CUSTOMER,
    "me": USER,
    "my": Type(
        Kind.record,
        entities=("user",),
        parts={"roles": t.many(t.TEXT), "subordinates": t.many(USER)},
    ),
    "app": Type(Kind.parts, parts={"silent_days": t.NUMBER}),
    "origin": Type(Kind.choice, options=("screen", "api", "import", "rule", "hook", "email")),
    "input": t.ANY,
}


@dataclass
class SampleScope:
    """Names of one of the entities."""

    fields: Mapping[str, Type]
    roots: Mapping[str, Type] = field(default_factory=lambda: ROOT_TYPES)
    known_views: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> Iterable[str]:
        return self.fields

    @property
    def views(self) -> Iterable[str]:
        return self.known_views

    def find(self, name: str) -> Type | None:
        if name == "secret":
            raise ExpressionProblem("hidden-field", "`secret` may not be read by you.")
        return self.fields.get(name) or self.roots.get(name)

    def members(self, type_: Type) -> Mapping[str, Type]:
        return ENTITIES[type_.entities[0]]

    def entity(self, name: str) -> "SampleScope | None":
        if name == "lines" and "lines" in self.fields:
            return SampleScope(LINE_FIELDS)
        return SampleScope(ENTITIES[name]) if name in ENTITIES else None

    def view(self, name: str) -> Checked | None:
        text = self.known_views.get(name)
        return check(parse(text), self, want=t.BOOLEAN) if text else None


SCOPE = SampleScope(CUSTOMER_FIELDS, known_views={"good": "level == 'a' and active"})


CALENDAR = Calendar(
    time_zone="Asia/Shanghai",
    hours=((time(9), time(12)), (time(13), time(18))),
    holidays=frozenset({date(2026, 3, 11)}),
    extra_days=frozenset({date(2026, 3, 14)}),
)


@dataclass
class SampleContext:
    """A record of plain values, by dotted path."""

    values: dict[str, Any] = field(default_factory=dict)
    now: datetime = datetime(2026, 3, 9, 1, 30, tzinfo=UTC)
    today: date = date(2026, 3, 9)
    calendar: Calendar = CALENDAR
    changes: frozenset[str] = frozenset()
    asked: list[Ask] = field(default_factory=list)
    answer: Any = None

    def value(self, path: str) -> Any:
        return self.values.get(path)

    def changed(self, name: str) -> bool:
        return name in self.changes

    def ask(self, question: Ask) -> Any:
        self.asked.append(question)
        return self.answer

    def split(self, total: Decimal, share: Decimal) -> Decimal:
        return total * share / 100


def checked(text: str, want: Type | None = None, scope: SampleScope = SCOPE) -> Checked:
    return check(parse(text), scope, want=want)


def work_out(text: str, want: Type | None = None, **values: Any) -> Any:
    """Return what the expression is for a record of these values (`a__b` is `a.b`)."""
    context = SampleContext({name.replace("__", "."): value for name, value in values.items()})
    return to_python(checked(text, want))(context)


def problem(text: str, want: Type | None = None) -> ExpressionProblem:
    try:
        checked(text, want)
    except ExpressionProblem as found:
        return found
    raise AssertionError(f"{text!r} was accepted")
