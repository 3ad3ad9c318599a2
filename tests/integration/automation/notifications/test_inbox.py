"""The inbox in the browser and over the API; how people hear of things; what goes out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from app.clock import FrozenClock
from app.database.automation_tables import delivery, rule
from app.notifications import preferences
from app.notifications.outbox import NewDelivery, NewMessage, post_messages, queue_deliveries
from tests.integration.api.world import IDS, ApiWorld, build

NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)


@pytest.fixture
def world(template_database, clone_database, tmp_path) -> Iterator[ApiWorld]:
    made = ApiWorld(
        clone_database(template_database("api_world", build)), tmp_path / "var", FrozenClock(NOW)
    )
    yield made
    made.close()


def post(world: ApiWorld, *texts: str, who: str = "sam", **more) -> None:
    """Put messages into an inbox."""
    customer = world.services.live.release.numbers["customer"]
    messages = [
        NewMessage(
            IDS[who], f"{text}{more}", more.pop("kind", "rule"), text,
            entity=customer, record_id=more.get("record", 1), rule=more.get("rule"),
            shown_at=more.get("shown_at"),
        )
        for text in texts
    ]  # fmt: skip
    with world.services.pools.write.connection() as connection:
        post_messages(connection, NOW, messages)


def add_rule(world: ApiWorld, name: str = "remind") -> int:
    with world.services.pools.engine.begin() as connection:
        return connection.execute(rule.insert().values(name=name).returning(rule.c.number)).scalar()


def texts(page: str) -> list[str]:
    return re.findall(r'prewrap">(?:<span class="sr">[^<]*</span>)?([^<]*)</div>', page)


def form(caller, path, **values):
    return caller.ask("POST", path, data={"csrf_token": caller.csrf, **values})


def test_the_inbox_shows_ones_own_messages_and_titles_one_may_read(world):
    post(world, "on mine", "<b>escaped</b>")
    post(world, "on another's", record=4)
    post(world, "not mine", who="tom")
    post(world, "tomorrow", shown_at=NOW + timedelta(days=1))
    page = world.browser("sam").ask("GET", "/inbox").text
    assert texts(page) == ["on another&#39;s", "&lt;b&gt;escaped&lt;/b&gt;", "on mine"]
    assert page.count(' href="/crm/customer/1"') == 2
    assert "/crm/customer/4" not in page
    assert "Tom Tools" not in page
    sue = world.browser("sue")
    assert "No messages" in sue.ask("GET", "/inbox").text


def test_no_page_asks_for_the_number_of_messages_and_pulses_end_at_once(world):
    sam = world.browser("sam")
    post(world, "one", "two")
    assert "data-unread hidden></span>" in sam.ask("GET", "/me").text
    answer = sam.ask("GET", "/inbox/pulse")
    assert answer.content_type == "text/event-stream; charset=utf-8"
    assert answer.text == "retry: 4000\nevent: unread\ndata: 2|2|2 unread\n\n"
    # What is known is kept until the database says otherwise.
    hearing = world.app.extensions["trellis.screens"].hearing
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.notifications.hearing.unread_count", lambda *_: pytest.fail("asked"))
        assert hearing.unread(IDS["sam"]) == 2
    post(world, "three")
    hearing.heard(f"{IDS['tom']},{IDS['sam']}")
    assert hearing.unread(IDS["sam"]) == 3
    assert world.anybody().ask("GET", "/inbox/pulse").status_code == 302


def test_a_message_is_read_put_off_and_muted(world):
    number = add_rule(world)
    post(world, "one", "two", rule=number)
    post(world, "three", kind="approval")
    sam, tom = world.browser("sam"), world.browser("tom")
    hearing = world.app.extensions["trellis.screens"].hearing
    assert form(tom, "/inbox/1/read").status_code == 303
    assert hearing.unread(IDS["sam"]) == 3
    assert form(sam, "/inbox/1/read", next="//evil.example").headers["Location"] == "/"
    assert hearing.unread(IDS["sam"]) == 2
    assert texts(sam.ask("GET", "/inbox?show=unread").text) == ["three", "two"]
    assert texts(sam.ask("GET", "/inbox?kind=approval").text) == ["three"]
    form(sam, "/inbox/1/unread")
    assert hearing.unread(IDS["sam"]) == 3

    form(sam, "/inbox/1/snooze", until="week")
    form(sam, "/inbox/1/snooze", until="tomorrow")
    form(sam, "/inbox/1/snooze", until="hour")
    assert texts(sam.ask("GET", "/inbox").text) == ["three", "two"]
    world.services.clock.moment = NOW + timedelta(hours=1)
    assert texts(sam.ask("GET", "/inbox").text) == ["one", "three", "two"]

    form(sam, "/inbox/2/mute")
    page = sam.ask("GET", "/inbox").text
    assert page.count("muted") == 2
    assert "You hear no more of this rule" in page
    form(sam, "/inbox/read", newest="3")
    assert "Everything is read" in sam.ask("GET", "/inbox?show=unread").text


def test_what_came_after_the_page_stays_unread(world):
    post(world, "seen")
    sam = world.browser("sam")
    newest = re.search(r'name="newest" value="(\d+)"', sam.ask("GET", "/inbox").text)[1]
    post(world, "came later")
    form(sam, "/inbox/read", newest=newest)
    assert texts(sam.ask("GET", "/inbox?show=unread").text) == ["came later"]


def test_long_inboxes_have_pages(world):
    post(world, *(f"m{number:03}" for number in range(120)))
    sam = world.browser("sam")
    found, href = [], "/inbox"
    for _ in range(3):
        page = sam.ask("GET", href).text
        found += texts(page)
        more = re.search(r'href="(/inbox\?after=[^"]*)"', page)
        href = more[1] if more else ""
    assert found == [f"m{number:03}" for number in reversed(range(120))]
    assert href == ""


def test_everybody_says_how_to_hear_of_things(world):
    number = add_rule(world, "silent-customers")
    sam = world.browser("sam")
    assert form(sam, "/me/notifications", mail="daily", chat="no").status_code == 303
    with world.services.pools.write.connection() as connection:
        preferences.mute_rule(connection, IDS["sam"], number)
    page = sam.ask("GET", "/me/notifications").text
    assert "silent-customers" in page
    with world.services.pools.read.connection() as connection:
        found = preferences.read_choices(connection)[IDS["sam"]]
    assert found == preferences.Choice("daily", False, frozenset({number}))
    form(sam, f"/me/notifications/rules/{number}")
    assert "silent-customers" not in sam.ask("GET", "/me/notifications").text
    chinese = sam.ask("GET", "/me/notifications?language=zh").text
    assert "消息设置" in chinese


def test_administrators_see_what_goes_out_send_it_again_or_give_it_up(world):
    content = {"subject": "Hello <x>", "text": "t", "digest": "daily", "lead": 9}
    with world.services.pools.write.connection() as connection:
        ids = queue_deliveries(
            connection, NOW,
            [NewDelivery(str(number), "email", f"a{number}@x.example", content) for number in (1, 2)],
        )  # fmt: skip
        connection.execute(
            "UPDATE trellis.delivery SET state = 'dead', attempts = 9, tried = "
            """'[{"at": "2026-03-10T04:00:00+00:00", "outcome": "failed", "note": """
            """{"en": "The mail server answered 550.", "zh": "x"}, "answer": "no such <user>"}]'"""
        )
    sam, root = world.browser("sam"), world.browser("root")
    assert sam.ask("GET", "/deliveries").status_code == 403
    assert form(sam, f"/deliveries/{ids[0]}/again").status_code == 403
    page = root.ask("GET", "/deliveries?state=dead").text
    assert "The mail server answered 550." in page
    assert "no such &lt;user&gt;" in page
    assert "Hello &lt;x&gt;" in page
    assert form(root, f"/deliveries/{ids[0]}/again").status_code == 303
    assert form(root, f"/deliveries/{ids[1]}/drop").status_code == 303
    with world.services.pools.engine.connect() as connection:
        rows = connection.execute(delivery.select().order_by(delivery.c.id)).all()
    assert [(row.state, row.attempts) for row in rows] == [("waiting", 0), ("dropped", 9)]
    assert rows[0].content == {"subject": "Hello <x>", "text": "t"}
    assert rows[0].due_at == NOW
    assert "TRELLIS_SMTP_HOST" in root.ask("GET", "/deliveries").text


