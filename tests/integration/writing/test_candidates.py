"""Looking for the same thing twice in all records, and what is shown of it to whom."""

from __future__ import annotations

import pytest

from app.duplicates.desk import Duplicates
from app.errors import Forbidden, NotFound


def make(world, entity, who="sam", **values):
    return world.records.create(world.who(who), entity, values).id


def shown(desk, who, **said):
    return {
        tuple(sorted((each.entity, each.id) for each in (one.one, one.other))): {
            (reason.kind, reason.field, reason.other_field) for reason in one.reasons
        }
        for one in desk.listed(who, **said)
    }


def test_a5_pairs_are_found_by_value_likeness_and_sound_and_shown_to_who_may_read_both(corner):
    desk, root, sam = (
        Duplicates(corner.records, corner.clock),
        corner.who("root"),
        corner.who("sam"),
    )
    one = make(corner, "client", name="上海信远科技有限公司", mail="a@x.example",
               phones=[{"number": "13800138000"}])  # fmt: skip
    alike = make(corner, "client", name="上海信远科技有限公司分部")
    mail = make(corner, "client", "tom", name="Somebody else", mail="A@x.example")
    sound = make(corner, "client", name="Shanghai Xinyuan Keji Youxian Gongsi")
    lead = make(corner, "prospect", name="Li", mobile="13800138000")
    far = make(corner, "client", name="Nothing of all that")
    for who in (sam, corner.who("aud")):
        with pytest.raises(Forbidden):
            desk.begin(who)
    number = desk.begin(root)
    assert desk.begin(root) == number, "one at a time"
    assert desk.silent() == [number]
    desk.run(number)
    desk.run(number)
    scan = desk.last_scan()
    assert (scan["state"], scan["step"], scan["found"]) == ("done", scan["steps"], 4), scan
    pairs = shown(desk, root)
    client = "client"
    assert pairs == {
        ((client, one), (client, alike)): {("alike", "name", "name")},
        ((client, one), (client, mail)): {("email", "mail", "mail")},
        ((client, one), (client, sound)): {("sound", "name", "name")},
        ((client, one), ("prospect", lead)): {("phone", "phones", "mobile")},
    }
    assert not any((client, far) in pair for pair in pairs)
    # Sam may not read Tom's client, the auditor not the field it was found by.
    assert shown(desk, sam).keys() == pairs.keys() - {((client, one), (client, mail))}
    assert shown(desk, corner.who("aud")).keys() == shown(desk, sam).keys()
    assert (desk.count(root), desk.count(sam), desk.count(corner.who("tom"))) == (4, 3, 0)
    assert shown(desk, sam, entity="prospect").keys() == {((client, one), ("prospect", lead))}


def test_what_was_told_apart_is_never_shown_or_warned_about_again(corner):
    desk, sam = Duplicates(corner.records, corner.clock), corner.who("sam")
    one = make(corner, "client", name="Acme", mail="a@x.example")
    written = corner.records.create(sam, "client", {"name": "Other", "mail": "a@x.example"})
    assert len(written.warnings) == 1
    # A save that was only warned is looked at later, without any scan.
    assert shown(desk, sam) == {
        (("client", one), ("client", written.id)): {("email", "mail", "mail")}
    }
    (pair,) = desk.listed(sam)
    for who, error in (("tom", NotFound), ("aud", NotFound)):
        with pytest.raises(error):
            desk.keep_apart(corner.who(who), pair.id)
    assert corner.records.find_duplicates(sam, "client", {"mail": "a@x.example"}, written.id)
    desk.keep_apart(sam, pair.id)
    assert shown(desk, sam) == {}
    assert not corner.records.find_duplicates(sam, "client", {"mail": "a@x.example"}, written.id)
    assert not corner.records.find_duplicates(sam, "client", {"mail": "a@x.example"}, one)
    assert corner.records.update(sam, "client", one, {"mail": "A@x.example"}).warnings == ()
    desk.run(desk.begin(corner.who("root")))
    assert shown(desk, corner.who("root")) == {}, "a scan does not forget"
    with pytest.raises(NotFound):
        desk.keep_apart(sam, pair.id)
    desk.keep_apart(sam, pair.id, apart=False)
    assert len(desk.listed(sam)) == 1
    # What is the same no more, or in the bin, is no pair.
    corner.records.update(sam, "client", one, {"mail": "b@x.example"})
    desk.run(desk.begin(corner.who("root")))
    assert desk.listed(sam) == []


def test_a5_what_is_hidden_is_not_in_the_score_and_who_may_only_read_tells_nothing_apart(corner):
    desk, root, aud = (
        Duplicates(corner.records, corner.clock),
        corner.who("root"),
        corner.who("aud"),
    )
    ids = [
        make(corner, "client", name=f"上海信远科技有限公司{rest}", mail="a@x.example")
        for rest in ("", "分部")
    ]
    (full,), (part,) = desk.listed(root), desk.listed(aud)
    assert [one.kind for one in part.reasons] == ["alike"]
    assert {one.kind for one in full.reasons} == {"alike", "email"}
    assert part.score < 0.9 < full.score

    for number in ids:
        corner.records.share(root, "client", number, [corner.ids["tom"]], may_edit=False)
    tom = corner.who("tom")
    assert [one.id for one in desk.listed(tom)] == [full.id]
    with pytest.raises(Forbidden):
        desk.keep_apart(tom, full.id)
    desk.keep_apart(corner.who("sam"), full.id)
    assert desk.listed(root) == []
