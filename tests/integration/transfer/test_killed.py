"""An import whose worker and database are killed at random ends as one that nobody disturbed.

`make import-storm` kills fifty times; without IMPORT_STORM it is a few times.
"""

from __future__ import annotations

import io
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest
import sqlalchemy as sa

from app.database import system
from app.database.pools import Pools
from app.database.servers import POSTGRESQL_SETTINGS, UNSAFE_BUT_FAST, PostgreSQLServer
from app.transfer.import_run import Run
from app.transfer.runs import Imports
from tests.integration.automation.engine.world import World, build
from tests.integration.transfer.importer import imports_of
from tests.integration.transfer.test_at_once import FILES, RULES, left

_log = logging.getLogger(__name__)
KILLS = int(os.environ.get("IMPORT_STORM", "4"))
SEED = int(os.environ.get("STORM_SEED", "0")) or (
    random.randrange(1, 10**6) if "IMPORT_STORM" in os.environ else 7
)
ROWS, CHUNK = max(900, 60 * KILLS), 30
HEAD = ("name", "level", "email", "phones", "score", "due_on", "owner")


def lines(count: int) -> Iterator[str]:
    """Yield rows, some of which are refused and some of which a rule fires on."""
    yield ",".join(HEAD)
    for n in range(count):
        score = 99 if n % 97 == 5 else 7 if n % 31 == 0 else 3
        email = f"c{n - 1 if n % 89 == 7 else n}@x.example"
        yield f"Firm {n},b,{email},1390{n:07},{score},2026-04-{1 + n % 28:02},mia"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQLServer]:
    folder = Path(tempfile.mkdtemp(prefix="trellis-killed-"))
    sockets = Path(tempfile.mkdtemp(prefix="trellis-killed-"))
    made = PostgreSQLServer(
        folder / "pg",
        folder / "log",
        sockets,
        settings={**POSTGRESQL_SETTINGS, **UNSAFE_BUT_FAST, "max_connections": "40"},
    )
    made.start()
    try:
        made.create_database("ready")
        build(made.url("ready"))
        world = World(Pools(made.url("ready")), folder / "files")
        world.rules(RULES, **FILES)
        close(world)
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(sockets, ignore_errors=True)


@pytest.fixture
def world(server, tmp_path) -> Iterator:
    opened = []

    def new(name: str) -> World:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE ready")
        opened.append(World(Pools(server.url(name)), tmp_path / name))
        return opened[-1]

    yield new
    for one in opened:
        close(one)


def close(world: World) -> None:
    world.live.stop()
    world.pools.close()


def begun(world: World, imports: Imports, count: int, **said) -> Run:
    root = world.who("root")
    text = "\n".join(lines(count))
    run = imports.add(root, "company", io.BytesIO(text.encode()), "firms.csv")
    plan = replace(run.plan, columns={name: name for name in HEAD}, rules="run", **said)
    imports.change(root, run.id, plan)
    return imports.start(root, run.id)


def finished(world: World, imports: Imports, run: Run) -> Run:
    while imports.advance(run.id):
        pass
    return imports.get(world.who("root"), run.id)


def test_f5_what_is_killed_again_and_again_ends_as_what_nobody_disturbed(server, world, tmp_path):
    quiet, stormy = world("quiet"), world("stormy")
    imports = imports_of(quiet)
    run = finished(quiet, imports, begun(quiet, imports, ROWS))
    expected = left(quiet)
    assert run.counts["faulty"]
    assert run.counts["created"] == ROWS - run.counts["faulty"]
    imports = imports_of(stormy)
    disturbed = begun(stormy, imports, ROWS)
    dice, killed = random.Random(SEED), {"worker": 0, "database": 0}
    _log.info("seed %s", SEED)
    command = [
        sys.executable, "-m", "tests.integration.transfer.importer", server.url("stormy"),
        str(tmp_path / "stormy"), str(disturbed.id), str(CHUNK),
    ]  # fmt: skip
    worker = subprocess.Popen(command)
    try:
        while sum(killed.values()) < KILLS:
            wait_for_more(server, disturbed.id, worker)
            time.sleep(dice.random() * 0.1)
            if sum(killed.values()) % 2:
                strike(server, dice)
                killed["database"] += 1
            else:
                worker.kill()
                worker.wait()
                worker = subprocess.Popen(command)
                killed["worker"] += 1
        assert worker.wait(timeout=300) == 0
    finally:
        worker.kill()
        worker.wait()
    done = imports.get(stormy.who("root"), disturbed.id)
    assert (done.state, done.counts) == ("done", run.counts)
    assert left(stormy) == expected
    sets = stormy.select(
        sa.select(system.history.c.change_set).distinct().where(system.history.c.origin == "import")
    )
    assert [one["change_set"] for one in sets] == [done.change_set]
    _log.info("killed %s", killed)


def mark(server: PostgreSQLServer, run: int) -> int | None:
    """Return how far an import has come; None while the database is down."""
    try:
        with psycopg.connect(server.url("stormy"), connect_timeout=2) as connection:
            row = connection.execute("SELECT mark FROM trellis.import_run WHERE id = %s", (run,))
            found = row.fetchone()
    except psycopg.Error:
        return None
    return int(found[0]) if found else None


def wait_for_more(server: PostgreSQLServer, run: int, worker: subprocess.Popen) -> None:
    before, end = mark(server, run), time.monotonic() + 300
    while mark(server, run) in (None, before):
        assert worker.poll() is None, "The import was over before everything was killed."
        assert time.monotonic() < end, "Nothing goes on."
        time.sleep(0.02)


def strike(server: PostgreSQLServer, dice: random.Random) -> None:
    """Kill a process of the database, or all of it."""
    assert server.pid is not None
    processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    of_postgres = [one for one in processes if one.name() == "postgres"]
    os.kill(dice.choice(of_postgres).pid, signal.SIGKILL)
    time.sleep(0.1)
    server.restart_if_dead()


def test_two_imports_of_one_file_at_once_make_each_record_once(world):
    """With a key the second finds what the first made; nobody is refused."""
    here = world("twice")
    imports = imports_of(here)
    said = {"match": (("email",),), "mode": "upsert"}
    both = [begun(here, imports, 400, **said) for _ in range(2)]
    threads = [threading.Thread(target=finished, args=(here, imports, run)) for run in both]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    runs = [imports.get(here.who("root"), run.id) for run in both]
    emails = [row["email"] for row in here.all("company")]
    assert len(emails) == len(set(emails)) == sum(run.counts["created"] for run in runs)
    assert [run.state for run in runs] == ["done", "done"]
    found = [imports.faults(here.who("root"), run.id) for run in runs]
    said_why = {why["say"]["en"] for rows in found for _, _, reasons in rows for why in reasons}
    assert said_why == {"99 is outside -9007199254740991 to 50."}
    # I5: the same file once more changes nothing, but for five records with two rows each.
    lines_before = here.select(sa.select(sa.func.count()).select_from(system.history))
    again = finished(here, imports, begun(here, imports, 400, **said))
    assert (again.counts["created"], again.counts["updated"]) == (0, 10)
    assert again.counts["unchanged"] == 390 - again.counts["faulty"]
    lines_now = here.select(sa.select(sa.func.count()).select_from(system.history))
    assert lines_now[0]["count_1"] == lines_before[0]["count_1"] + 10
