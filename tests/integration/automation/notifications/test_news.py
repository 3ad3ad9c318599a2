"""What people do to each other's records is told to those it concerns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from app.access.organisation import Person
from app.automation.ledger import label_of
from app.automation.news import mentioned
from app.automation.registry import FOLLOWED, SHARES, register
from app.database.automation_tables import message
from app.notifications.preferences import mute_rule
from tests.integration.api.world import IDS, ApiWorld, build


@pytest.fixture
def world(template_database, clone_database, tmp_path) -> Iterator[ApiWorld]:
    made = ApiWorld(clone_database(template_database("api_world", build)), tmp_path / "var")
    yield made
    made.close()


def told(world: ApiWorld) -> list[tuple[int, str, str, int | None]]:
    with world.services.pools.engine.connect() as connection:
        rows = connection.execute(message.select().order_by(message.c.id)).all()
    return [(row.user_id, row.kind, row.text, row.record_id) for row in rows]


def test_whoever_is_given_records_hears_of_it_once(world):
    records, mia, sam = world.services.records, world.who("mia"), IDS["sam"]
    records.transfer(mia, "customer", [5], sam, origin="screen")
    records.transfer(mia, "customer", [1, 2], IDS["sue"], origin="api")
    records.transfer(world.who("sam"), "customer", [5], sam, origin="screen")
    records.transfer(mia, "customer", [3], IDS["mia"], origin="screen")
    records.transfer(world.who("root"), "customer", [4], sam, origin="system")
    assert told(world) == [
        (sam, "record", "Mia handed “Mia Works” to you.", 5),
        (IDS["sue"], "record", "Mia handed 2 records to you: 2 Customer.", None),
    ]


def test_with_whom_a_record_is_shared_hears_of_it_once_unless_muted(world):
    records, root, sam = world.services.records, world.who("root"), IDS["sam"]
    until = datetime(2027, 5, 3, 12, tzinfo=UTC)
    records.share(root, "customer", 3, [sam, IDS["root"]])
    records.share(root, "customer", 3, [sam, IDS["tom"]], may_edit=True, until=until)
    assert told(world) == [
        (sam, "record", "Root shared “Sue Silk” with you.", 3),
        (IDS["tom"], "record", "Root shared “Sue Silk” with you, to edit, until 2027-05-03.", 3),
    ]
    catalog = world.services.live.release.catalog
    with world.services.pools.engine.begin() as connection:
        register(connection, catalog, until)
    with world.services.pools.write.connection() as connection:
        mute_rule(connection, sam, world.services.numbers.number(SHARES))
    world.services.teller.preferences.forget()
    records.share(root, "customer", 4, [sam])
    with world.services.pools.engine.connect() as connection:
        last = connection.execute(message.select().order_by(message.c.id.desc())).first()
    assert (last.user_id, last.record_id) == (sam, 4)
    assert last.read_at is not None, "kept, and counts as read"
    assert label_of(catalog, SHARES).in_language("zh") == "共享给我的记录"


def test_whoever_is_named_in_a_comment_hears_of_it_if_he_may_read(world):
    """What was typed is shown as it is; it is no template."""
    text = "@sam @Tom and @Mia, look: {{ record.secret }} <b> (@mia again, @Nobody, me@sue.example)"
    world.services.records.comment(world.who("root"), "customer", 1, text)
    assert told(world) == [
        (IDS["sam"], "mention", f"Root mentioned you: “{text}”", 1),
        (IDS["mia"], "mention", f"Root mentioned you: “{text}”", 1),
    ]
    # Whoever is named in what is written about a record hears of it as well.
    about = {"entity": "customer", "id": 1}
    values = {"about": about, "content": "@Sam called"}
    made = world.services.records.create(world.who("root"), "visit", values)
    assert (IDS["sam"], "mention", "Root mentioned you: “@Sam called”", made.id) in told(world)


def test_the_longest_name_counts():
    people = [
        Person(1, True, name="Lin"), Person(2, True, name="Lin Yue"), Person(3, False, name="Old"),
        Person(4, True, name="陈伟"), Person(5, True, name="陈伟明", record={"login": "chen.wm"}),
    ]  # fmt: skip
    assert mentioned("@Lin Yue!", people) == [2]
    assert mentioned("@lin, @Lina @Lin-x @Old", people) == [1]
    assert mentioned("请@陈伟明看一下，@陈伟也看", people) == [5, 4]
    assert mentioned("@chen.wm @", people) == [5]
    assert mentioned("mail me@lin.example", people) == []


def test_whoever_follows_a_record_hears_what_colleagues_do_to_it(world):
    records, mia = world.services.records, world.who("mia")
    for follower in ("sam", "mia"):
        records.follow(world.who(follower), "customer", 1, follows=True)
    records.comment(mia, "customer", 1, "Call them")
    # Named as well: once. Rules and the system are no colleagues.
    records.comment(mia, "customer", 1, "@Sam call them")
    records.update(mia, "customer", 1, {"note": "x"}, origin="screen")
    records.transfer(mia, "customer", [1], IDS["sue"], origin="screen")
    records.comment(world.who("root"), "customer", 2, "Nobody follows this")
    title = records.get(mia, "customer", 1).values["name"]
    heard = [text for user, _, text, _ in told(world) if user == IDS["sam"]]
    assert heard[0] == f"Mia on “{title}”: “Call them”"
    assert [one.startswith("Mia mentioned you") for one in heard[1:2]] == [True]
    # Whoever may not read it any more hears nothing of where it went.
    assert len(heard) == 2
    assert not [one for one in told(world) if one[0] == IDS["mia"]]
    assert (
        label_of(world.services.live.release.catalog, FOLLOWED).in_language("zh") == "我关注的记录"
    )
