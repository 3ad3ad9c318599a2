"""A worker runs our tasks, what it holds nobody else has, and it leaves nothing behind."""

import pickle
import signal
import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from rq.job import Job
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer

from app.database.automation_tables import firing, message, task
from app.jobs import leases, processes
from app.jobs.queues import FAILURE_TTL, SERIALIZER, connect, hand_out, queue
from app.jobs.tasks import run_tasks
from tests.jobs.world import World, build, wait_until

LEASE = timedelta(seconds=45)


def failed(redis, name="default"):
    return FailedJobRegistry(name, connection=redis, serializer=SERIALIZER)


def test_arguments_are_json_and_not_pickle(world):
    with connect(world.settings.redis_url) as redis:
        hand_out(queue(redis, "reminders"), "run_tasks", [([1, 2], 3)])
        (job,) = queue(redis, "reminders").jobs
        assert job.serializer is JSONSerializer
        assert Job.fetch(job.id, connection=redis, serializer=SERIALIZER).args == [[1, 2], 3]
        with pytest.raises(ValueError, match="no queue `mial`"):
            queue(redis, "mial")


def test_j12_foreign_pickles_and_foreign_functions_are_put_aside(world, tmp_path):
    mark = tmp_path / "mark"

    class Evil:
        def __reduce__(self):
            return (mark.touch, ())

    world.customer()
    with connect(world.settings.redis_url) as redis:
        for name in ("os.system", "app.jobs.tasks._secret", "app.jobs.tasks.runtime.x"):
            queue(redis).enqueue(name, f"touch {mark}", failure_ttl=FAILURE_TTL)
        foreign = queue(redis).enqueue("app.jobs.tasks.run_tasks", [], 1)
        redis.hset(foreign.key, "data", pickle.dumps(("os.system", None, (Evil(),), {})))
        world.tick()
        worker = world.work()
        assert failed(redis).count == 4
        assert worker.failed == 4
    assert not mark.exists()
    # The others go on.
    assert world.messages() == 1


def test_f13_whoever_lost_its_lease_is_refused(world):
    customer = world.customer()
    scheduler = world.tick()
    with world.connection() as connection:
        held, old = connection.execute(
            "SELECT array_agg(id), min(token) FROM trellis.task"
        ).fetchone()
        ours = leases.begin_tasks(connection, held, old, LEASE)
        assert ours == sorted(held)
        # This worker is stopped here for five minutes; its lease runs out, another gets the tasks.
        world.lose_leases()
        world.tick(scheduler)
        assert leases.begin_tasks(connection, held, old, LEASE) == []
    world.services.engine.run_tasks(held, old)
    assert world.messages() == 0
    world.work("reminders")
    world.services.engine.run_tasks(held, old)
    assert (world.messages(), world.tasks()) == (1, 0)
    row = world.services.records.get(world.who(), "customer", customer)
    assert row.values["seen"] == 1


def test_f25_ten_deliveries_of_one_job_at_once_have_one_effect(world):
    for _ in range(5):
        world.customer()
    world.tick()
    with connect(world.settings.redis_url) as redis:
        (job,) = queue(redis, "reminders").jobs
        ids, token = job.args
        queue(redis, "reminders").empty()

    def run():
        from app.jobs.runtime import set_runtime

        set_runtime(world.services)
        run_tasks(ids, token)

    threads = [threading.Thread(target=run) for _ in range(10)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (world.messages(), world.firings("done"), world.tasks()) == (5, 10, 0)
    chosen = sa.select(sa.func.max(world.services.live.release.tables["customer"].c.seen))
    with world.services.pools.engine.connect() as connection:
        assert connection.execute(chosen).scalar_one() == 1


def test_j11_f36_what_kills_its_worker_three_times_is_put_aside_and_others_go_on(world):
    poison, fine = world.customer(), world.customer()
    scheduler = world.tick()
    number = world.services.numbers.number("due")
    bad = sa.select(task.c.id).join(firing, firing.c.id == task.c.firing)
    bad = bad.where(firing.c.record_id == poison, firing.c.rule == number)
    with world.services.pools.engine.connect() as connection:
        (bad_id,) = connection.execute(bad).scalars().all()
    with world.connection() as connection, connect(world.settings.redis_url) as redis:
        for attempt in range(3):
            jobs = [job.args for job in queue(redis, "reminders").jobs]
            queue(redis, "reminders").empty()
            # The first time it takes along whatever it was handed out with, from then on nobody.
            assert [len(ids) for ids, _ in jobs] == ([4] if attempt == 0 else [1])
            for ids, token in jobs:
                assert bad_id in ids
                leases.begin_tasks(connection, ids, token, LEASE)
                # … and here the worker dies, with the poisoned one among its tasks.
            world.lose_leases()
            world.tick(scheduler)
            if attempt == 0:
                with connect(world.settings.redis_url) as redis_again:
                    waiting = queue(redis_again, "reminders")
                    for job in waiting.jobs:
                        if bad_id not in job.args[0]:
                            run_tasks_here(world, *job.args)
                            waiting.remove(job)
    assert world.count(task, task.c.problem.is_not(None)) == 1
    assert (world.messages(), world.firings("done"), world.firings("failed")) == (1, 3, 1)
    # Seen, and run once more by an administrator, it goes through.
    with world.connection() as connection:
        assert leases.rerun(connection, [bad_id], world.services.clock.now()) == 1
    world.tick(scheduler)
    world.work()
    assert (world.messages(), world.firings("done"), world.tasks()) == (2, 4, 0)
    assert fine


def run_tasks_here(world, ids, token):
    from app.jobs.runtime import set_runtime

    set_runtime(world.services)
    run_tasks(ids, token)


def test_f12_a_worker_that_is_stopped_ends_its_job_first(world):
    world.fill(1500)
    scheduler = world.tick()
    worker = world.start("worker", "--queues", "reminders")
    wait_until(lambda: world.messages() > 0)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
    done = world.messages()
    assert world.firings("done") == done
    assert world.tasks() == 1500 - done
    assert world.processes("worker") == []
    # Nothing of what it had begun is held any more; the rest waits in the queue.
    world.tick(scheduler)
    world.work()
    assert (world.messages(), world.tasks()) == (1500, 0)


def test_f6_f7_the_job_of_a_killed_worker_is_done_by_another(
    make_settings, template_database, clone_database, redis_url
):
    world = World(
        make_settings(
            DATABASE_URL=clone_database(template_database("jobs_world", build)),
            REDIS_URL=redis_url,
            TRELLIS_LEASE="2",
        )
    )
    try:
        world.fill(1_200)
        scheduler = world.tick()
        worker = world.start("worker", "--queues", "reminders")
        wait_until(lambda: world.messages() > 0)
        worker.send_signal(signal.SIGKILL)
        worker.wait()

        def is_done():
            world.tick(scheduler)
            world.work("reminders")
            return world.tasks() == 0

        # What it had taken is held for two seconds here, for forty-five as it is shipped.
        wait_until(is_done)
        assert (world.messages(), world.firings("done")) == (1_200, 1_200)
    finally:
        world.close()


def test_a_process_that_is_not_heard_of_is_forgotten(world):
    with world.connection() as connection:
        processes.say_present(connection, "here", "worker", {"queues": ["mail"]})
        processes.say_present(connection, "gone", "worker", {})
        connection.execute(
            "UPDATE trellis.process SET seen_at = now() - interval '2 hours' WHERE name = 'gone'"
        )
        processes.forget_gone(connection)
    assert [one["name"] for one in world.processes("worker")] == ["here"]
    assert world.count(message) == 0
