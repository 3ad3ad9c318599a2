"""``python -m bench``: measure, print the table, and write it down with ``--write``."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from app.database.servers import PostgreSQLServer
from bench import data, scale, servers
from bench.load import Result, measure, request, tree

FIELDS = (
    "id,code,name,level,status,owner,email,currency,last_contacted_at,open_amount,"
    "contract_total,created_at"
)
LIST = f"/api/v1/customer/?fields={FIELDS}&level=a&sort=-last_contacted_at"
STOCK_LIST = (
    "/api/v1/customer/?q=(filters:!((col:level,opr:eq,value:a)),"
    "order_column:last_contacted_at,order_direction:desc,page_size:25)"
)
JSON = {"Content-Type": "application/json"}
_numbers = itertools.count(1)


@dataclass
class Line:
    """One row of the table."""

    work: str
    budget: str
    figures: dict[str, Result]
    stock_share: float | None = None
    floor_times: float | None = None

    def verdict(self) -> str:
        ours = self.figures["Trellis"].cpu_ms
        said = []
        if self.stock_share is not None:
            ratio = self.figures["stock FAB"].cpu_ms / ours
            said.append(f"1/{ratio:.1f} of stock{'' if ratio >= 1 / self.stock_share else ' ✗'}")
        if "floor" in self.figures:
            times = ours / self.figures["floor"].cpu_ms
            good = self.floor_times is None or times <= self.floor_times
            said.append(f"{times:.1f} × floor{'' if good else ' ✗'}")
        return ", ".join(said)


class Bench:
    """One run."""

    def __init__(self, folder: Path, *, quick: bool, million: bool) -> None:
        self.folder = folder
        self.quick = quick
        self.million = million
        self.seconds = 2.0 if quick else 6.0
        self.lines: list[Line] = []
        self.notes: list[tuple[str, str, str]] = []

    def run(self) -> None:
        log = self.folder / "postgresql.log"
        # Memory for the size of the data, as in any installation that is measured.
        settings = {"shared_buffers": "1GB", "max_connections": "200"}
        from app.database.servers import POSTGRESQL_SETTINGS

        self.database = PostgreSQLServer(
            self.folder / "pg",
            log,
            Path(tempfile.mkdtemp(prefix="bench-")),
            settings={**POSTGRESQL_SETTINGS, **settings},
        )
        self.database.start()
        try:
            self._compare()
            self._memory_and_crowd()
            if self.million:
                self._million()
            self._scale()
        finally:
            self.database.stop()

    @property
    def database_pid(self) -> int:
        name = "postgres"
        mine = [p for p in psutil.process_iter(["name", "cmdline"]) if p.info["name"] == name]
        for process in mine:
            if str(self.folder / "pg") in " ".join(process.info["cmdline"] or []):
                return int(process.pid)
        raise SystemExit("PostgreSQL is not running.")

    def _prepare(self) -> None:
        for name in ("crm", "stock"):
            self.database.create_database(name)
        self.url = self.database.url("crm")
        self.stock_url = self.database.url("stock")
        self.services = data.open_trellis(self.url, self.folder / "var", servers.ROOT / "config")
        self.manager, self.sellers = data.add_people(self.services)
        data.fill_customers(self.services, self.sellers, 1, 10_000)
        servers.prepare_stock(self.stock_url)
        data.fill_stock(self.stock_url, self.sellers, 10_000)
        self.own = [self.manager, *self.sellers[: data.SELLERS // 3]]

    def _trellis(self):  # noqa: ANN202 - a context manager of servers.
        return servers.trellis(
            self.url, self.folder / "var", servers.ROOT / "config", self.folder / "trellis.log"
        )

    def _compare(self) -> None:
        self._prepare()
        with (
            self._trellis() as ours,
            servers.stock(self.stock_url, self.own, self.folder / "stock.log") as stock,
            servers.bare(self.url, self.own, self.folder / "floor.log") as floor,
        ):
            token = servers.bearer(ours, "manager", data.PASSWORD)
            browser = servers.cookie(ours, "/sign-in", "manager", data.PASSWORD)
            theirs = servers.bearer(stock, "manager", "bench-1234")
            their_browser = servers.cookie(stock, "/login/", "manager", "bench-1234")
            signed = servers.signed()

            def three(path, stock_path, floor_path):
                return (
                    (ours, lambda: _repeat("GET", path, token)),
                    (stock, lambda: _repeat("GET", stock_path, theirs)),
                    (floor, lambda: _repeat("GET", floor_path, signed)),
                )

            self._line("API list", "≤ 1/20 of stock, ≤ 4 × floor", 1 / 20, 4,
                       three(LIST, STOCK_LIST, "/list?level=a"))  # fmt: skip
            ids = self._some_ids()
            self._line("API get", "≤ 1/15 of stock", 1 / 15, None, (
                (ours, lambda: _each("/api/v1/customer/{}", ids, token)),
                (stock, lambda: _each("/api/v1/customer/{}", ids, theirs)),
                (floor, lambda: _each("/get/{}", ids, signed)),
            ))  # fmt: skip
            self._line("API create", "≤ 1/4 of stock", 1 / 4, None, (
                (ours, lambda: _creates("/api/v1/customer/", token, stock=False)),
                (stock, lambda: _creates("/api/v1/customer/", theirs, stock=True)),
                (floor, lambda: _creates("/create", signed, stock=False)),
            ), expected=201)  # fmt: skip
            self._line("HTML list", "≤ 1/8 of stock", 1 / 8, None, (
                (ours, lambda: _repeat("GET", "/crm/customer/", browser)),
                (stock, lambda: _repeat("GET", "/customerview/list/", their_browser)),
                (floor, lambda: _repeat("GET", "/html", signed)),
            ))  # fmt: skip

    def _line(self, work, budget, share, times, servers_, expected=200):
        figures = {}
        for server, requests in servers_:
            figures[server.name] = self._measure(server, requests, expected=expected)
        self.lines.append(Line(work, budget, figures, share, times))
        print(f"  {work}: {self.lines[-1].verdict()}", flush=True)

    def _measure(self, server, requests, *, connections=16, expected=200) -> Result:
        result = measure(
            server.port,
            requests,
            server=server.pid,
            database=self.database_pid,
            connections=connections,
            seconds=self.seconds,
            warm_up=0.7 if self.quick else 2.0,
            expected=expected,
        )
        if result.failures:
            print(f"  {server.name}: {result.failures} wrong answers: {result.example[:300]!r}")
        return result

    def _some_ids(self) -> list[int]:
        import sqlalchemy as sa

        table = self.services.live.release.tables["customer"]
        chosen = sa.select(table.c.id).where(table.c.owner.in_(self.own)).limit(500)
        with self.services.pools.engine.connect() as connection:
            return list(connection.scalars(chosen))

    def _memory_and_crowd(self) -> None:
        with self._trellis() as ours:
            token = servers.bearer(ours, "manager", data.PASSWORD)
            browser = servers.cookie(ours, "/sign-in", "manager", data.PASSWORD)
            self._measure(ours, lambda: _repeat("GET", "/crm/customer/", browser))
            crowd = self._measure(ours, lambda: _repeat("GET", LIST, token), connections=200)
            said = f"{crowd.failures} errors, p95 {crowd.percentile(0.95):.0f} ms"
            self.notes.append(("200 connections, API list", "no errors, p95 ≤ 150 ms", said))
            largest = max(_pss(pid) for pid in tree(ours.pid)[1:])
            self.notes.append(("memory of a web process", "≤ 120 MB", f"{largest:.0f} MB (PSS)"))

    def _million(self) -> None:
        small = self._latencies()
        data.fill_customers(self.services, self.sellers, 10_001, 1_000_000)
        large = self._latencies()
        for work in small:
            ratio = large[work] / small[work]
            said = f"{small[work]:.1f} → {large[work]:.1f} ms: {ratio:.2f} ×"
            self.notes.append((f"1,000,000 against 10,000, {work} p95", "≤ 1.5 ×", said))

    def _latencies(self) -> dict[str, float]:
        with self._trellis() as ours:
            token = servers.bearer(ours, "manager", data.PASSWORD)
            browser = servers.cookie(ours, "/sign-in", "manager", data.PASSWORD)
            works = {
                "API list": lambda: _repeat("GET", LIST, token),
                "HTML list": lambda: _repeat("GET", "/crm/customer/", browser),
            }
            return {
                name: self._measure(ours, requests, connections=4).percentile(0.95)
                for name, requests in works.items()
            }

    def _scale(self) -> None:
        self.services.close()
        self.database.create_database("big")
        checked, live = scale.measure(self.database.url("big"), self.folder)
        self.notes.append(
            ("500 entities of 20 fields, `trellis check`", "≤ 2 s", f"{checked:.2f} s")
        )
        self.notes.append(("500 entities, a field from save to live", "≤ 1 s", f"{live:.2f} s"))

    def table(self) -> str:
        rows = [
            "| work | server | requests/s | p50 ms | p95 ms | p99 ms | CPU ms | database CPU ms | |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        for line in self.lines:
            for name, one in line.figures.items():
                said = f"{line.verdict()} (budget {line.budget})" if name == "Trellis" else ""
                rows.append(
                    f"| {line.work} | {name} | {one.per_second:,.0f} | {one.percentile(0.5):.1f} "
                    f"| {one.percentile(0.95):.1f} | {one.percentile(0.99):.1f} "
                    f"| {one.cpu_ms:.2f} | {one.database_ms:.2f} | {said} |"
                )
        rows += ["", "| measure | budget | measured |", "|---|---|---|"]
        rows += [f"| {what} | {budget} | {said} |" for what, budget, said in self.notes]
        return "\n".join(rows)


def _repeat(method: str, path: str, headers: dict[str, str]) -> Iterator[bytes]:
    return itertools.repeat(request(method, path, headers))


def _each(path: str, ids: list[int], headers: dict[str, str]) -> Iterator[bytes]:
    return itertools.cycle([request("GET", path.format(one), headers) for one in ids])


def _creates(path: str, headers: dict[str, str], *, stock: bool) -> Iterator[bytes]:
    for number in _numbers:
        sent = {"name": f"New {number} {os.getpid()}", "email": f"n{number}@bench.example"}
        sent |= {"level": "b"} if not stock else {"level": "b", "status": "active", "owner": 1}
        yield request("POST", path, {**headers, **JSON}, json.dumps(sent).encode())


def _pss(pid: int) -> float:
    """Return a process' share of memory in megabytes."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    line = next(line for line in text.splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) / 1024


def machine() -> str:
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = psutil.virtual_memory().total / 2**30
    return f"{psutil.cpu_count()} × {cpu}, {memory:.0f} GB, Python {platform.python_version()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute, without the million")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    given = parser.parse_args()
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="trellis-bench-"))
    print(f"On {machine()}:")
    bench = Bench(folder, quick=given.quick, million=not given.quick)
    try:
        bench.run()
    except BaseException:
        for log in folder.glob("*.log"):
            print(f"--- {log.name}\n{log.read_text()[-2000:]}", file=sys.stderr)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(bench.table())
    print(f"\nMeasured in {time.monotonic() - began:.0f} s.")
    if given.write:
        page = servers.ROOT / "docs" / "performance.md"
        text = page.read_text("utf-8")
        head, _, _ = text.partition("<!-- figures -->")
        day = datetime.now(UTC).date().isoformat()
        page.write_text(
            f"{head}<!-- figures -->\n\nMeasured on {day}, {machine()}.\n\n{bench.table()}\n",
            "utf-8",
        )


if __name__ == "__main__":
    main()
