"""The web keeps its promises when it or PostgreSQL is killed: a real `trellis run`, from outside."""

import http.client
import json
import signal
import threading
import time
import urllib.error
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psutil
import pytest

from tests.running import PASSWORD, start_trellis, write_small_config


@pytest.fixture(scope="module")
def trellis(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    running = start_trellis(folder, write_small_config(folder), TRELLIS_DEMO="no")
    yield running
    running.stop()


class Caller:
    """A program that writes over HTTP and remembers what it was told."""

    def __init__(self, trellis):
        self.url = trellis.url
        self.token = ""
        body = {"username": "admin", "password": PASSWORD}
        deadline = time.monotonic() + 120
        while not self.token:
            status, answer, _ = self.ask("POST", "/security/login", body)
            if status == 200:
                self.token = answer["access_token"]
            elif time.monotonic() > deadline:
                pytest.fail(f"nobody could sign in: {status} {answer}")
            else:
                time.sleep(0.2)

    def ask(self, method, path, body=None, **headers):
        """Return status, JSON and headers; None for no answer at all."""
        request = urllib.request.Request(
            f"{self.url}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Content-Type": "application/json",
                **({"Authorization": f"Bearer {self.token}"} if self.token else {}),
                **headers,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.loads(response.read() or b"null"), response.headers
        except urllib.error.HTTPError as error:
            text = error.read()
            return error.code, json.loads(text) if text[:1] == b"{" else text, error.headers
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            return None, None, {}

    def wait(self, seconds=120):
        """Wait until a list can be read again."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.ask("GET", "/thing/?limit=1")[0] == 200:
                return
            time.sleep(0.1)
        pytest.fail("it did not serve again in time")


class Load:
    """Several programs that write as fast as they can, each write with a key of its own."""

    def __init__(self, trellis, threads=3):
        self.trellis, self.stop = trellis, threading.Event()
        #: name of a record: its number, or None where nobody answered
        self.told, self.failures, self.lock = {}, [], threading.Lock()
        callers = [Caller(trellis) for _ in range(threads)]
        self.threads = [threading.Thread(target=self.write, args=[one]) for one in callers]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def write(self, caller):
        while not self.stop.is_set():
            name = uuid.uuid4().hex
            status, answer, headers = caller.ask(
                "POST", "/thing/", {"name": name}, **{"Idempotency-Key": name}
            )
            with self.lock:
                self.told[name] = answer["id"] if status == 201 else None
                if status == 503:
                    if int(headers["Retry-After"]) < 1:
                        self.failures.append((status, answer))
                elif status not in (201, None):
                    self.failures.append((status, answer))
            # Programs that ask without a breath would only show how fast the machine is.
            time.sleep(0.02 if status == 201 else 0.05)


def check(trellis, load):
    """Every acknowledged write is there, once and whole; the others may be sent again."""
    caller = Caller(trellis)
    caller.wait()
    assert load.failures == []
    acknowledged = {name: number for name, number in load.told.items() if number}
    assert acknowledged
    for name in [name for name, number in load.told.items() if number is None]:
        status, answer, _ = caller.ask(
            "POST", "/thing/", {"name": name}, **{"Idempotency-Key": name}
        )
        assert status == 201
        acknowledged[name] = answer["id"]
    found, after = {}, ""
    while after is not None:
        query = (
            f"/thing/?fields=id,name&sort=id&limit=100&after={after}"
            if after
            else "/thing/?fields=id,name&sort=id&limit=100"
        )
        status, page, _ = caller.ask("GET", query)
        assert status == 200
        # Not what other tests wrote without a key, which may have come to pass late and twice.
        for row in (row for row in page["rows"] if row["name"] in load.told):
            assert row["name"] not in found, "written twice"
            found[row["name"]] = row["id"]
        after = page["next"]
    assert {name: found.get(name) for name in acknowledged} == acknowledged
    for number in list(acknowledged.values())[-5:]:
        lines = caller.ask("GET", f"/thing/{number}/history")[1]["rows"]
        assert [line["action"] for line in lines] == ["create"]


def send(processes, what):
    """Kill, suspend or resume them all; some may end by themselves when another does."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            getattr(process, what)()


def workers(trellis):
    """The processes that answer: children of the web server."""
    web = trellis.children().get("web")
    return web.children(recursive=True) if web else []


def test_f1_a_killed_web_process_loses_nothing_it_acknowledged(trellis):
    with Load(trellis) as load:
        for _ in range(3):
            time.sleep(0.6)
            send(workers(trellis), "kill")
        time.sleep(0.5)
    check(trellis, load)


def postmaster(trellis):
    return trellis.children()["PostgreSQL"]


def test_f20_a_killed_postgresql_keeps_what_it_committed(trellis):
    with Load(trellis) as load:
        time.sleep(1)
        family = [postmaster(trellis), *postmaster(trellis).children(recursive=True)]
        send(family, "kill")
        psutil.wait_procs(family, timeout=10)
        time.sleep(2)
    check(trellis, load)


def test_f18_a_restart_of_postgresql_is_a_pause(trellis):
    before = postmaster(trellis).pid
    with Load(trellis) as load:
        time.sleep(0.5)
        postmaster(trellis).send_signal(signal.SIGINT)
        time.sleep(2.5)
    check(trellis, load)
    assert postmaster(trellis).pid != before


def test_f19_without_postgresql_everything_says_so_at_once(trellis):
    caller = Caller(trellis)
    supervisor = psutil.Process(trellis.process.pid)
    # It would start PostgreSQL again at once; a machine that is down stays down for a while.
    supervisor.suspend()
    try:
        family = [postmaster(trellis), *postmaster(trellis).children(recursive=True)]
        send(family, "kill")
        time.sleep(0.5)
        for method, path, body in (
            ("GET", "/thing/?limit=1", None),
            ("POST", "/thing/", {"name": "x"}),
            ("GET", "/me", None),
            ("POST", "/security/login", {"username": "admin", "password": "x"}),
        ) * 2:
            began = time.monotonic()
            status, answer, headers = caller.ask(method, path, body)
            if path == "/me" and status == 200:
                continue  # Who asks was known a moment ago; nothing else is needed.
            assert (status, answer["error"]["code"]) == (503, "unavailable"), path
            assert int(headers["Retry-After"]) >= 1
            assert time.monotonic() - began < 5
    finally:
        supervisor.resume()
    caller.wait()
    assert caller.ask("POST", "/thing/", {"name": "back"})[0] == 201


def test_f19_a_postgresql_that_stands_still_is_told_and_goes_on(trellis):
    """It neither answers nor hangs up: no limit of its own can help those who wait."""
    caller = Caller(trellis)
    supervisor = psutil.Process(trellis.process.pid)
    supervisor.suspend()
    family = [postmaster(trellis), *postmaster(trellis).children(recursive=True)]
    send(family, "suspend")
    try:
        waits = []
        with ThreadPoolExecutor(6) as pool:
            for found in pool.map(timed, [caller] * 6, range(6)):
                waits.append(found[1])
                assert found[0] == 503
        assert max(waits) < 12
        # Now it is known; nobody waits any more.
        for number in range(2):
            status, seconds = timed(caller, number)
            assert status == 503
            assert seconds < 4
        address = f"{trellis.url}/readyz"
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(address, timeout=30)
    finally:
        send(family, "resume")
        supervisor.resume()
    caller.wait()
    assert caller.ask("POST", "/thing/", {"name": "on"})[0] == 201
    deadline = time.monotonic() + 120
    while trellis_health(trellis).get("background", {}).get("scheduler") != "leads":
        assert time.monotonic() < deadline, trellis_health(trellis)
        time.sleep(0.2)


def timed(caller, number):
    """Read or write; return what was answered, and after how long."""
    began = time.monotonic()
    method, path, body = ("GET", "/thing/?limit=1", None)
    if number % 2:
        method, path, body = ("POST", "/thing/", {"name": "x"})
    return caller.ask(method, path, body)[0], time.monotonic() - began


def trellis_health(trellis):
    with urllib.request.urlopen(f"{trellis.url}/healthz", timeout=10) as response:
        return json.loads(response.read())


def test_f32_files_that_are_saved_in_pieces_are_taken_up_as_one(trellis):
    """Twelve files, each linking to the next: before the last is there, none can be applied."""
    logs = list(trellis.log.parent.rglob("*.log"))
    before = applied(logs)
    names = [f"part_{number:02}" for number in range(12)]
    for number, name in enumerate(names):
        following = names[number + 1] if number + 1 < len(names) else "thing"
        (trellis.config / "entities" / f"{name}.yaml").write_text(
            f"entity: {name}\ntitle: name\n"
            f"fields: {{name: {{type: text}}, next: {{type: link, to: {following}}}}}\n"
        )
        time.sleep(0.04)
    caller = Caller(trellis)
    deadline = time.monotonic() + 120
    while caller.ask("GET", f"/{names[-1]}/")[0] != 200:
        assert time.monotonic() < deadline, [path.read_text()[-2000:] for path in logs]
        time.sleep(0.1)
    assert caller.ask("GET", f"/{names[0]}/")[0] == 200
    assert applied(logs) == before + 1


def applied(logs):
    """Return how often a version became live; its number may jump when PostgreSQL was killed."""
    return sum(path.read_text().count(" is live.") for path in logs)
