"""What the demo tells of after the sale: milestones of the delivery, tickets, return visits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.demo import words
from app.demo.customers import DemoCustomer
from app.demo.steps import Reference
from app.demo.telling import Telling

_SERVICE = "liu.ting"
#: What is delivered, what it counts from, working days, days after the signing it tends to come.
_MILESTONES = (
    ("原型确认", "Prototype", "signing", 30, 36),
    ("上线", "Go-live", "prototype", 20, 66),
)


@dataclass(frozen=True, slots=True)
class DemoContract:
    """What the service has to know of a contract that was signed."""

    reference: Reference
    customer: DemoCustomer
    title: str
    signed_at: datetime


class ServiceStory:
    """Milestones, tickets and visits of contracts."""

    def __init__(self, telling: Telling) -> None:
        self._t = telling

    def tell(self, contracts: list[DemoContract], tickets: int) -> None:
        """Tell how contracts were delivered, of so many tickets, and of visits."""
        for contract in contracts:
            self._tell_milestones(contract)
            self._tell_visit(contract)
        served = [contract for contract in contracts if contract.customer.is_active]
        for contract in self._t.chance.choices(served, k=tickets):
            self._tell_ticket(contract)

    def _tell_milestones(self, contract: DemoContract) -> None:
        t = self._t
        for chinese, english, anchor, length, days in _MILESTONES:
            at = contract.signed_at + timedelta(minutes=30)
            name = chinese if contract.customer.company.is_chinese else english
            values = {
                "name": f"{contract.title} / {name}",
                "contract": contract.reference,
                "counts_from": anchor,
                "length": length,
            }
            milestone = t.owned(at, contract.customer.owner, "milestone", values)
            delivered_at = t.after(contract.signed_at, days - 8, days + 8)
            if t.has_happened(delivered_at):
                quality = "pass" if t.likely(85) else "fail"
                done = {"delivered_on": delivered_at.date(), "quality": quality}
                t.change(delivered_at, contract.customer.owner, milestone, done)

    def _tell_visit(self, contract: DemoContract) -> None:
        t, customer = self._t, contract.customer
        at = t.after(contract.signed_at, 70, 160)
        if not t.has_happened(at):
            return
        values = {
            "customer": customer.reference,
            "contract": contract.reference,
            "contact": customer.contacts[0],
            "visited_at": at - timedelta(minutes=30),
            "method": t.chance.choice(("phone", "phone", "visit", "wechat")),
            "satisfaction": t.chance.choice(("great", "good", "good", "good", "fair", "poor")),
            "feedback": self._words(words.FEEDBACK, customer),
        }
        by_service = t.likely(50) and customer.is_active
        t.owned(at, _SERVICE if by_service else customer.owner, "visit", values)

    def _tell_ticket(self, contract: DemoContract) -> None:
        t, customer = self._t, contract.customer
        at = t.after(contract.signed_at, 20, 400)
        if not t.has_happened(at):
            at = t.ago(t.chance.randint(1, 12))
        if at <= contract.signed_at:
            return
        values = {
            "title": self._words(words.TICKETS, customer),
            "customer": customer.reference,
            "contract": contract.reference,
            "contact": customer.contacts[0],
            "type": t.chance.choice(("bug", "question", "question", "improvement")),
            "severity": t.chance.choice(("low", "medium", "medium", "high", "critical")),
            "channel": t.chance.choice(("phone", "email", "wechat")),
            "promise": "always" if customer.level == "a" else "office",
        }
        ticket = t.owned(at, _SERVICE, "ticket", values)
        replied_at = t.after(at, 0, 1)
        if not t.has_happened(replied_at):
            return
        t.change(replied_at, _SERVICE, ticket, {"replied_at": replied_at})
        solved_at = t.after(replied_at, 1, 6)
        if t.has_happened(solved_at):
            solved = {"status": "solved", "resolved_at": solved_at}
            t.change(solved_at, _SERVICE, ticket, {**solved, "satisfaction": "good"})

    def _words(self, pairs: tuple[tuple[str, str], ...], customer: DemoCustomer) -> str:
        return self._t.chance.choice(pairs)[0 if customer.company.is_chinese else 1]
