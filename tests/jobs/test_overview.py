"""What health, metrics and administrators are told about the work in the background."""

import datetime as dt

import pytest

from app.factory import create_app
from app.jobs import processes
from tests.jobs.world import World


@pytest.fixture
def client(world: World):
    return create_app(world.settings, world.services).test_client()


def present(world: World, **redis: str) -> None:
    with world.connection() as connection:
        details = {"leading": True, "redis": "there", **redis}
        processes.say_present(connection, "s-1", "scheduler", details)
        processes.say_present(connection, "w-1", "worker", {"queues": ["reminders", "default"]})
        said = {"queues": ["mail"], "done": 7, "failed": 1}
        processes.say_present(connection, "w-2", "worker", said)


def silent(world: World, name: str, seconds: int) -> None:
    with world.connection() as connection:
        connection.execute(
            "UPDATE trellis.process SET seen_at = clock_timestamp() - %s WHERE name = %s",
            (dt.timedelta(seconds=seconds), name),
        )


def test_health_tells_what_is_amiss(world, client):
    told = client.get("/healthz").json
    assert told["status"] == "degraded"
    assert told["troubles"] == ["no-scheduler", "no-worker-for-reminders", "no-worker-for-mail"]
    present(world)
    told = client.get("/healthz").json
    assert (told["status"], told["troubles"], told["version"]) == ("ok", [], 1)
    assert told["background"] == {"scheduler": "leads", "workers": 2, "due": 0, "oldest_seconds": 0}
    present(world, redis="away")
    assert client.get("/healthz").json["troubles"] == ["redis-away"]
    silent(world, "s-1", 40)
    silent(world, "w-2", 40)
    world.customer(due_at=(dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).isoformat())
    with world.connection() as connection:
        connection.execute("UPDATE trellis.reminder SET due_at = now() - interval '10 minutes'")
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json["troubles"] == ["no-scheduler", "no-worker-for-mail", "late"]
    # Requests are served all the same.
    assert client.get("/readyz").json == {"status": "ok", "version": 1}
    assert client.get("/health").json == {"status": "ok", "version": 1}


def test_metrics_are_for_this_machine_or_whoever_has_the_token(world, client, make_settings):
    present(world)
    world.fill(3)
    answer = client.get("/metrics")
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.text.splitlines()
    for line in (
        "# HELP trellis_reminders_due Reminders that are due and not claimed.",
        "# TYPE trellis_reminders_due gauge",
        "trellis_reminders_due 3",
        'trellis_tasks{state="due"} 0',
        "trellis_scheduler_leads 1",
        "trellis_redis_away 0",
        'trellis_processes{kind="worker"} 2',
        'trellis_jobs_total{worker="w-2",outcome="done"} 7',
    ):
        assert line in lines
    elsewhere = {"environ_overrides": {"REMOTE_ADDR": "203.0.113.9"}}
    assert client.get("/metrics", **elsewhere).status_code == 404
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 404
    settings = make_settings(
        DATABASE_URL=world.settings.database_url, TRELLIS_METRICS_TOKEN="long-enough-2"
    )
    from dataclasses import replace

    guarded = create_app(settings, replace(world.services, settings=settings)).test_client()
    assert guarded.get("/metrics").status_code == 404
    wrong, right = (
        {"headers": {"Authorization": f"Bearer {token}"}, **elsewhere}
        for token in ("long-enough-1", "long-enough-2")
    )
    assert guarded.get("/metrics", **wrong).status_code == 404
    assert guarded.get("/metrics", **right).status_code == 200
