"""Rows written many at a time leave exactly what rows written one by one leave."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import sqlalchemy as sa

from app.database import automation_tables, system
from app.database.pools import Pools
from app.transfer import at_once
from app.transfer.runs import Imports
from tests.integration.automation.engine.world import APP, World, build

ENTITY = """
entity: company
title: name
fields:
  code: {type: serial, format: "C{yyyy}-{####}", restarts: yearly, search: yes}
  by_level: {type: serial, format: "{level}-{##}", per: level}
  name: {type: text, required: yes, unique: yes, max: 40, search: yes}
  level: {type: choice, options: {a: Key, b: Normal, c: {label: Low, removed: yes}}, default: b}
  stage: {type: stage}
  tags_of: {type: choices, options: {x: X, y: Y}}
  email: {type: email, unique: yes, search: yes}
  phones: {type: phones, search: yes}
  mobile: {type: phone}
  site: {type: url}
  currency: {type: currency, default: CNY}
  revenue: {type: money, currency: currency, min: 0}
  rate: {type: percent}
  score: {type: integer, max: 50}
  size: {type: decimal}
  open: {type: boolean, default: no}
  since: {type: date}
  at: {type: datetime}
  hour: {type: time}
  place: {type: address, default: =parent.place}
  parent: {type: link, to: company, tree: yes}
  friends: {type: links, to: company}
  keeper: {type: link, to: user}
  why: {type: text, required: level == 'a'}
  note: {type: longtext}
  due_on: {type: date}
  total: {type: rollup, of: offer.company, sum: amount}
  children: {type: rollup, of: company.parent, count: yes}
  double: {type: formula, formula: revenue * 2}
  is_big: {type: formula, formula: total > 10}
  age: {type: formula, formula: "days_between(created_at, now())"}
checks:
  - {must: score is empty or score != 13, message: Not thirteen.}
duplicates:
  - {same: [phones], also_in: [lead.phones], then: refuse}
"""
OFFER = """
entity: offer
title: name
fields:
  name: {type: text}
  company: {type: link, to: company}
  amount: {type: decimal}
"""
RULES = """
rule: due
entity: company
when: {on: due_on}
do: [{notify: {to: owner, say: Due}}]
---
rule: welcome
entity: company
when: {on: create}
if: score > 5 and origin == 'import'
do:
  - notify: {to: owner, say: "Welcome {{ record.name }}"}
  - create: {entity: offer, set: {name: =record.name, company: =record, amount: =record.score}}
---
rule: risen
entity: company
when: {on: update, changed: score}
if: score > 5
do:
  - notify: {to: owner, say: "{{ record.name }} has {{ record.score }}"}
  - create: {entity: offer, set: {name: More, company: =record, amount: =record.score}}
---
lifecycle: company-stages
entity: company
field: stage
stages:
  new: {label: New}
  won: {label: Won, set: {note: Won on arrival}}
  lost: {label: Lost}
moves:
  - {from: new, to: won, needs: [email]}
  - {from: won, to: lost}
