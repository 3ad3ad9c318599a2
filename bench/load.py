"""A closed loop of requests over kept-alive connections, and the CPU time the servers spend on it.

The client shares the machine with the servers, so requests per second say little; the CPU time of
the server's processes for each request is what can be compared.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Result:
    """What one load showed."""

    requests: int = 0
    failures: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    #: CPU seconds of the application's processes, and of the database's
    application: float = 0.0
    database: float = 0.0
    #: CPU seconds of this process, which is one thread: at most as many as the load lasted
    client: float = 0.0
    example: bytes = b""

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds if self.seconds else 0.0

    @property
    def cpu_ms(self) -> float:
        return 1000 * self.application / self.requests if self.requests else float("nan")

    @property
    def database_ms(self) -> float:
        return 1000 * self.database / self.requests if self.requests else float("nan")

    @property
    def is_of_the_client(self) -> bool:
        """Whether the figures show how fast the client is, not the server."""
        return self.client > 0.9 * self.seconds

    def percentile(self, share: float) -> float:
        """Return a latency in milliseconds."""
        if not self.latencies:
            return float("nan")
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Connection(asyncio.Protocol):
    """One kept-alive connection that sends one request after the other."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.buffer = b""
        self.needed: int | None = None
        self.status = 0
        self.sent_at = 0.0
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        if time.perf_counter() >= self.load.until:
            self.transport.close()  # type: ignore[attr-defined]
            return
        self.sent_at = time.perf_counter()
        self.transport.write(next(self.load.requests))  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if self.needed is None:
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            self.status = int(head[9:12])
            length = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line[15:])
            self.needed, self.buffer = length, rest
        if len(self.buffer) < self.needed:
            return
        self.load.count(time.perf_counter() - self.sent_at, self.status, self.buffer)
        self.buffer, self.needed = b"", None
        self.send()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)


class Load:
    """One measurement."""

    def __init__(self, requests: Iterator[bytes], expected: int, result: Result) -> None:
        self.requests = requests
        self.expected = expected
        self.result = result
        self.until = 0.0

    def count(self, seconds: float, status: int, body: bytes) -> None:
        self.result.requests += 1
        self.result.latencies.append(seconds)
        if status != self.expected:
            self.result.failures += 1
            self.result.example = body[:500]
        elif not self.result.example:
            self.result.example = body[:500]

    async def run(self, port: int, connections: int, seconds: float) -> None:
        self.until = time.perf_counter() + seconds
        loop = asyncio.get_running_loop()
        open_ones = []
        for _ in range(connections):
            _, protocol = await loop.create_connection(lambda: Connection(self), "127.0.0.1", port)
            open_ones.append(protocol)
        await asyncio.wait([one.closed for one in open_ones], timeout=seconds + 10)


def cpu_seconds(pids: Sequence[int]) -> float:
    """Return the CPU time that processes have used, those that ended left out."""
    total = 0
    for pid in pids:
        try:
            words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(words[11]) + int(words[12])
    return total / TICKS


def tree(pid: int) -> list[int]:
    """Return a process and everything below it."""
    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]


def measure(
    port: int,
    requests: Callable[[], Iterator[bytes]],
    *,
    server: int,
    database: int,
    connections: int = 16,
    seconds: float = 5.0,
    warm_up: float = 1.5,
    expected: int = 200,
) -> Result:
    """Send requests for some seconds and return what that showed."""
    asyncio.run(Load(requests(), expected, Result()).run(port, connections, warm_up))
    result = Result()
    application, backends = tree(server), tree(database)
    before = cpu_seconds(application), cpu_seconds(backends)
    began, own = time.perf_counter(), time.process_time()
    asyncio.run(Load(requests(), expected, result).run(port, connections, seconds))
    result.seconds = time.perf_counter() - began
    result.client = time.process_time() - own
    result.application = cpu_seconds(application) - before[0]
    result.database = cpu_seconds(backends) - before[1]
    return result


def request(
    method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> bytes:
    """Return the bytes of one HTTP request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body or method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
