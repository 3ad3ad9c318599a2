"""`release` and `claim`: a record goes into a public sea, or to whoever caused the rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from app.automation.actions.base import Action, Outcome, skipped
from app.automation.assignment import assign_to
from app.automation.pools import get_pool, put_into_pool, take_from_pool
from app.automation.quotas import why_full
from app.definitions.automation import Claim as ClaimSettings
from app.definitions.automation import Release as ReleaseSettings
from app.texts import say

if TYPE_CHECKING:
    from app.automation.running import Running


class ReleaseAction(Action):
    """Puts the record into a pool, or into the first that takes it."""

    name: ClassVar[str] = "release"

    def run(self, running: Running, settings: ReleaseSettings) -> Outcome:
        """Release the record at hand, as it is now."""
        work, entity = running.work, running.entity
        if entity is None or running.row is None:
            return skipped("There is no record to release.", "没有可释放的记录。")
        row = running.acting.row(entity.name, int(running.row["id"]), lock=True)
        pool = get_pool(work, entity, settings.to, row)
        if row["owner"] is None and row.get("pool") == pool.name:
            return skipped("It lies in {pool} already.", "它已经在“{pool}”中。", pool=pool.label)
        reason = running.value(settings.reason) if settings.reason is not None else None
        put_into_pool(work, entity, row, pool, reason=str(reason) if reason else None)
        return Outcome("done", say("Put into {pool}.", "已放入“{pool}”。", pool=pool.label))


class ClaimAction(Action):
    """Gives the record to whoever caused the rule; the limits of pools are for people."""

    name: ClassVar[str] = "claim"

    def run(self, running: Running, _settings: ClaimSettings) -> Outcome:
        """Give the record at hand to the causer."""
        work, entity, causer = running.work, running.entity, running.causer
        if entity is None or running.row is None or causer is None or causer.user_id is None:
            return skipped("Nobody caused it.", "没有触发人。")
        row = running.acting.row(entity.name, int(running.row["id"]), lock=True)
        if row["owner"] == causer.user_id:
            return skipped("It is theirs already.", "记录已属于触发人。")
        full = why_full(work, entity, row, causer.user_id)
        if full is not None:
            return Outcome("skipped", full)
        if row["owner"] is None and row.get("pool"):
            take_from_pool(work, entity, row, causer.user_id)
        else:
            assign_to(work, entity, row, causer.user_id)
        return Outcome("done", say("Given to {name}.", "已分配给{name}。", name=causer.name))
