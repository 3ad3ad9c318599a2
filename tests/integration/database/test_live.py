"""The release of a process: pinned, swapped soon after an apply, kept when the next one is bad."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from app.database.live import STALE_CATALOG, Live
from app.database.pools import Pools
from app.errors import Unavailable
from tests.integration.database.installations import catalog_of, field_types, with_fields

ONE = catalog_of(customer=with_fields("fax: {type: text}"))
TWO = catalog_of(customer=with_fields("fax: {type: text}", "more: {type: text}"))


@pytest.fixture
def live(pools: Pools) -> Iterator[Live]:
    made = Live(pools, field_types())
    yield made
    made.stop()


def wait_for(condition: Any, seconds: float = 60.0) -> float:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it never happened"
        time.sleep(0.005)
    return time.monotonic() - began


def test_nothing_applied_is_unavailable(live):
    with pytest.raises(Unavailable, match="trellis apply"):
        _ = live.release
    assert not live.reload()


def test_an_apply_is_live_within_a_second(installation, live):
    installation.apply(ONE)
    first = live.release
    assert first.version_number == 1
    assert first.catalog.fingerprint == ONE.fingerprint
    assert first.numbers["customer"] == first.catalog.entities["customer"].number > 0
    assert first.names[first.numbers["customer"]] == "customer"
    heard: list[int] = []
    live.on_change(lambda release: heard.append(release.version_number))
    time.sleep(0.3)
    installation.apply(TWO)
    # Less than the three seconds after which it looks without having been told.
    assert wait_for(lambda: live.release is not first) < 2.5
    assert heard == [2]
    assert "more" in live.release.tables["customer"].c
    # Whoever holds the old one goes on with it.
    assert "more" not in first.tables["customer"].c


def test_unchanged_entities_keep_their_tables(installation, live):
    installation.apply(catalog_of(a=with_fields(), b=with_fields()))
    before = live.release
    table = before.tables["a"]
    installation.apply(catalog_of(a=with_fields(), b=with_fields("x: {type: text}")))
    live.reload()
    after = live.release
    assert after is not before
    if before.loaded.entities["a"] is after.loaded.entities["a"]:
        assert after.catalog.entities["a"] is before.catalog.entities["a"]
        assert after.tables["a"] is table
    assert after.tables["b"] is not before.tables["b"]


def test_a_version_nobody_can_read_leaves_the_one_that_serves_f31(installation, live):
    installation.apply(ONE)
    first = live.release
    installation.sql(
        "INSERT INTO trellis.config_version (fingerprint, applied_by, files, plan, state) "
        "VALUES ('x', 'mia', '{\"app.yaml\": \"nome: x\"}', '{}', 'live')"
    )
    wait_for(lambda: live.problem is not None)
    assert "app.yaml:1:1" in (live.problem or "")
    assert live.release is first


def test_a_lost_listener_listens_again(installation, live, database_url):
    installation.apply(ONE)
    assert live.release.version_number == 1
    time.sleep(0.3)
    installation.sql(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND query LIKE 'LISTEN%%'"
    )
    installation.apply(TWO)
    wait_for(lambda: live.release.version_number == 2)


def test_other_channels_are_heard(installation, live):
    said: list[str] = []
    live.on_notice("trellis_revision", said.append)
    installation.apply(ONE)
    assert live.release
    time.sleep(0.3)
    installation.sql("SELECT pg_notify('trellis_revision', 'people')")
    wait_for(lambda: said == ["people"])


def test_a_statement_of_the_old_catalog_says_that_it_is_old_c12(installation, live, pools):
    installation.apply(ONE)
    table = live.release.tables["customer"]
    live.stop()
    renamed = catalog_of(customer=with_fields("telefax: {type: text, was: fax}"))
    installation.apply(renamed)
    with pools.engine.connect() as connection, pytest.raises(sa.exc.ProgrammingError) as caught:
        connection.execute(table.select())
    assert caught.value.orig.sqlstate in STALE_CATALOG
    assert live.reload()
    with pools.engine.connect() as connection:
        assert connection.execute(live.release.tables["customer"].select()).fetchall() == []


def _serve(url: str, answers: multiprocessing.Queue, live: Live | None) -> None:
    own = live or Live(Pools(url), field_types())
    answers.put(own.release.version_number)
    began = time.monotonic()
    while own.release.version_number == 1 and time.monotonic() - began < 60:
        time.sleep(0.01)
    answers.put(own.release.version_number)


def test_every_process_hears_of_it_forked_ones_too(installation, live, database_url):
    installation.apply(ONE)
    assert live.release.version_number == 1
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    processes = [
        context.Process(target=_serve, args=(database_url, answers, shared))
        for shared in (live, None)
    ]
    for process in processes:
        process.start()
    assert [answers.get(timeout=90) for _ in processes] == [1, 1]
    time.sleep(0.3)
    installation.apply(TWO)
    assert [answers.get(timeout=90) for _ in processes] == [2, 2]
    for process in processes:
        process.join(timeout=60)
