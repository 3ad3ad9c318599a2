"""One change of many records: each refused or done by itself, as one change set, at once or later."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.changes import runs as runs_module
from app.changes.run import Chosen
from app.errors import Conflict, Forbidden, InvalidInput, Malformed, NotFound
from app.records.doings import Doing


def names(world, ids, field="name"):
    return [world.row("customer", one)[field] for one in ids]


def whys(changes, who, run):
    return {one["id"]: (one["why"], str(one["reasons"][0]["say"]), one["reasons"][0]["field"])
            for one in changes.skipped(who, run.id)}  # fmt: skip


def test_each_record_is_refused_or_changed_by_itself_as_one_change_set(world, changes):
    mia = world.who("mia")
    ids = [world.customer("sam", name=f"C{n}") for n in range(60)]
    strange = world.customer("tom", name="Tom's")
    old = world.customer("mia", name="Good", credit="5", level="a", reason="r")
    both = [world.order(ids[0]), world.order(ids[0])]
    doing = Doing("update", {"level": "a", "reason": "Fair"})
    run = changes.bulk(mia, "customer", Chosen((*ids, old, strange, 10**9)), doing, note="Fair")
    assert (run.state, run.total, run.count("changed"), run.count("skipped")) == ("done", 63, 61, 2)
    assert set(names(world, [*ids, old], "level")) == {"a"}
    assert {one: why for one, (why, *_) in whys(changes, mia, run).items()} == {
        strange: "gone", 10**9: "gone",
    }  # fmt: skip
    lines = [world.records.history(mia, "customer", one)[0] for one in (*ids, old)]
    assert {line.change_set for line in lines} == {run.change_set}
    kind = world.one(sa.text("SELECT kind, note, user_id FROM trellis.change_set WHERE id = :id"),
                     id=run.change_set)  # fmt: skip
    assert tuple(kind) == ("update", "Fair", world.ids["mia"])
    # What is wrong with one keeps no other out; what is so already is counted as that.
    third = changes.bulk(
        mia, "customer", Chosen((*ids[:3], old)), Doing("update", {"reason": None, "level": "b"})
    )
    assert (third.count("changed"), third.count("skipped")) == (4, 0)
    again = changes.bulk(mia, "customer", Chosen(tuple(ids[:5])), Doing("update", {"level": "b"}))
    assert (again.count("changed"), again.count("unchanged")) == (2, 3)
    empty = changes.bulk(
        mia, "customer", Chosen(tuple(ids[:5])), Doing("update", {"email": "a@a.example"})
    )
    assert (empty.count("changed"), empty.count("skipped")) == (1, 4)
    assert set(whys(changes, mia, empty).values()) == {
        ("check", "Another Customer has this Email already.", "email")
    }
    # Links and back: who may not see a record may not add it either.
    friends = Doing("update", add={"friends": [ids[1], ids[2]]})
    changes.bulk(mia, "customer", Chosen((ids[3], ids[4])), friends)
    changes.bulk(mia, "customer", Chosen((ids[3],)), Doing("update", remove={"friends": [ids[1]]}))
    assert names(world, ids[3:5], "friends") == [[ids[2]], [ids[1], ids[2]]]
    assert world.row("customer", ids[1])["fans"] == 1
    closed = changes.bulk(
        mia, "customer", Chosen((ids[3],)), Doing("update", add={"friends": [strange]})
    )
    assert closed.count("skipped") == 1
    # Deleting: what is needed stays, the rest goes, and comes back.
    gone = changes.bulk(mia, "customer", Chosen(tuple(ids[:10])), Doing("delete"))
    assert (gone.count("changed"), gone.count("skipped")) == (9, 1)
    assert (
        whys(changes, mia, gone)[ids[0]][1]
        == "It cannot be deleted: 2 × Order still name it in Customer."
    )
    back = changes.bulk(mia, "customer", Chosen(tuple(ids[:10])), Doing("restore"))
    assert (back.count("changed"), whys(changes, mia, back)[ids[0]][0]) == (9, "gone")
    given = changes.bulk(
        mia, "customer", Chosen(tuple(ids[:4])),
        Doing("transfer", owner=world.ids["sue"], along=("order.customer",)),
    )  # fmt: skip
    assert (given.count("changed"), set(names(world, ids[:4], "owner"))) == (4, {world.ids["sue"]})
    assert {world.row("order", one)["owner"] for one in both} == {world.ids["sue"]}


def test_all_that_match_are_done_by_the_workers_each_once(world, changes, monkeypatch):
    mia = world.who("mia")
    monkeypatch.setattr(runs_module, "CHUNK", 10)
    ids = [world.customer("sam", name=f"C{n}") for n in range(45)]
    chosen = Chosen(
        filter="level == 'b'", where={"owner": world.ids["sam"]}, without=frozenset(ids[:2])
    )
    run = changes.bulk(
        mia, "customer", chosen, Doing("update", {"level": "a", "reason": "x"}), at_once=20
    )
    assert (run.state, run.total, run.mark) == ("waiting", 43, 0)
    applied = changes._applied

    def dies(*given):
        if changes.get(mia, run.id).mark >= 20:
            raise KeyboardInterrupt
        return applied(*given)

    monkeypatch.setattr(changes, "_applied", dies)
    with pytest.raises(KeyboardInterrupt):
        changes.advance(run.id)
    monkeypatch.setattr(changes, "_applied", applied)
    assert (changes.get(mia, run.id).state, changes.get(mia, run.id).mark) == ("running", 20)
    while changes.advance(run.id):
        pass
    done = changes.get(mia, run.id)
    assert (done.state, done.mark, done.count("changed")) == ("done", 43, 43)
    lines = world.one(sa.text("SELECT count(*) FROM trellis.history WHERE change_set = :id"),
                      id=done.change_set)  # fmt: skip
    assert lines[0] == 43
    assert names(world, ids[:3], "level") == ["b", "b", "a"]
    with pytest.raises(Conflict):
        changes.cancel(mia, run.id)
    with pytest.raises(NotFound):
        changes.get(world.who("sam"), run.id)
    assert [one.id for one in changes.listed(mia)] == [run.id]


def test_what_can_be_done_to_none_is_refused_before_the_first(world, changes):
    one = world.customer("sam")
    for who, doing, error in (
        ("sam", Doing("delete"), Forbidden),
        ("aud", Doing("update", {"level": "a"}), Forbidden),
        ("sam", Doing("update", {"credit": "1"}), InvalidInput),
        ("sam", Doing("update", {"secret": "1"}), InvalidInput),
        ("sam", Doing("update", {"nme": "1"}), InvalidInput),
        ("sam", Doing("update", {"level": "z"}), InvalidInput),
        ("sam", Doing("update", {"name": None}), InvalidInput),
        ("sam", Doing("update", {"files": [1]}), InvalidInput),
        ("sam", Doing("update", add={"level": ["a"]}), InvalidInput),
        ("mia", Doing("transfer", owner=10**6), InvalidInput),
    ):
        with pytest.raises(error):
            changes.bulk(world.who(who), "customer", Chosen((one,)), doing)
    right = Doing("update", {"level": "b"})
    for chosen in (Chosen(()), Chosen(filter="name == 'no'")):
        with pytest.raises(InvalidInput):
            changes.bulk(world.who("sam"), "customer", chosen, right)
    with pytest.raises(Malformed):
        changes.bulk(world.who("sam"), "customer", Chosen(filter="=="), right)
    assert changes.listed(world.who("root")) == []
