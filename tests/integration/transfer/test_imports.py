"""Imports over a real database: tried, run, broken off, taken up, and what is left out."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from app.database import system
from app.database.pools import Pools
from app.errors import Conflict, Forbidden, InvalidInput
from app.transfer import runs as runs_module
from app.transfer import whole_run
from app.transfer.runs import Imports
from tests.integration.writing.world import World, build

FILE = """Name,Level,E-mail,Phones,Region,Owner,Credit
Acme,Normal,a@acme.example,021-5550 1234,North,sam,500
Bolt & Co,b,b@bolt.example,13800138000,North,,20
Cord,vip,c@cord.example,,North,,
Dune,,d@dune.example,,Nowhere,,
Acme 2,,a@acme.example,,,,
Fifth,Normal,,,#1,sue,900
=HYPERLINK(1),,,,,nobody,
"""


@pytest.fixture
def world(template_database, clone_database, tmp_path) -> Iterator[World]:
    made = World(Pools(clone_database(template_database("writing_world", build))), tmp_path)
    made.region("North")
    yield made
    made.close()


@pytest.fixture
def imports(world) -> Imports:
    return Imports(
        world.records, world.pools, world.live, world.organisation, world.records.writer.files,
        world.clock,
    )  # fmt: skip


def added(imports, world, text=FILE, who="root", **changes):
    principal = world.who(who)
    run = imports.add(principal, "customer", io.BytesIO(text.encode()), "old.csv")
    return imports.change(principal, run.id, replace(run.plan, **changes)) if changes else run


def count(world, entity="customer"):
    return world.one(sa.select(sa.func.count()).select_from(world.live.release.tables[entity]))[0]


def finish(imports, world, run, who="root"):
    imports.start(world.who(who), run.id)
    while imports.advance(run.id):
        pass
    return imports.get(world.who(who), run.id)


def reasons(rows):
    return {row: [(one["column"], one["say"]["en"]) for one in why] for row, _, why in rows}


def test_a_file_is_tried_then_imported_and_comes_back_with_its_faults(world, imports):
    root = world.who("root")
    run = added(imports, world)
    assert dict(run.plan.columns) == {
        "Name": "name", "Level": "level", "E-mail": "email", "Phones": "phones",
        "Region": "region", "Owner": "owner", "Credit": "credit",
    }  # fmt: skip
    before = count(world), world.one(sa.select(sa.func.count()).select_from(system.history))
    tried = imports.dry_run(root, run)
    assert (count(world), world.one(sa.select(sa.func.count()).select_from(system.history))) == (
        before
    )
    done = finish(imports, world, run)
    assert (done.state, done.total, done.counts["created"], done.counts["faulty"]) == (
        "done", 7, 3, 4,
    )  # fmt: skip
    assert tried.counts == {name: n for name, n in done.counts.items() if name != "others"}
    found = reasons(imports.faults(root, run.id))
    assert found == {fault.row: [(r.column, str(r.sentence)) for r in fault.reasons]
                     for fault in tried.faults}  # fmt: skip
    assert found[4] == [("Level", "There is no option “vip”. There is: Key, Normal, Old.")]
    assert found[5] == [("Region", "There is no Region “Nowhere”, or you may not see it.")]
    assert found[6] == [("E-mail", "Another Customer has this Email already.")]
    row = world.row("customer", world.one(sa.text("SELECT max(id) FROM crm.customer"))[0])
    assert (row["name"], row["owner"], row["region"]) == ("Fifth", world.ids["sue"], 1)
    assert world.one(sa.text("SELECT customers FROM crm.region"))[0] == 3
    line = world.one(sa.text("SELECT origin, change_set FROM trellis.history WHERE record_id = :id"
                             " AND entity = :e"), id=row["id"],
                     e=world.live.release.numbers["customer"])  # fmt: skip
    assert tuple(line) == ("import", done.change_set)


def test_i5_modes_say_what_becomes_of_records_that_are_there(world, imports):
    ids = {
        name: world.customer("root", name=name, email=email, note=note)
        for name, email, note in (("Acme", "a@a.example", None), ("Bolt", "b@b.example", "kept"))
    }
    text = (
        "Name,Email,Note\nAcme,A@a.example,new\nBolt,b@b.example,new\n"
        "Bolt,b@b.example,newer\nCord,c@c.example,new\nCord,c@c.example,newer\n"
    )
    results = {}
    for mode in ("create", "update", "upsert", "fill", "skip"):
        run = added(imports, world, text, match=(("email",),), mode=mode)
        results[mode] = imports.dry_run(world.who("root"), run).counts
    assert {mode: tuple(counts.values()) for mode, counts in results.items()} == {
        # created, updated, unchanged, skipped, faulty
        "create": (1, 0, 0, 0, 4),
        "update": (0, 3, 0, 0, 2),
        "upsert": (1, 4, 0, 0, 0),
        "fill": (1, 1, 3, 0, 0),
        "skip": (1, 0, 0, 4, 0),
    }
    run = added(imports, world, text, match=(("email",),), mode="fill")
    assert finish(imports, world, run).counts["updated"] == 1
    assert [world.row("customer", ids[name])["note"] for name in ("Acme", "Bolt")] == [
        "new", "kept",
    ]  # fmt: skip
    again = finish(imports, world, added(imports, world, text, match=(("email",),), mode="fill"))
    assert (again.counts["created"], again.counts["updated"]) == (0, 0)


def test_i10_each_row_is_applied_once_whatever_happens(world, imports, monkeypatch):
    root = world.who("root")
    monkeypatch.setattr(runs_module, "CHUNK", 10)
    text = "Name,Email\n" + "".join(f"C{n},c{n}@x.example\n" for n in range(45))
    run = added(imports, world, text)
    imports.start(root, run.id)
    applied = imports._applied

    def dies(*given):
        if count(world) >= 20:
            raise KeyboardInterrupt
        return applied(*given)

    monkeypatch.setattr(imports, "_applied", dies)
    with pytest.raises(KeyboardInterrupt):
        imports.advance(run.id)
    monkeypatch.setattr(imports, "_applied", applied)
    half = imports.get(root, run.id)
    assert (half.state, half.counts["created"], half.mark, count(world)) == ("running", 20, 21, 20)
    # Somebody who still holds the former chunk comes too late.
    with imports._chunks(replace(half, mark=0)) as (headings, chunks):
        assert imports._applied(root, half, headings, next(chunks))
    assert count(world) == 20
    assert imports.pause(root, run.id).state == "paused"
    assert not imports.advance(run.id)
    assert finish(imports, world, run).counts["created"] == count(world) == 45
    assert len({imports.get(root, run.id).change_set, half.change_set}) == 1
    with pytest.raises(Conflict):
        imports.start(root, run.id)


def test_a_second_record_comes_from_the_same_row(world, imports):
    text = "Name,Email,Remark\nAcme,a@a.example,first\nAcme,a@a.example,second\n"
    columns = {"Name": "name", "Email": "email", "Remark": "note.text"}
    run = added(imports, world, text, columns=columns, match=(("email",),), mode="upsert")
    done = finish(imports, world, run)
    assert (done.counts["created"], done.counts["unchanged"]) == (1, 1)
    assert done.counts["others"] == {"note": 2}
    again = added(imports, world, text, columns=columns, match=(("email",),), mode="upsert")
    assert finish(imports, world, again).counts["others"] == {}


def test_i7_who_may_not_import_and_what_no_file_can_bring_is_refused_first(world, imports):
    with pytest.raises(Forbidden):
        added(imports, world, who="sam")
    with pytest.raises(InvalidInput):
        added(imports, world, columns={"Name": "score"})
    with pytest.raises(InvalidInput):
        added(imports, world, columns={"Name": "name"}, match=(("email",),))


def test_i6_all_or_nothing_takes_back_every_row_at_the_first_fault(world, imports, monkeypatch):
    monkeypatch.setattr(runs_module, "CHUNK", 2)
    root, before = world.who("root"), count(world)
    kept = world.one(sa.select(sa.func.count()).select_from(system.history))
    sound = "Name,Email,Region\nOne,1@x.example,North\nTwo,2@x.example,North\nThree,3@x.example,\n"
    # The fault is found in another chunk than the row it is about was written in.
    text = f"{sound}Again,1@x.example,\nFive,5@x.example,\n"
    run = finish(imports, world, added(imports, world, text, all_or_nothing=True))
    assert (run.state, run.counts, run.change_set, run.mark) == (
        "failed", {"faulty": 1, "others": {}}, None, 0,
    )  # fmt: skip
    assert str(run.problem).startswith("Row 5 could not go in")
    assert [row for row, _, _ in imports.faults(root, run.id)] == [5]
    assert count(world) == before
    assert world.one(sa.select(sa.func.count()).select_from(system.history)) == kept
    assert world.one(sa.text("SELECT customers FROM crm.region"))[0] == 0
    # Mended, it goes in as a whole, as one change set; stopped before its end, it leaves nothing.
    monkeypatch.setattr(whole_run, "MOST", 2)
    run = finish(imports, world, added(imports, world, sound, all_or_nothing=True))
    assert (run.state, str(run.problem)[:14], count(world)) == ("failed", "All or nothing", before)
    monkeypatch.undo()
    run = added(imports, world, sound, all_or_nothing=True)
    imports.start(root, run.id)
    with monkeypatch.context() as patch:
        patch.setattr(whole_run, "_beat", lambda *_: imports.cancel(root, run.id) and False)
        assert not imports.advance(run.id)
    assert (imports.get(root, run.id).state, count(world)) == ("cancelled", before)
    run = finish(imports, world, added(imports, world, sound, all_or_nothing=True))
    assert (run.state, run.counts["created"], count(world)) == ("done", 3, before + 3)
    assert run.change_set is not None
