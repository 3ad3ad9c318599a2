"""Tell people something: who may hear it, in which words, by which ways and when.

Everything that is told to somebody goes through `Teller`: rules, approvals, pools, shares. It
writes no row itself: messages and deliveries are put into the outbox of the transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.access.principal import Principal
from app.definitions.automation import Template
from app.notifications.outbox import Channel, Kind, NewDelivery, NewMessage
from app.notifications.preferences import Preferences
from app.notifications.quiet import after_quiet, digest_at
from app.notifications.readers import Readers
from app.notifications.reading import View, view_of
from app.notifications.rendering import Renderer, TemplateFailed
from app.notifications.wording import Words, fallback, words_of
from app.records.results import Record
from app.records.sharing import with_new_shares
from app.records.work import Work
from app.texts import Label, say

CHATS: tuple[Channel, ...] = ("wecom", "dingtalk", "feishu", "slack")


class Receiver(Protocol):
    """Whom something is told: a user, or an address outside."""

    @property
    def user_id(self) -> int | None: ...
    @property
    def address(self) -> str | None: ...
    @property
    def name(self) -> str: ...


class Outbox(Protocol):
    """Where rows wait for the end of the transaction."""

    def post(self, message: NewMessage) -> None: ...
    def queue(self, delivery: NewDelivery) -> None: ...


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to be told."""

    kind: Kind
    #: what makes it this one and no other, for each receiver
    key: str
    to: Sequence[Receiver]
    cc: Sequence[Receiver] = ()
    via: Sequence[str] = ("inbox",)
    #: a text with ``{{ … }}``, or a template
    text: Label | None = None
    template: Template | None = None
    #: templates of files to send along
    attach: Sequence[Template] = ()
    #: what a button asked or a program sent
    input: Mapping[str, Any] = field(default_factory=dict)
    #: the record's columns before
    old_row: Mapping[str, Any] | None = None
    #: records that were made, by the name they were given: entity and id
    made: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    #: words of the sentence, ``{{ facts.who }}``: what people typed is never read as a template
    facts: Mapping[str, Any] = field(default_factory=dict)
    #: who caused it
    causer: int | None = None
    #: what is said where the template fails: the rule's name
    about: Label | None = None
    rule: int | None = None
    firing: int | None = None
    step: str | None = None
    entity: str | None = None
    record_id: int | None = None
    #: the page it is about, where that is no record's: ``/exports/3``
    path: str | None = None
    #: an answer to what its receiver has just done: quiet hours or not
    at_once: bool = False


@dataclass(slots=True)
class Told:
    """What became of a notice."""

    #: names of those who hear of it
    reached: list[str] = field(default_factory=list)
    #: names of those who may not read the record
    shut_out: list[str] = field(default_factory=list)
    #: names of those who muted the rule
    muted: list[str] = field(default_factory=list)
    #: sentences about what could not be done
    problems: list[Label] = field(default_factory=list)

    def problem(self, sentence: Label) -> None:
        """Note a sentence, once."""
        if sentence not in self.problems:
            self.problems.append(sentence)


class Teller:
    """Tells; one for a process."""

    def __init__(self, address: str | None = None) -> None:
        """Take where people reach Trellis, for links."""
        self.address = address or ""
        self.readers = Readers()
        self.renderer = Renderer()
        self.preferences = Preferences()

    def tell(self, work: Work, outbox: Outbox, notice: Notice) -> Told:
        """Put what is to be told into the outbox and return what became of it."""
        return _Telling(self, work, outbox, notice).run()


