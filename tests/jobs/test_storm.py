"""Everything is killed at random over a stream of writes: no reminder is lost, none comes twice.

`make storm` kills two hundred times; without STORM it is a few times, within the ordinary tests.
"""

import http.client
import json
import logging
import os
import random
import signal
import threading
import time
import urllib.error
import urllib.request
import uuid
from contextlib import suppress

import pytest

from app.database.servers import ValkeyServer
from app.processes import is_alive, kill, last_lines, spawn
from app.settings import settings_as_environment
from app.supervisor import background_commands, web_command
from tests.jobs import world as w
from tests.running import free_port

_log = logging.getLogger(__name__)
KILLS = int(os.environ.get("STORM", "4"))
SEED = int(os.environ.get("STORM_SEED", "0")) or (
    random.randrange(1, 10**6) if "STORM" in os.environ else 7
)

APPROVAL = """
approval: check
entity: customer
when: {button: Check}
steps: [{approver: owner}]
submitter: ask
lock: no
---
rule: to-be-checked
entity: customer
when: {on: due_at}
backlog: fire
do: [{approve: check}]
"""
FILES = {**w.FILES, "workflows/approval.yaml": APPROVAL}


class Fleet:
    """The processes of an installation; what dies is started again at once."""

    def __init__(self, world: w.World, valkey: ValkeyServer, folder) -> None:
        self.valkey = valkey
        self.folder = folder
        self.environment = {**os.environ, **settings_as_environment(world.settings)}
        self.commands = {"web": web_command(), **background_commands()}
        self.running = {name: self._start(name) for name in self.commands}

    def _start(self, name):
        log = self.folder / f"{name}.log"
        return spawn(self.commands[name], log=log, environment=self.environment)

    def look_after(self) -> None:
        self.valkey.restart_if_dead()
        for name, process in self.running.items():
            if process.poll() is not None:
                kill(process)
                self.running[name] = self._start(name)

    def kill_one(self, dice: random.Random) -> str:
        name = dice.choice([*self.running, "valkey"])
        if name == "valkey":
            pid = self.valkey.pid
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
        else:
            with suppress(ProcessLookupError):
                # The web server's workers with it: none of them may finish anything.
                os.killpg(self.running[name].pid, signal.SIGKILL)
        return name

    def stop(self) -> None:
        for process in self.running.values():
            kill(process)
        assert not any(is_alive(process.pid) for process in self.running.values())


