"""A record shared with somebody is within that person's scope, until the day it ends."""

from datetime import timedelta

import pytest

from app.access.organisation import SHARES, touch
from app.database.system import share
from app.errors import NotFound
from tests.integration.reading.entry_points import ENTRY_POINTS, come_to_light
from tests.integration.reading.oracle import visible_companies
from tests.integration.reading.world import COMPANIES, NOW, PEOPLE, build, open_world

TOM_TOOLS = COMPANIES["Tom Tools"][0]
SHARED = [("sam", TOM_TOOLS), ("mia", TOM_TOOLS), ("tea", TOM_TOOLS), ("dora", TOM_TOOLS)]


@pytest.fixture(scope="module")
def sharing_world(template_database, databases):
    name = databases.create(template_database("reading_world", build))
    made = open_world(databases.url(name))
    for who, number in SHARED:
        made.share("company", number, who)
    made.share("company", TOM_TOOLS, "sue", until=NOW - timedelta(minutes=1))
    yield made
    made.close()
    databases.drop(name)


@pytest.mark.parametrize("entry", sorted(ENTRY_POINTS.keys() - {"picker"}))
@pytest.mark.parametrize("who", [who for who, role in PEOPLE.items() if role[1] != "outsider"])
def test_a1_a3_a4_a5_shared_rows_come_to_light_as_own_ones_do(sharing_world, who, entry):
    assert come_to_light(sharing_world, who, entry) == visible_companies(who, SHARED)


def test_a_share_that_ended_gives_nothing(sharing_world):
    world = sharing_world
    with pytest.raises(NotFound):
        world.records.get(world.who("sue"), "company", TOM_TOOLS)


def test_a_share_ends_by_itself(world):
    later = NOW + timedelta(days=1)
    world.share("company", COMPANIES["Mia Works"][0], "tom", until=later)
    assert world.records.get(world.who("tom"), "company", 1)
    world.clock.moment = later
    with pytest.raises(NotFound):
        world.records.get(world.who("tom"), "company", 1)


def test_a_share_to_read_is_none_to_change(sharing_world):
    world = sharing_world
    assert "update" not in world.records.rights(world.who("sam"), "company", TOM_TOOLS)


def test_a_share_to_edit_lets_change_and_nothing_more(world):
    number = COMPANIES["Nobody Ltd"][0]
    world.share("company", number, "sam", edit=True)
    rights = world.records.rights(world.who("sam"), "company", number)
    assert rights == {"read", "update", "history", "create"}


def test_a_share_opens_no_field(sharing_world):
    world = sharing_world
    page = world.records.query(world.who("sam"), "company", where={"name": "Tom Tools"})
    assert "secret" not in page.rows[0].values


def test_what_inherits_from_a_shared_record_is_seen_with_it(sharing_world):
    for who in ("sam", "tea"):
        rows = sharing_world.records.query(sharing_world.who(who), "person")
        assert {"Ben", "Cid"} <= {row["name"] for row in rows}


def test_a22_a_share_taken_back_is_gone_with_the_next_request(world):
    world.share("company", TOM_TOOLS, "sam")
    assert world.records.get(world.who("sam"), "company", TOM_TOOLS)
    with world.pools.engine.begin() as connection:
        connection.execute(share.delete())
        touch(connection, SHARES)
    world.organisation.expire()
    with pytest.raises(NotFound):
        world.records.get(world.who("sam"), "company", TOM_TOOLS)
