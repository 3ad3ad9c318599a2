"""Tells the demo's story: two teams that sell, over a year and a half, as a list of steps.

Pure data: equal seeds and days give equal steps. Loading them is ``loader``'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from app.demo.customers import CustomerStory
from app.demo.money import MoneyStory
from app.demo.openings import OpeningStory
from app.demo.sales import SalesStory
from app.demo.service import ServiceStory
from app.demo.steps import Step
from app.demo.telling import Telling

#: How many of each the demo holds; the rest of the chain follows from them.
CUSTOMERS_AT_HOME = 105
CUSTOMERS_ABROAD = 40
LEADS = 130
OPPORTUNITIES = 190
TASKS = 90
TICKETS = 60


def demo_records(seed: int, today: date) -> Iterator[Step]:
    """Yield the writes that make the demo, in the order they happened.

    Every reference is to an earlier step. Nothing happens on *today* itself; dates that lie ahead
    (a next contact, an instalment) do.
    """
    telling = Telling(seed, today)
    opening = OpeningStory(telling)
    opening.tell_products()
    opening.tell_groups()
    customers = CustomerStory(telling)
    customers.tell(at_home=CUSTOMERS_AT_HOME, abroad=CUSTOMERS_ABROAD)
    opening.tell_leads(LEADS, customers.names)
    sales = SalesStory(telling, customers.all)
    sales.tell(OPPORTUNITIES)
    money = MoneyStory(telling)
    for won in sales.won:
        money.tell_contract(won)
    ServiceStory(telling).tell(money.signed, TICKETS)
    customers.tell_contacts_kept()
    sales.tell_tasks(TASKS)
    yield from telling.in_order()
