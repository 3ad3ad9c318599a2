"""The beginning of the demo's story: what we sell, how customers are grouped, who asked us."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from app.demo import words
from app.demo.names import Company
from app.demo.steps import Reference
from app.demo.telling import ABROAD, EAST, Telling

_DIRECTOR = "he.jun"
_SOURCES = (
    "online",
    "fair",
    "referral",
    "search_engine",
    "phone_enquiry",
    "web_signup",
    "cold_visit",
)
_DETAILS = ("hotline", "website", "social_media")


class OpeningStory:
    """Products, groups and leads."""

    def __init__(self, telling: Telling) -> None:
        self._t = telling

    def tell_products(self) -> None:
        """Tell of the categories and products; they are the first records of all."""
        at = self._t.ago(620)
        categories: dict[str, Reference] = {}
        for key, name, upper in words.CATEGORIES:
            values: dict[str, Any] = {"name": name}
            if upper:
                values["parent"] = categories[upper]
            at += timedelta(minutes=2)
            categories[key] = self._t.add(at, _DIRECTOR, "product_category", values)
        for place, row in enumerate(words.PRODUCTS, start=1):
            category, code, name, unit, price, cost, tax_rate, spec = row
            at += timedelta(minutes=2)
            values = {
                "code": code,
                "name": name,
                "category": categories[category],
                "unit": unit,
                "price": Decimal(price),
                "cost_price": Decimal(cost),
                "tax_rate": Decimal(tax_rate),
                "sort_order": place * 10,
                "status": "off_shelf" if spec and spec.endswith("old") else "on_shelf",
            }
            if spec:
                values["spec"] = spec
            self._t.add(at, _DIRECTOR, "product", values)

    def tell_groups(self) -> None:
        """Tell of the customer groups."""
        at = self._t.ago(615)
        for name, kind, rule, color in words.GROUPS:
            at += timedelta(minutes=3)
            values = {"name": name, "kind": kind, "color": color}
            if rule:
                values["rule"] = rule
            self._t.owned(at, _DIRECTOR, "customer_group", values)

    def tell_leads(self, count: int, customers: frozenset[str]) -> None:
        """Tell of people who asked us; some are followed up, some come to nothing."""
        for _ in range(count):
            abroad = self._t.likely(30)
            invent = self._t.inventor
            company = invent.company_abroad() if abroad else invent.chinese_company()
            assert company.name not in customers
            self._tell_lead(company, self._t.seller(ABROAD if abroad else EAST))

    def _tell_lead(self, company: Company, owner: str) -> None:
        t = self._t
        at = t.ago(int(t.chance.triangular(2, 240, 20)))
        person = t.inventor.person(
            is_chinese=company.is_chinese, domain=company.domain, phone=company.office_phone
        )
        source = t.chance.choice(_SOURCES)
        need = t.chance.choice(words.NEEDS)
        values: dict[str, Any] = {
            "name": company.name,
            "source": source,
            "industry": company.industry,
            "level": t.chance.choices(("a", "b", "c"), (2, 5, 3))[0],
            "contact_name": person.name,
            "mobile": person.mobile,
            "address": company.address,
            "demand": need[0] if company.is_chinese else need[1],
            "products": [Reference(f"product-{t.chance.randint(1, 20)}")],
        }
        if source == "online":
            values["source_detail"] = t.chance.choice(_DETAILS)
        if t.likely(70):
            values["email"] = person.email
        # Every third lead was handed out by the manager.
        by = t.organisation.head_of(owner) if t.likely(33) else owner
        lead = t.owned(at, owner, "lead", values, by)
        self._follow_lead(lead, at, owner, is_chinese=company.is_chinese)

    def _follow_lead(self, lead: Reference, at: datetime, owner: str, *, is_chinese: bool) -> None:
        t = self._t
        path = t.chance.choices(
            ((), ("following",), ("following", "interested"), ("following", "fail")), (3, 3, 4, 2)
        )[0]
        change: dict[str, Any] = {}
        for stage in path:
            later = t.after(at, 1, 9)
            if not t.has_happened(later):
                break
            at = later
            talk = t.chance.choice(words.TALKS[:6])
            said, then = talk[:2] if is_chinese else talk[2:]
            values = {
                "about": lead,
                "method": t.chance.choice(("phone", "phone", "wechat", "email")),
                "content": said,
                "followed_at": at,
                "next_step": then,
            }
            t.owned(at, owner, "follow_up", values)
            change = {"stage": stage}
            if stage == "interested":
                change["progress"] = t.chance.choice(("first_intent", "strong_will"))
        if change:
            t.change(at + timedelta(minutes=1), owner, lead, change)