class _Telling:
    """One notice on its way to its receivers."""

    def __init__(self, teller: Teller, work: Work, outbox: Outbox, notice: Notice) -> None:
        self._teller = teller
        self._work = work
        self._outbox = outbox
        self._notice = notice
        self._told = Told()
        self._number = work.release.numbers.get(notice.entity or "")
        quiet = after_quiet(work.release.catalog.app, work.now)
        self._shown_at = work.now if notice.at_once else quiet
        #: what people with the same roles read alike
        self._shared: dict[Any, Record] | None = None
        #: what goes to a chat: by channel and text, whom it names
        self._chats: dict[tuple[str, str], list[Principal]] = {}

    def run(self) -> Told:
        receivers = _once([*self._notice.to, *self._notice.cc])
        people = self._people(receivers)
        for person in people:
            self._tell_person(person)
        self._send_chats()
        for receiver in receivers:
            if receiver.user_id is None and receiver.address:
                self._write_to(receiver)
        return self._told

    def _people(self, receivers: Sequence[Receiver]) -> list[Principal]:
        """Return the users among the receivers who work here and may read the record."""
        found = []
        for receiver in receivers:
            if receiver.user_id is not None:
                person = self._work.organisation.principal(receiver.user_id)
                if person is not None:
                    found.append(with_new_shares(self._work, person))
        entity, record_id = self._notice.entity, self._notice.record_id
        if entity is None or record_id is None or len(found) < 2:
            return found
        # Of one receiver it is asked with the record itself.
        may = self._teller.readers.readable_by(self._work, entity, record_id, found)
        self._shared = {}
        self._told.shut_out += [
            who.name for who, allowed in zip(found, may, strict=True) if not allowed
        ]
        return [who for who, allowed in zip(found, may, strict=True) if allowed]

    def _view(self, person: Principal | None) -> View:
        return view_of(self._teller.readers, self._work, person, self._teller.address)

    def _words(self, view: View) -> Words | None:
        """Return what is said to one receiver; None: he may not read the record."""
        try:
            words = words_of(self._teller.renderer, view, self._notice, self._shared)
            if words is not None and not words.text:
                raise TemplateFailed(say("The template gives no text.", "模板没有生成任何内容。"))
        except TemplateFailed as failed:
            self._told.problem(failed.sentence)
            words = fallback(view, self._notice, self._shared)
        return words

    def _tell_person(self, person: Principal) -> None:
        assert person.user_id is not None
        notice = self._notice
        view = self._view(person)
        words = self._words(view)
        if words is None:
            self._told.shut_out.append(person.name)
            return
        choice = self._teller.preferences.of(self._work.connection, person.user_id)
        is_muted = notice.rule is not None and notice.rule in choice.muted
        if "inbox" in notice.via or is_muted:
            self._outbox.post(self._message(person.user_id, words, is_muted=is_muted))
        if is_muted:
            self._told.muted.append(person.name)
            return
        self._told.reached.append(person.name)
        if "email" in notice.via and choice.mail != "never":
            self._mail_person(person, words, choice.mail)
        if choice.chat:
            for channel in CHATS:
                if channel in notice.via:
                    self._chats.setdefault((channel, words.text), []).append(person)

    def _message(self, user_id: int, words: Words, *, is_muted: bool) -> NewMessage:
        notice = self._notice
        return NewMessage(
            user_id=user_id,
            key=notice.key,
            kind=notice.kind,
            text=words.short,
            rule=notice.rule,
            firing=notice.firing,
            entity=self._number,
            record_id=notice.record_id,
            shown_at=self._shown_at,
            is_read=is_muted,
            path=notice.path,
        )

    def _delivery(
        self, channel: Channel, target: str, whom: str, content: Mapping[str, Any], **more: Any
    ) -> NewDelivery:
        notice = self._notice
        return NewDelivery(
            key=f"{notice.key}/{channel}/{whom}",
            channel=channel,
            target=target,
            content=content,
            firing=notice.firing,
            step=notice.step,
            entity=self._number,
            record_id=notice.record_id,
            **{"due_at": self._shown_at, **more},
        )

    def _mail_person(self, person: Principal, words: Words, mail: str) -> None:
        address = person.my.get("email")
        if not address:
            self._told.problem(
                say(
                    "{name} has no e-mail address.", "{name}没有邮箱地址。", name=person.name or "?"
                )
            )
            return
        content = {**words.as_mail(), "name": person.name}
        due_at = self._shown_at
        if mail in ("daily", "weekly"):
            content["digest"] = mail
            due_at = digest_at(self._work.release.catalog.app, self._work.now, mail)  # type: ignore[arg-type]
        self._outbox.queue(
            self._delivery(
                "email",
                str(address),
                str(person.user_id),
                content,
                user_id=person.user_id,
                due_at=due_at,
            )
        )

    def _write_to(self, receiver: Receiver) -> None:
        """Write to an address outside: it holds what the text names."""
        if "email" not in self._notice.via:
            self._told.problem(
                say(
                    "{name} has no inbox here: add `email` to `via`.",
                    "{name}没有站内收件箱：请在 via 中加入 email。",
                    name=receiver.name or receiver.address,
                )
            )
            return
        words = self._words(self._view(None))
        assert receiver.address is not None
        if words is None:
            return
        content = {**words.as_mail(), "name": receiver.name, "outside": True}
        self._outbox.queue(self._delivery("email", receiver.address, receiver.address, content))
        self._told.reached.append(receiver.name or receiver.address)

    def _send_chats(self) -> None:
        """Post each text once to its room, naming everybody it is for."""
        for number, ((channel, text), people) in enumerate(self._chats.items()):
            content = {
                "text": text,
                "names": [person.name for person in people],
                "mobiles": [
                    str(person.my["mobile"]) for person in people if person.my.get("mobile")
                ],
            }
            if self._notice.entity is not None and self._notice.record_id is not None:
                content["path"] = f"/crm/{self._notice.entity}/{self._notice.record_id}"
            self._outbox.queue(self._delivery(channel, channel, str(number), content))  # type: ignore[arg-type]


def _once(receivers: Sequence[Receiver]) -> list[Receiver]:
    """Return the receivers, each once, in order."""
    found: dict[object, Receiver] = {}
    for one in receivers:
        found.setdefault(one.user_id if one.user_id is not None else one.address, one)
    return list(found.values())
