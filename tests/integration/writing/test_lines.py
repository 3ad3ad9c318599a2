"""Rows inside a record: added, changed, moved, taken away, and what is worked out from them."""

from decimal import Decimal

import pytest
import sqlalchemy as sa

from app.errors import InvalidInput


def lines_of(world, order, field="lines"):
    table = world.live.release.tables[f"order.{field}"]
    with world.pools.engine.connect() as connection:
        chosen = table.select().where(table.c.parent == order).order_by(table.c.position)
        return [dict(row._mapping) for row in connection.execute(chosen)]


def sentences(error, field):
    return [str(sentence) for sentence in error.value.fields[field]]


def test_rows_are_added_changed_moved_and_taken_away(world):
    bolt, nut = world.product("Bolt", "10"), world.product("Nut", "2")
    order = world.order(world.customer(), {"product": bolt, "quantity": "2"}, {"product": nut})
    first, second = lines_of(world, order)
    assert (first["price"], first["subtotal"], second["subtotal"]) == (10, 20, 2)
    assert world.row("order", order)["amount"] == 22
    world.records.update(
        world.who("sam"),
        "order",
        order,
        {
            "lines": [
                {"id": second["id"], "product": nut, "quantity": "5"},
                {"product": bolt, "quantity": "1", "price": "7.50"},
            ]
        },
    )
    rows = lines_of(world, order)
    assert [(row["product"], row["position"], row["subtotal"]) for row in rows] == [
        (nut, 0, Decimal(10)),
        (bolt, 1, Decimal("7.50")),
    ]
    assert rows[0]["id"] == second["id"]
    assert first["id"] not in {row["id"] for row in rows}
    assert world.row("order", order)["amount"] == Decimal("17.50")


def test_moving_rows_is_a_change_and_sending_them_back_is_none(world):
    bolt = world.product()
    order = world.order(
        world.customer(), {"product": bolt, "quantity": "1"}, {"product": bolt, "quantity": "2"}
    )
    one, two = ({"id": row["id"]} for row in lines_of(world, order))
    same = world.records.update(world.who("sam"), "order", order, {"lines": [one, two]})
    assert (same.changed, same.version) == (False, 1)
    moved = world.records.update(world.who("sam"), "order", order, {"lines": [two, one]})
    assert (moved.changed, moved.version) == (True, 2)
    assert [row["id"] for row in lines_of(world, order)] == [two["id"], one["id"]]


def test_errors_stand_beside_the_row(world):
    bolt = world.product()
    with pytest.raises(InvalidInput) as error:
        world.order(
            world.customer(),
            {"product": bolt},
            {"quantity": "x"},
            {"product": 9_999, "price": "1", "wrong": 1},
        )
    assert set(error.value.fields) == {"lines.1.quantity", "lines.1.product", "lines.2.wrong"}
    with pytest.raises(InvalidInput) as error:
        world.order(world.customer(), {"product": bolt}, {"product": 9_999, "price": "1"})
    assert set(error.value.fields) == {"lines.1.product"}


def test_a_check_of_rows_names_the_row(world):
    bolt = world.product()
    with pytest.raises(InvalidInput) as error:
        world.order(world.customer(), {"product": bolt}, {"product": bolt, "quantity": "0"})
    assert {name: [str(s) for s in said] for name, said in error.value.fields.items()} == {
        "lines.1": ["More than nothing"]
    }


def test_a_row_of_another_record_is_refused(world):
    bolt, customer = world.product(), world.customer()
    other = world.order(customer, {"product": bolt})
    order = world.order(customer, {"product": bolt})
    (theirs,) = lines_of(world, other)
    with pytest.raises(InvalidInput) as error:
        world.records.update(
            world.who("sam"), "order", order, {"lines": [{"id": theirs["id"], "product": bolt}]}
        )
    assert set(error.value.fields) == {"lines.0"}
    assert lines_of(world, other) == [theirs]


@pytest.mark.parametrize("raw", ["x", 5, {"a": 1}, ["x"], [None]])
def test_what_is_no_list_of_rows_is_refused(world, raw):
    with pytest.raises(InvalidInput) as error:
        world.records.create(
            world.who("sam"), "order", {"customer": world.customer(), "lines": raw}
        )
    assert set(error.value.fields) == {"lines"}


