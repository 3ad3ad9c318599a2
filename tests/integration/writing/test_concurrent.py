"""Roll-ups and formulas under writers at the same moment, compared with the records they count.

Single slow runs hide a missing lock, since later writes heal what an earlier one left wrong: so
there are many short bursts, and the parents are compared after each.
"""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from app.errors import Conflict, InvalidInput, NotFound

WRITERS = 8
BURSTS = 30

#: customers whose figures differ from their orders'
WRONG_CUSTOMERS = sa.text(
    """
    SELECT c.id FROM crm.customer c LEFT JOIN LATERAL (
      SELECT count(*) n, coalesce(sum(o.amount) FILTER (WHERE o.stage <> 'void'), 0) s,
             max(o.amount) m
      FROM crm."order" o WHERE o.customer = c.id AND o.deleted_at IS NULL) x ON true
    WHERE c.orders IS DISTINCT FROM x.n OR c.total IS DISTINCT FROM x.s
       OR c.biggest IS DISTINCT FROM x.m OR c.score IS DISTINCT FROM x.s * 2 + x.n
    """
)
#: regions whose figures differ from their customers'
WRONG_REGIONS = sa.text(
    """
    SELECT r.id FROM crm.region r LEFT JOIN LATERAL (
      SELECT count(*) n, coalesce(sum(c.total), 0) s,
             count(*) FILTER (WHERE o.stage = 'won') w
      FROM crm.customer c LEFT JOIN crm."order" o
        ON o.id = c.main_order AND o.deleted_at IS NULL
      WHERE c.region = r.id AND c.deleted_at IS NULL) x ON true
    WHERE r.customers IS DISTINCT FROM x.n OR r.total IS DISTINCT FROM x.s
       OR r.winners IS DISTINCT FROM x.w
    """
)
#: orders whose formulas differ from what they read through their customer
WRONG_ORDERS = sa.text(
    """
    SELECT o.id FROM crm."order" o
    LEFT JOIN crm.customer c ON c.id = o.customer AND c.deleted_at IS NULL
    LEFT JOIN crm.region r ON r.id = c.region AND r.deleted_at IS NULL
    WHERE o.deleted_at IS NULL
      AND (o.level IS DISTINCT FROM c.level OR o.area IS DISTINCT FROM r.name)
    """
)
#: products whose figures differ from the rows that name them
WRONG_PRODUCTS = sa.text(
    """
    SELECT p.id FROM crm.product p LEFT JOIN LATERAL (
      SELECT coalesce(sum(l.quantity), 0) q, coalesce(sum(l.with_rate), 0) w
      FROM crm.order__lines l JOIN crm."order" o ON o.id = l.parent AND o.deleted_at IS NULL
      WHERE l.product = p.id) x ON true
    WHERE p.sold IS DISTINCT FROM x.q OR p.worth IS DISTINCT FROM x.w
    """
)


def wrong(world):
    with world.pools.engine.connect() as connection:
        return {
            name: [row[0] for row in connection.execute(statement)]
            for name, statement in (
                ("customers", WRONG_CUSTOMERS),
                ("regions", WRONG_REGIONS),
                ("orders", WRONG_ORDERS),
                ("products", WRONG_PRODUCTS),
            )
        }


RIGHT = {"customers": [], "regions": [], "orders": [], "products": []}


class Scene:
    """Few parents, many writers."""

    def __init__(self, world, seed):
        self.world = world
        self.random = random.Random(seed)
        self.root = world.who("root")
        self.regions = [world.region("North"), world.region("South")]
        self.products = [world.product("Bolt", "10"), world.product("Nut", "3")]
        self.customers = [
            world.customer("root", region=self.regions[n % 2], name=f"C{n}") for n in range(2)
        ]
        self.orders = [self.order(self.customers[n % 2]) for n in range(6)]
        for customer, order in zip(self.customers, self.orders, strict=False):
            self.write("customer", customer, {"main_order": order})

    def order(self, customer):
        lines = [{"product": self.random.choice(self.products), "quantity": "2"}]
        return self.world.order(customer, *lines, who="root", stage="won")

    def write(self, entity, number, values):
        return self.world.records.update(self.root, entity, number, values)

    def steps(self):
        """What eight writers do at the same moment: mostly to one parent."""
        parent = self.random.choice(self.customers)
        order, other = self.random.sample(self.orders, 2)
        choices = [
            lambda: self.orders.append(self.order(parent)),
            lambda: self.write("order", order, {"customer": parent}),
            lambda: self.write("order", other, {"customer": self.random.choice(self.customers)}),
            lambda: self.write("order", order, {"lines": [{"product": self.products[0]}]}),
            lambda: self.write("order", other, {"stage": self.random.choice(["won", "void"])}),
            lambda: self.write("order", order, {"rate": str(self.random.randint(0, 50))}),
            lambda: self.world.records.delete(self.root, "order", other),
            lambda: self.world.records.restore(self.root, "order", other),
            lambda: self.write("customer", parent, {"region": self.random.choice(self.regions)}),
            lambda: self.write("customer", parent, {"level": self.random.choice(["b", "old"])}),
            lambda: self.write(
                "region", self.regions[0], {"name": f"N{self.random.randint(0, 9)}"}
            ),
        ]
        return [self.random.choice(choices) for _ in range(WRITERS)]


