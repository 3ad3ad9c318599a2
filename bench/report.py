"""What a run showed: the rows of the tables, each with its budget and a mark where it falls short."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.load import Result

#: Stands at what falls short of its budget.
SHORT = "✗"


@dataclass(frozen=True, slots=True)
class Row:
    """One measure, its budget and whether it is kept; None where a run leaves it out."""

    what: str
    budget: str
    said: str
    good: bool | None = None

    def line(self) -> str:
        mark = {True: "✓", False: SHORT, None: ""}[self.good]
        return f"| {self.what} | {self.budget} | {self.said} | {mark} |"


def left_out(what: str, budget: str) -> Row:
    return Row(what, budget, "not with `--quick`")


def crowded(figures: Mapping[str, Result]) -> Row:
    """Return what two hundred connections at once wait for, beside what they do at the floor."""
    ours, floor = figures["Trellis"], figures["floor"]
    said = (
        f"{ours.failures} errors, p95 {ours.percentile(0.95):.0f} ms, {ours.per_second:,.0f} "
        f"requests/s; floor p95 {floor.percentile(0.95):.0f} ms"
    )
    if ours.is_of_the_client:
        said += "; the client was at its limit"
    good = not ours.failures and ours.percentile(0.95) <= 150
    return Row("200 connections, API list", "no errors, p95 ≤ 150 ms", said, good)


def compared(
    work: str,
    figures: Mapping[str, Result],
    stock_share: float,
    floor_times: float | None = None,
) -> Row:
    """Return the CPU time of a request beside that of the stock application and of the floor."""
    ours = figures["Trellis"].cpu_ms
    ratio = figures["stock FAB"].cpu_ms / ours
    times = ours / figures["floor"].cpu_ms
    budget = f"CPU ≤ 1/{1 / stock_share:.0f} of stock"
    budget += f", ≤ {floor_times} × floor" if floor_times else ""
    good = ratio >= 1 / stock_share and (floor_times is None or times <= floor_times)
    good = good and not any(figure.failures for figure in figures.values())
    return Row(work, budget, f"1/{ratio:.1f} of stock, {times:.1f} × floor", good)


def tables(figures: Mapping[str, Mapping[str, Result]], rows: Sequence[Row]) -> str:
    """Return both tables as Markdown: what was promised, and every figure."""
    lines = ["| work | budget | measured | |", "|---|---|---|---|", *(row.line() for row in rows)]
    lines += [
        "",
        "| work | server | requests/s | p50 ms | p95 ms | p99 ms | CPU ms | database CPU ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for work, servers in figures.items():
        for name, one in servers.items():
            lines.append(
                f"| {work} | {name} | {one.per_second:,.0f} | {one.percentile(0.5):.1f} "
                f"| {one.percentile(0.95):.1f} | {one.percentile(0.99):.1f} "
                f"| {one.cpu_ms:.2f} | {one.database_ms:.2f} |"
            )
    return "\n".join(lines)


def machine() -> str:
    """Return what it ran on."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory = psutil.virtual_memory().total / 2**30
    cpu = names[0] if names else platform.machine()
    return f"{psutil.cpu_count()} × {cpu}, {memory:.0f} GB, Python {platform.python_version()}"


def noise() -> str:
    """Return how busy the machine is with other things, so that figures can be judged."""
    busy = psutil.cpu_percent(interval=1.0)
    return f"load {os.getloadavg()[0]:.1f}, {busy:.0f} % of the processors busy"


def pss(pid: int) -> float:
    """Return a process' share of memory in megabytes."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    line = next(line for line in text.splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) / 1024
