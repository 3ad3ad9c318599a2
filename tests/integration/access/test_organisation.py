"""The organisation of a process: what a change of people means for the next request."""

import threading
import time

import pytest
import sqlalchemy as sa

from app.access.organisation import CHANNEL, Organisation, touch_people
from app.access.organisation import PEOPLE as PEOPLE_NUMBER
from app.database.live import Live
from app.database.pools import Pools
from app.errors import Forbidden, Unavailable
from app.fields.registry import field_types
from tests.integration.reading.world import PEOPLE, build, open_world

SAM, MIA, TOM = (PEOPLE[name][0] for name in ("sam", "mia", "tom"))


@pytest.fixture
def world(template_database, clone_database):
    made = open_world(clone_database(template_database("reading_world", build)))
    yield made
    made.close()


class Seconds:
    """A clock for the patience."""

    now = 100.0

    def __call__(self):
        return self.now


def change(world, text, **values):
    with world.pools.engine.begin() as connection:
        for one in text.split(";"):
            connection.execute(sa.text(one), values)
        touch_people(connection)


def test_a_principal_knows_its_place(world):
    mia = world.who("mia")
    assert mia.name == "Mia"
    assert mia.roles == {"manager"}
    assert mia.subordinates == (3, 4, 5)
    assert (mia.department, mia.departments, mia.department_tree) == (2, (2,), (2,))
    assert world.who("dirk").department_tree == (1, 2, 3)
    assert not mia.is_admin
    assert world.who("root").is_admin
    assert mia.my["manager"] == PEOPLE["boss"][0]
    assert mia.time_zone == "Asia/Shanghai"


def test_nobody_is_nobody(world):
    assert world.organisation.principal(None) is None
    assert world.organisation.principal(99_999) is None


def test_without_roles_there_are_no_rows(world):
    with pytest.raises(Forbidden, match="no role"):
        world.records.query(world.who("nora"), "company")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ab_user SET active = false WHERE id = :id",
        "UPDATE crm.user SET active = false WHERE id = :id",
        "DELETE FROM ab_user WHERE id = :id",
    ],
)
def test_a22_a_deactivated_user_is_nobody_with_the_next_request(world, statement):
    assert world.organisation.principal(SAM)
    change(world, statement, id=SAM)
    world.organisation.expire()
    assert world.organisation.principal(SAM) is None


def test_a22_a_role_taken_away_is_gone_with_the_next_request(world):
    sam = world.who("sam")
    assert world.records.query(sam, "company")
    change(world, "DELETE FROM ab_user_role WHERE user_id = :id", id=SAM)
    world.organisation.expire()
    with pytest.raises(Forbidden):
        world.records.query(world.who("sam"), "company")


def test_a22_another_process_hears_of_it(world):
    """Nobody calls `expire` there: the notification alone does it, long before the second is up."""
    pools = Pools(world.pools.url)
    live = Live(pools, field_types())
    other = Organisation(pools, lambda: live.release, seconds=Seconds())
    heard = threading.Event()
    live.on_notice(CHANNEL, lambda name: (other.expire(name), heard.set()))
    try:
        assert other.principal(SAM).roles == {"seller"}
        time.sleep(0.2)  # until it listens
        change(world, "DELETE FROM ab_user_role WHERE user_id = :id", id=SAM)
        assert heard.wait(60)
        assert other.principal(SAM).roles == frozenset()
    finally:
        live.stop()
        pools.close()


def test_a22_without_a_notification_it_is_seen_within_a_second(world):
    seconds = Seconds()
    other = Organisation(world.pools, lambda: world.live.release, seconds=seconds)
    assert other.principal(SAM).roles == {"seller"}
    change(world, "DELETE FROM ab_user_role WHERE user_id = :id", id=SAM)
    seconds.now += Organisation.patience
    assert other.principal(SAM).roles == frozenset()


def test_an_unchanged_organisation_is_not_read_again(world):
    seconds = Seconds()
    other = Organisation(world.pools, lambda: world.live.release, seconds=seconds)
    first = other.principal(SAM)
    seconds.now += 10
    assert other.principal(SAM) is first


def test_roles_of_groups_count(world):
    change(
        world,
        "INSERT INTO ab_group (id, name, label, description) VALUES (1, 'g', 'g', '');"
        "INSERT INTO ab_user_group (id, user_id, group_id) VALUES (1, :id, 1);"
        "INSERT INTO ab_group_role (id, group_id, role_id)"
        " SELECT 1, 1, id FROM ab_role WHERE name = 'viewer'",
        id=SAM,
    )
    world.organisation.expire()
    assert world.who("sam").roles == {"seller", "viewer"}


def test_a23_a_circle_of_managers_ends(world):
    change(world, "UPDATE crm.user SET manager = :sue WHERE id = :mia", sue=5, mia=MIA)
    world.organisation.expire()
    assert world.who("mia").subordinates == (3, 4, 5)
    assert world.who("sue").subordinates == (3, 4, 5)
    rows = world.records.query(world.who("mia"), "company")
    assert len(rows) == 4


def test_a23_below_a_deactivated_manager_work_goes_on(world):
    change(world, "UPDATE ab_user SET active = false WHERE id = :id", id=SAM)
    world.organisation.expire()
    names = {row["name"] for row in world.records.query(world.who("mia"), "company")}
    assert {"Sam Steel", "Sue Silk"} <= names


def test_a_new_manager_sees_at_once(world):
    change(world, "UPDATE crm.user SET manager = :mia WHERE id = :tom", mia=MIA, tom=TOM)
    world.organisation.expire()
    names = {row["name"] for row in world.records.query(world.who("mia"), "company")}
    assert "Tom Tools" in names


def test_touch_works_on_the_drivers_connection_and_is_undone_with_the_change(world):
    def number():
        with world.pools.read.connection() as connection:
            row = connection.execute(
                "SELECT number FROM trellis.revision WHERE name = %s", [PEOPLE_NUMBER]
            ).fetchone()
        return row[0] if row else 0

    before = number()
    with world.pools.write.connection() as connection:
        touch_people(connection)
    assert number() == before + 1

    def fail():
        with world.pools.write.connection() as connection:
            touch_people(connection)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert number() == before + 1


def test_a_database_that_does_not_answer_is_unavailable(world):
    other = Organisation(world.pools, lambda: world.live.release)
    with world.pools.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE trellis.revision RENAME TO gone"))
    with pytest.raises(Unavailable):
        other.principal(SAM)
    with world.pools.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE trellis.gone RENAME TO revision"))
    assert other.principal(SAM)
