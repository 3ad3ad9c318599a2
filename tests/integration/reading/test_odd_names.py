"""Fields named like words of SQL, or like parameters of our own statements."""

import orjson
import pytest
import sqlalchemy as sa

from app.database.apply import apply_catalog
from app.database.pools import Pools
from tests.integration.reading.world import FILES, load

NAMES = (
    "where", "after", "limit", "order", "select", "user", "row", "word", "table", "sort", "s0",
    "ids", "typed", "subordinates", "now_1", "where_0", "x", "r", "t", "k", "owners", "group",
)  # fmt: skip
ODD = "entity: odd\ntitle: where\nfields:\n" + "".join(
    f"  {name}: {{type: text, search: yes}}\n" for name in NAMES
)


@pytest.fixture
def odd(world):
    pools = Pools(world.pools.url)
    apply_catalog(pools, load({**FILES, "entities/odd.yaml": ODD}), "test")
    pools.close()
    world.live.reload()
    table = world.live.release.tables["odd"]
    with world.pools.engine.begin() as connection:
        for number in (1, 2, 3):
            values = {name: f"{name} {number}" for name in NAMES}
            connection.execute(sa.insert(table).values(id=number, owner=4, **values))
    return world


def test_x7_a_field_may_be_called_like_a_word_of_sql(odd):
    sam, records = odd.who("sam"), odd.records
    after = records.query_json(sam, "odd", limit=1, sort="id").next
    for name in NAMES:
        where = {"where": "where 2", "after": "after 2", name: f"{name} 2"}
        page = records.query_json(sam, "odd", where=where, sort=name, fields=name)
        assert orjson.loads(page.rows) == [{"id": 2, name: f"{name} 2"}]
        (record,) = records.query(sam, "odd", where=where, sort=name)
        assert record[name] == f"{name} 2"
        told = records.aggregate(sam, "odd", group_by=name, measures=f"count,max({name})")
        assert len(orjson.loads(told)) == 3
    filter_text = " and ".join(f"{name} != '{name} 2'" for name in NAMES if name != "x")
    page = records.query_json(sam, "odd", filter=filter_text, sort="id", after=after, count="exact")
    assert [row["id"] for row in orjson.loads(page.rows)] == [3]
    assert page.count.number == 2
