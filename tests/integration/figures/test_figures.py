"""Figures over a real database: what is counted, for whom, beside what, and the way to the records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from app.access.principal import SYSTEM
from app.database.pools import Pools
from app.errors import Forbidden, InvalidInput, Malformed, NotFound
from app.records.left_targets import outlook_of_targets
from app.records.targets import Cell, Reach
from tests.integration.writing.world import NOW, World, build, load

FILES = {
    "app.yaml": """
name: Figures
time_zone: Asia/Shanghai
currencies: [CNY, USD]
values: {big: 100}
""",
    "roles.yaml": """
roles:
  seller: {scope: own, may: [create, read, update, history]}
  manager: {is: seller, scope: subordinates}
  auditor: {scope: all, may: [read]}
  admin: {admin: yes}
""",
    "entities/client.yaml": """
entity: client
title: name
fields:
  name: {type: text}
access:
  auditor: {read: no}
  seller: {scope: own}
""",
    "entities/deal.yaml": """
entity: deal
title: name
fields:
  name: {type: text, required: yes}
  client: {type: link, to: client}
  stage: {type: stage}
  amount: {type: money, currency: currency}
  currency: {type: currency, default: CNY}
  margin: {type: decimal}
  closed_on: {type: date}
  lines:
    type: lines
    fields:
      product: {type: text}
      price: {type: money}
access:
  fields:
    margin: {seller: hidden}
screens:
  views:
    open: {label: Open, where: not stage.final, columns: [stage, amount, margin]}
""",
    "workflows/deal.yaml": """
lifecycle: deal-stages
entity: deal
field: stage
stages: {new: {label: New}, talk: {label: Talk}, won: {label: Won, final: yes}, lost: {label: Lost, final: yes}}
""",
    "dashboards/sales.yaml": """
dashboard: sales
filters: {period: this month, people: all}
figures:
  - {label: Won, value: "sum(deal.amount, stage == 'won')", date: closed_on, compare: previous}
  - {label: Rate, value: "count(deal, stage == 'won') / count(deal)"}
  - {label: By month, value: sum(deal.amount), date: closed_on, chart: line, by: month, period: this year, compare: last_year}
  - {label: Funnel, value: count(deal), also: sum(deal.amount), chart: funnel, by: stage}
  - {label: Products, value: "sum(deal.lines.price, price > 1)", chart: ranking, by: product, top: 2}
  - {label: People, value: sum(deal.amount), date: closed_on, chart: ranking, by: user, compare: previous}
  - {label: Clients, value: count(deal), chart: bar, by: client}
  - {label: Margin, value: sum(deal.margin)}
  - {view: deal.open, top: 2}
  - {target: won}
  - {target: won, by: department, chart: table}
  - {target: won, by: month, chart: bar, period: this year}
  - {label: Departments, value: count(deal), chart: bar, by: department}
