"""What people do to each other's records, told to those it concerns: mentions, handovers, shares.

Whoever is named in a comment or follow-up (``@Lin Yue``) hears of it, whoever is given records by
a colleague, once for everything that changed hands together, and with whom one is shared. What
rules do is told by rules.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from app.access.organisation import Person
from app.access.sources import is_any_link
from app.automation.outgoing import Outbox
from app.automation.people import Recipient
from app.automation.registry import SHARES, RuleNumbers
from app.notifications.telling import Notice, Teller
from app.texts import say

if TYPE_CHECKING:
    from app.records.drafts import Draft, Problems
    from app.records.reactions import Change
    from app.records.work import Work

#: Not the sign within an address.
_SIGN = re.compile(r"(?<![A-Za-z0-9._-])@")
#: The origins of writes by which people hear of each other.
BY_PEOPLE = ("screen", "api")
#: Of a comment the message shows this much.
_SHOWN = 300
_MENTIONED = say(
    "{{ facts.who }} mentioned you: “{{ facts.words }}”",
    "{{ facts.who }}提到了您：“{{ facts.words }}”",
)
_HANDED_ONE = say(
    "{{ facts.who }} handed “{{ record.title }}” to you.",
    "{{ facts.who }}将“{{ record.title }}”转交给您。",
)
_HANDED_MANY = say(
    "{{ facts.who }} handed {{ facts.count }} records to you: {{ facts.en }}.",
    "{{ facts.who }}将 {{ facts.count }} 条记录转交给您：{{ facts.zh }}。",
)


_SHARED = say(
    "{{ facts.who }} shared “{{ record.title }}” with you{{ ', to edit' if facts.edit }}"
    "{{ ', until ' ~ (facts.until|date('yyyy-MM-dd')) if facts.until }}.",
    "{{ facts.who }}与您共享了“{{ record.title }}”{{ '，可编辑' if facts.edit }}"
    "{{ '，至 ' ~ (facts.until|date('yyyy-MM-dd')) ~ ' 止' if facts.until }}。",
)


class News:
    """Listens to writes for what people should hear of each other."""

    def __init__(self, teller: Teller, numbers: RuleNumbers) -> None:
        """Take who tells, and the numbers by which people mute what they hear."""
        self._teller = teller
        self._numbers = numbers

    def before_write(
        self, work: Work, draft: Draft, old_row: Mapping[str, Any] | None, problems: Problems
    ) -> None:
        """Do nothing."""

    def after_write(self, work: Work, change: Change) -> None:
        """Note what is to be told."""
        if change.action == "comment":
            self._mention(work, change, str(change.said.get("text") or ""))
        elif change.action == "create" and work.origin in BY_PEOPLE:
            self._mention(work, change, _words(change))
        elif change.action == "transfer" and work.origin in BY_PEOPLE:
            self._hand_over(work, change)
        elif change.action == "share" and work.origin in BY_PEOPLE:
            self._share(work, change)

    # -- mentions ----------------------------------------------------------------------------------

    def _mention(self, work: Work, change: Change, text: str) -> None:
        if "@" not in text:
            return
        people = work.organisation.snapshot().people
        named = [one for one in mentioned(text, people.values()) if one != work.user_id]
        if not named:
            return
        author = people.get(work.user_id or 0)
        words = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
        who = author.name if author is not None else str(change.said.get("from") or "")
        self._tell(
            work,
            Notice(
                kind="mention",
                key=f"mention/{secrets.token_hex(8)}",
                to=[Recipient(one, name=people[one].name) for one in named],
                via=("inbox", "email"),
                text=_MENTIONED,
                facts={"who": who, "words": words},
                entity=change.entity.name,
                record_id=change.record_id,
            ),
        )

    # -- handovers ---------------------------------------------------------------------------------

    def _hand_over(self, work: Work, change: Change) -> None:
        owner, before = change.row.get("owner"), (change.old_row or {}).get("owner")
        if owner is None or owner in (before, work.user_id) or work.user_id is None:
            return
        key = ("news", work.user_id, owner)
        known: dict[str, list[int]] | None = work.shared.notes.get(key)
        if known is None:
            known = work.shared.notes[key] = {}
            # Told at the end: what goes along belongs to the same message.
            work.shared.closing.append(lambda: self._tell_owner(work, int(owner), key))
        known.setdefault(change.entity.name, []).append(change.record_id)

    def _tell_owner(self, work: Work, owner: int, key: tuple[Any, ...]) -> None:
        handed: dict[str, list[int]] = work.shared.notes.pop(key, {})
        people = work.organisation.snapshot().people
        who = people.get(work.user_id or 0)
        facts: dict[str, Any] = {"who": who.name if who is not None else ""}
        number = sum(map(len, handed.values()))
        about: dict[str, Any] = {}
        if number == 1:
            ((entity, (record_id,)),) = handed.items()
            about = {"entity": entity, "record_id": record_id}
        else:
            facts |= {"count": number, **_kinds(work, handed)}
        self._tell(
            work,
            Notice(
                kind="record",
                key=f"handed/{secrets.token_hex(8)}",
                to=[Recipient(owner)],
                text=_HANDED_ONE if number == 1 else _HANDED_MANY,
                facts=facts,
                **about,
            ),
        )

    # -- shares ------------------------------------------------------------------------------------

    def _share(self, work: Work, change: Change) -> None:
        people = work.organisation.snapshot().people
        who = people.get(work.user_id or 0)
        told = [one for one in change.said["users"] if one != work.user_id]
        if who is None or not told:
            return
        self._tell(
            work,
            Notice(
                kind="record",
                key=f"shared/{secrets.token_hex(8)}",
                to=[Recipient(one) for one in told],
                text=_SHARED,
                facts={
                    "who": who.name,
                    "edit": change.said["edit"],
                    "until": change.said["until"],
                },
                rule=self._numbers.find(SHARES),
                entity=change.entity.name,
                record_id=change.record_id,
            ),
        )

    def _tell(self, work: Work, notice: Notice) -> None:
        outbox = Outbox()
        self._teller.tell(work, outbox, notice)
        outbox.flush(work)


def _kinds(work: Work, handed: Mapping[str, list[int]]) -> dict[str, str]:
    """Return what was handed over in words, in each language of the product."""
    entities = work.release.catalog.entities
    found = {}
    for language, joint, pattern in (("en", ", ", "{0} {1}"), ("zh", "、", "{1} {0} 条")):
        found[language] = joint.join(
            pattern.format(
                len(ids),
                (entities[name].label if len(ids) == 1 else _plural(entities[name])).in_language(
                    language
                ),
            )
            for name, ids in handed.items()
        )
    return found


def _plural(entity: Any) -> Any:
    return entity.plural or entity.label


def _words(change: Change) -> str:
    """Return what was said in a record that is about others, such as a follow-up."""
    entity = change.entity
    title = entity.fields.get(entity.title or "")
    if title is None or title.type.name not in ("text", "longtext", "markdown"):
        return ""
    words = str(change.row.get(title.name) or "")
    if "@" not in words:
        return ""
    is_about = any(is_any_link(one) and not one.removed for one in entity.fields.values())
    return words if is_about else ""


def mentioned(text: str, people: Iterable[Person]) -> list[int]:
    """Return whom a text names by ``@`` and their name or sign-in name, each once."""
    return list(dict.fromkeys(number for _, _, number in named_in(text, people)))


def named_in(text: str, people: Iterable[Person]) -> list[tuple[int, int, int]]:
    """Return where a text names somebody by ``@``: from, to, and whom.

    The longest name that fits counts: ``@Lin Yue`` is not Lin.
    """
    names = sorted(
        (
            (str(name), one.id)
            for one in people
            if one.active
            for name in (one.name, one.record.get("login"))
            if name
        ),
        key=lambda pair: -len(pair[0]),
    )
    found: list[tuple[int, int, int]] = []
    for at in _SIGN.finditer(text):
        part = text[at.end() :]
        for name, number in names:
            rest = part[len(name) : len(name) + 1]
            if part[: len(name)].casefold() != name.casefold():
                continue
            # A Latin name ends where its word does; Chinese ones need no space behind them.
            if name[-1].isascii() and rest.isascii() and (rest.isalnum() or rest in ("_", "-")):
                continue
            found.append((at.start(), at.end() + len(name), number))
            break
    return found
