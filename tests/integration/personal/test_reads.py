"""Who read personal data is written down: whole values alone, a line a day, for who answers."""

from __future__ import annotations

import pytest

from app.errors import Forbidden, NotFound
from tests.integration.personal.test_personal import Desk, desk  # noqa: F401 - a fixture.


def test_who_read_what_is_noted_by_day_and_shown_to_who_answers(desk: Desk) -> None:  # noqa: F811
    law, ann, sam = (desk.who(name) for name in ("law", "ann", "sam"))
    number = desk.create("contact", name="Li Wei", email="li@example.com", mobile="13800001111")
    other = desk.create("contact", name="Wu", email="wu@example.com", mobile="13800002222")
    reads = desk.records.reader.reads
    desk.records.get(law, "contact", number)
    reads.write()
    assert desk.personal.reads(law) == [], "only where people are served"
    reads.begin(has_thread=False)
    for _ in range(2):
        desk.records.get(law, "contact", number)
    desk.records.get_json(sam, "contact", other, fields="name")
    desk.records.query(law, "contact", fields=["name", "mobile"], limit=1)
    desk.records.query_json(law, "contact", fields=["id"])
    desk.records.get(law, "contact", number, fields=["id"])
    reads.write()
    desk.records.get(law, "contact", number)
    reads.write()
    reads.write()
    found = {(one.user_id, one.id): (one.times, one.rows) for one in desk.personal.reads(law)}
    assert found == {
        (law.user_id, number): (3, 3),
        (law.user_id, None): (1, 1),
        (sam.user_id, other): (1, 1),
    }
    assert [one.user_id for one in desk.personal.reads(law, "contact", other)] == [sam.user_id]
    with pytest.raises(Forbidden):
        desk.personal.reads(sam)
    with pytest.raises(NotFound):
        desk.personal.reads(law, "contact", 999)
    # What is masked shows nothing.
    desk.records.get(ann, "contact", number, fields=["mobile"])
    reads.write()
    assert not any(one.user_id == ann.user_id for one in desk.personal.reads(law))
