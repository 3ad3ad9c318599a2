"""What `trellis run` does: one installation on one machine, kept going.

It owns the data folder, starts the servers, has the configuration applied, starts the web server,
the scheduler, two workers and the watcher of the configuration folder, starts again whatever dies,
and stops everything in good order. It holds no connection and no catalog of its own, so that
nothing it starts can inherit one, and nothing that goes wrong there takes the others down. What has
to be done to database and data before the first request stands in `app.preparation`.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.data_folder import DataFolder, Running
from app.database.embedded import EmbeddedServers, embedded_servers
from app.errors import TrellisError, Unavailable
from app.processes import WAIT_FOR, kill, last_lines, spawn
from app.settings import Settings, settings_as_environment

Say = Callable[[str], None]

#: A child that dies is started again after these pauses; the last one repeats.
BACK_OFF = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
#: One that lived so long starts over with the first pause.
SETTLED = 60.0
#: What is left running after so many seconds of a stop is killed.
STOP_PATIENCE = 3.5
START_PATIENCE = 60.0


class StopRequested(BaseException):
    """Somebody pressed Ctrl-C or sent SIGTERM; no error, so nothing that catches errors sees it."""


@dataclass
class Child:
    """A process that belongs to the installation and is to run all the time."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    _deaths: int = 0
    _started: float = field(default=0.0)
    _due: float = field(default=0.0)

    def start(self) -> None:
        """Start the process."""
        self.process = spawn(self.command, log=self.log, environment=self.environment)
        self._started = time.monotonic()

    def look_after(self, say: Say) -> None:
        """Start the process again if it died, with growing pauses if it keeps dying."""
        now = time.monotonic()
        if self.process is not None:
            code = self.process.poll()
            if code is None:
                return
            # What it started itself may still run, and hold its port or its jobs.
            kill(self.process)
            self.process = None
            self._deaths = 0 if now - self._started > SETTLED else self._deaths
            pause = BACK_OFF[min(self._deaths, len(BACK_OFF) - 1)]
            self._deaths += 1
            self._due = now + pause
            how = f"signal {-code}" if code < 0 else f"code {code}"
            say(f"{self.name} ended with {how}; starting it again in {pause:g} s ({self.log})")
        if now >= self._due:
            self.start()


