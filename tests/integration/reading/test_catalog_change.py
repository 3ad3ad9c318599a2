"""A catalog that changes under a process: the question is asked again, nobody notices."""

import orjson
import pytest

from app.database.apply import ApplyOptions, apply_catalog
from app.database.pools import Pools
from app.errors import Malformed
from tests.integration.reading.world import COMPANY, FILES, load


@pytest.fixture
def deaf(world):
    """A process that has served, and does not hear of another version by itself."""
    ask(world)
    world.live.stop()
    return world


def ask(world, **asked):
    page = world.records.query_json(world.who("boss"), "company", sort="id", limit=1, **asked)
    return orjson.loads(page.rows)[0]


def apply(world, company, allow=()):
    pools = Pools(world.pools.url)
    try:
        catalog = load({**FILES, "entities/company.yaml": company})
        apply_catalog(pools, catalog, "test", options=ApplyOptions(allow=allow))
    finally:
        pools.close()


def test_a_renamed_field_is_found_under_its_new_name(deaf):
    for _ in range(10):
        ask(deaf)
    apply(deaf, COMPANY.replace("note: {type: longtext}", "memo: {type: longtext, was: note}"))
    row = ask(deaf)
    assert "memo" in row
    assert "note" not in row
    with pytest.raises(Malformed):
        ask(deaf, fields="note")


def test_a_column_of_another_type_is_read_as_what_it_is(deaf):
    for _ in range(10):
        assert ask(deaf, fields="founded") == {"id": 1, "founded": None}
        assert len(deaf.records.query(deaf.who("boss"), "company")) == 6
    apply(deaf, COMPANY.replace("founded: {type: date}", "founded: {type: datetime}"))
    assert ask(deaf, fields="founded") == {"id": 1, "founded": None}
    assert len(deaf.records.query(deaf.who("boss"), "company")) == 6


def test_a_dropped_field_is_gone(deaf):
    apply(deaf, COMPANY.replace("  note: {type: longtext}\n", ""), allow=["company.note"])
    assert "note" not in ask(deaf)
    assert len(deaf.records.query(deaf.who("boss"), "company")) == 6
    assert deaf.records.get(deaf.who("boss"), "company", 1)


def test_a_new_field_is_served_at_once(world):
    apply(world, COMPANY.replace("  note:", "  fresh: {type: text, default: x}\n  note:"))
    world.live.reload()
    assert "fresh" in ask(world)
    assert world.records.query(world.who("boss"), "company", where={"fresh": ""}) is not None


def test_a_changed_right_holds_at_once(world):
    assert "secret" not in orjson.loads(world.records.get_json(world.who("sam"), "company", 2).row)
    apply(world, COMPANY.replace("secret: {seller: hidden", "secret: {seller: read"))
    world.live.reload()
    assert "secret" in orjson.loads(world.records.get_json(world.who("sam"), "company", 2).row)
