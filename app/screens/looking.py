"""Who else looks at a record: an open page asks now and then, and says that it is there."""

from __future__ import annotations

from flask import Response, request

from app.screens.marks import mark_of
from app.screens.visit import Visit

#: Faces beside each other; more are a number.
_SHOWN = 4
_WORDS = ("looks", "edits", "gone")


def here(visit: Visit, name: str, number: str) -> Response:
    """Say that the visitor looks at a record, and return who else does."""
    visit.entity(name)
    record = visit.records.get(visit.principal, name, number, fields=("id",))
    word = request.form.get("word", "looks")
    presence, me = visit.screens.presence, visit.principal.user_id
    if me is not None and word in _WORDS:
        presence.say(name, record.id, me, word)
    if word == "gone":
        return Response("", 204)
    people = visit.core.organisation.snapshot().people
    others = []
    for one in presence.others(name, record.id, me):
        person = people.get(one.user_id)
        if person is None or not person.name:
            continue
        say = visit.wording.say
        words = (
            say("%(name)s is editing this", name=person.name)
            if one.edits
            else say("%(name)s is looking at this", name=person.name)
        )
        others.append((mark_of(person.name), words, one.edits))
    return visit.render("looking.html", others=others[:_SHOWN], more=len(others) - _SHOWN)
