"""Schedulers claim and hand out, whatever dies beside them."""

import datetime as dt
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import sqlalchemy as sa
from redis import Redis

from app.database.automation_tables import message, reminder, task
from app.database.servers import ValkeyServer
from app.database.system import event, idempotency
from app.jobs import leases
from app.jobs import scheduler as scheduler_module
from app.jobs.chores import CHORES
from app.jobs.queues import connect, queue
from tests.jobs.world import World, build, wait_until


@pytest.fixture
def valkey(tmp_path_factory):
    """A Valkey that may be killed."""
    folder = tmp_path_factory.mktemp("v")
    server = ValkeyServer(folder / "data", folder / "log", folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own(make_settings, template_database, clone_database, valkey):
    """An installation with a Valkey of its own."""
    made = World(
        make_settings(
            DATABASE_URL=clone_database(template_database("jobs_world", build)),
            REDIS_URL=valkey.url,
        )
    )
    yield made
    made.close()


def test_j1_a_reminder_comes_within_seconds_and_f10_another_scheduler_takes_over(world):
    schedulers = [world.start("scheduler") for _ in range(2)]
    world.start("worker", "--queues", "reminders,default")
    leading = wait_until(
        lambda: [one for one in world.processes("scheduler") if one["details"]["leading"]]
    )
    assert len(leading) == 1
    wait_until(lambda: world.processes("worker"))
    began = time.monotonic()
    world.customer()
    wait_until(lambda: world.messages() == 1)
    assert time.monotonic() - began < 30
    leader = next(one for one in schedulers if leading[0]["name"].endswith(f"-{one.pid}"))
    leader.send_signal(signal.SIGKILL)
    leader.wait()
    began = time.monotonic()
    world.customer()
    wait_until(lambda: world.messages() == 2 and world.tasks() == 0)
    assert time.monotonic() - began < 30
    (other,) = [one for one in schedulers if one is not leader]
    other.send_signal(signal.SIGTERM)
    assert other.wait(10) == 0
    assert world.count(message) == 2


def test_j9_f11_thousands_due_at_once_under_two_schedulers_are_each_told_once(world):
    world.fill(2_500)
    schedulers = [world.scheduler(), world.scheduler()]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(world.tick, schedulers))
    world.work()
    assert world.count(reminder, reminder.c.due_at.is_not(None)) == 0
    assert (world.messages(), world.firings("done"), world.tasks()) == (2_500, 2_500, 0)
    assert world.count(sa.select(message.c.key).distinct().subquery()) == 2_500


def test_what_waits_in_the_queues_is_bounded(world):
    world.fill(6_000)
    world.tick()
    with connect(world.settings.redis_url) as redis:
        assert queue(redis, "reminders").count == 40
        assert world.count(task, task.c.leased_until.is_not(None)) == 4_000
        queue(redis, "reminders").empty()


def test_f9_f15_what_was_not_handed_out_or_got_lost_is_handed_out_again(world):
    for _ in range(3):
        world.customer()
    scheduler = world.scheduler()
    # It dies between the commit of the lease and the queue.
    with world.connection() as connection:
        from app.automation.claiming import claim_due

        now = world.services.clock.now()
        claim_due(connection, world.services.live.release, world.services.numbers, now)
        leases.lease_tasks(connection, now, 100, leases.new_token())
    assert dt.timedelta(seconds=30) > leases.HANDED
    world.tick(scheduler)
    world.work()
    assert world.messages() == 0
    world.lose_leases()
    world.tick(scheduler)
    # Redis is emptied while they wait there.
    with connect(world.settings.redis_url) as redis:
        redis.flushdb()
    world.tick(scheduler)
    world.work()
    assert world.messages() == 0
    world.lose_leases()
    world.tick(scheduler)
    world.work()
    assert (world.messages(), world.firings("done"), world.tasks()) == (3, 6, 0)


