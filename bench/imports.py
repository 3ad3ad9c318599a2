"""How fast files come in: customers of the configuration that ships, beside a bare COPY.

The budget is for type checks, owners looked up, unique names, duplicates that are refused, quotas,
history, search, and one rule that listens. Beside it stands what it takes with all that ships: nine
dated rules more, whose reminders are rows of their own.
"""

from __future__ import annotations

import csv
import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from app.access.principal import SYSTEM
from app.security.people import add_user
from app.services import Services
from app.settings import settings_as_environment
from app.transfer.workbooks import write_workbook
from bench import data, servers
from bench.report import Row, left_out

HEAD = (
    "name", "level", "phones", "email", "website", "owner", "annual_revenue", "address.province",
    "address.city", "address.street", "remark",
)  # fmt: skip
RULE = """
rule: large-customers
label: Large customers come with a task
entity: customer
when: {on: create}
if: annual_revenue > 4990000
do: [{notify: {to: owner, say: "{{ record.name }} is a large one."}}]
"""
OWNERS = 9
PLACES = {
    "北京": "北京", "上海": "上海", "广州": "广东", "深圳": "广东", "杭州": "浙江",
    "成都": "四川", "武汉": "湖北", "西安": "陕西", "南京": "江苏", "苏州": "江苏",
}  # fmt: skip
TRADES = ["信息技术", "机械制造", "贸易", "生物医药", "新能源", "物流", "建筑工程", "食品"]
SIGNS = "信远华盛恒泰宏达鑫瑞安博创智云海天新金龙腾飞嘉诚德润"
WORDS = [
    "Acme",
    "Silver",
    "North",
    "Green",
    "Blue",
    "River",
    "Stone",
    "Data",
    "Cloud",
    "Metal",
    "Trade",
    "Global",
    "Smart",
    "Bright",
    "Union",
    "Pacific",
]
#: rows, file, seconds
SIZES = ((1_000, "xlsx", 0.5), (100_000, "csv", 15.0), (1_000_000, "csv", 150.0))
MOST_MEMORY, MOST_TIMES = 300, 8


def measure(databases: Mapping[str, str], folder: Path, *, quick: bool) -> Iterator[Row]:
    """Yield what imports of three sizes take, each beside a bare COPY.

    Args:
        databases: addresses of two empty ones, ``one`` rule and ``all`` that ships.
    """
    yield from _measure(databases["one"], folder / "one", _one_rule, SIZES, quick=quick)
    # The budget is for one rule: with ten of them it is a figure, kept or not.
    for row in _measure(databases["all"], folder / "all", _all_rules, SIZES[:2], quick=quick):
        yield replace(row, good=row.good or None)


def _measure(
    database_url: str,
    folder: Path,
    change: Callable[[Path], str],
    sizes: Iterable[tuple[int, str, float]],
    *,
    quick: bool,
) -> Iterator[Row]:
    services, added = opened(database_url, folder, change)
    try:
        first = itertools.count()
        for rows, ending, budget in sizes:
            what = f"import of {rows:,} customers from .{ending}{added}"
            if quick and rows > 100_000:
                yield left_out(what, f"≤ {budget:g} s")
                continue
            yield from _one(services, folder, what, rows, ending, budget, first)
    finally:
        services.close()


def opened(database_url: str, folder: Path, change: Callable[[Path], str]) -> tuple[Services, str]:
    """Return an installation with people and customers, and what is to be said of its rules.

    Args:
        change: changes the configuration, a copy of the one that ships.
    """
    config = folder / "config"
    shutil.copytree(servers.ROOT / "config", config)
    (config / "workflows" / "bench.yaml").write_text(RULE)
    added = change(config)
    services = data.open_trellis(database_url, folder / "var", config)
    _, sellers = data.add_people(services)
    for number in range(OWNERS):
        add_user(
            services.records,
            login=f"rep{number}",
            password=data.PASSWORD,
            roles=["sales_manager"],
            values={"name": f"Rep {number}"},
        )
    data.fill_customers(services, sellers, 1, 10_000)
    return services, added


def _all_rules(_config: Path) -> str:
    return ", all that ships"


def _one_rule(config: Path) -> str:
    """Leave one rule that listens to customers, and have the same number twice refused."""
    for path in (config / "workflows").glob("*.yaml"):
        parts = path.read_text().split("\n---\n")
        kept = [part for part in parts if part == RULE or not _hears_customers(part)]
        path.write_text("\n---\n".join(kept))
    # What the rules of the shipped configuration must do is said there.
    shutil.rmtree(config / "tests")
    path = config / "entities" / "customer.yaml"
    warned = "{same: [phones], also_in: [lead.mobile], then: warn}"
    text = path.read_text()
    assert warned in text
    path.write_text(text.replace(warned, warned.replace("warn", "refuse")))
    return ""


def _hears_customers(part: str) -> bool:
    is_rule = re.search(r"^(rule|pool): ", part, re.MULTILINE)
    return bool(is_rule and re.search(r"^entity: .*\bcustomer\b", part, re.MULTILINE))


