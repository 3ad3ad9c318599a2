"""What pools do by themselves: warn the owner, then take the record back.

The reminders fire ``pool:NAME/warn/N`` and ``pool:NAME/recycle/N``; here they are carried out, if
the record still is to go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.automation.firings import Ended
from app.automation.outgoing import Outbox
from app.automation.people import Recipient
from app.automation.pools import (
    context_of,
    fitting_pool,
    leaving,
    pool_named,
    put_into_pool,
)
from app.automation.registry import RuleNumbers
from app.automation.running import Firing
from app.definitions.automation import Pool
from app.definitions.catalog import Entity
from app.notifications.telling import Notice, Teller
from app.records.checking import truth
from app.records.work import Work
from app.texts import Label, say

PREFIX = "pool:"
_NAME = re.compile(r"pool:(.+)/(warn|recycle)/(\d+)")


class PoolHandler:
    """Runs the firings of pools."""

    def __init__(self, numbers: RuleNumbers, teller: Teller) -> None:
        self._numbers = numbers
        self._teller = teller

    def run(self, work: Work, firing: Firing, _step: str, outbox: Outbox) -> Ended | None:
        """Warn or recycle, in the open transaction."""
        found = _NAME.fullmatch(self._numbers.name(firing.rule) or "")
        entity = work.release.catalog.entities.get(firing.entity or "")
        if found is None or entity is None or firing.record_id is None:
            return _ended(firing, say("The public sea is gone.", "公海已不存在。"))
        pool = pool_named(work, entity, found[1])
        row = work.rows[entity.name].lock(work.connection, [firing.record_id]).get(firing.record_id)
        number = int(found[3])
        if pool is None or number >= len(pool.recycle):
            return _ended(firing, say("The public sea is gone.", "公海已不存在。"))
        why = _why_not(work, entity, row, pool, number)
        if why is not None or row is None:
            return _ended(firing, why)
        if found[2] == "warn":
            return self._warn(work, outbox, firing, pool, entity, row)
        due = work.rows.closures.of(pool.recycle[number].due)(context_of(work, entity, row))
        if due is None or _moment(work, due) > work.now:
            return _ended(firing, say("Its date has moved.", "日期已变动。"))
        as_pool = work.acting_as(
            work.principal, origin="rule", cause=f"{PREFIX}{pool.name}/recycle/{number}"
        )
        put_into_pool(as_pool, entity, row, pool, reason=f"recycle/{number}", action="recycle")
        return None

    def _warn(
        self,
        work: Work,
        outbox: Outbox,
        firing: Firing,
        pool: Pool,
        entity: Entity,
        row: Mapping[str, Any],
    ) -> Ended | None:
        coming = leaving(work, entity, row)
        if coming is None:
            return _ended(firing, say("It is not to go.", "无需收回。"))
        day = work.calendar.local(coming.at).strftime("%Y-%m-%d %H:%M")
        told = self._teller.tell(
            work,
            outbox,
            Notice(
                kind="rule",
                key=f"{firing.id}/warn",
                to=[Recipient(int(row["owner"]))],
                text=_warning(pool.label, day),
                about=pool.label,
                rule=firing.rule,
                firing=firing.id,
                entity=entity.name,
                record_id=int(row["id"]),
            ),
        )
        if told.reached:
            return None
        return _ended(firing, say("The owner was not told.", "未能通知负责人。"))


def _warning(pool: Label, day: str) -> Label:
    """Return the text of a warning; the name of a pool is no template."""
    plain = Label({language: re.sub(r"[{}%#]", "", text) for language, text in pool.texts.items()})
    return say(
        "{record} goes to “{pool}” on {day}, unless somebody takes care of it.",
        "{record} 将于 {day} 自动进入“{pool}”，请及时跟进。",
        record="{{ record.title }}",
        pool=plain,
        day=day,
    )


def _why_not(
    work: Work, entity: Entity, row: Mapping[str, Any] | None, pool: Pool, number: int
) -> Label | None:
    """Return why a record does not go after all; None: it goes."""
    if row is None or row.get("deleted_at") is not None:
        return say("It was deleted.", "记录已删除。")
    if row["owner"] is None:
        return say("Nobody owns it any more.", "记录已没有负责人。")
    context, closures = context_of(work, entity, row), work.rows.closures
    if fitting_pool(work, entity, row) is not pool:
        return say("Another public sea takes it.", "由其他公海接收。")
    if pool.exempt is not None and truth(context, closures, pool.exempt):
        return say("It is exempt.", "该记录豁免收回。")
    if not truth(context, closures, pool.recycle[number].if_):
        return say("The condition does not hold.", "条件不满足。")
    return None


def _moment(work: Work, due: Any) -> Any:
    return due if hasattr(due, "tzinfo") else work.calendar.midnight(due)


def _ended(firing: Firing, why: Label | None) -> Ended:
    return Ended(firing, "skipped", why)
