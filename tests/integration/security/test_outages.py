"""Without a database, or without a connection to spare, every way in says so, soon."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time

import pytest

from tests.integration.api.world import ApiWorld, Caller, assert_api_error, build

READS = ("/customer/", "/customer/1", "/customer/1/history", "/customer/aggregate", "/me", "/meta",
         "/search?q=x", "/openapi.json", "/files/1", "/customer/bin")  # fmt: skip


@pytest.fixture
def alone(template_database, databases, tmp_path):
    """A world whose database is taken away by the test."""
    name = databases.create(template_database("api_world", build))
    made = ApiWorld(databases.url(name), tmp_path / "var")
    made.name = name
    yield made
    made.close()
    databases.drop(name)


def test_f18_f19_without_a_database_everything_is_503(alone, databases):
    token, browser = alone.as_("root"), alone.browser("root")
    databases.drop(alone.name)
    alone.services.organisation.expire()
    alone.services.sessions.expire()
    began = time.monotonic()
    for path in READS:
        response = token.ask("GET", f"/api/v1{path}")
        assert_api_error(response, 503, "unavailable")
        assert int(response.headers["Retry-After"]) >= 1
    for method, path, body in (
        ("POST", "/customer/", {"name": "x"}),
        ("PATCH", "/customer/1", {"note": "x"}),
        ("DELETE", "/customer/1", None),
        ("POST", "/customer/batch", {"operations": [{"action": "delete", "id": 1}]}),
        ("POST", "/security/login", {"username": "sam", "password": "x"}),
    ):
        response = token.ask(method, f"/api/v1{path}", json=body)
        assert_api_error(response, 503, "unavailable")
        assert response.headers["Retry-After"]
    for path in ("/crm/customer/", "/crm/customer/1", "/me", "/setup", "/"):
        page = browser.ask("GET", path)
        assert page.status_code == 503, path
        assert page.headers["Retry-After"], path
    assert_api_error(browser.get("/me"), 503, "unavailable")
    key = Caller(alone, None, "sst_whatever")
    assert_api_error(key.get("/me"), 503, "unavailable")
    assert alone.anybody().ask("GET", "/health").status_code == 503
    assert time.monotonic() - began < 90


def test_f27_with_a_full_disk_writes_are_refused_and_reads_go_on(tmp_path):
    """On a disk of its own, in a namespace of its own; some machines allow nobody to make one."""
    away = [shutil.which("unshare") or "unshare", "--mount"]
    if os.geteuid() != 0:
        away += ["--map-current-user", "--keep-caps"]
    probe = [*away, "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)]
    found = shutil.which("unshare")
    if not found or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody make a disk of their own")
    script = [sys.executable, "-m", "tests.integration.security.small_disk", str(tmp_path)]
    done = subprocess.run(
        [*away, *script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told.pop("written") >= 1
    assert told == {
        "refused": 503, "code": "unavailable", "retry": "2", "reads": [200],
        # The room came back: it goes on without anybody's doing, and nothing is missing.
        "after": 201, "kept": [200], "same_server": True,
    }  # fmt: skip


def test_f22_who_finds_no_connection_is_told_within_five_seconds(world):
    caller = world.as_("root")
    assert caller.get("/customer/").status_code == 200
    pools = world.services.pools
    release, taken = threading.Event(), threading.Barrier(9)

    def hold():
        with pools.write.connection():
            taken.wait()
            release.wait()

    holders = [threading.Thread(target=hold) for _ in range(8)]
    for holder in holders:
        holder.start()
    taken.wait()
    try:
        began = time.monotonic()
        response = caller.patch("/customer/1", {"note": "x"})
        seconds = time.monotonic() - began
        assert_api_error(response, 503, "unavailable", says="Too many people")
        assert seconds < 20
        assert response.headers["Retry-After"]
        # Who only reads is not held up by that.
        assert caller.get("/customer/1").status_code == 200
    finally:
        release.set()
        for holder in holders:
            holder.join()
    assert caller.patch("/customer/1", {"note": "x"}).status_code == 200


def test_f21_who_waits_too_long_for_a_row_is_told_to_come_back(world):
    from sqlalchemy import text

    caller = world.as_("root")
    with world.services.pools.engine.begin() as connection:
        connection.execute(text("SELECT 1 FROM crm.customer WHERE id = 1 FOR UPDATE"))
        began = time.monotonic()
        response = caller.patch("/customer/1", {"note": "x"})
        assert_api_error(response, 409, "conflict", says="Somebody else is writing")
        assert time.monotonic() - began < 30
    assert caller.patch("/customer/1", {"note": "x"}).status_code == 200