def test_f14_f16_f17_redis_killed_full_or_away_loses_nothing(own, valkey):
    scheduler = own.scheduler()
    own.customer()
    own.tick(scheduler)
    # A restart with its append-only file: what waited still waits.
    with connect(valkey.url) as redis:
        redis.config_set("appendfsync", "always")
        assert queue(redis, "reminders").count == 1
    os.kill(valkey.pid, signal.SIGKILL)
    wait_until(lambda: valkey.pid is None)
    began = time.monotonic()
    own.customer()
    assert time.monotonic() - began < 10
    own.tick(scheduler)
    assert scheduler.redis_is_away
    assert own.count(task, task.c.leased_until.is_(None)) == 2
    valkey.restart_if_dead()
    with connect(valkey.url) as redis:
        assert queue(redis, "reminders").count == 1
    own.tick(scheduler)
    assert not scheduler.redis_is_away
    own.work()
    own.lose_leases()
    own.tick(scheduler)
    own.work()
    assert (own.messages(), own.firings("done"), own.tasks()) == (2, 4, 0)
    # Full, and told to forget nothing: the same as away.
    with Redis.from_url(valkey.url) as redis:
        redis.config_set("maxmemory", "1")
    own.customer()
    own.tick(scheduler)
    assert scheduler.redis_is_away
    assert own.count(task, task.c.leased_until.is_(None)) == 2
    with Redis.from_url(valkey.url) as redis:
        redis.config_set("maxmemory", "0")
    own.tick(scheduler)
    own.work()
    assert (own.messages(), own.tasks()) == (3, 0)


def test_f14_a_worker_waits_for_redis_and_goes_on(own, valkey):
    worker = own.start("worker", "--queues", "reminders,default")
    wait_until(lambda: own.processes("worker"))
    os.kill(valkey.pid, signal.SIGKILL)
    wait_until(lambda: valkey.pid is None)
    own.customer()
    valkey.restart_if_dead()
    scheduler = own.tick()

    def is_done():
        own.lose_leases()
        own.tick(scheduler)
        return own.messages() == 1

    wait_until(is_done, 30)
    assert worker.poll() is None
    assert len(own.processes("worker")) == 1


def test_a_rule_that_cannot_be_claimed_holds_up_no_other(world, monkeypatch):
    world.customer()
    bad = world.services.numbers.number("counted")
    real = scheduler_module.claim_due

    def claim(connection, release, numbers, now, limit, timing, only=None):
        if only in (None, bad):
            raise psycopg.DataError("timestamp out of range")
        return real(connection, release, numbers, now, limit, timing, only)

    monkeypatch.setattr(scheduler_module, "claim_due", claim)
    world.tick()
    world.work("reminders")
    assert (world.messages(), world.firings("done")) == (1, 1)
    assert world.count(reminder, reminder.c.due_at.is_not(None)) == 1


def test_house_is_kept_once_an_hour(world):
    now = dt.datetime.now(dt.UTC)
    with world.services.pools.engine.begin() as connection:
        for key, age in (("old", 25), ("new", 23)):
            connection.execute(
                sa.insert(idempotency).values(
                    user_id=1,
                    key=key,
                    request="x",
                    status=201,
                    answer={},
                    at=now - dt.timedelta(hours=age),
                )
            )
        for age in (31, 29):
            connection.execute(
                sa.insert(event).values(
                    entity=1, record_id=age, action="x", happened_at=now - dt.timedelta(days=age)
                )
            )
    scheduler = world.tick()
    world.tick(scheduler)
    world.tick()
    with connect(world.settings.redis_url) as redis:
        waiting = [job.func_name.rpartition(".")[2] for job in queue(redis).jobs]
    chores = sorted(one.task for one in CHORES)
    assert sorted(waiting) == chores
    worker = world.work()
    assert (worker.done, worker.failed) == (len(chores), 0)
    with world.services.pools.engine.connect() as connection:
        assert connection.execute(sa.select(idempotency.c.key)).scalars().all() == ["new"]
        kept = sa.select(event.c.record_id).where(event.c.action == "x")
        assert connection.execute(kept).scalars().all() == [29]
