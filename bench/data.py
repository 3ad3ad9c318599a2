"""The records everything is measured on: customers of nine sellers, a third of them the manager's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psycopg
import sqlalchemy as sa

from app.database.apply import ApplyOptions
from app.installation import Installation
from app.records.recompute import recompute
from app.security.people import add_user
from app.services import Services, open_services
from app.settings import read_settings

PASSWORD = "bench-is-fast"
SELLERS = 9

FILL = """
INSERT INTO crm.customer (code, name, level, status, type, email, phones, currency, owner,
  owner_department,
  owner_since, last_contacted_at, open_amount, contract_total, open_opportunities, contract_count,
  won_opportunities, received_total, unreceived_total, deal_closed, followed, locked, created_at,
  updated_at, created_by, updated_by)
SELECT 'B' || n, 'Customer ' || n || ' ' || substr(md5(n::text), 1, 6),
  (ARRAY['a','b','c'])[1 + n %% 3], 'active', 'end_customer', 'c' || n || '@bench.example',
  jsonb_build_array(jsonb_build_object('number', '+86138' || lpad(n::text, 8, '0'))), 'CNY',
  (%(owners)s::bigint[])[1 + (hashint8(n::bigint) & 2147483647) %% cardinality(%(owners)s::bigint[])], NULL,
  now() - interval '90 days',
  CASE WHEN n %% 5 = 0 THEN NULL ELSE now() - ((hashint8((n * 7)::bigint) & 1048575) || ' seconds')::interval END,
  (n %% 1000) * 10, (n %% 500) * 20, n %% 4, n %% 3, 0, 0, (n %% 500) * 20, n %% 3 > 0, true, false,
  now() - ((n %% 1000) || ' hours')::interval, now(), 1, 1
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
"""
SEARCH = """
INSERT INTO trellis.search (entity, record_id, owner, owner_department, title, search, grams)
SELECT %(entity)s, id, owner, owner_department, name, lower(concat_ws(' ', name, code)), '{}'
FROM crm.customer ON CONFLICT DO NOTHING
"""
STOCK = """
INSERT INTO stock_customer (code, name, level, status, owner_id, email, currency, last_contacted_at,
  open_amount, contract_total, created_at)
SELECT 'B' || n, 'Customer ' || n || ' ' || substr(md5(n::text), 1, 6),
  (ARRAY['a','b','c'])[1 + n %% 3], 'active',
  (%(owners)s::int[])[1 + (hashint8(n::bigint) & 2147483647) %% cardinality(%(owners)s::int[])],
  'c' || n || '@bench.example', 'CNY',
  CASE WHEN n %% 5 = 0 THEN NULL ELSE now() - ((hashint8((n * 7)::bigint) & 1048575) || ' seconds')::interval END,
  (n %% 1000) * 10, (n %% 500) * 20, now() - ((n %% 1000) || ' hours')::interval
FROM generate_series(1, %(last)s) n
"""


def open_trellis(database_url: str, data: Path, config: Path) -> Services:
    """Apply the configuration to an empty database and add the people; return the services."""
    settings = replace(
        read_settings({"TRELLIS_DATA": str(data), "TRELLIS_ADMIN_PASSWORD": PASSWORD}),
        database_url=database_url,
        config=config,
    )
    services = open_services(settings)
    installation = Installation(settings, services.pools)
    catalog = installation.folder.load_catalog()
    installation.apply(catalog, "bench", options=ApplyOptions(recompute=(recompute,)))
    services.live.reload()
    return services


def add_people(services: Services) -> tuple[int, list[int]]:
    """Add an administrator and a manager over a third of the sellers; return manager, sellers."""
    manager = add_user(
        services.records,
        login="manager",
        password=PASSWORD,
        roles=["sales_manager"],
        values={"name": "Manager"},
    )
    sellers = [
        add_user(
            services.records,
            login=f"seller{number}",
            password=PASSWORD,
            roles=["sales"],
            values={
                "name": f"Seller {number}",
                **({"manager": manager} if number < SELLERS // 3 else {}),
            },
        )
        for number in range(SELLERS)
    ]
    add_user(
        services.records,
        login="admin",
        password=PASSWORD,
        roles=["admin"],
        values={"name": "Administrator"},
    )
    return manager, sellers


def fill_customers(services: Services, owners: list[int], first: int, last: int) -> None:
    """Write customers *first* to *last* and make the tables as tidy as autovacuum would."""
    url = services.settings.database_url
    with psycopg.connect(str(url), autocommit=True) as connection:
        connection.execute(FILL, {"owners": owners, "first": first, "last": last})
        number = services.live.release.numbers["customer"]
        connection.execute(SEARCH, {"entity": number})
        connection.execute("VACUUM ANALYZE crm.customer")
        connection.execute("VACUUM ANALYZE trellis.search")


def fill_stock(database_url: str, owners: list[int], last: int) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE made AS SELECT unnest(%s::int[]) id", (owners,))
        connection.execute(
            "INSERT INTO ab_user (id, first_name, last_name, username, password, active, email) "
            "SELECT id + 100, 'Seller', id::text, 'seller' || id, 'x', true, id || '@s.example' "
            "FROM made"
        )
        connection.execute(STOCK, {"owners": [one + 100 for one in owners], "last": last})
        connection.execute("VACUUM ANALYZE stock_customer")


def count_customers(services: Services) -> int:
    with services.pools.engine.connect() as connection:
        return int(connection.scalar(sa.text("SELECT count(*) FROM crm.customer")) or 0)
