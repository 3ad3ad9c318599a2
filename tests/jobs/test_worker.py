"""A real worker on the real Valkey."""

import datetime as dt
import os
import signal
import subprocess
import sys
import time

import pytest
import sqlalchemy as sa
from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer

from app.database.migrate import migrate
from app.database.pools import Pools
from app.database.system import idempotency
from app.jobs import tasks
from app.jobs.queues import SERIALIZER, connect, queue
from app.processes import is_alive, kill
from app.settings import settings_as_environment

START = "from app.jobs.worker import run_worker; from app.settings import read_settings; "


def build_empty(url: str) -> None:
    pools = Pools(url, max_size=1)
    migrate(pools.engine)
    pools.close()


@pytest.fixture
def settings(make_settings, template_database, clone_database, redis_url):
    return make_settings(
        DATABASE_URL=clone_database(template_database("system_tables", build_empty)),
        REDIS_URL=redis_url,
    )


@pytest.fixture
def start(settings):
    started = []

    def start_worker(burst: bool) -> subprocess.Popen:
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", f"{START} run_worker(read_settings(), burst={burst})"],
                env={**os.environ, **settings_as_environment(settings)},
                start_new_session=True,
            )
        )
        return started[-1]

    yield start_worker
    for process in started:
        # Its scheduler as well, as the supervisor does.
        kill(process)


def wait_until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_a_worker_keeps_house_once_an_hour(settings, start):
    pools = Pools(settings.database_url, max_size=1)
    now = dt.datetime.now(dt.UTC)
    with pools.engine.begin() as connection:
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
    assert start(burst=True).wait(30) == 0
    assert start(burst=True).wait(30) == 0
    with pools.engine.connect() as connection:
        assert connection.execute(sa.select(idempotency.c.key)).scalars().all() == ["new"]
    pools.close()
    with Redis.from_url(settings.redis_url) as redis:
        jobs = [key for key in redis.keys("rq:job:housekeeping-*") if key.count(b":") == 2]
        assert len(jobs) == 1


def test_arguments_are_json_and_not_pickle(settings):
    with connect(settings.redis_url) as redis:
        job = queue(redis).enqueue("builtins.max", 1, 2)
        assert job.serializer is JSONSerializer
        assert Job.fetch(job.id, connection=redis, serializer=SERIALIZER).args == [1, 2]


def test_the_job_of_a_killed_worker_ends_with_it(settings, start):
    with connect(settings.redis_url) as redis:
        queue(redis).enqueue("time.sleep", 600)
        worker = start(burst=False)

        def horses():
            told = subprocess.run(
                ["pgrep", "-P", str(worker.pid)], capture_output=True, text=True, check=False
            )
            return [int(pid) for pid in told.stdout.split() if os.getpgid(int(pid)) == int(pid)]

        wait_until(horses)
        (horse,) = horses()
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        wait_until(lambda: not is_alive(horse))


def test_a_queue_that_is_not_there_is_refused(settings):
    with connect(settings.redis_url) as redis, pytest.raises(ValueError, match="no queue `mial`"):
        queue(redis, "mial")


def test_a_task_can_run_twice(settings, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    assert tasks.housekeeping() == {"answers": 0, "files": 0}
    assert tasks.housekeeping() == {"answers": 0, "files": 0}
