"""Starting what is measured: PostgreSQL, Trellis, stock Flask-AppBuilder, the floor."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.supervisor import web_command
from bench import floor
from bench.data import PASSWORD

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Server:
    """A web server under measurement."""

    name: str
    port: int
    pid: int

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    name: str, command: list[str], environment: Mapping[str, str], log: Path, port: int
) -> Iterator[Server]:
    """Run a web server until the block ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(port, process, log)
        yield Server(name, port, process.pid)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server and everything it started."""
    with suppress(psutil.NoSuchProcess):
        everybody = [*psutil.Process(process.pid).children(recursive=True)]
        process.terminate()
        for one in everybody:
            with suppress(psutil.NoSuchProcess):
                one.terminate()
        _, alive = psutil.wait_procs(everybody, 5)
        for one in alive:
            with suppress(psutil.NoSuchProcess):
                one.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)
    if process.poll() is None:
        process.kill()
        process.wait()


@contextmanager
def together(*several: AbstractContextManager[Server]) -> Iterator[tuple[Server, ...]]:
    """Start servers at the same time, and end them all."""
    with ExitStack() as stack, ThreadPoolExecutor(len(several)) as threads:
        yield tuple(threads.map(stack.enter_context, several))


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"A server did not start:\n{log.read_text()[-3000:]}")


def granian(target: str, port: int, *more: str, threads: int = 2) -> list[str]:
    return [
        *(sys.executable, "-m", "granian", target, "--interface", "wsgi", "--no-ws"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "2"),
        *("--blocking-threads", str(threads), "--log-level", "warning", *more),
    ]


@contextmanager
def trellis(database_url: str, data: Path, config: Path, log: Path) -> Iterator[Server]:
    port = free_port()
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "TRELLIS_DATA": str(data),
        "TRELLIS_CONFIG": str(config),
        "TRELLIS_ADMIN_PASSWORD": PASSWORD,
        "HOST": "127.0.0.1",
        "PORT": str(port),
    }
    # As it is shipped: as many processes and threads as `trellis run` has.
    with running("Trellis", web_command(), environment, log, port) as server:
        yield server


@contextmanager
def stock(database_url: str, owners: list[int], log: Path) -> Iterator[Server]:
    port = free_port()
    environment = {
        "STOCK_DATABASE": database_url.replace("postgresql://", "postgresql+psycopg://"),
        "STOCK_OWNERS": ",".join(str(one + 100) for one in owners),
    }
    command = [
        *(sys.executable, "-m", "gunicorn", "bench.stock:create_app()", "-k", "gthread"),
        *("-w", "2", "--threads", "8", "-b", f"127.0.0.1:{port}", "--keep-alive", "75"),
        *("--log-level", "warning"),
    ]
    with running("stock FAB", command, environment, log, port) as server:
        yield server


@contextmanager
def bare(database_url: str, owners: list[int], log: Path) -> Iterator[Server]:
    port = free_port()
    environment = {
        "FLOOR_DATABASE": database_url,
        "FLOOR_OWNERS": ",".join(str(one) for one in owners),
    }
    command = granian("bench.floor:application", port)
    with running("floor", command, environment, log, port) as server:
        yield server


def prepare_stock(database_url: str) -> None:
    """Create the tables, permissions and the user of the stock application."""
    address = database_url.replace("postgresql://", "postgresql+psycopg://")
    subprocess.run(
        [sys.executable, "-m", "bench.stock"],
        cwd=ROOT,
        env={**os.environ, "STOCK_DATABASE": address},
        check=True,
        stdout=subprocess.DEVNULL,
    )


def bearer(server: Server, user: str, password: str) -> dict[str, str]:
    """Sign in over the API, as Flask-AppBuilder does it, and return the header."""
    sent = json.dumps({"username": user, "password": password, "provider": "db"}).encode()
    asked = urllib.request.Request(
        server.url("/api/v1/security/login"),
        sent,
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked) as answer:
        return {"Authorization": f"Bearer {json.load(answer)['access_token']}"}


def cookie(server: Server, path: str, user: str, password: str) -> dict[str, str]:
    """Sign in as a browser does and return the cookie."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = browser.open(server.url(path)).read().decode()
    form = {"username": user, "password": password}
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    if found:
        form["csrf_token"] = found[1]
    browser.open(server.url(path), urllib.parse.urlencode(form).encode())
    return {"Cookie": "; ".join(f"{one.name}={one.value}" for one in jar)}


def signed() -> dict[str, str]:
    return {"Authorization": floor.sign(floor.TOKEN)}
