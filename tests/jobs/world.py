"""A small company with reminders, for tests with real schedulers and workers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from app.access.principal import Principal
from app.automation.recomputing import recompute as recompute_reminders
from app.automation.registry import register
from app.clock import Clock
from app.database.apply import ApplyOptions, apply_catalog
from app.database.automation_tables import firing, message, process, task
from app.database.live import Live
from app.database.pools import Pools
from app.definitions.load import load_files
from app.fields.registry import field_types
from app.jobs.queues import QUEUES, SERIALIZER, connect, queue
from app.jobs.runtime import set_runtime
from app.jobs.scheduler import Scheduler
from app.jobs.worker import TrellisWorker
from app.processes import kill
from app.records.recompute import recompute
from app.security.first_start import add_roles, create_account_tables
from app.security.people import add_user
from app.services import Services, open_services
from app.settings import Settings, settings_as_environment

APP = """
name: Test
languages: [en, zh]
time_zone: Asia/Shanghai
currencies: [CNY]
"""

ROLES = """
roles:
  seller: {scope: own, may: [create, read, update, delete, restore, transfer]}
  admin: {admin: yes}
"""

CUSTOMER = """
entity: customer
title: name
fields:
  name: {type: text, required: yes}
  due_at: {type: datetime}
  seen: {type: integer}
"""

RULES = """
rule: due
entity: customer
when: {on: due_at}
backlog: fire
do:
  - notify: {to: owner, say: "{{ record.name }} is due."}
---
rule: counted
entity: customer
when: {on: due_at}
backlog: fire
do:
  - set: {seen: "=(seen or 0) + 1"}
"""

FILES = {
    "app.yaml": APP,
    "roles.yaml": ROLES,
    "entities/customer.yaml": CUSTOMER,
    "workflows/rules.yaml": RULES,
}


def build(url: str, files: dict[str, str] | None = None) -> None:
    """Build the template: tables, rules and a seller."""
    pools = Pools(url)
    try:
        loaded = load_files(files or FILES, field_types())
        assert loaded.catalog is not None, [str(one) for one in loaded.problems]
        catalog = loaded.catalog
        create_account_tables(pools.engine)
        options = ApplyOptions(
            recompute=(recompute,),
            on_live=lambda connection, *_: register(connection, catalog, datetime.now(UTC)),
        )
        apply_catalog(pools, catalog, "test", options=options)
        with pools.write.connection() as connection:
            add_roles(connection, catalog.roles)
        with psycopg.connect(url, autocommit=True) as connection:
            live = Live(pools, field_types())
            recompute_reminders(connection, live.release, datetime.now(UTC))
            live.stop()
    finally:
        pools.close()


class World:
    """One installation: its services here, its schedulers and workers as processes."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.services: Services = open_services(settings, clock)
        self.sam = add_user(
            self.services.records,
            login="sam",
            password="long-enough-1",
            roles=["seller"],
            values={"name": "Sam"},
        )
        self.started: list[subprocess.Popen[bytes]] = []

    def who(self) -> Principal:
        found = self.services.organisation.principal(self.sam)
        assert found is not None
        return found

    def customer(self, **values: Any) -> int:
        given = {"name": "Acme", "due_at": datetime.now(UTC).isoformat(), **values}
        return self.services.records.create(self.who(), "customer", given).id

    def fill(self, count: int) -> None:
        """Write many customers that are due now, past the door."""
        release, numbers = self.services.live.release, self.services.numbers
        with self.connection() as connection:
            connection.execute(
                "INSERT INTO crm.customer (name, due_at, owner, owner_since, created_at, "
                "updated_at, version) SELECT 'C' || n, now(), %s, now(), now(), now(), 1 "
                "FROM generate_series(1, %s) n",
                (self.sam, count),
            )
            connection.execute(
                "INSERT INTO trellis.reminder (rule, entity, record_id, base, due_at) "
                "SELECT %s, %s, id, due_at, due_at FROM crm.customer WHERE name LIKE 'C%%'",
                (numbers.number("due"), release.numbers["customer"]),
            )

    def scheduler(self) -> Scheduler:
        """Return a scheduler in this process, which looks when it is told to."""
        return Scheduler(self.services)

    def tick(self, scheduler: Scheduler | None = None) -> Scheduler:
        """Let a scheduler look once."""
        known = scheduler or self.scheduler()
        with self.connection() as connection:
            known.tick(connection)
        return known

    def work(self, *queues: str) -> TrellisWorker:
        """Let a worker in this process empty the queues."""
        url = self.settings.redis_url
        assert url is not None
        set_runtime(self.services)
        worker = TrellisWorker(
            [queue(connect(url), name) for name in queues or QUEUES],
            connection=connect(url),
            serializer=SERIALIZER,
        )
        worker.work(burst=True, logging_level="WARNING")
        return worker

    def lose_leases(self) -> None:
        """Let the time of everything that is held run out."""
        with self.connection() as connection:
            for name in ("task", "delivery"):
                connection.execute(
                    sql.SQL(
                        "UPDATE trellis.{} SET leased_until = clock_timestamp() - interval '1 s'"
                    ).format(sql.Identifier(name))
                )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `trellis worker`, `trellis scheduler` and the like."""
        self.started.append(
            subprocess.Popen(
                [sys.executable, "-m", "app.cli", *arguments],
                env={**os.environ, **settings_as_environment(self.settings)},
                start_new_session=True,
            )
        )
        return self.started[-1]

    def connection(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.services.pools.url, autocommit=True)

    def count(self, table: sa.Table, *conditions: Any) -> int:
        chosen = sa.select(sa.func.count()).select_from(table).where(*conditions)
        with self.services.pools.engine.connect() as connection:
            return int(connection.execute(chosen).scalar_one())

    def messages(self) -> int:
        return self.count(message)

    def firings(self, state: str | None = None) -> int:
        return self.count(firing, *([firing.c.state == state] if state else []))

    def tasks(self) -> int:
        return self.count(task)

    def processes(self, kind: str) -> list[dict[str, Any]]:
        chosen = sa.select(process).where(process.c.kind == kind)
        with self.services.pools.engine.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(chosen)]

    def close(self) -> None:
        for one in self.started:
            kill(one)
        self.services.close()


def wait_until(condition: Callable[[], Any], seconds: float = 120.0) -> Any:
    """Wait for something to become true and return it."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found