class Writer(threading.Thread):
    """Somebody who goes on working whatever happens, and asks again when there is no answer."""

    def __init__(self, url: str, dice: random.Random) -> None:
        super().__init__(daemon=True)
        self.url, self.dice = url, dice
        self.ended = threading.Event()
        self.problem: Exception | None = None
        #: what was answered: id -> the date it was given last
        self.dates: dict[int, str] = {}
        self.token = self._ask("POST", "/api/v1/security/login", {
            "username": "sam", "password": "long-enough-1", "provider": "db", "refresh": False,
        }, token=None)["access_token"]  # fmt: skip

    def run(self) -> None:
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - it is told by the test.
            self.problem = error

    def _work(self) -> None:
        while not self.ended.is_set():
            soon = self._soon()
            made = self._ask("POST", "/api/v1/customer/", {"name": "Acme", "due_at": soon})
            number = made["result"]["id"] if "result" in made else made["id"]
            self.dates[number] = soon
            if self.dice.random() < 0.4:
                number = self.dice.choice(list(self.dates))
                soon = self._soon()
                self._ask("PATCH", f"/api/v1/customer/{number}", {"due_at": soon})
                self.dates[number] = soon
            time.sleep(self.dice.uniform(0, 0.1))

    def _soon(self) -> str:
        moment = time.time() + self.dice.uniform(0, 2)
        return w.datetime.fromtimestamp(moment, w.UTC).isoformat(timespec="milliseconds")

    def _ask(self, method, path, body, token=True):
        """Ask until there is an answer; the key makes a write that was done before count once."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
        if token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), headers, method=method
        )
        while True:
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code != 503 and error.code != 409:
                    raise AssertionError(error.read()) from error
            except (OSError, ValueError, http.client.HTTPException):
                # Killed on the way, or half way through its answer: the key makes asking again safe.
                _log.info("asked again: %s %s", method, path)
            time.sleep(0.1)


@pytest.fixture
def storm(make_settings, template_database, clone_database, tmp_path, tmp_path_factory):
    valkey = ValkeyServer(
        tmp_path / "valkey", tmp_path / "valkey.log", tmp_path_factory.mktemp("s")
    )
    valkey.start()
    settings = make_settings(
        DATABASE_URL=clone_database(
            template_database("storm_world", lambda url: w.build(url, FILES))
        ),
        REDIS_URL=valkey.url,
        PORT=str(free_port()),
        TRELLIS_WORKERS="1",
        TRELLIS_LEASE="2",
        TRELLIS_DEMO="no",
    )
    world = w.World(settings)
    fleet = Fleet(world, valkey, tmp_path)
    yield world, fleet
    fleet.stop()
    for name in fleet.running:
        _log.info("the end of %s.log:\n%s", name, last_lines(tmp_path / f"{name}.log", 30))
    world.close()
    valkey.stop()


def test_a_storm_of_kills_loses_no_reminder_and_sends_none_twice(storm):
    world, fleet = storm
    dice = random.Random(SEED)
    _log.info("STORM_SEED=%s", SEED)
    writer = Writer(f"http://127.0.0.1:{world.settings.port}", random.Random(SEED + 1))
    writer.start()
    for number in range(KILLS):
        time.sleep(dice.uniform(0.2, 1.2))
        fleet.look_after()
        name = fleet.kill_one(dice)
        _log.info("%s: %s is killed", number + 1, name)
        if dice.random() < 0.7:
            fleet.look_after()
    fleet.look_after()
    written = len(writer.dates)

    def goes_on():
        fleet.look_after()
        return not writer.is_alive() or len(writer.dates) > written

    w.wait_until(goes_on)
    writer.ended.set()
    writer.join(120)
    assert not writer.is_alive()
    assert writer.problem is None

    def left():
        fleet.look_after()
        with world.connection() as connection:
            return connection.execute(
                "SELECT (SELECT count(*) FROM trellis.reminder WHERE due_at IS NOT NULL) + "
                "(SELECT count(*) FROM trellis.task)"
            ).fetchone()[0]

    # However slow the machine is: as long as it becomes less, nothing is stuck.
    least = left()
    while least:
        w.wait_until(lambda before=least: left() < before)
        least = left()
    _check(world, writer.dates)


def _check(world, dates):
    numbers = world.services.numbers
    due, counted = numbers.number("due"), numbers.number("counted")
    checked = numbers.number("to-be-checked")
    with world.connection() as connection:

        def rows(statement, *values):
            return connection.execute(statement, values).fetchall()

        # Every answered write is there, with the date it was answered.
        stored = dict(rows("SELECT id, due_at FROM crm.customer"))
        for number, date in dates.items():
            assert stored[number] == w.datetime.fromisoformat(date), number
        # Each record fired for the date it has now, once.
        fired = rows(
            "SELECT f.record_id, f.rule FROM trellis.firing f JOIN trellis.reminder r "
            "USING (rule, entity, record_id) WHERE f.occurrence = to_char(timezone('UTC', r.base), "
            "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AND f.state = 'done'"
        )
        for rule in (due, counted, checked):
            assert sorted(one for one, which in fired if which == rule) == sorted(stored)
        # One message for each firing, and none beside.
        done = rows("SELECT id FROM trellis.firing WHERE rule = %s AND state = 'done'", due)
        told = rows("SELECT firing FROM trellis.message WHERE rule = %s", due)
        assert sorted(told) == sorted(done)
        # What a rule wrote, it wrote once for each firing.
        wrote = dict(
            rows(
                "SELECT record_id, count(*) FROM trellis.firing WHERE rule = %s "
                "AND state = 'done' GROUP BY 1",
                counted,
            )
        )
        assert dict(rows("SELECT id, seen FROM crm.customer")) == wrote
        # No approval is lost, double or stuck.
        waiting = rows("SELECT record_id FROM trellis.approval WHERE state = 'waiting'")
        assert sorted(one for (one,) in waiting) == sorted(stored)
        asked = rows("SELECT count(*) FROM trellis.approval_task WHERE state = 'waiting'")
        assert asked == [(len(stored),)]
        assert not rows("SELECT 1 FROM trellis.firing WHERE state IN ('failed', 'due')")
    _log.info("%s records, %s reminders", len(stored), len(done))
