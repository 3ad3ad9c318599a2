"""Change sets taken back: wholly, for chosen records, once more; what was edited since stays."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.changes.run import Chosen
from app.errors import InvalidInput, NotFound
from app.records.doings import Doing
from app.transfer.runs import Imports
from tests.integration.writing.world import CUSTOMER, FILES

_HIDDEN = {"version", "updated_at", "updated_by", "deleted_by"}


def picture(world):
    """Return every record, row of lines, share, file, comment and search row as it stands."""
    found = {}
    with world.pools.engine.connect() as connection:
        for name, table in world.live.release.tables.items():
            keys = [c for c in table.c if c.name not in _HIDDEN]
            order = table.c.parent if "parent" in table.c and "position" in table.c else table.c.id
            rows = connection.execute(sa.select(*keys).order_by(order, table.c.id)).mappings()
            found[name] = [
                {k: v for k, v in row.items() if not (k == "id" and "position" in row)}
                | ({"deleted_at": row["deleted_at"] is not None} if "deleted_at" in row else {})
                for row in rows
            ]
        for name in ("share", "comment", "follower"):
            text = f"SELECT * FROM trellis.{name} ORDER BY 1, 2, 3"
            found[name] = [tuple(row) for row in connection.execute(sa.text(text))]
        files = "SELECT id, entity, record_id, field FROM trellis.file ORDER BY id"
        found["file"] = [tuple(row) for row in connection.execute(sa.text(files))]
        search = "SELECT entity, record_id, owner, title, search FROM trellis.search ORDER BY 1, 2"
        found["search"] = [tuple(row) for row in connection.execute(sa.text(search))]
    return found


def differs(before, after):
    """Return where two pictures differ, to be read in a failure."""
    return {
        name: [(a, b) for a, b in zip(before[name], after[name], strict=False) if a != b]
        or (len(before[name]), len(after[name]))
        for name in before
        if before[name] != after[name]
    }


def reasons(changes, who, run):
    return {
        (one["entity"], one["id"]): (one["why"], [r["field"] for r in one["reasons"]])
        for one in changes.skipped(who, run.id)
    }


def back_and_forth(world, changes, who, change_set, before):
    """Undo a change set, undo the undo, and undo that: the pictures are those of before."""
    after = picture(world)
    first = changes.undo(who, change_set)
    assert (first.state, first.count("skipped")) == ("done", 0), reasons(changes, who, first)
    assert differs(before, picture(world)) == {}
    second = changes.undo(who, first.change_set)
    assert second.count("skipped") == 0, reasons(changes, who, second)
    assert differs(after, picture(world)) == {}
    third = changes.undo(who, second.change_set)
    assert third.count("skipped") == 0
    assert differs(before, picture(world)) == {}
    again = changes.undo(who, change_set)
    assert (again.count("changed"), again.count("unchanged")) == (0, first.total)
    assert again.change_set is None
    return first


def test_fields_lines_links_roll_ups_and_owners_come_back_and_go_again(world, changes):
    mia, sue = world.who("mia"), world.ids["sue"]
    north, bolt, nut = world.region("North"), world.product("Bolt", "10"), world.product("Nut", "2")
    one = world.customer("sam", name="Acme", region=north, note="kept", email="a@a.example")
    two = world.customer("sam", name="Bolts", friends=[one])
    order = world.order(one, {"product": bolt, "quantity": "3"}, {"product": nut, "quantity": "1"})
    world.clock.moment += timedelta(days=1)
    before = picture(world)
    lines = world.records.get(mia, "order", order).lines["lines"]
    outcomes = world.records.batch(
        mia,
        "order",
        [{"action": "update", "id": order, "values": {
            "stage": "won", "rate": "20",
            "lines": [{"product": nut, "quantity": "5"},
                      {"id": lines[0].id, "product": bolt, "quantity": "1"}],
        }}],
    )  # fmt: skip
    assert outcomes[0].error is None
    line = world.records.history(mia, "order", order)[0]
    assert world.row("region", north)["total"] != before["region"][0]["total"]
    back_and_forth(world, changes, mia, line.change_set, before)

    doing = Doing("update", {"name": "Same", "region": None, "email": None, "note": None},
                  add={"friends": [two]})  # fmt: skip
    run = changes.bulk(mia, "customer", Chosen((one, two)), doing)
    back_and_forth(world, changes, mia, run.change_set, before)

    run = changes.bulk(
        mia, "customer", Chosen((one, two)), Doing("transfer", owner=sue, along=("order.customer",))
    )
    assert world.row("customer", one)["previous_owner"] == world.ids["sam"]
    back_and_forth(world, changes, mia, run.change_set, before)

    note = world.note(two)
    before = picture(world)
    run = changes.bulk(mia, "customer", Chosen((two,)), Doing("delete"))
    assert world.row("note", note)["deleted_at"] is not None
    back_and_forth(world, changes, mia, run.change_set, before)


def test_a_merge_comes_apart_with_all_that_was_moved(world, changes):
    mia, sam = world.who("mia"), world.who("sam")
    keep, gone, other = (world.customer("sam", name=n) for n in ("Keep", "Gone", "Other"))
    world.records.update(sam, "customer", other, {"friends": [gone, keep], "parent": gone})
    order, note = world.order(gone), world.note(gone)
    picture_file = world.records.add_file(sam, io.BytesIO(b"text"), "a.txt")
    field_file = world.records.add_file(sam, io.BytesIO(b"more"), "b.txt")
    world.records.attach(sam, "customer", gone, [picture_file.id])
    world.records.update(sam, "customer", gone, {"files": [field_file.id], "note": "of gone"})
    for record, user in ((gone, "tom"), (keep, "tom"), (gone, "sue")):
        world.records.share(mia, "customer", record, [world.ids[user]])
    world.records.comment(sam, "customer", gone, "Said here")
    for who in (sam, mia):
        world.records.follow(who, "customer", gone)
    world.records.follow(mia, "customer", keep)
    world.clock.moment += timedelta(days=1)
    before = picture(world)
    world.records.merge(mia, "customer", keep, [gone], {"note": "of both"})
    assert (world.row("order", order)["customer"], world.row("note", note)["customer"]) == (
        keep, keep,
    )  # fmt: skip
    change_set = world.records.history(mia, "customer", keep)[0].change_set
    back_and_forth(world, changes, mia, change_set, before)


def test_what_was_edited_since_is_listed_and_stays(world, changes):
    mia, sam = world.who("mia"), world.who("sam")
    ids = [world.customer("sam", name=f"C{n}", note="old") for n in range(6)]
    run = changes.bulk(
        mia,
        "customer",
        Chosen(tuple(ids)),
        Doing("update", {"note": "new", "level": "a", "reason": "r"}),
    )
    world.records.update(sam, "customer", ids[0], {"note": "newer"})
    world.records.update(sam, "customer", ids[1], {"name": "Something else"})
    world.records.update(sam, "customer", ids[2], {"note": "newer"})
    world.records.update(sam, "customer", ids[2], {"note": "new"})
    world.records.delete(mia, "customer", ids[3])
    part = changes.undo(mia, run.change_set, only={"customer": [ids[5], ids[0]]})
    assert (part.total, part.count("changed"), part.count("skipped")) == (2, 1, 1)
    assert reasons(changes, mia, part) == {("customer", ids[0]): ("edited", ["note"])}
    (told,) = changes.skipped(mia, part.id)[0]["reasons"]
    assert (told["before"], told["after"], told["now"]) == ("old", "new", "newer")
    assert str(told["say"]) == "Note was changed since."
    whole = changes.undo(mia, run.change_set)
    assert (whole.count("changed"), whole.count("unchanged"), whole.count("skipped")) == (4, 1, 1)
    found = [world.row("customer", one) for one in ids]
    assert [row["note"] for row in found] == ["newer", "old", "old", "old", "old", "old"]
    assert (found[1]["name"], found[3]["deleted_at"] is not None) == ("Something else", True)
    assert found[0]["level"] == "a"  # A record comes back as a whole or not at all.
    # What was made goes into the bin, unless somebody made something of it.
    made = [
        one.id
        for one in world.records.batch(
            sam, "customer", [{"action": "create", "values": {"name": f"N{n}"}} for n in range(4)]
        )
    ]
    world.records.update(mia, "customer", made[0], {"note": "worked on"})
    world.order(made[1])
    note = world.note(made[2], who="mia")
    change_set = world.records.history(sam, "customer", made[3])[0].change_set
    undone = changes.undo(sam, change_set)
    assert {one: why for (_, one), (why, _) in reasons(changes, sam, undone).items()} == {
        made[0]: "edited", made[1]: "needed", made[2]: "needed",
    }  # fmt: skip
    assert [world.row("customer", one)["deleted_at"] is not None for one in made] == [
        False, False, False, True,
    ]  # fmt: skip
    world.records.delete(mia, "note", note)
    assert changes.undo(sam, change_set).count("changed") == 1
    # Unique values that somebody else took meanwhile stay with them; so do records that are gone.
    freed = changes.bulk(
        mia, "customer", Chosen(tuple(ids[:1])), Doing("update", {"email": "x@x.example"})
    )
    emptied = changes.bulk(
        mia, "customer", Chosen(tuple(ids[:1])), Doing("update", {"email": None})
    )
    world.customer("tom", email="x@x.example")
    assert reasons(changes, mia, changes.undo(mia, emptied.change_set)) == {
        ("customer", ids[0]): ("check", ["email"])
    }
    assert freed.change_set
    binned = changes.bulk(mia, "customer", Chosen(tuple(ids[4:])), Doing("delete"))
    world.records.purge(world.who("root"), "customer", [ids[4]])
    assert reasons(changes, mia, changes.undo(mia, binned.change_set)) == {
        ("customer", ids[4]): ("lost", [None])
    }


def test_only_who_may_takes_it_back(world, changes):
    mia, sam, sue, tom, root = map(world.who, ("mia", "sam", "sue", "tom", "root"))
    one = world.customer("sam", name="One")
    run = changes.bulk(sam, "customer", Chosen((one,)), Doing("update", {"note": "x"}))
    for stranger in (sue, tom):
        with pytest.raises(NotFound):
            changes.undo(stranger, run.change_set)
    assert changes.undo(mia, run.change_set).count("changed") == 1
    # A field that is closed to whoever undoes.
    high = changes.bulk(mia, "customer", Chosen((one,)), Doing("update", {"credit": "5"}))
    with pytest.raises(NotFound):
        changes.undo(sam, high.change_set)
    line = world.records.history(sam, "customer", one)[0]
    refused = changes.undo_line(sam, "customer", one, line.id)
    assert reasons(changes, sam, refused) == {("customer", one): ("right", [None])}
    assert changes.undo(root, high.change_set).count("changed") == 1
    # A transfer can be taken back for an hour, though the record is out of sight.
    given = changes.bulk(mia, "customer", Chosen((one,)), Doing("transfer", owner=world.ids["tom"]))
    early = changes.undo(mia, given.change_set)
    assert (early.count("changed"), world.row("customer", one)["owner"]) == (1, world.ids["sam"])
    given = changes.bulk(mia, "customer", Chosen((one,)), Doing("transfer", owner=world.ids["tom"]))
    world.clock.moment += timedelta(hours=2)
    late = changes.undo(mia, given.change_set)
    assert reasons(changes, mia, late) == {("customer", one): ("gone", [None])}
    with pytest.raises(NotFound):
        changes.undo(mia, 10**9)
    with pytest.raises(InvalidInput):
        changes.undo(mia, given.change_set, only={"customer": [10**9], "nothing": [1]})
    # A line that belongs to no change set.
    mine = world.customer("sam", name="Mine")
    world.records.update(sam, "customer", mine, {"name": "Changed"})
    last, change_set = changes.last_line(sam, "customer", mine)
    assert change_set is None
    first = changes.undo_line(sam, "customer", mine, last)
    assert world.row("customer", mine)["name"] == "Mine"
    changes.undo(sam, first.change_set)
    assert world.row("customer", mine)["name"] == "Changed"
    with pytest.raises(NotFound):
        changes.undo_line(tom, "customer", mine, last)
    with pytest.raises(NotFound):
        changes.undo_line(sam, "customer", mine, 10**9)


def test_an_import_is_undone_with_the_second_records_of_its_rows(world, changes):
    root = world.who("root")
    imports = Imports(
        world.records, world.pools, world.live, world.organisation, world.records.writer.files,
        world.clock,
    )  # fmt: skip
    world.region("North")
    kept = world.customer("sam", name="Kept", email="k@k.example", note="old")
    before = picture(world)
    text = (
        "Name,Email,Note,Region,Remark\n"
        + "".join(f"N{n},n{n}@k.example,new,North,hello\n" for n in range(120))
        + "Kept,k@k.example,new,North,hello\n"
    )
    columns = {
        "Name": "name",
        "Email": "email",
        "Note": "note",
        "Region": "region",
        "Remark": "note.text",
    }
    run = imports.add(root, "customer", io.BytesIO(text.encode()), "old.csv")
    imports.change(
        root, run.id, replace(run.plan, columns=columns, match=(("email",),), mode="upsert")
    )
    imports.start(root, run.id)
    while imports.advance(run.id):
        pass
    done = imports.get(root, run.id)
    assert (done.counts["created"], done.counts["updated"]) == (120, 1)
    assert world.one(sa.text("SELECT customers FROM crm.region"))[0] == 121
    undone = changes.undo(root, done.change_set, at_once=1000)
    assert (undone.state, undone.count("changed"), undone.count("skipped")) == ("done", 242, 0)
    assert world.row("customer", kept)["note"] == "old"
    assert (
        world.one(sa.text("SELECT customers FROM crm.region"))[0]
        == before["region"][0]["customers"]
        == 0
    )
    assert picture(world)["search"] == before["search"]
    again = changes.undo(root, undone.change_set, at_once=1000)
    assert again.count("changed") == 242
    assert world.one(sa.text("SELECT customers FROM crm.region"))[0] == 121


def test_fields_that_have_another_name_come_back_and_those_that_are_gone_are_told(world, changes):
    sam = world.who("sam")
    number = world.customer("sam", note="old")
    both = [
        changes.bulk(sam, "customer", Chosen((number,)), Doing("update", {name: "new"}))
        for name in ("note", "reason")
    ]
    customer = CUSTOMER.replace("note: {type: longtext,", "remark: {type: longtext, was: note,")
    customer = customer.replace(
        "reason: {type: text, required: level == 'a'}", "reason: {type: text, removed: yes}"
    )
    world.apply({**FILES, "entities/customer.yaml": customer})
    found = [changes.undo(sam, one.change_set) for one in both]
    assert [(one.count("changed"), one.count("skipped")) for one in found] == [(1, 0), (0, 1)]
    assert world.row("customer", number)["remark"] == "old"
    assert reasons(changes, sam, found[1]) == {("customer", number): ("lost", [None])}