---
quota: most
entity: company
where: open
for: [seller]
max: 4
"""
FILES = {
    "app.yaml": APP.replace("[CNY]", "[CNY, USD]"),
    "entities/company.yaml": ENTITY,
    "entities/offer.yaml": OFFER,
}
LINES = [
    # Sound ones, with everything there is.
    (
        "Acme,,won,x;y,A@acme.example,021-5550 1234,13800138000,acme.example,USD,12.50,12%,7,1.50,yes,"
        "2026-01-31,2026-02-01 09:30,18:05,上海,浦东 1 号,Root,,mia,,line\\back\ttab,2026-04-01,sam"
    ),
    *(
        f"恒泰 {n},b,,,h{n}@x.example,1390000{n:04},,,,{n}.1,,{n},,,,,,,,,,,,,2026-03-{n + 1:02},mia"
        for n in range(12)
    ),
    "Half,a,,,,,,,,,,,,,,,,杭州,,Root,Root,,reason,,,",
    # What somebody has to look at.
    "Acme,,,,b@acme.example,,,,,,,,,,,,,,,,,,,,,",
    "Same phone,,,,,021 55501234,,,,,,,,,,,,,,,,,,,,",
    "Lead's phone,,,,,13700137000,,,,,,,,,,,,,,,,,,,,",
    "No reason,a,,,,,,,,,,,,,,,,,,,,,,,,",
    "Removed,c,,,,,,,,,,,,,,,,,,,,,,,,",
    "Won,,won,,,,,,,,,,,,,,,,,,,,,,,,",
    "Thirteen,,,,,,,,,,,13,,,,,,,,,,,,,,",
    "Too high,,,,,,,,,,,99,,,,,,,,,,,,,,",
    "Nowhere,,,,,,,,,,,,,,,,,,,Atlantis,,,,,,",
    ",,,,n@x.example,,,,,,,,,,,,,,,,,,,,,",
    # With an offer beside it, the last one's in no number.
    *(
        f"Offered {n},,,,,,,,,,,,,,,,,,,,,,,,,,Offer {n},{amount}"
        for n, amount in enumerate([*range(11), "many"])
    ),
    *(f"Full {n},,,,,,,,,,,,,yes,,,,,,,,,,,,sue" for n in range(6)),
    "Last,,,,l@x.example,,,,,,,,,,,,,,,,,,,,,sue",
]
HEAD = (
    "name,level,stage,tags_of,email,phones,mobile,site,currency,revenue,rate,score,size,open,since,"
    "at,hour,place.city,place.street,parent,friends,keeper,why,note,due_on,owner,offer.name,"
    "offer.amount"
)


def _row(name: str, **cells: object) -> str:
    told = {"name": name, **{place.replace("__", "."): cell for place, cell in cells.items()}}
    return ",".join(str(told.get(place, "")) for place in HEAD.split(","))


#: The same records once more, by their names.
AGAIN = [
    # Sound ones: other values, parts of some, links that stay; the last of them nothing new.
    _row("Acme", tags_of="y", email="a2@acme.example", site="acme.example/new", revenue=20,
         rate="13%", score=8, place__street="浦东 2 号", parent="Root", note="again\\back",
         due_on="2026-05-01"),
    *(_row(f"恒泰 {n}", level="b", email=f"h{n}@y.example", revenue=f"{n}.2", score=n + 1,
           due_on=f"2026-03-{n + 2:02}", owner="mia") for n in range(11)),
    _row("恒泰 11", email="h11@x.example", score=11, due_on="2026-03-12", owner="mia"),
    # What is written by itself, or refused: moved on, given away, an e-mail of another, no reason.
    _row("Last", stage="lost"),
    _row("Full 1", score=3, owner="mia"),
    _row("Full 2", email="h3@y.example", score=4),
    _row("Root", level="a", score=5),
    _row("Half", score=13),
    # Twice in one file, and one that is new.
    _row("Full 0", score=1),
    _row("Full 0", score=2),
    _row("Another", email="an@x.example"),
]  # fmt: skip


def imported(url, folder, who: str = "root", **chosen):
    """Return what an import leaves in every table, and how it was counted."""
    world = World(Pools(url), folder)
    try:
        world.rules(RULES, **FILES)
        world.create("company", "root", name="Root")
        lead = {"name": "Lead", "phones": "13700137000"}
        world.records.create(world.who(who), "lead", lead, strict=False)
        imports = Imports(
            world.records, world.pools, world.live, world.organisation,
            world.records.writer.files, world.clock,
        )  # fmt: skip
        told = came_in(imports, world.who(who), LINES, **(chosen or {"rules": "run"}))
        if not chosen:
            again = {"rules": "run", "mode": "upsert", "match": (("name",),)}
            told += came_in(imports, world.who(who), AGAIN, **again)
        return told, left(world)
    finally:
        world.live.stop()
        world.pools.close()


def came_in(imports, who, lines, **chosen):
    """Return how the rows of one file were counted: those tried, those done, and what is wrong."""
    text = "\n".join([HEAD, *lines])
    run = imports.add(who, "company", io.BytesIO(text.encode()), "all.csv")
    columns = {name: name for name in HEAD.split(",")}
    run = imports.change(who, run.id, replace(run.plan, columns=columns, **chosen))
    tried = imports.dry_run(who, run)
    imports.start(who, run.id)
    while imports.advance(run.id):
        pass
    run = imports.get(who, run.id)
    return tried.counts, run.counts, list(imports.faults(who, run.id))


def left(world) -> dict[str, list]:
    """Return the rows of every table, records by their titles."""
    numbers = {number: name for name, number in world.live.release.numbers.items()}
    titles = {
        (numbers[row["entity"]], row["record_id"]): row["title"]
        for row in world.select(sa.select(system.search))
    }
    rules = {number: world.house.numbers.name(number) for number in range(1, 60)}
    found = {
        "company": [
            {**row, "parent": titles.get(("company", row["parent"]))}
            for row in world.all("company")
        ],
        "offer": [
            {**row, "company": titles.get(("company", row["company"]))}
            for row in world.all("offer")
        ],
    }
    tables = (
        system.history, system.event, system.search, automation_tables.reminder,
        automation_tables.firing, automation_tables.message,
    )  # fmt: skip
    for table in tables:
        rows = world.select(sa.select(table))
        for row in rows:
            kind = numbers.get(row["entity"])
            row["record_id"] = titles.get((kind, row["record_id"]), row["record_id"])
            row["rule"] = rules.get(row.get("rule"))
        found[table.name] = rows
    return {name: sorted(map(_told, rows)) for name, rows in found.items()}


#: What may differ: numbers of rows, and moments of the database's own clock.
_OWN = frozenset({"id", "history_id", "change_set", "firing", "key", "about", "sent_at", "at"})


#: Numbers have gaps, elsewhere each time.
_SERIAL = re.compile(r"\b([cC]2026|[ab])-\d+\b|(?<='company': )\d+|(?<='offer', )\d+")


def _told(row) -> str:
    told = repr({name: value for name, value in sorted(row.items()) if name not in _OWN})
    return _SERIAL.sub("number", told)


def test_many_at_a_time_leave_what_one_by_one_leaves(
    template_database, clone_database, tmp_path, monkeypatch
):
    template = template_database("engine_world", build)
    at_a_time = []

    def counted(name):
        do = getattr(at_once.AtOnce, name)

        def done(self, rows):
            found = do(self, rows)
            at_a_time.append((name, len(found)))
            return found

        monkeypatch.setattr(at_once.AtOnce, name, done)

    counted("create")
    counted("change")
    monkeypatch.setattr(at_once, "LEAST", 3)
    many = imported(clone_database(template), tmp_path / "many")
    # Tried and done; where one cannot be, what becomes of the halves comes before.
    assert [each for each in at_a_time if each[1] > 8] == [
        *[("create", 27), ("create", 11), ("create", 26), ("create", 11)] * 2,
        *[("change", 12)] * 2,
    ]  # fmt: skip
    monkeypatch.setattr(at_once, "LEAST", 10_000)
    single = imported(clone_database(template), tmp_path / "single")
    assert many[0] == single[0]
    for name, rows in single[1].items():
        assert many[1][name] == rows, name


def test_i12_rules_run_run_silently_or_not_at_all_as_was_chosen(
    template_database, clone_database, tmp_path
):
    template = template_database("engine_world", build)
    found = {}
    for word, chosen in (("default", {"match": ()}), ("silent", {"rules": "silent"}),
                         ("run", {"rules": "run"})):  # fmt: skip
        rows = imported(clone_database(template), tmp_path / word, **chosen)[1]
        welcomed = [one for one in rows["firing"] if "welcome" in one]
        sent = [one for one in rows["message"] if "Welcome" in one]
        offered = [one for one in rows["offer"] if "'Offer " not in one]
        found[word] = (len(offered), len(welcomed), len(sent))
    # Records made by the rule, firings, messages; without a word nothing fires.
    assert found == {"default": (0, 0, 0), "silent": (7, 7, 0), "run": (7, 7, 7)}