---
dashboard: secret
for: [auditor]
figures: [{value: "count(deal, amount > app.big)"}]
---
target: won
value: sum(deal.amount, stage == 'won')
date: closed_on
levels: [base, stretch]
edit: [manager]
""",
}  # fmt: skip
(WON, RATE, MONTHS, FUNNEL, PRODUCTS, PEOPLE, CLIENTS, MARGIN, VIEW, REACHED, BY_DEPARTMENT,
 BY_MONTH, DEPARTMENTS) = range(13)  # fmt: skip
#: who, name, stage and the one before, amount, currency, closed on
DEALS = (
    ("sam", "One", ("won",), 100, "CNY", "2026-03-05"),
    ("sam", "Two", ("talk", "won"), 50, "USD", "2026-03-09"),
    ("sam", "Three", ("talk",), 30, "CNY", None),
    ("sue", "Four", ("talk", "lost"), 70, "CNY", "2026-03-02"),
    ("sue", "Five", ("won",), 40, "CNY", "2026-02-10"),
    ("sue", "Late", ("won",), 15, "CNY", "2026-02-20"),
    ("tom", "Six", ("won",), 500, "CNY", "2025-03-10"),
    ("tom", "Seven", (), 5, "CNY", None),
)


@pytest.fixture(scope="module")
def world(template_database, databases, tmp_path_factory) -> Iterator[World]:
    """Six weeks of deals; nothing in it is changed but targets."""
    template = template_database("figures_world", lambda url: build(url, FILES))
    name = databases.create(template)
    made = World(Pools(databases.url(name)), tmp_path_factory.mktemp("figures"))
    with made.pools.write.connection() as connection:
        connection.execute(
            "INSERT INTO trellis.rate (currency, day, rate) VALUES ('USD', '2026-01-01', 7)"
        )
    departments = {}
    for title, parent in (("Head", None), ("East", "Head"), ("West", "Head")):
        values = {"name": title, "parent": departments.get(parent)}
        departments[title] = made.records.create(SYSTEM, "department", values).id
    for person, where in (("mia", "East"), ("sam", "East"), ("sue", "East"), ("tom", "West")):
        made.records.update(SYSTEM, "user", made.ids[person], {"department": departments[where]})
    made.records.update(SYSTEM, "department", departments["East"], {"head": made.ids["mia"]})
    made.organisation.expire()
    made.departments = departments
    clients = {
        who: made.records.create(made.who(who), "client", {"name": f"Client of {who}"}).id
        for who in ("sam", "sue")
    }
    for who, title, stages, amount, currency, closed in DEALS:
        lines = [{"product": title[0], "price": 1 + amount}, {"product": "T", "price": 1}]
        values = {"name": title, "amount": amount, "currency": currency, "closed_on": closed,
                  "client": clients.get(who), "lines": lines}  # fmt: skip
        number = made.records.create(made.who("root"), "deal", values).id
        made.records.transfer(made.who("root"), "deal", [number], made.ids[who])
        for stage in stages:
            made.records.update(made.who("root"), "deal", number, {"stage": stage})
    yield made
    made.close()
    databases.drop(name)


def look(world, who="root", **asked):
    return world.records.figures.look(world.who(who), "sales", **asked).answers


def counted(world, who, drill):
    """Return how many records the list behind a figure has."""
    return world.records.count(world.who(who), drill.entity, filter=drill.filter or None,
                               view=drill.view or None).number  # fmt: skip


def test_numbers_are_those_of_the_period_and_stand_beside_the_one_before(world):
    usd = 7
    found = look(world)
    won = found[WON]
    assert (won.value, won.before) == (100 + 50 * usd, Decimal(40))
    assert (won.before_span.first, won.before_span.last) == (date(2026, 2, 1), date(2026, 2, 10))
    assert won.drill.filter == (
        "stage == 'won' and closed_on >= '2026-03-01' and closed_on <= '2026-03-31'"
    )
    assert counted(world, "root", won.drill) == 2
    assert round(found[RATE].value, 4) == Decimal("0.625")
    months = found[MONTHS].rows
    assert [(row.key, row.value, row.before) for row in months[:4]] == [
        ("2026-01", 0, 0), ("2026-02", 55, 0), ("2026-03", 170 + 50 * usd, 500),
        ("2026-04", None, 0),
    ]  # fmt: skip
    assert counted(world, "root", months[2].drill) == 3
    earlier = look(world, period="2026-02", only=[WON, MONTHS])
    assert (earlier[WON].value, earlier[WON].before_span.signs) == (55, "2026-01")
    assert earlier[MONTHS].span.signs == "2026"
    assert look(world, period="all", only=[WON])[WON].value == 655 + 50 * usd


def test_groups_have_their_order_and_their_way_to_the_records(world):
    found = look(world)
    funnel = found[FUNNEL].rows
    assert [(row.key, row.value) for row in funnel] == [("new", 8), ("talk", 7), ("won", 5)]
    assert [row.share and round(row.share, 3) for row in funnel] == [
        None, Decimal("0.875"), Decimal("0.714"),
    ]  # fmt: skip
    assert [counted(world, "root", row.drill) for row in funnel] == [8, 7, 5]
    products = found[PRODUCTS]
    assert [(row.key, row.value) for row in products.rows] == [("S", 507), ("F", 112)]
    assert products.more == 3
    assert counted(world, "root", products.rows[0].drill) == 2
    people = found[PEOPLE].rows
    assert [(row.title, row.moved) for row in people] == [("Sam", None), ("Sue", -1)]
    clients = found[CLIENTS].rows
    assert {(row.title, row.value) for row in clients} == {
        ("Client of sam", 3), ("Client of sue", 3), (None, 2),
    }  # fmt: skip
    listed = found[VIEW]
    assert ([row["name"] for row in listed.page.rows], listed.count.number) == (
        ["Seven", "Three"], 2,
    )  # fmt: skip
    assert [(row.title, row.value) for row in found[DEPARTMENTS].rows] == [("East", 6), ("West", 2)]


@pytest.mark.parametrize(
    ("who", "deals", "closed"),
    [("root", 8, 8), ("aud", 8, 8), ("mia", 6, 6), ("sam", 3, 3), ("tom", 2, 2)],
)
def test_everybody_counts_the_rows_they_may_see(world, who, deals, closed):
    found = look(world, who)
    assert found[FUNNEL].rows[0].value == deals
    assert sum(row.value for row in found[DEPARTMENTS].rows) == closed
    hidden = who not in ("root", "aud")
    assert (found[MARGIN].refused is not None) is hidden
    assert found[MARGIN].value == (None if hidden else 0)
    for number in (WON, FUNNEL, PRODUCTS, PEOPLE):
        for drill in [found[number].drill, *(row.drill for row in found[number].rows)]:
            world.records.count(world.who(who), drill.entity, filter=drill.filter or None)
    # A client that may not be read has no name, and an auditor reads none.
    named = [row.title for row in found[CLIENTS].rows if row.key is not None]
    assert all((title is None) is (who == "aud") for title in named)


def test_people_narrow_what_is_counted(world):
    mine = {who: look(world, who, people="mine", only=[FUNNEL]) for who in ("mia", "sam")}
    assert [found[FUNNEL].rows[0].value for found in mine.values()] == [0, 3]
    for people, deals in (
        ("subordinates", 6), ("department", 6), ("all", 6), (f"user:{world.ids['sue']}", 3),
        (f"user:{world.ids['tom']}", 0), (f"department:{world.departments['Head']}", 6),
    ):  # fmt: skip
        found = look(world, "mia", people=people, only=[FUNNEL, WON])[FUNNEL]
        assert (people, found.rows[0].value) == (people, deals)
        assert counted(world, "mia", found.drill) == deals
    with pytest.raises(Malformed):
        look(world, people="everybody")
    with pytest.raises(Malformed):
        look(world, period="soon")


def test_dashboards_are_for_their_roles(world):
    names = {
        who: [one.name for one in world.records.figures.dashboards(world.who(who))]
        for who in ("root", "aud", "sam")
    }
    assert names == {"root": ["sales", "secret"], "aud": ["sales", "secret"], "sam": ["sales"]}
    with pytest.raises(NotFound):
        world.records.figures.look(world.who("sam"), "secret")
    found = world.records.figures.look(world.who("aud"), "secret").answers[0]
    assert found.value == 2


def reach(world, who):
    figures, release = world.records.figures, world.live.release
    policy = world.records.policy(world.who(who))
    target = release.catalog.targets["won"]
    return figures.book, Reach(target, policy, world.who(who), world.organisation.snapshot())


def put(world, who, *cells):
    book, may = reach(world, who)
    made = [Cell(kind, subject, date(2026, month, 1), level, amount)
            for kind, subject, month, level, amount in cells]  # fmt: skip
    return book.write(world.who(who), may, made, world.clock.now())


def test_targets_are_typed_in_by_who_may_and_stand_beside_what_was_reached(world):
    usd, sam, sue = 7, world.ids["sam"], world.ids["sue"]
    east = world.departments["East"]
    assert put(world, "mia", ("user", sam, 3, "base", Decimal(300)),
               ("user", sue, 3, "base", Decimal(100)), ("user", sam, 3, "stretch", Decimal(400)),
               ("user", sam, 2, "base", Decimal(50))) == 4  # fmt: skip
    assert put(world, "mia", ("user", sam, 3, "base", Decimal(300))) == 0
    for who, cell, error in (
        ("mia", ("user", world.ids["tom"], 3, "base", Decimal(1)), Forbidden),
        ("mia", ("user", world.ids["mia"], 3, "base", Decimal(1)), Forbidden),
        ("mia", ("company", 0, 3, "base", Decimal(1)), Forbidden),
        ("sam", ("user", sam, 3, "base", Decimal(1)), Forbidden),
        ("aud", ("user", sam, 3, "base", Decimal(1)), Forbidden),
        ("mia", ("user", sam, 3, "best", Decimal(1)), InvalidInput),
        ("mia", ("user", sam, 3, "base", Decimal(-1)), InvalidInput),
    ):
        with pytest.raises(error):
            put(world, who, cell)
    mine = look(world, "sam", people="mine", only=[REACHED, BY_MONTH])
    assert mine[REACHED].value == 100 + 50 * usd
    assert mine[REACHED].target.levels == {"base": 300, "stretch": 400}
    assert mine[REACHED].pace == 32
    assert [row.target and row.target.first for row in mine[BY_MONTH].rows][:4] == [
        None, 50, 300, None,
    ]  # fmt: skip
    # What is typed in for nobody but people adds up for their department and the company.
    found = look(world, "root", only=[REACHED, BY_DEPARTMENT])
    assert found[REACHED].target.levels == {"base": 400, "stretch": 400}
    rows = found[BY_DEPARTMENT].rows
    assert [(row.title, row.depth, row.target and row.target.first) for row in rows] == [
        (None, 0, 400), ("Head", 1, 400), ("East", 2, 400),
    ]  # fmt: skip
    assert put(world, "root", ("department", east, 3, "base", Decimal(1000))) == 1
    quarter = look(world, "root", period="2026-Q1", only=[REACHED])[REACHED]
    assert quarter.target.levels == {"base": 1050, "stretch": 400}
    book, _ = reach(world, "root")
    last = book.changes(reach(world, "root")[1].target)[0]
    assert (last.kind, last.subject, last.before, last.after, last.by) == (
        "department", east, None, 1000, world.ids["root"],
    )  # fmt: skip
    # A target that is taken away is told with what was typed in for it.
    without = {**FILES, "dashboards/sales.yaml": "dashboard: x\nfigures: [{value: count(deal)}]\n"}
    (told,) = outlook_of_targets(world.pools, load(without))
    assert (told.subject, told.data["targets"][0]["amounts"]) == ("target won", 5)
    assert outlook_of_targets(world.pools, load(FILES)) == []
    # Under another name it is the same, and what is taken away is gone under both.
    target = replace(reach(world, "root")[1].target, name="gained", was=("won",))
    months = (date(2026, 3, 1), date(2026, 3, 1))
    key = (("department", east), months[0], "base")
    assert book.amounts([target], *months)["gained"][key] == 1000
    may = reach(world, "root")[1]
    may.target = target
    assert book.write(world.who("root"), may, [Cell(*key[0], *key[1:], Decimal(900))], NOW) == 1
    assert book.amounts([target], *months)["gained"][key] == 900
    assert book.write(world.who("root"), may, [Cell(*key[0], *key[1:], None)], NOW) == 1
    assert key not in book.amounts([target], *months)["gained"]
    # Sam knows no more than his own.
    nobody = look(world, "sam", people=f"user:{sue}", only=[REACHED])[REACHED]
    assert (nobody.value, nobody.target) == (0, None)


def test_a_dashboard_is_a_few_statements(world):
    sent = []
    runner = world.records.reader.runner
    run = runner.run

    def counting(statement, values, **more):
        sent.append(statement)
        return run(statement, values, **more)

    runner.run = counting
    try:
        look(world, only=[WON, RATE, MARGIN])
        assert len(sent) == 1
        sent.clear()
        look(world)
    finally:
        del runner.run
    assert len(sent) <= 5