def _one(
    services: Services,
    folder: Path,
    what: str,
    rows: int,
    ending: str,
    budget: float,
    first: Iterator[int],
) -> Iterator[Row]:
    last = _last_id(services)
    found = _imported(services, folder, rows, ending, first)
    seconds = found["seconds"]
    bare = _bare_copy(services, last, folder / "copied")
    said = (
        f"{seconds:.2f} s ({1e6 * seconds / rows:.0f} µs a row; CPU {1e6 * found['cpu'] / rows:.0f}"
        f" + database {1e6 * found['server'] / rows:.0f}; reading alone {found['reading']:.2f} s)"
    )
    yield Row(what, f"≤ {budget:g} s", said, seconds <= budget)
    times = f"{seconds / bare:.1f} × ({bare:.2f} s)"
    yield Row(
        f"{what}, beside a bare COPY", f"≤ {MOST_TIMES} ×", times, seconds <= MOST_TIMES * bare
    )
    if rows >= 100_000:
        memory = f"{found['memory']:.0f} MB"
        good = found["memory"] <= MOST_MEMORY
        yield Row(f"{what}, memory", f"≤ {MOST_MEMORY} MB", memory, good)


def _imported(
    services: Services, folder: Path, rows: int, ending: str, first: Iterator[int]
) -> dict[str, Any]:
    """Import a file of new customers in a process of its own; return what that took."""
    # A worker has compiled by then what is compiled once.
    warm = _begun(services, folder, 100, "csv", first)
    run = _begun(services, folder, rows, ending, first)
    ran = subprocess.run(
        [sys.executable, "-m", "bench.importing", str(warm), str(run)],
        env={**os.environ, **settings_as_environment(services.settings)},
        cwd=servers.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    done = services.imports.get(SYSTEM, run)
    if ran.returncode or done.counts.get("created") != rows:
        raise SystemExit(f"The import went wrong: {done.as_json()} {ran.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def _begun(services: Services, folder: Path, rows: int, ending: str, first: Iterator[int]) -> int:
    """Return the number of an import that waits to be run."""
    path = folder / f"customers.{ending}"
    _write(path, ending, _customers(rows, first))
    imports = services.imports
    with path.open("rb") as stream:
        run = imports.add(SYSTEM, "customer", stream, path.name)
    path.unlink()
    columns = {name: name for name in HEAD}
    imports.change(SYSTEM, run.id, replace(run.plan, columns=columns, rules="run"))
    return imports.start(SYSTEM, run.id).id


def _write(path: Path, ending: str, rows: Iterator[list[Any]]) -> None:
    if ending == "xlsx":
        with path.open("wb") as target:
            write_workbook(target, HEAD, rows)
        return
    with path.open("w", newline="", encoding="utf-8") as text:
        writer = csv.writer(text)
        writer.writerow(HEAD)
        writer.writerows(rows)


def _customers(count: int, first: Iterator[int]) -> Iterator[list[Any]]:
    """Yield customers as companies have them, every second with a Chinese name."""
    dice = random.Random(7)
    for number in itertools.islice(first, count):
        city = dice.choice(list(PLACES))
        if number % 2:
            name = f"{city}{''.join(dice.choices(SIGNS, k=3))}{dice.choice(TRADES)}有限公司{number}"
        else:
            name = f"{' '.join(dice.sample(WORDS, 3))} {number} Ltd."
        yield [
            name,
            dice.choice("abc"),
            # Each another one, and none that is there.
            f"15{number * 7919 % 10**9:09}",
            f"c{number}@example{dice.randrange(500)}.com",
            f"https://www.c{number}.example.com",
            f"rep{dice.randrange(OWNERS)}",
            str(dice.randrange(1, 5000) * 1000),
            PLACES[city],
            city,
            f"{dice.randrange(1, 300)} 号",
            f"备注 {number}" if number % 3 == 0 else None,
        ]


def _last_id(services: Services) -> int:
    with psycopg.connect(services.settings.database_url or "") as connection:
        row = connection.execute("SELECT coalesce(max(id), 0) FROM crm.customer").fetchone()
    assert row is not None
    return int(row[0])


def _bare_copy(services: Services, last: int, path: Path) -> float:
    """Return how long a COPY of the rows after *last* into their own table takes, once more."""
    table = services.live.release.tables["customer"]
    names = [column.name for column in table.c]
    # Other ids and names, or they would be there already.
    other = {
        "id": sql.SQL("id + 100000000"),
        "name": sql.SQL("name || ' once more'"),
        "credit_code": sql.SQL("NULL"),
    }
    chosen = sql.SQL(", ").join(other.get(name, sql.Identifier(name)) for name in names)
    listed = sql.SQL(", ").join(map(sql.Identifier, names))
    out = sql.SQL("COPY (SELECT {} FROM crm.customer WHERE id > {} AND id < 100000000) TO STDOUT")
    into = sql.SQL("COPY crm.customer ({}) FROM STDIN").format(listed)
    with psycopg.connect(services.settings.database_url or "") as connection:
        with (
            path.open("wb") as target,
            connection.cursor().copy(out.format(chosen, sql.Literal(last))) as copy,
        ):
            for part in copy:
                target.write(part)
        connection.commit()
        began = time.perf_counter()
        with path.open("rb") as source, connection.cursor().copy(into) as copy:
            while part := source.read(1 << 16):
                copy.write(part)
        seconds = time.perf_counter() - began
        connection.rollback()
    path.unlink()
    return seconds
