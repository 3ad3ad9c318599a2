"""Boards, calendars and trees over HTTP: what is in which column, on which day, below what; moving
it there; and that nobody sees or moves more than in a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from app.records import reading
from tests.integration.api.world import FILES, IDS, ApiWorld, build

LIFECYCLE = """
lifecycle: customer-steps
entity: customer
field: step
stages:
  first: {label: {en: First, zh: 初步}}
  second: {label: {en: Second, zh: 第二}}
  third: {label: Third}
  over: {label: Over, final: yes, color: green}
moves:
  - {from: first, to: second, needs: [site]}
  - {from: second, to: third, for: [manager]}
  - {from: second, to: first}
  - {from: [second, third], to: over}
"""
CUSTOMER = (
    FILES["entities/customer.yaml"]
    .replace("  site: {type: url}\n", "  site: {type: url}\n  step: {type: stage}\n")
    .replace("  founded: {type: date}\n", "  founded: {type: date}\n  call_at: {type: datetime}\n")
    .replace(
        "  related: [",
        "  board: {by: step, cards: [credit, owner, secret]}\n"
        "  calendar: {from: founded}\n  tree: parent\n  related: [",
    )
    .replace(
        "  views:\n",
        "  views:\n    to_call: {label: To call, where: call_at < now(), bench: {of: owner, later: call_at}}\n",
    )
)


@pytest.fixture(scope="module")
def world(template_database, databases, tmp_path_factory) -> Iterator[ApiWorld]:
    name = databases.create(template_database("api_world", build))
    made = ApiWorld(databases.url(name), tmp_path_factory.mktemp("shapes") / "var")
    made.apply({**FILES, "entities/customer.yaml": CUSTOMER, "workflows/customer.yaml": LIFECYCLE})
    yield made
    made.close()
    databases.drop(name)


def heads(page: str) -> dict[str, tuple[str, str]]:
    """Return what stands above each column: how many, and what they add up to."""
    count = dict(re.findall(r'class="mut num" data-count="([^"]+)">([^<]*)<', page))
    total = dict(re.findall(r'sm total" data-total="([^"]+)">([^<]*)<', page))
    return {name: (number, total.get(name, "")) for name, number in count.items()}


def cards(page: str) -> list[tuple[int, str]]:
    found = re.findall(r'data-card="(\d+)" data-lane="([^"]+)"', page)
    return sorted((int(number), lane) for number, lane in found)


def statements(world: ApiWorld, ask: Any) -> tuple[Any, int]:
    """Return an answer and how many statements read records for it."""
    runner, asked = world.services.records.reader.runner, []
    usual = {name: getattr(runner, name) for name in ("run", "run_prepared", "rows_prepared")}
    for name, one in usual.items():
        setattr(
            runner, name, lambda *said, _one=one, **more: (asked.append(1), _one(*said, **more))[1]
        )
    try:
        return ask(), len(asked)
    finally:
        for name, one in usual.items():
            setattr(runner, name, one)


def test_a_board_counts_adds_up_and_moves(world):
    sam, mia, aud = (world.browser(one) for one in ("sam", "mia", "aud"))
    token = world.as_("sam")
    made = [token.post("/customer/", {"name": f"New {n}"}).json["id"] for n in range(22)]
    one = made[0]
    world.as_("mia").patch(f"/customer/{one}", {"credit": "200.40"})
    # The sizes of tables are asked for once a minute.
    sam.ask("GET", "/crm/customer/?as=board")
    page, asked = statements(world, lambda: sam.ask("GET", "/crm/customer/?as=board").text)
    # Those from before the field was there stand in front; only one's own are counted.
    assert heads(page) == {
        "-": ("2", "¥201"),
        "first": ("22", "¥200"),
        "second": ("0", ""),
        "third": ("0", ""),
    }
    assert asked <= 3
    assert 'class="kcol fold" id="lane-over"' in page
    assert len([lane for _, lane in cards(page) if lane == "first"]) == 20
    # More of a column is a page of its own; what a card may not show is not on it.
    more = re.search(r'class="kc-more" hx-get="([^"]+)"', page)[1].replace("&amp;", "&")
    assert len(cards(sam.ask("GET", more).text)) == 2
    assert "s-sam" not in page
    assert "s-sam" in world.browser("root").ask("GET", "/crm/customer/?as=board").text
    narrow = sam.ask("GET", "/crm/customer/?as=board&filter=credit%20%3E%20150").text
    assert (heads(narrow)["first"], cards(narrow)) == (("1", "¥200"), [(one, "first")])
    assert heads(mia.ask("GET", "/crm/customer/?as=board").text)["-"][0] == "4"
    assert sam.ask("GET", "/crm/customer/?as=board&filter=oops").status_code == 400
    # The shape is remembered for this entity alone.
    assert "data-board" in sam.ask("GET", "/crm/customer/?q=New").text
    assert "data-board" not in sam.ask("GET", "/crm/order/").text

    # A large table is added up when its cards are there already.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "FENCED_FROM", 0)
        later, asked = statements(world, lambda: sam.ask("GET", "/crm/customer/?as=board").text)
        assert (asked, cards(later), "¥" in later.partition("data-card")[0]) == (
            2,
            cards(page),
            False,
        )
        assert 'data-count="first"><span class="skel count">' in later
        figures = re.search(r'data-figures="([^"]+)"', later)[1].replace("&amp;", "&")
    assert sam.ask("GET", figures).json == {
        "lanes": {
            **{name: {"count": c, "total": t} for name, (c, t) in heads(page).items()},
            "over": {"count": "0", "total": ""},
        },
        "summary": "24 open",
    }

    lanes = sam.ask("GET", f"/crm/customer/{one}/lanes?by=step").json["lanes"]
    assert lanes["second"] == {"ok": True, "why": "", "asks": "Site"}
    assert lanes["third"] == {"ok": False, "why": "Only from Second"}
    assert sam.ask("GET", f"/crm/customer/{one}/lanes?by=secret").status_code == 404
    assert sam.ask("GET", "/crm/customer/4/lanes?by=step").status_code == 404

    def move(who: Any, to: str, **more: str) -> Any:
        said = {"by": "step", "to": to, **more}
        takes = {"Accept-Encoding": "gzip"}
        return who.ask("POST", f"/crm/customer/{one}/lane?as=board", data=said, headers=takes)

    asks = move(sam, "second")
    assert (asks.status_code, 'name="site"' in asks.json["dialog"]) == (200, True)
    assert token.get(f"/customer/{one}").json["step"] == "first"
    moved = move(sam, "second", asked="1", site="https://new.example").json
    assert moved["told"] == "New 0: now Second"
    assert moved["lanes"]["second"] == {"count": "1", "total": "¥200"}
    back = sam.ask(
        "POST", f"/crm/customer/{one}/lane?as=board", data={"by": "step", **moved["undo"]}
    )
    assert (back.json["to"], cards(back.json["card"])) == ("first", [(one, "first")])
    row = token.get(f"/customer/{one}").json
    assert (row["step"], row["site"]) == ("first", None)
    moved = move(sam, "second", asked="1", site="https://new.example").json
    assert cards(moved["card"]) == [(one, "second")]
    # A refused move opens its why.
    assert "Not possible: Third" in move(sam, "third").json["dialog"]
    assert "Not possible: First" in move(aud, "first").json["dialog"]
    assert move(aud, "first", asked="1").status_code in (403, 422)
    assert move(sam, "first", version="1").status_code == 409
    assert token.get(f"/customer/{one}").json["step"] == "second"
    assert move(mia, "third").json["to"] == "third"
    assert move(sam, "nowhere").status_code == 404
    bare = {"X-CSRFToken": ""}
    assert sam.ask("POST", f"/crm/customer/{one}/lane", headers=bare).status_code == 400

    # A choice has no moves: what is in its way is who may write it.
    assert sam.ask("GET", f"/crm/customer/{one}/lanes?by=status").json["lanes"]["dormant"] == {
        "ok": True,
        "why": "",
    }
    assert not aud.ask("GET", f"/crm/customer/{one}/lanes?by=status").json["lanes"]["dormant"]["ok"]


def test_a_calendar_shows_days_and_moves_records(world):
    sam, sue, mia, aud = (world.browser(one) for one in ("sam", "sue", "mia", "aud"))
    token = world.as_("sam")
    token.patch("/customer/1", {"founded": "2026-03-10", "call_at": "2026-03-10T09:30:00+08:00"})
    token.patch("/customer/2", {"founded": "2026-03-31"})
    world.as_("sue").patch("/customer/3", {"founded": "2026-03-10"})
    ask = lambda: sam.ask("GET", "/crm/customer/?as=calendar&on=2026-03-05").text  # noqa: E731
    page, asked = statements(world, ask)
    assert asked == 1
    assert sorted(set(re.findall(r'data-day="([^"]+)" data-moves="/crm/customer/(\d+)/', page))) == [
        ("2026-03-10", "1"), ("2026-03-31", "2"),
    ]  # fmt: skip
    assert "/crm/customer/new?founded=2026-03-12" in page
    week = sam.ask("GET", "/crm/customer/?as=calendar&by=call_at&span=week&on=2026-03-10").text
    assert re.search(r'data-hour="9"[^>]*><ul>\s*<li class="ev', week)

    def move(who: Any, number: int, by: str, **said: str) -> Any:
        return who.ask("POST", f"/crm/customer/{number}/day?by={by}", data=said)

    done = move(sam, 1, "call_at", day="2026-03-12", hour="14").json
    assert done["told"] == "Sam Steel: now on 12 Mar, 14:30"
    assert token.get("/customer/1").json["call_at"] == "2026-03-12T06:30:00+00:00"
    assert move(sam, 1, "call_at", **done["undo"]).status_code == 200
    assert token.get("/customer/1").json["call_at"] == "2026-03-10T01:30:00+00:00"
    undo = move(sam, 2, "founded", day="2026-04-01").json["undo"]
    assert undo
    assert move(sue, 3, "founded", **undo).status_code in (404, 422)
    assert move(sam, 2, "founded", day="tomorrow").status_code == 400
    assert move(sam, 3, "founded", day="2026-04-01").status_code == 404
    assert move(aud, 2, "founded", day="2026-04-02").status_code == 403
    assert move(sam, 2, "secret", day="2026-04-02").status_code == 404
    assert move(sam, 2, "founded", day="2026-04-02", version="1").status_code == 409

    # One's own over all entities, one's team, one person below; nobody else.
    mine = sam.ask("GET", "/calendar?span=month&on=2026-03-05")
    assert set(re.findall(r"/crm/customer/(\d+)/day\?by=(\w+)", mine.text)) == {
        ("1", "founded"),
        ("1", "call_at"),
        ("2", "founded"),
    }
    team = mia.ask("GET", "/calendar?span=agenda&on=2026-03-05&person=team").text
    assert set(re.findall(r"/crm/customer/(\d+)/day", team)) == {"1", "3"}
    sue = mia.ask("GET", f"/calendar?span=month&on=2026-03-05&person={IDS['sue']}").text
    assert set(re.findall(r"/crm/customer/(\d+)/day", sue)) == {"3"}
    assert (
        "/crm/customer/3/"
        not in sam.ask("GET", f"/calendar?span=month&on=2026-03-05&person={IDS['sue']}").text
    )

    rows = token.get("/calendar", **{"from": "2026-03-01", "to": "2026-03-20"}).json
    assert [(row["id"], row["field"], row["begin"]) for row in rows["rows"] if row["entity"] == "customer"] == [
        (1, "founded", "2026-03-10"), (1, "call_at", "2026-03-10T01:30:00+00:00"),
    ]  # fmt: skip
    assert rows["more"] == []
    everybody = token.get(
        "/calendar",
        **{"from": "2026-03-01", "person": "all", "dates": "customer.founded", "to": "2026-03-31"},
    ).json
    assert {row["id"] for row in everybody["rows"]} == {1}
    for wrong in (
        {"from": "x"},
        {"to": "1990-01-01"},
        {"person": "he"},
        {"dates": "customer.secret"},
        {"from": "2026-01-01", "to": "2027-01-01"},
        {"at": "1"},
    ):
        assert token.get("/calendar", **wrong).status_code == 400, wrong


def test_a_tree_opens_by_level_and_refuses_circles(world):
    sam, root = world.browser("sam"), world.browser("root")
    admin = world.as_("root")
    # Sam's second below his first, which hangs below one of Tom's that Sam does not see.
    for number, above in ((2, 1), (1, 4), (5, 4)):
        assert admin.patch(f"/customer/{number}", {"parent": above}).status_code == 200
    nodes = lambda page: re.findall(r'data-node="(\d+)"', page)  # noqa: E731
    page, asked = statements(world, lambda: sam.ask("GET", "/crm/customer/?as=tree&sort=id").text)
    assert (asked, nodes(page)[0]) == (2, "1")
    assert "2" not in nodes(page)
    assert "4" not in nodes(page)
    below, asked = statements(
        world, lambda: sam.ask("GET", "/crm/customer/?as=tree&part=children&of=1&level=2").text
    )
    assert (asked, nodes(below)) == (2, ["2"])
    assert 'aria-level="2"' in below
    assert nodes(root.ask("GET", "/crm/customer/?as=tree&part=children&of=4&sort=id").text) == [
        "1",
        "5",
    ]
    # What is found names what is above it, as far as it may be seen.
    assert re.search(
        r"Sam Steel / </span><a[^>]*>Sam Dormant",
        sam.ask("GET", "/crm/customer/?as=tree&q=dormant").text,
    )
    found = root.ask("GET", "/crm/customer/?as=tree&q=dormant").text
    assert "Tom Tools / Sam Steel / </span>" in found

    hang = lambda who, number, to: who.ask("POST", f"/crm/customer/{number}/above", data={"to": to})  # noqa: E731
    circle = hang(root, 4, "2")
    assert circle.status_code == 422
    assert circle.json["told"].endswith("would make a circle: it is below this record itself.")
    done = hang(sam, 2, "").json
    assert done["told"] == "Sam Dormant: now at the top"
    sam.ask("POST", "/crm/customer/2/above", data=done["undo"])
    assert world.as_("sam").get("/customer/2").json["parent"] == 1
    hang(sam, 2, "")
    assert hang(sam, 2, "1").json["told"] == "Sam Dormant: now below Sam Steel"
    assert hang(sam, 4, "").status_code == 404
    assert hang(sam, 2, "x").status_code == 404
    assert hang(world.browser("aud"), 2, "").status_code == 403
