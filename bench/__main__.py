"""``python -m bench``: measure, print the table, and write it down with ``--write``."""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil
import sqlalchemy as sa

from app.database.servers import POSTGRESQL_SETTINGS, PostgreSQLServer
from app.services import Services
from bench import browsing, changes, data, exports, imports, pages, scale, servers, starting
from bench.automation import AutomationBench
from bench.load import Result, measure, request, tree
from bench.report import SHORT, Row, compared, crowded, left_out, machine, noise, pss, tables

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
#: What can be measured, in this order; `--only` picks some.
PARTS = {
    "requests": "list, get, create and page, beside stock Flask-AppBuilder and the floor",
    "connections": "two hundred of them at once, beside the floor",
    "size": "a million customers against ten thousand",
    "pages": "what people look at all day, at ten thousand customers and at a million; in Chromium",
    "changes": "undoing a bulk edit and an import of a hundred thousand",
    "imports": "a thousand, a hundred thousand and a million customers, beside a bare COPY",
    "exports": "a hundred thousand customers as files, and everything out",
    "entities": "five hundred of them: a check, and a field from save to live",
    "automation": "dated rules: a write, a tick, a burst, a changed rule",
    "starts": "from an empty folder, and afterwards",
}


class Bench:
    """One run."""

    def __init__(self, folder: Path, *, quick: bool, parts: Sequence[str] = tuple(PARTS)) -> None:
        self.folder = folder
        self.quick = quick
        self.parts = frozenset(parts)
        self.seconds = 1.2 if quick else 6.0
        self.figures: dict[str, dict[str, Result]] = {}
        self.rows: list[Row] = []
        self.services: Services | None = None
        #: a browser draws what is on a page, however much there is behind it: once is enough
        self.browsed = False

    def run(self) -> None:
        # Memory for the size of the data, as in any installation that is measured.
        settings = {"shared_buffers": "1GB", "max_connections": "200"}
        self.database = PostgreSQLServer(
            self.folder / "pg",
            self.folder / "postgresql.log",
            Path(tempfile.mkdtemp(prefix="bench-")),
            settings={**POSTGRESQL_SETTINGS, **settings},
        )
        self.database.start()
        try:
            if self.parts & {"requests", "connections", "size", "pages", "changes", "exports"}:
                self._prepare()
            if self.parts & {"requests", "connections"}:
                self._serve()
            if self.parts & {"size", "pages"}:
                self._million()
            if "changes" in self.parts:
                for row in changes.measure(self.services, self.sellers, quick=self.quick):
                    self._add(row)
            if "exports" in self.parts:
                fields = tuple(FIELDS.split(",")[1:])
                for row in exports.measure(self.services, self.sellers, fields, quick=self.quick):
                    self._add(row)
            if "imports" in self.parts:
                self._imports()
            if "entities" in self.parts:
                self._scale()
            if "automation" in self.parts:
                self._automation()
        finally:
            if self.services is not None:
                self.services.close()
            self.database.stop()
        if "starts" in self.parts:
            self._start()

    @property
    def database_pid(self) -> int:
        mine = [p for p in psutil.process_iter(["name", "cmdline"]) if p.info["name"] == "postgres"]
        for process in mine:
            if str(self.folder / "pg") in " ".join(process.info["cmdline"] or []):
                return int(process.pid)
        raise SystemExit("PostgreSQL is not running.")

    def _prepare(self) -> None:
        for name in ("crm", "stock"):
            self.database.create_database(name)
        self.url = self.database.url("crm")
        self.services = data.open_trellis(self.url, self.folder / "var", servers.ROOT / "config")
        self.manager, self.sellers = data.add_people(self.services)
        data.fill_customers(self.services, self.sellers, 1, 10_000)
        self.own = [self.manager, *self.sellers[: data.SELLERS // 3]]

    def _trellis(self):
        return servers.trellis(
            self.url, self.folder / "var", servers.ROOT / "config", self.folder / "trellis.log"
        )

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        print(f"  {row.what}: {row.said}{f' {SHORT}' if row.good is False else ''}", flush=True)

    # -- beside stock FAB and the floor ------------------------------------------------------------

    def _serve(self) -> None:
        with servers.together(
            self._trellis(), servers.bare(self.url, self.own, self.folder / "floor.log")
        ) as (ours, floor):
            token, signed = servers.bearer(ours, "manager", data.PASSWORD), servers.signed()
            lists = (
                (ours, lambda: _repeat("GET", LIST, token)),
                (floor, lambda: _repeat("GET", "/list?level=a", signed)),
            )
            if "requests" in self.parts:
                self._compare(ours, floor, token, signed, lists)
            if "connections" in self.parts:
                self._crowd(lists)
            # After everything that leaves something in memory.
            largest = max(pss(pid) for pid in tree(ours.pid)[1:])
            said = f"{largest:.0f} MB (PSS)"
            self._add(Row("memory of a web process", "≤ 120 MB", said, largest <= 120))

    def _compare(self, ours, floor, token, signed, lists) -> None:
        stock_url = self.database.url("stock")
        servers.prepare_stock(stock_url)
        data.fill_stock(stock_url, self.sellers, 10_000)
        with servers.stock(stock_url, self.own, self.folder / "stock.log") as stock:
            browser = servers.cookie(ours, "/sign-in", "manager", data.PASSWORD)
            theirs = servers.bearer(stock, "manager", "bench-1234")
            their_browser = servers.cookie(stock, "/login/", "manager", "bench-1234")
            ids = self._some_ids()
            self._line("API list, 25 rows of 12 fields", 1 / 20, 4, (
                lists[0], (stock, lambda: _repeat("GET", STOCK_LIST, theirs)), lists[1],
            ))  # fmt: skip
            self._line("API get", 1 / 15, None, (
                (ours, lambda: _each("/api/v1/customer/{}", ids, token)),
                (stock, lambda: _each("/api/v1/customer/{}", ids, theirs)),
                (floor, lambda: _each("/get/{}", ids, signed)),
            ))  # fmt: skip
            self._line("API create, with checks, history and event", 1 / 4, None, (
                (ours, lambda: _creates("/api/v1/customer/", token, stock=False)),
                (stock, lambda: _creates("/api/v1/customer/", theirs, stock=True)),
                (floor, lambda: _creates("/create", signed, stock=False)),
            ), expected=201)  # fmt: skip
            self._line("HTML list page", 1 / 8, None, (
                (ours, lambda: _repeat("GET", "/crm/customer/", browser)),
                (stock, lambda: _repeat("GET", "/customerview/list/", their_browser)),
                (floor, lambda: _repeat("GET", "/html", signed)),
            ))  # fmt: skip

    def _line(self, work, share, times, servers_, expected=200):
        figures = {
            server.name: self._measure(server, requests, expected=expected)
            for server, requests in servers_
        }
        self.figures[work] = figures
        self._add(compared(work, figures, share, times))

    def _measure(self, server, requests, *, connections=16, expected=200) -> Result:
        result = measure(
            server.port,
            requests,
            server=server.pid,
            database=self.database_pid,
            connections=connections,
            seconds=self.seconds,
            warm_up=0.4 if self.quick else 2.0,
            expected=expected,
        )
        if result.failures or not result.requests:
            print(
                f"  {server.name}: {result.requests} answers, {result.failures} of them wrong: "
                f"{result.example[:300]!r}"
            )
        return result

    def _some_ids(self) -> list[int]:
        table = self.services.live.release.tables["customer"]
        chosen = sa.select(table.c.id).where(table.c.owner.in_(self.own)).limit(500)
        with self.services.pools.engine.connect() as connection:
            return list(connection.scalars(chosen))

    def _crowd(self, lists) -> None:
        """Two hundred at once."""
        figures = {
            server.name: self._measure(server, requests, connections=200)
            for server, requests in lists
        }
        self.figures["200 connections, API list"] = figures
        self._add(crowded(figures))

    # -- size --------------------------------------------------------------------------------------

    def _million(self) -> None:
        if self.quick:
            what = "1,000,000 customers against 10,000, p95 of {}"
            if "size" in self.parts:
                self.rows += [
                    left_out(what.format(work), "≤ 1.5 ×") for work in ("API list", "HTML list")
                ]
            if "pages" in self.parts:
                pages.fill(self.services)
                self._add_pages(self._pages())
                self._add(pages.typing(self.services, self.sellers[0]))
            return
        small = self._sized()
        data.fill_customers(self.services, self.sellers, 10_001, 1_000_000)
        large = self._sized()
        for work in small[0]:
            ratio = large[0][work] / small[0][work]
            said = f"{small[0][work]:.1f} → {large[0][work]:.1f} ms: {ratio:.2f} ×"
            what = f"1,000,000 customers against 10,000, p95 of {work}"
            self._add(Row(what, "≤ 1.5 ×", said, ratio <= 1.5))
        self._add_pages(small[1], large[1])
        if "pages" in self.parts:
            self._add(pages.typing(self.services, self.sellers[0]))

    def _sized(self) -> tuple[dict[str, float], dict[str, Result]]:
        """Measure what is there now, lists before anything else belongs to the customers."""
        lists = self._latencies() if "size" in self.parts else {}
        if "pages" not in self.parts:
            return lists, {}
        pages.fill(self.services)
        return lists, self._pages()

    def _pages(self) -> dict[str, Result]:
        with self._trellis() as ours:
            signed = servers.cookie(ours, "/sign-in", "manager", data.PASSWORD)
            measured = {
                name: self._measure(ours, requests, connections=1)
                for name, (requests, _) in pages.works(self._some_ids(), signed).items()
            }
            if not self.browsed:
                self.browsed = True
                for row in browsing.measure(ours, self._some_ids()[0]):
                    self._add(row)
        return measured

    def _add_pages(self, small: dict[str, Result], large: dict[str, Result] | None = None) -> None:
        budgets = pages.works([1], {})
        for name, result in small.items():
            self._add(pages.row(name, budgets[name][1], result, (large or {}).get(name)))

    def _latencies(self) -> dict[str, float]:
        with self._trellis() as ours:
            token = servers.bearer(ours, "manager", data.PASSWORD)
            browser = servers.cookie(ours, "/sign-in", "manager", data.PASSWORD)
            works = {
                "API list": lambda: _repeat("GET", LIST, token),
                "HTML list": lambda: _repeat("GET", "/crm/customer/", browser),
            }
            return {
                name: self._measure(ours, requests, connections=2).percentile(0.95)
                for name, requests in works.items()
            }

    def _scale(self) -> None:
        self.database.create_database("big")
        checked, used, live = scale.measure(
            self.database.url("big"), self.folder, times=1 if self.quick else 3
        )
        said = f"{checked:.2f} s ({used:.2f} s CPU)"
        what = "500 entities of 20 fields"
        self._add(Row(f"{what}: `trellis check`", "≤ 2 s", said, checked <= 2))
        self._add(Row(f"{what}: a field, save to live", "≤ 1 s", f"{live:.2f} s", live <= 1))

    def _imports(self) -> None:
        folder = self.folder / "imports"
        folder.mkdir()
        databases = {}
        for name in ("one", "all"):
            self.database.create_database(f"imports_{name}")
            databases[name] = self.database.url(f"imports_{name}")
        for row in imports.measure(databases, folder, quick=self.quick):
            self._add(row)

    def _automation(self) -> None:
        self.database.create_database("rules")
        folder = Path(tempfile.mkdtemp(prefix="bench-"))
        bench = AutomationBench(
            folder, self.database.url("rules"), self.database_pid, quick=self.quick
        )
        try:
            for row in bench.run():
                self._add(row)
        finally:
            for log in folder.glob("*.log"):
                shutil.copy(log, self.folder)
            shutil.rmtree(folder, ignore_errors=True)

    def _start(self) -> None:
        if self.quick:
            self.rows += [
                left_out("start on an empty folder, with the demo", "< 60 s"),
                left_out("start afterwards", "< 5 s"),
            ]
            return
        first, later = starting.measure(self.folder)
        self._add(
            Row("start on an empty folder, with the demo", "< 60 s", f"{first:.1f} s", first < 60)
        )
        self._add(Row("start afterwards", "< 5 s", f"{later:.1f} s", later < 5))


def _repeat(method: str, path: str, headers: dict[str, str]) -> Iterator[bytes]:
    return itertools.repeat(request(method, path, headers))


def _each(path: str, ids: list[int], headers: dict[str, str]) -> Iterator[bytes]:
    return itertools.cycle([request("GET", path.format(one), headers) for one in ids])


def _creates(path: str, headers: dict[str, str], *, stock: bool) -> Iterator[bytes]:
    for number in _numbers:
        # Names that differ, as customers' do: each that resembles others is told which.
        name = hashlib.blake2b(f"{number} {os.getpid()}".encode(), digest_size=9).hexdigest()
        sent = {"name": f"{name[:9]} {name[9:]}", "email": f"n{number}@bench.example"}
        sent |= {"level": "b"} if not stock else {"level": "b", "status": "active", "owner": 1}
        yield request("POST", path, {**headers, **JSON}, json.dumps(sent).encode())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="parts:\n" + "\n".join(f"  {name:12} {what}" for name, what in PARTS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="under a minute, without the million")
    parser.add_argument("--only", choices=PARTS, nargs="+", help="these parts, not the others")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    given = parser.parse_args()
    if given.only and given.write:
        parser.error("--write needs all parts, so that the page shows one run on one machine.")
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="trellis-bench-"))
    before = noise()
    print(f"On {machine()}; before: {before}.")
    bench = Bench(folder, quick=given.quick, parts=given.only or tuple(PARTS))
    try:
        bench.run()
    except BaseException:
        for log in folder.glob("*.log"):
            print(f"--- {log.name}\n{log.read_text()[-2000:]}", file=sys.stderr)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    shown = tables(bench.figures, bench.rows)
    took = f"Measured in {time.monotonic() - began:.0f} s; before: {before}; after: {noise()}."
    print(f"\n{shown}\n\n{took}")
    short = sum(row.good is False for row in bench.rows)
    print(f"{short} of {len(bench.rows)} rows fall short." if short else "Every budget is kept.")
    if given.write:
        _write(f"Measured on {datetime.now(UTC).date().isoformat()}, {machine()}.", shown, took)


def _write(where: str, shown: str, took: str) -> None:
    page = servers.ROOT / "docs" / "performance.md"
    head, _, _ = page.read_text("utf-8").partition("<!-- figures -->")
    page.write_text(f"{head}<!-- figures -->\n\n{where}\n\n{shown}\n\n{took}\n", "utf-8")


if __name__ == "__main__":
    main()
