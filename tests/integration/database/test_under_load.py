"""Fifty people write while the catalog changes under them."""

from __future__ import annotations

import random
import threading
import time
from typing import Self

import psycopg
import sqlalchemy as sa

from app.database.live import STALE_CATALOG, Live
from app.database.pools import Pools
from app.database.statements import Statement
from tests.integration.database.installations import catalog_of, field_types, with_fields

ROWS = 6_000
WRITERS = 50

OLD = {
    "customer": with_fields(
        "telefax: {type: text}",
        "size: {type: text}",
        "level: {type: choice, options: [a, b]}",
        "rank: {type: integer}",
        "email: {type: text}",
        "gone: {type: text}",
    )
}
NEW = {
    "customer": with_fields(
        "fax: {type: text, was: telefax}",
        "size: {type: integer}",
        "level: {type: choice, options: {top: {label: Top, was: a}, b: B}}",
        "rank: {type: integer, required: yes, default: 7, index: yes}",
        "email: {type: text, unique: yes}",
        "note: {type: text}",
        "parent: {type: link, to: customer}",
    ),
    "invoice": with_fields("customer: {type: link, to: customer}"),
}


class Writers:
    """Threads that change and read records as the door does, each with a pause to think."""

    def __init__(self, pools: Pools, live: Live) -> None:
        self.pools = pools
        self.live = live
        self.stopping = threading.Event()
        self.failures: list[str] = []
        self.longest = 0.0
        self.writes = 0
        self.by_version: dict[int, int] = {}
        self.threads = [threading.Thread(target=self.work, args=(n,)) for n in range(WRITERS)]

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def work(self, number: int) -> None:
        chance = random.Random(number)
        while not self.stopping.is_set():
            began = time.monotonic()
            try:
                self.once(chance, number)
            except Exception as error:  # noqa: BLE001 - counted below.
                self.failures.append(repr(error))
            self.longest = max(self.longest, time.monotonic() - began)
            time.sleep(0.05 + chance.random() * 0.1)

    def once(self, chance: random.Random, number: int) -> None:
        for again in (True, False):
            try:
                self.write(chance, number)
            except psycopg.Error as error:
                if not again or error.sqlstate not in STALE_CATALOG:
                    raise
                self.live.reload()
            else:
                return

    def write(self, chance: random.Random, number: int) -> None:
        release = self.live.release
        table = release.tables["customer"]
        is_new = "fax" in table.c
        values = {
            "name": f"writer {number}",
            "fax" if is_new else "telefax": str(chance.random()),
            "size": chance.randrange(100) if is_new else str(chance.randrange(100)),
            "level": chance.choice(["top" if is_new else "a", "b"]),
            "rank": 1,
        }
        key = chance.randrange(1, ROWS)
        change = Statement(sa.update(table).where(table.c.id == key).values(values))
        read = Statement(sa.select(*table.c).where(table.c.id == key))
        with self.pools.write.connection() as connection:
            change.run(connection)
        with self.pools.read.connection() as connection:
            assert len(read.rows(connection)) == 1
        self.writes += 1
        self.by_version[release.version_number] = self.by_version.get(release.version_number, 0) + 1


def test_fifty_writers_notice_nothing_c11_c12(installation, database_url):
    installation.apply(catalog_of(**OLD))
    installation.sql(
        "INSERT INTO crm.customer (name, telefax, size, level, email) SELECT 'n' || n, 'f' || n, "
        f"n::text, 'a', 'e' || n FROM generate_series(1, {ROWS}) n"
    )
    pools = Pools(database_url, max_size=20)
    live = Live(pools, field_types())
    assert live.release.version_number == 1
    new = catalog_of(**NEW)
    try:
        with Writers(pools, live) as writers:
            time.sleep(0.5)
            # How long it takes where nothing is applied: of the machine, and of what else it does.
            calm = writers.longest
            version = installation.apply(new, allow=["customer.gone"])
            time.sleep(0.5)
        assert writers.failures == []
        assert version.problems == ()
        assert writers.longest < max(1.0, 4 * calm)
        assert set(writers.by_version) == {1, 2}
        assert writers.writes > 100
    finally:
        live.stop()
        pools.close()
    assert installation.plan(new).is_empty
    assert installation.column("SELECT DISTINCT level FROM crm.customer ORDER BY 1") == ["b", "top"]


def test_a_long_reader_delays_the_apply_and_nobody_else(installation, database_url):
    installation.apply(catalog_of(**OLD))
    installation.sql("INSERT INTO crm.customer (name) VALUES ('n')")
    new = catalog_of(customer=OLD["customer"].replace("gone:", "more: {type: text}\n  gone:"))
    reading, released = threading.Event(), threading.Event()

    def read_for_a_while() -> None:
        with psycopg.connect(database_url) as connection:
            connection.execute("SELECT * FROM crm.customer")
            reading.set()
            released.wait(60)

    reader = threading.Thread(target=read_for_a_while)
    reader.start()
    assert reading.wait(60)
    waits: list[float] = []
    stopping = threading.Event()

    def ask() -> None:
        while not stopping.is_set():
            began = time.monotonic()
            installation.sql("SELECT name FROM crm.customer")
            waits.append(time.monotonic() - began)
            time.sleep(0.01)

    asking = threading.Thread(target=ask)
    asking.start()
    applying = threading.Thread(target=installation.apply, args=(new,))
    applying.start()
    held_up = "SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
    while not installation.sql(held_up):
        assert applying.is_alive()
    time.sleep(2.5)
    assert applying.is_alive()
    released.set()
    applying.join()
    stopping.set()
    asking.join()
    reader.join()
    assert installation.plan(new).is_empty
    # An apply that stood in the line until the reader had ended would have held everybody up as long.
    assert max(waits) < 2
