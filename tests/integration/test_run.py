"""`trellis run` as a whole: it starts, survives the death of its parts, and stops."""

import http.client
import json
import signal
import socket
import time
import urllib.request

import psutil
import pytest

from tests.running import MARKS, environment_for, run_command, start_trellis, write_small_config


def wait_until(condition):
    """Wait for what takes a second, or two minutes where the machine has much else to do."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def answers(running) -> bool:
    try:
        with urllib.request.urlopen(f"{running.url}/health", timeout=5) as response:
            return response.status == 200
    except (OSError, http.client.HTTPException):
        return False


def status(running) -> str:
    try:
        with urllib.request.urlopen(f"{running.url}/health", timeout=5) as response:
            return json.load(response)["status"]
    except (OSError, http.client.HTTPException):
        return "away"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write_small_config(folder)
    return folder


@pytest.fixture(scope="module")
def installation(folder):
    running = start_trellis(folder, folder / "config", TRELLIS_DEMO="no")
    yield running
    if running.process.poll() is None:
        stop_cleanly(running, signal.SIGINT)


@pytest.fixture
def running(installation):
    """The installation, started again if a test has left it stopped."""
    if installation.process.poll() is not None:
        start_again(installation)
    wait_until(lambda: installation.children().keys() == MARKS.keys())
    return installation


def start_again(running):
    folder = running.config.parent
    again = start_trellis(folder, running.config, TRELLIS_DEMO="no")
    running.process, running.url, running.log = again.process, again.url, again.log


def stop_cleanly(running, number):
    children = list(psutil.Process(running.process.pid).children(recursive=True))
    running.process.send_signal(number)
    # Four seconds at most on an idle machine; what does not end by itself is killed.
    assert running.process.wait(120) == 0
    assert not any(child.is_running() for child in children)
    assert running.log.read_text().endswith(f"Stopped by {number.name}.\n")


@pytest.mark.xdist_group("run")
class TestRunning:
    """All of it looks at one installation, one after the other."""

    @pytest.mark.parametrize("name", ["web", "worker", "watcher", "Valkey", "PostgreSQL"])
    def test_what_is_killed_is_started_again(self, running, name):
        before = running.children()
        before[name].kill()
        wait_until(lambda: running.children().get(name) not in (None, before[name]))
        wait_until(lambda: answers(running))
        others = {other: before[other] for other in before if other != name}
        now = running.children()
        assert {other: now[other] for other in now if other in others} == others

    def test_a_killed_process_of_the_web_server_is_replaced(self, running):
        web = running.children()["web"]
        (process,) = [
            child for child in web.children() if "resource_tracker" not in str(child.cmdline())
        ]
        process.kill()
        wait_until(lambda: answers(running) and process not in web.children())
        assert running.children()["web"] == web

    def test_a_second_run_on_the_same_data_is_refused(self, running, folder):
        second = run_command(["run"], environment_for(folder, folder / "config"))
        assert second.returncode == 1
        assert f"is in use by `trellis run` (process {running.process.pid})" in second.stderr

    @pytest.mark.usefixtures("running")
    def test_other_commands_use_its_database(self, folder):
        told = run_command(
            ["psql", "-Atc", "SELECT current_database()"],
            environment_for(folder, folder / "config"),
        )
        assert told.stdout == "trellis\n"

    def test_a_killed_run_leaves_nothing_behind_and_starts_again(self, running):
        children = list(psutil.Process(running.process.pid).children(recursive=True))
        running.process.kill()
        running.process.wait()
        wait_until(lambda: not any(child.is_running() for child in children))
        start_again(running)
        assert answers(running)

    def test_f31_a_broken_configuration_leaves_the_last_one_serving(self, running, folder):
        """F31: garbage in a file neither stops a running CRM nor hinders the next start."""
        file = folder / "config" / "entities" / "thing.yaml"
        written = file.read_bytes()
        try:
            file.write_bytes(b"\xff\xfe: [\n")
            watcher_log = folder / "var" / "log" / "watcher.log"
            wait_until(lambda: "thing.yaml" in watcher_log.read_text())
            wait_until(lambda: status(running) == "degraded")
            assert answers(running)
            stop_cleanly(running, signal.SIGTERM)
            start_again(running)
            assert answers(running)
            assert "thing.yaml" in running.log.read_text()
        finally:
            file.write_bytes(written)


def test_a_port_that_is_taken_is_refused_with_a_way_out(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        told = run_command(["run"], environment_for(tmp_path, tmp_path / "config", PORT=port))
    assert told.returncode == 1
    assert f"Port {port} on 127.0.0.1 cannot be used" in told.stderr
    assert f"PORT={int(port) + 1}" in told.stderr


def test_a_misspelt_setting_stops_before_anything_starts(tmp_path):
    told = run_command(["run"], environment_for(tmp_path, tmp_path / "config", TRELLIS_WROKERS="2"))
    assert told.returncode == 2
    assert "Did you mean `TRELLIS_WORKERS`?" in told.stderr
    assert not (tmp_path / "var").exists()


@pytest.mark.xdist_group("run")
def test_f31_a_broken_configuration_refuses_the_first_start_with_its_problems(tmp_path):
    """F31, the first start: there is nothing older to serve."""
    config = write_small_config(tmp_path)
    (config / "entities" / "thing.yaml").write_text("entity: thing\n  x: [")
    told = run_command(["run"], environment_for(tmp_path, config))
    assert told.returncode == 1
    assert "thing.yaml:2:" in told.stdout + told.stderr