def attempt(step):
    try:
        step()
    except (NotFound, InvalidInput, Conflict):
        return 0
    return 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_bursts_of_writers_leave_every_figure_right(world, seed):
    scene = Scene(world, seed)
    assert wrong(world) == RIGHT
    done = 0
    with ThreadPoolExecutor(WRITERS) as pool:
        for number in range(BURSTS // 3):
            done += sum(pool.map(attempt, scene.steps()))
            assert wrong(world) == RIGHT, f"burst {number}"
    assert done > BURSTS


def test_the_comparison_sees_a_wrong_figure(world):
    """The test above would be worth nothing if its comparison never found anything."""
    Scene(world, 1)
    with world.pools.engine.begin() as connection:
        connection.execute(sa.text("UPDATE crm.customer SET total = total + 1"))
        connection.execute(sa.text("UPDATE crm.product SET sold = sold + 1"))
        connection.execute(sa.text("UPDATE crm.region SET winners = winners + 1"))
        connection.execute(sa.text("UPDATE crm.\"order\" SET area = 'Nowhere'"))
    assert all(wrong(world).values())


def test_figures_of_figures_and_of_what_links_lead_to(world):
    north, south = world.region("North"), world.region("South")
    bolt = world.product()
    customer = world.customer(region=north)
    order = world.order(customer, {"product": bolt})
    region = world.row("region", north)
    assert (region["customers"], region["total"], region["winners"]) == (1, 10, 0)
    assert region["names"] == ["Acme"]
    world.records.update(world.who("sam"), "customer", customer, {"main_order": order})
    assert world.row("region", north)["winners"] == 0
    world.records.update(world.who("sam"), "order", order, {"stage": "won"})
    assert world.row("region", north)["winners"] == 1
    world.records.update(world.who("sam"), "customer", customer, {"region": south})
    assert world.row("region", north)["winners"] == 0
    assert world.row("region", south)["winners"] == 1
    assert world.row("order", order)["area"] == "South"
    world.records.update(world.who("sam"), "region", south, {"name": "Far south"})
    assert world.row("order", order)["area"] == "Far south"
    world.records.update(world.who("sam"), "customer", customer, {"region": None})
    assert world.row("order", order)["area"] is None
    assert world.row("region", south)["total"] == 0


def test_roll_ups_over_links_to_several(world):
    one, two = world.customer(), world.customer()
    fan = world.customer(friends=[one, two])
    assert (world.row("customer", one)["fans"], world.row("customer", two)["fans"]) == (1, 1)
    world.records.update(world.who("sam"), "customer", fan, {"friends": [two]})
    assert (world.row("customer", one)["fans"], world.row("customer", two)["fans"]) == (0, 1)
    order = world.order(one)
    visits = [
        world.records.create(
            world.who("sam"),
            "visit",
            {
                "about": {"entity": entity, "id": number},
                "content": text,
                "visited_at": f"2026-03-0{day}T00:00:00Z",
            },
        ).id
        for entity, number, text, day in (
            ("customer", one, "first", 1),
            ("customer", one, "second", 2),
            ("order", order, "of an order", 3),
        )
    ]
    row = world.row("customer", one)
    assert (row["last_note"], row["last_at"].day) == ("second", 2)
    world.records.update(
        world.who("sam"), "visit", visits[1], {"about": {"entity": "customer", "id": two}}
    )
    assert world.row("customer", one)["last_note"] == "first"
    assert world.row("customer", two)["last_note"] == "second"


def test_what_asks_for_now_is_kept_nowhere(world):
    number = world.customer()
    table = world.live.release.tables["customer"]
    assert "age_days" not in table.c
    assert world.records.get(world.who("sam"), "customer", number)["age_days"] == 0