def test_rows_read_the_record_around_them(world):
    order = world.order(world.customer(), {"product": world.product(), "quantity": "2"})
    assert lines_of(world, order)[0]["with_rate"] == Decimal("22.00")
    world.records.update(world.who("sam"), "order", order, {"rate": "50"})
    assert lines_of(world, order)[0]["with_rate"] == Decimal("30.00")


def test_a_default_of_a_row_may_ask_other_records(world):
    world.product("Bolt", "12.50")
    order = world.order(world.customer(), parts=[{"name": "Bolt"}, {"name": "Unknown"}])
    assert [row["price"] for row in lines_of(world, order, "parts")] == [Decimal("12.50"), None]


def test_what_is_unique_in_rows_is_so_within_one_record(world):
    customer = world.customer()
    with pytest.raises(InvalidInput) as error:
        world.order(customer, parts=[{"name": "A"}, {"name": "a "}])
    assert set(error.value.fields) == {"parts.1.name"}
    assert sentences(error, "parts.1.name") == ["Another row has this Name already."]
    first = world.order(customer, parts=[{"name": "A"}, {"name": "B"}])
    world.order(customer, parts=[{"name": "A"}])
    one, two = lines_of(world, first, "parts")
    swapped = [{"id": one["id"], "name": "B"}, {"id": two["id"], "name": "A"}]
    world.records.update(world.who("sam"), "order", first, {"parts": swapped})
    assert [row["name"] for row in lines_of(world, first, "parts")] == ["B", "A"]


def test_history_holds_the_rows_before_and_after(world):
    bolt = world.product()
    order = world.order(world.customer(), {"product": bolt, "quantity": "1"})
    (row,) = lines_of(world, order)
    world.records.update(
        world.who("sam"), "order", order, {"lines": [{"id": row["id"], "quantity": "3"}]}
    )
    newest, oldest = world.records.history(world.who("sam"), "order", order)
    before, after = newest.changes["lines"]
    assert [each["quantity"] for each in before] == ["1"]
    assert [(each["id"], each["quantity"], each["subtotal"]) for each in after] == [
        (row["id"], "3", "30.00")
    ]
    assert newest.changes["amount"] in ((("10.00"), ("30.00")), ("10", "30"))
    assert oldest.changes["lines"][0] is None


def test_prices_that_change_reach_rows_only_where_a_formula_reads_them(world):
    bolt = world.product("Bolt", "10")
    order = world.order(world.customer(), {"product": bolt})
    world.records.update(world.who("sam"), "product", bolt, {"price": "99"})
    assert lines_of(world, order)[0]["price"] == 10


def test_roll_ups_count_rows_of_living_records(world):
    bolt = world.product()
    customer = world.customer()
    order = world.order(customer, {"product": bolt, "quantity": "2"})
    other = world.order(customer, {"product": bolt, "quantity": "3"})

    def sold():
        row = world.row("product", bolt)
        return row["sold"], row["worth"]

    assert sold() == (5, Decimal("55.00"))
    world.records.update(world.who("sam"), "order", order, {"rate": "100"})
    assert sold() == (5, Decimal("73.00"))
    world.records.delete(world.who("root"), "order", order)
    assert sold() == (3, Decimal("33.00"))
    world.records.restore(world.who("root"), "order", order)
    assert sold() == (5, Decimal("73.00"))
    world.records.update(world.who("sam"), "order", other, {"lines": []})
    assert sold() == (2, Decimal("40.00"))


def test_too_many_rows_are_refused(world):
    with pytest.raises(InvalidInput) as error:
        world.order(world.customer(), parts=[{"name": f"n{i}"} for i in range(1001)])
    assert set(error.value.fields) == {"parts"}
    count = world.one(sa.text("SELECT count(*) FROM crm.order__parts"))
    assert count[0] == 0


@pytest.mark.parametrize("number", [[], {}, [1], True, 1.5, "²", "9" * 40, "x", -1])
def test_what_is_no_row_is_told_beside_it(world, number):
    order = world.order(world.customer(), {"product": world.product()})
    with pytest.raises(InvalidInput) as error:
        world.records.update(world.who("sam"), "order", order, {"lines": [{"id": number}]})
    assert "lines.0" in error.value.fields
