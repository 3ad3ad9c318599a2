"""`notify`: tell people something, in the inbox, by e-mail or in a chat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from app.automation.actions.base import Action, Outcome, skipped
from app.definitions.automation import Notify as Settings
from app.definitions.automation import Template
from app.notifications.telling import Notice, Teller, Told
from app.texts import Label, join, say

if TYPE_CHECKING:
    from app.automation.running import Running

_COMMA = say(", ", "、")
#: Of a message to a whole department the ledger names this many.
_NAMED = 10


class Notify(Action):
    """Puts messages into inboxes and has e-mails and chat messages sent."""

    name: ClassVar[str] = "notify"
    kind: ClassVar[Literal["database", "outside"]] = "outside"

    def __init__(self, teller: Teller | None = None) -> None:
        """Take who tells; one for a process, since it keeps what it compiled."""
        self._teller = teller or Teller()

    def run(self, running: Running, settings: Settings) -> Outcome:
        """Tell everybody who is named and may read the record."""
        receivers = running.people(settings.to)
        copies = running.people(settings.cc)
        if not receivers and not copies:
            return skipped("There was nobody to tell.", "没有可通知的人。")
        told = self._teller.tell(
            running.work, running.outbox, _notice(running, settings, receivers, copies)
        )
        return _outcome(told)


def _notice(running: Running, settings: Settings, receivers: list, copies: list) -> Notice:  # type: ignore[type-arg]
    templates = running.work.release.catalog.automation.templates
    firing, rule = running.firing, running.rule
    return Notice(
        kind="rule",
        key=f"{firing.id}/{running.step.path}",
        to=receivers,
        cc=copies,
        via=settings.via,
        text=settings.say,
        template=_template(templates, settings.template),
        attach=[one for name in settings.attach if (one := _template(templates, name))],
        input=firing.input.get("input") or {},
        old_row=running.old_row,
        made=firing.made,
        causer=running.causer.user_id if running.causer is not None else None,
        about=rule.label or Label({"en": rule.name}),
        rule=firing.rule,
        firing=firing.id,
        step=running.step.path,
        entity=running.entity.name if running.entity is not None else None,
        record_id=firing.record_id if running.entity is not None else None,
    )


def _template(templates: Mapping[str, Template], name: str | None) -> Template | None:
    return templates.get(name) if name else None


def _outcome(told: Told) -> Outcome:
    sentences = []
    if told.reached:
        sentences.append(say("Told: {names}.", "已通知：{names}。", names=_names(told.reached)))
    if told.shut_out:
        sentences.append(
            say(
                "Not told, since the record is not theirs to read: {names}.",
                "未通知（无权查看该记录）：{names}。",
                names=_names(told.shut_out),
            )
        )
    if told.muted:
        sentences.append(
            say(
                "Has muted this rule: {names}.", "已静音此规则：{names}。", names=_names(told.muted)
            )
        )
    sentences += told.problems
    note = join(say(" ", ""), sentences) if sentences else None
    if told.problems and not told.reached:
        return Outcome("failed", note)
    return Outcome("done" if told.reached or told.muted else "skipped", note)


def _names(names: list[str]) -> Label:
    listed = join(_COMMA, names[:_NAMED])
    if len(names) <= _NAMED:
        return listed
    return say(
        "{names} and {more} more", "{names}等 {all} 人", names=listed,
        more=len(names) - _NAMED, all=len(names),
    )  # fmt: skip
