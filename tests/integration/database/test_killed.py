"""An apply killed at any point: the catalog that serves is the old or the new one, never between."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import Any

import psycopg
import pytest

from app.database.apply import ApplyOptions, apply_catalog
from app.database.live import Live
from app.database.locking import holder
from app.errors import PlanError
from tests.integration.database.installations import catalog_of, field_types, with_fields
from tests.integration.database.killed_apply import slow_hook

OLD = {
    "customer": with_fields(
        "telefax: {type: text}",
        "size: {type: text}",
        "level: {type: choice, options: [a, b]}",
        "rank: {type: integer}",
        "email: {type: text}",
        "gone: {type: text}",
    )
}
NEW = {
    "customer": with_fields(
        "fax: {type: text, was: telefax}",
        "size: {type: integer}",
        "level: {type: choice, options: {top: {label: Top, was: a}, b: B}}",
        "rank: {type: integer, required: yes, default: 7, index: yes}",
        "email: {type: text, unique: yes}",
        "note: {type: text, required: yes, default: none yet}",
        'twice: {type: formula, formula: "size * 2"}',
    ),
    "invoice": with_fields("customer: {type: link, to: customer}"),
}
ALLOW = ["customer.gone"]

POINTS = [
    "begun",
    "added",
    "shadowed",
    "batch ChangeType",
    "converted",
    "built",
    "swapping",
    "swapped",
    "doing RenameOptions",
    "doing SetDefault",
    "batch Recompute",
    "doing Require",
    "done Require",
    "doing BuildIndex",
    "doing DropField",
    "done DropField",
]


def begin(installation: Any) -> None:
    installation.apply(catalog_of(**OLD))
    installation.sql(
        "INSERT INTO crm.customer (name, telefax, size, level, rank, email, gone) "
        "SELECT 'n' || n, 'f' || n, n::text, 'a', CASE WHEN n > 3 THEN n END, 'e' || n, 'g' "
        "FROM generate_series(1, 9) n"
    )


def order(url: str, die_at: str) -> str:
    files = dict(catalog_of(**NEW).files)
    return json.dumps({"url": url, "files": files, "allow": ALLOW, "die_at": die_at})


def run_killed(url: str, die_at: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.integration.database.killed_apply"],
        input=order(url, die_at),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def serving(installation: Any) -> int:
    """Return which version serves, having read every field of its catalog from its tables."""
    live = Live(installation.pools, field_types())
    try:
        release = live.release
        with installation.pools.engine.connect() as connection:
            for table in release.tables.values():
                connection.execute(table.select()).fetchall()
        return release.version_number
    finally:
        live.stop()


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_the_next_apply_finishes_f2_f3_f34(installation, database_url, point):
    begin(installation)
    killed = run_killed(database_url, point)
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr

    number = serving(installation)
    if point in {
        "begun",
        "added",
        "shadowed",
        "batch ChangeType",
        "converted",
        "built",
        "swapping",
    }:
        assert number == 1
        installation.sql("INSERT INTO crm.customer (name, size, level) VALUES ('old', '10', 'a')")
    else:
        assert number == 2
        installation.sql(
            "INSERT INTO crm.customer (name, size, level, rank, note) VALUES ('new', 10, 'top', 1, '')"
        )
    new = catalog_of(**NEW)
    version = apply_catalog(
        installation.pools, new, "mia", options=ApplyOptions(allow=allowed(installation, new),
                                                             recompute=(slow_hook,)),
    )  # fmt: skip
    assert version.problems == ()
    assert installation.plan(new).is_empty
    assert not installation.apply(new).is_new
    rows = installation.sql(
        "SELECT fax, size, level, rank, note, twice FROM crm.customer WHERE id <= 9 ORDER BY id"
    )
    assert rows == [(f"f{n}", n, "top", n if n > 3 else 7, "none yet", n * 2) for n in range(1, 10)]
    columns = installation.columns("customer")
    assert columns["rank"] == ("bigint", True)
    assert not {"gone", "telefax"} & columns.keys()
    assert not [name for name in columns if name.endswith("__next")]
    states = installation.column("SELECT state FROM trellis.config_version ORDER BY number")
    assert "applying" not in states


def allowed(installation: Any, catalog: Any) -> list[str]:
    """Return what still has to be allowed: nothing, once the swap was done with it."""
    return [each.allow for each in installation.plan(catalog).refusals if each.allow]


def test_an_index_that_was_being_built_is_built_again_f3_f4(installation, database_url):
    begin(installation)
    with psycopg.connect(database_url) as reader:
        # An old snapshot keeps the index from becoming valid.
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM crm.department")
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.database.killed_apply"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(order(database_url, "never"))
        process.stdin.close()
        wait_for(lambda: installation.sql("SELECT 1 FROM pg_index WHERE NOT indisvalid"))
        process.kill()
        process.wait()
        assert serving(installation) == 1
        # The lock goes with the connection, though the server was in the middle of a statement:
        # nobody has to clear anything by hand.
        wait_for(
            lambda: (
                not installation.sql(
                    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
                    "AND application_name LIKE 'trellis apply%%'"
                )
            )
        )
    assert installation.sql("SELECT 1 FROM pg_index WHERE NOT indisvalid")
    new = catalog_of(**NEW)
    version = installation.apply(new, allow=ALLOW, recompute=[slow_hook], wait=5.0)
    assert version.problems == ()
    assert installation.sql("SELECT 1 FROM pg_index WHERE NOT indisvalid") == []
    assert installation.plan(new).is_empty


def wait_for(condition: Any, seconds: float = 120.0) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, "it never happened"
        time.sleep(0.02)


def test_an_apply_given_up_leaves_nothing_when_the_files_go_back(installation, database_url):
    begin(installation)
    assert run_killed(database_url, "converted").returncode == -signal.SIGKILL
    old = catalog_of(**OLD)
    installation.apply(old)
    assert not [name for name in installation.columns("customer") if name.endswith("__next")]
    assert installation.sql("SELECT 1 FROM pg_trigger WHERE tgname LIKE 'copy%%'") == []
    assert installation.plan(old).is_empty
    # What it had added is in nobody's way.
    installation.sql("INSERT INTO crm.customer (name, size) VALUES ('x', 'y')")


def test_two_applies_at_once_f33(installation, pools):
    installation.apply(catalog_of(**OLD))
    new = catalog_of(**NEW)
    refused: list[str] = []

    def meanwhile(point: str, _operation: Any) -> None:
        if point == "added" and not refused:
            with pytest.raises(PlanError) as caught:
                installation.apply(new, who="bob", wait=0.2)
            refused.append(str(caught.value))
            with pools.engine.connect() as connection:
                assert holder(connection) == "mia"

    installation.apply(new, allow=ALLOW, on_step=meanwhile)
    assert refused == [
        "mia is applying a configuration right now. Nothing was changed; try again when that is done."
    ]
    assert not installation.apply(new, who="bob").is_new


def test_a_plan_whose_base_has_changed_is_refused_c13(installation):
    installation.apply(catalog_of(**OLD))
    new = catalog_of(**NEW)
    seen = installation.plan(new)
    wider = {"customer": OLD["customer"] + "plural: Clients\n"}
    installation.apply(catalog_of(**wider), who="bob")
    with pytest.raises(PlanError, match="version 2 by bob serves now"):
        installation.apply(new, expected=seen)
    # And with the same base, but other data in the way.
    seen = installation.plan(new)
    installation.sql("INSERT INTO crm.customer (name, gone) VALUES ('n', 'value')")
    with pytest.raises(PlanError, match="not as it was when this plan was made"):
        installation.apply(new, expected=seen)
