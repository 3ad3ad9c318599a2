"""Start the real `trellis run` for tests that look at it from outside."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from click.testing import CliRunner

from app.cli import main

if TYPE_CHECKING:
    from playwright.sync_api import Cookie

ROOT = Path(__file__).resolve().parents[1]
PASSWORD = "correct-horse-battery"

#: Nothing but what a CRM cannot do without: it starts in a third of the time.
SMALL_CONFIG = {
    "app.yaml": "name: Small\nlanguages: [en, zh]\ntime_zone: UTC\ncurrencies: [CNY]\n",
    "roles.yaml": "roles:\n  admin: {admin: yes}\n",
    "entities/thing.yaml": (
        "entity: thing\ntitle: name\n"
        "fields: {name: {type: text, required: yes}, number: {type: integer}}\n"
    ),
}

#: What the command line of each process of an installation contains.
MARKS = {
    "PostgreSQL": "bin/postgres",
    "Valkey": "valkey-server",
    "web": "app.web",
    "scheduler": "app.cli scheduler",
    "worker": "worker --queues reminders",
    "mailer": "worker --queues mail",
    "watcher": "app.watcher",
}


@dataclass
class RunningTrellis:
    """A `trellis run` of a test."""

    url: str
    data: Path
    config: Path
    process: subprocess.Popen[str]
    log: Path
    #: Cookies of browsers that signed in, by login and language.
    signed_in: dict[tuple[str, str], list[Cookie]] = field(default_factory=dict)

    def stop(self) -> float:
        """Stop it as Ctrl-C does; return how long that took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(120)
        return time.monotonic() - began

    def children(self) -> dict[str, psutil.Process]:
        """Return the processes it started, by what they do."""
        found = {}
        for child in psutil.Process(self.process.pid).children():
            try:
                words = " ".join(child.cmdline())
            except psutil.Error:
                # It has just died.
                continue
            for name, mark in MARKS.items():
                if mark in words:
                    found[name] = child
        return found


def write_small_config(folder: Path) -> Path:
    """Write a small configuration into a new folder `config` of *folder*, and return that."""
    for name, text in SMALL_CONFIG.items():
        path = folder / "config" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "config"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment_for(folder: Path, config: Path, **settings: str) -> dict[str, str]:
    """Return the environment of an installation of its own, whatever this process has set."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TRELLIS_") and name not in {"DATABASE_URL", "REDIS_URL"}
    }
    return environment | {
        "PORT": str(free_port()),
        "TRELLIS_DATA": str(folder / "var"),
        "TRELLIS_CONFIG": str(config),
        "TRELLIS_PLUGINS": str(ROOT / "plugins"),
        "TRELLIS_ADMIN_PASSWORD": PASSWORD,
        "TRELLIS_WORKERS": "1",
        **settings,
    }


def run_command(
    arguments: list[str], environment: dict[str, str], timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run `trellis` with *arguments* to its end."""
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def call_command(
    arguments: list[str], environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run `trellis` with *arguments* within this process, which saves a start of a second."""
    others = dict.fromkeys(os.environ.keys() - environment.keys())
    found = CliRunner().invoke(main, arguments, env={**others, **environment})
    return subprocess.CompletedProcess(arguments, found.exit_code, found.stdout, found.stderr)


def start_trellis(folder: Path, config: Path, **settings: str) -> RunningTrellis:
    """Start `trellis run` with a data folder below *folder* and wait until it answers."""
    environment = environment_for(folder, config, **settings)
    log = folder / "run.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "run"],
            env=environment,
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    url = f"http://127.0.0.1:{environment['PORT']}"
    # Far more than it takes: the demo is loaded while other tests use the machine.
    deadline = time.monotonic() + 300
    while "Ready after" not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            pytest.fail(f"`trellis run` did not start:\n{log.read_text()}", pytrace=False)
        time.sleep(0.1)
    with urllib.request.urlopen(f"{url}/health", timeout=10):
        pass
    return RunningTrellis(url, folder / "var", config, process, log)
