"""What people do to records, told to those who follow them: comments, moves, other hands.

Other changes are in the record's history; what rules do is told by rules. Who made it hears nothing
of it, and whom it concerns by name hears it by that (`news`).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.automation.news import BY_PEOPLE, mentioned
from app.automation.outgoing import Outbox
from app.automation.people import Recipient
from app.automation.registry import FOLLOWED, RuleNumbers
from app.notifications.telling import Notice, Teller
from app.records.followers import followers_of_many
from app.texts import Label, say

if TYPE_CHECKING:
    from app.definitions.catalog import Entity
    from app.records.drafts import Draft, Problems
    from app.records.reactions import Change
    from app.records.work import Work

#: Of a comment the message shows this much.
_SHOWN = 300
_SAID = say(
    "{{ facts.who }} on “{{ record.title }}”: “{{ facts.words }}”",
    "{{ facts.who }}评论了“{{ record.title }}”：“{{ facts.words }}”",
)
_MOVED = say(
    "{{ facts.who }} moved “{{ record.title }}” to {{ facts.en }}.",
    "{{ facts.who }}将“{{ record.title }}”移至{{ facts.zh }}。",
)
_HANDED = say(
    "{{ facts.who }} handed “{{ record.title }}” to {{ facts.to }}.",
    "{{ facts.who }}将“{{ record.title }}”转交给{{ facts.to }}。",
)
_KEY = "followed"


class Following:
    """Listens to writes for what followers should hear."""

    def __init__(self, teller: Teller, numbers: RuleNumbers) -> None:
        """Take who tells, and the numbers by which people mute what they hear."""
        self._teller = teller
        self._numbers = numbers

    def before_write(
        self, work: Work, draft: Draft, old_row: Mapping[str, Any] | None, problems: Problems
    ) -> None:
        """Do nothing."""

    def after_write(self, work: Work, change: Change) -> None:
        """Note what is to be told; who follows is asked once, at the end."""
        if work.origin not in BY_PEOPLE or work.user_id is None:
            return
        told = _told(work, change)
        if told is None:
            return
        noted: list[Any] | None = work.shared.notes.get(_KEY)
        if noted is None:
            noted = work.shared.notes[_KEY] = []
            work.shared.closing.append(lambda: self._tell_all(work))
        noted.append((change.entity, change.record_id, *told))

    def _tell_all(self, work: Work) -> None:
        noted = work.shared.notes.pop(_KEY, [])
        ids: dict[str, set[int]] = {}
        for entity, record_id, *_ in noted:
            ids.setdefault(entity.name, set()).add(record_id)
        followers = {
            name: followers_of_many(work, work.release.catalog.entities[name], wanted)
            for name, wanted in ids.items()
        }
        people = work.organisation.snapshot().people
        who = people.get(work.user_id or 0)
        outbox = Outbox()
        for entity, record_id, text, facts, known in noted:
            to = [
                one
                for one in followers[entity.name].get(record_id, ())
                if one != work.user_id and one not in known and one in people
            ]
            if not to:
                continue
            notice = Notice(
                kind="record",
                key=f"followed/{secrets.token_hex(8)}",
                to=[Recipient(one, name=people[one].name) for one in to],
                text=text,
                facts={"who": who.name if who is not None else "", **facts},
                rule=self._numbers.find(FOLLOWED),
                entity=entity.name,
                record_id=record_id,
            )
            self._teller.tell(work, outbox, notice)
        outbox.flush(work)


def _told(work: Work, change: Change) -> tuple[Label, dict[str, Any], frozenset[int]] | None:
    """Return the sentence, its words, and who hears of it anyway; None: it is no news."""
    people = work.organisation.snapshot().people
    if change.action == "comment":
        text = str(change.said.get("text") or "")
        words = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
        named = mentioned(text, people.values()) if "@" in text else []
        return _SAID, {"words": words}, frozenset(named)
    if change.action == "transfer":
        owner = people.get(change.row.get("owner") or 0)
        if owner is None or owner.id == (change.old_row or {}).get("owner"):
            return None
        return _HANDED, {"to": owner.name}, frozenset({owner.id})
    if change.action == "update":
        stage = _stage(change.entity, change)
        return (_MOVED, stage, frozenset()) if stage is not None else None
    return None


def _stage(entity: Entity, change: Change) -> dict[str, str] | None:
    """Return the stage a record got to, in each language; None where it stays."""
    for name in change.fields:
        field = entity.fields.get(name)
        if field is not None and field.type.name == "stage" and change.row.get(name):
            return {
                language: field.type.display(field, change.row[name], language, "UTC")
                for language in ("en", "zh")
            }
    return None
