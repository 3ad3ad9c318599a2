"""What a dry run shows of rows, and what imports wrote that looks like what is there."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from app.database.pools import Pools
from app.duplicates.desk import Duplicates
from app.transfer.runs import Imports
from tests.integration.transfer.importer import imports_of
from tests.integration.writing.corner import build_corner
from tests.integration.writing.world import World

CLIENT = "client"
FILE = """Name,Mail,Tax no
上海信远科技有限公司分部,new@x.example,
Somebody else,A@x.example,
Nothing of all that,,77
Another,new@x.example,
"""


@pytest.fixture
def corner(template_database, clone_database, tmp_path):
    pools = Pools(clone_database(template_database("writing_corner", build_corner)))
    made = World(pools, tmp_path)
    yield made
    made.close()


def added(imports: Imports, world, text=FILE, **changes):
    root = world.who("root")
    run = imports.add(root, CLIENT, io.BytesIO(text.encode()), "old.csv")
    return imports.change(root, run.id, replace(run.plan, **changes)) if changes else run


def done(imports, world, run):
    imports.start(world.who("root"), run.id)
    while imports.advance(run.id):
        pass
    return run.id


def test_i4_a_dry_run_shows_before_and_after_and_what_is_probably_there(corner, monkeypatch):
    imports, root = imports_of(corner), corner.who("root")
    there = {
        name: corner.records.create(corner.who("sam"), CLIENT, {"name": name, **more}).id
        for name, more in (
            ("上海信远科技有限公司", {"mail": "a@x.example"}),
            ("Old", {"tax_no": "77", "mail": "old@x.example"}),
        )
    }
    run = added(imports, corner, match=(("tax_no",),), mode="upsert")
    tally = imports.dry_run(root, run)
    (changed,) = tally.samples["updated"]
    assert (changed["row"], changed["changes"]) == (
        4, {"name": {"before": "Old", "after": "Nothing of all that"}},
    )  # fmt: skip
    assert tally.samples["created"][0]["changes"]["mail"] == {
        "before": None, "after": "new@x.example",
    }  # fmt: skip
    like = {
        one["row"]: {(each["field"], each["row"] or each["id"], each["same"])
                     for each in one["like"]}
        for one in tally.samples["alike"]
    }  # fmt: skip
    first = there["上海信远科技有限公司"]
    assert like == {
        2: {("mail", 5, True), ("name", first, False)},
        3: {("mail", first, True)},
        5: {("mail", 2, True)},
    }
    assert (tally.alike, tally.is_compared) == (3, True)
    # Names are compared as long as there is time for them, equal values always.
    with monkeypatch.context() as hurried:
        hurried.setattr("app.transfer.trying.LIKENESS", -1.0)
        tally = imports.dry_run(root, run)
    assert (tally.alike, tally.is_compared) == (3, False)
    assert {each["field"] for one in tally.samples["alike"] for each in one["like"]} == {"mail"}


def test_a5_what_an_import_wrote_becomes_pairs_afterwards(corner, monkeypatch):
    imports, root = imports_of(corner), corner.who("root")
    desk = Duplicates(corner.records, corner.clock)
    text = FILE.replace("77", "")
    corner.records.create(corner.who("sam"), CLIENT, {"name": "上海信远科技有限公司"})
    corner.records.create(corner.who("sam"), CLIENT, {"name": "X", "mail": "a@x.example"})
    waiting = added(imports, corner, text)
    assert not desk.imported.go_on(waiting.id, 60), "nothing was written yet"
    monkeypatch.setattr("app.duplicates.imported.CHUNK", 2)
    number = done(imports, corner, waiting)
    assert desk.count(root) == 0
    assert not desk.imported.go_on(number, 60)
    kinds = sorted(reason.kind for pair in desk.listed(root) for reason in pair.reasons)
    assert kinds == ["alike", "email", "email"]
    assert desk.imported.silent() == []
    # Of many at once everything is looked through, when nobody is at that already.
    monkeypatch.setattr("app.duplicates.imported.MANY", 2)
    text = text.replace("new@", "newer@")
    for _ in range(2):
        desk.imported.go_on(done(imports, corner, added(imports, corner, text)), 60)
    (scan,) = desk.silent()
    desk.run(scan)
    assert desk.last_scan()["state"] == "done"
    assert desk.count(root) > 3
