"""The demo's opportunities: their way through the stages, their quotes, and what there is to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from app.demo import words
from app.demo.customers import DemoCustomer
from app.demo.steps import Person, Reference, cents
from app.demo.telling import Telling

#: The open stages after the first, with the chance to win each stands for.
_OPEN_STAGES = (("needs_clear", 30), ("proposal", 50), ("negotiation", 70), ("signing", 90))
#: So many quotes were handed in yesterday, and nobody has answered yet.
_ASKED = 6
_REASONS = ("price", "competitor", "no_budget", "no_decision", "function")
_ON_THE_SHELF = tuple(
    (number, row) for number, row in enumerate(words.PRODUCTS, 1) if row[1] != "FL-50A"
)


@dataclass(frozen=True, slots=True)
class DemoOpportunity:
    """What its quotes and its contract need to know about an opportunity."""

    reference: Reference
    customer: DemoCustomer
    title: str
    lines: tuple[dict[str, Any], ...]
    discount_rate: Decimal
    amount: Decimal
    quote: Reference | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Way:
    """How far an opportunity got: open stages with their moments and chances, and its end."""

    stages: list[tuple[datetime, str, int]]
    #: after how many of the open stages it ends
    ends_after: int
    end: datetime | None


class SalesStory:
    """Opportunities and quotes, and the tasks that hang on them."""

    def __init__(self, telling: Telling, customers: list[DemoCustomer]) -> None:
        self._t = telling
        self._customers = customers
        self._titles: set[str] = set()
        self.won: list[DemoOpportunity] = []
        self._open: list[tuple[Reference, DemoCustomer, datetime]] = []
        self._quoted: list[tuple[str, Reference]] = []

    def tell(self, count: int) -> None:
        """Tell of so many opportunities; good customers have more of them."""
        t = self._t
        weights = [{"a": 5, "b": 3, "c": 1}[customer.level] for customer in self._customers]
        for customer in t.chance.choices(self._customers, weights, k=count):
            age = (t.today - customer.since.date()).days
            # Half of them lie back, the others are what is being worked on now.
            long_ago = t.chance.randint(100, 520)
            days = long_ago if t.likely(45) else int(t.chance.triangular(3, 160, 10))
            days = min(days, age - 1)
            self._tell_opportunity(customer, max(t.ago(days), t.after(customer.since, 1, 2)))
        for number, (owner, quote) in enumerate(self._quoted[-_ASKED:], start=1):
            t.submit(t.end - timedelta(hours=number), owner, quote)

    def _tell_opportunity(self, customer: DemoCustomer, at: datetime) -> None:
        t = self._t
        if not t.has_happened(at):
            return
        way = self._way(at)
        # Of what lies far back only the stage before the end is told, not how it got there.
        is_old = at < t.ago(150) and len(way.stages) == way.ends_after
        told = self._tell_beginning(customer, at, way.stages[-1] if is_old else None)
        quote = None
        for moment, stage, chance in way.stages:
            if not is_old:
                change = {"stage": stage, "probability": chance}
                t.change(moment, customer.owner, told.reference, change)
            if t.likely(45):
                self._tell_talk(told, moment + timedelta(minutes=6))
            if stage == "proposal":
                quote = self._tell_quote(told, moment + timedelta(minutes=30))
        if way.end is None:
            self._open.append((told.reference, customer, at))
            if quote is not None and way.stages[-1][0] < t.end - timedelta(days=1):
                self._quoted.append((customer.owner, quote))
        else:
            self._tell_end(replace(told, quote=quote, at=way.end), may_win=way.ends_after >= 3)

    def _way(self, at: datetime) -> Way:
        """Return the open stages it reaches, and the end if that has come."""
        t = self._t
        ends_after = t.chance.choice((1, 2, 2, 3, 3, 4, 4, 4))
        stages: list[tuple[datetime, str, int]] = []
        for stage, chance in _OPEN_STAGES[:ends_after]:
            at = t.after(at, 6, 32)
            if not t.has_happened(at):
                return Way(stages, ends_after, None)
            stages.append((at, stage, chance))
        end = t.after(at, 3, 20)
        return Way(stages, ends_after, end if t.has_happened(end) else None)

    def _tell_beginning(
        self, customer: DemoCustomer, at: datetime, stage: tuple[datetime, str, int] | None
    ) -> DemoOpportunity:
        t = self._t
        title = self._title(customer)
        lines = self._lines()
        discount_rate = Decimal(t.chance.choice((0, 0, 0, 2, 3, 5)))
        total = sum((cents(line["price"] * line["quantity"]) for line in lines), Decimal(0))
        amount = cents(total * (100 - discount_rate) / 100)
        values: dict[str, Any] = {
            "name": title,
            "customer": customer.reference,
            "contact": customer.contacts[0],
            "contacts": customer.contacts,
            "kind": "renewal" if "维保" in title or "Service" in title else "new",
            "source": t.chance.choice(("online", "offline", "expansion", "add_on")),
            "amount": amount,
            "probability": stage[2] if stage else 10,
            "expected_close_on": t.after(at, 40, 150).date(),
            "lines": lines,
            "discount_rate": discount_rate,
        }
        if stage:
            values["stage"] = stage[1]
        opportunity = t.owned(at, customer.owner, "opportunity", values)
        return DemoOpportunity(
            opportunity, customer, title, tuple(lines), discount_rate, amount, None, at
        )

    def _tell_end(self, told: DemoOpportunity, *, may_win: bool) -> None:
        t, at, owner = self._t, told.at, told.customer.owner
        if may_win and t.likely(75):
            won = {"stage": "won", "probability": 100, "closed_on": at.date()}
            t.change(at, owner, told.reference, won)
            self.won.append(told)
            return
        stage = "invalid" if t.likely(15) else "lost"
        reason = "duplicate" if stage == "invalid" else t.chance.choice(_REASONS)
        ended = {"lost_reason": reason, "probability": 0, "closed_on": at.date(), "stage": stage}
        t.change(at, owner, told.reference, ended)

    def _title(self, customer: DemoCustomer) -> str:
        zh, en = self._t.chance.choice(words.PROJECTS)
        project = zh if customer.company.is_chinese else en
        start = f"{customer.company.short_name} {project}"
        title, number = start, 1
        while title in self._titles:
            number += 1
            title = f"{start} {number}"
        self._titles.add(title)
        return title

    def _lines(self) -> list[dict[str, Any]]:
        t = self._t
        lines = []
        for number, row in t.chance.sample(_ON_THE_SHELF, t.chance.choice((1, 2, 2, 3, 4))):
            is_small = row[3] in ("piece", "machine", "day")
            price = Decimal(row[4])
            discount = Decimal(t.chance.choice((0, 0, 0, 5, 8, 10)))
            lines.append(
                {
                    "product": Reference(f"product-{number}"),
                    "unit": row[3],
                    "list_price": price,
                    "quantity": Decimal(t.chance.randint(2, 24) if is_small else 1),
                    "discount": discount,
                    "price": cents(price * (100 - discount) / 100),
                }
            )
        return lines

    def _tell_quote(self, told: DemoOpportunity, at: datetime) -> Reference | None:
        t = self._t
        if not t.has_happened(at) or t.likely(15):
            return None
        rates = {f"product-{number}": Decimal(row[6]) for number, row in _ON_THE_SHELF}
        values = {
            "name": told.title,
            "opportunity": told.reference,
            "customer": told.customer.reference,
            "contact": told.customer.contacts[0],
            "quoted_on": at.date(),
            "valid_until": at.date() + timedelta(days=t.chance.choice((30, 30, 45, 60))),
            "lines": [
                {name: line[name] for name in line if name != "price"}
                | {"tax_rate": rates[line["product"].key]}
                for line in told.lines
            ],
            "terms": "30% 预付，30% 交货，30% 验收，10% 质保。"
            if told.customer.company.is_chinese
            else "30 % in advance, 30 % on delivery, 30 % on acceptance, 10 % after the warranty.",
        }
        return t.owned(at, told.customer.owner, "quote", values)

    def _tell_talk(self, told: DemoOpportunity, at: datetime) -> None:
        t = self._t
        talk = t.chance.choice(words.TALKS[:7])
        said, then = talk[:2] if told.customer.company.is_chinese else talk[2:]
        values = {
            "about": told.reference,
            "customer": told.customer.reference,
            "contact": told.customer.contacts[0],
            "method": t.chance.choice(("phone", "visit", "email")),
            "content": said,
            "followed_at": at,
            "next_step": then,
        }
        t.owned(at, told.customer.owner, "follow_up", values)

    def tell_tasks(self, count: int) -> None:
        """Tell of things to do about customers and open opportunities, some done, some late."""
        t = self._t
        for _ in range(count):
            if self._open and t.likely(60):
                about, customer, since = t.chance.choice(self._open)
            else:
                customer = t.chance.choice(self._customers)
                about, since = customer.reference, customer.since
            at = max(t.ago(t.chance.randint(1, 60)), t.after(since, 0, 0))
            zh, en = t.chance.choice(words.TASKS)
            due = t.after(at, 2, 25).date()
            is_done = due < t.today and t.likely(80)
            values: dict[str, Any] = {
                "title": zh if customer.company.is_chinese else en,
                "about": about,
                "assignee": Person(customer.owner),
                "priority": t.chance.choice(("high", "medium", "medium", "low", "none")),
                "starts_on": at.date(),
                "due_on": due,
                "bucket": t.chance.choice(("inbox", "today", "next", "later")),
            }
            task = t.owned(at, customer.owner, "task", values)
            done_at = t.after(at, 1, 9)
            if is_done and t.has_happened(done_at):
                done = {"status": "done", "completed_at": done_at}
                t.change(done_at, customer.owner, task, done)
