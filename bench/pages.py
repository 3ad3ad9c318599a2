"""How long the pages take that people look at all day, at ten thousand customers and at a million.

Beside the customers stand opportunities, one for four of them, and follow-ups, one for two. Pages are
asked one after the other over one connection, signed in as a manager who sees a third of everything;
what is measured is the whole answer as a browser receives it.
"""

from __future__ import annotations

import itertools
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping

import psycopg

from app.services import Services
from bench.data import count_customers
from bench.load import Result, request
from bench.report import Row

OPPORTUNITIES = """
INSERT INTO crm.opportunity (name, customer, kind, stage, stage__since, stage__previous, probability,
  amount, amount__base, currency, weighted_amount, expected_close_on, closed_on, discount_rate, owner,
  owner_department, owner_since, created_at, updated_at, created_by, updated_by)
SELECT 'Opportunity ' || c.id, c.id, 'new', s.stage, now() - (c.id %% 60 || ' days')::interval, NULL,
  0.3, c.id %% 977 * 100, c.id %% 977 * 100, 'CNY', c.id %% 977 * 30,
  current_date + (c.id %% 180 - 60)::integer,
  CASE WHEN s.stage IN ('won', 'lost') THEN current_date - (c.id %% 700)::integer END, 0, c.owner,
  c.owner_department, c.owner_since, now() - (c.id %% 700 || ' days')::interval, now(), 1, 1
FROM crm.customer c CROSS JOIN LATERAL (SELECT (%(stages)s::text[])[1 + (hashint8(c.id) & 65535)
  %% cardinality(%(stages)s::text[])] AS stage) s
WHERE c.id %% 4 = 0 AND NOT EXISTS (SELECT FROM crm.opportunity o WHERE o.customer = c.id)
"""
FOLLOW_UPS = """
INSERT INTO crm.follow_up (about, about__entity, customer, method, content, followed_at, kind, owner,
  owner_department, owner_since, created_at, updated_at, created_by, updated_by)
SELECT c.id, %(entity)s, c.id, 'phone', 'Called them about ' || c.id, c.last_contacted_at, 'note',
  c.owner, c.owner_department, c.owner_since, c.last_contacted_at, now(), c.owner, c.owner
FROM crm.customer c WHERE c.id %% 2 = 0 AND c.last_contacted_at IS NOT NULL
  AND NOT EXISTS (SELECT FROM crm.follow_up f WHERE f.about = c.id AND f.about__entity = %(entity)s)
"""
#: What an answer may take at the 95th percentile, in ms: at ten thousand customers, at a million.
PAGE, DASHBOARD, PALETTE = (60, 100), (300, 1_500), (100, 100)
#: Words of each way to be found, those in nearly every record among them.
TYPED = (
    "customer",
    "cust",
    "b9",
    "customer 4711",
    "custmoer",
    "a1",
    "4711",
    "c77@bench",
    "9999",
    "x",
)
#: What somebody has typed of a new customer, by field, names as alike as those of the others.
NEW = (
    *(("name", f"Customer {n * 7919} {n:06x}") for n in range(1, 20)),
    *(("name", name) for name in ("Customer", "Customer 4711", "Customer 47", "上海信远科技")),
    *(("phones", [{"number": f"138{n * 7919:08}"}]) for n in range(1, 20)),
)
ALIKE = 50
#: what is asked of a page, and what it may take
Works = Mapping[str, tuple[Callable[[], Iterator[bytes]], tuple[int, int]]]


def fill(services: Services) -> None:
    """Write what belongs to the customers that are there, and tidy up as autovacuum would."""
    stages = services.live.release.catalog.entities["opportunity"].fields["stage"].options
    numbers = services.live.release.numbers
    with psycopg.connect(str(services.settings.database_url), autocommit=True) as connection:
        connection.execute(OPPORTUNITIES, {"stages": [one.name for one in stages]})
        connection.execute(FOLLOW_UPS, {"entity": numbers["customer"]})
        for table in ("customer", "opportunity", "follow_up"):
            connection.execute(f"VACUUM ANALYZE crm.{table}")  # type: ignore[arg-type]


def works(ids: list[int], signed: dict[str, str]) -> Works:
    """Return the pages, each with what asks for it."""
    htmx = {**signed, "HX-Request": "true"}

    def same(path: str, headers: dict[str, str] = signed) -> Callable[[], Iterator[bytes]]:
        return lambda: itertools.repeat(request("GET", path, headers))

    def each(path: str) -> Callable[[], Iterator[bytes]]:
        return lambda: itertools.cycle([request("GET", path.format(one), signed) for one in ids])

    palette = [
        request("GET", f"/palette?{urllib.parse.urlencode({'q': typed})}", htmx) for typed in TYPED
    ]
    return {
        "list": (same("/crm/customer/"), PAGE),
        "list, filtered": (same("/crm/customer/?filter=level+%3D%3D+'a'"), PAGE),
        "record": (each("/crm/customer/{}"), PAGE),
        "form": (each("/crm/customer/{}/edit"), PAGE),
        "board": (same("/crm/opportunity/?as=board"), PAGE),
        "work bench": (same("/day"), PAGE),
        "dashboard": (same("/dashboards/sales/part", htmx), DASHBOARD),
        "palette": (lambda: itertools.cycle(palette), PALETTE),
    }


def typing(services: Services, seller: int) -> Row:
    """Return how long it takes to say whether what is typed is there already."""
    principal = services.organisation.principal(seller)
    assert principal is not None
    took = []
    for _ in range(3):
        for name, value in NEW:
            began = time.perf_counter()
            services.records.find_duplicates(principal, "customer", {name: value}, strict=False)
            took.append((time.perf_counter() - began) * 1000)
    late = sorted(took)[int(len(took) * 0.95)]
    count = count_customers(services)
    said = f"{late:.1f} ms, at most {max(took):.0f} ms"
    what = f"duplicates while typing, p95 at {count:,} customers"
    return Row(what, f"≤ {ALIKE} ms", said, late <= ALIKE)


def row(work: str, budgets: tuple[int, int], small: Result, large: Result | None) -> Row:
    """Return what a page took, small and large."""
    said = f"{small.percentile(0.95):.0f} ms (CPU {small.cpu_ms:.0f} + {small.database_ms:.0f})"
    good = small.percentile(0.95) <= budgets[0]
    if large is not None:
        said += (
            f"; {large.percentile(0.95):.0f} ms (CPU {large.cpu_ms:.0f} + {large.database_ms:.0f})"
        )
        good = good and large.percentile(0.95) <= budgets[1]
    return Row(
        f"page: {work}, p95 at 10,000; 1,000,000", f"≤ {budgets[0]}; {budgets[1]} ms", said, good
    )
