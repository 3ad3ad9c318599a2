"""The page of jobs, for administrators."""

import re

import pytest

from app.factory import create_app
from app.jobs import processes
from app.jobs.queues import connect, queue
from app.security.people import add_user

PASSWORD = "long-enough-1"


@pytest.fixture
def app(world):
    add_user(
        world.services.records,
        login="root",
        password=PASSWORD,
        roles=["admin"],
        values={"name": "Root"},
    )
    return create_app(world.settings, world.services)


def signed_in(app, login):
    client = app.test_client()
    token = token_of(client.get("/sign-in").text)
    data = {"username": login, "password": PASSWORD, "csrf_token": token}
    assert client.post("/sign-in", data=data).status_code in (302, 303)
    return client


def token_of(html):
    return re.search(r'name="csrf_token" value="([^"]+)"', html)[1]


def test_what_failed_is_seen_and_run_again(world, app):
    root = signed_in(app, "root")
    html = root.get("/jobs").text
    assert "No scheduler is running: nothing that is due is sent." in html
    assert "Nothing runs in the background." in html
    with world.connection() as connection:
        details = {"leading": True, "redis": "there", "last_tick": "2026-03-02T01:00:00+00:00"}
        processes.say_present(connection, "s-1", "scheduler", details)
        said = {"queues": ["reminders", "mail"], "job": "run_tasks"}
        processes.say_present(connection, "w-1", "worker", said)
    world.customer()
    world.tick()
    with world.connection() as connection:
        connection.execute(
            "UPDATE trellis.task SET problem = %s, attempts = 3 WHERE id = "
            "(SELECT min(id) FROM trellis.task)",
            ('{"en": "It broke.", "zh": "出错了。"}',),
        )
    with connect(world.settings.redis_url) as redis:
        queue(redis).enqueue("os.system", "true")
    world.work("default")
    html = root.get("/jobs").text
    for text in (
        "Leads", "Worker: rules, mail and calls", "Works", "It broke.", "os.system",
        "is not a task of Trellis and is not run.", "/crm/customer/1",
    ):  # fmt: skip
        assert text in html, text
    assert "No scheduler is running" not in html
    token = token_of(html)
    # A foreign job may be removed and not run; a step that was put aside runs again.
    assert not re.search(r'action="/jobs/default/[^"]+/again"', html)
    (removing,) = re.findall(r'action="(/jobs/default/[^"]+/remove)"', html)
    (again,) = re.findall(r'action="(/jobs/tasks/\d+/again)"', html)
    for address in (removing, again):
        assert root.post(address, data={"csrf_token": token}).status_code == 303
    html = root.get("/jobs").text
    assert "It broke." not in html
    assert "os.system" not in html
    world.tick()
    world.work("reminders")
    # Beside what the rule says: administrators hear of what was given up.
    assert (world.messages(), world.tasks()) == (2, 0)
    assert root.post(again, data={"csrf_token": token}).status_code == 303
    assert "It is not there any more" in root.get("/jobs").text
    # Everything at once; the record is called by its title.
    for _ in range(2):
        world.customer(name="Steel & Co")
    world.tick()
    with world.connection() as connection:
        connection.execute("UPDATE trellis.task SET problem = '{}', attempts = 3")
    html = root.get("/jobs").text
    assert "Customer Steel &amp; Co" in html
    assert 'action="/jobs/again"' in html
    assert root.post("/jobs/again", data={"csrf_token": token}).status_code == 303
    assert "4 run again" in root.get("/jobs").text
    world.work("reminders")
    assert (world.messages(), world.tasks()) == (4, 0)


def test_it_is_for_administrators_only(world, app):
    sam = signed_in(app, "sam")
    assert sam.get("/jobs").status_code == 403
    token = token_of(sam.get("/me").text)
    for address in (
        "/jobs/again",
        "/deliveries/again",
        "/jobs/tasks/1/again",
        "/jobs/default/x/again",
        "/jobs/default/x/remove",
    ):
        assert sam.post(address, data={"csrf_token": token}).status_code == 403
    assert "/jobs" not in sam.get("/crm/customer/").text