class Supervisor:
    """One `trellis run`."""

    def __init__(self, settings: Settings, say: Say) -> None:
        """Take the settings; *say* gets every line for the person at the terminal."""
        self.settings = settings
        self.say = say
        self.folder = DataFolder(settings.data)
        self.children: list[Child] = []

    def run(self) -> None:
        """Run until somebody asks to stop.

        Raises:
            TrellisError: it could not be started; the sentence says what to do.
        """
        began = time.monotonic()
        with _stop_signals() as wake_up:
            try:
                with self.folder.locked("trellis run"):
                    _refuse_taken_port(self.settings.host, self.settings.port)
                    with embedded_servers(self.settings, self.folder) as servers:
                        try:
                            self._start(servers, began)
                            self._keep_going(servers, wake_up)
                        finally:
                            self._stop_children()
                            self.folder.prepared.unlink(missing_ok=True)
            except StopRequested as request:
                self.say(f"Stopped by {request}.")

    def _start(self, servers: EmbeddedServers, began: float) -> None:
        settings = replace(
            self.settings,
            database_url=servers.addresses.database_url,
            redis_url=servers.addresses.redis_url,
        )
        environment = {**os.environ, **settings_as_environment(settings)}
        # The web first: people wait for it, and for nothing else. It loads its code while database
        # and data are prepared, and begins when they are.
        self.folder.prepared.unlink(missing_ok=True)
        waiting = {**environment, WAIT_FOR: str(self.folder.prepared)}
        web = self._begin("web", web_command(), waiting)
        try:
            self._prepare(environment)
        except BaseException:
            # It has served nobody yet, so there is nothing it would have to finish.
            if web.process is not None:
                kill(web.process)
            raise
        self.folder.prepared.touch()
        address = f"http://{_spoken_host(settings.host)}:{settings.port}"
        self._wait_for(web, address)
        for name, command in background_commands().items():
            self._begin(name, command, environment)
        if settings.watch:
            self._begin("watcher", [sys.executable, "-m", "app.watcher"], environment)
        self.folder.announce(Running(os.getpid(), servers.addresses, str(servers.sockets), address))
        self.say(f"Ready after {time.monotonic() - began:.1f} s: {address}")
        self.say("Ctrl-C stops it.")

    def _begin(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Child:
        child = Child(name, command, self.folder.logs / f"{name}.log", environment)
        self.children.append(child)
        child.start()
        return child

    def _prepare(self, environment: Mapping[str, str]) -> None:
        """Bring database and data up to date, in a process that is gone afterwards."""
        preparation = spawn([sys.executable, "-m", "app.preparation"], environment=environment)
        try:
            code = preparation.wait()
        except StopRequested:
            # It works in transactions, so what it has not finished has not happened.
            preparation.terminate()
            preparation.wait()
            raise
        if code != 0:
            raise TrellisError("Trellis was not started; the reason is above.")

    def _wait_for(self, web: Child, address: str) -> None:
        deadline = time.monotonic() + START_PATIENCE
        while not _answers(address):
            if web.process is None or web.process.poll() is not None:
                raise TrellisError(
                    f"The web server does not start ({web.log}):\n{last_lines(web.log)}"
                )
            if time.monotonic() > deadline:
                raise TrellisError(
                    f"The web server does not answer at {address} ({web.log}):\n"
                    f"{last_lines(web.log)}"
                )
            time.sleep(0.05)

    def _keep_going(self, servers: EmbeddedServers, wake_up: int) -> None:
        while True:
            # A child's death wakes at once; the timeout is for pauses that have run out.
            select.select([wake_up], [], [], 0.5)
            _drain(wake_up)
            try:
                for name in servers.restart_dead():
                    self.say(f"{name} had ended and was started again.")
            except Unavailable as error:
                # A full disk, say: it is tried again, and the web answers 503 until it works.
                self.say(str(error))
                time.sleep(2)
            for child in self.children:
                child.look_after(self.say)

    def _stop_children(self) -> None:
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + STOP_PATIENCE
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            finally:
                # Also what the process left behind in its group.
                kill(process)


def web_command() -> list[str]:
    """Return the command of the web server."""
    return [sys.executable, "-m", "app.web"]


def background_commands() -> dict[str, list[str]]:
    """Return the commands of what works behind the web server, by name.

    One worker never sends mail, so that a mail server that answers slowly keeps no reminder
    waiting; the other helps it when there is nothing to send.
    """
    trellis = [sys.executable, "-m", "app.cli"]
    return {
        "scheduler": [*trellis, "scheduler"],
        "worker": [*trellis, "worker", "--queues", "reminders,default"],
        "mailer": [*trellis, "worker", "--queues", "mail,default,reminders"],
    }


def run(settings: Settings, say: Say) -> None:
    """Run the installation until Ctrl-C or SIGTERM."""
    Supervisor(settings, say).run()


@contextmanager
def _stop_signals() -> Iterator[int]:
    """Turn signals into `StopRequested`; yield a descriptor that becomes readable at any signal."""
    stopping = False

    def request_stop(number: int, _frame: object) -> None:
        nonlocal stopping
        # Once: the second Ctrl-C of an impatient person must not break off the stopping.
        if not stopping:
            stopping = True
            raise StopRequested(signal.Signals(number).name)

    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    handlers = dict.fromkeys((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), request_stop)
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    # A handler must be set, or a child's death is not even noticed.
    before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    wakeup_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield reading
    finally:
        stopping = True
        signal.set_wakeup_fd(wakeup_before)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reading)
        os.close(writing)


def _drain(descriptor: int) -> None:
    try:
        while os.read(descriptor, 4096):
            pass
    except BlockingIOError:
        return


def _spoken_host(host: str) -> str:
    """Return what a person types to reach a server that listens on *host*."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound.
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _refuse_taken_port(host: str, port: int) -> None:
    """Find out before anything starts; the web server would share the port without a word."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Connections of the last run that are still winding down do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise TrellisError(
                f"Port {port} on {host} cannot be used: {error.strerror}. Stop the program that "
                f"uses it, or choose another one, for example PORT={port + 1}."
            ) from error


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=5):  # noqa: S310 - our own address.
            return True
    except urllib.error.HTTPError:
        # It answers, if only to say what is wrong.
        return True
    except OSError:
        return False
