"""Merging: field by field, from whichever record; and everything as it was when it is undone."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.errors import Conflict, Forbidden, InvalidInput, NotFound
from tests.integration.changes.test_undo import back_and_forth, picture


def test_what_is_filled_newest_and_of_several_is_proposed_and_taken(world, changes):
    mia, sam = world.who("mia"), world.who("sam")
    region = world.region("North")
    keep = world.customer("sam", name="Acme", email="a@x.example", note="old note",
                          phones=[{"number": "+8613800000001"}])  # fmt: skip
    world.clock.moment += timedelta(days=1)
    gone = world.customer("sam", name="ACME Ltd", email="b@x.example", note="new note",
                          region=region, phones=[{"number": "+8613800000001"},
                                                 {"number": "+8613800000002"}])  # fmt: skip
    for customer in (keep, keep, gone):
        world.order(customer, stage="won")
    file = world.records.add_file(sam, io.BytesIO(b"more"), "b.txt")
    world.records.update(sam, "customer", gone, {"files": [file.id], "credit": None})
    found = world.records.side_by_side(mia, "customer", [gone, keep])
    assert (found.keep, list(found.ids)) == (keep, [keep, gone])
    assert found.hanging["order"] == {keep: 2, gone: 1}
    proposed = {one.field: one.proposed for one in found.choices}
    assert proposed == {
        "name": keep, "email": gone, "phones": "all", "note": "all", "region": gone, "files": gone,
    }  # fmt: skip
    assert "level" in found.same
    world.clock.moment += timedelta(days=1)
    before = picture(world)
    versions = found.versions
    written = world.records.merge(mia, "customer", keep, [gone], take=proposed, versions=versions)
    assert written.values["email"] == "b@x.example"
    assert written.values["note"] == "old note\n\nnew note"
    assert [one["number"] for one in written.values["phones"]] == [
        "+8613800000001", "+8613800000002",
    ]  # fmt: skip
    assert (written.values["region"], written.values["files"]) == (region, [file.id])
    assert world.one(sa.text(f"SELECT field FROM trellis.file WHERE id = {file.id}")) == ("files",)
    change_set = world.records.history(mia, "customer", keep)[0].change_set
    back_and_forth(world, changes, mia, change_set, before)


def test_rows_of_lines_come_along_and_go_back(world, changes):
    mia = world.who("mia")
    bolt, nut = world.product("Bolt", "10"), world.product("Nut", "2")
    one = world.customer("sam")
    keep = world.order(one, {"product": bolt, "quantity": "3"})
    gone = world.order(one, {"product": nut, "quantity": "5"})
    before = picture(world)
    found = world.records.side_by_side(mia, "order", [keep, gone], keep)
    assert {one.field: one.proposed for one in found.choices} == {"lines": "all"}
    world.records.merge(mia, "order", keep, [gone], take={"lines": "all"})
    lines = world.records.get(mia, "order", keep).lines["lines"]
    assert [(row["product"], row["quantity"]) for row in lines] == [
        (bolt, 3), (nut, 5),
    ]  # fmt: skip
    assert world.row("customer", one)["total"] == 40
    change_set = world.records.history(mia, "order", keep)[0].change_set
    back_and_forth(world, changes, mia, change_set, before)


def test_a_record_never_hangs_on_itself(world, changes):
    mia, sam = world.who("mia"), world.who("sam")
    top = world.customer("sam", name="Top")
    gone = world.customer("sam", name="Gone", parent=top)
    between = world.customer("sam", name="Between", parent=gone)
    keep = world.customer("sam", name="Keep", parent=between, friends=[gone, top])
    world.records.update(sam, "customer", gone, {"friends": [keep]})
    before = picture(world)
    found = world.records.side_by_side(mia, "customer", [keep, gone], keep)
    assert {one.field: one.values[gone] for one in found.choices if one.field == "friends"} == {
        "friends": []
    }
    world.records.merge(mia, "customer", keep, [gone])
    row = world.row("customer", keep)
    assert (row["parent"], row["friends"]) == (top, [top])
    assert world.row("customer", between)["parent"] == keep
    change_set = world.records.history(mia, "customer", keep)[0].change_set
    back_and_forth(world, changes, mia, change_set, before)


def test_a18_nothing_is_merged_or_shown_without_the_right_for_each(world):
    mia, sam = world.who("mia"), world.who("sam")
    keep, gone, foreign = world.customer(), world.customer(), world.customer("tom")
    world.records.update(world.who("root"), "customer", gone, {"secret": "hush", "credit": "5"})
    assert [one.field for one in world.records.side_by_side(mia, "customer", [keep, gone]).choices
            ] == ["credit"]  # fmt: skip
    for who, ids, error in (
        (sam, [keep, gone], Forbidden),
        (world.who("aud"), [keep, gone], Forbidden),
        (mia, [keep, foreign], NotFound),
        (mia, [keep], InvalidInput),
        (mia, [keep, *range(10_000, 10_011)], InvalidInput),
    ):
        with pytest.raises(error):
            world.records.side_by_side(who, "customer", ids)
        with pytest.raises((error, NotFound)):
            world.records.merge(who, "customer", ids[0], ids[1:])
    assert world.row("customer", gone)["deleted_at"] is None
    for take in (
        {"secret": gone},
        {"code": gone},
        {"email": foreign},
        {"email": "all"},
        {"emial": gone},
        {"secert": gone},
    ):
        with pytest.raises(InvalidInput) as refused:
            world.records.merge(mia, "customer", keep, [gone], take=take)
        assert refused.value.fields.keys() == take.keys()
        assert "mean secret" not in str(refused.value.fields)
    version = world.row("customer", gone)["version"]
    with pytest.raises(Conflict):
        world.records.merge(mia, "customer", keep, [gone], versions={gone: version - 1})
    with pytest.raises(InvalidInput):
        world.records.merge(world.who("root"), "user", world.ids["sam"], [world.ids["tom"]])
