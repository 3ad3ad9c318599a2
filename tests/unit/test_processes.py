"""Children that do not outlive their parent."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from app.processes import is_alive, kill, last_lines, spawn, stop
from app.supervisor import Child


def wait_until(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


PARENT = """
import sys, time
from app.processes import spawn
print(spawn(["sleep", "600"]).pid, flush=True)
time.sleep(600)
"""


def test_a_child_dies_with_its_killed_parent():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    assert is_alive(child)
    parent.kill()
    parent.communicate()
    wait_until(lambda: not is_alive(child))


def test_a_zombie_is_not_alive():
    process = subprocess.Popen(["true"])
    wait_until(lambda: not is_alive(process.pid))
    assert process.wait() == 0


def test_the_output_is_kept_and_a_big_log_is_put_aside(tmp_path):
    log = tmp_path / "log" / "x.log"
    spawn([sys.executable, "-c", "print('one')"], log=log).wait()
    spawn([sys.executable, "-c", "print('two')"], log=log).wait()
    assert last_lines(log) == "one\ntwo"
    assert log.stat().st_mode & 0o777 == 0o600
    with log.open("ab") as file:
        file.truncate(17 * 1024 * 1024)
    spawn([sys.executable, "-c", "print('three')"], log=log).wait()
    assert last_lines(log) == "three"
    assert log.with_name("x.log.1").exists()


def test_stop_is_patient_and_kill_is_not():
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True)"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{deaf}; time.sleep(600)"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    process.stdout.readline()
    assert stop(process, signal.SIGTERM, 0.1) is False
    kill(process)
    assert process.returncode == -signal.SIGKILL
    process.stdout.close()
    assert stop(process, signal.SIGTERM, 0.1) is True


def test_a_child_that_dies_is_started_again_with_growing_pauses(tmp_path):
    told = []
    child = Child(
        "web", [sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "log", os.environ
    )
    child.start()

    def look():
        child.look_after(told.append)
        return len(told) >= 3

    wait_until(look)
    assert told[0] == f"web ended with code 3; starting it again in 0 s ({tmp_path / 'log'})"
    assert told[1].startswith("web ended with code 3; starting it again in 0.5 s")
    assert told[2].startswith("web ended with code 3; starting it again in 1 s")


def test_last_lines_of_a_log_that_is_not_there_are_none(tmp_path: Path):
    assert last_lines(tmp_path / "none.log") == ""
