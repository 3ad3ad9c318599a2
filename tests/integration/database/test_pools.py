"""Connections: set up as promised, healed by themselves, honest when there are none."""

from __future__ import annotations

import multiprocessing
import threading
import time

import psycopg
import pytest
import sqlalchemy as sa

from app.database.pools import Pools, as_unavailable
from app.errors import Unavailable


def shown(connection, *names: str) -> list[str]:
    return [connection.execute(f"SHOW {name}").fetchone()[0] for name in names]


def test_the_reading_pool_plans_for_each_value(pools):
    with pools.read.connection() as connection:
        assert connection.autocommit
        assert shown(connection, "plan_cache_mode", "TimeZone", "jit", "statement_timeout") == [
            "force_custom_plan", "UTC", "off", "10s",
        ]  # fmt: skip
        assert (connection.prepare_threshold, connection.prepared_max) == (5, 300)


def test_the_writing_pool_waits_for_nobody_long(pools):
    with pools.write.connection() as connection:
        assert not connection.autocommit
        assert shown(connection, "lock_timeout", "idle_in_transaction_session_timeout") == [
            "5s", "1min",
        ]  # fmt: skip


def test_an_error_rolls_back(pools):
    with pools.write.connection() as connection:
        connection.execute("CREATE TABLE t (a int)")
    with pytest.raises(ZeroDivisionError), pools.write.connection() as connection:  # noqa: PT012
        connection.execute("INSERT INTO t VALUES (1)")
        raise ZeroDivisionError
    with pools.read.connection() as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)


def end_connections(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_connections_the_server_has_ended_are_replaced_unnoticed_f18(pools, database_url):
    for _ in range(3):
        for pool in (pools.read, pools.write):
            with pool.connection() as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
        with pools.engine.connect() as connection:
            assert connection.execute(sa.text("SELECT 1")).scalar() == 1
        end_connections(database_url)


def test_a_connection_lost_in_the_middle_is_unavailable_f18(pools, database_url):
    told = pytest.raises(Unavailable, match="Nothing was saved")
    with told, pools.write.connection() as lost:
        lost.execute("SELECT 1")
        end_connections(database_url)
        lost.execute("SELECT 1")
    with pools.write.connection() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_database_that_is_down_is_told_at_once_f19(tmp_path):
    pools = Pools(f"postgresql://postgres@/nowhere?host={tmp_path}")
    try:
        for pool in (pools.read, pools.write, pools.read):
            began = time.monotonic()
            with pytest.raises(Unavailable) as caught, pool.connection():
                pass
            assert time.monotonic() - began < 10
            assert caught.value.status == 503
            assert caught.value.message.in_language("zh").startswith("数据库暂时没有响应")
    finally:
        pools.close()


def test_an_exhausted_pool_is_told_within_five_seconds_f22(database_url):
    pools = Pools(database_url, max_size=1)
    with pools.read.connection():
        began = time.monotonic()
        with pytest.raises(Unavailable, match="Too many people"), pools.read.connection():
            pass
        assert 2 < time.monotonic() - began < 15
    with pools.read.connection() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    pools.close()


def test_a_waiting_request_gets_the_next_free_connection(database_url):
    pools = Pools(database_url, max_size=1)
    got = threading.Event()

    def wait() -> None:
        with pools.read.connection():
            got.set()

    with pools.read.connection():
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert not got.wait(0.6)
    waiting.join(timeout=2)
    assert got.is_set()
    pools.close()


def test_a_new_catalog_forgets_what_was_prepared(pools, database_url):
    with pools.read.connection() as connection:
        connection.execute("CREATE TABLE t (a int)")
        for _ in range(7):
            connection.execute("SELECT * FROM t").fetchall()
        assert connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (1,)
        with psycopg.connect(database_url) as apply:
            apply.execute("ALTER TABLE t ADD b int")
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            connection.execute("SELECT * FROM t")
    pools.catalog_changed(2)
    with pools.read.connection() as connection:
        assert connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)
        connection.execute("SELECT * FROM t")


def test_waiting_too_long_counts_as_busy(pools, database_url):
    with pools.write.connection() as connection:
        connection.execute("CREATE TABLE t (a int)")
    with psycopg.connect(database_url) as holder:
        holder.execute("LOCK TABLE t")
        with pools.write.connection() as connection:
            connection.execute("SET LOCAL lock_timeout = '50ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable) as caught:
                connection.execute("SELECT * FROM t")
            connection.rollback()
    told = as_unavailable(caught.value)
    assert told is not None
    assert "busy" in str(told)
    assert as_unavailable(ValueError()) is None


def _ask(pools: Pools, answers: multiprocessing.Queue) -> None:
    with pools.read.connection() as connection:
        answers.put(connection.execute("SELECT pg_backend_pid()").fetchone()[0])


def test_a_forked_process_opens_its_own(pools):
    with pools.read.connection() as connection:
        ours = connection.execute("SELECT pg_backend_pid()").fetchone()[0]
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=_ask, args=(pools, answers))
    child.start()
    theirs = answers.get(timeout=10)
    child.join(timeout=10)
    assert theirs != ours
    with pools.read.connection() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
