"""Many writes in one call."""

import pytest
import sqlalchemy as sa

from app.database import system
from app.errors import InvalidInput, Malformed


def count(world, table="customer"):
    return world.one(sa.select(sa.func.count()).select_from(world.live.release.tables[table]))[0]


def create(**values):
    return {"action": "create", "values": values}


def test_all_writes_share_one_change_set(world):
    number = world.customer()
    outcomes = world.records.batch(
        world.who("root"),
        "customer",
        [
            create(name="New"),
            {"action": "update", "id": number, "values": {"name": "Changed"}, "version": 1},
            {"action": "delete", "id": world.customer()},
        ],
        note="tidying up",
    )
    assert [(each.action, each.version, each.error) for each in outcomes] == [
        ("create", 1, None),
        ("update", 2, None),
        ("delete", None, None),
    ]
    sets = world.one(
        sa.select(sa.func.count(), sa.func.min(system.change_set.c.note)).select_from(
            system.change_set
        )
    )
    assert tuple(sets) == (1, "tidying up")


def test_one_that_fails_takes_all_back_and_is_named(world):
    before = count(world)
    with pytest.raises(InvalidInput) as error:
        world.records.batch(
            world.who("sam"), "customer", [create(name="A"), create(name="x" * 41), create()]
        )
    assert set(error.value.fields) == {"1.name"}
    assert str(error.value.message) == "Write 1 cannot be done, so none was."
    assert count(world) == before


def test_each_by_itself_leaves_the_others(world):
    outcomes = world.records.batch(
        world.who("sam"),
        "customer",
        [
            create(name="A", email="a@x.example"),
            create(name="B", email="a@x.example"),
            create(name="C"),
            {"action": "update", "id": 9_999, "values": {}},
            {"action": "delete", "id": world.customer()},
        ],
        all_or_nothing=False,
    )
    assert [each.error.code if each.error else None for each in outcomes] == [
        None,
        "invalid-input",
        None,
        "not-found",
        "forbidden",
    ]
    assert set(outcomes[1].error.fields) == {"email"}
    names = world.one(sa.text("SELECT array_agg(name ORDER BY name) FROM crm.customer"))[0]
    assert names == ["A", "Acme", "C"]


def test_a_failed_write_leaves_no_roll_up_behind(world):
    customer = world.customer()
    bolt = world.product()
    outcomes = world.records.batch(
        world.who("sam"),
        "order",
        [
            create(customer=customer, lines=[{"product": bolt}]),
            create(customer=customer, lines=[{"product": bolt, "quantity": "0"}]),
        ],
        all_or_nothing=False,
    )
    assert outcomes[1].error is not None
    row = world.row("customer", customer)
    assert (row["orders"], row["total"]) == (1, 10)


def test_upsert_finds_by_a_unique_field(world):
    number = world.customer(email="a@x.example")
    outcomes = world.records.batch(
        world.who("sam"),
        "customer",
        [
            {"action": "upsert", "values": {"email": "A@X.example ", "name": "Found"}},
            {"action": "upsert", "values": {"email": "new@x.example", "name": "Made"}},
        ],
        key="email",
        strict=False,
    )
    assert [(each.action, each.id == number) for each in outcomes] == [
        ("upsert", True),
        ("upsert", False),
    ]
    assert world.row("customer", number)["name"] == "Found"
    again = world.records.batch(
        world.who("sam"),
        "customer",
        [{"action": "upsert", "values": {"email": "new@x.example", "name": "Made"}}],
        key="email",
    )
    assert (again[0].id, again[0].version) == (outcomes[1].id, 1)


def test_upsert_by_serial_number(world):
    number = world.customer()
    code = world.row("customer", number)["code"]
    outcomes = world.records.batch(
        world.who("sam"),
        "customer",
        [{"action": "upsert", "values": {"code": code, "name": "By code"}}],
        key="code",
    )
    assert outcomes[0].id == number
    assert world.row("customer", number)["name"] == "By code"


@pytest.mark.parametrize("key", ["name", "nothing", ""])
def test_upsert_needs_a_unique_field(world, key):
    with pytest.raises(InvalidInput):
        world.records.batch(
            world.who("sam"), "customer", [{"action": "upsert", "values": {"name": "x"}}], key=key
        )


def test_upsert_needs_a_value(world):
    with pytest.raises(InvalidInput) as error:
        world.records.batch(
            world.who("sam"), "customer", [{"action": "upsert", "values": {}}], key="email"
        )
    assert set(error.value.fields) == {"0.email"}


@pytest.mark.parametrize(
    "operations",
    [
        [],
        {},
        "x",
        [1],
        [{"action": "drop"}],
        [{"action": "update", "values": {}}],
        [{"action": "update", "id": "1", "values": {}}],
        [{"action": "update", "id": True, "values": {}}],
        [{"action": "create", "values": []}],
        [{"action": "create", "values": {}, "extra": 1}],
        [{"action": "delete", "id": 0}],
        [{"action": "create", "values": {"name": "x"}}] * 1001,
    ],
)
def test_what_is_no_batch_is_refused(world, operations):
    with pytest.raises(Malformed):
        world.records.batch(world.who("root"), "customer", operations)
