"""Looking for the same thing twice in all records, and what is shown of it to whom."""

from __future__ import annotations

import pytest

from app.clock import SystemClock
from app.duplicates.desk import Duplicates
from app.errors import Forbidden, Malformed, NotFound, TooManyRequests


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


def test_a5_asking_by_a_word_tells_what_saving_would_is_noted_and_heard_sixty_times(corner):
    # The audit has the time of the database.
    desk, sam = Duplicates(corner.records, SystemClock()), corner.who("sam")
    mine = make(corner, "client", name="Acme Trading", mail="a@x.example",
                phones=[{"number": "13800138000"}])  # fmt: skip
    make(corner, "client", "tom", name="Hidden House", mail="b@x.example",
         phones=[{"number": "13900139000"}])  # fmt: skip
    lead = make(corner, "prospect", name="Li", mobile="13800138001")

    def asked(text, who=sam):
        found = desk.checking.check(who, text, address="192.0.2.1")
        return {(one.asked, one.found.entity, one.found.id, one.found.field) for one in found}

    own = {("client", "client", mine, "phones")}
    assert asked("138 0013 8000") == asked("+86 13800138000") == own
    assert asked("ACME trading") == {("client", "client", mine, "name")}
    assert asked("13800138001") == {("client", "prospect", lead, "phones")}
    # Of a number for which a save would be refused it is said that there is one, and no more.
    (hidden,) = desk.checking.check(sam, "13900139000")
    assert hidden.as_json() == {
        "entity": None, "id": None, "title": None, "asked": "client", "field": "phones",
        "same": True,
    }  # fmt: skip
    # Of what a save would only warn about, nothing.
    assert asked("b@x.example") == asked("Hidden House") == asked("13900") == set()
    assert len(asked("b@x.example", corner.who("root"))) == 1
    with pytest.raises(Forbidden):
        asked("13800138000", corner.who("aud"))
    for text in ("", " a ", "x" * 201, "\x00\x00"):
        with pytest.raises(Malformed):
            asked(text)
    for _ in range(60 - 8):
        asked("nothing of it")
    with pytest.raises(TooManyRequests) as caught:
        asked("nothing of it")
    assert 0 < caught.value.retry_after <= 3_601
    asked("nothing of it", corner.who("tom"))
    with corner.pools.read.connection() as connection:
        rows = connection.execute(
            "SELECT details, address FROM trellis.audit WHERE kind = 'data.duplicates.checked' "
            "AND user_id = %s ORDER BY id",
            [sam.user_id],
        ).fetchall()
    assert len(rows) == 60
    assert rows[0] == ({"text": "138 0013 8000", "found": 1, "hidden": 0}, "192.0.2.1")
    assert {"text": "13900139000", "found": 0, "hidden": 1} in [row[0] for row in rows]
