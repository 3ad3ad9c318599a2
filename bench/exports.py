"""How long a hundred thousand customers take to leave, as each kind of file, and as everything.

Measured are the columns of the list beside stock Flask-AppBuilder, and all there are.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil

from app.access.principal import SYSTEM
from app.services import Services
from app.transfer.exporting import Wanted
from app.whole.places import zip_into
from app.whole.writing import write_whole
from bench import data
from bench.report import Row

#: Seconds for a hundred thousand rows.
BUDGETS = {"xlsx": 8.0, "csv": 2.0, "jsonl": 2.0}
#: What a process may grow by while it writes.
MEMORY_MB = 60


def measure(
    services: Services, sellers: list[int], fields: tuple[str, ...], *, quick: bool
) -> Iterator[Row]:
    """Yield how long each kind of file takes, and how much memory all of them."""
    count = 5_000 if quick else 100_000
    there = data.count_customers(services)
    if there < count:
        data.fill_customers(services, sellers, 3_000_001, 3_000_000 + count - there)
    # What is compiled once, and what a process has anyway.
    _written(services, "csv", fields, lambda _rows: None)
    memory = _Memory()
    for form, budget in BUDGETS.items():
        rows, seconds, cpu = _written(services, form, fields, memory)
        limit = budget * rows / 100_000
        said = f"{seconds:.2f} s ({cpu:.2f} s CPU)"
        what = f"export of {rows:,} customers, {len(fields)} fields, .{form}"
        yield Row(what, f"≤ {limit:.2g} s", said, seconds <= limit)
    rows, seconds, cpu = _written(services, "xlsx", None, memory)
    said = f"{seconds:.2f} s ({cpu:.2f} s CPU)"
    yield Row(f"export of {rows:,} customers, every field, .xlsx", "", said, None)
    grown = memory.grown
    yield Row("memory an export adds", f"≤ {MEMORY_MB} MB", f"{grown:.0f} MB", grown <= MEMORY_MB)
    yield _whole(services)


class _Memory:
    """Looks how much memory the process has, as often as it is told how many rows are written."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._before = self._most = self._process.memory_info().rss

    def __call__(self, _rows: int) -> None:
        self._most = max(self._most, self._process.memory_info().rss)

    @property
    def grown(self) -> float:
        return (self._most - self._before) / 2**20


def _written(
    services: Services,
    form: str,
    fields: tuple[str, ...] | None,
    progress: Callable[[int], None],
) -> tuple[int, float, float]:
    with tempfile.TemporaryFile() as target:
        began, used = time.perf_counter(), time.process_time()
        wanted = Wanted("customer", fields)
        rows = services.exports.write(SYSTEM, wanted, form, target, progress=progress)
        return rows, time.perf_counter() - began, time.process_time() - used


def _whole(services: Services) -> Row:
    settings = services.settings
    with tempfile.TemporaryFile() as target:
        began = time.perf_counter()
        with zip_into(target) as archive:
            manifest = write_whole(
                settings.database_url or "",
                Path(settings.data),
                services.live.release.catalog,
                archive,
                datetime.now(UTC),
            )
        seconds = time.perf_counter() - began
    said = f"{seconds:.1f} s ({1e6 * seconds / manifest['rows']:.0f} µs a row)"
    return Row(f"everything out: {manifest['rows']:,} rows, zipped", "", said, None)