def test_programs_read_the_inbox_and_do_what_people_do(world):
    number = add_rule(world)
    post(world, "one", "two", rule=number)
    post(world, "three", record=4, kind="record")
    sam = world.as_("sam")
    first = sam.get("/inbox", limit=2).json
    assert [row["text"] for row in first["rows"]] == ["three", "two"]
    assert first["unread"] == 3
    assert [(row["entity"], row["record"], row["title"]) for row in first["rows"]] == [
        (None, None, None), ("customer", 1, "Sam Steel"),
    ]  # fmt: skip
    second = sam.get("/inbox", limit=2, after=first["next"]).json
    assert [row["text"] for row in second["rows"]] == ["one"]
    assert second["next"] is None

    ids = [row["id"] for row in (*first["rows"], *second["rows"])]
    assert world.as_("tom").post("/inbox/read", {"ids": ids}).json == {"changed": 0}
    assert sam.post("/inbox/read", {"ids": ids[:2]}).json == {"changed": 2}
    assert sam.get("/inbox/unread").json == {"unread": 1}
    assert sam.get("/inbox", unread="yes").json["rows"][0]["text"] == "one"
    assert sam.post("/inbox/unread", {"ids": ids[:1]}).json == {"changed": 1}
    until = (NOW + timedelta(hours=2)).isoformat()
    assert sam.post("/inbox/snooze", {"ids": ids[:1], "until": until}).json == {"changed": 1}
    assert sam.post("/inbox/read-all", {"newest": max(ids)}).json == {"changed": 1}
    assert sam.get("/inbox", kind="record").json["rows"] == []
    past = sam.post("/inbox/snooze", {"ids": ids, "until": "2020-01-01"})
    assert past.json["error"]["fields"] == {"until": ["A moment that is still to come."]}
    assert sam.post("/inbox/nonsense", {"ids": ids}).status_code == 404

    assert sam.ask("PUT", f"/api/v1/inbox/muted/{number}").json["muted"] == [number]
    assert sam.patch("/inbox/settings", {"mail": "weekly"}).json == {
        "mail": "weekly", "chat": True, "muted": [number],
    }  # fmt: skip
    assert sam.delete(f"/inbox/muted/{number}").json["muted"] == []
    wrong = sam.patch("/inbox/settings", {"mail": "hourly"})
    assert wrong.json["error"]["fields"]["mail"][0].startswith("One of at_once")
