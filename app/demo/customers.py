"""The demo's customers and their contacts, and the contact kept with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.demo import words
from app.demo.names import Company, Somebody
from app.demo.steps import Reference
from app.demo.telling import ABROAD, EAST, Telling

_SOURCES = ("referral", "fair", "online", "search_engine", "phone_enquiry", "email_enquiry")
_SIZES = ("small", "medium", "medium", "large", "huge")
#: Days since the last contact, at most, by level.
_LAST_CONTACT = {"a": 18, "b": 45, "c": 130}


@dataclass(slots=True)
class DemoCustomer:
    """A customer as later parts of the story need it."""

    reference: Reference
    company: Company
    owner: str
    level: str
    since: datetime
    contacts: list[Reference] = field(default_factory=list)
    #: service sees the active ones alone
    is_active: bool = True


class CustomerStory:
    """Customers at home and abroad."""

    def __init__(self, telling: Telling) -> None:
        self._t = telling
        self.all: list[DemoCustomer] = []

    @property
    def names(self) -> frozenset[str]:
        return frozenset(customer.company.name for customer in self.all)

    def tell(self, *, at_home: int, abroad: int) -> None:
        """Tell how the customers came to us, the oldest first."""
        invent = self._t.inventor
        days = sorted(
            (self._t.chance.randint(25, 560) for _ in range(at_home + abroad)), reverse=True
        )
        places = [EAST] * at_home + [ABROAD] * abroad
        self._t.chance.shuffle(places)
        for ago, department in zip(days, places, strict=True):
            company = invent.chinese_company() if department == EAST else invent.company_abroad()
            self._tell_customer(company, self._t.seller(department), self._t.ago(ago))

    def _tell_customer(self, company: Company, owner: str, at: datetime) -> None:
        t = self._t
        level = t.chance.choices(("a", "b", "c"), (2, 5, 3))[0]
        customer = DemoCustomer(Reference(""), company, owner, level, at)
        customer.reference = t.owned(at, owner, "customer", self._values(customer))
        self.all.append(customer)
        for number in range(t.chance.choice((1, 1, 2, 2, 3))):
            self._tell_contact(customer, at + timedelta(minutes=4 * (number + 1)))
        if t.likely(18):
            self._tell_lead_before(customer)
        if t.likely(40):
            change = {"primary_contact": customer.contacts[0]}
            t.change(at + timedelta(minutes=20), owner, customer.reference, change)

    def _values(self, customer: DemoCustomer) -> dict[str, Any]:
        t, company = self._t, customer.company
        source = t.chance.choice(_SOURCES)
        phones = [{"kind": "office", "number": company.office_phone}]
        if t.likely(25):
            phones.append({"kind": "office", "number": t.inventor.phone_like(company.office_phone)})
        kind = "agent" if t.likely(12) else "end_customer"
        customer.is_active = not (customer.level == "c" and t.likely(30))
        values: dict[str, Any] = {
            "name": company.name,
            "short_name": company.short_name,
            "type": kind,
            "level": customer.level,
            "status": "active" if customer.is_active else "dormant",
            "source": source,
            "industry": company.industry,
            "company_size": t.chance.choice(_SIZES),
            "phones": phones,
            "email": f"office@{company.domain}",
            "website": f"https://www.{company.domain}",
            "address": company.address,
        }
        if source == "online":
            values["source_detail"] = t.chance.choice(("hotline", "website"))
        if company.credit_code:
            values["credit_code"] = company.credit_code
            values["invoice_titles"] = [
                {
                    "title_type": "company",
                    "title": company.name,
                    "tax_number": company.credit_code,
                    "bank": "中国工商银行" + company.name[:2] + "分行",
                    "bank_account": t.inventor.bank_account(),
                    "phone": company.office_phone,
                }
            ]
        if customer.level != "c" and t.likely(40):
            # Some are due today and some are late already: there is work on the bench.
            values["next_contact_at"] = t.after(t.end - timedelta(days=4), 1, 14)
        values["groups"] = self._groups(customer)
        # Only what its owner may see can be linked to.
        older = [
            one.reference
            for one in self.all
            if one.since < customer.since and one.owner == customer.owner
        ]
        if t.likely(8) and older:
            values["parent"] = t.chance.choice(older)
        if customer.level == "a" and t.likely(15):
            values["locked"] = True
        return values

    def _groups(self, customer: DemoCustomer) -> list[Reference]:
        groups = []
        if customer.level == "a" and customer.company.is_chinese:
            groups.append(Reference("customer_group-1"))
        if not customer.company.is_chinese:
            groups.append(Reference("customer_group-2"))
        if self._t.likely(15):
            groups.append(Reference("customer_group-3"))
        return groups

    def _tell_contact(self, customer: DemoCustomer, at: datetime) -> None:
        t, company = self._t, customer.company
        person: Somebody = t.inventor.person(
            is_chinese=company.is_chinese, domain=company.domain, phone=company.office_phone
        )
        job_zh, job_en, decides = t.chance.choice(words.JOBS)
        values: dict[str, Any] = {
            "name": person.name,
            "customer": customer.reference,
            "mobile": person.mobile,
            "email": person.email,
            "gender": person.gender,
            "job_title": job_zh if company.is_chinese else job_en,
            "decision_maker": decides,
        }
        if t.likely(30):
            day = t.today - timedelta(days=t.chance.randint(27 * 365, 58 * 365))
            values["birthday"] = day
        if customer.contacts and t.likely(30):
            values["superior"] = customer.contacts[0]
        if t.likely(4):
            values |= {
                "enabled": False,
                "disable_reason": "已离职" if company.is_chinese else "Left",
            }
        customer.contacts.append(t.owned(at, customer.owner, "contact", values))

    def _tell_lead_before(self, customer: DemoCustomer) -> None:
        """Tell of the lead this customer was once."""
        t, company = self._t, customer.company
        values: dict[str, Any] = {
            "name": company.name,
            "source": "fair",
            "industry": company.industry,
            "level": customer.level,
            "mobile": t.inventor.phone_like(company.office_phone),
            "email": f"info@{company.domain}",
            "address": company.address,
        }
        asked_at = t.after(customer.since - timedelta(days=20), 0, 10)
        lead = t.owned(asked_at, customer.owner, "lead", values)
        at = customer.since + timedelta(minutes=30)
        became = {
            "stage": "success",
            "converted_customer": customer.reference,
            "converted_contact": customer.contacts[0],
            "converted_at": at,
        }
        t.change(at, customer.owner, lead, became)

    def tell_contacts_kept(self) -> None:
        """Tell of calls and visits; the last one lies nearer the better the customer is."""
        t = self._t
        for customer in self.all:
            if t.likely(8):
                continue
            last = t.ago(t.chance.randint(1, _LAST_CONTACT[customer.level]))
            times = t.chance.choice((0, 1, 1, 2))
            earlier = [t.ago(t.chance.randint(20, 300)) for _ in range(times)]
            for at in (last, *earlier):
                if customer.since + timedelta(hours=1) < at <= last:
                    self._tell_talk(customer, at, is_last=at == last)

    def _tell_talk(self, customer: DemoCustomer, at: datetime, *, is_last: bool) -> None:
        t = self._t
        talk = t.chance.choice(words.TALKS)
        said, then = talk[:2] if customer.company.is_chinese else talk[2:]
        contact = t.chance.choice(customer.contacts)
        values: dict[str, Any] = {
            "about": customer.reference,
            "contact": contact,
            "method": t.chance.choice(("phone", "phone", "visit", "wechat", "email")),
            "content": said,
            "followed_at": at,
            "next_step": then,
        }
        if is_last and t.likely(60):
            values["next_contact_at"] = t.after(at, 3, 21)
        t.owned(at, customer.owner, "follow_up", values)
