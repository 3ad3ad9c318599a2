"""`call`: tell another system over HTTP, and keep what it answers.

The call is a row written with everything else; a worker makes it once the transaction is committed.
What is to be saved of the answer is worked out when it comes, by the rule as it is then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import sqlalchemy as sa

from app.access.principal import SYSTEM
from app.automation.actions.base import Action, Outcome
from app.automation.context import RuleContext
from app.automation.guard import as_links, link
from app.automation.registry import RuleNumbers
from app.automation.running import Firing
from app.automation.values import value_of
from app.database.automation_tables import firing as firing_table
from app.definitions.automation import Call as Settings
from app.definitions.automation import Given, RuleDefinition, Step
from app.errors import TrellisError, text_in
from app.fields.base import FieldError
from app.notifications.calls import call_content, check_host
from app.notifications.failing import SendFailed
from app.notifications.leases import Held
from app.notifications.outbox import NewDelivery
from app.records.acting import Acting
from app.records.conditions import Linked
from app.records.statements import Statement
from app.texts import Label, say

if TYPE_CHECKING:
    from app.automation.running import Running
    from app.records.work import Work

#: Returns what the steps of a firing follow; None where that is known no more.
FindRule = Callable[["Work", Firing], RuleDefinition | None]

_rule_of = Statement(
    sa.select(
        firing_table.c.rule,
        firing_table.c.occurrence,
        firing_table.c.digest,
        firing_table.c.input["chain"].label("chain"),
    ).where(firing_table.c.id == sa.bindparam("firing", type_=sa.BigInteger))
)


class Call(Action):
    """Has another system called."""

    name: ClassVar[str] = "call"
    kind: ClassVar[Literal["database", "outside"]] = "outside"

    def __init__(self, allowed_hosts: frozenset[str] = frozenset()) -> None:
        """Take the hosts of the inner network that may be called."""
        self._allowed_hosts = allowed_hosts

    def run(self, running: Running, settings: Settings) -> Outcome:
        """Put the call into the outbox, with everything it will say."""
        url = str(running.value(settings.url) or "")
        body = {name: running.value(given) for name, given in settings.body.items()}
        try:
            check_host(url, self._allowed_hosts)
            content = call_content(
                settings.method,
                url,
                body,
                settings.secret,
                saves=bool(settings.save),
                shown_as=settings.shown_as,
            )
        except SendFailed as failed:
            return Outcome("failed", failed.sentence)
        firing, entity = running.firing, running.entity
        running.outbox.queue(
            NewDelivery(
                key=f"{firing.id}/{running.step.path}/call",
                channel="call",
                target=url,
                content=content,
                firing=firing.id,
                step=running.step.path,
                entity=running.work.number(entity.name) if entity is not None else None,
                record_id=firing.record_id,
            )
        )
        return Outcome("done", say("The call was handed over.", "调用已提交。"))


class AnswerContext(RuleContext):
    """What `save` sees: the record, and what was answered."""

    answer: Any = None

    def value(self, path: str) -> Any:
        """Return a value; ``answer.id`` is a part of the answer."""
        first, _, rest = path.partition(".")
        if first != "answer":
            return super().value(path)
        found = self.answer
        for part in rest.split(".") if rest else ():
            found = found.get(part) if isinstance(found, Mapping) else None
        return found


class CallAnswers:
    """Saves what calls were answered; an `Answers` of the deliveries."""

    def __init__(
        self, writer: Any, numbers: RuleNumbers, others: Mapping[str, FindRule] | None = None
    ) -> None:
        """Take who writes, what knows the names of rules, and who finds what is no rule of a file.

        Args:
            others: by the beginning of a name (``approval:``).
        """
        self._writer = writer
        self._numbers = numbers
        self._others = others or {}

    def save(self, held: Held, values: Any) -> Label | None:
        """Save it in a transaction of its own; return a sentence about what could not be saved."""
        if held.firing is None or held.entity is None or held.record_id is None:
            return None
        try:
            return self._writer.transact(  # type: ignore[no-any-return]
                SYSTEM, lambda work: self._save(work, held, values), origin="rule"
            )
        except TrellisError as error:
            first = next((texts[0] for texts in error.fields.values() if texts), error.message)
            return _not_saved(first)
        except FieldError as error:
            return _not_saved(error.sentence)

    def _save(self, work: Work, held: Held, answer: Any) -> Label | None:
        row = _rule_of.run(work.connection, {"firing": held.firing}).fetchone()
        work.cause = self._numbers.name(row[0]) if row is not None else None
        rule = self._rule(work, held, row)
        entity_name = work.release.names.get(held.entity or 0)
        step = _step(rule, entity_name, held.step) if rule is not None and entity_name else None
        if step is None or entity_name is None or held.record_id is None:
            return _not_saved(say("the rule has no such step any more", "规则中已没有该步骤"))
        entity = work.release.catalog.entities[entity_name]
        columns = work.rows[entity_name].read(work.connection, [held.record_id])
        record = columns.get(held.record_id)
        if record is None or record.get("deleted_at") is not None:
            return _not_saved(say("the record is gone", "记录已不存在"))
        context = AnswerContext(work, Linked(work), entity, record)
        context.answer = answer
        values = {
            name: value_of(context, Given(checked=checked), entity.fields[name])
            for name, checked in step.settings.save.items()
            if name in entity.fields
        }
        if row is not None:
            # What is kept of an answer belongs to the chain: it is no news for the rule that asked.
            met = link(work.cause or "", entity_name, held.record_id)
            chain = as_links(row[3] or ())
            work.chain = chain if met in chain else (*chain, met)
        Acting(work).update(entity_name, held.record_id, values)
        return None

    def _rule(self, work: Work, held: Held, row: Any) -> RuleDefinition | None:
        """Return what the step is one of: a rule as it is now, or what follows an approval."""
        name = work.cause or ""
        find = next((one for begin, one in self._others.items() if name.startswith(begin)), None)
        if find is None or row is None:
            return work.release.catalog.automation.rules.get(name)
        return find(work, Firing(held.firing or 0, row[0], row[2], "event", row[1]))


def _step(rule: RuleDefinition, entity: str, path: str | None) -> Step | None:
    """Return the step of a rule at a path, wherever it stands."""
    waiting = list(rule.of(entity)[1])
    while waiting:
        step = waiting.pop()
        if step.path == path and isinstance(step.settings, Settings):
            return step
        for _, branch in getattr(step.settings, "branches", ()):
            waiting.extend(branch)
    return None


def _not_saved(why: Any) -> Label:
    reason = Label({language: text_in(why, language).rstrip(".。") for language in ("en", "zh")})
    return say(
        "Sent. The answer could not be saved: {why}.",
        "已发送，但响应无法保存：{why}。",
        why=reason,
    )
