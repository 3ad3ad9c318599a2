"""What it costs to take back an import and a bulk edit, over the configuration that ships.

The change sets are written as an import and an edit would have left them; undoing them is measured.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg

from app.access.principal import SYSTEM
from app.services import Services
from bench import data
from bench.report import Row

SET = """
INSERT INTO trellis.change_set (user_id, origin, kind) VALUES (1, 'import', %(kind)s) RETURNING id
"""
MADE = """
INSERT INTO trellis.history (entity, record_id, action, version, user_id, origin, change_set, after)
SELECT %(entity)s, id, 'create', version, 1, 'import', %(set)s,
  jsonb_build_object('name', name, 'level', level, 'owner', owner)
FROM crm.customer WHERE id >= %(first)s ORDER BY id
"""
EDITED = """
WITH edited AS (
  UPDATE crm.customer SET level = 'd', version = version + 1 WHERE id >= %(first)s
  RETURNING id, version)
INSERT INTO trellis.history
  (entity, record_id, action, version, user_id, origin, change_set, before, after)
SELECT %(entity)s, id, 'update', version, 1, 'screen', %(set)s, '{"level": "b"}', '{"level": "d"}'
FROM edited ORDER BY id
"""
BUDGET = 30.0


def measure(services: Services, sellers: list[int], *, quick: bool) -> Iterator[Row]:
    """Yield how long an import, and an edit, of many customers takes to be undone."""
    count = 5_000 if quick else 100_000
    first = _next_id(services)
    data.fill_customers(services, sellers, 2_000_001, 2_000_000 + count)
    for what, kind, lines in (
        ("a bulk edit", "update", EDITED),
        ("an import", "import", MADE),
    ):
        change_set = _written(services, kind, lines, first)
        seconds = _undone(services, change_set, count)
        limit = BUDGET * count / 100_000
        said = f"{seconds:.1f} s ({1e3 * seconds / count:.2f} ms each)"
        yield Row(
            f"undo of {what} of {count:,} customers", f"≤ {limit:g} s", said, seconds <= limit
        )


def _next_id(services: Services) -> int:
    with psycopg.connect(services.settings.database_url or "") as connection:
        row = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM crm.customer").fetchone()
    assert row is not None
    return int(row[0])


def _written(services: Services, kind: str, lines: str, first: int) -> int:
    with psycopg.connect(services.settings.database_url or "") as connection:
        row = connection.execute(SET, {"kind": kind}).fetchone()
        assert row is not None
        number = services.live.release.numbers["customer"]
        connection.execute(lines, {"entity": number, "set": row[0], "first": first})
    return int(row[0])


def _undone(services: Services, change_set: int, count: int) -> float:
    began = time.perf_counter()
    run = services.changes.undo(SYSTEM, change_set, at_once=count)
    if run.count("changed") != count:
        raise SystemExit(f"{run.count('changed')} of {count} were undone: {run.as_json()}")
    return time.perf_counter() - began
