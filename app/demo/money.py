"""The demo's contracts: signed, paid in instalments of 30, 30, 30 and 10 per cent, invoiced."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from app.demo.sales import DemoOpportunity
from app.demo.service import DemoContract
from app.demo.steps import Person, Reference, cents
from app.demo.telling import ZONE, Telling

_FINANCE = "zhao.min"
#: Share in per cent, what it hangs on, days after that.
_INSTALMENTS = (
    (30, "signing", 7),
    (30, "prototype", 0),
    (30, "go_live", 30),
    (10, "stable", 90),
)
#: The events instalments hang on: the contract's date, days after the signing it comes.
_EVENTS = {
    "signing": ("signed_on", 0),
    "prototype": ("prototype_on", 45),
    "go_live": ("live_on", 70),
    "stable": ("stable_on", 100),
}


class MoneyStory:
    """Contracts, receivable plans, receivables and invoices."""

    def __init__(self, telling: Telling) -> None:
        self._t = telling
        self.signed: list[DemoContract] = []

    def tell_contract(self, won: DemoOpportunity) -> None:
        """Tell how an opportunity that was won became a contract, and how its money came in."""
        t, customer = self._t, won.customer
        at = t.after(won.at, 0, 6)
        signed_at = t.after(at, 1, 6)
        if not t.has_happened(at):
            return
        start = signed_at.date() + timedelta(days=3)
        values: dict[str, Any] = {
            "name": won.title,
            "customer": customer.reference,
            "opportunity": won.reference,
            "type": "service" if "维保" in won.title or "Service" in won.title else "direct",
            "start_on": start,
            "end_on": start + timedelta(days=365),
            "customer_signer": customer.contacts[0],
            "company_signers": [Person(customer.owner)],
            "payment_method": t.chance.choice(("wire", "wire", "online_transfer", "cheque")),
            "lines": list(won.lines),
            "discount_rate": won.discount_rate,
            "warranty_starts_on": start + timedelta(days=90),
            "warranty_ends_on": start + timedelta(days=455),
            "dispute_method": "arbitration",
            "dispute_place": "杭州仲裁委员会" if customer.company.is_chinese else "Singapore",
        }
        if won.quote:
            values["quote"] = won.quote
        contract = t.owned(at, customer.owner, "contract", values)
        self._tell_approval(contract, customer.owner, at, signed_at)
        if not t.has_happened(signed_at):
            return
        signed = {"signed_on": signed_at.date(), "stage": "signed"}
        t.change(signed_at, customer.owner, contract, signed)
        self.signed.append(DemoContract(contract, customer, won.title, signed_at))
        self._tell_instalments(won, contract, signed_at)
        self._tell_progress(contract, customer.owner, signed_at)

    def _tell_approval(
        self, contract: Reference, owner: str, at: datetime, signed_at: datetime
    ) -> None:
        """Tell who agreed on the way to the signing: manager, finance, legal for a large one."""
        t, way = self._t, signed_at - at
        if not t.has_happened(at + way / 8):
            return
        t.submit(at + way / 8, owner, contract)
        for part in (3, 5, 7):
            if t.has_happened(at + way * part / 8):
                t.agree(at + way * part / 8, contract)

    def _tell_progress(self, contract: Reference, owner: str, at: datetime) -> None:
        t = self._t
        for field, days in list(_EVENTS.values())[1:]:
            moment = at + timedelta(days=days)
            if t.has_happened(moment):
                t.change(moment, owner, contract, {field: moment.date()})
        for stage, least, most in (
            ("in_progress", 4, 15),
            ("performed", 110, 180),
            ("closed", 80, 140),
        ):
            at = t.after(at, least, most)
            if not t.has_happened(at):
                return
            t.change(at, owner, contract, {"stage": stage})

    def _tell_instalments(
        self, won: DemoOpportunity, contract: Reference, signed_at: datetime
    ) -> None:
        t, left = self._t, won.amount
        for period, (percent, trigger, days) in enumerate(_INSTALMENTS, start=1):
            # The last takes what is left, so that the parts are exactly the whole.
            is_last = period == len(_INSTALMENTS)
            amount = left if is_last else cents(won.amount * percent / 100)
            left -= amount
            planned_on = signed_at.date() + timedelta(days=_EVENTS[trigger][1] + days)
            values = {
                "contract": contract,
                "customer": won.customer.reference,
                "name": f"{won.title} / {period}",
                "period": period,
                "percent": Decimal(percent),
                "amount": amount,
                "trigger_event": trigger,
                "offset_days": days,
                "planned_on": planned_on,
            }
            at = signed_at + timedelta(minutes=10 + period)
            plan = t.owned(at, won.customer.owner, "receivable_plan", values)
            planned_at = datetime.combine(planned_on, time(11), ZONE)
            self._tell_payment(won, contract, plan, amount, planned_at)

    def _tell_payment(
        self,
        won: DemoOpportunity,
        contract: Reference,
        plan: Reference,
        amount: Decimal,
        planned_at: datetime,
    ) -> None:
        t, customer = self._t, won.customer
        at = t.after(planned_at, -4, 25)
        if not t.has_happened(at) or t.likely(10):
            return
        is_part = t.likely(7)
        received = cents(amount / 2) if is_part else amount
        values: dict[str, Any] = {
            "contract": contract,
            "customer": customer.reference,
            "plan": plan,
            "amount": received,
            "received_on": at.date(),
            "method": t.chance.choice(("wire", "wire", "online_transfer", "cheque")),
            "bank": t.chance.choice(("boc", "icbc", "ccb")),
        }
        t.owned(at, customer.owner, "receivable", values, _FINANCE)
        if t.likely(45):
            self._tell_invoice(won, contract, received, t.after(at, 0, 5))

    def _tell_invoice(
        self, won: DemoOpportunity, contract: Reference, amount: Decimal, at: datetime
    ) -> None:
        t, customer = self._t, won.customer
        company = customer.company
        if not t.has_happened(at):
            return
        values: dict[str, Any] = {
            "contract": contract,
            "customer": customer.reference,
            "type": "vat_special" if company.credit_code else "vat_ordinary",
            "amount": amount,
            "tax_rate": Decimal(13),
            "planned_on": at.date(),
            "title": company.name,
            "phone": company.office_phone,
        }
        if company.credit_code:
            values["tax_number"] = company.credit_code
        invoice = t.owned(at, customer.owner, "invoice", values)
        issued_at = t.after(at, 0, 6)
        if t.has_happened(issued_at) and t.likely(85):
            number = f"{t.chance.randrange(10**8):08d}"
            issued = {"status": "issued", "invoice_number": number, "issued_on": issued_at.date()}
            t.change(issued_at, _FINANCE, invoice, issued)
